//! The journeys of a batch: gone on with, made some at once, judged, and told.

use std::path::PathBuf;
use std::sync::Arc;

use futures::StreamExt;
use indicatif::MultiProgress;
use tokio::sync::watch;

use super::{Prepared, no_batch};
use crate::batch::{Batch, BatchError, Lying, Planned, Wanted, entry, leftover_controls, look};
use crate::bundle::write_file;
use crate::cli::options::cancel_on_signal;
use crate::cli::progress::Progress;
use crate::cli::results::Results;
use crate::cli::{control, exit, talk};
use crate::model::{EntryState, IndexEntry};
use crate::policy::Judged;
use crate::report;
use crate::report::compare::Seen;
use crate::run::{Run, RunError, RunOptions};
use crate::scenario::{Consent, Scenario};

/// What is kept of a journey once its bundle is written: a thousand of them are held at once.
struct Done<'o> {
    /// Its place in the plan.
    place: usize,
    entry: IndexEntry,
    judged: Judged<'o>,
    /// Where runs are put side by side.
    seen: Option<Seen>,
}

impl Prepared<'_> {
    pub(super) async fn make(self) -> u8 {
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
        let wanted = Wanted {
            seed: asked.replay.seed.is_some(),
            controls: asked.replay.control,
        };
        let to_make = match resume(&journeys, &mut batch, &mut results, &mut gather, wanted) {
            Ok(to_make) => to_make,
            Err(code) => return code,
        };
        let unmade = make_all(
            &journeys,
            to_make,
            (asked.many.jobs, asked.replay.control),
            &mut batch,
            &mut results,
            &mut gather,
        )
        .await;
        gather.compare(&journeys, &mut results);
        let mut done = gather.done;
        // As they were asked for, whichever ended first.
        done.sort_by_key(|done| done.place);
        let bundles: Vec<PathBuf> = done.iter().map(|done| done.judged.source.clone()).collect();
        results.in_order(&bundles);
        results.raise(outputs.close(&bundles));
        if batch.is_some() || !done.is_empty() {
            let entries = done.iter().map(|done| &done.entry);
            let entries = entries.chain(unmade.iter().map(|(_, entry)| entry));
            results.table(&entries.collect::<Vec<_>>());
        }
        if let Some(batch) = &batch {
            keeper.also_junit(batch.root().join("junit.xml"));
        }
        let stopped = unmade
            .iter()
            .any(|(_, entry)| entry.state == EntryState::Waiting)
            || done
                .iter()
                .any(|done| done.entry.state == EntryState::Interrupted);
        let names: Vec<String> = done.iter().map(|done| done.entry.name.clone()).collect();
        let judged: Vec<Judged<'_>> = done.into_iter().map(|done| done.judged).collect();
        let unmade = unmade.into_iter().map(|(_, entry)| without_result(entry));
        let unmade: Vec<(String, String)> = unmade.collect();
        // A share may be empty: nothing is wrong with it.
        let codes = match judged.is_empty() && unmade.is_empty() {
            true => Vec::new(),
            false => results.judge(keeper, judged, unmade),
        };
        if let Some(batch) = &mut batch {
            batch.set_codes(names.into_iter().zip(codes));
            close(batch, &mut results, stopped);
        }
        results.finish()
    }
}

/// Makes these journeys, so many at once, and their controls where those are asked for. Gives those of which nothing came.
async fn make_all<'o>(
    journeys: &'o [(Planned, Arc<RunOptions>)],
    to_make: Vec<usize>,
    (jobs, control): (usize, bool),
    batch: &mut Option<Batch>,
    results: &mut Results,
    gather: &mut Gather<'o>,
) -> Vec<(usize, IndexEntry)> {
    let cancel = cancel_on_signal();
    let bars = MultiProgress::new();
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
    let mut finished = futures::stream::iter(running).buffer_unordered(jobs);
    let mut unmade: Vec<(usize, IndexEntry)> = Vec::new();
    while let Some((number, came)) = finished.next().await {
        let (planned, options) = &journeys[number];
        let entry = match came {
            Came::NotBegun => Err(planned.waiting()),
            Came::Broke(why) => {
                talk::error(&format!("{}: {why}", planned.title), None);
                Err(planned.not_made(why))
            }
            Came::Run(run) => {
                let why = (*run).as_ref().err().map(ToString::to_string);
                match results.take(*run) {
                    Some(run) => {
                        let in_batch = batch.is_some();
                        Ok(gather.take(number, planned, options, &run, in_batch))
                    }
                    None => Err(planned.not_made(why.unwrap_or_default())),
                }
            }
        };
        let entry = entry.unwrap_or_else(|entry| {
            results.raise(exit::INCONCLUSIVE);
            unmade.push((number, entry.clone()));
            entry
        });
        write_down(batch, entry, results);
    }
    // As they were asked for, whichever ended first.
    unmade.sort_by_key(|(number, _)| *number);
    unmade
}

/// A journey of which nothing came, and why.
pub fn without_result(entry: IndexEntry) -> (String, String) {
    let why = entry.problems.into_iter().next();
    let why = why.unwrap_or_else(|| "it was not begun".to_owned());
    (entry.title, why)
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
        in_batch: bool,
    ) -> IndexEntry {
        let bundle = match in_batch {
            true => planned.name.clone(),
            false => run.bundle.display().to_string(),
        };
        let judged = Judged::new(
            planned.title.clone(),
            run.bundle.clone(),
            run.traffic(),
            options.policy.as_deref(),
        );
        let (mut entry, judged) = entry(
            &planned.name,
            &planned.title,
            run,
            bundle,
            judged,
            self.by_baseline,
        );
        entry.consent = planned.waiting().consent;
        self.done.extend(judged.map(|judged| Done {
            place: number,
            entry: entry.clone(),
            judged,
            seen: self.side_by_side.then(|| Seen::of(run)),
        }));
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
    wanted: Wanted,
) -> Result<Vec<usize>, u8> {
    let Some(batch) = batch.as_mut().filter(|batch| batch.is_resumed()) else {
        return Ok((0..journeys.len()).collect());
    };
    let bar = talk::bar("verifying what is there", journeys.len());
    let mut to_make = Vec::new();
    let mut undone = Vec::new();
    // All are looked at before anything is moved.
    for (number, (planned, options)) in journeys.iter().enumerate() {
        let lying = look(planned, options, wanted).map_err(|error| {
            talk::error(
                &error.to_string(),
                Some("give the same options and scenarios as before, or another folder"),
            );
            exit::BAD_INPUT
        })?;
        bar.inc(1);
        match lying {
            Lying::Done(run) => {
                results.take_kept(&run);
                gather.take(number, planned, options, &run, true);
                continue;
            }
            Lying::Undone(why) => undone.push((&planned.name, why)),
            Lying::Nothing => {}
        }
        to_make.push(number);
    }
    bar.finish_and_clear();
    // By that it is under way again.
    let kept = gather.done.iter().map(|done| done.entry.clone());
    batch.take_all(kept).map_err(no_batch)?;
    for (name, why) in undone {
        let moved = batch.set_aside(name, why.clone()).map_err(no_batch)?;
        talk::note(&format!(
            "{name}: {why}; what there is was put aside: {}",
            moved.display()
        ));
    }
    for number in &to_make {
        for control in leftover_controls(batch.root(), &journeys[*number].0.name) {
            let why = "a control of a journey that is made again".to_owned();
            batch.set_aside(&control, why).map_err(no_batch)?;
        }
    }
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
