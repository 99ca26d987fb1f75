//! Seals a bag: its manifests are written, the tag manifest last.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::manifest::{digests, escape};
use super::{
    DECLARATION, FORMAT_ELEMENT, INFO, INSTRUCTIONS, MANIFEST, SIGNATURE, STAMP, STAMP_REQUEST,
    TAG_MANIFEST, TAGS,
};
use crate::bundle::write_file;
use crate::model::{FORMAT, Moment, ToolRecord};

const BAGIT: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";

/// A line of `bag-info.txt` is not much longer than this (RFC 8493, 2.2.2, recommends 79).
const INFO_WIDTH: usize = 79;

/// Whether the bag's last file is there: what is in it was whole once.
pub fn is_sealed(root: &Path) -> bool {
    root.join(TAG_MANIFEST).exists()
}

/// Whether something may still be written into a bag.
///
/// # Errors
/// If it is signed or time-stamped, which is not to be undone.
pub fn may_be_opened(root: &Path) -> io::Result<()> {
    for name in [SIGNATURE, STAMP] {
        if root.join(name).exists() {
            return Err(io::Error::other(format!(
                "it is sealed with `{name}`, and what is in it stays as it is"
            )));
        }
    }
    Ok(())
}

/// Takes the seal away, so that something can be written. Until [`seal`] comes again, the bag says of itself that it is
/// not whole.
///
/// # Errors
/// If it cannot be taken away.
pub fn open_again(root: &Path) -> io::Result<()> {
    for name in [TAG_MANIFEST, STAMP_REQUEST, MANIFEST, INFO] {
        match fs::remove_file(root.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

const VERIFY: &[u8] = include_bytes!("../../../docs/VERIFY.md");

/// SHA-256 (hex) of the tag manifest, which stands for all files. None: the bag is not sealed.
pub fn tag_digest(root: &Path) -> Option<String> {
    let manifest = fs::read(root.join(TAG_MANIFEST)).ok()?;
    Some(HEXLOWER.encode(&Sha256::digest(manifest)))
}

/// Whether a bag's instructions are those that this program writes.
pub fn has_own_instructions(root: &Path) -> bool {
    fs::read(root.join(INSTRUCTIONS)).is_ok_and(|text| text == VERIFY)
}

/// Writes what says of a bag that it is one, before there is anything in it: whoever finds it knows what it is.
///
/// # Errors
/// If it cannot be written.
pub(in crate::bundle) fn begin(root: &Path) -> io::Result<()> {
    write(root, DECLARATION, BAGIT.as_bytes())?;
    write(root, INSTRUCTIONS, VERIFY)
}

/// Writes the manifests over what lies in the folder, the tag manifest last. `about` are further elements of
/// `bag-info.txt`.
///
/// # Errors
/// If something cannot be read or written, or the payload holds what is neither file nor folder.
pub fn seal(root: &Path, about: &[(&str, String)]) -> io::Result<()> {
    begin(root)?;
    let mut files = Vec::new();
    list(root, Path::new("data"), &mut files)?;
    files.sort();
    let paths: Vec<PathBuf> = files.iter().map(|file| root.join(file)).collect();
    let mut manifest = String::new();
    let mut octets = 0;
    for (file, digest) in files.iter().zip(digests(&paths)) {
        let (sha256, size) = digest?;
        octets += size;
        manifest += &format!("{sha256}  {}\n", escape(file));
    }
    write(root, MANIFEST, manifest.as_bytes())?;
    let mut info = String::new();
    let tool = ToolRecord::this();
    element(
        &mut info,
        "Bag-Software-Agent",
        &format!("{} {}", tool.name, tool.version),
    );
    element(&mut info, "Bagging-Date", &Moment::now().date().to_string());
    element(
        &mut info,
        "Payload-Oxum",
        &format!("{octets}.{}", files.len()),
    );
    element(&mut info, FORMAT_ELEMENT, &FORMAT.to_string());
    for (name, value) in about {
        element(&mut info, name, value);
    }
    write(root, INFO, info.as_bytes())?;
    let mut tags = String::new();
    for name in TAGS {
        let digest = Sha256::digest(fs::read(root.join(name))?);
        tags += &format!("{}  {name}\n", HEXLOWER.encode(&digest));
    }
    write(root, TAG_MANIFEST, tags.as_bytes())
}

/// `Label: value`, folded as RFC 8493 (2.2.2) says: further lines begin with white space.
fn element(info: &mut String, name: &str, value: &str) {
    let mut line = format!("{name}:");
    for word in value.split_whitespace() {
        if line.len() + 1 + word.len() > INFO_WIDTH && line.contains(' ') {
            info.push_str(&line);
            info.push('\n');
            line = " ".to_owned();
        }
        line.push(' ');
        line.push_str(word);
    }
    info.push_str(&line);
    info.push('\n');
}

/// Files under a folder, relative to the bag, with `/` between names.
fn list(root: &Path, folder: &Path, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            list(root, &path, files)?;
        } else if kind.is_file() {
            let name = path.to_str().map(str::to_owned);
            files.push(
                name.ok_or_else(|| io::Error::other(odd(&path, "has a name that is no UTF-8")))?,
            );
        } else {
            return Err(io::Error::other(odd(&path, "is neither file nor folder")));
        }
    }
    Ok(())
}

fn odd(path: &Path, what: &str) -> String {
    format!("`{}` {what}", path.display())
}

/// Whole, or not at all.
fn write(root: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    write_file(&root.join(name), |out| out.write_all(content))
}
