//! Manifests: a digest and a path a line (RFC 8493, 2.1.3).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::MANIFEST;

/// A file is read in pieces of so many bytes.
const PIECE: usize = 1 << 18;

/// A path as a manifest has it: what would end the line, and the escape itself, are escaped.
pub(super) fn escape(path: &str) -> String {
    path.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn unescape(path: &str) -> String {
    path.replace("%0D", "\r")
        .replace("%0d", "\r")
        .replace("%0A", "\n")
        .replace("%0a", "\n")
        .replace("%25", "%")
}

/// What a line says: digest and path.
pub(super) struct Entry {
    pub sha256: String,
    pub path: String,
}

/// Reads a manifest. A line that is none is given back by its number, counted from 1.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, usize> {
    let mut entries = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let (digest, path) = line.split_once([' ', '\t']).ok_or(number)?;
        // `sha256sum` writes a second space, or a star for binary.
        let path = path.trim_start_matches([' ', '\t']);
        let path = path.strip_prefix('*').unwrap_or(path);
        let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_digest || path.is_empty() {
            return Err(number);
        }
        entries.push(Entry {
            sha256: digest.to_ascii_lowercase(),
            path: unescape(path),
        });
    }
    Ok(entries)
}

/// What a bag's manifest says: the digest (hex) of each file by its path. Empty, if it cannot be read.
pub fn listed(root: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(root.join(MANIFEST)).unwrap_or_default();
    let entries = parse(&text).unwrap_or_default().into_iter();
    entries.map(|entry| (entry.path, entry.sha256)).collect()
}

/// A file's digest (hex) and its size.
///
/// # Errors
/// If it cannot be read.
pub(super) fn digest(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut piece = vec![0; PIECE];
    let mut size = 0;
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok((HEXLOWER.encode(&hasher.finalize()), size)),
            Ok(read) => {
                hasher.update(&piece[..read]);
                size += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Digests of many files, as many at once as there are processors, in the order in which they were asked for.
pub(super) fn digests(paths: &[PathBuf]) -> Vec<io::Result<(String, u64)>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(paths.len()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(paths.len()) {
            scope.spawn(|| {
                while let Some((index, path)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    paths.get(index).map(|path| (index, path))
                } {
                    let digest = digest(path);
                    let mut done = done.lock().unwrap_or_else(|error| error.into_inner());
                    done.push((index, digest));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(|error| error.into_inner());
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, digest)| digest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_back_as_it_was() {
        for path in ["data/a b.png", "data/100%.txt", "data/a\nb\r", "data/%0A"] {
            let line = format!("{}  {}\n", "0".repeat(64), escape(path));
            let entries = parse(&line).unwrap_or_else(|_| panic!("{line}"));
            assert_eq!(entries.len(), 1, "{line}");
            assert_eq!(entries[0].path, path);
        }
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        let good = format!("{}  data/a\n", "0".repeat(64));
        for bad in ["", "abc  data/a", "zz", &"0".repeat(64)] {
            let text = format!("{good}{bad}\n{good}");
            assert_eq!(parse(&text).err(), Some(2), "{bad}");
        }
    }
}
