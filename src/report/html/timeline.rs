//! The journey, step by step: what the visitor did and saw, and what left the page then.

use std::collections::HashMap;
use std::io::Write;

use data_encoding::BASE64;
use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::Sources;
use super::detail::detail;
use super::entry::{Entry, Of};
use super::picture::Picture;
use super::text::{Text, link};
use crate::model::{
    Exchange, Leak, Outcome, Party, PointedRecord, StepRecord, StepState, TrackerEvent,
};
use crate::report::words::short;
use crate::report::{count, in_parallel};
use crate::run::Run;

/// Bytes of details up to which they stand in the page as they are, and are read without any script. Beyond, they are packed.
const OPEN_UP_TO: usize = 4 << 20;
/// zlib's level: a tenth of a second for fifty megabytes, and a fifth of their size.
const EFFORT: u32 = 4;
/// Of a step that the journey did not come to.
const NOT_REACHED: &str = "not reached";
/// Details that are packed together: unpacked when one of them is opened.
const TOGETHER: usize = 64;

/// All that was told, in order.
#[derive(Debug)]
pub(super) struct Timeline<'a> {
    pub(super) steps: Vec<Step<'a>>,
    /// What each entry opens to, by its number; empty if they are packed.
    pub(super) details: Vec<String>,
    /// Details that are packed: JSON arrays of HTML, by DEFLATE (RFC 1951), in Base64.
    pub(super) packed: Vec<String>,
}

/// A step, or what was told outside any.
#[derive(Debug)]
pub(super) struct Step<'a> {
    /// None: outside any step.
    pub(super) number: Option<u32>,
    pub(super) title: Text<'a>,
    pub(super) state: &'static str,
    /// Class of its colour.
    pub(super) tone: &'static str,
    pub(super) page: Text<'a>,
    pub(super) took: String,
    pub(super) line: Option<u64>,
    pub(super) problem: Option<Text<'a>>,
    pub(super) notes: Vec<Text<'a>>,
    /// What the visitor pointed at, on what they saw.
    pub(super) pointed: Option<Shot<'a>>,
    /// What they saw afterwards.
    pub(super) after: Option<Shot<'a>>,
    pub(super) entries: Vec<Entry<'a>>,
    pub(super) sum: String,
}

/// A picture, and what is marked on it.
#[derive(Debug)]
pub(super) struct Shot<'a> {
    pub(super) index: usize,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) path: Text<'a>,
    /// Where it is, seen from the report.
    pub(super) link: Option<String>,
    /// x, y, width and height in the picture's pixels.
    pub(super) mark: Option<[f64; 4]>,
}

impl<'a> Timeline<'a> {
    pub(super) fn new(
        run: &'a Run,
        pictures: &[Picture],
        sources: &Sources<'_>,
    ) -> askama::Result<Timeline<'a>> {
        let mut steps = told_by_step(run);
        let shot = |path: Option<&'a String>| shot(path?, pictures, sources.beside);
        for (step, record) in steps.iter_mut().zip(&run.record.journey.steps) {
            step.after = shot(record.screenshot.as_ref());
            step.pointed = record.pointed.as_ref().and_then(|pointed| {
                let mut shot = shot(pointed.screenshot.as_ref())?;
                shot.mark = mark(pointed, &shot);
                Some(shot)
            });
        }
        let entries: Vec<&Entry<'_>> = steps.iter().flat_map(|step| &step.entries).collect();
        let details = details(&entries, sources)?;
        let size: usize = details.iter().map(String::len).sum();
        let packed = match size > OPEN_UP_TO {
            true => pack(&details)?,
            false => Vec::new(),
        };
        Ok(Timeline {
            steps,
            details: if packed.is_empty() {
                details
            } else {
                Vec::new()
            },
            packed,
        })
    }

    /// Where the detail of an entry is packed: `3.17`, the eighteenth of the fourth pack.
    pub(super) fn place(&self, entry: &Entry<'_>) -> String {
        format!("{}.{}", entry.number / TOGETHER, entry.number % TOGETHER)
    }
}

/// What each entry opens to; on all processors, since most of the work is here.
fn details(entries: &[&Entry<'_>], sources: &Sources<'_>) -> askama::Result<Vec<String>> {
    let details = in_parallel(entries, |entry| {
        let body = (sources.body)(entry.exchange);
        detail(entry, body, sources.beside)
    });
    details.into_iter().collect()
}

fn pack(details: &[String]) -> askama::Result<Vec<String>> {
    let chunks: Vec<&[String]> = details.chunks(TOGETHER).collect();
    let packed = in_parallel(&chunks, |chunk| {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(EFFORT));
        encoder.write_all(&serde_json::to_vec(chunk)?)?;
        Ok(BASE64.encode(&encoder.finish()?))
    });
    let packed: std::io::Result<Vec<String>> = packed.into_iter().collect();
    packed.map_err(|error| askama::Error::Custom(Box::new(error)))
}

/// The steps, each with what was told in it.
fn told_by_step(run: &Run) -> Vec<Step<'_>> {
    let record = &run.record;
    let mut events: HashMap<&str, Vec<&TrackerEvent>> = HashMap::new();
    for event in &run.events {
        events.entry(&event.exchange).or_default().push(event);
    }
    let mut leaks: HashMap<&str, Vec<&Leak>> = HashMap::new();
    for leak in &run.findings.leaks {
        leaks.entry(&leak.exchange).or_default().push(leak);
    }
    let mut steps: Vec<Step<'_>> = record
        .journey
        .steps
        .iter()
        .map(|step| Step::of(step, &record.scenario.origin))
        .collect();
    let outside = steps.len();
    steps.push(Step::outside());
    let places: HashMap<Option<u32>, usize> = steps
        .iter()
        .enumerate()
        .map(|(at, step)| (step.number, at))
        .collect();
    let mut own = vec![0; steps.len()];
    let mut by_step: Vec<Vec<Of<'_>>> = steps.iter().map(|_| Vec::new()).collect();
    for exchange in &run.exchanges {
        let at = places.get(&exchange.step).copied().unwrap_or(outside);
        let events = events
            .get(exchange.id.as_str())
            .map_or(&[][..], Vec::as_slice);
        let leaks = leaks
            .get(exchange.id.as_str())
            .map_or(&[][..], Vec::as_slice);
        let of = |event, is_first| Of {
            exchange,
            event,
            is_first,
            leaks: if is_first { leaks.to_vec() } else { Vec::new() },
        };
        if events.is_empty() && leaks.is_empty() && is_the_sites(exchange) {
            own[at] += 1;
        } else if events.is_empty() {
            by_step[at].push(of(None, true));
        }
        for (number, event) in events.iter().enumerate() {
            by_step[at].push(of(Some(*event), number == 0));
        }
    }
    let mut number = 0;
    for ((step, told), own) in steps.iter_mut().zip(by_step).zip(own) {
        for of in told {
            let origin = &record.scenario.origin;
            step.entries
                .push(Entry::new(number, of, origin, record.started));
            number += 1;
        }
        step.sum = step.sum_with(own);
    }
    if steps
        .last()
        .is_some_and(|outside| outside.entries.is_empty())
    {
        steps.pop();
    }
    steps
}

/// An ordinary request to the site itself, which is counted and not shown.
fn is_the_sites(exchange: &Exchange) -> bool {
    exchange.party == Party::First && exchange.outcome != Outcome::Contained
}

impl<'a> Step<'a> {
    fn of(record: &'a StepRecord, origin: &str) -> Step<'a> {
        let (state, tone) = match record.state {
            StepState::Done => ("done", "plain"),
            StepState::Failed => ("failed", "bad"),
            StepState::NotReached => (NOT_REACHED, "unsure"),
        };
        Step {
            number: Some(record.number),
            title: Text::new(&*record.what),
            state,
            tone,
            page: Text::new(short(record.page.as_deref().unwrap_or(""), origin)),
            took: match (record.started, record.ended) {
                (Some(started), Some(ended)) => {
                    let took = ended.millis() - started.millis();
                    format!("took {:.1} s", took as f64 / 1000.0)
                }
                _ => String::new(),
            },
            line: Some(record.line),
            problem: record.problem.as_deref().map(Text::new),
            notes: record.notes.iter().map(|note| Text::new(&**note)).collect(),
            pointed: None,
            after: None,
            entries: Vec::new(),
            sum: String::new(),
        }
    }

    fn outside() -> Step<'a> {
        Step {
            number: None,
            title: Text::new("Outside the steps: as the pages closed, or when it is not known"),
            state: "",
            tone: "plain",
            page: Text::new(""),
            took: String::new(),
            line: None,
            problem: None,
            notes: Vec::new(),
            pointed: None,
            after: None,
            entries: Vec::new(),
            sum: String::new(),
        }
    }

    /// How much was told, in a line.
    fn sum_with(&self, own: usize) -> String {
        let events = self
            .entries
            .iter()
            .filter(|entry| entry.event.is_some_and(TrackerEvent::tells));
        let others = self
            .entries
            .iter()
            .filter(|entry| !entry.event.is_some_and(TrackerEvent::tells));
        let mut parts = Vec::new();
        for (number, what) in [(events.count(), "event"), (others.count(), "other request")] {
            if number > 0 {
                parts.push(count(number, what));
            }
        }
        if own > 0 {
            parts.push(format!("{} to the site itself", count(own, "request")));
        }
        match parts.is_empty() {
            true if self.state == NOT_REACHED => "unknown: it was not reached".to_owned(),
            true => "no request was recorded".to_owned(),
            false => parts.join(", "),
        }
    }
}

fn shot<'a>(path: &'a str, pictures: &[Picture], beside: bool) -> Option<Shot<'a>> {
    let index = pictures.iter().position(|picture| picture.path == path)?;
    let picture = &pictures[index];
    Some(Shot {
        index,
        width: picture.width,
        height: picture.height,
        path: Text::new(path),
        link: Some(path).filter(|_| beside).and_then(link),
        mark: None,
    })
}

/// Where an element is on a picture, as far as it is on it.
fn mark(pointed: &PointedRecord, shot: &Shot<'_>) -> Option<[f64; 4]> {
    let (shown, element) = (&pointed.shown, &pointed.element);
    if !(shown.width > 0.0 && shown.height > 0.0) {
        return None;
    }
    let (width, height) = (f64::from(shot.width), f64::from(shot.height));
    let (across, down) = (width / shown.width, height / shown.height);
    let left = ((element.x - shown.x) * across).clamp(0.0, width);
    let top = ((element.y - shown.y) * down).clamp(0.0, height);
    let right = ((element.x - shown.x + element.width) * across).clamp(left, width);
    let bottom = ((element.y - shown.y + element.height) * down).clamp(top, height);
    let mark = [left, top, right - left, bottom - top].map(|value| (value * 10.0).round() / 10.0);
    (mark[2] > 0.0 && mark[3] > 0.0).then_some(mark)
}
