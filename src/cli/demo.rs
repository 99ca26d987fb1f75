//! `pixelwitness demo`: the embedded demo site, end to end.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum, ValueHint};

use super::batch::default_out;
use super::batch::one;
use super::gate::{Gatekeeper, today};
use super::options::{Replay, cancel_on_signal, on_signal};
use super::outputs::{OutputArgs, Outputs};
use super::results::Results;
use super::{browser, control, exit, gallery, talk};
use crate::batch::entry;
use crate::browser::ConnectTo;
use crate::demo::{Build, DemoServer};
use crate::policy::{Judged, Policy};
use crate::run::RunOptions;
use crate::scenario::Scenario;

const SCENARIO: &str = include_str!("../../scenarios/demo/report-sexual-offence.yaml");
const SCENARIO_PATH: &str = "scenarios/demo/report-sexual-offence.yaml";
const POLICY: &str = include_str!("../../scenarios/demo/northgate.policy.yaml");
const POLICY_PATH: &str = "scenarios/demo/northgate.policy.yaml";

#[derive(Debug, Args)]
#[command(after_help = "\
Everything happens on this machine: the site, its certificates and what plays Facebook are served on loopback, and no
other host is contacted.

  --serve keeps the site up, so that a scenario of your own can be run against it.")]
pub struct DemoArgs {
    /// Which build of the site: with the pixel on every page, or only where recruitment needs it
    #[arg(long, value_enum, default_value = "both")]
    build: Which,
    /// Install Chromium first, if there is none
    #[arg(long)]
    install_browser: bool,
    /// Where the bundle goes; with both builds, a folder of two. Nothing is ever overwritten
    /// [default: evidence/demo-<build>-<UTC time>]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    out: Option<PathBuf>,
    /// Write what really arrived at the demo server, a JSON object a line: the truth to compare evidence with
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    access_log: Option<PathBuf>,
    /// Play the channel gallery instead: each way in which data leaves a page, held against what arrived
    #[arg(long, conflicts_with_all = ["build", "serve"])]
    gallery: bool,
    /// Of the gallery, this channel alone; repeatable
    #[arg(long, value_name = "NAME", requires = "gallery")]
    channel: Vec<String>,
    /// Only serve the site, until Ctrl-C
    #[arg(long, conflicts_with_all = ["out", "json", "install_browser"])]
    serve: bool,
    /// Where it is served; whoever reaches that address reaches the site. Takes one `--build` [default: a free port of
    /// 127.0.0.1]
    #[arg(long, value_name = "ADDRESS:PORT", requires = "serve")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    outputs: OutputArgs,
    #[command(flatten)]
    replay: Replay,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    Leaky,
    Fixed,
    Both,
}

impl Which {
    fn builds(self) -> &'static [(Build, &'static str)] {
        const BOTH: [(Build, &str); 2] = [(Build::Leaky, "leaky"), (Build::Fixed, "fixed")];
        match self {
            Which::Leaky => &BOTH[..1],
            Which::Fixed => &BOTH[1..],
            Which::Both => &BOTH,
        }
    }
}

pub async fn demo(args: DemoArgs) -> u8 {
    let scenario = match Scenario::parse(Path::new(SCENARIO_PATH), SCENARIO.to_owned()) {
        Ok(scenario) => scenario,
        Err(diagnostic) => return talk::diagnostic(&diagnostic),
    };
    let policy = match Policy::parse(Path::new(POLICY_PATH), POLICY.to_owned(), today()) {
        Ok(policy) => Arc::new(policy),
        Err(diagnostic) => return talk::diagnostic(&diagnostic),
    };
    if let Err(code) = args.replay.check_controls(args.gallery) {
        return code;
    }
    if args.serve {
        return serve(args.build, args.listen).await;
    }
    if args.install_browser
        && args.replay.browser.is_none()
        && let Err(code) = browser::install().await
    {
        return code;
    }
    let chromium = match args.replay.find_browser() {
        Ok(chromium) => chromium,
        Err(code) => return code,
    };
    let signer = match args.replay.signer() {
        Ok(signer) => signer,
        Err(code) => return code,
    };
    args.replay.warn_of_no_sandbox();
    if args.gallery {
        let mut log = Vec::new();
        let code = gallery::play(&args.replay, chromium, args.out, &args.channel, &mut log).await;
        return code.max(write_access_log(args.access_log.as_deref(), log));
    }
    let outputs = match Outputs::open(&args.outputs, args.build.builds().len()) {
        Ok(outputs) => outputs,
        Err(code) => return code,
    };
    let cancel = cancel_on_signal();
    let (mut done, mut bundles) = (Vec::new(), Vec::new());
    let mut results = Results::new(args.replay.json, signer);
    let mut log = Vec::new();
    for (build, name) in args.build.builds() {
        let server = match DemoServer::start(*build).await {
            Ok(server) => server,
            Err(error) => {
                talk::error(&format!("the demo site did not start: {error}"), None);
                results.raise(exit::INCONCLUSIVE);
                break;
            }
        };
        let out = match &args.out {
            Some(out) if args.build == Which::Both => out.join(name),
            Some(out) => out.clone(),
            None => default_out(&format!("demo-{name}")),
        };
        let options = match args
            .replay
            .options(chromium.clone(), out, scenario.seed.as_deref())
        {
            Ok(options) => RunOptions {
                connect_to: vec![ConnectTo::all_to(server.addr())],
                trusted_keys: vec![server.spki_sha256_base64().to_owned()],
                policy: Some(policy.clone()),
                ..options
            },
            Err(code) => {
                results.raise(code);
                break;
            }
        };
        let titled = Scenario {
            title: format!("{} ({name} build)", scenario.title),
            ..scenario.clone()
        };
        let title = &titled.title;
        let run = match one(&titled, &options, cancel.clone(), title, None).await {
            Ok(run) if args.replay.control => {
                control::with(run, &titled, &options, cancel.clone(), title, None).await
            }
            other => other,
        };
        if let Some(run) = results.take(run) {
            let source = run.bundle.clone();
            let judged = Judged::new(title.clone(), source, run.traffic(), Some(&*policy));
            let bundle = run.bundle.display().to_string();
            let (entry, judged) = entry(name, title, &run, bundle, judged, false);
            done.push(entry);
            bundles.push(run.bundle.clone());
            results.gate(
                Gatekeeper::unasked(),
                judged.into_iter().collect(),
                Vec::new(),
            );
        }
        for entry in server.access_log() {
            log.push(serde_json::json!({ "build": name, "request": entry }).to_string());
        }
        server.stop().await;
        if *cancel.borrow() {
            break;
        }
    }
    results.raise(write_access_log(args.access_log.as_deref(), log));
    results.raise(outputs.close(&bundles));
    results.table(&done.iter().collect::<Vec<_>>());
    results.finish()
}

/// Gives the exit code.
fn write_access_log(path: Option<&Path>, mut log: Vec<String>) -> u8 {
    let Some(path) = path else {
        return exit::OK;
    };
    log.push(String::new());
    match std::fs::write(path, log.join("\n")) {
        Ok(()) => exit::OK,
        Err(error) => {
            talk::error(
                &format!("failed to write `{}`: {error}", path.display()),
                None,
            );
            exit::INCONCLUSIVE
        }
    }
}

async fn serve(which: Which, listen: Option<SocketAddr>) -> u8 {
    if listen.is_some() && which == Which::Both {
        talk::error(
            "two builds cannot be served on one address",
            Some("say which one with `--build leaky` or `--build fixed`"),
        );
        return exit::BAD_INPUT;
    }
    let cancel = on_signal("stopping");
    let mut servers = Vec::new();
    for (build, name) in which.builds() {
        let started = match listen {
            Some(address) => DemoServer::start_at(*build, address).await,
            None => DemoServer::start(*build).await,
        };
        match started {
            Ok(server) => {
                talk::note(&format!(
                    "the {name} build is served; replay a scenario on it with"
                ));
                talk::data(&format!(
                    "pixelwitness run {SCENARIO_PATH} --connect-to ::{} --insecure",
                    server.addr()
                ));
                servers.push(server);
            }
            Err(error) => {
                talk::error(&format!("the demo site did not start: {error}"), None);
                return exit::INCONCLUSIVE;
            }
        }
    }
    let mut cancel = cancel;
    let _ = cancel.wait_for(|cancelled| *cancelled).await;
    for server in servers {
        server.stop().await;
    }
    exit::OK
}
