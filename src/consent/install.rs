//! Fetches the pinned release, checks it, and keeps of it what is used.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use data_encoding::BASE64;
use flate2::read::GzDecoder;
use sha2::{Digest, Sha512};

use super::{COMPACT, LICENCE, SCRIPT, VERSION, folder};

/// SHA-512 of the release's archive, as the npm registry publishes it (`npm view … dist.integrity`).
const SHA512: &str =
    "NTmDhASFf5pUsSwg2TyT9R75GYUcuYZXPyBnRcYgJgozg6RLeXXP9uH8ADxA364yQ2gJBMu83AN/D24Y4nkPKg==";
/// Far above its size of 3 MB.
const LARGEST: u64 = 64 * 1024 * 1024;
const FETCH_LIMIT: Duration = Duration::from_secs(120);

#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error("failed to fetch {url}: {why}")]
    Fetch { url: String, why: String },
    #[error("failed to read `{}`: {error}", path.display())]
    Read {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error(
        "what was fetched is not the release that is trusted: its SHA-512 is {found}, where {SHA512} is expected"
    )]
    OtherRelease { found: String },
    #[error("the archive lacks `{0}`")]
    Lacks(&'static str),
    #[error("there is no folder to keep it in: neither HOME nor XDG_DATA_HOME is set")]
    NoFolder,
    #[error("failed to write `{}`: {error}", path.display())]
    Write {
        path: PathBuf,
        error: std::io::Error,
    },
}

impl InstallError {
    pub fn help(&self) -> &'static str {
        match self {
            InstallError::Fetch { .. } => {
                "fetch the archive elsewhere (`npm pack @duckduckgo/autoconsent@16.23.0`) and give it with `--from`"
            }
            InstallError::Read { .. } | InstallError::Lacks(_) => {
                "give the archive as npm packs it"
            }
            InstallError::OtherRelease { .. } => {
                "nothing was kept of it; only the pinned release is used"
            }
            InstallError::NoFolder => "set PIXELWITNESS_AUTOCONSENT to a folder",
            InstallError::Write { .. } => "may the folder be written to?",
        }
    }
}

/// Where the release is fetched from.
pub fn address() -> String {
    format!("https://registry.npmjs.org/@duckduckgo/autoconsent/-/autoconsent-{VERSION}.tgz")
}

/// Installs the release, from an archive on disk or from the npm registry. Gives the folder.
///
/// # Errors
/// [`InstallError`]; nothing is kept of an archive that is not the pinned one.
pub async fn install(from: Option<&Path>) -> Result<PathBuf, InstallError> {
    let archive = match from {
        Some(path) => std::fs::read(path).map_err(|error| InstallError::Read {
            path: path.to_owned(),
            error,
        })?,
        None => fetch().await?,
    };
    let found = BASE64.encode(&Sha512::digest(&archive));
    if found != SHA512 {
        return Err(InstallError::OtherRelease { found });
    }
    let folder = folder().ok_or(InstallError::NoFolder)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| InstallError::Write { path, error }
    };
    std::fs::create_dir_all(&folder).map_err(failed(&folder))?;
    // The script last: it is what an installation is known by.
    for (name, inside) in [
        (LICENCE, "package/LICENSE"),
        (COMPACT, "package/rules/compact-rules.json"),
        (SCRIPT, "package/dist/autoconsent.playwright.js"),
    ] {
        let bytes = unpack(&archive, inside).ok_or(InstallError::Lacks(inside))?;
        let path = folder.join(name);
        std::fs::write(&path, bytes).map_err(failed(&path))?;
    }
    Ok(folder)
}

async fn fetch() -> Result<Vec<u8>, InstallError> {
    // An error only says that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = address();
    let failed = |error: reqwest::Error| InstallError::Fetch {
        url: url.clone(),
        why: error.without_url().to_string(),
    };
    let client = reqwest::Client::builder()
        .timeout(FETCH_LIMIT)
        .build()
        .map_err(failed)?;
    let answer = client.get(&url).send().await.map_err(failed)?;
    let answer = answer.error_for_status().map_err(failed)?;
    Ok(answer.bytes().await.map_err(failed)?.to_vec())
}

/// A file out of a gzipped tar archive.
fn unpack(archive: &[u8], wanted: &str) -> Option<Vec<u8>> {
    let mut archive = tar::Archive::new(GzDecoder::new(archive).take(LARGEST));
    for entry in archive.entries().ok()?.flatten() {
        if entry.path().is_ok_and(|path| path == Path::new(wanted)) {
            let mut bytes = Vec::new();
            entry.take(LARGEST).read_to_end(&mut bytes).ok()?;
            return Some(bytes);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn another_archive_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.tgz");
        std::fs::write(&path, b"something else").unwrap();
        let error = install(Some(&path)).await.unwrap_err();
        assert!(
            matches!(error, InstallError::OtherRelease { .. }),
            "{error}"
        );
        let error = install(Some(&folder.path().join("none.tgz")))
            .await
            .unwrap_err();
        assert!(matches!(error, InstallError::Read { .. }), "{error}");
    }
}
