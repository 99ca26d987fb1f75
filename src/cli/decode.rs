//! `pixelwitness decode`: what the requests in a file by another tool told, offline.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{exit, talk};
use crate::bundle::line;
use crate::decode::Sequence;
use crate::intake::{self, IntakeError};
use crate::leak::{Search, Sightings, Sought};
use crate::model::{VerdictOutcome, count, registrable_domain};
use crate::report::decoded::Decodings;
use crate::report::looked_for;
use crate::scenario::CanaryKind;

#[derive(Debug, Args)]
#[command(after_help = "\
A HAR is what a browser's network tools, Playwright, Charles, mitmproxy, WebPageTest and others
save. JSON Lines have an object a line, with the keys url, method, content_type and body (and, if
known, status, time, resource_type, referer, cookie). Both may be gzipped. Nothing is sent anywhere.

Records go to stdout as they are found; a file of any length, or a pipe, is read as it comes.

  pixelwitness decode saved.har | jq 'select(.kind == \"event\") | {page_url, event_name, identity}'
  pixelwitness decode --summary saved.har
  zcat crawl.jsonl.gz | pixelwitness decode -

With --canary each request is searched for a value, in whatever form it left: encoded, hashed, cut
short or in pieces. Then what was found goes to stdout, an object a line: where it stood, how it was
made, and a shell line to check it.

  pixelwitness decode saved.har --canary email=someone@example.com --site police.example
  pixelwitness decode saved.har --canary name=Vexqjorth | jq -r .chain

Exit codes:
  0  all was read; with --canary: and nothing was found
  1  with --canary: something was found
  2  the file cannot be read, or is cut off (what stands before is decoded)
  3  some requests in it could not be read: each has a record of kind `unknown` that says why; with
     --canary: nothing was found, and not everything could be searched")]
pub struct DecodeArgs {
    /// A HAR or JSON Lines; - for standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// A table instead of records: page, event, what it told, whom it names, and who else was asked
    #[arg(long)]
    summary: bool,
    /// Search for a value that was typed; repeatable. KIND is email, phone, name, text, date, postcode or number; where
    /// there are several of a kind, NAME:KIND=VALUE
    #[arg(long, value_name = "KIND=VALUE", value_parser = canary)]
    canary: Vec<Sought>,
    /// Whose site it was, by its registrable domain: what was sent to it is no leak
    #[arg(long, value_name = "DOMAIN", requires = "canary", value_parser = site)]
    site: Option<String>,
}

/// The registrable domain of a host or an address.
pub fn site(text: &str) -> Result<String, String> {
    let lower = text.trim().to_ascii_lowercase();
    let host = match url::Url::parse(&lower) {
        Ok(url) => url.host_str().unwrap_or_default().to_owned(),
        Err(_) => lower.trim_end_matches(['/', '.']).to_owned(),
    };
    let is_host = !host.is_empty() && !host.contains(['/', ' ', ':']) && host.contains('.');
    if !is_host {
        return Err("expected a domain, as in `police.example`".to_owned());
    }
    Ok(registrable_domain(&host).to_owned())
}

/// `email=someone@example.com`, or `first:name=Ann`.
pub fn canary(text: &str) -> Result<Sought, String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("expected KIND=VALUE, as in `email=someone@example.com`")?;
    let (name, kind) = name.split_once(':').unwrap_or((name, name));
    if CanaryKind::of(kind).is_none() {
        let kinds: Vec<&str> = CanaryKind::ALL.iter().map(|kind| kind.as_str()).collect();
        return Err(format!(
            "`{kind}` is no kind of canary; expected one of {}",
            kinds.join(", ")
        ));
    }
    if value.trim().len() < 3 {
        return Err("the value is too short to be told from any other".to_owned());
    }
    Ok(Sought {
        name: name.to_owned(),
        kind: kind.to_owned(),
        value: value.to_owned(),
        rare: false,
    })
}

pub fn decode(args: &DecodeArgs) -> u8 {
    if let Some(code) = two_of_a_name(&args.canary) {
        return code;
    }
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
    let searched = Search::new(args.canary.clone());
    let mut sightings = Sightings::new(&searched, None);
    let result = if !args.canary.is_empty() {
        let site = args.site.as_deref().unwrap_or_default();
        if site.is_empty() {
            talk::note("without --site, what the site itself was sent counts, too");
        }
        intake::search(input, &searched, site, args.summary, &mut |looked| {
            sightings.others(looked.others);
            let before = sightings.leaks.len();
            for mut decoded in looked.decoded {
                for event in &mut decoded.events {
                    sequence.place(event);
                }
                decodings.add(&decoded);
                match decoded.looked {
                    Some(looked) if looked.own => sightings.own(&looked.found),
                    Some(looked) => match looked.exchange {
                        Some(exchange) => sightings.told(&exchange, looked.found),
                        None => sightings.nothing_in(&looked.found),
                    },
                    None => {}
                }
            }
            if args.summary {
                return Ok(());
            }
            let new = &sightings.leaks[before..];
            let written = new.iter().try_for_each(|leak| out.write_all(&line(leak)));
            gone = is_gone(&written);
            written
        })
    } else if args.summary {
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
    if args.summary || !args.canary.is_empty() {
        unreadable = decodings.unreadable();
    }
    if args.summary {
        written = decodings.render(talk::colour_on_stdout(), &mut out);
    }
    let mut nothing = exit::OK;
    if !args.canary.is_empty() {
        let before = sightings.leaks.len();
        sightings.finish();
        if !args.summary {
            let new = &sightings.leaks[before..];
            written = new.iter().try_for_each(|leak| out.write_all(&line(leak)));
        }
        let doubt = match &result {
            Err(error) => Some(error.to_string()),
            Ok(_) if unreadable > 0 => Some(format!(
                "{} could not be read",
                count(unreadable, "request")
            )),
            Ok(_) => None,
        };
        let verdict = sightings.verdict(doubt.as_deref());
        nothing = match verdict.outcome {
            VerdictOutcome::Found => exit::FOUND,
            VerdictOutcome::Inconclusive => exit::INCONCLUSIVE,
            VerdictOutcome::NotFound | VerdictOutcome::NotTested => exit::OK,
        };
        if args.summary {
            written = written.and_then(|()| {
                looked_for::render(&sightings, &verdict, talk::colour_on_stdout(), &mut out)
            });
        } else {
            talk::note(&format!("{}: {}", verdict.outcome.as_str(), verdict.why));
        }
    }
    written = written.and_then(|()| out.flush());
    if gone || is_gone(&written) {
        return nothing;
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
            exit::graver(nothing, exit::INCONCLUSIVE)
        }
        Ok(requests) => {
            tracing::info!(requests, "decoded");
            nothing
        }
    }
}

/// Each canary is told by its name.
fn two_of_a_name(canaries: &[Sought]) -> Option<u8> {
    let again = canaries.iter().enumerate().find(|(number, canary)| {
        let before = &canaries[..*number];
        before.iter().any(|other| other.name == canary.name)
    });
    let (_, canary) = again?;
    talk::error(
        &format!("there are two canaries of the name `{}`", canary.name),
        Some("give each its own name, as in `first:name=Ann` and `last:name=Other`"),
    );
    Some(exit::BAD_INPUT)
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
