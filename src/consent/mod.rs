//! Rules for consent banners that others keep: `@duckduckgo/autoconsent` (MPL-2.0), which knows hundreds of them.
//!
//! It is no part of this program: `pixelwitness consent install` fetches one pinned release from the npm registry and
//! checks it against a digest that is written here. Where it is installed, it is asked about banners that our own
//! recognition does not answer.

mod install;

use std::path::{Path, PathBuf};

use serde_json::Value;

pub use install::{InstallError, install};

/// The release that is used.
pub const VERSION: &str = "16.23.0";

/// What is asked about banners.
#[derive(Debug, Clone)]
pub struct Rules {
    pub version: String,
    /// Its content script; it speaks through `autoconsentSendMessage` and `autoconsentReceiveMessage`.
    pub script: String,
    /// Its `compact-rules.json`.
    pub compact: Value,
}

/// Names of the files that are kept of a release.
const SCRIPT: &str = "autoconsent.playwright.js";
const COMPACT: &str = "compact-rules.json";
const LICENCE: &str = "LICENSE";

/// Where a release is kept: `PIXELWITNESS_AUTOCONSENT`, else a folder of the user's data. Nothing if there is no home.
pub fn folder() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("PIXELWITNESS_AUTOCONSENT") {
        return Some(folder.into());
    }
    let data = match std::env::var_os("XDG_DATA_HOME").filter(|path| !path.is_empty()) {
        Some(data) => PathBuf::from(data),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".local/share"),
    };
    Some(
        data.join("pixelwitness")
            .join(format!("autoconsent-{VERSION}")),
    )
}

/// The rules that are installed. Nothing if there are none.
///
/// # Errors
/// If they are there and cannot be read.
pub fn installed() -> Result<Option<Rules>, String> {
    match folder() {
        Some(folder) if folder.join(SCRIPT).is_file() => read(&folder).map(Some),
        _ => Ok(None),
    }
}

fn read(folder: &Path) -> Result<Rules, String> {
    let text = |name: &str| {
        let path = folder.join(name);
        std::fs::read_to_string(&path).map_err(|error| format!("`{}`: {error}", path.display()))
    };
    let compact = text(COMPACT)?;
    Ok(Rules {
        version: VERSION.to_owned(),
        script: text(SCRIPT)?,
        compact: serde_json::from_str(&compact).map_err(|error| format!("{COMPACT}: {error}"))?,
    })
}
