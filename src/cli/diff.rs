//! `pixelwitness diff`: what is told now, and was not; and the other way round.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use serde_json::{Value, json};

use super::check::load;
use super::decode::site;
use super::{exit, talk};
use crate::policy::{Baseline, Gate, difference};
use crate::report::records::{canonical, difference as records_differ};
use crate::run::{AboutFile, Run};

#[derive(Debug, Args)]
#[command(after_help = "\
A line is a flow: page template, recipient, endpoint, event, names of fields, verdicts; neither
values nor times, so two runs of the same journey on the same site are the same. `+` is told in
NEW alone, `-` in OLD alone.

  pixelwitness diff evidence/before evidence/after
  pixelwitness diff told.baseline evidence/report-20261124T090000Z

With `--records` a line is an evidence record, whole but for what differs from run to run: ids,
times, the order of what was sent at once, random numbers beside times; what was typed is given by
the canary's name. Two runs of one journey on one site come to the same digest, unless a timer of
the page's decides what is sent.

  pixelwitness diff evidence/monday evidence/tuesday --records

Exit codes, as diff's: 0 the same, 1 different, 2 one of them cannot be read.")]
pub struct DiffArgs {
    /// A bundle, a baseline, or a HAR
    #[arg(value_name = "OLD", value_hint = ValueHint::AnyPath)]
    old: PathBuf,
    /// The same
    #[arg(value_name = "NEW", value_hint = ValueHint::AnyPath)]
    new: PathBuf,
    /// Whose site it was, for HARs
    #[arg(long, value_name = "DOMAIN", value_parser = site)]
    site: Option<String>,
    /// Compare record by record
    #[arg(long)]
    records: bool,
    /// The result as JSON on stdout, and nothing else there
    #[arg(long)]
    json: bool,
}

pub fn diff(args: &DiffArgs) -> u8 {
    let about = AboutFile {
        site: args.site.as_deref(),
        canaries: &[],
    };
    if args.records {
        return records(args, about);
    }
    let (old, new) = match (told(&args.old, about), told(&args.new, about)) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(code), _) | (_, Err(code)) => return code,
    };
    let made_otherwise = old.fingerprint.differs(&new.fingerprint);
    if !made_otherwise.is_empty() && !args.json {
        talk::warning(
            &format!("they were not made alike: {}", made_otherwise.join("; ")),
            Some("a difference may come from that, and not from the site"),
        );
    }
    let lines = difference(&old.flows, &new.flows);
    print(
        args,
        &lines,
        ["", ""],
        ("made_otherwise", json!(made_otherwise)),
    )
}

/// Compares evidence records, without what differs from run to run.
fn records(args: &DiffArgs, about: AboutFile<'_>) -> u8 {
    let (old, new) = match (load(&args.old, about), load(&args.new, about)) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(code), _) | (_, Err(code)) => return code,
    };
    let digests = [&old, &new].map(Run::evidence_digest);
    let (old, new) = (canonical(old.traffic()), canonical(new.traffic()));
    let lines = records_differ(&old, &new);
    let heads = digests.each_ref().map(String::as_str);
    print(args, &lines, heads, ("digests", json!(digests)))
}

/// Prints lines that differ, and gives the exit code. `heads` stand behind the names of the two; `more` is a field of the JSON.
fn print(args: &DiffArgs, lines: &[(char, &str)], heads: [&str; 2], more: (&str, Value)) -> u8 {
    let code = match lines.is_empty() {
        true => exit::OK,
        false => exit::FOUND,
    };
    if args.json {
        let of = |wanted: char| -> Vec<&str> {
            let lines = lines.iter().filter(|(sign, _)| *sign == wanted);
            lines.map(|(_, line)| *line).collect()
        };
        let mut result = json!({ "exit_code": code, "added": of('+'), "removed": of('-') });
        result[more.0] = more.1;
        talk::data(&format!("{result:#}"));
        return code;
    }
    for (sign, path, head) in [("---", &args.old, heads[0]), ("+++", &args.new, heads[1])] {
        let line = format!("{sign} {}  {head}", path.display());
        talk::data(line.trim_end());
    }
    for (sign, line) in lines {
        talk::data(&format!("{sign}{line}"));
    }
    code
}

/// What a bundle, a file or a baseline says is told.
fn told(path: &Path, about: AboutFile<'_>) -> Result<Baseline, u8> {
    if is_baseline(path) {
        return Baseline::load(path).map_err(|diagnostic| talk::diagnostic(&diagnostic));
    }
    let run = load(path, about)?;
    let gate = Gate::of_one(path.to_owned(), run.traffic());
    if let Some(why) = gate.unfinished() {
        talk::warning(
            &format!("{}: not everything is known: {why}", path.display()),
            None,
        );
    }
    Ok(gate.told())
}

/// A baseline is text that begins with a comment; nothing else here does.
fn is_baseline(path: &Path) -> bool {
    use std::io::Read;
    let mut first = [0];
    let file = std::fs::File::open(path);
    file.and_then(|mut file| file.read_exact(&mut first))
        .is_ok()
        && first == *b"#"
}
