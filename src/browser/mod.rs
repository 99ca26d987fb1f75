//! Chromium: find one, install one, launch it, end it. Knows nothing of trackers.

mod endpoint;
mod find;
mod host_rules;
mod install;
mod launch;

use std::path::PathBuf;

pub use endpoint::Endpoint;
pub use find::find;
pub use host_rules::{ConnectTo, ConnectToError};
pub use install::{InstallError, install, what_to_type};
pub use launch::{Launch, Launched, OWN_HOSTS};

/// Why there is no browser to work with.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    #[error("no Chromium or Chrome was found")]
    NotFound,
    #[error("`{}` is not a browser that can be run: {why}", path.display())]
    NotRunnable { path: PathBuf, why: String },
    #[error("the browser `{}` did not start: {why}", path.display())]
    DidNotStart { path: PathBuf, why: String },
    #[error("failed to prepare the browser's profile: {0}")]
    Profile(std::io::Error),
}

impl BrowserError {
    /// What the person can do about it.
    pub fn help(&self) -> String {
        match self {
            BrowserError::NotFound => format!(
                "run `pixelwitness browser install`, or {}; or name one with `--browser PATH` or PIXELWITNESS_BROWSER",
                what_to_type()
            ),
            BrowserError::NotRunnable { .. } => {
                "give the path of a Chromium or Chrome executable".to_owned()
            }
            BrowserError::DidNotStart { .. } => {
                "its last words are above; in a container its sandbox needs the seccomp profile that docs/docker.md tells of".to_owned()
            }
            BrowserError::Profile(_) => "is the temporary folder full or read-only?".to_owned(),
        }
    }
}
