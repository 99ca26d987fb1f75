//! `pixelwitness open`: shows a bundle's report and its files in the browser.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use tempfile::NamedTempFile;

use super::options::on_signal;
use super::{exit, talk};
use crate::bundle::inside;
use crate::loopback::Shelf;
use crate::run::{Run, page};

#[derive(Debug, Args)]
#[command(after_help = "\
  pixelwitness open evidence/report-20261124T090000Z

The report is made anew from the bundle's records, and its links lead to the bundle's own files:
pictures in full, bodies byte by byte. It is served on 127.0.0.1 alone, at an address that nobody
can guess, until Ctrl-C. Nothing is changed, and nothing else is contacted.

Exit codes: 0 shown, 2 it is no bundle or cannot be read, 3 it could not be served.")]
pub struct OpenArgs {
    /// The folder that a run was written to
    #[arg(value_name = "BUNDLE", value_hint = ValueHint::DirPath)]
    bundle: PathBuf,
    /// Print the address, and leave it to you to open it
    #[arg(long)]
    no_browser: bool,
}

pub async fn open(args: &OpenArgs) -> u8 {
    let run = match Run::load(&args.bundle) {
        Ok(run) => run,
        Err(error) => {
            talk::error(&error.to_string(), Some(error.help()));
            return exit::BAD_INPUT;
        }
    };
    let mut html = Vec::new();
    if let Err(error) = page(&run, true, &mut html) {
        talk::error(&format!("failed to render it: {error}"), None);
        return exit::INCONCLUSIVE;
    }
    let mut cancel = on_signal("stopping");
    let root = args.bundle.clone();
    let find = move |path: &str| inside(&root, &format!("data/{path}"));
    let shelf = match Shelf::start(html, Box::new(find)).await {
        Ok(shelf) => shelf,
        Err(error) => {
            talk::error(&format!("failed to serve it: {error}"), None);
            return exit::INCONCLUSIVE;
        }
    };
    talk::data(shelf.address());
    // As long as it is served: the browser may be slow.
    let _way = match args.no_browser {
        true => None,
        false => show(shelf.address()),
    };
    talk::note("it is served until Ctrl-C");
    let _ = cancel.wait_for(|cancelled| *cancelled).await;
    shelf.stop();
    exit::OK
}

/// Has the desktop's browser show an address, by way of a file that nobody else can read: what a program is started with,
/// everybody on the machine can see.
fn show(address: &str) -> Option<NamedTempFile> {
    let on_a_desktop = !cfg!(target_os = "linux")
        || ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if !on_a_desktop {
        talk::note("there is no desktop here: open that address in a browser on this machine");
        return None;
    }
    let way = tempfile::Builder::new()
        .prefix("pixelwitness-")
        .suffix(".html")
        .tempfile()
        .and_then(|mut file| {
            let html = format!(
                "<!doctype html><meta charset=\"utf-8\"><title>pixelwitness</title><meta http-equiv=\"refresh\" content=\"0; url={address}\">"
            );
            file.write_all(html.as_bytes())?;
            Ok(file)
        })
        .and_then(|file| open::that_detached(file.path()).map(|()| file));
    way.inspect_err(|error| {
        talk::warning(
            &format!("no browser could be opened: {error}"),
            Some("open that address yourself"),
        );
    })
    .ok()
}
