//! What lies where a journey's bundle is to go: done, cut short, or of something else.

use std::path::Path;

use serde_json::Value;

use super::plan::{CONTROLS, Planned, control_of};
use crate::model::{EntryState, RunRecord, StepState};
use crate::run::{AuditError, Proof, Run, RunOptions, Trust, audit_bundle, is_of_limits, verify};

/// What was found in place of a journey's bundle.
#[derive(Debug)]
pub enum Lying {
    /// Nothing: it is to be made.
    Nothing,
    /// It was made, and is as it was sealed.
    Done(Box<Run>),
    /// It does not count, and is to be made again; and why.
    Undone(String),
}

#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    #[error("`{name}` was made otherwise: {why}")]
    MadeOtherwise { name: String, why: String },
    #[error("`{name}` is being written to by a run")]
    InUse { name: String },
}

/// What was asked for beside the options of the run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// A seed was given, so that its values must be those.
    pub seed: bool,
    /// Its controls are to be made, too.
    pub controls: bool,
}

/// Options that evidence depends on, as `run.json` names them. Not the limits of time: a batch that ran out of it is gone on
/// with more.
const DECISIVE: [&str; 11] = [
    "base_url",
    "browser_arg",
    "connect",
    "connect_to",
    "consent",
    "consent_rules",
    "declare_automation",
    "deliver",
    "insecure",
    "screenshots",
    "typing",
];

/// Looks at the folder that a journey's bundle is to go to. One that is done is verified; one that was cut short is
/// completed as far as it had written, and sealed, so that it can be kept beside the one that is made in its place.
///
/// # Errors
/// [`ResumeError`], if it is done, and with other options or another scenario: which of the two is wanted only a person can
/// say.
pub fn look(planned: &Planned, options: &RunOptions, wanted: Wanted) -> Result<Lying, ResumeError> {
    let root = &options.out;
    if !root.exists() {
        return Ok(Lying::Nothing);
    }
    let Ok(text) = std::fs::read(root.join("data/run.json")) else {
        let why = "the run was killed before it had written anything";
        return Ok(Lying::Undone(why.to_owned()));
    };
    let record: RunRecord = match serde_json::from_slice(&text) {
        Ok(record) => record,
        Err(error) => {
            let why = format!("its run.json cannot be read: {error}");
            return Ok(Lying::Undone(why));
        }
    };
    if record.finished.is_none() || !crate::bundle::bag::is_sealed(root) {
        complete(&planned.name, root)?;
        // What was killed between its last record and the seal lacks nothing.
        if record.finished.is_none() {
            return Ok(Lying::Undone("the run was cut short".to_owned()));
        }
    }
    if let Some(why) = unsettled(&record) {
        return Ok(Lying::Undone(why.to_owned()));
    }
    if let Some(why) = otherwise(planned, options, wanted, &record) {
        return Err(ResumeError::MadeOtherwise {
            name: planned.name.clone(),
            why,
        });
    }
    let verified = match verify(root, Trust::default()) {
        Ok(verified) => verified,
        Err(error) => return Ok(Lying::Undone(error.to_string())),
    };
    let wrong = match verified.outcome() {
        Proof::Failed | Proof::Incomplete => {
            let mut checks = verified.checks.iter();
            let worst = checks.find(|check| check.outcome == verified.outcome());
            Some(worst.map_or_else(String::new, |check| check.says.clone()))
        }
        Proof::Proven | Proof::NotProven | Proof::Inconclusive => None,
    };
    if let Some(says) = wrong {
        return Ok(Lying::Undone(format!("it does not verify: {says}")));
    }
    Ok(match Run::load(root) {
        Ok(run) if wanted.controls && run.findings.controls.is_none() => {
            Lying::Undone("its controls were not made".to_owned())
        }
        Ok(run) => Lying::Done(Box::new(run)),
        Err(error) => Lying::Undone(error.to_string()),
    })
}

/// Why a run that has ended says nothing of the site, so that it is made again.
fn unsettled(record: &RunRecord) -> Option<&'static str> {
    let mut steps = record.journey.steps.iter();
    let mut problems = record.problems.iter();
    match EntryState::from(record.journey.state) {
        EntryState::BrowserLost => Some("the browser ended before the journey did"),
        EntryState::Completed => None,
        _ if problems.any(|problem| is_of_limits(&problem.message)) => {
            Some("a limit of the container was reached")
        }
        // Not even the first page was there.
        EntryState::Failed if steps.all(|step| step.state != StepState::Done) => {
            Some("its first step could not be done")
        }
        state if !state.is_settled() => Some("the run was stopped"),
        _ => None,
    }
}

/// Completes and seals what was left of a journey's controls, if there are any: gives their names.
pub fn leftover_controls(root: &Path, name: &str) -> Vec<String> {
    let names = CONTROLS.map(|control| control_of(name, control));
    let left = names.into_iter().filter(|name| root.join(name).exists());
    left.inspect(|name| {
        let _ = complete(name, &root.join(name));
    })
    .collect()
}

/// Completes what a run that was killed has left. What cannot be completed is kept as it is.
fn complete(name: &str, root: &Path) -> Result<(), ResumeError> {
    use crate::bundle::BundleError::InUse;
    use crate::run::RunError::Bundle;
    match audit_bundle(root) {
        Err(AuditError::Run(Bundle(InUse(_)))) => Err(ResumeError::InUse {
            name: name.to_owned(),
        }),
        Err(error) => {
            tracing::warn!(%error, "what was left of `{name}` cannot be completed");
            Ok(())
        }
        Ok(_) => Ok(()),
    }
}

/// What a bundle was made with that this command would not make it with.
fn otherwise(
    planned: &Planned,
    options: &RunOptions,
    wanted: Wanted,
    record: &RunRecord,
) -> Option<String> {
    if record.scenario.sha256 != planned.scenario.sha256() {
        return Some("its scenario was another text".to_owned());
    }
    let policy = options.policy.as_ref().map(|policy| policy.sha256());
    let was = record.policy.as_ref().map(|policy| policy.sha256.clone());
    if policy != was {
        return Some(match was {
            None => "held against no policy".to_owned(),
            Some(_) => "held against another policy, or another text of it".to_owned(),
        });
    }
    let own = options.record(&planned.scenario);
    let seed = ["seed"];
    let seed = seed.iter().filter(|_| wanted.seed);
    let differs = DECISIVE
        .iter()
        .chain(seed)
        .find(|name| own[**name] != record.options[**name])?;
    let flag = differs.replace('_', "-");
    let was = &record.options[*differs];
    Some(match was {
        Value::Null => format!("without `--{flag}`"),
        was => format!("with `--{flag}` {was}"),
    })
}
