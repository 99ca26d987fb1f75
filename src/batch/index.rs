//! `index.json` of a batch's folder: what came of each of its journeys, written anew after each.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::plan::{Plan, Planned};
use crate::bundle::{pretty, write_file};
use crate::leak::doubt_of_run;
use crate::model::{
    ClaimVerdict, Counts, EntryState, INDEX_FORMAT, Index, IndexEntry, Moment, PlanRecord,
    RuleOutcome, SetAside, Severity, ShardRecord, StepState, ToolRecord, VerdictOutcomes,
};
use crate::policy::{Gate, GateCode, Judged};
use crate::run::Run;

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
                "the bundles beside it are whole by themselves: `pixelwitness merge` makes an index of them"
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
    /// Begins one in a folder that must not exist, or be empty.
    ///
    /// # Errors
    /// [`BatchError`], if it holds something or cannot be written.
    pub fn create(root: &Path, plan: &Plan) -> Result<Batch, BatchError> {
        for planned in &plan.journeys {
            let first = planned.name.split('/').next().unwrap_or_default();
            if [SET_ASIDE, INDEX, "index.html", "junit.xml"].contains(&first) {
                return Err(BatchError::Reserved(planned.name.clone()));
            }
        }
        Batch::begin(
            root,
            plan.whole.clone(),
            plan.shard.map(Into::into),
            plan.journeys.iter().map(waiting).collect(),
        )
    }

    /// Begins one of these journeys, in a folder that must not exist, or be empty.
    ///
    /// # Errors
    /// [`BatchError`], if it holds something or cannot be written.
    pub fn begin(
        root: &Path,
        plan: PlanRecord,
        shard: Option<ShardRecord>,
        journeys: Vec<IndexEntry>,
    ) -> Result<Batch, BatchError> {
        if !is_empty(root) {
            return Err(BatchError::Exists(root.to_owned()));
        }
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
        batch.write()?;
        Ok(batch)
    }

    /// Goes on with one, or begins it where there is none.
    ///
    /// # Errors
    /// [`BatchError`], if the folder holds no batch, or that of another plan or share, or another run is at work in it.
    pub fn resume(root: &Path, plan: &Plan) -> Result<Batch, BatchError> {
        if is_empty(root) {
            return Batch::create(root, plan);
        }
        if !root.join(INDEX).exists() {
            return Err(BatchError::NoBatch(root.to_owned()));
        }
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
        let mut entries = self.index.journeys.iter_mut();
        match entries.find(|own| own.name == entry.name) {
            Some(own) => *own = entry,
            None => self.index.journeys.push(entry),
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
        let moved = fs::create_dir_all(path.parent().unwrap_or(&folder))
            .and_then(|()| fs::rename(self.root.join(name), &path));
        moved.map_err(|error| BatchError::Write {
            path: path.clone(),
            error,
        })?;
        self.index.set_aside.push(SetAside {
            name: name.to_owned(),
            bundle,
            why,
        });
        self.write()?;
        Ok(path)
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
        write_index(&self.root, &self.index)
    }
}

pub(super) fn write_index(root: &Path, index: &Index) -> Result<(), BatchError> {
    let path = root.join(INDEX);
    write_file(&path, |out| out.write_all(&pretty(index)))
        .map_err(|error| BatchError::Write { path, error })
}

/// The index of a batch's folder.
///
/// # Errors
/// If there is none, or it cannot be read.
pub fn read_index(root: &Path) -> Result<Index, BatchError> {
    let path = root.join(INDEX);
    let read = fs::read(&path)
        .map_err(|error| error.to_string())
        .and_then(|text| {
            let index: Index = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
            match index.format <= INDEX_FORMAT {
                true => Ok(index),
                false => Err(format!("its format is a newer one: {}", index.format)),
            }
        });
    read.map_err(|why| BatchError::Read { path, why })
}

/// The bundles in a folder and in those below it, by path; not those in bundles.
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
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    bundles.sort();
    Ok(bundles)
}

fn is_empty(root: &Path) -> bool {
    match fs::read_dir(root) {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => !root.exists(),
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

/// A journey that was not made yet.
fn waiting(planned: &Planned) -> IndexEntry {
    IndexEntry {
        name: planned.name.clone(),
        title: planned.title.clone(),
        scenario: planned.scenario.path.display().to_string(),
        scenario_sha256: planned.scenario.sha256(),
        consent: planned.consent.map(|consent| consent.as_str().to_owned()),
        state: EntryState::Waiting,
        bundle: None,
        manifest_sha256: None,
        evidence_digest: None,
        exit_code: None,
        started: None,
        finished: None,
        steps: planned.scenario.steps.len() as u32,
        steps_done: 0,
        counts: Counts::default(),
        verdicts: None,
        violated: Vec::new(),
        contradicted: Vec::new(),
        problems: Vec::new(),
    }
}

impl Planned {
    /// A journey of which nothing came that could be kept.
    pub fn not_made(&self, why: String) -> IndexEntry {
        IndexEntry {
            state: EntryState::NotMade,
            problems: vec![why],
            ..waiting(self)
        }
    }

    /// One that was not begun.
    pub fn waiting(&self) -> IndexEntry {
        waiting(self)
    }

    /// What came of it. `bundle` is relative to the index; `by_baseline`: what counts, if no policy says it, is not known
    /// before all journeys were made.
    pub fn made(
        &self,
        run: &Run,
        bundle: String,
        judged: Judged<'_>,
        by_baseline: bool,
    ) -> IndexEntry {
        IndexEntry {
            consent: waiting(self).consent,
            ..entry(&self.name, &self.title, run, bundle, judged, by_baseline)
        }
    }
}

/// What a bundle comes to by itself.
pub fn entry(
    name: &str,
    title: &str,
    run: &Run,
    bundle: String,
    judged: Judged<'_>,
    by_baseline: bool,
) -> IndexEntry {
    let record = &run.record;
    let violated = judged
        .rules
        .iter()
        .filter(|rule| rule.outcome == RuleOutcome::Violated && rule.severity == Severity::Error);
    let contradicted = judged
        .claims
        .iter()
        .filter(|claim| claim.verdict == ClaimVerdict::Contradicted);
    let done = record.journey.steps.iter();
    let verdicts = &run.findings.verdicts;
    IndexEntry {
        name: name.to_owned(),
        title: title.to_owned(),
        scenario: record.scenario.path.clone(),
        scenario_sha256: record.scenario.sha256.clone(),
        consent: None,
        state: record.journey.state.into(),
        bundle: Some(bundle),
        manifest_sha256: fs::read(run.bundle.join("manifest-sha256.txt"))
            .ok()
            .map(|manifest| HEXLOWER.encode(&Sha256::digest(manifest))),
        evidence_digest: Some(run.evidence_digest()),
        started: Some(record.started),
        finished: record.finished,
        steps: record.journey.steps.len() as u32,
        steps_done: done.filter(|step| step.state == StepState::Done).count() as u32,
        counts: record.counts.clone(),
        verdicts: Some(VerdictOutcomes {
            typed_value: verdicts.typed_value.outcome,
            page_context: verdicts.page_context.outcome,
            identity_link: verdicts.identity_link.outcome,
        }),
        violated: violated.map(|rule| rule.id.clone()).collect(),
        contradicted: contradicted.map(|claim| claim.id.clone()).collect(),
        problems: record
            .problems
            .iter()
            .map(|problem| problem.message.clone())
            .collect(),
        exit_code: Some(alone(judged, by_baseline)),
    }
}

/// What a command would exit with whose only journey this was. By a baseline that is known when all were made; until then it
/// counts whether everything is known.
fn alone(judged: Judged<'_>, by_baseline: bool) -> u8 {
    if by_baseline && judged.policy.is_none() {
        return match doubt_of_run(&judged.record) {
            Some(_) => 3,
            None => 0,
        };
    }
    let gate = Gate {
        runs: vec![judged],
        ..Gate::default()
    };
    match gate.code() {
        GateCode::Refused => 1,
        GateCode::Inconclusive => 3,
        // There is no baseline.
        GateCode::Clean | GateCode::Stale => 0,
    }
}
