//! `pixelwitness decode`: what the requests in a file by another tool told, offline.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{exit, talk};
use crate::decode::Sequence;
use crate::intake::{self, IntakeError};
use crate::report::decoded::Decodings;

#[derive(Debug, Args)]
#[command(after_help = "\
A HAR is what a browser's network tools, Playwright, Charles, mitmproxy, WebPageTest and others
save. JSON Lines have an object a line, with the keys url, method, content_type and body (and, if
known, status, time, resource_type, referer, cookie). Both may be gzipped. Nothing is sent anywhere.

Records go to stdout as they are found; a file of any length, or a pipe, is read as it comes.

  pixelwitness decode saved.har | jq 'select(.kind == \"event\") | {page_url, event_name, identity}'
  pixelwitness decode --summary saved.har
  zcat crawl.jsonl.gz | pixelwitness decode -

Exit codes:
  0  all was read
  2  the file cannot be read, or is cut off (what stands before is decoded)
  3  some requests in it could not be read: each has a record of kind `unknown` that says why")]
pub struct DecodeArgs {
    /// A HAR or JSON Lines; - for standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// A table instead of records: page, event, what it told, whom it names, and who else was asked
    #[arg(long)]
    summary: bool,
}

pub fn decode(args: &DecodeArgs) -> u8 {
    let (input, bar) = match open(&args.file) {
        Ok(open) => open,
        Err(error) => {
            talk::error(
                &format!("failed to read {}: {error}", args.file.display()),
                None,
            );
            return exit::BAD_INPUT;
        }
    };
    let mut out = io::stdout().lock();
    let mut sequence = Sequence::default();
    let mut decodings = Decodings::default();
    let mut unreadable = 0;
    let mut gone = false;
    let result = if args.summary {
        intake::decode(input, true, &mut |mut decoded| {
            for event in &mut decoded.events {
                sequence.place(event);
            }
            decodings.add(&decoded);
            Ok(())
        })
    } else {
        let mut text = Vec::new();
        intake::lines(input, &mut |lines| {
            text.clear();
            for line in &lines {
                unreadable += usize::from(line.is_unreadable());
                line.put(&mut sequence, &mut text);
            }
            let written = out.write_all(&text);
            gone = is_gone(&written);
            written
        })
    };
    bar.finish_and_clear();
    let mut written = Ok(());
    if args.summary {
        unreadable = decodings.unreadable();
        written = decodings.render(talk::colour_on_stdout(), &mut out);
    }
    written = written.and_then(|()| out.flush());
    if gone || is_gone(&written) {
        return exit::OK;
    }
    if let Err(error) = written {
        talk::error(&format!("failed to write the records: {error}"), None);
        return exit::INCONCLUSIVE;
    }
    match result {
        Err(error) => said(&args.file, &error),
        Ok(_) if unreadable > 0 => {
            let message = format!("requests that could not be read: {unreadable}");
            talk::warning(
                &message,
                Some("each has a record of kind `unknown` that says why"),
            );
            exit::INCONCLUSIVE
        }
        Ok(requests) => {
            tracing::info!(requests, "decoded");
            exit::OK
        }
    }
}

/// A reader that has gone away, as `head` does, is no failure.
fn is_gone(written: &io::Result<()>) -> bool {
    written
        .as_ref()
        .is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn said(file: &Path, error: &IntakeError) -> u8 {
    talk::error(&format!("{}: {error}", file.display()), Some(error.help()));
    exit::BAD_INPUT
}

/// The input, without gzip, and a bar that shows how much of a file was read.
fn open(file: &Path) -> Result<(Box<dyn Read + Send>, ProgressBar), IntakeError> {
    if file == Path::new("-") {
        return Ok((intake::plain(io::stdin())?, ProgressBar::hidden()));
    }
    let file = File::open(file)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory).into());
    }
    let bar = if io::stderr().is_terminal() && metadata.is_file() {
        ProgressBar::with_draw_target(Some(metadata.len()), ProgressDrawTarget::stderr())
    } else {
        ProgressBar::hidden()
    };
    if let Ok(style) =
        ProgressStyle::with_template("{spinner} {bytes}/{total_bytes} {wide_bar} {eta}")
    {
        bar.set_style(style);
    }
    Ok((intake::plain(bar.wrap_read(file))?, bar))
}
