//! `pixelwitness run`: replays scenarios.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use futures::StreamExt;
use indicatif::MultiProgress;
use tokio::sync::watch;

use super::gate::{GateArgs, Gatekeeper, own_policy, today};
use super::options::{Journeys, Replay, cancel_on_signal};
use super::outputs::{OutputArgs, Outputs};
use super::plan::{Planned, plan};
use super::progress::Progress;
use super::results::Results;
use super::{control, exit, talk};
use crate::policy::{Fingerprint, Judged};
use crate::run::{Run, RunError, RunOptions};
use crate::scenario::{Consent, Scenario};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pixelwitness run police.yaml
  pixelwitness run police.yaml --connect-to www.police.example:443:127.0.0.1:8443 --insecure
  pixelwitness run police.yaml --base-url https://staging.police.example
  pixelwitness run police.yaml --consent ignore --consent reject --consent accept
  pixelwitness run police.yaml --repeat 5
  pixelwitness run *.yaml --jobs 2 --out evidence/today --json > today.json
  pixelwitness run recording.json            # an export of the Chrome DevTools Recorder

A scenario is written in YAML:
  title: Report a burglary
  origin: https://www.police.example
  canaries: { email: email }
  steps:
    - navigate: /report/
    - click: text/Burglary
    - change: { selector: \"#email\", value: \"{{email}}\" }
    - submit: aria/Send report      # recorded, never delivered

No report is filed: what `submit` sends is answered in place. Where a scenario types and has no `submit`, whatever
changes something at the site is kept from the first field on. Only `--deliver all` lets reports through.")]
pub struct RunArgs {
    /// Scenarios to replay, or recordings of the Chrome DevTools Recorder (JSON)
    #[arg(required = true, value_name = "SCENARIO", value_hint = ValueHint::FilePath)]
    scenarios: Vec<PathBuf>,
    /// Where the bundle goes; with several journeys, a folder of bundles. Nothing is ever overwritten
    /// [default: evidence/<scenario>-<UTC time>]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    out: Option<PathBuf>,
    /// What is done about consent banners, whatever the scenario says; repeatable: one journey each
    #[arg(long, value_enum, value_name = "ANSWER")]
    consent: Vec<ConsentArg>,
    #[command(flatten)]
    journeys: Journeys,
    #[command(flatten)]
    gate: GateArgs,
    #[command(flatten)]
    outputs: OutputArgs,
    #[command(flatten)]
    replay: Replay,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ConsentArg {
    /// Leave them alone
    Ignore,
    /// Click what rejects
    Reject,
    /// Click what accepts
    Accept,
}

impl From<ConsentArg> for Consent {
    fn from(consent: ConsentArg) -> Consent {
        match consent {
            ConsentArg::Ignore => Consent::Ignore,
            ConsentArg::Reject => Consent::Reject,
            ConsentArg::Accept => Consent::Accept,
        }
    }
}

pub async fn run(args: RunArgs) -> u8 {
    // Everything that can be wrong with the input is said before anything runs.
    let mut scenarios = Vec::new();
    let mut bad = false;
    for path in &args.scenarios {
        // As `*.yaml` finds it beside the scenarios that name it.
        if path.to_string_lossy().ends_with(".policy.yaml") && args.scenarios.len() > 1 {
            talk::note(&format!(
                "passed over, as a policy is no scenario: {}",
                path.display()
            ));
            continue;
        }
        let loaded = Scenario::load(path);
        let loaded = loaded.and_then(|scenario| scenario.check_files().map(|()| scenario));
        match loaded {
            Ok(scenario) => scenarios.push(args.journeys.rebase(scenario)),
            Err(diagnostic) => {
                talk::diagnostic(&diagnostic);
                bad = true;
            }
        }
    }
    if scenarios.is_empty() && !bad {
        talk::error(
            "no scenario was given",
            Some("name one, as in `pixelwitness run police.yaml`"),
        );
        bad = true;
    }
    if bad {
        return exit::BAD_INPUT;
    }
    let mut consents: Vec<Consent> = args.consent.iter().copied().map(Consent::from).collect();
    consents.dedup();
    replay_all(
        &scenarios,
        &consents,
        args.out,
        &args.journeys,
        &args.gate,
        &args.outputs,
        &args.replay,
    )
    .await
}

/// Makes every journey, some at once, and prints what came of them. Gives the exit code.
pub async fn replay_all(
    scenarios: &[Scenario],
    consents: &[Consent],
    out: Option<PathBuf>,
    journeys: &Journeys,
    gate: &GateArgs,
    outputs: &OutputArgs,
    replay: &Replay,
) -> u8 {
    if let Err(code) = replay.check_controls(false) {
        return code;
    }
    let signer = match replay.signer() {
        Ok(signer) => signer,
        Err(code) => return code,
    };
    let own = scenarios.iter().filter_map(own_policy);
    let keeper = match Gatekeeper::open(gate, own, today()) {
        Ok(keeper) => keeper,
        Err(code) => return code,
    };
    let planned = match plan(scenarios, consents, journeys.repeat, out.as_deref()) {
        Ok(planned) => planned,
        Err(code) => return code,
    };
    let outputs = match Outputs::open(outputs, planned.len()) {
        Ok(outputs) => outputs,
        Err(code) => return code,
    };
    let browser = match replay.find_browser() {
        Ok(browser) => browser,
        Err(code) => return code,
    };
    replay.warn_of_no_sandbox();
    replay.warn_of_delivery();
    let mut options = Vec::new();
    for planned in &planned {
        match replay.options(
            browser.clone(),
            planned.out.clone(),
            planned.scenario.seed.as_deref(),
        ) {
            Ok(own) => options.push(RunOptions {
                consent: planned.consent,
                policy: keeper.policy_of(gate, own_policy(planned.scenario).as_deref()),
                ..journeys.apply(own)
            }),
            Err(code) => return code,
        }
    }
    let fingerprint =
        Fingerprint::planned(planned.iter().zip(&options).map(|(planned, options)| {
            let consent = options.consent.unwrap_or(planned.scenario.consent);
            (planned.scenario, consent.as_str(), options.deliver.as_str())
        }));
    if let Err(code) = keeper.check_fingerprint(&fingerprint) {
        return code;
    }
    let cancel = cancel_on_signal();
    let mut results = Results::new(replay.json, signer);
    results.has_baseline = keeper.has_baseline();
    let bars = MultiProgress::new();
    let running = planned.iter().zip(&options).map(|(planned, options)| {
        let (cancel, bars) = (cancel.clone(), bars.clone());
        async move {
            if *cancel.borrow() {
                return None;
            }
            let title = planned.title(journeys.repeat);
            let run = one(
                planned.scenario,
                options,
                cancel.clone(),
                &title,
                Some(&bars),
            )
            .await;
            Some(match run {
                Ok(run) if replay.control => {
                    control::with(run, planned.scenario, options, cancel, &title, Some(&bars)).await
                }
                other => other,
            })
        }
    });
    // In the order in which they were asked for, whichever ends first.
    let mut finished = futures::stream::iter(running).buffered(journeys.jobs);
    let mut done: Vec<(&Planned, Run)> = Vec::new();
    let mut next = planned.iter();
    let mut missing = Vec::new();
    while let (Some(run), Some(planned)) = (finished.next().await, next.next()) {
        match &run {
            None => missing.push((
                planned.title(journeys.repeat),
                "it was not begun".to_owned(),
            )),
            Some(Err(error)) => missing.push((planned.title(journeys.repeat), error.to_string())),
            Some(Ok(_)) => {}
        }
        if let Some(run) = run.and_then(|run| results.take(run)) {
            done.push((planned, run));
        }
    }
    drop(finished);
    results.compare(&done, scenarios, journeys.repeat, consents);
    let runs: Vec<&Run> = done.iter().map(|(_, run)| run).collect();
    results.raise(outputs.close(&runs));
    let titles: Vec<String> = done
        .iter()
        .map(|(planned, _)| planned.title(journeys.repeat))
        .collect();
    results.table(titles.iter().map(String::as_str).zip(runs).collect());
    if keeper.is_asked() {
        let judged = done.iter().map(|(planned, run)| {
            let policy = options_of(&planned.out, &options).and_then(|own| own.policy.as_deref());
            let title = planned.title(journeys.repeat);
            Judged::new(title, run.bundle.clone(), run.traffic(), policy)
        });
        results.gate(keeper, judged.collect(), missing);
    }
    results.finish()
}

/// How the journey into a bundle was made.
fn options_of<'a>(out: &std::path::Path, options: &'a [RunOptions]) -> Option<&'a RunOptions> {
    options.iter().find(|own| own.out == out)
}

/// Runs one scenario under a progress bar.
pub async fn one(
    scenario: &Scenario,
    options: &RunOptions,
    cancel: watch::Receiver<bool>,
    title: &str,
    bars: Option<&MultiProgress>,
) -> Result<Run, RunError> {
    let progress = Progress::new(title, bars);
    let run = crate::run::run(scenario, options, cancel, &|event| progress.take(event)).await;
    progress.finish();
    run
}
