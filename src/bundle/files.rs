//! Files of a bundle: how they are written whole, and which may be read.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde::Serialize;
use tempfile::NamedTempFile;

use super::BundleError;
use super::bag::stays_inside;
use super::writer::write_error;
use crate::model::Exchange;

/// Chromium's network log of a bundle, compressed or not.
///
/// # Errors
/// If there is none, or it cannot be read.
pub fn open_net_log(root: &Path) -> io::Result<Box<dyn Read + Send>> {
    let data = root.join("data");
    // Open, the plain log can be read on when it is taken away.
    match File::open(data.join("netlog.json")) {
        Ok(log) => Ok(Box::new(log)),
        Err(_) => Ok(Box::new(GzDecoder::new(File::open(
            data.join("netlog.json.gz"),
        )?))),
    }
}

/// A request body that a bundle keeps, if there is one.
pub fn read_body(root: &Path, exchange: &Exchange) -> Option<Vec<u8>> {
    fs::read(inside(root, exchange.body_path.as_ref()?)?).ok()
}

/// Where a path that a record gives leads, as long as that is a file of the bundle's own payload: whoever made the
/// bundle chose the path.
pub fn inside(root: &Path, path: &str) -> Option<PathBuf> {
    if !path.starts_with("data/") || !stays_inside(path) {
        return None;
    }
    let mut whole = root.to_owned();
    for part in path.split('/') {
        whole.push(part);
        if whole.symlink_metadata().ok()?.is_symlink() {
            return None;
        }
    }
    whole.is_file().then_some(whole)
}

/// A record as it stands in its file.
pub fn line<T: Serialize>(record: &T) -> Vec<u8> {
    let mut line = serde_json::to_vec(record).unwrap_or_default();
    line.push(b'\n');
    line
}

/// A record that is a file of its own, as it stands there.
pub fn pretty<T: Serialize>(record: &T) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(record).unwrap_or_default();
    text.push(b'\n');
    text
}

/// Fills a file beside its place and puts it there: whole, or what was there stays.
///
/// # Errors
/// If it cannot be written.
pub fn write_whole(
    file: NamedTempFile,
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut writer = BufWriter::with_capacity(1 << 16, &file);
    content(&mut writer)?;
    writer.flush()?;
    drop(writer);
    make_readable(file.as_file())?;
    file.persist(path)?;
    Ok(())
}

/// What a run that was killed was just writing: files that were to be put in place whole.
pub(super) fn drop_leftovers(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_leftover = entry.file_name().as_encoded_bytes().starts_with(b".tmp");
        if is_leftover && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Writes a file whole, or leaves what was there.
///
/// # Errors
/// If it cannot be written.
pub fn write_file(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    write_whole(NamedTempFile::new_in(folder_of(path))?, path, content)
}

/// The folder that a file lies in.
pub fn folder_of(path: &Path) -> &Path {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// A temporary file is its owner's alone; evidence is as readable as any other file.
fn make_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

/// Writes a file of `data/` whole, or leaves what was there.
///
/// # Errors
/// If it cannot be written.
pub(super) fn replace(
    root: &Path,
    name: &str,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), BundleError> {
    let path = root.join("data").join(name);
    write_file(&path, content).map_err(|error| write_error(&path, error))
}
