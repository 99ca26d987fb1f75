//! The index of a batch, as a page: a line a journey, with the way to its report.

use std::io::{self, Write};

use askama::Template;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Shell;
use super::text::Text;
use crate::model::{EntryState, Index, IndexEntry, ShardRecord, VerdictOutcome, count};

/// What is left as it is in a path.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.');

/// Writes the page. It links to bundles beside it, and says nothing that the index does not.
///
/// # Errors
/// If it cannot be written.
pub fn render(index: &Index, out: &mut dyn Write) -> io::Result<()> {
    let page = Page {
        shell: Shell::new(),
        shard: index.shard,
        heading: heading(index),
        lines: lines(index),
        journeys: index.journeys.iter().map(Line::of).collect(),
        set_aside: index
            .set_aside
            .iter()
            .map(|aside| (Text::new(&*aside.bundle), Text::new(&*aside.why)))
            .collect(),
    };
    out.write_all(page.render().map_err(io::Error::other)?.as_bytes())
}

#[derive(Template)]
#[template(path = "html_index.html")]
struct Page<'a> {
    shell: Shell,
    shard: Option<ShardRecord>,
    heading: String,
    lines: Vec<(&'static str, String)>,
    journeys: Vec<Line<'a>>,
    set_aside: Vec<(Text<'a>, Text<'a>)>,
}

struct Line<'a> {
    title: Text<'a>,
    name: Text<'a>,
    href: Option<String>,
    outcome: &'static str,
    tone: &'static str,
    why: Vec<Text<'a>>,
    verdicts: Vec<Cell>,
    steps: String,
    requests: u64,
    events: u64,
    manifest: Text<'a>,
    evidence: Text<'a>,
}

struct Cell {
    label: &'static str,
    word: &'static str,
    tone: &'static str,
}

/// What is found is said even of a batch that is not at its end; that nothing is found is not.
fn heading(index: &Index) -> String {
    let journeys = index.journeys.iter();
    let found = journeys.filter(|entry| entry.exit_code == Some(1)).count();
    let all = count(index.journeys.len(), "journey");
    match (index.exit_code, found) {
        (_, 1..) => format!("Something was found in {found} of {all}"),
        (Some(1), 0) => format!("Something was found, over {all} together"),
        (Some(0), 0) if index.journeys.is_empty() => "No journey".to_owned(),
        (Some(0), 0) if index.journeys.iter().any(is_let_through) => {
            format!("Nothing was found that is not let through, in {all}")
        }
        (Some(0), 0) => format!("Nothing was found in {all}"),
        (Some(_), 0) => format!("Not everything is known of {all}"),
        (None, 0) => format!("Not at its end: {all}"),
    }
}

fn lines(index: &Index) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    // Of the journeys: an index may be made anew long after.
    let started = index
        .journeys
        .iter()
        .filter_map(|entry| entry.started)
        .min();
    let finished = index
        .journeys
        .iter()
        .filter_map(|entry| entry.finished)
        .max();
    match (index.finished, started, finished) {
        (Some(_), Some(started), Some(finished)) => {
            lines.push(("", format!("Made from {started} to {finished}.")));
        }
        (Some(_), ..) => {}
        (None, ..) => {
            let text = format!(
                "Begun at {}, and not at its end: what follows is partial.",
                index.started
            );
            lines.push(("bad", text));
        }
    }
    let listed = index.journeys.len() as u64;
    if listed < index.plan.journeys {
        let text = format!(
            "The plan has {}; {} of them are not here.",
            count(index.plan.journeys, "journey"),
            index.plan.journeys - listed
        );
        // Of a share that is as it should be.
        lines.push((if index.shard.is_some() { "" } else { "bad" }, text));
    }
    lines
}

impl<'a> Line<'a> {
    fn of(entry: &'a IndexEntry) -> Line<'a> {
        let (outcome, tone) = outcome(entry);
        let ruled = entry.violated.iter().chain(&entry.contradicted);
        let labels = ["What was typed", "What it was about", "Whom it names"];
        Line {
            title: Text::new(&*entry.title),
            name: Text::new(&*entry.name),
            href: entry.bundle.as_ref().map(|bundle| {
                // Beside the page, whatever it is called.
                format!("./{}/data/report.html", utf8_percent_encode(bundle, PATH))
            }),
            outcome,
            tone,
            why: ruled
                .chain(&entry.problems)
                .map(|why| Text::new(&**why))
                .collect(),
            verdicts: labels
                .into_iter()
                .enumerate()
                .map(|(number, label)| {
                    let outcome = entry.verdicts.map(|verdicts| verdicts.all()[number].1);
                    let (word, tone) = match outcome {
                        Some(VerdictOutcome::Found) => ("found", "bad"),
                        Some(VerdictOutcome::NotFound) => ("not found", "good"),
                        Some(VerdictOutcome::Inconclusive) => ("unclear", "unsure"),
                        Some(VerdictOutcome::NotTested) => ("not tested", "plain"),
                        None => ("unknown", "unsure"),
                    };
                    Cell { label, word, tone }
                })
                .collect(),
            steps: format!("{} of {}", entry.steps_done, entry.steps),
            requests: entry.counts.exchanges,
            events: entry.counts.events,
            manifest: Text::new(entry.manifest_sha256.as_deref().unwrap_or("-")),
            evidence: Text::new(entry.evidence_digest.as_deref().unwrap_or("-")),
        }
    }
}

/// Something was found, and a policy or a baseline lets it be.
fn is_let_through(entry: &IndexEntry) -> bool {
    let found = |(_, outcome)| outcome == VerdictOutcome::Found;
    entry.exit_code == Some(0)
        && entry
            .verdicts
            .is_some_and(|verdicts| verdicts.all().into_iter().any(found))
}

fn outcome(entry: &IndexEntry) -> (&'static str, &'static str) {
    match (entry.state, entry.exit_code) {
        (EntryState::Waiting, _) => ("not begun", "unsure"),
        (EntryState::NotMade, _) => ("not made", "bad"),
        (EntryState::BrowserLost, _) => ("browser lost", "bad"),
        (EntryState::Interrupted, _) => ("stopped", "bad"),
        (_, Some(1)) => ("found", "bad"),
        (EntryState::Failed, _) => ("a step failed", "bad"),
        (EntryState::TimedOut, _) => ("out of time", "bad"),
        (EntryState::Completed, Some(0)) if is_let_through(entry) => ("let through", "good"),
        (EntryState::Completed, Some(0)) => ("nothing found", "good"),
        (EntryState::Completed, _) => ("inconclusive", "unsure"),
    }
}
