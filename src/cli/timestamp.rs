//! `pixelwitness timestamp`: has an authority say that a bundle was there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueHint};

use super::{exit, talk};
use crate::bundle::bag::{STAMP, STAMP_REQUEST};
use crate::bundle::timestamp::{self, StampError};

/// How long an authority may take.
const LIMIT: Duration = Duration::from_secs(30);

/// An answer is no larger than this (bytes): certificates and a signature.
const LARGEST: usize = 1 << 20;

#[derive(Debug, Args)]
#[command(after_help = "\
What is sent is a digest of the tag manifest, and nothing else: the authority learns neither what
was recorded nor where. Its answer (RFC 3161) is kept byte for byte as tagmanifest-sha256.txt.tsr,
and proves that the bundle was there at that time.

  pixelwitness timestamp evidence/… --tsa http://timestamp.example/
Without network:
  pixelwitness timestamp evidence/… --request-only
  curl -H 'content-type: application/timestamp-query' -o answer.tsr \\
    --data-binary @evidence/…/tagmanifest-sha256.txt.tsq http://timestamp.example/
  pixelwitness timestamp evidence/… --answer answer.tsr

Exit codes: 0 stamped, or the request written; 2 it is no complete bundle, or has a stamp; 3 no
answer, or none that fits.")]
pub struct TimestampArgs {
    /// The folder that a run was written to
    #[arg(value_name = "BUNDLE", value_hint = ValueHint::DirPath)]
    bundle: PathBuf,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct How {
    /// The authority's address
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    tsa: Option<String>,
    /// Write the request, and ask nobody
    #[arg(long)]
    request_only: bool,
    /// An authority's answer to that request
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    answer: Option<PathBuf>,
}

pub async fn timestamp(args: &TimestampArgs) -> u8 {
    match stamp(args).await {
        Ok(()) => exit::OK,
        Err(error) => {
            talk::error(&error.to_string(), Some(error.help()));
            match error {
                StampError::NotSealed(_) | StampError::Stamped(_) | StampError::Read { .. } => {
                    exit::BAD_INPUT
                }
                _ => exit::INCONCLUSIVE,
            }
        }
    }
}

async fn stamp(args: &TimestampArgs) -> Result<(), StampError> {
    let root = &args.bundle;
    let answer = match (&args.how.tsa, &args.how.answer) {
        (Some(url), _) => {
            let request = timestamp::request(root)?;
            ask(url, request)
                .await
                .map_err(|why| StampError::Authority {
                    url: url.clone(),
                    why,
                })?
        }
        (None, Some(file)) => std::fs::read(file).map_err(|error| StampError::Read {
            path: file.clone(),
            error,
        })?,
        (None, None) => {
            timestamp::request(root)?;
            talk::note(&format!(
                "the request is {}",
                root.join(STAMP_REQUEST).display()
            ));
            return Ok(());
        }
    };
    let stamp = timestamp::take_answer(root, &answer)?;
    said(root, &stamp);
    Ok(())
}

fn said(root: &Path, stamp: &timestamp::Stamp) {
    talk::note(&format!(
        "{} says that it was there at {}: {}",
        stamp.authority.as_deref().unwrap_or("the authority"),
        stamp.readable(),
        root.join(STAMP).display(),
    ));
    talk::note(
        "whether the authority's signature holds, `verify --tsa-ca` says, or openssl (VERIFY.md)",
    );
}

/// RFC 3161, 3.4: the request is posted, and the answer is its body.
async fn ask(url: &str, request: Vec<u8>) -> Result<Vec<u8>, String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let failed = |error: reqwest::Error| error.without_url().to_string();
    let client = reqwest::Client::builder()
        .timeout(LIMIT)
        .build()
        .map_err(failed)?;
    let sent = client
        .post(url)
        .header("content-type", "application/timestamp-query")
        .body(request)
        .send()
        .await;
    let answer = sent.map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let why = failed(error);
        cause.map_or(why.clone(), |cause| format!("{why}: {cause}"))
    })?;
    if !answer.status().is_success() {
        return Err(format!("it answered {}", answer.status()));
    }
    let mut answer = answer;
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(failed)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > LARGEST {
            return Err(format!("its answer has more than {LARGEST} bytes"));
        }
    }
    Ok(bytes)
}
