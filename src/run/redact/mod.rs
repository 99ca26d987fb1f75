//! An edition of a bundle that can be shared: chosen values are taken out wherever they stand, in whatever form, and chosen
//! bodies whole. The original's tag manifest and signature are kept in it.

mod edition;
mod plan;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::Run;
use crate::bundle::bag;
use crate::bundle::disclosure::{Disclosure, mark};
use crate::bundle::{BundleError, ReadError, Scrub};
use crate::leak::Sought;
use crate::model::{RedactionRecord, count};

/// What is to be taken out.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Canaries by name, with every form of them that was sent.
    pub canaries: Vec<String>,
    /// Names of cookies, headers, parameters and signals: whatever values they have.
    pub fields: Vec<String>,
    /// Values, each with the name that its mark has.
    pub values: Vec<(String, String)>,
    /// Exchanges by id: body, query, headers, cookies and messages.
    pub exchanges: Vec<String>,
    /// Pictures stay; what is taken out may be seen in them.
    pub keep_screenshots: bool,
    /// The original's manifest and `bag-info.txt` are kept too. With the digests of whole files in it, and all the rest of those
    /// files at hand, a short value can be found by trying.
    pub with_manifest: bool,
}

/// A redacted edition, and what discloses what was taken out.
#[derive(Debug)]
pub struct Redacted {
    pub record: RedactionRecord,
    pub disclosures: Vec<Disclosure>,
}

#[derive(Debug, thiserror::Error)]
pub enum RedactError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Write(#[from] BundleError),
    #[error("the original is not as it was sealed: `{path}` {what}")]
    NotWhole { path: String, what: String },
    #[error("`{}` is no bundle", .0.display())]
    NoBundle(PathBuf),
    #[error("`{}` is not complete: its run was cut short", .0.display())]
    NotComplete(PathBuf),
    #[error("{0}")]
    NotThere(String),
    #[error("the value of `{name}` has {} and is too short to be taken out wherever it stands", count(*length, "character"))]
    Short { name: String, length: usize },
    #[error("`{name}` is still found in {}, in {place}", exchange)]
    StillThere {
        name: String,
        exchange: String,
        place: String,
    },
    #[error("{0}")]
    Failed(String),
}

impl RedactError {
    pub fn help(&self) -> &'static str {
        match self {
            RedactError::Read(error) => error.help(),
            RedactError::Write(error) => error.help(),
            RedactError::NotWhole { .. } => {
                "`pixelwitness verify` says more; what is not whole is not shared"
            }
            RedactError::NoBundle(_) => "a bundle is the folder that a run was written to",
            RedactError::NotComplete(_) => {
                "`pixelwitness audit` completes it from what it had written"
            }
            RedactError::NotThere(_) => "is it spelled as in the bundle's records?",
            RedactError::Short { .. } => {
                "take out whole requests with `--exchange`; it would be part of too much else"
            }
            RedactError::StillThere { .. } => {
                "take that request out altogether with `--exchange`; nothing was written"
            }
            RedactError::Failed(_) => "nothing was written",
        }
    }
}

/// Writes a redacted edition of `root` to `out`, a new bag. Its own search is held against it before it is sealed: where
/// something of what was to go is still found, nothing is left there.
///
/// # Errors
/// [`RedactError`].
pub fn redact(root: &Path, out: &Path, wanted: &Wanted) -> Result<Redacted, RedactError> {
    if !root.join(bag::DECLARATION).is_file() {
        return Err(RedactError::NoBundle(root.to_owned()));
    }
    let bag = bag::check(root).map_err(|error| RedactError::Failed(error.to_string()))?;
    if let Some(problem) = bag.problems.into_iter().next() {
        if problem.fault == bag::Fault::Incomplete {
            return Err(RedactError::NotComplete(root.to_owned()));
        }
        return Err(RedactError::NotWhole {
            path: problem.path,
            what: problem.what,
        });
    }
    let run = Run::load(root)?;
    let mut redaction = Redaction::plan(&run, wanted)?;
    redaction.write(&run, out, wanted).inspect_err(|error| {
        // What may still hold what was to go must not lie around; what was there before is not ours.
        if !matches!(error, RedactError::Write(BundleError::Exists(_))) {
            let _ = fs::remove_dir_all(out);
        }
    })?;
    Ok(Redacted {
        record: redaction.record,
        disclosures: redaction.disclosures,
    })
}

struct Redaction {
    disclosures: Vec<Disclosure>,
    scrub: Scrub,
    sought: Vec<Sought>,
    /// Files of the original that are not in the edition, relative to the bundle.
    gone: BTreeSet<String>,
    record: RedactionRecord,
}

/// Files in a folder, by name; none where there is no folder.
fn listed(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Where in a bundle the mark of a disclosure stands: files and how often.
///
/// # Errors
/// If a file cannot be read.
pub fn places(root: &Path, disclosure: &Disclosure) -> std::io::Result<Vec<(String, usize)>> {
    let mark = mark(&disclosure.name, &disclosure.digest());
    let finder = memchr::memmem::Finder::new(mark.as_bytes());
    let mut places = Vec::new();
    for path in listed(&root.join("data"))? {
        let times = finder.find_iter(&fs::read(&path)?).count();
        if times > 0 {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            places.push((format!("data/{name}"), times));
        }
    }
    Ok(places)
}
