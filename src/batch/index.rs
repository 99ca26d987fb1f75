//! `index.json` of a batch's folder: what came of each of its journeys, written anew after each.

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::plan::{Plan, Planned};
use crate::bundle::{bag, pretty, write_file};
use crate::model::{
    INDEX_FORMAT, Index, IndexEntry, Moment, PlanRecord, SetAside, ShardRecord, ToolRecord,
};

/// The index, in a batch's folder.
pub const INDEX: &str = "index.json";

/// Where bundles are kept that do not count.
const SET_ASIDE: &str = "set-aside";

#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    #[error("`{}` is there already, and evidence is never overwritten", .0.display())]
    Exists(PathBuf),
    #[error("`{}` is no batch: it holds something, and no {INDEX}", .0.display())]
    NoBatch(PathBuf),
    #[error("another run is at work in `{}`", .0.display())]
    InUse(PathBuf),
    #[error("failed to read `{}`: {why}", path.display())]
    Read { path: PathBuf, why: String },
    #[error("failed to write `{}`: {error}", path.display())]
    Write { path: PathBuf, error: io::Error },
    #[error("`{}` is a batch of something else: {why}", path.display())]
    OfSomethingElse { path: PathBuf, why: String },
    #[error("a journey cannot be called `{0}`: that is where a batch keeps things of its own")]
    Reserved(String),
}

impl BatchError {
    pub fn help(&self) -> &'static str {
        match self {
            BatchError::Exists(_) => {
                "choose another folder with `--out`, or go on with what is there with `--resume`"
            }
            BatchError::NoBatch(_) => "name the folder of a batch, or one that is not there yet",
            BatchError::InUse(_) => "wait until it has ended, or stop it with Ctrl-C",
            BatchError::Read { .. } => {
                "the bundles beside it are whole by themselves: name them one by one, or take it away and `pixelwitness merge` the folder"
            }
            BatchError::Write { .. } => "is the disk full, or the folder read-only?",
            BatchError::OfSomethingElse { .. } => {
                "give the same scenarios, options and share as before, or another folder"
            }
            BatchError::Reserved(_) => "give the scenario's file another name",
        }
    }
}

/// A batch in the making: its folder, locked for as long as this lives, and its index.
#[derive(Debug)]
pub struct Batch {
    root: PathBuf,
    index: Index,
    /// It was there before.
    resumed: bool,
    /// Held on the folder.
    _lock: Option<File>,
}

impl Batch {
    /// Begins one in a folder of which it is known that it [`may_be_begun`].
    ///
    /// # Errors
    /// [`BatchError`], if it cannot be written, or a journey cannot be called so.
    pub fn create(root: &Path, plan: &Plan) -> Result<Batch, BatchError> {
        for planned in &plan.journeys {
            may_be_called(&planned.name)?;
        }
        Batch::begin(
            root,
            plan.whole.clone(),
            plan.shard.map(Into::into),
            plan.journeys.iter().map(Planned::waiting).collect(),
        )
    }

    /// Begins one of these journeys, in a folder of which it is known that it [`may_be_begun`].
    ///
    /// # Errors
    /// [`BatchError`], if it cannot be written, or has an index all the same.
    pub fn begin(
        root: &Path,
        plan: PlanRecord,
        shard: Option<ShardRecord>,
        journeys: Vec<IndexEntry>,
    ) -> Result<Batch, BatchError> {
        fs::create_dir_all(root).map_err(|error| BatchError::Write {
            path: root.to_owned(),
            error,
        })?;
        let index = Index {
            format: INDEX_FORMAT,
            tool: ToolRecord::this(),
            plan,
            shard,
            started: Moment::now(),
            finished: None,
            exit_code: None,
            journeys,
            set_aside: Vec::new(),
        };
        let batch = Batch {
            _lock: lock(root)?,
            root: root.to_owned(),
            index,
            resumed: false,
        };
        // Whoever asked before, and however long ago: an index is not written over.
        if root.join(INDEX).exists() {
            return Err(BatchError::Exists(root.to_owned()));
        }
        batch.write()?;
        Ok(batch)
    }

    /// Goes on with one. Nothing is written yet.
    ///
    /// # Errors
    /// [`BatchError`], if the folder holds that of another plan or share, or another run is at work in it.
    pub fn resume(root: &Path, plan: &Plan) -> Result<Batch, BatchError> {
        let lock = lock(root)?;
        let mut index = read_index(root)?;
        let something_else = |why: &str| BatchError::OfSomethingElse {
            path: root.to_owned(),
            why: why.to_owned(),
        };
        if index.plan != plan.whole {
            return Err(something_else(
                "not the same scenarios, answers to consent banners or repeats",
            ));
        }
        if index.shard != plan.shard.map(Into::into) {
            return Err(something_else("not the same share of them"));
        }
        index.tool = ToolRecord::this();
        index.finished = None;
        index.exit_code = None;
        Ok(Batch {
            root: root.to_owned(),
            index,
            resumed: true,
            _lock: lock,
        })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether an earlier run has begun it.
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Takes in what came of a journey.
    ///
    /// # Errors
    /// If the index cannot be written.
    pub fn take(&mut self, entry: IndexEntry) -> Result<(), BatchError> {
        self.take_all([entry])
    }

    /// Takes in what came of several, and writes once.
    ///
    /// # Errors
    /// If the index cannot be written.
    pub fn take_all(
        &mut self,
        entries: impl IntoIterator<Item = IndexEntry>,
    ) -> Result<(), BatchError> {
        for entry in entries {
            let mut own = self.index.journeys.iter_mut();
            match own.find(|own| own.name == entry.name) {
                Some(own) => *own = entry,
                None => self.index.journeys.push(entry),
            }
        }
        self.write()
    }

    /// Puts a bundle aside that does not count: nothing that was captured is lost. Gives where it is now.
    ///
    /// # Errors
    /// If it cannot be moved, or the index not be written.
    pub fn set_aside(&mut self, name: &str, why: String) -> Result<PathBuf, BatchError> {
        let folder = self.root.join(SET_ASIDE);
        let mut aside = (1u32..).map(|number| format!("{SET_ASIDE}/{name}-{number}"));
        // There are more numbers than attempts.
        let bundle = aside
            .find(|bundle| !self.root.join(bundle).exists())
            .unwrap_or_default();
        let path = self.root.join(&bundle);
        // Said before it is done: whatever is killed between the two, the index tells of no bundle that is not there.
        let mut entries = self.index.journeys.iter_mut();
        if let Some(entry) = entries.find(|entry| entry.name == name) {
            entry.undo();
        }
        self.index.set_aside.push(SetAside {
            name: name.to_owned(),
            bundle,
            why,
        });
        self.write()?;
        let moved = fs::create_dir_all(path.parent().unwrap_or(&folder))
            .and_then(|()| fs::rename(self.root.join(name), &path));
        moved.map_err(|error| BatchError::Write {
            path: path.clone(),
            error,
        })?;
        Ok(path)
    }

    /// What each journey adds to the exit code, by its name.
    pub fn set_codes(&mut self, codes: impl IntoIterator<Item = (String, u8)>) {
        let codes: HashMap<String, u8> = codes.into_iter().collect();
        for entry in &mut self.index.journeys {
            if let Some(code) = codes.get(&entry.name) {
                entry.exit_code = Some(*code);
            }
        }
    }

    /// Orders its journeys by name.
    pub fn sort(&mut self) {
        self.index
            .journeys
            .sort_by(|one, other| one.name.cmp(&other.name));
    }

    /// The batch came to its end.
    ///
    /// # Errors
    /// If the index cannot be written.
    pub fn close(&mut self, exit_code: u8) -> Result<(), BatchError> {
        self.index.finished = Some(Moment::now());
        self.index.exit_code = Some(exit_code);
        self.write()
    }

    fn write(&self) -> Result<(), BatchError> {
        let path = self.root.join(INDEX);
        write_file(&path, |out| out.write_all(&pretty(&self.index)))
            .map_err(|error| BatchError::Write { path, error })
    }
}

/// Where a batch keeps things of its own no bundle can go.
pub(super) fn may_be_called(name: &str) -> Result<(), BatchError> {
    let first = name.split('/').next().unwrap_or_default();
    match [SET_ASIDE, INDEX, "index.html", "junit.xml"].contains(&first) {
        true => Err(BatchError::Reserved(name.to_owned())),
        false => Ok(()),
    }
}

/// The index of a batch's folder. Whoever made it chose the names in it: none of them leads out of the folder.
///
/// # Errors
/// If there is none, it cannot be read, or something in it lies elsewhere.
pub fn read_index(root: &Path) -> Result<Index, BatchError> {
    let path = root.join(INDEX);
    let read = read_plain(&path)
        .map_err(|error| error.to_string())
        .and_then(|text| {
            let of: OfFormat = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
            if of.format > INDEX_FORMAT {
                return Err(format!("its format is a newer one: {}", of.format));
            }
            let index: Index = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
            let names = index.journeys.iter();
            let names = names.flat_map(|entry| std::iter::once(&entry.name).chain(&entry.bundle));
            let mut names = names.chain(index.set_aside.iter().map(|aside| &aside.bundle));
            match names.find(|name| !bag::stays_inside(name)) {
                Some(name) => Err(format!("`{name}` is not in the batch's folder")),
                None => Ok(index),
            }
        });
    read.map_err(|why| BatchError::Read { path, why })
}

#[derive(Deserialize)]
struct OfFormat {
    format: u32,
}

/// A file, and nothing that could be waited for for ever, or has no end.
fn read_plain(path: &Path) -> io::Result<Vec<u8>> {
    const MOST: u64 = 256 << 20;
    let about = fs::symlink_metadata(path)?;
    if !about.is_file() || about.len() > MOST {
        return Err(io::Error::other(
            "it is no file of a size that an index has",
        ));
    }
    fs::read(path)
}

/// The bundles in a folder and in those below it, by path; not those in bundles, nor those that were put aside.
///
/// # Errors
/// If a folder cannot be read.
pub fn bundles_in(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut bundles = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        if folder.join("bagit.txt").exists() || folder.join("data/run.json").exists() {
            bundles.push(folder);
            continue;
        }
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let is_aside = folder == root && entry.file_name() == SET_ASIDE;
            if entry.file_type()?.is_dir() && !is_aside {
                folders.push(entry.path());
            }
        }
    }
    bundles.sort();
    Ok(bundles)
}

/// Whether a batch may be begun in a folder: it does not exist, or is empty. Asked before anything is put there, be it a
/// report's file in the making.
///
/// # Errors
/// [`BatchError::Exists`], if it holds something.
pub fn may_be_begun(root: &Path) -> Result<(), BatchError> {
    let is_empty = match fs::read_dir(root) {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => !root.exists(),
    };
    match is_empty {
        true => Ok(()),
        false => Err(BatchError::Exists(root.to_owned())),
    }
}

/// Whether a batch is to be gone on with there; if not, it is to be begun.
///
/// # Errors
/// [`BatchError::NoBatch`], if the folder holds something else.
pub fn may_be_resumed(root: &Path) -> Result<bool, BatchError> {
    if may_be_begun(root).is_ok() {
        return Ok(false);
    }
    match root.join(INDEX).exists() {
        true => Ok(true),
        false => Err(BatchError::NoBatch(root.to_owned())),
    }
}

/// Two runs must not write to one batch. Where a file system has no locks, as some networks' have none, nothing is locked.
fn lock(root: &Path) -> Result<Option<File>, BatchError> {
    let Ok(folder) = File::open(root) else {
        return Ok(None);
    };
    match folder.try_lock() {
        Ok(()) => Ok(Some(folder)),
        Err(TryLockError::WouldBlock) => Err(BatchError::InUse(root.to_owned())),
        Err(TryLockError::Error(error)) => {
            tracing::warn!(%error, "`{}` cannot be locked", root.display());
            Ok(None)
        }
    }
}
