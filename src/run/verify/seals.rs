//! By whom a bundle was sealed, and since when it is there at the latest.

use std::path::Path;

use data_encoding::HEXLOWER;

use super::{Proof, Trust, Verification};
use crate::bundle::bag::{self, MANIFEST, SIGNATURE, STAMP, STAMP_REQUEST, TAG_MANIFEST};
use crate::bundle::sign::Judged;
use crate::bundle::{sign, timestamp};
use crate::model::{RedactionRecord, count};

/// What a signature or a time stamp comes to.
enum Sealed {
    /// There is none.
    Not,
    Proven(String),
    NotProven(String),
    /// The program that can tell is not here.
    Unknown(String),
    Failed(String),
}

pub(super) fn signature(root: &Path, trust: Trust<'_>, all: &mut Verification) {
    let nobody = "by whom: it is not signed, so whoever had it could have sealed it anew";
    let wanted = trust.allowed_signers.is_some();
    let missing = "is missing: it is not signed";
    all.sealed(
        "signature",
        SIGNATURE,
        signed_by(root, trust),
        wanted.then_some(missing),
        nobody,
    );
}

fn signed_by(folder: &Path, trust: Trust<'_>) -> Sealed {
    let signature = match bag::read(folder, SIGNATURE) {
        Ok(Some(signature)) => signature,
        Ok(None) => return Sealed::Not,
        Err(error) => return Sealed::Failed(format!("cannot be read: {error}")),
    };
    let manifest = bag::read(folder, TAG_MANIFEST)
        .ok()
        .flatten()
        .unwrap_or_default();
    let by = match sign::verify(&signature, &manifest) {
        Ok(by) => by,
        Err(why) => return Sealed::Failed(why),
    };
    let Some(allowed) = trust.allowed_signers else {
        return Sealed::Proven(format!(
            "it was signed with the key {}; whose that is, it cannot say (`--allowed-signers`)",
            by.fingerprint
        ));
    };
    match sign::is_allowed(folder, allowed, trust.signer) {
        Ok(who) => Sealed::Proven(format!(
            "it was signed with a key that is listed for {who} ({})",
            by.fingerprint
        )),
        Err(Judged::Not(why)) => Sealed::Failed(why),
        Err(Judged::Unknown(why)) => Sealed::Unknown(why),
    }
}

pub(super) fn time_stamp(root: &Path, trust: Trust<'_>, all: &mut Verification) {
    let name = "time_stamp";
    let never = "when: it has no time stamp, and the times in it are by its maker's clock";
    let wanted = trust.authorities.is_some();
    let missing = "is missing: it has no time stamp";
    all.sealed(
        name,
        STAMP,
        stamped_by(root, trust),
        wanted.then_some(missing),
        never,
    );
    if !timestamp::request_fits(root, &timestamp::digest(root).unwrap_or_default()) {
        let says =
            format!("`{STAMP_REQUEST}` is no request for a time stamp of this `{TAG_MANIFEST}`");
        all.add_of(name, Proof::Failed, says, vec![STAMP_REQUEST.to_owned()]);
    }
}

fn stamped_by(folder: &Path, trust: Trust<'_>) -> Sealed {
    let answer = match bag::read(folder, STAMP) {
        Ok(Some(answer)) => answer,
        Ok(None) => return Sealed::Not,
        Err(error) => return Sealed::Failed(format!("cannot be read: {error}")),
    };
    let digest = timestamp::digest(folder).unwrap_or_default();
    let stamp = match timestamp::read(&answer, &digest) {
        Ok(stamp) => stamp,
        Err(why) => return Sealed::Failed(why),
    };
    let authority = stamp.authority.as_deref().unwrap_or("an authority");
    let time = stamp.readable();
    let Some(trusted) = trust.authorities else {
        return Sealed::NotProven(format!(
            "when: {authority} says that it was there at {time}; that authority's signature was not checked (`--tsa-ca`)"
        ));
    };
    match timestamp::is_by_authority(folder, trusted, &stamp) {
        Ok(()) => Sealed::Proven(format!("it was there at {time}, says {authority}")),
        Err(Judged::Not(why)) => Sealed::Failed(why),
        Err(Judged::Unknown(why)) => Sealed::Unknown(why),
    }
}

impl Verification {
    /// Says what came of a signature or a time stamp. `missing`: what to say where there is none, and there must be one.
    fn sealed(
        &mut self,
        name: &'static str,
        file: &str,
        sealed: Sealed,
        missing: Option<&str>,
        none: &str,
    ) {
        let files = vec![file.to_owned()];
        match (sealed, missing) {
            (Sealed::Proven(says), _) => self.add(name, Proof::Proven, says),
            (Sealed::NotProven(says), _) => self.add(name, Proof::NotProven, says),
            (Sealed::Unknown(why), _) => {
                self.add(name, Proof::Inconclusive, format!("`{file}`: {why}"))
            }
            (Sealed::Failed(why), _) => {
                self.add_of(name, Proof::Failed, format!("`{file}` {why}"), files)
            }
            (Sealed::Not, Some(missing)) => {
                self.add_of(name, Proof::Failed, format!("`{file}` {missing}"), files);
            }
            (Sealed::Not, None) => self.add(name, Proof::NotProven, none.to_owned()),
        }
    }
}

/// What a redacted edition shows of its original.
pub(super) fn original(
    root: &Path,
    redaction: &RedactionRecord,
    trust: Trust<'_>,
    all: &mut Verification,
) {
    let name = "original";
    let folder = root.join("data/original");
    let digest = timestamp::digest(&folder).unwrap_or_default();
    let with_manifest = folder.join(MANIFEST).exists();
    let holds = !with_manifest || bag::tag_files_hold(&folder);
    if HEXLOWER.encode(&digest) != redaction.original || !holds {
        let says = "`data/original/` does not hold the tag manifest of the original that data/run.json names, or not what it lists";
        let files = vec![format!("data/original/{TAG_MANIFEST}")];
        return all.add_of(name, Proof::Failed, says.to_owned(), files);
    }
    // Whoever redacts may be somebody else than who recorded: any of those who are allowed.
    let any = Trust {
        signer: None,
        ..trust
    };
    let mut says = vec!["the original's tag manifest is in it".to_owned()];
    for (file, sealed) in [
        (SIGNATURE, signed_by(&folder, any)),
        (STAMP, stamped_by(&folder, any)),
    ] {
        match sealed {
            Sealed::Not => {}
            Sealed::Proven(what) | Sealed::NotProven(what) => says.push(what),
            Sealed::Unknown(why) => {
                let says = format!("`data/original/{file}`: {why}");
                all.add(name, Proof::Inconclusive, says);
            }
            Sealed::Failed(why) => {
                let file = format!("data/original/{file}");
                return all.add_of(name, Proof::Failed, format!("`{file}` {why}"), vec![file]);
            }
        }
    }
    if with_manifest {
        let (here, there) = (bag::listed(root), bag::listed(&folder));
        let same = here
            .iter()
            .filter(|(path, digest)| there.get(*path) == Some(digest));
        says.push(format!(
            "of its {}, {} are here byte for byte",
            count(there.len(), "file"),
            same.count(),
        ));
    }
    all.add(name, Proof::Proven, says.join("; "));
    let says =
        "that what else stands in it stood in the original: whoever has the original can tell";
    all.add(name, Proof::NotProven, says.to_owned());
}
