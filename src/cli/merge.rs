//! `pixelwitness merge`: shares of a batch, and bundles made apart, in one folder with one index.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use serde_json::json;

use super::gate::Gatekeeper;
use super::report::policy_of;
use super::results::Results;
use super::{batch, exit, talk};
use crate::batch::{Batch, Gathered, MergeError, copy, entry, gather, may_be_begun, whole};
use crate::policy::{Judged, Policy};
use crate::report::count;
use crate::run::Run;

#[derive(Debug, Args)]
#[command(after_help = "\
The bundles are copied, each copy is held against its manifests, and judged by the policy that lies in
it; index.json, index.html and junit.xml are made anew. What was named stays as it is.

  pixelwitness merge evidence/1-of-4 evidence/2-of-4 evidence/3-of-4 evidence/4-of-4 -o evidence/all
  pixelwitness merge evidence/report-20261124T090000Z evidence/advice-20261124T090000Z -o evidence/both

Exit codes: 0 nothing was found; 1 something was, by the bundles' policies (a baseline is held against
the result by `pixelwitness check`); 2 nothing was merged: two
bundles have one name, one is not as it was sealed, or nothing is there; 3 journeys are missing, or
not everything is known.")]
pub struct MergeArgs {
    /// Folders of batches, and bundles
    #[arg(required = true, value_name = "BATCH|BUNDLE", value_hint = ValueHint::DirPath)]
    inputs: Vec<PathBuf>,
    /// The folder that they are copied to; it must not exist, or be empty
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: PathBuf,
    /// The index as JSON on stdout, and nothing else there
    #[arg(long)]
    json: bool,
}

pub fn merge(args: &MergeArgs) -> u8 {
    match merge_all(args) {
        Ok(code) | Err(code) => code,
    }
}

fn merge_all(args: &MergeArgs) -> Result<u8, u8> {
    may_be_begun(&args.out).map_err(batch::no_batch)?;
    let gathered = gather(&args.inputs).map_err(say)?;
    for source in &gathered.sources {
        whole(&source.bundle).map_err(say)?;
    }
    let plan = gathered.plan.clone();
    let begun = Batch::begin(&args.out, plan, None, gathered.undone.clone());
    let mut merged = begun.map_err(batch::no_batch)?;
    let mut results = Results::new(args.json, None);
    warn(&gathered, &mut results);
    let bar = talk::bar("copying", gathered.sources.len());
    // Of each bundle, for as long as it is judged by it.
    let policies: Vec<OnceCell<Option<Policy>>> = vec![OnceCell::new(); gathered.sources.len()];
    let (mut all, mut entries) = (Vec::new(), Vec::new());
    for (source, policy) in gathered.sources.iter().zip(&policies) {
        // One at a time: they are many.
        let run = load(&copy(source, &args.out).map_err(say)?)?;
        let own = policy_of(&run)?;
        let policy = policy.get_or_init(|| own);
        let title = source.title.as_ref();
        let title = title.unwrap_or(&run.record.scenario.title).clone();
        let judged = Judged::new(
            title.clone(),
            run.bundle.clone(),
            run.traffic(),
            policy.as_ref(),
        );
        results.take_kept(&run);
        let bundle = source.name.clone();
        let (mut own, judged) = entry(&source.name, &title, &run, bundle, judged, false);
        own.consent.clone_from(&source.consent);
        all.extend(judged);
        entries.push(own);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let mut keeper = Gatekeeper::unasked();
    keeper.also_junit(args.out.join("junit.xml"));
    merged.take_all(entries).map_err(batch::no_batch)?;
    merged.sort();
    let entries: Vec<_> = merged.index().journeys.iter().collect();
    results.table(&entries);
    let undone = gathered.undone.iter().cloned();
    let codes = results.judge(keeper, all, undone.map(batch::without_result).collect());
    let names = gathered.sources.iter().map(|source| source.name.clone());
    merged.set_codes(names.zip(codes));
    batch::close(&mut merged, &mut results, false);
    if args.json {
        talk::data(&format!("{:#}", json!(merged.index())));
    }
    Ok(results.code())
}

/// What is missing, or does not fit together, is said, and counts.
fn warn(gathered: &Gathered, results: &mut Results) {
    if let Some((missing, of)) = &gathered.missing {
        let numbers: Vec<String> = missing.iter().map(u32::to_string).collect();
        let message = format!("of {of} shares these are not here: {}", numbers.join(", "));
        talk::error(&message, Some("name their folders too"));
        results.raise(exit::INCONCLUSIVE);
    }
    let undone = gathered.undone.len();
    if undone > 0 {
        let message = format!("{} of the batches were not made", count(undone, "journey"));
        talk::error(
            &message,
            Some("go on with those batches with `run --resume`"),
        );
        results.raise(exit::INCONCLUSIVE);
    }
    if gathered.unlike {
        talk::warning(
            "they are not shares of one plan: whether journeys are missing is not known",
            None,
        );
        if gathered.partial {
            results.raise(exit::INCONCLUSIVE);
        }
    }
    let listed = (gathered.sources.len() + undone) as u64;
    if listed < gathered.plan.journeys && gathered.missing.is_none() {
        let message = format!(
            "the plan has {}, and {} of them are not here",
            count(gathered.plan.journeys, "journey"),
            gathered.plan.journeys - listed
        );
        talk::error(&message, Some("name the folders of all its shares"));
        results.raise(exit::INCONCLUSIVE);
    }
    if gathered.set_aside > 0 {
        let bundles = count(gathered.set_aside, "bundle");
        talk::note(&format!(
            "{bundles} that had been put aside stay where they are"
        ));
    }
}

fn load(bundle: &Path) -> Result<Run, u8> {
    Run::load(bundle).map_err(|error| {
        talk::error(&error.to_string(), Some(error.help()));
        exit::BAD_INPUT
    })
}

fn say(error: MergeError) -> u8 {
    talk::error(&error.to_string(), Some(error.help()));
    exit::BAD_INPUT
}
