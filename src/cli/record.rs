//! `pixelwitness record`: a person clicks and types in a visible browser; what they do becomes a scenario.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clap::{Args, ValueHint};
use url::Url;

use super::batch::default_out;
use super::import::new_file;
use super::options::{Journeys, Replay, cancel_on_signal};
use super::progress::Progress;
use super::results::Results;
use super::{exit, talk};
use crate::run::RunOptions;
use crate::scenario::{Recording, Scenario};

/// A person may take their time.
const AT_MOST: Duration = Duration::from_secs(4 * 3600);

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pixelwitness record https://www.police.example/report/ -o report.yaml

A window opens: click and type as a visitor does. Close the window, or press Ctrl-C here, when you are done. In the
scenario canaries stand in the place of what you typed (numbers of up to four digits stay); the bundle, which is evidence
of what was sent, holds it where it was sent. From the first thing that you do on, whatever would change
something at the site is recorded and answered in place, so that trying a form out files no report; a form of several
pages may not go on then. `--deliver all` lets it through.")]
pub struct RecordArgs {
    /// The page to begin on
    #[arg(value_name = "URL", value_hint = ValueHint::Url)]
    url: String,
    /// Where the scenario goes; never overwritten
    #[arg(short, long, value_name = "FILE.yaml", value_hint = ValueHint::FilePath)]
    out: PathBuf,
    /// Where the bundle of what was sent meanwhile goes [default: evidence/<name>-<UTC time>]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    bundle: Option<PathBuf>,
    #[command(flatten)]
    journeys: Journeys,
    #[command(flatten)]
    replay: Replay,
}

pub async fn record(args: RecordArgs) -> u8 {
    let url = match Url::parse(&args.url) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url,
        _ => {
            talk::error(
                &format!("`{}` is no address of a page", args.url),
                Some("write it whole, as in `https://www.police.example/report/`"),
            );
            return exit::BAD_INPUT;
        }
    };
    if args.out.exists() {
        talk::error(
            &format!("`{}` is there already", args.out.display()),
            Some("choose another name with `--out`"),
        );
        return exit::BAD_INPUT;
    }
    if let Err(code) = args.replay.check_controls(true) {
        return code;
    }
    let recording = Recording::new(&url);
    // What is replayed is its first step alone: the rest is up to the person.
    let begun = recording.scenario(&args.out);
    let scenario = match Scenario::parse(&args.out, begun.text) {
        Ok(scenario) => scenario,
        Err(diagnostic) => return talk::diagnostic(&diagnostic),
    };
    let browser = match args.replay.find_browser() {
        Ok(browser) => browser,
        Err(code) => return code,
    };
    let signer = match args.replay.signer() {
        Ok(signer) => signer,
        Err(code) => return code,
    };
    args.replay.warn_of_no_sandbox();
    args.replay.warn_of_delivery();
    let name = scenario.name();
    let bundle = args.bundle.clone().unwrap_or_else(|| default_out(&name));
    let options = match args.replay.options(browser, bundle, None) {
        Ok(options) => RunOptions {
            headed: true,
            timeout: AT_MOST,
            ..args.journeys.apply(options)
        },
        Err(code) => return code,
    };
    talk::note("a window opens; close it, or press Ctrl-C here, when you are done");
    let recording = Mutex::new(recording);
    let progress = Progress::new(&name, None);
    let run = crate::run::record(
        &scenario,
        &options,
        cancel_on_signal(),
        &|event| progress.take(event),
        &recording,
    )
    .await;
    progress.finish();
    let mut results = Results::of_recording(args.replay.json, signer);
    let ran = results.take(run).is_some();
    let recording = recording
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    if ran {
        let text = recording.scenario(&args.out).text;
        match new_file(&args.out, &text) {
            Ok(()) => talk::note(&format!(
                "written: {} ({})",
                args.out.display(),
                crate::report::count(recording.len(), "step")
            )),
            Err(code) => results.raise(code),
        }
    }
    results.finish()
}
