//! `pixelwitness consent`: rules for consent banners that others keep.

use std::path::PathBuf;

use clap::{Subcommand, ValueHint};

use super::{exit, talk};
use crate::consent;

#[derive(Debug, Subcommand)]
pub enum ConsentCommand {
    /// Print the folder of the rules that are installed
    Path,
    /// Fetch the pinned release of @duckduckgo/autoconsent (MPL-2.0) from the npm registry, and check its digest
    Install {
        /// Take the archive from disk, as `npm pack` leaves it
        #[arg(long, value_name = "FILE.tgz", value_hint = ValueHint::FilePath)]
        from: Option<PathBuf>,
    },
}

pub async fn consent(command: ConsentCommand) -> u8 {
    match command {
        ConsentCommand::Path => match (consent::installed(), consent::folder()) {
            (Ok(Some(_)), Some(folder)) => {
                talk::data(&folder.display().to_string());
                exit::OK
            }
            (Err(why), _) => {
                talk::error(&format!("the installed rules cannot be read: {why}"), None);
                exit::BAD_INPUT
            }
            _ => {
                talk::error(
                    "no rules for consent banners are installed",
                    Some(
                        "`pixelwitness consent install` fetches them; without them banners are recognised by platform and words",
                    ),
                );
                exit::BAD_INPUT
            }
        },
        ConsentCommand::Install { from } => match consent::install(from.as_deref()).await {
            Ok(folder) => {
                talk::data(&folder.display().to_string());
                exit::OK
            }
            Err(error) => {
                talk::error(&error.to_string(), Some(error.help()));
                exit::BAD_INPUT
            }
        },
    }
}
