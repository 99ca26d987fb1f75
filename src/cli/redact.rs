//! `pixelwitness redact` and `pixelwitness disclose`: an edition that can be shared, and what was taken out of it.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use serde_json::{Value, json};

use super::{exit, sign, talk};
use crate::bundle::disclosure::{Disclosure, mark_name};
use crate::bundle::{self, BundleError, bag};
use crate::model::count;
use crate::report::on_one_line;
use crate::run::{RedactError, Redacted, Wanted, places, redact as make};

#[derive(Debug, Args)]
#[command(after_help = "\
A canary goes with every form of it that was sent (hashed, encoded, cut): whoever has a guess
could try it. Bodies that hold what goes are left out whole. The browser's own messages and its
network log are never in a shared edition, and pictures only with `--keep-screenshots`. Before the
edition is sealed the leak search is held against it: where it still finds anything of what was to
go, nothing is written.

Each value is replaced by a mark with a salted digest (RFC 9901). DIR.disclosures.json, beside the
edition and not in it, holds the salts: keep it. `pixelwitness disclose` shows one value to
somebody, who can check it against the edition.

The original's tag manifest, signature and time stamp are kept in data/original/.

  pixelwitness redact evidence/… -o shared --canary email --canary cookie:c_user
  pixelwitness redact evidence/… -o shared --field _ga --exchange x0042
  pixelwitness redact evidence/… -o shared --value 'witness=Ada Lovelace'

Exit codes: 0 written; 1 the original is not as it was sealed; 2 there is no such thing in it, or
it is no bundle; 3 something would still be found, or it cannot be written.")]
pub struct RedactArgs {
    /// The folder that a run was written to
    #[arg(value_name = "BUNDLE", value_hint = ValueHint::DirPath)]
    bundle: PathBuf,
    /// Where the edition goes; it must not be there, or be empty
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: PathBuf,
    #[command(flatten)]
    what: What,
    /// Keep the pictures: look at them first, what is taken out may be seen there
    #[arg(long)]
    keep_screenshots: bool,
    /// Keep the original's manifest and bag-info.txt too. They hold digests of whole files: with the rest of a file at hand, a
    /// short value (a telephone number, a name) can be found by trying. Only where nothing like that goes
    #[arg(long)]
    with_manifest: bool,
    /// Sign the edition with that OpenSSH key (Ed25519)
    #[arg(long, value_name = "KEY", value_hint = ValueHint::FilePath)]
    sign: Option<PathBuf>,
    /// Where the salts go [default: DIR.disclosures.json]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    disclosures: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct What {
    /// A canary, by the name that the scenario gives it (`cookie:c_user` for a planted one); repeatable
    #[arg(long, value_name = "NAME")]
    canary: Vec<String>,
    /// A cookie, header, parameter or signal by its name, whatever its values; repeatable
    #[arg(long, value_name = "NAME")]
    field: Vec<String>,
    /// A value, and the name that takes its place; repeatable
    #[arg(long, value_name = "NAME=TEXT", value_parser = named)]
    value: Vec<(String, String)>,
    /// An exchange by its id: body, query, headers, cookies and messages; repeatable
    #[arg(long, value_name = "ID")]
    exchange: Vec<String>,
}

fn named(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("expected NAME=TEXT".to_owned()),
    }
}

pub fn redact(args: &RedactArgs) -> u8 {
    let signer = match args.sign.as_deref().map(sign::open).transpose() {
        Ok(signer) => signer,
        Err(code) => return code,
    };
    // `shared/` as `shared`.
    let out: PathBuf = args.out.components().collect();
    let salts = args.disclosures.clone().unwrap_or_else(|| {
        let mut name = out.clone().into_os_string();
        name.push(".disclosures.json");
        name.into()
    });
    // Whoever loses the salts can disclose nothing: there must be a place for them before anything is made.
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&salts);
    let file = match file {
        Ok(file) => file,
        Err(error) => {
            talk::error(
                &format!("failed to make `{}`: {error}", salts.display()),
                Some("nothing is overwritten; say where the salts go with `--disclosures`"),
            );
            return exit::BAD_INPUT;
        }
    };
    let wanted = Wanted {
        canaries: args.what.canary.clone(),
        fields: args.what.field.clone(),
        values: args.what.value.clone(),
        exchanges: args.what.exchange.clone(),
        keep_screenshots: args.keep_screenshots,
        with_manifest: args.with_manifest,
    };
    let redacted = match make(&args.bundle, &out, &wanted) {
        Ok(redacted) => redacted,
        Err(error) => {
            let _ = std::fs::remove_file(&salts);
            talk::error(&error.to_string(), Some(error.help()));
            return match error {
                RedactError::NotWhole { .. } => exit::FOUND,
                RedactError::Read(_)
                | RedactError::NoBundle(_)
                | RedactError::NotComplete(_)
                | RedactError::NotThere(_)
                | RedactError::Short { .. }
                | RedactError::Write(BundleError::Exists(_)) => exit::BAD_INPUT,
                _ => exit::INCONCLUSIVE,
            };
        }
    };
    if let Err(error) = keep(&redacted, file) {
        // Nobody could ever disclose anything of it.
        let _ = std::fs::remove_dir_all(&out);
        talk::error(
            &format!("failed to write `{}`: {error}", salts.display()),
            None,
        );
        return exit::INCONCLUSIVE;
    }
    talk::note(&format!(
        "{} is a redacted edition: {} taken out wherever they stood, {} left out, {} emptied",
        args.out.display(),
        count(redacted.record.values.len(), "value"),
        count(
            redacted.record.removed.len() as u64 + redacted.record.bodies,
            "file"
        ),
        count(redacted.record.emptied.len(), "exchange"),
    ));
    talk::note(&format!(
        "{} discloses what was taken out: keep it to yourself",
        salts.display()
    ));
    signer.map_or(exit::OK, |signer| sign::sign_bundle(&signer, &out))
}

fn keep(redacted: &Redacted, mut file: std::fs::File) -> std::io::Result<()> {
    let disclosures: Vec<Value> = redacted
        .disclosures
        .iter()
        .map(|disclosure| {
            json!({
                "name": disclosure.name, "value": disclosure.value, "disclosure": disclosure.encoded,
            })
        })
        .collect();
    let text = json!({ "original": redacted.record.original, "disclosures": disclosures });
    writeln!(file, "{text:#}")?;
    file.sync_all()
}

#[derive(Debug, Args)]
#[command(after_help = "\
Whoever made a redacted edition gives the disclosure of one value:
  pixelwitness disclose shared --from shared.disclosures.json --name email
Whoever has the edition checks it:
  pixelwitness disclose shared WyI2cU1R…

What is shown was in the edition's maker's hands when it was sealed; that it stood in the
original, the original shows.

Exit codes: 0 it is what was taken out of this edition, 1 it is not, or the edition is not as it
was sealed, 2 something cannot be read.")]
pub struct DiscloseArgs {
    /// A redacted edition
    #[arg(value_name = "EDITION", value_hint = ValueHint::DirPath)]
    edition: PathBuf,
    /// Disclosures to check
    #[arg(value_name = "DISCLOSURE", required_unless_present = "from")]
    disclosures: Vec<String>,
    /// Print disclosures from the file that `redact` wrote
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "disclosures")]
    from: Option<PathBuf>,
    /// Of the values with that name; repeatable [default: of all]
    #[arg(long, value_name = "NAME", requires = "from")]
    name: Vec<String>,
}

pub fn disclose(args: &DiscloseArgs) -> u8 {
    if let Some(from) = &args.from {
        return print(from, &args.name);
    }
    match bag::check(&args.edition) {
        Ok(bag) if bag.problems.is_empty() => {}
        Ok(bag) => {
            let problem = &bag.problems[0];
            let what = format!(
                "the edition is not as it was sealed: `{}` {}",
                problem.path, problem.what
            );
            talk::error(&what, Some("`pixelwitness verify` says more"));
            return exit::FOUND;
        }
        Err(error) => {
            talk::error(
                &format!("failed to read `{}`: {error}", args.edition.display()),
                None,
            );
            return exit::BAD_INPUT;
        }
    }
    let kept = match bundle::read(&args.edition) {
        Ok(kept) => kept,
        Err(error) => {
            talk::error(&error.to_string(), Some(error.help()));
            return exit::BAD_INPUT;
        }
    };
    let Some(redaction) = &kept.record.redaction else {
        talk::error("nothing was taken out of this bundle", None);
        return exit::BAD_INPUT;
    };
    let mut code = exit::OK;
    for encoded in &args.disclosures {
        let Some(disclosure) = Disclosure::parse(encoded) else {
            talk::error(
                &format!("`{}` is no disclosure", on_one_line(encoded)),
                None,
            );
            return exit::BAD_INPUT;
        };
        let digest = disclosure.digest();
        let listed = redaction
            .values
            .iter()
            .any(|value| value.digest == digest && value.name == disclosure.name);
        if !listed {
            talk::error(
                &format!(
                    "`{}` was not taken out of this edition",
                    on_one_line(encoded)
                ),
                Some("was all of the disclosure copied?"),
            );
            code = exit::FOUND;
            continue;
        }
        talk::data(&format!(
            "{}: {}",
            on_one_line(&disclosure.name),
            on_one_line(&disclosure.value)
        ));
        match places(&args.edition, &disclosure) {
            Ok(places) => {
                for (file, times) in places {
                    talk::plain(&format!("  {} in {file}", count(times, "time")));
                }
            }
            Err(error) => talk::warning(&format!("where it stood: {error}"), None),
        }
    }
    code
}

fn print(from: &Path, names: &[String]) -> u8 {
    let read = || -> Result<Value, String> {
        let text = std::fs::read_to_string(from).map_err(|error| error.to_string())?;
        serde_json::from_str(&text).map_err(|error| error.to_string())
    };
    let file = match read() {
        Ok(file) => file,
        Err(error) => {
            talk::error(
                &format!("failed to read `{}`: {error}", from.display()),
                None,
            );
            return exit::BAD_INPUT;
        }
    };
    let disclosures = file["disclosures"].as_array();
    let mut printed = false;
    for disclosure in disclosures.into_iter().flatten() {
        let (name, encoded) = (&disclosure["name"], &disclosure["disclosure"]);
        let (Some(name), Some(encoded)) = (name.as_str(), encoded.as_str()) else {
            continue;
        };
        let wanted = |wanted: &String| wanted == name || mark_name(wanted) == name;
        if names.is_empty() || names.iter().any(wanted) {
            talk::data(encoded);
            printed = true;
        }
    }
    if printed {
        return exit::OK;
    }
    let help = "`disclose EDITION --from FILE` without `--name` prints all";
    talk::error("there is no such value in it", Some(help));
    exit::BAD_INPUT
}
