//! The audit of a bundle that lies there: from its journal and its network log, without a browser.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::finish::{establish, finish};
use super::record::problem;
use super::{Run, RunError};
use crate::bundle::{BundleError, BundleWriter};
use crate::capture::Assembler;
use crate::model::{AuditRecord, JourneyState, RunRecord};
use crate::scenario::{Diagnostic, Scenario};

/// What came of auditing a bundle.
#[derive(Debug)]
pub enum Audited {
    /// The run had come to its end, and says of itself what its journal and its log say.
    Confirmed(Box<RunRecord>),
    /// It says something else: this is what its journal and its log come to.
    Differs(Box<AuditRecord>),
    /// The run was cut short: its records were completed from what it had written.
    Completed(Box<Run>),
}

#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error("failed to read `{}`: {why}", path.display())]
    Unreadable { path: PathBuf, why: String },
    #[error("the bundle's scenario cannot be read")]
    Scenario(Box<Diagnostic>),
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Audits a bundle. One whose run was cut short is completed as far as it goes; of any other nothing is changed.
///
/// # Errors
/// [`AuditError`], if it is no bundle, or cannot be written to where that is needed.
pub fn audit_bundle(root: &Path) -> Result<Audited, AuditError> {
    let data = root.join("data");
    let unreadable = |name: &str, why: String| AuditError::Unreadable {
        path: data.join(name),
        why,
    };
    let text = fs::read(data.join("run.json"))
        .map_err(|error| unreadable("run.json", error.to_string()))?;
    let mut record: RunRecord =
        serde_json::from_slice(&text).map_err(|error| unreadable("run.json", error.to_string()))?;
    let scenario = Scenario::load(&data.join("scenario.yaml")).map_err(AuditError::Scenario)?;
    let first_party = scenario.first_party();
    let journal = data.join("cdp.jsonl");
    let assembler = replay(&journal, &first_party).map_err(|why| unreadable("cdp.jsonl", why))?;
    let bundle = BundleWriter::open(root).map_err(RunError::Bundle)?;
    if record.finished.is_some() {
        let (_, audit) = establish(&bundle, assembler, &first_party)?;
        return Ok(if audit == record.audit {
            Audited::Confirmed(Box::new(record))
        } else {
            Audited::Differs(Box::new(audit))
        });
    }
    if record.journey.state == JourneyState::Running {
        record.journey.state = JourneyState::Interrupted;
    }
    let message = "the run was cut short: its records were completed later, from its journal and its network log";
    problem(&mut record, "journey", message.to_owned(), None);
    let run = finish(bundle, record, Some(assembler), &first_party)?;
    Ok(Audited::Completed(Box::new(run)))
}

/// The last line may be cut off; any other must be whole.
fn replay(journal: &Path, first_party: &str) -> Result<Assembler, String> {
    let file = fs::File::open(journal).map_err(|error| error.to_string())?;
    let mut assembler = Assembler::new(first_party);
    let mut broken = None;
    for (number, line) in (1..).zip(BufReader::new(file).lines()) {
        if let Some(why) = broken {
            return Err(why);
        }
        let line = line.map_err(|error| error.to_string())?;
        if let Err(error) = assembler.line(&line) {
            broken = Some(format!("line {number}: {error}"));
        }
        assembler.take_output();
    }
    Ok(assembler)
}

impl AuditError {
    pub fn help(&self) -> String {
        match self {
            AuditError::Unreadable { .. } => {
                "a bundle is the folder that a run was written to; it holds `data/run.json`"
                    .to_owned()
            }
            AuditError::Scenario(_) => {
                "`data/scenario.yaml` should hold the exact bytes that were replayed".to_owned()
            }
            AuditError::Run(error) => error.help(),
        }
    }
}

impl From<BundleError> for AuditError {
    fn from(error: BundleError) -> AuditError {
        AuditError::Run(error.into())
    }
}
