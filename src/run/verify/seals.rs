//! By whom a bundle was sealed, and since when it is there at the latest.

use std::path::Path;
use std::{fs, io};

use data_encoding::HEXLOWER;

use super::{Proof, Trust, Verification};
use crate::bundle::bag::{self, SIGNATURE, STAMP, STAMP_REQUEST, TAG_MANIFEST};
use crate::bundle::{sign, timestamp};
use crate::model::{RedactionRecord, count};

pub(super) fn signature(root: &Path, trust: Trust<'_>, all: &mut Verification) {
    let name = "signature";
    let failed = |says: String| (Proof::Failed, says, vec![SIGNATURE.to_owned()]);
    let path = root.join(SIGNATURE);
    let (outcome, says, files) = match (fs::read(&path), trust.allowed_signers) {
        (Err(error), wanted) if error.kind() == io::ErrorKind::NotFound => match wanted {
            Some(_) => failed(format!("`{SIGNATURE}` is missing: it is not signed")),
            None => (
                Proof::NotProven,
                "by whom: it is not signed, so whoever had it could have sealed it anew".to_owned(),
                Vec::new(),
            ),
        },
        (Err(error), _) => failed(format!("`{SIGNATURE}` cannot be read: {error}")),
        (Ok(signature), wanted) => {
            let manifest = fs::read(root.join(TAG_MANIFEST)).unwrap_or_default();
            match (sign::verify(&signature, &manifest), wanted) {
                (Err(why), _) => failed(format!("`{SIGNATURE}` {why}")),
                (Ok(by), None) => (
                    Proof::Proven,
                    format!(
                        "it was signed with the key {}; whose that is, it cannot say (`--allowed-signers`)",
                        by.fingerprint
                    ),
                    Vec::new(),
                ),
                (Ok(by), Some(allowed)) => match sign::is_allowed(root, allowed, trust.signer) {
                    Ok(who) => (
                        Proof::Proven,
                        format!("it was signed by {who}, with the key {}", by.fingerprint),
                        Vec::new(),
                    ),
                    Err(why) => failed(format!("`{SIGNATURE}` {why}")),
                },
            }
        }
    };
    all.add_of(name, outcome, says, files);
}

pub(super) fn time_stamp(root: &Path, trust: Trust<'_>, all: &mut Verification) {
    let name = "time_stamp";
    let failed = |says: String| (Proof::Failed, says, vec![STAMP.to_owned()]);
    let (outcome, says, files) = match (fs::read(root.join(STAMP)), trust.authorities) {
        (Err(error), wanted) if error.kind() == io::ErrorKind::NotFound => match wanted {
            Some(_) => failed(format!("`{STAMP}` is missing: it has no time stamp")),
            None => (
                Proof::NotProven,
                "when: it has no time stamp, and the times in it are by its maker's clock"
                    .to_owned(),
                Vec::new(),
            ),
        },
        (Err(error), _) => failed(format!("`{STAMP}` cannot be read: {error}")),
        (Ok(answer), wanted) => {
            let digest = timestamp::digest(root).unwrap_or_default();
            match (timestamp::read(&answer, &digest), wanted) {
                (Err(why), _) => failed(format!("`{STAMP}` {why}")),
                (Ok(stamp), None) => (
                    Proof::NotProven,
                    format!(
                        "when: {} says that it was there at {}; that authority's signature was not checked (`--tsa-ca`)",
                        stamp.authority.as_deref().unwrap_or("an authority"),
                        stamp.readable(),
                    ),
                    Vec::new(),
                ),
                (Ok(stamp), Some(trusted)) => match timestamp::is_by_authority(root, trusted) {
                    Ok(()) => (
                        Proof::Proven,
                        format!(
                            "it was there at {}, says {}",
                            stamp.readable(),
                            stamp.authority.as_deref().unwrap_or("an authority"),
                        ),
                        Vec::new(),
                    ),
                    Err(why) => failed(format!("`{STAMP}` {why}")),
                },
            }
        }
    };
    all.add_of(name, outcome, says, files);
    if !timestamp::request_fits(root, &timestamp::digest(root).unwrap_or_default()) {
        let says =
            format!("`{STAMP_REQUEST}` is no request for a time stamp of this `{TAG_MANIFEST}`");
        all.add_of(name, Proof::Failed, says, vec![STAMP_REQUEST.to_owned()]);
    }
}

/// What a redacted edition shows of its original.
pub(super) fn original(
    root: &Path,
    redaction: &RedactionRecord,
    trust: Trust<'_>,
    all: &mut Verification,
) {
    let folder = root.join("data/original");
    let digest = timestamp::digest(&folder).unwrap_or_default();
    if HEXLOWER.encode(&digest) != redaction.original || !bag::tag_files_hold(&folder) {
        let says =
            "`data/original/` does not hold the manifests of the original that data/run.json names";
        let files = vec![format!("data/original/{TAG_MANIFEST}")];
        return all.add_of("original", Proof::Failed, says.to_owned(), files);
    }
    let (here, there) = (bag::listed(root), bag::listed(&folder));
    let same = here
        .iter()
        .filter(|(path, digest)| there.get(*path) == Some(digest));
    let mut says = format!(
        "of the original's {}, {} are here byte for byte; {} taken out of the others",
        count(there.len(), "file"),
        same.count(),
        match redaction.values.len() {
            1 => "a value was".to_owned(),
            values => format!("{values} values were"),
        },
    );
    let mut failed = |name: &str, why: String| {
        let file = format!("data/original/{name}");
        let says = format!("`{file}` {why}");
        all.add_of("original", Proof::Failed, says, vec![file]);
    };
    let manifest = fs::read(folder.join(TAG_MANIFEST)).unwrap_or_default();
    if let Ok(signature) = fs::read(folder.join(SIGNATURE)) {
        let by = sign::verify(&signature, &manifest).and_then(|by| match trust.allowed_signers {
            // Whoever redacts may be somebody else than who recorded: any of those who are allowed.
            Some(allowed) => sign::is_allowed(&folder, allowed, None)
                .map(|who| format!("{who}, with the key {}", by.fingerprint)),
            None => Ok(format!("the key {}", by.fingerprint)),
        });
        match by {
            Ok(by) => says += &format!("; the original was signed by {by}"),
            Err(why) => return failed(SIGNATURE, why),
        }
    }
    if let Ok(answer) = fs::read(folder.join(STAMP)) {
        match timestamp::read(&answer, &digest) {
            Ok(stamp) => says += &format!("; its time stamp says {}", stamp.readable()),
            Err(why) => return failed(STAMP, why),
        }
    }
    all.add("original", Proof::Proven, says);
}
