//! Whether a bag is as its manifests say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::manifest::{Entry, digest, digests, parse};
use super::{
    AFTER, DECLARATION, FORMAT_ELEMENT, INFO, MANIFEST, SIGNATURE, STAMP, TAG_MANIFEST, TAGS,
};
use crate::model::FORMAT;

/// What was found of a bag.
#[derive(Debug, Default)]
pub struct Bag {
    /// Files of the payload that are as their manifest says.
    pub good: usize,
    /// Bytes of the payload that were read.
    pub bytes: u64,
    pub problems: Vec<Problem>,
    /// What `bag-info.txt` says, in order.
    pub info: Vec<(String, String)>,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub fault: Fault,
    /// Relative to the bag.
    pub path: String,
    pub what: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not what was sealed.
    Tampered,
    /// It was never sealed.
    Incomplete,
    /// It is of a format that this program does not know.
    Newer,
}

impl Bag {
    fn problem(&mut self, fault: Fault, path: impl Into<String>, what: impl Into<String>) {
        self.problems.push(Problem {
            fault,
            path: path.into(),
            what: what.into(),
        });
    }

    fn tampered(&mut self, path: impl Into<String>, what: impl Into<String>) {
        self.problem(Fault::Tampered, path, what);
    }

    /// The version of the format, as `bag-info.txt` has it.
    fn format(&self) -> Option<&str> {
        let mut elements = self.info.iter();
        let (_, value) = elements.find(|(name, _)| name == FORMAT_ELEMENT)?;
        Some(value)
    }
}

/// Holds every file of a bag against its manifests. Symbolic links are never followed, and no path leads out of the bag.
///
/// # Errors
/// If the folder itself cannot be read.
pub fn check(root: &Path) -> io::Result<Bag> {
    let mut bag = Bag::default();
    let mut there = BTreeSet::new();
    walk(root, Path::new(""), &mut there, &mut bag)?;
    if !there.contains(TAG_MANIFEST) {
        let sealed = [SIGNATURE, STAMP]
            .into_iter()
            .find(|name| there.contains(*name));
        match sealed {
            Some(name) => bag.tampered(TAG_MANIFEST, format!("is missing, and `{name}` is of it")),
            None => bag.problem(
                Fault::Incomplete,
                TAG_MANIFEST,
                "is not there: the run was cut short, or a part of the bundle is missing",
            ),
        }
        return Ok(bag);
    }
    bag.info = read_text(root, INFO, &there)
        .map(|text| elements(&text))
        .unwrap_or_default();
    match bag.format().map(str::to_owned) {
        Some(format) if format.parse().is_ok_and(|format| (1..=FORMAT).contains(&format)) => {}
        Some(format) => bag.problem(
            Fault::Newer,
            INFO,
            format!("says format `{format}`, and this program knows up to {FORMAT}: a newer one can check it"),
        ),
        None => bag.tampered(INFO, format!("does not say `{FORMAT_ELEMENT}`")),
    }
    let tags = manifest(root, TAG_MANIFEST, &there, &mut bag);
    for name in TAGS {
        if !tags.iter().any(|entry| entry.path == name) {
            bag.tampered(TAG_MANIFEST, format!("does not list `{name}`"));
        }
    }
    for entry in &tags {
        if !TAGS.contains(&entry.path.as_str()) {
            bag.tampered(TAG_MANIFEST, format!("lists `{}`", entry.path));
        }
    }
    compare(root, &tags, &there, &mut bag);
    let payload = manifest(root, MANIFEST, &there, &mut bag);
    for entry in payload
        .iter()
        .filter(|entry| !entry.path.starts_with("data/"))
    {
        bag.tampered(
            MANIFEST,
            format!("lists `{}`, which is not under data/", entry.path),
        );
    }
    let (good, bytes) = compare(root, &payload, &there, &mut bag);
    (bag.good, bag.bytes) = (good, bytes);
    let listed: BTreeSet<&str> = tags
        .iter()
        .chain(&payload)
        .map(|entry| entry.path.as_str())
        .chain(AFTER)
        .collect();
    for path in there.iter().filter(|path| !listed.contains(path.as_str())) {
        bag.tampered(path.clone(), "is in no manifest: it was added");
    }
    let declaration = read_text(root, DECLARATION, &there).unwrap_or_default();
    if !declaration.lines().any(|line| line == "BagIt-Version: 1.0") {
        bag.tampered(DECLARATION, "does not declare BagIt 1.0");
    }
    let oxum = bag.info.iter().find(|(name, _)| name == "Payload-Oxum");
    let counted = format!("{bytes}.{}", payload.len());
    if let Some((_, oxum)) = oxum
        && bag.problems.is_empty()
        && *oxum != counted
    {
        let what = format!("counts {oxum} (bytes.files), and {counted} are there");
        bag.tampered(INFO, what);
    }
    Ok(bag)
}

/// Whether a folder's tag manifest lists what such a one lists, and those files are as it says; of the payload nothing has to be
/// there.
pub fn tag_files_hold(folder: &Path) -> bool {
    let text = fs::read_to_string(folder.join(TAG_MANIFEST)).unwrap_or_default();
    let entries = parse(&text).unwrap_or_default();
    let listed = |name: &&str| entries.iter().any(|entry| entry.path == *name);
    TAGS.iter().all(listed)
        && entries.iter().all(|entry| {
            TAGS.contains(&entry.path.as_str())
                && digest(&folder.join(&entry.path)).is_ok_and(|(sha256, _)| sha256 == entry.sha256)
        })
}

/// A tag file is no larger than this (bytes): lists, and signatures with their certificates.
const LARGEST_TAG: u64 = 64 << 20;

/// Reads a file of a bag that is not large. None: there is none of that name.
///
/// # Errors
/// If it is no regular file, too large, or cannot be read.
pub fn read(folder: &Path, name: &str) -> io::Result<Option<Vec<u8>>> {
    let path = folder.join(name);
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(file) if !file.is_file() => Err(io::Error::other("it is no file")),
        Ok(file) if file.len() > LARGEST_TAG => Err(io::Error::other("it is too large")),
        Ok(_) => fs::read(path).map(Some),
    }
}

/// Gathers what lies in a folder: regular files alone.
fn walk(root: &Path, folder: &Path, there: &mut BTreeSet<String>, bag: &mut Bag) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        let name = path.to_string_lossy().into_owned();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(root, &path, there, bag)?;
        } else if !kind.is_file() {
            let what = if kind.is_symlink() {
                "is a symbolic link, and a bundle has none"
            } else {
                "is no file"
            };
            bag.tampered(name, what);
        } else if path.to_str().is_none() {
            bag.tampered(name, "has a name that is no UTF-8");
        } else {
            there.insert(name);
        }
    }
    Ok(())
}

/// The entries of a manifest that can be followed.
fn manifest(root: &Path, name: &str, there: &BTreeSet<String>, bag: &mut Bag) -> Vec<Entry> {
    let Some(text) = read_text(root, name, there) else {
        bag.tampered(name, "is missing, or is no text");
        return Vec::new();
    };
    let entries = match parse(&text) {
        Ok(entries) => entries,
        Err(line) => {
            bag.tampered(name, format!("line {line} is no digest and path"));
            return Vec::new();
        }
    };
    let mut seen = BTreeMap::new();
    let mut kept = Vec::new();
    for entry in entries {
        if !stays_inside(&entry.path) {
            bag.tampered(name, format!("`{}` leads out of the bundle", entry.path));
        } else if seen.insert(entry.path.clone(), ()).is_some() {
            bag.tampered(name, format!("lists `{}` twice", entry.path));
        } else {
            kept.push(entry);
        }
    }
    kept
}

/// Whether a manifest's path is one of a file in the bag, by its letters alone.
pub fn stays_inside(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Gives how many files are as listed, and the bytes that were read.
fn compare(
    root: &Path,
    entries: &[Entry],
    there: &BTreeSet<String>,
    bag: &mut Bag,
) -> (usize, u64) {
    let (present, missing): (Vec<&Entry>, Vec<&Entry>) = entries
        .iter()
        .partition(|entry| there.contains(&entry.path));
    for entry in missing {
        // A link was said already, where it was found.
        if !bag
            .problems
            .iter()
            .any(|problem| problem.path == entry.path)
        {
            bag.tampered(entry.path.clone(), "is missing");
        }
    }
    let paths: Vec<PathBuf> = present.iter().map(|entry| root.join(&entry.path)).collect();
    let (mut good, mut bytes) = (0, 0);
    for (entry, digest) in present.iter().zip(digests(&paths)) {
        match digest {
            Ok((sha256, size)) => {
                bytes += size;
                if sha256 == entry.sha256 {
                    good += 1;
                } else {
                    bag.tampered(
                        entry.path.clone(),
                        "is not what was sealed: its digest is another",
                    );
                }
            }
            Err(error) => bag.tampered(entry.path.clone(), format!("cannot be read: {error}")),
        }
    }
    (good, bytes)
}

fn read_text(root: &Path, name: &str, there: &BTreeSet<String>) -> Option<String> {
    let bytes = there
        .contains(name)
        .then(|| read(root, name).ok())
        .flatten()??;
    String::from_utf8(bytes).ok()
}

/// The elements of a bag's `bag-info.txt`, in order; none, if it cannot be read.
pub fn info(root: &Path) -> Vec<(String, String)> {
    let bytes = read(root, INFO).ok().flatten().unwrap_or_default();
    elements(&String::from_utf8_lossy(&bytes))
}

/// A line that begins with white space goes on with the one before.
fn elements(text: &str) -> Vec<(String, String)> {
    let mut elements: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = elements.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            elements.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_out_are_known_by_their_letters() {
        for path in ["data/a", "data/a b/c", "bagit.txt", "data/..a"] {
            assert!(stays_inside(path), "{path}");
        }
        for path in [
            "../x",
            "/etc/passwd",
            "data/../../x",
            "data/./a",
            "",
            "data//a",
            "data/",
        ] {
            assert!(!stays_inside(path), "{path}");
        }
    }

    #[test]
    fn folded_elements_are_put_together() {
        let elements = elements("A: one\n  two\nB:three\n");
        assert_eq!(elements[0], ("A".to_owned(), "one two".to_owned()));
        assert_eq!(elements[1], ("B".to_owned(), "three".to_owned()));
    }
}
