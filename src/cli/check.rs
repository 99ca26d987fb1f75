//! `pixelwitness check`: a policy, or a baseline, held against what was recorded, offline.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use data_encoding::HEXLOWER;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::batch::no_batch;
use super::decode::{canary, site};
use super::gate::{GateArgs, Gatekeeper, today};
use super::{exit, talk};
use crate::batch::{INDEX, read_index};
use crate::intake;
use crate::leak::Sought;
use crate::model::RunRecord;
use crate::policy::Judged;
use crate::report::count;
use crate::run::{AboutFile, Run, of_file};

#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is sent anywhere, and no browser is needed. A bundle without --policy is held against the policy that lies in it.

  pixelwitness check evidence/report-20261124T090000Z --policy police.policy.yaml
  pixelwitness check saved.har --policy police.policy.yaml --site police.example
  pixelwitness check evidence/*/ --policy police.policy.yaml --junit junit.xml --sarif pixelwitness.sarif
  pixelwitness check evidence/report-* --baseline told.baseline
  pixelwitness check evidence/all --baseline told.baseline          # every journey of a batch

docs/policy.md says what a policy may hold, and which rule comes first; docs/gate.md puts it into a pipeline.

Exit codes:
  0  nothing was found against the policy, and all that it asks about was reached
  1  a rule is violated, a claim is contradicted, or something is told that the baseline does not have
  2  the policy, the baseline or the input cannot be used, or the baseline is stale
  3  inconclusive: a rule could not be looked at, or not everything that was sent is known")]
pub struct CheckArgs {
    /// Bundles, folders of batches, HARs, or JSON Lines; over several, a rule passes if one reaches its page and none violates it
    #[arg(required = true, value_name = "BUNDLE|BATCH|FILE", value_hint = ValueHint::AnyPath)]
    inputs: Vec<PathBuf>,
    /// Whose site it was, for files; a bundle knows [default: that of the first page in the file]
    #[arg(long, value_name = "DOMAIN", value_parser = site)]
    site: Option<String>,
    /// What was typed, for files: a bundle knows. As with `decode`
    #[arg(long, value_name = "KIND=VALUE", value_parser = canary)]
    canary: Vec<Sought>,
    /// Judge as of that day: exceptions that had not ended by then count [default: today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<Date>,
    #[command(flatten)]
    gate: GateArgs,
    /// The result as JSON on stdout, and nothing else there
    #[arg(long)]
    json: bool,
}

pub fn check(args: &CheckArgs) -> u8 {
    let about = AboutFile {
        site: args.site.as_deref(),
        canaries: &args.canary,
    };
    let inputs = match inputs(&args.inputs) {
        Ok(inputs) => inputs,
        Err(code) => return code,
    };
    let mut own: Vec<Option<PathBuf>> = Vec::new();
    for input in &inputs {
        // Where one is given, it takes the place of the bundle's.
        match args.gate.policy {
            Some(_) => own.push(None),
            None => match own_policy(input) {
                Ok(policy) => own.push(policy),
                Err(code) => return code,
            },
        }
    }
    let keeper = match Gatekeeper::open(
        &args.gate,
        own.iter().flatten().cloned(),
        args.date.unwrap_or_else(today),
    ) {
        Ok(keeper) => keeper,
        Err(code) => return code,
    };
    let mut runs = Vec::new();
    for input in &inputs {
        match load(input, about) {
            Ok(run) => runs.push(run),
            Err(code) => return code,
        }
    }
    let policies: Vec<_> = own
        .iter()
        .map(|own| keeper.policy_of(&args.gate, own.as_deref()))
        .collect();
    let judged = runs.iter().zip(&policies).map(|(run, policy)| {
        let title = run.record.scenario.title.clone();
        Judged::new(title, run.bundle.clone(), run.traffic(), policy.as_deref())
    });
    if !keeper.is_asked() {
        talk::note("there is neither a policy nor a baseline: the three verdicts count");
    }
    let closed = keeper.close(judged.collect(), Vec::new(), args.json);
    if args.json {
        let result = json!({ "exit_code": closed.code, "gate": closed.json });
        talk::data(&format!("{result:#}"));
    }
    closed.code
}

/// Of a batch's folder, the bundles that its index lists.
fn inputs(named: &[PathBuf]) -> Result<Vec<PathBuf>, u8> {
    let mut inputs = Vec::new();
    for path in named {
        if !path.join(INDEX).exists() {
            inputs.push(path.clone());
            continue;
        }
        let index = read_index(path).map_err(no_batch)?;
        let bundles = index
            .journeys
            .iter()
            .filter_map(|entry| entry.bundle.as_ref());
        inputs.extend(bundles.map(|bundle| path.join(bundle)));
        let undone = index.journeys.iter().filter(|entry| entry.bundle.is_none());
        let undone = undone.count();
        if undone > 0 {
            let journeys = count(undone, "journey");
            talk::warning(
                &format!("{}: {journeys} of it were not made", path.display()),
                None,
            );
        }
    }
    Ok(inputs)
}

/// The policy of a bundle: the file that it was copied from, if that is still the same, since reports name its lines; else
/// the copy. Nothing if its run was held against none.
///
/// # Errors
/// The exit code, if the copy is not what the run says of it.
pub fn own_policy(bundle: &Path) -> Result<Option<PathBuf>, u8> {
    let record = std::fs::read(bundle.join("data/run.json")).ok();
    let record = record.and_then(|text| serde_json::from_slice::<RunRecord>(&text).ok());
    let Some(policy) = record.and_then(|record| record.policy) else {
        return Ok(None);
    };
    let copy = bundle.join("data/policy.yaml");
    let is_it = |path: &Path| {
        std::fs::read(path)
            .is_ok_and(|text| HEXLOWER.encode(&Sha256::digest(text)) == policy.sha256)
    };
    if !is_it(&copy) {
        talk::error(
            &format!(
                "`{}` is not the policy that the run was held against",
                copy.display()
            ),
            Some("it was changed or taken away after the run; name one with `--policy`"),
        );
        return Err(exit::BAD_INPUT);
    }
    let original = PathBuf::from(policy.path);
    Ok(Some(if is_it(&original) { original } else { copy }))
}

/// Reads a bundle, or a file; says what is wrong where it cannot.
///
/// # Errors
/// The exit code.
pub fn load(path: &Path, about: AboutFile<'_>) -> Result<Run, u8> {
    if path.is_dir() {
        return Run::load(path)
            .inspect(|run| {
                if run.record.finished.is_none() {
                    let help =
                        "what it had recorded is looked at; `pixelwitness audit` completes it";
                    talk::warning(
                        &format!("{}: the run was cut short", path.display()),
                        Some(help),
                    );
                }
            })
            .map_err(|error| {
                talk::error(&error.to_string(), Some(error.help()));
                exit::BAD_INPUT
            });
    }
    let failed = |message: String, help: &str| {
        talk::error(&format!("{}: {message}", path.display()), Some(help));
        exit::BAD_INPUT
    };
    let file = File::open(path).map_err(|error| {
        failed(
            format!("failed to read it: {error}"),
            "name a bundle, or a HAR",
        )
    })?;
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {bytes} {msg}") {
        bar.set_style(style);
    }
    let input = intake::plain(bar.wrap_read(file))
        .map_err(|error| failed(error.to_string(), error.help()))?;
    let run =
        of_file(path, input, about).map_err(|error| failed(error.to_string(), error.help()))?;
    bar.finish_and_clear();
    if about.site.is_none() {
        let origin = &run.record.scenario.origin;
        talk::note(&format!(
            "{}: taken for the site of its first page, {origin}; `--site` says otherwise",
            path.display()
        ));
    }
    for problem in &run.record.problems {
        talk::warning(
            &format!("{}: {}", path.display(), problem.message),
            problem.help.as_deref(),
        );
    }
    Ok(run)
}
