//! Every journey of a command: planned, made some at once, judged, and told.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::StreamExt;
use indicatif::MultiProgress;
use tokio::sync::watch;

use super::gate::{GateArgs, Gatekeeper, own_policy, today};
use super::options::{Journeys, Many, Replay, cancel_on_signal};
use super::outputs::{OutputArgs, Outputs};
use super::progress::Progress;
use super::results::Results;
use super::{control, exit, talk};
use crate::batch::{Batch, BatchError, Lying, Plan, Planned, look};
use crate::bundle::write_file;
use crate::model::{IndexEntry, Moment};
use crate::policy::{Fingerprint, Judged};
use crate::report;
use crate::report::compare::Seen;
use crate::run::{Run, RunError, RunOptions};
use crate::scenario::{Consent, Scenario};

/// What a command was asked for.
pub struct Asked<'a> {
    /// Each with the name of its bundle.
    pub scenarios: Vec<(PathBuf, Arc<Scenario>)>,
    pub consents: &'a [Consent],
    pub out: Option<PathBuf>,
    pub journeys: &'a Journeys,
    pub many: &'a Many,
    pub gate: &'a GateArgs,
    pub outputs: &'a OutputArgs,
    pub replay: &'a Replay,
}

/// Makes every journey, some at once, and prints what came of them. Gives the exit code.
pub async fn replay_all(asked: Asked<'_>) -> u8 {
    match prepare(asked) {
        Ok(prepared) => prepared.make().await,
        Err(code) => code,
    }
}

/// All that can be known before anything runs.
struct Prepared<'a> {
    asked: Asked<'a>,
    journeys: Vec<(Planned, Arc<RunOptions>)>,
    /// Nothing where there is one journey alone.
    batch: Option<Batch>,
    keeper: Gatekeeper,
    outputs: Outputs,
    results: Results,
}

/// What is kept of a journey once its bundle is written: a thousand of them are held at once.
struct Done<'o> {
    /// Its place in the plan.
    place: usize,
    entry: IndexEntry,
    judged: Judged<'o>,
    /// Where runs are put side by side.
    seen: Option<Seen>,
}

/// Everything that can be wrong is said before anything runs.
fn prepare(asked: Asked<'_>) -> Result<Prepared<'_>, u8> {
    let replay = asked.replay;
    replay.check_controls(false)?;
    asked.many.check(asked.journeys, replay)?;
    let signer = replay.signer()?;
    let own = asked.scenarios.iter();
    let own = own.filter_map(|(_, scenario)| own_policy(scenario));
    let keeper = Gatekeeper::open(asked.gate, own, today())?;
    let plan = plan(&asked)?;
    let outputs = Outputs::open(asked.outputs, plan.journeys.len())?;
    let browser = asked.many.find_browser(replay)?;
    replay.warn_of_delivery();
    let resume = asked.many.resume.as_deref();
    let alone = plan.whole.journeys == 1 && resume.is_none();
    let root = resume.or(asked.out.as_deref());
    let root = root.map_or_else(|| default_root(&asked, alone), Path::to_owned);
    let mut journeys = Vec::new();
    for planned in plan.journeys.clone() {
        let scenario = &planned.scenario;
        let out = match alone {
            true => root.clone(),
            false => root.join(&planned.name),
        };
        let own = replay.options(browser.clone(), out, scenario.seed.as_deref())?;
        let options = RunOptions {
            consent: planned.consent,
            connect: asked.many.connect.clone(),
            policy: keeper.policy_of(asked.gate, own_policy(scenario).as_deref()),
            ..asked.journeys.apply(own)
        };
        journeys.push((planned, Arc::new(options)));
    }
    let fingerprint = Fingerprint::planned(journeys.iter().map(|(planned, options)| {
        let consent = options.consent.unwrap_or(planned.scenario.consent);
        let deliver = options.deliver.as_str();
        (&*planned.scenario, consent.as_str(), deliver)
    }));
    keeper.check_fingerprint(&fingerprint)?;
    let batch = match (alone, resume) {
        (true, _) => None,
        (false, None) => Some(Batch::create(&root, &plan).map_err(no_batch)?),
        (false, Some(_)) => Some(Batch::resume(&root, &plan).map_err(no_batch)?),
    };
    let mut results = Results::new(replay.json, signer);
    results.has_baseline = keeper.has_baseline();
    Ok(Prepared {
        asked,
        journeys,
        batch,
        keeper,
        outputs,
        results,
    })
}

fn plan(asked: &Asked<'_>) -> Result<Plan, u8> {
    let many = asked.many;
    let plan = Plan::new(&asked.scenarios, asked.consents, many.repeat, many.shard);
    let plan = plan.map_err(|clash| {
        talk::error(
            &clash.to_string(),
            Some("give their files different names, or run them apart"),
        );
        exit::BAD_INPUT
    })?;
    if let Some(shard) = plan.shard {
        talk::note(&format!(
            "share {} of {}: {} of {}",
            shard.index,
            shard.of,
            plan.journeys.len(),
            report::count(plan.whole.journeys, "journey"),
        ));
    }
    Ok(plan)
}

/// `evidence/<scenario>-<UTC time>`; of several scenarios `evidence/batch-<UTC time>`.
fn default_root(asked: &Asked<'_>, alone: bool) -> PathBuf {
    let name = match &asked.scenarios[..] {
        [(_, scenario)] => scenario.name(),
        _ if alone => "scenario".to_owned(),
        _ => "batch".to_owned(),
    };
    default_out(&name)
}

/// `evidence/<name>-<UTC time>`
pub fn default_out(name: &str) -> PathBuf {
    PathBuf::from("evidence").join(format!("{name}-{}", Moment::now().compact()))
}

pub fn no_batch(error: BatchError) -> u8 {
    talk::error(&error.to_string(), Some(error.help()));
    exit::BAD_INPUT
}

impl Prepared<'_> {
    async fn make(self) -> u8 {
        let Prepared {
            asked,
            journeys,
            mut batch,
            mut keeper,
            outputs,
            mut results,
        } = self;
        let repeat = asked.many.repeat;
        let mut gather = Gather {
            by_baseline: keeper.has_baseline(),
            side_by_side: repeat > 1 || asked.consents.len() > 1,
            done: Vec::new(),
        };
        let to_make = match resume(&journeys, &mut batch, &mut results, &mut gather) {
            Ok(to_make) => to_make,
            Err(code) => return code,
        };
        let cancel = cancel_on_signal();
        let bars = MultiProgress::new();
        let control = asked.replay.control;
        let running = to_make.into_iter().map(|number| {
            let (planned, options) = &journeys[number];
            let (cancel, bars) = (cancel.clone(), bars.clone());
            let (planned, options) = (planned.clone(), Arc::clone(options));
            async move {
                if *cancel.borrow() {
                    return (number, Came::NotBegun);
                }
                // A task of its own: another journey must not wait while this one's records are written; and if it fails
                // in a way that nobody thought of, the others go on.
                let task = tokio::spawn(journey(planned, options, cancel, bars, control));
                let came = match task.await {
                    Ok(run) => Came::Run(Box::new(run)),
                    Err(error) => Came::Broke(error.to_string()),
                };
                (number, came)
            }
        });
        let mut finished = futures::stream::iter(running).buffer_unordered(asked.many.jobs);
        let mut missing = Vec::new();
        while let Some((number, came)) = finished.next().await {
            let (planned, options) = &journeys[number];
            let why = match came {
                Came::NotBegun => {
                    results.raise(exit::INCONCLUSIVE);
                    "it was not begun".to_owned()
                }
                Came::Broke(why) => {
                    talk::error(&format!("{}: {why}", planned.title), None);
                    results.raise(exit::INCONCLUSIVE);
                    why
                }
                Came::Run(run) => {
                    let why = (*run).as_ref().err().map(ToString::to_string);
                    match results.take(*run) {
                        Some(run) => {
                            let bundle = match batch {
                                None => run.bundle.display().to_string(),
                                Some(_) => planned.name.clone(),
                            };
                            let entry = gather.take(number, planned, options, &run, bundle);
                            write_down(&mut batch, entry, &mut results);
                            continue;
                        }
                        None => why.unwrap_or_default(),
                    }
                }
            };
            missing.push((number, why));
        }
        drop(finished);
        // As they were asked for, whichever ended first.
        missing.sort();
        gather.done.sort_by_key(|done| done.place);
        for (number, why) in &missing {
            let planned = &journeys[*number].0;
            let entry = match *cancel.borrow() {
                true => planned.waiting(),
                false => planned.not_made(why.clone()),
            };
            write_down(&mut batch, entry, &mut results);
        }
        gather.compare(&journeys, &mut results);
        let bundles = gather.done.iter().map(|done| done.judged.source.clone());
        results.raise(outputs.close(&bundles.collect::<Vec<_>>()));
        let mut entries: Vec<&IndexEntry> = gather.done.iter().map(|done| &done.entry).collect();
        let unmade: Vec<IndexEntry> = missing
            .iter()
            .map(|(number, why)| journeys[*number].0.not_made(why.clone()))
            .collect();
        if !gather.done.is_empty() || batch.is_some() {
            entries.extend(&unmade);
            results.table(&entries);
        }
        if let Some(batch) = &batch {
            keeper.also_junit(batch.root().join("junit.xml"));
        }
        let judged = gather.done.into_iter().map(|done| done.judged).collect();
        let missing = missing.into_iter();
        let missing = missing.map(|(number, why)| (journeys[number].0.title.clone(), why));
        results.judge(keeper, judged, missing.collect());
        if let Some(batch) = &mut batch {
            close(batch, &mut results, *cancel.borrow());
        }
        results.finish()
    }
}

/// What came of one journey.
enum Came {
    NotBegun,
    Run(Box<Result<Run, RunError>>),
    /// In a way that nobody thought of.
    Broke(String),
}

/// What the journeys that are done leave behind.
struct Gather<'o> {
    by_baseline: bool,
    side_by_side: bool,
    done: Vec<Done<'o>>,
}

impl<'o> Gather<'o> {
    /// Gives what the index says of it.
    fn take(
        &mut self,
        number: usize,
        planned: &Planned,
        options: &'o RunOptions,
        run: &Run,
        bundle: String,
    ) -> IndexEntry {
        let judged = || {
            Judged::new(
                planned.title.clone(),
                run.bundle.clone(),
                run.traffic(),
                options.policy.as_deref(),
            )
        };
        let entry = planned.made(run, bundle, judged(), self.by_baseline);
        self.done.push(Done {
            place: number,
            entry: entry.clone(),
            judged: judged(),
            seen: self.side_by_side.then(|| Seen::of(run)),
        });
        entry
    }

    fn compare(&self, journeys: &[(Planned, Arc<RunOptions>)], results: &mut Results) {
        if !self.side_by_side {
            return;
        }
        let numbers = journeys.iter().map(|(planned, _)| planned.number).max();
        for number in 0..=numbers.unwrap_or_default() {
            let of_it = |done: &&Done| journeys[done.place].0.number == number;
            let done = self.done.iter().filter(of_it);
            let seen: Vec<(Option<Consent>, &Seen)> = done
                .filter_map(|done| Some((journeys[done.place].0.consent, done.seen.as_ref()?)))
                .collect();
            let scenario = journeys
                .iter()
                .find(|(planned, _)| planned.number == number);
            if let Some((planned, _)) = scenario {
                results.compare(&planned.scenario.title, &seen);
            }
        }
    }
}

/// Looks at what an earlier run of the batch has left. Gives the numbers of the journeys that are to be made.
fn resume<'o>(
    journeys: &'o [(Planned, Arc<RunOptions>)],
    batch: &mut Option<Batch>,
    results: &mut Results,
    gather: &mut Gather<'o>,
) -> Result<Vec<usize>, u8> {
    let Some(batch) = batch.as_mut().filter(|batch| batch.is_resumed()) else {
        return Ok((0..journeys.len()).collect());
    };
    let bar = talk::bar("verifying what is there", journeys.len());
    let mut to_make = Vec::new();
    for (number, (planned, options)) in journeys.iter().enumerate() {
        let lying = look(planned, options).map_err(|error| {
            talk::error(
                &error.to_string(),
                Some("give the same options and scenarios as before, or another folder"),
            );
            exit::BAD_INPUT
        })?;
        bar.inc(1);
        match lying {
            Lying::Nothing => to_make.push(number),
            Lying::Undone(why) => {
                let moved = batch.set_aside(&planned.name, why.clone());
                let moved = moved.map_err(no_batch)?;
                talk::note(&format!(
                    "{}: {why}; what there is was put aside: {}",
                    planned.name,
                    moved.display()
                ));
                to_make.push(number);
            }
            Lying::Done(run) => {
                results.take_kept(&run);
                let entry = gather.take(number, planned, options, &run, planned.name.clone());
                batch.take(entry).map_err(no_batch)?;
            }
        }
        let remade = to_make.last() == Some(&number);
        let controls = control::beside_all(&options.out);
        for control in controls.filter(|control| remade && control.exists()) {
            let name = control.strip_prefix(batch.root()).unwrap_or(&control);
            let why = "a control of a journey that is made again".to_owned();
            let name = name.display().to_string();
            batch.set_aside(&name, why).map_err(no_batch)?;
        }
    }
    bar.finish_and_clear();
    talk::note(&format!(
        "{} of {} done already, verified and kept",
        gather.done.len(),
        report::count(journeys.len(), "journey")
    ));
    Ok(to_make)
}

/// One journey, and its controls.
async fn journey(
    planned: Planned,
    options: Arc<RunOptions>,
    cancel: watch::Receiver<bool>,
    bars: MultiProgress,
    control: bool,
) -> Result<Run, RunError> {
    let (scenario, title) = (&planned.scenario, &planned.title);
    match one(scenario, &options, cancel.clone(), title, Some(&bars)).await {
        Ok(run) if control => {
            control::with(run, scenario, &options, cancel, title, Some(&bars)).await
        }
        other => other,
    }
}

/// Writes the index anew. That it cannot be written takes nothing from the journeys.
fn write_down(batch: &mut Option<Batch>, entry: IndexEntry, results: &mut Results) {
    let Some(batch) = batch else { return };
    if let Err(error) = batch.take(entry) {
        talk::error(&error.to_string(), Some(error.help()));
        results.raise(exit::INCONCLUSIVE);
    }
}

/// Writes what remains to be written of a batch, and says where it is.
pub fn close(batch: &mut Batch, results: &mut Results, stopped: bool) {
    let written = match stopped {
        // It goes on with `--resume`.
        true => Ok(()),
        false => batch.close(results.code()),
    };
    let path = batch.root().join("index.html");
    let page = write_file(&path, |out| report::html::render_index(batch.index(), out));
    let page = page.map_err(|error| BatchError::Write { path, error });
    if let Err(error) = written.and(page) {
        talk::error(&error.to_string(), Some(error.help()));
        results.raise(exit::INCONCLUSIVE);
    }
    let root = batch.root().display();
    let left = batch.index().journeys.iter();
    let left = left.filter(|entry| !entry.state.is_settled()).count();
    talk::note(&format!("index: {root}/index.html"));
    if left > 0 {
        let journeys = batch.index().journeys.len();
        talk::note(&format!(
            "{left} of {} not done; the same command goes on with `--resume {root}`",
            report::count(journeys, "journey")
        ));
    }
}

/// Runs one scenario under a progress bar.
pub async fn one(
    scenario: &Scenario,
    options: &RunOptions,
    cancel: watch::Receiver<bool>,
    title: &str,
    bars: Option<&MultiProgress>,
) -> Result<Run, RunError> {
    let progress = Progress::new(title, bars);
    let run = crate::run::run(scenario, options, cancel, &|event| progress.take(event)).await;
    progress.finish();
    run
}
