//! Options that several subcommands share.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};
use tokio::sync::watch;

use super::{exit, sign, talk};
use crate::batch::{Planned, Shard};
use crate::browser::{self, BrowserError, ConnectTo, Endpoint};
use crate::bundle::sign::Signer;
use crate::capture::Deliver;
use crate::consent;
use crate::run::{RunOptions, Typing};
use crate::scenario::{Scenario, Seed};
use url::Url;

/// Which browser, and how a journey is run in it.
#[derive(Debug, Clone, Args)]
pub struct Replay {
    /// The Chromium or Chrome to use [default: the first one found]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::ExecutablePath, help_heading = "Browser")]
    pub browser: Option<PathBuf>,
    /// Pass an argument on to the browser; repeatable
    #[arg(
        long,
        value_name = "ARG",
        allow_hyphen_values = true,
        help_heading = "Browser"
    )]
    pub browser_arg: Vec<String>,
    /// Show the browser's window
    #[arg(long, help_heading = "Browser")]
    pub headed: bool,
    /// Switch Chromium's sandbox off. As root it can't have one, and is off, said and recorded
    #[arg(long, help_heading = "Browser")]
    pub no_sandbox: bool,
    /// Let the site see that it is automated; by default it meets an ordinary Chrome of that version
    #[arg(long, help_heading = "Browser")]
    pub declare_automation: bool,
    /// Bound for the whole journey
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = seconds, help_heading = "Time")]
    pub timeout: Duration,
    /// Bound for each step, unless the step has its own
    #[arg(long, value_name = "SECONDS", default_value = "15", value_parser = seconds, help_heading = "Time")]
    pub step_timeout: Duration,
    /// After the last step, wait until nothing new was sent for 1 s, at most this long
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds, help_heading = "Time")]
    pub settle: Duration,
    /// What may really leave. By default everything but reports: what a `submit` step sends is recorded and answered in
    /// place
    #[arg(
        long,
        value_enum,
        default_value = "all-but-reports",
        help_heading = "Containment"
    )]
    pub deliver: DeliverArg,
    /// What the values that are typed follow from: the same text, the same values. `options.seed` in a bundle's run.json
    /// makes that run's again [default: the scenario's `seed`, else fresh ones in every run]
    #[arg(long, value_name = "TEXT")]
    pub seed: Option<String>,
    /// Make the journey three times more: with other canaries, with nothing typed, and as it was. What is merely
    /// suspected is then confirmed or refuted, and fields that follow what is typed are named even where they cannot be
    /// decoded
    #[arg(long)]
    pub control: bool,
    /// A picture of what is seen at each step's end, which is the next one's beginning
    #[arg(long, value_enum, default_value = "both", help_heading = "Output")]
    pub screenshots: Screenshots,
    /// Sign each bundle with that OpenSSH key (Ed25519). A public key's file means that an agent holds the other half
    #[arg(long, value_name = "KEY", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub sign: Option<PathBuf>,
    /// The result as JSON on stdout, and nothing else there
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Screenshots {
    /// Before and after each step
    Both,
    /// None, but where the scenario has a `screenshot` step
    None,
}

/// Where journeys are made, and how often.
#[derive(Debug, Clone, Args)]
pub struct Journeys {
    /// As curl's: reach HOST2:PORT2 where HOST1:PORT1 is meant; empty HOST1 or PORT1 means any; repeatable
    #[arg(long, value_name = "HOST1:PORT1:HOST2:PORT2", help_heading = "Network")]
    pub connect_to: Vec<ConnectTo>,
    /// As curl's: accept any certificate (the bundle records it)
    #[arg(short = 'k', long, help_heading = "Network")]
    pub insecure: bool,
    /// Replay on another origin, as on a staging site: it takes the place of the scenario's
    #[arg(long, value_name = "URL", value_parser = origin, value_hint = ValueHint::Url, help_heading = "Network")]
    pub base_url: Option<Url>,
}

/// How many journeys, where, and how many at once.
#[derive(Debug, Clone, Args)]
pub struct Many {
    /// Make each journey so often, and say how stable it was
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = "Batch")]
    pub repeat: u32,
    /// Journeys at once, each in a browser of its own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = jobs, help_heading = "Batch")]
    pub jobs: usize,
    /// Only this machine's share of the journeys: the Ith of N. Each machine is given the same scenarios; `merge` puts their
    /// folders together
    #[arg(long, value_name = "I/N", help_heading = "Batch")]
    pub shard: Option<Shard>,
    /// Go on with the batch in that folder, or begin it: what is done is verified and kept, what was cut short is put aside
    /// and made again
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Batch")]
    pub resume: Option<PathBuf>,
    /// Use a browser that runs elsewhere, by the WebSocket of its DevTools (of a grid, or of a pool): each journey in a
    /// context of its own. Its network log is not to be had, so what was really sent cannot be audited
    #[arg(
        long,
        value_name = "WS_URL",
        conflicts_with_all = ["browser", "browser_arg", "headed", "no_sandbox"],
        help_heading = "Browser"
    )]
    pub connect: Option<Endpoint>,
}

fn origin(text: &str) -> Result<Url, String> {
    crate::scenario::parse_origin(text).map_err(|(message, help)| format!("{message}; {help}"))
}

fn jobs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(jobs @ 1..=64) => Ok(jobs),
        _ => Err("expected a number between 1 and 64".to_owned()),
    }
}

impl Journeys {
    pub fn apply(&self, options: RunOptions) -> RunOptions {
        RunOptions {
            connect_to: self.connect_to.clone(),
            insecure: self.insecure,
            base_url: self.base_url.clone(),
            ..options
        }
    }

    /// The scenario on the origin that was asked for.
    pub fn rebase(&self, scenario: Scenario) -> Scenario {
        match &self.base_url {
            Some(origin) => scenario.rebased(origin),
            None => scenario,
        }
    }
}

impl Many {
    /// What only a browser of our own can do must not be asked of one elsewhere. Gives the exit code where it is.
    pub fn check(&self, journeys: &Journeys, replay: &Replay) -> Result<(), u8> {
        if self.connect.is_none() {
            return Ok(());
        }
        let keeps_out = Deliver::from(replay.deliver).keeps_third_parties_out();
        let (what, help) = if keeps_out {
            (
                "`--deliver first-party` and `none`",
                "third parties are kept out by switches that a browser is started with",
            )
        } else if !journeys.connect_to.is_empty() {
            (
                "`--connect-to`",
                "start the browser with `--host-resolver-rules=\"MAP HOST1 HOST2:PORT2\"` instead",
            )
        } else {
            return Ok(());
        };
        talk::error(
            &format!("{what} cannot be asked of a browser elsewhere (`--connect`)"),
            Some(help),
        );
        Err(exit::BAD_INPUT)
    }

    /// A browser elsewhere lives on when we do not: said before anything is typed in it.
    pub fn warn(&self, journeys: &[(Planned, Arc<RunOptions>)], replay: &Replay) {
        let types = journeys.iter().any(|(planned, _)| {
            let mut steps = planned.scenario.steps.iter();
            steps.any(|step| step.kind.types())
        });
        if self.connect.is_some() && types && replay.deliver != DeliverArg::All {
            talk::warning(
                "reports are contained for as long as the connection to the browser elsewhere lasts: if this program is killed, or the connection is lost, what its pages send is not",
                Some("use a browser of our own where a page files what is typed"),
            );
        }
    }

    /// The browser to launch: none, where there is one elsewhere.
    pub fn find_browser(&self, replay: &Replay) -> Result<PathBuf, u8> {
        match self.connect {
            Some(_) => Ok(PathBuf::new()),
            None => {
                replay.warn_of_no_sandbox();
                replay.find_browser()
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeliverArg {
    /// Everything but reports
    AllButReports,
    /// Everything, reports included: what a `submit` step sends IS FILED
    All,
    /// What goes to the site; everything that goes to third parties is recorded and kept
    FirstParty,
    /// Nothing but the site's own pages and their parts
    None,
}

impl From<DeliverArg> for Deliver {
    fn from(deliver: DeliverArg) -> Deliver {
        match deliver {
            DeliverArg::AllButReports => Deliver::AllButReports,
            DeliverArg::All => Deliver::All,
            DeliverArg::FirstParty => Deliver::FirstParty,
            DeliverArg::None => Deliver::None,
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "expected a number of seconds".to_owned())?;
    if !(0.0..=86_400.0).contains(&seconds) {
        return Err("expected between 0 and 86400 seconds".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

impl Replay {
    /// The browser to use. Says what is wrong, and gives the exit code for it, where there is none.
    pub fn find_browser(&self) -> Result<PathBuf, u8> {
        browser::find(self.browser.as_deref()).map_err(|error| no_browser(&error))
    }

    /// For one journey into one bundle; `seed` is the scenario's.
    pub fn options(
        &self,
        browser: PathBuf,
        out: PathBuf,
        seed: Option<&str>,
    ) -> Result<RunOptions, u8> {
        let seed = match self.seed.as_deref().or(seed) {
            Some(text) => Seed::from_text(text),
            None => Seed::fresh().map_err(|error| {
                talk::error(&format!("failed to get random numbers: {error}"), None);
                exit::INCONCLUSIVE
            })?,
        };
        Ok(RunOptions {
            out,
            browser,
            connect: None,
            browser_args: self.browser_arg.clone(),
            connect_to: Vec::<ConnectTo>::new(),
            insecure: false,
            trusted_keys: Vec::new(),
            headed: self.headed,
            no_sandbox: self.no_sandbox,
            declare_automation: self.declare_automation,
            timeout: self.timeout,
            step_timeout: self.step_timeout,
            settle: self.settle,
            seed,
            typing: Typing::AsWritten,
            deliver: self.deliver.into(),
            consent: None,
            consent_rules: consent::installed()
                .map_err(|why| {
                    talk::error(
                        &format!("the installed rules for consent banners cannot be read: {why}"),
                        Some("install them again with `pixelwitness consent install`"),
                    );
                    exit::BAD_INPUT
                })?
                .map(Arc::new),
            base_url: None,
            policy: None,
            screenshots: self.screenshots == Screenshots::Both,
        })
    }

    /// Controls are journeys of their own: what one of them must not do, none may. Gives the exit code where that is asked
    /// for.
    pub fn check_controls(&self, recording: bool) -> Result<(), u8> {
        let message = match self.control {
            true if recording => {
                "controls are made of a scenario that is replayed, and there is none here"
            }
            true if self.deliver == DeliverArg::All => {
                "`--control` makes the journey four times, and with `--deliver all` each would file a report"
            }
            _ => return Ok(()),
        };
        let help = match recording {
            true => "use `--control` with `pixelwitness run`, or the demo",
            false => "leave one of the two out",
        };
        talk::error(message, Some(help));
        Err(exit::BAD_INPUT)
    }

    /// Who signs, if anybody is to: read, and unlocked, before anything runs. Gives the exit code where that cannot be.
    pub fn signer(&self) -> Result<Option<Signer>, u8> {
        self.sign.as_deref().map(sign::open).transpose()
    }

    /// Reports that are filed reach people.
    pub fn warn_of_delivery(&self) {
        if self.deliver == DeliverArg::All {
            talk::warning(
                "`--deliver all`: what a scenario submits is really filed",
                Some("use it on a site of your own, or leave it out"),
            );
        }
    }

    /// As root Chromium can have no sandbox: said before anything is loaded in it.
    pub fn warn_of_no_sandbox(&self) {
        if rustix::process::geteuid().is_root() && !self.no_sandbox {
            talk::warning(
                "Chromium's sandbox is off, since it cannot have one when it runs as root",
                Some(
                    "run as an ordinary user for sites that you don't trust; the bundle records it",
                ),
            );
        }
    }
}

pub fn no_browser(error: &BrowserError) -> u8 {
    talk::error(&error.to_string(), Some(&error.help()));
    exit::BAD_INPUT
}

/// Turns true at the first Ctrl-C or SIGTERM: the run then ends in order, and keeps what it has.
pub fn cancel_on_signal() -> watch::Receiver<bool> {
    on_signal("stopping: what was recorded is being kept; Ctrl-C again stops at once")
}

/// The same, where nothing is recorded. `says` is said when it comes.
#[expect(clippy::exit, reason = "the person insists")]
pub fn on_signal(says: &'static str) -> watch::Receiver<bool> {
    use tokio::signal::unix::{SignalKind, signal};
    let (sender, receiver) = watch::channel(false);
    // From this moment on, and not when the task has begun.
    let signals = signal(SignalKind::interrupt())
        .and_then(|interrupt| Ok((interrupt, signal(SignalKind::terminate())?)));
    let Ok((mut interrupt, mut terminate)) = signals else {
        return receiver;
    };
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        talk::note(says);
        let _ = sender.send(true);
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        // What was recorded is on disk already; the browser ends with the pipe that it holds on to.
        std::process::exit(i32::from(exit::INCONCLUSIVE));
    });
    receiver
}
