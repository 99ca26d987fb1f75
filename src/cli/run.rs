//! `pixelwitness run`: replays scenarios.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum, ValueHint};

use super::batch::{Asked, replay_all};
use super::gate::GateArgs;
use super::options::{Journeys, Many, Replay};
use super::outputs::OutputArgs;
use super::{exit, talk};
use crate::batch::find;
use crate::scenario::{Consent, Scenario};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pixelwitness run police.yaml
  pixelwitness run police.yaml --connect-to www.police.example:443:127.0.0.1:8443 --insecure
  pixelwitness run police.yaml --base-url https://staging.police.example
  pixelwitness run police.yaml --consent ignore --consent reject --consent accept
  pixelwitness run police.yaml --repeat 5
  pixelwitness run scenarios/ --jobs 2 --out evidence/today         # every scenario in the folder and below
  pixelwitness run scenarios/ --jobs 2 --resume evidence/today      # goes on where that was cut short
  pixelwitness run scenarios/ --shard 2/4 --resume evidence/2-of-4  # the second of four machines
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
    /// Scenarios to replay, recordings of the Chrome DevTools Recorder (JSON), or folders of them
    #[arg(required = true, value_name = "SCENARIO|FOLDER", value_hint = ValueHint::AnyPath)]
    scenarios: Vec<PathBuf>,
    /// Where the bundle goes; with several journeys, a folder of bundles and their index. Nothing is ever overwritten
    /// [default: evidence/<scenario>-<UTC time>, or evidence/batch-<UTC time>]
    #[arg(short, long, conflicts_with = "resume", value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    out: Option<PathBuf>,
    /// What is done about consent banners, whatever the scenario says; repeatable: one journey each
    #[arg(long, value_enum, value_name = "ANSWER")]
    consent: Vec<ConsentArg>,
    #[command(flatten)]
    many: Many,
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
            passed_over(path);
            continue;
        }
        let found = match find(path, &mut passed_over) {
            Ok(found) => found,
            Err(error) => {
                talk::error(&error.to_string(), None);
                bad = true;
                continue;
            }
        };
        for found in found {
            let loaded = Scenario::load(&found.path);
            let loaded = loaded.and_then(|scenario| scenario.check_files().map(|()| scenario));
            match loaded {
                Ok(scenario) => {
                    let scenario = Arc::new(args.journeys.rebase(scenario));
                    scenarios.push((found.name, scenario));
                }
                Err(diagnostic) => {
                    talk::diagnostic(&diagnostic);
                    bad = true;
                }
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
    replay_all(Asked {
        scenarios,
        consents: &consents,
        out: args.out,
        journeys: &args.journeys,
        many: &args.many,
        gate: &args.gate,
        outputs: &args.outputs,
        replay: &args.replay,
    })
    .await
}

fn passed_over(path: &Path) {
    talk::note(&format!(
        "passed over, as it is no scenario: {}",
        path.display()
    ));
}
