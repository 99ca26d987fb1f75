//! Shares of a batch, and bundles made apart, put into one folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::index::{BatchError, INDEX, bundles_in, may_be_called, read_index};
use crate::bundle::bag;
use crate::model::{Index, IndexEntry, PlanRecord};

/// A bundle that is to be put into the folder.
#[derive(Debug, Clone)]
pub struct Source {
    /// Unique among them; where it goes, seen from the folder.
    pub name: String,
    /// What the batch called it that it comes from.
    pub title: Option<String>,
    pub consent: Option<String>,
    pub bundle: PathBuf,
}

/// All that was named, before anything is copied.
#[derive(Debug)]
pub struct Gathered {
    /// By name.
    pub sources: Vec<Source>,
    /// Journeys of the batches of which there is no bundle.
    pub undone: Vec<IndexEntry>,
    pub plan: PlanRecord,
    /// Shares of the plan that were not named, and of how many.
    pub missing: Option<(Vec<u32>, u32)>,
    /// The batches are not shares of one plan.
    pub unlike: bool,
    /// One of them is a share, or has less than its plan.
    pub partial: bool,
    /// Bundles that the batches had put aside, and that stay where they are.
    pub set_aside: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    #[error("there is no bundle in `{}`", .0.display())]
    Nothing(PathBuf),
    #[error("failed to read `{}`: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error(transparent)]
    Index(#[from] BatchError),
    #[error("two bundles are called `{name}`: `{}` and `{}`", one.display(), other.display())]
    Twice {
        name: String,
        one: PathBuf,
        other: PathBuf,
    },
    #[error("`{}` would lie in the bundle `{}`", inner.display(), outer.display())]
    Inside { inner: PathBuf, outer: PathBuf },
    #[error("`{}` is not as it was sealed: `{file}` {what}", bundle.display())]
    NotWhole {
        bundle: PathBuf,
        file: String,
        what: String,
    },
}

impl MergeError {
    pub fn help(&self) -> &'static str {
        match self {
            MergeError::Nothing(_) => "name the folder of a batch, or of a bundle",
            MergeError::Read { .. } => "can it be read by whoever runs this?",
            MergeError::Index(error) => error.help(),
            MergeError::Twice { .. } => {
                "journeys of one batch are made once: leave one of the two out, or merge them apart"
            }
            MergeError::Inside { .. } => "merge them apart",
            MergeError::NotWhole { .. } => {
                "`pixelwitness verify` says more of it; a run that was cut short is completed by `pixelwitness audit`"
            }
        }
    }
}

/// Looks at what was named: folders of batches, bundles, and folders with bundles below.
///
/// # Errors
/// [`MergeError`], if something cannot be read, or two bundles have one name. The same bundle twice is no error.
pub fn gather(inputs: &[PathBuf]) -> Result<Gathered, MergeError> {
    let mut sources: BTreeMap<String, Source> = BTreeMap::new();
    let mut undone: BTreeMap<String, IndexEntry> = BTreeMap::new();
    let mut indexes: Vec<Index> = Vec::new();
    for input in inputs {
        let mut found = Vec::new();
        if input.join(INDEX).exists() {
            let index = read_index(input)?;
            for entry in &index.journeys {
                match &entry.bundle {
                    Some(bundle) => found.push(Source {
                        name: entry.name.clone(),
                        title: Some(entry.title.clone()),
                        consent: entry.consent.clone(),
                        bundle: input.join(bundle),
                    }),
                    None => {
                        undone.insert(entry.name.clone(), entry.clone());
                    }
                }
            }
            indexes.push(index);
        } else {
            let bundles = bundles_in(input).map_err(|error| MergeError::Read {
                path: input.clone(),
                error,
            })?;
            if bundles.is_empty() {
                return Err(MergeError::Nothing(input.clone()));
            }
            found.extend(bundles.into_iter().map(|bundle| Source {
                name: name_below(input, &bundle),
                title: None,
                consent: None,
                bundle,
            }));
        }
        for source in found {
            may_be_called(&source.name)?;
            match sources.get(&source.name) {
                Some(known) if manifest(&known.bundle) != manifest(&source.bundle) => {
                    return Err(MergeError::Twice {
                        name: source.name,
                        one: known.bundle.clone(),
                        other: source.bundle,
                    });
                }
                Some(_) => {}
                None => {
                    sources.insert(source.name.clone(), source);
                }
            }
        }
    }
    // A bundle in another one would be a file that it does not list.
    for source in sources.values() {
        let above = Path::new(&source.name).ancestors().skip(1);
        let mut above = above.filter_map(|name| sources.get(&*name.to_string_lossy()));
        if let Some(outer) = above.next() {
            return Err(MergeError::Inside {
                inner: source.bundle.clone(),
                outer: outer.bundle.clone(),
            });
        }
    }
    undone.retain(|name, _| !sources.contains_key(name));
    let plan = indexes.first().map(|index| index.plan.clone());
    let unlike = indexes
        .iter()
        .any(|index| Some(&index.plan) != plan.as_ref())
        || (!indexes.is_empty() && indexes.len() != inputs.len());
    let gathered = PlanRecord {
        journeys: (sources.len() + undone.len()) as u64,
        sha256: None,
    };
    Ok(Gathered {
        sources: sources.into_values().collect(),
        undone: undone.into_values().collect(),
        missing: match unlike {
            true => None,
            false => missing(&indexes),
        },
        plan: match unlike {
            true => gathered,
            false => plan.unwrap_or(gathered),
        },
        unlike,
        partial: indexes.iter().any(|index| {
            index.shard.is_some() || (index.journeys.len() as u64) < index.plan.journeys
        }),
        set_aside: indexes.iter().map(|index| index.set_aside.len()).sum(),
    })
}

/// Shares of the plan that none of the indexes has.
fn missing(indexes: &[Index]) -> Option<(Vec<u32>, u32)> {
    let of = indexes.first()?.shard?.of;
    let shards = indexes.iter().filter_map(|index| index.shard);
    let there: BTreeSet<u32> = shards
        .filter(|shard| shard.of == of)
        .map(|shard| shard.index)
        .collect();
    let missing: Vec<u32> = (1..=of).filter(|index| !there.contains(index)).collect();
    (!missing.is_empty()).then_some((missing, of))
}

/// Copies a bundle, and holds the copy against its manifests.
///
/// # Errors
/// [`MergeError`], if it is not as it was sealed, or cannot be copied.
pub fn copy(source: &Source, root: &Path) -> Result<PathBuf, MergeError> {
    let to = root.join(&source.name);
    let failed = |path: &Path, error| MergeError::Read {
        path: path.to_owned(),
        error,
    };
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        let from = source.bundle.join(&below);
        let made = match below.as_os_str().is_empty() {
            // Nothing is ever written over.
            true => {
                fs::create_dir_all(to.parent().unwrap_or(root)).and_then(|()| fs::create_dir(&to))
            }
            false => fs::create_dir(to.join(&below)),
        };
        made.map_err(|error| failed(&to, error))?;
        for entry in fs::read_dir(&from).map_err(|error| failed(&from, error))? {
            let entry = entry.map_err(|error| failed(&from, error))?;
            let kind = entry.file_type().map_err(|error| failed(&from, error))?;
            let name = below.join(entry.file_name());
            if kind.is_dir() {
                folders.push(name);
            } else if kind.is_file() {
                let from = source.bundle.join(&name);
                fs::copy(&from, to.join(&name)).map_err(|error| failed(&from, error))?;
            }
        }
    }
    whole(&to)?;
    Ok(to)
}

/// Holds a bundle against its manifests.
///
/// # Errors
/// [`MergeError`], if it is not as it was sealed, or cannot be read.
pub fn whole(bundle: &Path) -> Result<(), MergeError> {
    let bag = bag::check(bundle).map_err(|error| MergeError::Read {
        path: bundle.to_owned(),
        error,
    })?;
    match bag.problems.into_iter().next() {
        Some(problem) => Err(MergeError::NotWhole {
            bundle: bundle.to_owned(),
            file: problem.path,
            what: problem.what,
        }),
        None => Ok(()),
    }
}

/// What a bundle is called that lies in a folder, or is it.
fn name_below(folder: &Path, bundle: &Path) -> String {
    let below = bundle.strip_prefix(folder).unwrap_or(bundle);
    if below.as_os_str().is_empty() {
        let name = fs::canonicalize(bundle).unwrap_or_else(|_| bundle.to_owned());
        return name
            .file_name()
            .unwrap_or("bundle".as_ref())
            .to_string_lossy()
            .into_owned();
    }
    below.to_string_lossy().into_owned()
}

fn manifest(bundle: &Path) -> Option<String> {
    let manifest = fs::read(bundle.join("manifest-sha256.txt")).ok()?;
    Some(HEXLOWER.encode(&Sha256::digest(manifest)))
}
