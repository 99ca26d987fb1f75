//! What a run writes while it goes on, and at its end.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::Scrub;
use super::bag;
use super::files::{drop_leftovers, line, open_net_log, pretty, replace};
use crate::capture::{Body, Credentials};
use crate::model::{Exchange, Findings, RunRecord, TrackerEvent};

#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("`{}` is there already, and evidence is never overwritten", .0.display())]
    Exists(PathBuf),
    #[error("`{}` is being written to by a run", .0.display())]
    InUse(PathBuf),
    #[error("failed to write `{}`: {error}", path.display())]
    Write { path: PathBuf, error: io::Error },
    #[error("failed to seal `{}`: {error}", path.display())]
    Seal { path: PathBuf, error: io::Error },
}

impl BundleError {
    pub fn help(&self) -> &'static str {
        match self {
            BundleError::Exists(_) => "choose another folder with `--out`",
            BundleError::InUse(_) => "wait until the run has ended, or stop it with Ctrl-C",
            BundleError::Write { .. } | BundleError::Seal { .. } => {
                "is the disk full, or the folder read-only? what was written up to then is there, and can be read"
            }
        }
    }
}

/// A bundle in the making.
#[derive(Debug)]
pub struct BundleWriter {
    root: PathBuf,
    /// Held while the run writes: an audit must not take it for one that was cut short.
    lock: File,
    exchanges: File,
    evidence: File,
    /// What must not be written down.
    scrub: Option<Arc<Scrub>>,
    /// Where the raw sources lie instead, if they hold secrets; gone with the run.
    private: Option<TempDir>,
    /// Nanoseconds that went into writing, pictures aside.
    spent: Arc<AtomicU64>,
}

/// Counts the time from when it is made to when it is dropped.
struct Timer<'a>(&'a AtomicU64, Instant);

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        let spent = self.1.elapsed().as_nanos() as u64;
        self.0.fetch_add(spent, Ordering::Relaxed);
    }
}

/// The journal's file.
#[derive(Debug)]
struct Journal {
    file: File,
    spent: Arc<AtomicU64>,
}

impl Write for Journal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _timer = Timer(&self.spent, Instant::now());
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl BundleWriter {
    /// Makes the folder, which must not exist or be empty, and keeps the scenario's exact bytes in it.
    ///
    /// # Errors
    /// [`BundleError`], if the folder holds something or cannot be written.
    pub fn create(root: &Path, scenario: &str) -> Result<BundleWriter, BundleError> {
        let occupied = match fs::read_dir(root) {
            Ok(mut entries) => entries.next().is_some(),
            Err(_) => root.exists(),
        };
        if occupied {
            return Err(BundleError::Exists(root.to_owned()));
        }
        let data = root.join("data");
        let bodies = data.join("bodies");
        fs::create_dir_all(&bodies).map_err(|error| write_error(&bodies, error))?;
        bag::begin(root).map_err(|error| write_error(root, error))?;
        let file = data.join("scenario.yaml");
        fs::write(&file, scenario).map_err(|error| write_error(&file, error))?;
        BundleWriter::open(root)
    }

    /// Keeps the exact bytes of the policy that the run is held against.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn policy(&self, text: &str) -> Result<(), BundleError> {
        self.replace("policy.yaml", |file| file.write_all(text.as_bytes()))
    }

    /// Goes on with a bundle that is there, and holds a lock on it for as long as it lives. Until it is closed, the bag is
    /// not sealed.
    ///
    /// # Errors
    /// [`BundleError`], if it cannot be written to, a run is writing to it, or it is signed.
    pub fn open(root: &Path) -> Result<BundleWriter, BundleError> {
        let data = root.join("data");
        bag::may_be_opened(root).map_err(|error| write_error(root, error))?;
        let bundle = BundleWriter {
            lock: append(&root.join(bag::LOCK))?,
            exchanges: append(&data.join("exchanges.jsonl"))?,
            evidence: append(&data.join("evidence.jsonl"))?,
            root: root.to_owned(),
            scrub: None,
            private: None,
            spent: Arc::default(),
        };
        match bundle.lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(BundleError::InUse(root.to_owned())),
            Err(fs::TryLockError::Error(error)) => {
                return Err(write_error(&root.join(bag::LOCK), error));
            }
        }
        bag::open_again(root).map_err(|error| write_error(root, error))?;
        drop_leftovers(root)
            .and_then(|()| drop_leftovers(&data))
            .map_err(|error| write_error(&data, error))?;
        Ok(bundle)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// From now on these are kept out of whatever is written, and the raw sources (the browser's messages, its network
    /// log) are not kept at all, since secrets stand in them in too many forms.
    ///
    /// # Errors
    /// If there is no place for the raw sources.
    pub fn keep_out(&mut self, scrub: Scrub) -> Result<(), BundleError> {
        let private = tempfile::Builder::new()
            .prefix("pixelwitness-raw-")
            .tempdir();
        self.private = Some(private.map_err(|error| write_error(&std::env::temp_dir(), error))?);
        self.scrub = Some(Arc::new(scrub));
        Ok(())
    }

    pub fn scrub(&self) -> Option<&Scrub> {
        self.scrub.as_deref()
    }

    /// Where the capture writes the browser's messages.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn journal(&self) -> Result<Box<dyn Write + Send>, BundleError> {
        Ok(Box::new(Journal {
            file: append(&self.journal_path())?,
            spent: Arc::clone(&self.spent),
        }))
    }

    fn timer(&self) -> Timer<'_> {
        Timer(&self.spent, Instant::now())
    }

    pub fn journal_path(&self) -> PathBuf {
        self.raw("cdp.jsonl")
    }

    fn raw(&self, name: &str) -> PathBuf {
        match &self.private {
            Some(private) => private.path().join(name),
            None => self.data(name),
        }
    }

    /// Chromium's network log, as it was left.
    ///
    /// # Errors
    /// If there is none, or it cannot be read.
    pub fn net_log(&self) -> io::Result<Box<dyn Read + Send>> {
        match &self.private {
            Some(_) => Ok(Box::new(File::open(self.raw_net_log())?)),
            None => open_net_log(&self.root),
        }
    }

    /// Bytes as they may be written down.
    fn clean<'a>(&self, bytes: &'a [u8]) -> std::borrow::Cow<'a, [u8]> {
        match &self.scrub {
            Some(scrub) => scrub.bytes(bytes),
            None => bytes.into(),
        }
    }

    /// Keeps a body under its digest.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn body(&self, body: &Body) -> Result<(), BundleError> {
        let _timer = self.timer();
        let path = self.data("bodies").join(&body.sha256);
        fs::write(&path, self.clean(&body.bytes)).map_err(|error| write_error(&path, error))
    }

    /// Keeps a body that the network log holds, if it is not there yet.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep_body(&self, sha256: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.data("bodies").join(sha256);
        // Under its digest nothing else can lie, unless it was cut off while it was written.
        let there = fs::metadata(&path).is_ok_and(|file| file.len() == bytes.len() as u64);
        if there {
            Ok(())
        } else {
            fs::write(path, self.clean(bytes))
        }
    }

    /// Appends an exchange as far as it is known while the journey runs.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn exchange(&mut self, exchange: &Exchange) -> Result<(), BundleError> {
        let line = match &self.scrub {
            Some(scrub) => line(&scrub.exchange(exchange)),
            None => line(exchange),
        };
        let _timer = Timer(&self.spent, Instant::now());
        self.exchanges
            .write_all(&line)
            .map_err(|error| write_error(&self.data("exchanges.jsonl"), error))
    }

    /// Appends an evidence record while the journey runs.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn event(&mut self, event: &TrackerEvent) -> Result<(), BundleError> {
        let line = match &self.scrub {
            Some(scrub) => scrub.record(event).as_ref().map(line).unwrap_or_default(),
            None => line(event),
        };
        let _timer = Timer(&self.spent, Instant::now());
        self.evidence
            .write_all(&line)
            .map_err(|error| write_error(&self.data("evidence.jsonl"), error))
    }

    /// Keeps the certificates that servers showed: PEM chains, each by the digest of the host's own.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn certificates(&self, chains: &BTreeMap<String, Vec<String>>) -> Result<(), BundleError> {
        let folder = self.data("certificates");
        let keep = || -> io::Result<()> {
            if !chains.is_empty() {
                fs::create_dir_all(&folder)?;
            }
            for (sha256, chain) in chains {
                fs::write(folder.join(format!("{sha256}.pem")), chain.concat())?;
            }
            Ok(())
        };
        keep().map_err(|error| write_error(&folder, error))
    }

    /// Nothing more is written: the bag is sealed. `about` are elements of `bag-info.txt`.
    ///
    /// # Errors
    /// If it cannot be; then the bag says of itself that it is not whole.
    pub fn close(self, about: &[(&str, String)]) -> Result<(), BundleError> {
        // The lock itself is held until this ends; its file is not to be in a sealed bag.
        let _ = fs::remove_file(self.root.join(bag::LOCK));
        let sealed = {
            let _timer = self.timer();
            bag::seal(&self.root, about)
        };
        let millis = self.spent.load(Ordering::Relaxed) / 1_000_000;
        tracing::info!(
            millis,
            "writing the bundle, pictures and the compressed network log aside"
        );
        sealed.map_err(|error| BundleError::Seal {
            path: self.root.clone(),
            error,
        })
    }

    /// Writes `run.json`, whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn run(&self, run: &RunRecord) -> Result<(), BundleError> {
        self.record_writer().write(run)
    }

    /// Writes `run.json`, apart from everything else.
    pub fn record_writer(&self) -> RecordWriter {
        RecordWriter {
            root: self.root.clone(),
            scrub: self.scrub.clone(),
            spent: Arc::clone(&self.spent),
        }
    }

    /// Writes `findings.json`, whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn findings(&self, findings: &Findings) -> Result<(), BundleError> {
        let text = pretty(findings);
        self.replace("findings.json", |file| file.write_all(&text))
    }

    /// Where Chromium writes its network log while it runs.
    pub fn raw_net_log(&self) -> PathBuf {
        self.raw("netlog.json")
    }

    /// Puts Chromium's network log into its final, compressed form, if it is not there yet.
    ///
    /// # Errors
    /// If it cannot be read or written.
    pub fn compress_net_log(&self) -> Result<(), BundleError> {
        if self.private.is_some() {
            return Ok(());
        }
        let Ok(log) = File::open(self.raw_net_log()) else {
            return Ok(());
        };
        let path = self.data("netlog.json.gz");
        let copy = || -> io::Result<()> {
            let credentials = Credentials::new()?;
            let secret = credentials.are_in(BufReader::with_capacity(1 << 18, &log))?;
            (&log).rewind()?;
            let mut source = BufReader::with_capacity(1 << 18, log);
            let mut target = GzEncoder::new(File::create(&path)?, Compression::fast());
            match secret {
                true => credentials.copy_masked(source, &mut target)?,
                false => io::copy(&mut source, &mut target).map(|_| ())?,
            }
            target.finish()?.sync_all()
        };
        copy().map_err(|error| write_error(&path, error))
    }

    /// Takes away the plain log, once the compressed one is there.
    ///
    /// # Errors
    /// If it cannot be taken away.
    pub fn drop_raw_net_log(&self) -> Result<(), BundleError> {
        let path = self.raw_net_log();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(write_error(&path, error)),
            _ => Ok(()),
        }
    }

    /// Puts the final records in the place of those that were appended while the journey ran.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn records(
        &self,
        exchanges: &[Exchange],
        events: &[TrackerEvent],
    ) -> Result<(), BundleError> {
        self.replace("exchanges.jsonl", |file| {
            exchanges
                .iter()
                .try_for_each(|exchange| file.write_all(&line(exchange)))
        })?;
        self.replace("evidence.jsonl", |file| {
            events
                .iter()
                .try_for_each(|event| file.write_all(&line(event)))
        })
    }

    /// Writes a file of `data/` whole, or leaves what was there.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn replace(
        &self,
        name: &str,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), BundleError> {
        let _timer = self.timer();
        replace(&self.root, name, content)
    }

    fn data(&self, name: &str) -> PathBuf {
        self.root.join("data").join(name)
    }
}

/// Writes a bundle's `run.json` while others write its records.
#[derive(Debug, Clone)]
pub struct RecordWriter {
    root: PathBuf,
    scrub: Option<Arc<Scrub>>,
    spent: Arc<AtomicU64>,
}

impl RecordWriter {
    /// Writes the record as it stands, whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written, or would be no record without the secrets in it.
    pub fn write(&self, run: &RunRecord) -> Result<(), BundleError> {
        let _timer = Timer(&self.spent, Instant::now());
        let clean = match &self.scrub {
            Some(scrub) => Some(scrub.record(run).ok_or_else(|| {
                let error = io::Error::other("it cannot be written without a secret");
                write_error(&self.root.join("data/run.json"), error)
            })?),
            None => None,
        };
        let text = pretty(clean.as_ref().unwrap_or(run));
        replace(&self.root, "run.json", |file| file.write_all(&text))
    }
}

fn append(path: &Path) -> Result<File, BundleError> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|error| write_error(path, error))
}

pub(super) fn write_error(path: &Path, error: io::Error) -> BundleError {
    BundleError::Write {
        path: path.to_owned(),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("run");
        BundleWriter::create(&root, "title: x").unwrap();
        let error = BundleWriter::create(&root, "title: y").unwrap_err();
        assert!(matches!(error, BundleError::Exists(_)), "{error}");
        let kept = fs::read_to_string(root.join("data/scenario.yaml")).unwrap();
        assert_eq!(kept, "title: x");
        // An empty folder, as `mktemp -d` makes it, is welcome.
        let empty = tempfile::tempdir().unwrap();
        BundleWriter::create(empty.path(), "title: x").unwrap();
    }
}
