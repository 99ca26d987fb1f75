//! What a bundle proves: that it is as it was sealed, by whom and since when; that its records are records and fit together;
//! that they follow from what the browser said.

use std::path::{Path, PathBuf};

use super::again::{AuditError, Audited, audit_bundle};
use super::references::references;
use crate::bundle::bag::{self, Bag, Fault, SIGNATURE, STAMP, TAG_MANIFEST};
use crate::bundle::{self, ReadError, sign, timestamp};
use crate::model::{AuditVerdict, RunRecord, ToolRecord, count};
use crate::report::records;

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
    /// `manifest`, `signature`, `time_stamp`, `records`, `references` or `recomputed`.
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
    /// It is not so.
    Failed,
}

impl Proof {
    pub fn as_str(self) -> &'static str {
        match self {
            Proof::Proven => "proven",
            Proof::NotProven => "not_proven",
            Proof::Incomplete => "incomplete",
            Proof::Failed => "failed",
        }
    }
}

/// All that was checked, in order.
#[derive(Debug)]
pub struct Verification {
    pub checks: Vec<Check>,
    pub record: Option<RunRecord>,
    /// Of the evidence, to be compared over the telephone; see [`records::digest`].
    pub evidence_digest: Option<String>,
}

impl Verification {
    /// The worst that was found.
    pub fn outcome(&self) -> Proof {
        let has = |wanted: Proof| self.checks.iter().any(|check| check.outcome == wanted);
        match () {
            () if has(Proof::Failed) => Proof::Failed,
            () if has(Proof::Incomplete) => Proof::Incomplete,
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
        contents(root, &mut all);
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

fn signature(root: &Path, trust: Trust<'_>, all: &mut Verification) {
    let name = "signature";
    let failed = |says: String| (Proof::Failed, says, vec![SIGNATURE.to_owned()]);
    let path = root.join(SIGNATURE);
    let (outcome, says, files) = match (std::fs::read(&path), trust.allowed_signers) {
        (Err(error), wanted) if error.kind() == std::io::ErrorKind::NotFound => match wanted {
            Some(_) => failed(format!("`{SIGNATURE}` is missing: it is not signed")),
            None => (
                Proof::NotProven,
                "by whom: it is not signed, so whoever had it could have sealed it anew".to_owned(),
                Vec::new(),
            ),
        },
        (Err(error), _) => failed(format!("`{SIGNATURE}` cannot be read: {error}")),
        (Ok(signature), wanted) => {
            let manifest = std::fs::read(root.join(TAG_MANIFEST)).unwrap_or_default();
            match (sign::verify(&signature, &manifest), wanted) {
                (Err(why), _) => failed(format!("`{SIGNATURE}` {why}")),
                (Ok(by), None) => (
                    Proof::Proven,
                    format!(
                        "it was signed with the key {}; whose that is, it cannot say (`--allowed-signers`)",
                        by.fingerprint
                    ),
                    Vec::new(),
                ),
                (Ok(by), Some(allowed)) => match sign::is_allowed(root, allowed, trust.signer) {
                    Ok(who) => (
                        Proof::Proven,
                        format!("it was signed by {who}, with the key {}", by.fingerprint),
                        Vec::new(),
                    ),
                    Err(why) => failed(format!("`{SIGNATURE}` {why}")),
                },
            }
        }
    };
    all.add_of(name, outcome, says, files);
}

fn time_stamp(root: &Path, trust: Trust<'_>, all: &mut Verification) {
    let name = "time_stamp";
    let failed = |says: String| (Proof::Failed, says, vec![STAMP.to_owned()]);
    let (outcome, says, files) = match (std::fs::read(root.join(STAMP)), trust.authorities) {
        (Err(error), wanted) if error.kind() == std::io::ErrorKind::NotFound => match wanted {
            Some(_) => failed(format!("`{STAMP}` is missing: it has no time stamp")),
            None => (
                Proof::NotProven,
                "when: it has no time stamp, and the times in it are by its maker's clock"
                    .to_owned(),
                Vec::new(),
            ),
        },
        (Err(error), _) => failed(format!("`{STAMP}` cannot be read: {error}")),
        (Ok(answer), wanted) => {
            let digest = timestamp::digest(root).unwrap_or_default();
            match (timestamp::read(&answer, &digest), wanted) {
                (Err(why), _) => failed(format!("`{STAMP}` {why}")),
                (Ok(stamp), None) => (
                    Proof::NotProven,
                    format!(
                        "when: {} says that it was there at {}; that authority's signature was not checked (`--tsa-ca`)",
                        stamp.authority.as_deref().unwrap_or("an authority"),
                        stamp.readable(),
                    ),
                    Vec::new(),
                ),
                (Ok(stamp), Some(trusted)) => match timestamp::is_by_authority(root, trusted) {
                    Ok(()) => (
                        Proof::Proven,
                        format!(
                            "it was there at {}, says {}",
                            stamp.readable(),
                            stamp.authority.as_deref().unwrap_or("an authority"),
                        ),
                        Vec::new(),
                    ),
                    Err(why) => failed(format!("`{STAMP}` {why}")),
                },
            }
        }
    };
    all.add_of(name, outcome, says, files);
}

/// What stands in it: whether it can be read, fits together, and follows from what the browser said.
fn contents(root: &Path, all: &mut Verification) {
    let kept = match bundle::read(root) {
        Ok(kept) => kept,
        Err(error) => {
            let file = match &error {
                ReadError::NoBundle { .. } => "data/run.json".to_owned(),
                ReadError::Read { path, .. } | ReadError::Broken { path, .. } => {
                    let inside = path.strip_prefix(root).unwrap_or(path);
                    inside.display().to_string()
                }
            };
            all.add_of("records", Proof::Failed, error.to_string(), vec![file]);
            return;
        }
    };
    let finished = kept.record.finished.is_some() && bag::is_sealed(root);
    let says = format!(
        "{} and {} are as their schemas say{}",
        count(kept.exchanges.len(), "exchange"),
        count(kept.events.len(), "evidence record"),
        if finished {
            ""
        } else {
            ", as far as the run came"
        },
    );
    all.add("records", Proof::Proven, says);
    if let Some(findings) = &kept.findings {
        all.evidence_digest = Some(records::digest(&kept.record, &kept.events, findings));
    }
    if !finished {
        let says = "the run was cut short: `pixelwitness audit` completes its records from what it had written";
        all.add("references", Proof::Incomplete, says.to_owned());
        all.record = Some(kept.record);
        return;
    }
    let broken = references(root, &kept);
    if broken.is_empty() {
        let says = "every reference leads to a record or a file, and every body has the digest that names it";
        all.add("references", Proof::Proven, says.to_owned());
    }
    for (file, what) in broken {
        all.add_of(
            "references",
            Proof::Failed,
            format!("`{file}`: {what}"),
            vec![file],
        );
    }
    recomputed(root, &kept.record, all);
    all.record = Some(kept.record);
}

/// Makes the records anew from the browser's messages and its network log.
fn recomputed(root: &Path, record: &RunRecord, all: &mut Verification) {
    let name = "recomputed";
    if let Some(why) = &record.sources_left_out {
        let says = format!("that the records follow from what the browser said: {why}");
        return all.add(name, Proof::NotProven, says);
    }
    match audit_bundle(root) {
        Ok(Audited::Confirmed(record)) => {
            let says = match record.audit.verdict {
                AuditVerdict::AuditUnavailable => {
                    "records and findings follow from the browser's own messages; its network log was not to be had"
                }
                _ => {
                    "records, findings and counts follow from the browser's own messages and its network log"
                }
            };
            all.add(name, Proof::Proven, says.to_owned());
        }
        Ok(Audited::Differs(files, _)) => {
            let this = ToolRecord::this();
            let same = (&this.version, &this.commit) == (&record.tool.version, &record.tool.commit);
            if same {
                let says = format!(
                    "not what the browser's messages and its network log come to: {}",
                    files.join(", ")
                );
                all.add_of(name, Proof::Failed, says, files);
            } else {
                let made_by = record.tool.commit.as_deref().unwrap_or("an unknown commit");
                let says = format!(
                    "that the records follow from what the browser said: this version ({}) comes to something else in {}; {} {} ({made_by}) made it, and can tell whether that is why",
                    this.commit.as_deref().unwrap_or(&this.version),
                    files.join(", "),
                    record.tool.name,
                    record.tool.version,
                );
                all.add(name, Proof::NotProven, says);
            }
        }
        Ok(Audited::Completed(_)) => {}
        Err(error) => {
            let file = match &error {
                AuditError::Unreadable { path, .. } => path
                    .strip_prefix(root)
                    .unwrap_or(path)
                    .display()
                    .to_string(),
                AuditError::Scenario(_) => "data/scenario.yaml".to_owned(),
                AuditError::Run(_) => "data".to_owned(),
            };
            all.add_of(name, Proof::Failed, error.to_string(), vec![file]);
        }
    }
}
