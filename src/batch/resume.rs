//! What lies where a journey's bundle is to go: done, cut short, or of something else.

use std::path::Path;

use serde_json::Value;

use super::plan::Planned;
use crate::model::{EntryState, RunRecord};
use crate::run::{AuditError, Proof, Run, RunOptions, Trust, audit_bundle, verify};

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

/// Options that evidence depends on, as `run.json` names them.
const DECISIVE: [&str; 8] = [
    "base_url",
    "connect_to",
    "consent",
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
pub fn look(planned: &Planned, options: &RunOptions) -> Result<Lying, ResumeError> {
    let root = &options.out;
    if !root.exists() {
        return Ok(Lying::Nothing);
    }
    let record = std::fs::read(root.join("data/run.json")).ok();
    let record = record.and_then(|text| serde_json::from_slice::<RunRecord>(&text).ok());
    let Some(record) = record else {
        return Ok(Lying::Undone(
            "the run was killed before it had written anything".to_owned(),
        ));
    };
    if record.finished.is_none() || !crate::bundle::bag::is_sealed(root) {
        complete(&planned.name, root)?;
        // What was killed between its last record and the seal lacks nothing.
        if record.finished.is_none() {
            return Ok(Lying::Undone("the run was cut short".to_owned()));
        }
    }
    let why = match EntryState::from(record.journey.state) {
        EntryState::BrowserLost => Some("the browser ended before the journey did"),
        state if !state.is_settled() => Some("the run was stopped"),
        _ => None,
    };
    if let Some(why) = why {
        return Ok(Lying::Undone(why.to_owned()));
    }
    if let Some(why) = otherwise(planned, options, &record) {
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
        Ok(run) => Lying::Done(Box::new(run)),
        Err(error) => Lying::Undone(error.to_string()),
    })
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
fn otherwise(planned: &Planned, options: &RunOptions, record: &RunRecord) -> Option<String> {
    if record.scenario.sha256 != planned.scenario.sha256() {
        return Some("its scenario was another text".to_owned());
    }
    let wanted = options.record(&planned.scenario);
    let differs = DECISIVE
        .iter()
        .find(|name| wanted[**name] != record.options[**name])?;
    let flag = differs.replace('_', "-");
    let was = &record.options[*differs];
    Some(match was {
        Value::Null => format!("without `--{flag}`"),
        was => format!("with `--{flag}` {was}"),
    })
}
