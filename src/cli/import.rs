//! `pixelwitness import`: a recording of the Chrome DevTools Recorder becomes a scenario that people can edit.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::{exit, talk};
use crate::scenario::{Scenario, StepKind, write};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pixelwitness import recording.json -o report.yaml
  pixelwitness import recording.json | less

In Chrome: developer tools, Recorder, record the journey, then Export as a JSON file. `pixelwitness run recording.json`
replays it as it is; a scenario can say more: which values are canaries, which click sends the report, what the pages
are about.")]
pub struct ImportArgs {
    /// The Recorder's export, as JSON
    #[arg(value_name = "RECORDING.json", value_hint = ValueHint::FilePath)]
    recording: PathBuf,
    /// Where the scenario goes; never overwritten [default: stdout]
    #[arg(short, long, value_name = "FILE.yaml", value_hint = ValueHint::FilePath)]
    out: Option<PathBuf>,
}

pub fn import(args: &ImportArgs) -> u8 {
    let scenario = match Scenario::load(&args.recording) {
        Ok(scenario) => scenario,
        Err(diagnostic) => return talk::diagnostic(&diagnostic),
    };
    if !scenario.text.trim_start().starts_with('{') {
        talk::error(
            &format!(
                "`{}` is no recording, but a scenario",
                args.recording.display()
            ),
            Some("replay it with `pixelwitness run`"),
        );
        return exit::BAD_INPUT;
    }
    let text = write(&scenario, &head(&scenario));
    match &args.out {
        None => talk::data(text.trim_end()),
        Some(out) => {
            if let Err(code) = new_file(out, &text) {
                return code;
            }
            talk::note(&format!("written: {}", out.display()));
        }
    }
    exit::OK
}

/// Writes a file that is not there yet.
///
/// # Errors
/// The exit code, where it is there or cannot be written: that was said.
pub fn new_file(path: &std::path::Path, text: &str) -> Result<(), u8> {
    use std::io::Write;
    let created = std::fs::File::create_new(path);
    created
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| {
            let there = error.kind() == std::io::ErrorKind::AlreadyExists;
            let (message, help) = if there {
                ("it is there already".to_owned(), "choose another name")
            } else {
                (error.to_string(), "may the folder be written to?")
            };
            talk::error(
                &format!("failed to write `{}`: {message}", path.display()),
                Some(help),
            );
            exit::BAD_INPUT
        })
}

/// What whoever edits the scenario has to know.
fn head(scenario: &Scenario) -> Vec<String> {
    let mut head = vec!["Imported from a recording of the Chrome DevTools Recorder.".to_owned()];
    let types = |step: &crate::scenario::Step| matches!(step.kind, StepKind::Change(_));
    if scenario.steps.iter().any(types) {
        head.push(
            "Write `submit` in the place of the `click` that sends the form: what it sends is recorded, and never delivered."
                .to_owned(),
        );
        head.push(
            "Until then, whatever changes something at the site is kept from the first field on."
                .to_owned(),
        );
        head.push(
            "Put canaries in the place of what was typed, so that it is recognised: `canaries: { email: email }`, `{{email}}`."
                .to_owned(),
        );
    }
    head
}
