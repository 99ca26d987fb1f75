//! `pixelwitness verify`: what a bundle proves, and what it does not.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use serde_json::json;

use super::{exit, talk};
use crate::batch::{INDEX, bundles_in, read_index, says_otherwise, unfinished};
use crate::report::{count, on_one_line};
use crate::run::{Proof, Run, Trust, Verification, verify as check};

#[derive(Debug, Args)]
#[command(after_help = "\
Checked are: that every file has the digest that the manifests list, and no file was added; the
signature and the time stamp, where there are any; that each record is as its schema says; that
what records name is there; and that records, findings and counts follow from the browser's own
messages and its network log, from which they are made anew. Nothing in the bundle is changed.

  pixelwitness verify evidence/report-20261124T090000Z
  pixelwitness verify evidence/… --allowed-signers signers --tsa-ca authority.pem
  pixelwitness verify evidence/today                       # a batch: every bundle, and its index

The bundle's own VERIFY.md says how to check it with sha256sum, ssh-keygen and openssl instead.

Exit codes: 0 all that can be proven is; 1 something is not as it was sealed, does not follow from
the rest, or is not by whom it must be, and is named; 2 it is no bundle; 3 it is not complete (its
run was cut short: `pixelwitness audit` completes it), its format is a newer one, or it could not
be told: ssh-keygen or openssl is missing, or another version of this program made it and this one
comes to something else.")]
pub struct VerifyArgs {
    /// The folders that runs were written to; of a batch, its folder, for all that is in it
    #[arg(required = true, value_name = "BUNDLE|BATCH", value_hint = ValueHint::DirPath)]
    bundles: Vec<PathBuf>,
    /// Who may have signed it, in OpenSSH's allowed_signers format; then it must be signed (asks ssh-keygen)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    allowed_signers: Option<PathBuf>,
    /// Which of them must have signed it [default: any]
    #[arg(long, value_name = "WHO", requires = "allowed_signers")]
    signer: Option<String>,
    /// Certificates (PEM) of time-stamping authorities that are trusted; then it must be stamped (asks openssl)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    tsa_ca: Option<PathBuf>,
    /// The result as JSON on stdout, and nothing else there
    #[arg(long)]
    json: bool,
}

pub fn verify(args: &VerifyArgs) -> u8 {
    for file in [&args.allowed_signers, &args.tsa_ca].into_iter().flatten() {
        if let Err(error) = std::fs::File::open(file) {
            talk::error(
                &format!("failed to read `{}`: {error}", file.display()),
                None,
            );
            return exit::BAD_INPUT;
        }
    }
    let trust = Trust {
        allowed_signers: args.allowed_signers.as_deref(),
        signer: args.signer.as_deref(),
        authorities: args.tsa_ca.as_deref(),
    };
    if let [bundle] = &args.bundles[..]
        && !bundle.join(INDEX).exists()
    {
        let (code, verification) = match one(bundle, trust) {
            Ok(verified) => verified,
            Err(code) => return code,
        };
        if args.json {
            talk::data(&format!("{:#}", json_of(bundle, code, &verification)));
        } else if code != exit::OK || !talk::is_quiet() {
            let mut stdout = io::stdout().lock();
            let verdict = verdict(&verification).1;
            // A reader that has gone away, as `head` does, is no failure.
            let _ = render(&verification, verdict, &mut stdout).and_then(|()| stdout.flush());
        }
        return code;
    }
    let mut several = Several {
        trust,
        json: args.json,
        ..Several::default()
    };
    for path in &args.bundles {
        match path.join(INDEX).exists() {
            true => several.batch(path),
            false => several.bundle(path),
        }
    }
    several.finish()
}

fn one(bundle: &Path, trust: Trust<'_>) -> Result<(u8, Verification), u8> {
    match check(bundle, trust) {
        Ok(verification) => Ok((verdict(&verification).0, verification)),
        Err(error) => {
            talk::error(&error.to_string(), Some(error.help()));
            Err(exit::BAD_INPUT)
        }
    }
}

/// Several bundles: a line for each, and for what is wrong with it.
#[derive(Default)]
struct Several<'a> {
    trust: Trust<'a>,
    json: bool,
    code: u8,
    looked_at: usize,
    good: usize,
    results: Vec<serde_json::Value>,
    /// What is wrong with a batch rather than with a bundle.
    wrong: Vec<String>,
}

impl Several<'_> {
    fn bundle(&mut self, bundle: &Path) {
        self.looked_at += 1;
        let (own, verification) = match one(bundle, self.trust) {
            Ok(verified) => verified,
            Err(own) => return self.raise(own),
        };
        self.raise(own);
        self.good += usize::from(own == exit::OK);
        self.say(bundle, own, &verification, "");
    }

    fn say(&mut self, bundle: &Path, own: u8, verification: &Verification, note: &str) {
        if self.json {
            self.results.push(json_of(bundle, own, verification));
            return;
        }
        if own == exit::OK && talk::is_quiet() {
            return;
        }
        let path = on_one_line(&bundle.display().to_string());
        talk::data(&format!("{}: {path}{note}", verdict(verification).1));
        let wrong = verification.checks.iter().filter(|check| {
            matches!(
                check.outcome,
                Proof::Failed | Proof::Incomplete | Proof::Inconclusive
            )
        });
        for check in wrong {
            talk::data(&format!("  {}", on_one_line(&check.says)));
        }
    }

    /// Every bundle that its index lists, held against what that says of it; every other that lies there; and those that were
    /// put aside, which count for nothing.
    fn batch(&mut self, root: &Path) {
        let index = match read_index(root) {
            Ok(index) => index,
            Err(error) => {
                talk::error(&error.to_string(), Some(error.help()));
                return self.raise(exit::BAD_INPUT);
            }
        };
        let mut listed = Vec::new();
        for entry in &index.journeys {
            let Some(bundle) = &entry.bundle else {
                continue;
            };
            let bundle = root.join(bundle);
            self.bundle(&bundle);
            let said = match Run::load(&bundle) {
                Ok(run) => says_otherwise(entry, &run).map(str::to_owned),
                Err(error) => Some(error.to_string()),
            };
            if let Some(what) = said {
                let name = on_one_line(&entry.name);
                let what = format!("`{INDEX}` says otherwise of `{name}` than its bundle: {what}");
                self.wrong(exit::FOUND, what);
            }
            listed.push(bundle);
        }
        for bundle in bundles_in(root).unwrap_or_default() {
            if !listed.contains(&bundle) {
                self.bundle(&bundle);
            }
        }
        for aside in &index.set_aside {
            let bundle = root.join(&aside.bundle);
            if let Ok((own, verification)) = one(&bundle, self.trust)
                && !self.json
            {
                self.say(
                    &bundle,
                    own,
                    &verification,
                    " (put aside: counts for nothing)",
                );
            }
        }
        if let Some(why) = unfinished(&index) {
            let path = on_one_line(&root.display().to_string());
            self.wrong(exit::INCONCLUSIVE, format!("{path}: {why}"));
        }
    }

    fn wrong(&mut self, code: u8, what: String) {
        self.raise(code);
        if !self.json {
            talk::data(&what);
        }
        self.wrong.push(what);
    }

    /// What is not as it was sealed is worst.
    fn raise(&mut self, code: u8) {
        self.code = exit::after_runs(self.code, code);
    }

    fn finish(mut self) -> u8 {
        if self.looked_at == 0 {
            self.wrong(exit::INCONCLUSIVE, "there is no bundle".to_owned());
        }
        if self.json {
            let result = json!({
                "exit_code": self.code, "bundles": self.results, "wrong": self.wrong,
            });
            talk::data(&format!("{result:#}"));
        } else if self.code != exit::OK || !talk::is_quiet() {
            let all = count(self.looked_at, "bundle");
            talk::data(&format!("{} of {all} verified", self.good));
        }
        self.code
    }
}

/// The exit code, and a word.
fn verdict(verification: &Verification) -> (u8, &'static str) {
    match verification.outcome() {
        Proof::Failed => (exit::FOUND, "tampered"),
        Proof::Incomplete => (exit::INCONCLUSIVE, "incomplete"),
        Proof::Inconclusive => (exit::INCONCLUSIVE, "inconclusive"),
        Proof::Proven | Proof::NotProven => (exit::OK, "verified"),
    }
}

fn json_of(bundle: &Path, code: u8, verification: &Verification) -> serde_json::Value {
    let checks: Vec<_> = verification
        .checks
        .iter()
        .map(|check| {
            json!({
                "name": check.name, "outcome": check.outcome.as_str(), "says": check.says, "files": check.files,
            })
        })
        .collect();
    json!({
        "exit_code": code, "verdict": verdict(verification).1, "bundle": bundle,
        "evidence_digest": verification.evidence_digest, "checks": checks,
    })
}

fn render(verification: &Verification, verdict: &str, out: &mut dyn Write) -> io::Result<()> {
    let colour = talk::colour_on_stdout();
    let paint = |code: &str, text: &str| match colour {
        true => format!("\x1b[{code}m{text}\x1b[0m"),
        false => text.to_owned(),
    };
    if let Some(record) = &verification.record {
        writeln!(
            out,
            "{} on {}, {} by {} {}",
            on_one_line(&record.scenario.title),
            on_one_line(&record.scenario.origin),
            record.started,
            on_one_line(&record.tool.name),
            on_one_line(&record.tool.version),
        )?;
    }
    let sections = [
        (Proof::Failed, "1;31", "✗", "NOT AS IT WAS SEALED"),
        (Proof::Incomplete, "33", "!", "Not complete"),
        (Proof::Inconclusive, "33", "?", "Could not be told"),
        (Proof::Proven, "32", "✓", "Proven"),
        (Proof::NotProven, "33", "–", "Not proven"),
    ];
    for (outcome, code, mark, title) in sections {
        let mut checks = verification
            .checks
            .iter()
            .filter(|check| check.outcome == outcome)
            .peekable();
        if checks.peek().is_some() {
            writeln!(out, "\n{}", paint(code, title))?;
        }
        for check in checks {
            writeln!(out, "  {} {}", paint(code, mark), on_one_line(&check.says))?;
        }
    }
    if let Some(digest) = &verification.evidence_digest {
        writeln!(out, "\nThe evidence, to compare by telephone: {digest}")?;
    }
    let last = match verdict {
        "tampered" => {
            "It was changed after it was sealed, is not by whom it should be, or does not fit together: do not rely on it."
        }
        "incomplete" => "It is not complete; what is in it can be read.",
        "inconclusive" => "Not everything could be told here.",
        _ => {
            "That the recording itself is honest no check can prove: replay data/scenario.yaml to see for yourself."
        }
    };
    writeln!(out, "{last}")
}
