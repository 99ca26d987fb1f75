//! A bundle read back, as far as its run came.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::model::{Exchange, Findings, RunRecord, TrackerEvent};

/// What a bundle says of its run.
#[derive(Debug)]
pub struct Kept {
    pub record: RunRecord,
    pub exchanges: Vec<Exchange>,
    pub events: Vec<TrackerEvent>,
    /// Nothing where the run was cut short before it had any.
    pub findings: Option<Findings>,
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("`{}` is no bundle: {error}", path.display())]
    NoBundle { path: PathBuf, error: io::Error },
    #[error("failed to read `{}`: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("failed to read `{}`, line {line}: {error}", path.display())]
    Broken {
        path: PathBuf,
        line: usize,
        error: serde_json::Error,
    },
}

impl ReadError {
    pub fn help(&self) -> &'static str {
        match self {
            ReadError::NoBundle { .. } => {
                "a bundle is the folder that a run was written to; it holds `data/run.json`"
            }
            ReadError::Read { .. } => "a part of the bundle is missing: was all of it copied?",
            ReadError::Broken { .. } => {
                "another version wrote it, or it was changed; `pixelwitness audit` makes records anew from what the browser said"
            }
        }
    }
}

/// Reads a bundle. Of a run that was cut short, the last lines may be missing.
///
/// # Errors
/// [`ReadError`], if it is no bundle, or something in it cannot be read.
pub fn read(root: &Path) -> Result<Kept, ReadError> {
    let data = root.join("data");
    let path = data.join("run.json");
    let text = text_of(&path).map_err(|error| ReadError::NoBundle {
        path: root.to_owned(),
        error,
    })?;
    let record: RunRecord = parse(&path, 1, &text)?;
    // What is being written when a run is killed may stand there in part.
    let partial = record.finished.is_none();
    let path = data.join("findings.json");
    let findings = match text_of(&path) {
        Ok(text) => Some(parse(&path, 1, &text)?),
        Err(error) if partial && error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(ReadError::Read { path, error }),
    };
    // Most of a large bundle is these two, half and half.
    let (exchanges, events) = std::thread::scope(|scope| {
        let exchanges = scope.spawn(|| lines(&data.join("exchanges.jsonl"), partial));
        let events = lines(&data.join("evidence.jsonl"), partial);
        match exchanges.join() {
            Ok(exchanges) => (exchanges, events),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    Ok(Kept {
        record,
        exchanges: exchanges?,
        events: events?,
        findings,
    })
}

/// A file's text; not that of a link or a device, which lead elsewhere or have no end.
fn text_of(path: &Path) -> io::Result<String> {
    match path.symlink_metadata()?.is_file() {
        true => fs::read_to_string(path),
        false => Err(io::Error::other("it is no file")),
    }
}

fn parse<T: DeserializeOwned>(path: &Path, line: usize, text: &str) -> Result<T, ReadError> {
    serde_json::from_str(text).map_err(|error| ReadError::Broken {
        path: path.to_owned(),
        line: line + error.line().saturating_sub(1),
        error,
    })
}

fn lines<T: DeserializeOwned>(path: &Path, partial: bool) -> Result<Vec<T>, ReadError> {
    let text = text_of(path).map_err(|error| ReadError::Read {
        path: path.to_owned(),
        error,
    })?;
    let count = text.lines().count();
    let mut records = Vec::with_capacity(count);
    for (number, line) in (1..).zip(text.lines()) {
        match parse(path, number, line) {
            Ok(record) => records.push(record),
            Err(_) if partial && number == count => break,
            Err(error) => return Err(error),
        }
    }
    Ok(records)
}
