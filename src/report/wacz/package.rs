//! The ZIP file around it all, and what `datapackage.json` says of its members.

use std::io::{self, Seek, Write};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::labelled;
use crate::model::Moment;

pub(super) struct Package<W: Write + Seek> {
    zip: ZipWriter<W>,
    options: SimpleFileOptions,
    resources: Vec<Value>,
}

/// A member that is being written.
pub(super) struct Member<'a, W: Write + Seek> {
    zip: &'a mut ZipWriter<W>,
    sha256: Sha256,
    written: u64,
}

impl<W: Write + Seek> Package<W> {
    /// Every member gets this time, in UTC.
    pub(super) fn new(out: W, time: Moment) -> Package<W> {
        Package {
            zip: ZipWriter::new(out),
            options: SimpleFileOptions::DEFAULT
                .last_modified_time(zip_time(time).unwrap_or(DateTime::DEFAULT)),
            resources: Vec::new(),
        }
    }

    /// As it is, so that a part of it can be read: WARC files must be. It may be larger than 4 GiB.
    pub(super) fn stored(
        &mut self,
        path: &str,
        write: impl FnOnce(&mut Member<'_, W>) -> io::Result<()>,
    ) -> io::Result<()> {
        self.member(path, CompressionMethod::Stored, write)
    }

    pub(super) fn deflated(
        &mut self,
        path: &str,
        write: impl FnOnce(&mut Member<'_, W>) -> io::Result<()>,
    ) -> io::Result<()> {
        self.member(path, CompressionMethod::Deflated, write)
    }

    fn member(
        &mut self,
        path: &str,
        method: CompressionMethod,
        write: impl FnOnce(&mut Member<'_, W>) -> io::Result<()>,
    ) -> io::Result<()> {
        let options = self.options.compression_method(method).large_file(true);
        self.zip.start_file(path, options)?;
        let mut member = Member {
            zip: &mut self.zip,
            sha256: Sha256::new(),
            written: 0,
        };
        write(&mut member)?;
        self.resources.push(json!({
            "name": path.rsplit('/').next(),
            "path": path,
            "hash": labelled(&member.sha256.finalize()),
            "bytes": member.written,
        }));
        Ok(())
    }

    /// What there is so far.
    pub(super) fn resources(&self) -> &[Value] {
        &self.resources
    }

    pub(super) fn finish(self) -> io::Result<()> {
        self.zip.finish()?.flush()
    }
}

impl<W: Write + Seek> Member<'_, W> {
    /// Bytes.
    pub(super) fn written(&self) -> u64 {
        self.written
    }
}

impl<W: Write + Seek> Write for Member<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.zip.write(bytes)?;
        self.sha256.update(&bytes[..written]);
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.zip.flush()
    }
}

/// Nothing before 1980, where a ZIP's time begins.
fn zip_time(time: Moment) -> Option<DateTime> {
    let day = time.date();
    let second = time.millis().rem_euclid(86_400_000) / 1000;
    DateTime::from_date_and_time(
        day.year().try_into().ok()?,
        day.month().try_into().ok()?,
        day.day().try_into().ok()?,
        (second / 3600).try_into().ok()?,
        (second / 60 % 60).try_into().ok()?,
        (second % 60).try_into().ok()?,
    )
    .ok()
}
