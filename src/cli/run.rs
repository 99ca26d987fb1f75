//! `pixelwitness run`: replays scenarios, one after the other.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use serde_json::json;
use tokio::sync::watch;

use super::options::{Replay, cancel_on_signal};
use super::progress::Progress;
use super::{exit, talk};
use crate::browser::ConnectTo;
use crate::model::{JourneyState, Moment};
use crate::report::terminal;
use crate::run::{Run, RunError, RunOptions};
use crate::scenario::Scenario;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pixelwitness run police.yaml
  pixelwitness run police.yaml --connect-to www.police.example:443:127.0.0.1:8443 --insecure
  pixelwitness run *.yaml --out evidence/today --json > today.json

A scenario is written in YAML:
  title: Report a burglary
  origin: https://www.police.example
  canaries: { email: email }
  steps:
    - navigate: /report/
    - click: text/Burglary
    - change: { selector: \"#email\", value: \"{{email}}\" }
    - submit: aria/Send report      # recorded, never delivered")]
pub struct RunArgs {
    /// Scenarios to replay
    #[arg(required = true, value_name = "SCENARIO", value_hint = ValueHint::FilePath)]
    scenarios: Vec<PathBuf>,
    /// Where the bundle goes; with several scenarios, a folder of bundles. Nothing is ever overwritten
    /// [default: evidence/<scenario>-<UTC time>]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    out: Option<PathBuf>,
    /// As curl's: reach HOST2:PORT2 where HOST1:PORT1 is meant; empty HOST1 or PORT1 means any; repeatable
    #[arg(long, value_name = "HOST1:PORT1:HOST2:PORT2", help_heading = "Network")]
    connect_to: Vec<ConnectTo>,
    /// As curl's: accept any certificate (the bundle records it)
    #[arg(short = 'k', long, help_heading = "Network")]
    insecure: bool,
    #[command(flatten)]
    replay: Replay,
}

pub async fn run(args: RunArgs) -> u8 {
    // Everything that can be wrong with the input is said before anything runs.
    let mut scenarios = Vec::new();
    let mut bad = false;
    for path in &args.scenarios {
        match Scenario::load(path) {
            Ok(scenario) => scenarios.push(scenario),
            Err(diagnostic) => {
                talk::diagnostic(&diagnostic);
                bad = true;
            }
        }
    }
    if bad {
        return exit::BAD_INPUT;
    }
    let browser = match args.replay.find_browser() {
        Ok(browser) => browser,
        Err(code) => return code,
    };
    args.replay.warn_of_no_sandbox();
    let outs: Vec<PathBuf> = scenarios
        .iter()
        .map(|scenario| match &args.out {
            Some(out) if scenarios.len() > 1 => out.join(scenario.name()),
            Some(out) => out.clone(),
            None => default_out(&scenario.name()),
        })
        .collect();
    for (index, out) in outs.iter().enumerate() {
        if outs[..index].contains(out) {
            let message = format!("two scenarios would write to `{}`", out.display());
            talk::error(
                &message,
                Some("give their files different names, or run them apart"),
            );
            return exit::BAD_INPUT;
        }
    }
    let cancel = cancel_on_signal();
    let mut results = Results::new(args.replay.json);
    for (scenario, out) in scenarios.iter().zip(outs) {
        let options = match args.replay.options(browser.clone(), out) {
            Ok(options) => RunOptions {
                connect_to: args.connect_to.clone(),
                insecure: args.insecure,
                ..options
            },
            Err(code) => {
                results.raise(code);
                break;
            }
        };
        results.take(one(scenario, &options, cancel.clone()).await);
        if *cancel.borrow() {
            break;
        }
    }
    results.finish()
}

/// `evidence/<name>-<UTC time>`
pub fn default_out(name: &str) -> PathBuf {
    PathBuf::from("evidence").join(format!("{name}-{}", Moment::now().compact()))
}

/// Runs one scenario under a progress bar.
pub async fn one(
    scenario: &Scenario,
    options: &RunOptions,
    cancel: watch::Receiver<bool>,
) -> Result<Run, RunError> {
    let progress = Progress::new(&scenario.title);
    let run = crate::run::run(scenario, options, cancel, &|event| progress.take(event)).await;
    progress.finish();
    run
}

/// Gathers what the runs gave, prints it, and knows the exit code.
pub struct Results {
    json: bool,
    runs: Vec<serde_json::Value>,
    code: u8,
}

impl Results {
    pub fn new(json: bool) -> Results {
        Results {
            json,
            runs: Vec::new(),
            code: exit::OK,
        }
    }

    pub fn take(&mut self, run: Result<Run, RunError>) {
        let run = match run {
            Ok(run) => run,
            Err(error) => {
                talk::error(&error.to_string(), Some(&error.help()));
                let nothing_ran = matches!(
                    error,
                    RunError::Bundle(crate::bundle::BundleError::Exists(_))
                        | RunError::Browser(crate::browser::BrowserError::NotRunnable { .. })
                );
                self.code = self.code.max(if nothing_ran {
                    exit::BAD_INPUT
                } else {
                    exit::INCONCLUSIVE
                });
                return;
            }
        };
        for problem in &run.record.problems {
            talk::error(&problem.message, problem.help.as_deref());
        }
        if run.record.journey.state != JourneyState::Completed || !run.record.problems.is_empty() {
            self.code = exit::INCONCLUSIVE;
        }
        if self.json {
            self.runs.push(json!({
                "bundle": run.bundle,
                "run": run.record,
                "events": run.events,
            }));
        } else {
            let mut stdout = std::io::stdout().lock();
            let colour = talk::colour_on_stdout();
            // A reader that has gone away, as `head` does, is no failure of the run.
            let _ = terminal::render(&run, colour, &mut stdout).and_then(|()| stdout.flush());
        }
    }

    /// Something outside the runs went wrong.
    pub fn raise(&mut self, code: u8) {
        self.code = self.code.max(code);
    }

    pub fn finish(self) -> u8 {
        if self.json {
            talk::data(&format!(
                "{:#}",
                json!({ "exit_code": self.code, "runs": self.runs })
            ));
        }
        self.code
    }
}
