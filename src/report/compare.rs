//! Journeys side by side: the same one with other answers to the consent banner, and the same one again.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::count;
use crate::model::{ConsentOutcome, JourneyState, Moment, TrackerEvent, UrlParts};
use crate::run::Run;

/// What one run told, and what became of the consent banner: as much of it as is put side by side.
#[derive(Debug, Clone)]
pub struct Seen {
    completed: bool,
    answered: bool,
    /// In words.
    banner: String,
    /// Events by recipient, page and name: before the banner was answered, and after.
    told: BTreeMap<Key, (usize, usize)>,
}

type Key = (String, String, String);

impl Seen {
    pub fn of(run: &Run) -> Seen {
        let answered = answered(run);
        let mut told: BTreeMap<Key, (usize, usize)> = BTreeMap::new();
        for event in run.events.iter().filter(|event| event.tells()) {
            let told = told.entry(key(event)).or_default();
            match (answered, event.time) {
                (Some(answered), Some(time)) if time >= answered => told.1 += 1,
                _ => told.0 += 1,
            }
        }
        Seen {
            completed: run.record.journey.state == JourneyState::Completed,
            answered: answered.is_some(),
            banner: what_became_of(run),
            told,
        }
    }
}

/// Repeats of the same journey.
#[derive(Debug)]
pub struct Group<'a> {
    /// The answer to the consent banner; null if it was the scenario's own.
    pub consent: Option<&'a str>,
    pub runs: Vec<&'a Seen>,
}

/// Something that was told to somebody, in how many of the runs.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    pub recipient: String,
    pub event: String,
    /// Address of the page, without its query.
    pub page: String,
    /// For each group, in their order.
    pub told: Vec<Told>,
}

/// How one group told it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Runs in which it was told at all.
    pub in_runs: usize,
    /// Runs that were completed; others do not count.
    pub of_runs: usize,
    /// Events before the banner was answered, over all runs; all of them where it was not.
    pub before: usize,
    /// Events after it was answered.
    pub after: usize,
}

/// What was told, by recipient, page and event, over all groups.
pub fn compare(groups: &[Group]) -> Vec<Row> {
    let mut rows: BTreeMap<&Key, Vec<Told>> = BTreeMap::new();
    for (index, group) in groups.iter().enumerate() {
        // What a journey told that did not come to its end says nothing of the rest.
        for run in group.runs.iter().filter(|run| run.completed) {
            for (key, (before, after)) in &run.told {
                let told = rows.entry(key).or_insert_with(|| {
                    let empty = groups.iter().map(|group| Told {
                        of_runs: completed(group),
                        ..Told::default()
                    });
                    empty.collect()
                });
                told[index].before += before;
                told[index].after += after;
                told[index].in_runs += 1;
            }
        }
    }
    rows.into_iter()
        .map(|((recipient, page, event), told)| Row {
            recipient: recipient.clone(),
            event: event.clone(),
            page: page.clone(),
            told,
        })
        .collect()
}

/// When the banner was first answered.
pub(super) fn answered(run: &Run) -> Option<Moment> {
    let consent = run.record.consent.iter();
    consent
        .filter(|record| record.outcome == ConsentOutcome::Answered)
        .find_map(|record| record.answered)
}

fn key(event: &TrackerEvent) -> Key {
    let page = event.page_url.as_deref().unwrap_or_default();
    let page = page.split(['?', '#']).next().unwrap_or_default();
    (
        event.recipient.clone().into_owned(),
        page.to_owned(),
        event
            .event_name
            .clone()
            .unwrap_or_else(|| format!("{:?}", event.kind).to_lowercase()),
    )
}

/// Writes the table.
///
/// # Errors
/// If it cannot be written.
pub fn render(groups: &[Group], out: &mut dyn Write) -> io::Result<()> {
    let rows = compare(groups);
    let by_consent = groups.len() > 1;
    if by_consent {
        writeln!(out, "\nBy the answer to the consent banner:")?;
        for group in groups {
            writeln!(
                out,
                "  {:8} {}",
                group.consent.unwrap_or("as it is"),
                group.runs.first().map_or("", |run| &run.banner)
            )?;
            if completed(group) < group.runs.len() {
                writeln!(
                    out,
                    "           {} of {} completed; the others do not count",
                    completed(group),
                    count(group.runs.len(), "run")
                )?;
            }
        }
    } else if let Some(group) = groups.first() {
        writeln!(
            out,
            "\nOver {} of the same journey ({} completed):",
            count(group.runs.len(), "run"),
            completed(group)
        )?;
    }
    if rows.is_empty() {
        writeln!(out, "  No event was told to anybody in any completed run.")?;
        return Ok(());
    }
    let mut page = None;
    for row in &rows {
        let place = (&row.recipient, &row.page);
        if page != Some(place) {
            writeln!(out, "  {}, of {}", row.recipient, short(&row.page))?;
            page = Some(place);
        }
        if by_consent {
            writeln!(out, "    {}", row.event)?;
            for (group, told) in groups.iter().zip(&row.told) {
                writeln!(
                    out,
                    "      {:8} {}",
                    group.consent.unwrap_or("as it is"),
                    cell(told, answered_in(group))
                )?;
            }
        } else {
            for told in &row.told {
                let events = told.before + told.after;
                writeln!(
                    out,
                    "    in {} of {}  {} ({})",
                    told.in_runs,
                    count(told.of_runs, "run"),
                    row.event,
                    count(events, "event")
                )?;
            }
        }
    }
    Ok(())
}

fn completed(group: &Group) -> usize {
    let runs = group.runs.iter();
    runs.filter(|run| run.completed).count()
}

fn answered_in(group: &Group) -> bool {
    group.runs.iter().any(|run| run.answered)
}

/// `answered (OneTrust: “Reject All”)`
fn what_became_of(run: &Run) -> String {
    let records = &run.record.consent;
    let found = records
        .iter()
        .find(|record| record.outcome != ConsentOutcome::NoBanner)
        .or(records.first());
    match found {
        None => "the banner was left alone".to_owned(),
        Some(record) => match record.outcome {
            ConsentOutcome::Answered => format!(
                "answered ({}: {})",
                record.banner.as_deref().unwrap_or_default(),
                record.clicks.join(", then ")
            ),
            ConsentOutcome::NoBanner => "no banner was recognised: inconclusive".to_owned(),
            ConsentOutcome::Failed => format!(
                "could not be answered: inconclusive ({})",
                record.why.as_deref().unwrap_or("it did not go")
            ),
        },
    }
}

fn cell(told: &Told, answered: bool) -> String {
    let runs = if told.of_runs > 1 {
        format!("  (in {} of {})", told.in_runs, count(told.of_runs, "run"))
    } else {
        String::new()
    };
    let what = if answered {
        format!("{} before the answer, {} after it", told.before, told.after)
    } else {
        (told.before + told.after).to_string()
    };
    what + &runs
}

fn short(page: &str) -> &str {
    match UrlParts::of(page) {
        Some(parts) if !parts.path.is_empty() => parts.path,
        _ if page.is_empty() => "an unknown page",
        _ => page,
    }
}
