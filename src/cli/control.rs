//! `--control`: the same journey again, so that what is suspected can be told from chance.

use std::path::{Path, PathBuf};

use indicatif::MultiProgress;
use tokio::sync::watch;

use super::batch::one;
use super::talk;
use crate::batch::{CONTROLS, control_of};
use crate::run::{Run, RunError, RunOptions, Typing};
use crate::scenario::Scenario;

/// What is typed, the end of the bundle's name, and in words. The same again comes last: what merely follows the clock has
/// changed by then.
const WANTED: [(Typing, &str, &str); 3] = [
    (Typing::OtherCanaries, CONTROLS[0], "other canaries"),
    (Typing::Nothing, CONTROLS[1], "nothing typed"),
    (Typing::AsWritten, CONTROLS[2], "the same again"),
];

/// Makes the controls of a run, each into a bundle beside its own, and takes in what they say. A control that fails
/// takes nothing away from the run.
pub async fn with(
    mut run: Run,
    scenario: &Scenario,
    options: &RunOptions,
    cancel: watch::Receiver<bool>,
    title: &str,
    bars: Option<&MultiProgress>,
) -> Result<Run, RunError> {
    let mut controls = Vec::new();
    for (typing, name, what) in WANTED {
        if *cancel.borrow() {
            return Ok(run);
        }
        let own = RunOptions {
            typing,
            out: beside(&options.out, name),
            ..options.clone()
        };
        let title = format!("{title} (control: {what})");
        match one(scenario, &own, cancel.clone(), &title, bars).await {
            Ok(control) => {
                for problem in &control.record.problems {
                    let message = format!("in the control with {what}: {}", problem.message);
                    talk::error(&message, problem.help.as_deref());
                }
                if !control.record.problems.is_empty() {
                    talk::warning(
                        "the controls say nothing, since one of them is not complete",
                        Some(&format!("its bundle: {}", control.bundle.display())),
                    );
                }
                controls.push(control);
            }
            Err(error) => {
                talk::warning(
                    &format!("the control with {what} was not made: {error}"),
                    Some(&error.help()),
                );
                return Ok(run);
            }
        }
    }
    if let [others, nothing, again] = &controls[..] {
        run.control(again, others, nothing)?;
    }
    Ok(run)
}

/// `evidence/report` → `evidence/report-control-again`
fn beside(out: &Path, control: &str) -> PathBuf {
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    out.with_file_name(control_of(&name, control))
}
