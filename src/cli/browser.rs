//! `pixelwitness browser`: which Chromium, and where it comes from.

use clap::Subcommand;

use super::options::no_browser;
use super::{exit, talk};
use crate::browser;

#[derive(Debug, Subcommand)]
pub enum BrowserCommand {
    /// Print the path of the browser that would be used
    Path,
    /// Install Chromium, if there is none: with the system's package manager, else by download
    Install,
}

pub async fn browser(command: BrowserCommand) -> u8 {
    match command {
        BrowserCommand::Path => match browser::find(None) {
            Ok(path) => {
                talk::data(&path.display().to_string());
                exit::OK
            }
            Err(error) => no_browser(&error),
        },
        BrowserCommand::Install => match install().await {
            Ok(path) => {
                talk::data(&path.display().to_string());
                exit::OK
            }
            Err(code) => code,
        },
    }
}

/// Installs a browser if there is none, and says what it does.
pub async fn install() -> Result<std::path::PathBuf, u8> {
    browser::install(&mut |what| talk::note(what))
        .await
        .map_err(|error| {
            talk::error(&error.to_string(), None);
            exit::BAD_INPUT
        })
}
