//! What a bundle proves: that it is as it was sealed, by whom and since when; that its records are records and fit together;
//! that they follow from what the browser said.

mod contents;
mod references;
mod restated;
mod seals;

use std::path::{Path, PathBuf};

use self::contents::contents;
use self::seals::{signature, time_stamp};
use crate::bundle::bag::{self, Bag, Fault, TAG_MANIFEST};
use crate::model::{RunRecord, count};

/// What is asked of a bundle beside that it is whole.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trust<'a> {
    /// A file in OpenSSH's `allowed_signers` format: then one of those must have signed it.
    pub allowed_signers: Option<&'a Path>,
    /// Which of them.
    pub signer: Option<&'a str>,
    /// Certificates (PEM) of time-stamping authorities: then one of those must have stamped it.
    pub authorities: Option<&'a Path>,
}

/// What came of one of the checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// `manifest`, `signature`, `time_stamp`, `records`, `references`, `journey`, `capture`, `original`,
    /// `recomputed` or `taken_as_said`.
    pub name: &'static str,
    pub outcome: Proof,
    pub says: String,
    /// Relative to the bundle: which are not as they should be.
    pub files: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    Proven,
    /// It may be so, and nothing here shows it.
    NotProven,
    /// The run never came to its end, or the format is a newer one.
    Incomplete,
    /// It cannot be told here: a program is missing, or another version made it and this one comes to something else.
    Inconclusive,
    /// It is not so.
    Failed,
}

impl Proof {
    pub fn as_str(self) -> &'static str {
        match self {
            Proof::Proven => "proven",
            Proof::NotProven => "not_proven",
            Proof::Incomplete => "incomplete",
            Proof::Inconclusive => "inconclusive",
            Proof::Failed => "failed",
        }
    }
}

/// All that was checked, in order.
#[derive(Debug)]
pub struct Verification {
    pub checks: Vec<Check>,
    pub record: Option<RunRecord>,
    /// Of the evidence, to be compared over the telephone; see [`digest`](crate::report::records::digest).
    pub evidence_digest: Option<String>,
}

impl Verification {
    /// The worst that was found.
    pub fn outcome(&self) -> Proof {
        let has = |wanted: Proof| self.checks.iter().any(|check| check.outcome == wanted);
        match () {
            () if has(Proof::Failed) => Proof::Failed,
            () if has(Proof::Incomplete) => Proof::Incomplete,
            () if has(Proof::Inconclusive) => Proof::Inconclusive,
            () => Proof::Proven,
        }
    }

    fn add(&mut self, name: &'static str, outcome: Proof, says: String) {
        self.add_of(name, outcome, says, Vec::new());
    }

    fn add_of(&mut self, name: &'static str, outcome: Proof, says: String, mut files: Vec<String>) {
        files.dedup();
        self.checks.push(Check {
            name,
            outcome,
            says,
            files,
        });
    }
}

#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("`{}` is no bundle: neither `bagit.txt` nor `data/run.json` is there", .0.display())]
    NoBundle(PathBuf),
    #[error("failed to read `{}`: {error}", path.display())]
    Read {
        path: PathBuf,
        error: std::io::Error,
    },
}

impl VerifyError {
    pub fn help(&self) -> &'static str {
        "name the folder that a run was written to, unpacked"
    }
}

/// Checks a bundle. Nothing in it is changed, and nothing outside of it is read.
///
/// # Errors
/// [`VerifyError`], if it is no bundle or cannot be read at all.
pub fn verify(root: &Path, trust: Trust<'_>) -> Result<Verification, VerifyError> {
    let is_bundle = [bag::DECLARATION, TAG_MANIFEST, "data/run.json"]
        .iter()
        .any(|name| root.join(name).symlink_metadata().is_ok());
    if !is_bundle {
        return Err(VerifyError::NoBundle(root.to_owned()));
    }
    let mut all = Verification {
        checks: Vec::new(),
        record: None,
        evidence_digest: None,
    };
    let bag = bag::check(root).map_err(|error| VerifyError::Read {
        path: root.to_owned(),
        error,
    })?;
    let sealed = whole(&bag, &mut all);
    if sealed == Some(Fault::Newer) {
        return Ok(all);
    }
    if sealed != Some(Fault::Incomplete) {
        signature(root, trust, &mut all);
        time_stamp(root, trust, &mut all);
    }
    // What is not what was sealed is not looked into: it has been named.
    if sealed != Some(Fault::Tampered) {
        contents(root, trust, &mut all);
    }
    Ok(all)
}

/// Whether all files are as the manifests say.
fn whole(bag: &Bag, all: &mut Verification) -> Option<Fault> {
    let fault = |wanted: Fault| bag.problems.iter().any(|problem| problem.fault == wanted);
    let worst = [Fault::Tampered, Fault::Newer, Fault::Incomplete]
        .into_iter()
        .find(|wanted| fault(*wanted));
    for problem in &bag.problems {
        let outcome = match problem.fault {
            Fault::Tampered => Proof::Failed,
            Fault::Newer | Fault::Incomplete => Proof::Incomplete,
        };
        let says = format!("`{}` {}", problem.path, problem.what);
        all.add_of("manifest", outcome, says, vec![problem.path.clone()]);
    }
    if worst.is_none() {
        let says = format!(
            "nothing was changed since it was sealed: {} of {:.1} MB have the digests that the manifest lists",
            count(bag.good, "file"),
            bag.bytes as f64 / 1e6,
        );
        all.add("manifest", Proof::Proven, says);
    }
    worst
}
