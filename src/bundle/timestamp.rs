//! Time stamps of the tag manifest (RFC 3161): an authority says that it was there at a time. `openssl ts -verify` checks
//! them without this program.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use cms::cert::CertificateChoices;
use cms::cert::x509::spki::AlgorithmIdentifier;
use cms::signed_data::{SignedData, SignerIdentifier};
use der::asn1::{Int, ObjectIdentifier, OctetString, OctetStringRef};
use der::{AnyRef, Decode, Encode, Reader, SliceReader, Tag, Tagged};
use sha2::{Digest, Sha256};
use x509_tsp::{MessageImprint, TimeStampReq, TimeStampResp, TspVersion};

use super::bag::{self, DECLARATION, STAMP, STAMP_REQUEST, TAG_MANIFEST};
use super::sign::Judged;
use super::write_file;

/// id-sha256 (RFC 5754, 2).
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

#[derive(Debug, thiserror::Error)]
pub enum StampError {
    #[error("`{}` is not sealed: its run was cut short", .0.display())]
    NotSealed(PathBuf),
    #[error("`{}` has a time stamp already", .0.display())]
    Stamped(PathBuf),
    #[error("failed to read `{}`: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("failed to write `{}`: {error}", path.display())]
    Write { path: PathBuf, error: io::Error },
    #[error("failed to make the request: {0}")]
    Request(String),
    #[error("the authority `{url}` gave no time stamp: {why}")]
    Authority { url: String, why: String },
    #[error("the authority's answer {0}")]
    Answer(String),
}

impl StampError {
    pub fn help(&self) -> &'static str {
        match self {
            StampError::NotSealed(_) => {
                "`pixelwitness audit` completes it from what it had written; then it can be stamped"
            }
            StampError::Stamped(_) => "a second one would replace the first; stamp a copy of it",
            StampError::Read { .. } | StampError::Write { .. } => {
                "is it a bundle, and may it be written to?"
            }
            StampError::Request(_) => "try again",
            StampError::Authority { .. } => {
                "is the address that of an RFC 3161 authority? `--request-only` writes the request, to be sent from elsewhere"
            }
            StampError::Answer(_) => {
                "nothing was kept of it; an answer must be to this bundle's own request"
            }
        }
    }
}

/// Writes the request for a time stamp beside the tag manifest, and gives it (DER). One that is there already is used
/// again, so that an answer to it fits.
///
/// # Errors
/// [`StampError`], if the bundle is not sealed or has a stamp, or it cannot be written.
pub fn request(root: &Path) -> Result<Vec<u8>, StampError> {
    if root.join(STAMP).exists() {
        return Err(StampError::Stamped(root.to_owned()));
    }
    let digest = digest(root)?;
    let path = root.join(STAMP_REQUEST);
    if let Ok(there) = fs::read(&path)
        && TimeStampReq::from_der(&there)
            .is_ok_and(|there| there.message_imprint.hashed_message.as_bytes() == digest)
    {
        return Ok(there);
    }
    let failed = |error: der::Error| StampError::Request(error.to_string());
    let mut nonce = [0; 8];
    getrandom::fill(&mut nonce).map_err(|error| StampError::Request(error.to_string()))?;
    // A positive number of a fixed length.
    nonce[0] = nonce[0] & 0x7f | 0x40;
    let request = TimeStampReq {
        version: TspVersion::V1,
        message_imprint: MessageImprint {
            hash_algorithm: AlgorithmIdentifier {
                oid: SHA256,
                parameters: Some(der::Any::null()),
            },
            hashed_message: OctetString::new(digest).map_err(failed)?,
        },
        req_policy: None,
        nonce: Some(Int::new(&nonce).map_err(failed)?),
        cert_req: true,
        extensions: None,
    };
    let request = request.to_der().map_err(failed)?;
    keep(&path, &request)?;
    Ok(request)
}

/// Keeps an authority's answer, byte for byte, if it is one to this bundle's request.
///
/// # Errors
/// [`StampError`], if the answer is none, or of something else; then nothing is kept.
pub fn take_answer(root: &Path, answer: &[u8]) -> Result<Stamp, StampError> {
    let path = root.join(STAMP);
    if path.exists() {
        return Err(StampError::Stamped(root.to_owned()));
    }
    let digest = digest(root)?;
    let stamp = read(answer, &digest).map_err(StampError::Answer)?;
    let asked = fs::read(root.join(STAMP_REQUEST)).ok();
    let asked = asked.and_then(|request| TimeStampReq::from_der(&request).ok());
    let nonce = asked.and_then(|request| Some(request.nonce?.as_bytes().to_vec()));
    if nonce.is_some() && nonce != stamp.nonce {
        let what = format!("is to another request than `{STAMP_REQUEST}`: its nonce is another");
        return Err(StampError::Answer(what));
    }
    keep(&path, answer)?;
    Ok(stamp)
}

/// Whether the request that lies beside a bundle's tag manifest, if there is one, is for a time stamp of that; and the
/// answer, if there is one, to that request.
pub fn request_fits(root: &Path, digest: &[u8]) -> bool {
    let request = match bag::read(root, STAMP_REQUEST) {
        Ok(None) => return true,
        Ok(Some(request)) => request,
        Err(_) => return false,
    };
    let Ok(request) = TimeStampReq::from_der(&request) else {
        return false;
    };
    let asked = request.nonce.map(|nonce| nonce.as_bytes().to_vec());
    let answer = bag::read(root, STAMP).ok().flatten();
    let answered = answer.and_then(|answer| read(&answer, digest).ok());
    request.message_imprint.hashed_message.as_bytes() == digest
        && answered.is_none_or(|stamp| asked.is_none() || stamp.nonce == asked)
}

/// What a time stamp says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// As it stands there, in UTC: `20261126032054Z`, perhaps with a fraction.
    pub time: String,
    /// The subject of the certificate that it is signed with, where that stands in it.
    pub authority: Option<String>,
    nonce: Option<Vec<u8>>,
}

impl Stamp {
    /// Seconds since the Unix epoch.
    fn seconds(&self) -> Option<i64> {
        let digits = self.time.get(..14)?;
        let time = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", digits).ok()?;
        let time = jiff::tz::TimeZone::UTC.to_timestamp(time).ok()?;
        Some(time.as_second())
    }

    /// `2026-11-26 03:20:54 UTC`
    pub fn readable(&self) -> String {
        let digits = self.time.as_bytes();
        if digits.len() < 15 || !digits[..14].iter().all(u8::is_ascii_digit) {
            return self.time.clone();
        }
        let t = &self.time;
        let (date, time) = (&t[..8], &t[8..]);
        format!(
            "{}-{}-{} {}:{}:{} UTC",
            &date[..4],
            &date[4..6],
            &date[6..],
            &time[..2],
            &time[2..4],
            time[4..].trim_end_matches('Z')
        )
    }
}

/// What an answer says, if it is a time stamp of that digest. Whether the authority's signature holds is not looked at:
/// [`is_by_authority`] does.
///
/// # Errors
/// What is wrong with it.
pub fn read(answer: &[u8], digest: &[u8]) -> Result<Stamp, String> {
    let unreadable = |error: der::Error| format!("is no answer of RFC 3161: {error}");
    let response = TimeStampResp::from_der(answer).map_err(unreadable)?;
    // granted, grantedWithMods (RFC 3161, 2.4.2)
    if response.status.status as u32 > 1 {
        return Err(format!(
            "is a refusal (status {})",
            response.status.status as u32
        ));
    }
    let token = response
        .time_stamp_token
        .ok_or("holds no time stamp".to_owned())?;
    let token = token.content.to_der().map_err(unreadable)?;
    let signed = SignedData::from_der(&token).map_err(unreadable)?;
    let content = signed
        .encap_content_info
        .econtent
        .as_ref()
        .ok_or("holds no time stamp".to_owned())?;
    let info = content
        .decode_as::<OctetStringRef<'_>>()
        .map_err(unreadable)?;
    let (imprint, time, nonce) = AnyRef::from_der(info.as_bytes())
        .and_then(|info| info.sequence(time_stamp_info))
        .map_err(unreadable)?;
    if imprint.hash_algorithm.oid != SHA256 || imprint.hashed_message.as_bytes() != digest {
        return Err(format!(
            "is a time stamp of something else than this `{TAG_MANIFEST}`"
        ));
    }
    Ok(Stamp {
        time,
        authority: authority(&signed),
        nonce,
    })
}

/// TSTInfo (RFC 3161, 2.4.2), as far as it is needed; the time may have a fraction of a second, which strict readers of
/// DER do not take.
fn time_stamp_info(
    reader: &mut SliceReader<'_>,
) -> der::Result<(MessageImprint, String, Option<Vec<u8>>)> {
    let _version = TspVersion::decode(reader)?;
    let _policy = ObjectIdentifier::decode(reader)?;
    let imprint = MessageImprint::decode(reader)?;
    let _serial = Int::decode(reader)?;
    let time = AnyRef::decode(reader)?;
    time.tag().assert_eq(Tag::GeneralizedTime)?;
    let time = String::from_utf8_lossy(time.value()).into_owned();
    let mut nonce = None;
    while !reader.is_finished() {
        let field = AnyRef::decode(reader)?;
        if field.tag() == Tag::Integer {
            nonce = Some(field.value().to_vec());
        }
    }
    Ok((imprint, time, nonce))
}

fn authority(signed: &SignedData) -> Option<String> {
    let signer = signed.signer_infos.0.as_slice().first()?;
    let SignerIdentifier::IssuerAndSerialNumber(wanted) = &signer.sid else {
        return None;
    };
    let certificates = signed.certificates.as_ref()?.0.iter();
    certificates
        .filter_map(|choice| match choice {
            CertificateChoices::Certificate(certificate) => Some(&certificate.tbs_certificate),
            CertificateChoices::Other(_) => None,
        })
        .find(|certificate| certificate.serial_number == wanted.serial_number)
        .map(|certificate| certificate.subject.to_string())
}

/// Whether the stamp's signature holds, by an authority whose certificates (PEM) are trusted. OpenSSL judges.
///
/// # Errors
/// Why it does not, or cannot be known.
pub fn is_by_authority(root: &Path, trusted: &Path, stamp: &Stamp) -> Result<(), Judged> {
    let mut command = Command::new("openssl");
    command.args(["ts", "-verify", "-data"]);
    command.arg(root.join(TAG_MANIFEST));
    command.arg("-in").arg(root.join(STAMP));
    command.arg("-CAfile").arg(trusted);
    // The certificate must have been valid then; that it has expired meanwhile takes nothing away.
    if let Some(seconds) = stamp.seconds() {
        command.args(["-attime", &seconds.to_string()]);
    }
    let output = command.output().map_err(|error| {
        Judged::Unknown(format!("openssl, which can tell, cannot be run: {error}"))
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let why = said.lines().find(|line| line.contains("error"));
    Err(Judged::Not(format!(
        "is not signed by an authority of `{}`: {}",
        trusted.display(),
        why.unwrap_or("openssl ts -verify fails").trim()
    )))
}

/// SHA-256 of the tag manifest: what is stamped.
///
/// # Errors
/// If there is none.
pub fn digest(root: &Path) -> Result<[u8; 32], StampError> {
    let path = root.join(TAG_MANIFEST);
    match fs::read(&path) {
        Ok(manifest) => Ok(Sha256::digest(manifest).into()),
        Err(error)
            if error.kind() == io::ErrorKind::NotFound && root.join(DECLARATION).is_file() =>
        {
            Err(StampError::NotSealed(root.to_owned()))
        }
        Err(error) => Err(StampError::Read { path, error }),
    }
}

fn keep(path: &Path, bytes: &[u8]) -> Result<(), StampError> {
    write_file(path, |out| out.write_all(bytes)).map_err(|error| StampError::Write {
        path: path.to_owned(),
        error,
    })
}
