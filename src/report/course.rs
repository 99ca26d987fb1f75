//! How a run went, line by line: the journey, what was told in a sentence each, banners, cookies that were planted, what was
//! contained, clocks.

use std::collections::{BTreeMap, HashSet};

use super::count;
use super::words::{Fate, is_meta, sent_by_id, short};
use crate::model::{ConsentOutcome, ConsentRecord, Exchange, JourneyState, Outcome, TrackerEvent};
use crate::run::Run;

/// Clocks that differ by less than this (milliseconds) agree.
const CLOCKS_AGREE: i64 = 2000;

/// What a line is to whoever reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Good,
    Bad,
    /// Something is not known.
    Unsure,
}

/// A sentence or two.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) tone: Tone,
    pub(super) text: String,
}

impl Line {
    pub(super) fn new(tone: Tone, text: impl Into<String>) -> Line {
        Line {
            tone,
            text: text.into(),
        }
    }
}

/// How far the journey came.
pub(super) fn journey(run: &Run) -> Line {
    let journey = &run.record.journey;
    let done = journey
        .steps
        .iter()
        .filter(|step| step.problem.is_none() && step.ended.is_some());
    let (done, all) = (done.count(), journey.steps.len());
    let cut_short = |how: &str| {
        let text = format!("{how} after {done} of {all} steps: what follows is partial.");
        Line::new(Tone::Bad, text)
    };
    match journey.state {
        JourneyState::Completed => Line::new(
            Tone::Plain,
            format!("The journey was completed: {}.", count(done, "step")),
        ),
        JourneyState::Interrupted => cut_short("Stopped"),
        JourneyState::TimedOut => cut_short("Out of time"),
        JourneyState::Failed => cut_short("Failed"),
        JourneyState::BrowserLost => cut_short("The browser ended"),
        JourneyState::Running => cut_short("Cut short"),
    }
}

/// That Meta was told nothing means something only if it could have been.
pub(super) fn told_nothing(run: &Run) -> Vec<Line> {
    let (asked, sent) = run
        .exchanges
        .iter()
        .filter(|x| is_meta(x))
        .fold((0u64, 0u64), |(asked, sent), x| {
            (asked + 1, sent + u64::from(x.sent == Some(true)))
        });
    let kept_out = matches!(
        run.record.containment.deliver.as_str(),
        "first-party" | "none"
    );
    if kept_out {
        let what = format!(
            "What Meta would have been told is unknown: what goes to third parties was kept from leaving ({} to Meta).",
            count(asked, "request")
        );
        return vec![Line::new(Tone::Unsure, what)];
    }
    let mut lines = vec![match run.record.journey.state {
        JourneyState::Completed => Line::new(Tone::Good, "No event was told to Meta."),
        _ => Line::new(
            Tone::Unsure,
            "No event was told to Meta as far as the journey came.",
        ),
    }];
    if sent > 0 {
        let what = format!(
            "Meta's servers were contacted {} all the same.",
            times(sent)
        );
        lines.push(Line::new(Tone::Plain, what));
    }
    lines
}

fn times(number: u64) -> String {
    match number {
        1 => "once".to_owned(),
        number => format!("{number} times"),
    }
}

/// Who was told how much, in a sentence each: Meta first.
pub(super) fn headline(run: &Run) -> Vec<Line> {
    let sent = sent_by_id(run);
    let mut told: BTreeMap<(bool, &str), Vec<Told<'_>>> = BTreeMap::new();
    for event in run.events.iter().filter(|event| event.tells()) {
        let sent = sent.get(event.exchange.as_str()).copied().flatten();
        let of_recipient = told.entry((event.recipient != "Meta", &event.recipient));
        of_recipient.or_default().push((event, sent));
    }
    let mut lines = Vec::new();
    if !told.contains_key(&(false, "Meta")) {
        lines.extend(told_nothing(run));
    }
    lines.extend(
        told.iter()
            .map(|((_, recipient), events)| told_line(recipient, events)),
    );
    lines
}

/// An event, and whether it left.
type Told<'a> = (&'a TrackerEvent, Option<bool>);

fn told_line(recipient: &str, events: &[Told<'_>]) -> Line {
    let mut fate = Fate::default();
    events.iter().for_each(|(_, sent)| fate.take(*sent));
    // Those that left, if any did.
    let counted = events
        .iter()
        .filter(|(_, sent)| fate.left == 0 || *sent == Some(true));
    let counted: Vec<&TrackerEvent> = counted.map(|(event, _)| *event).collect();
    let pages: HashSet<&str> = counted
        .iter()
        .filter_map(|event| event.page_url.as_deref()?.split('#').next())
        .collect();
    let mut what = match pages.len() {
        0 => String::new(),
        pages => format!("of {}, ", count(pages, "page")),
    };
    what += &format!("in {}", count(counted.len(), "event"));
    let mut text = fate.says(recipient, &what);
    if fate.left > 0 && fate.left < events.len() {
        let rest = Fate { left: 0, ..fate };
        text += &format!(
            "; of {} more: {}",
            events.len() - fate.left,
            rest.in_numbers()
        );
    }
    let tone = match fate.left {
        0 => Tone::Unsure,
        _ => Tone::Bad,
    };
    Line::new(tone, text + ".")
}

/// How many requests were recorded.
pub(super) fn recorded(run: &Run) -> Line {
    let counts = &run.record.counts;
    let text = format!(
        "Recorded: {}, of which {} to third parties.",
        count(counts.exchanges, "request"),
        counts.third_party
    );
    Line::new(Tone::Plain, text)
}

/// How consent banners were answered.
pub(super) fn banners(run: &Run) -> Vec<Line> {
    let line = |record: &ConsentRecord| {
        let page = short(&record.page, &run.record.scenario.origin);
        let banner = record.banner.as_deref().unwrap_or("unknown");
        let (answer, clicks) = (&record.answer, record.clicks.join(", then "));
        match record.outcome {
            ConsentOutcome::Answered => Line::new(
                Tone::Plain,
                format!("Consent on {page}: {answer}, by clicking {clicks} (banner: {banner})."),
            ),
            ConsentOutcome::NoBanner => Line::new(
                Tone::Unsure,
                format!(
                    "Consent on {page}: no banner was recognised that could be answered with {answer}."
                ),
            ),
            ConsentOutcome::Failed => {
                let why = record.why.as_deref().unwrap_or("it did not go");
                let text = format!(
                    "Consent on {page}: the banner ({banner}) could not be answered with {answer}: {why}."
                );
                Line::new(Tone::Bad, text)
            }
        }
    };
    run.record.consent.iter().map(line).collect()
}

/// Planted cookies that the browser kept back.
pub(super) fn cookies(run: &Run) -> Vec<Line> {
    let kept = run
        .record
        .identity
        .iter()
        .filter(|cookie| cookie.withheld > 0);
    kept.map(|cookie| {
        let text = format!(
            "Cookie {} of {}: sent with {}, kept back by the browser from {} ({}).",
            cookie.name,
            cookie.domain,
            count(cookie.sent, "request"),
            count(cookie.withheld, "request"),
            cookie.reasons.join(", ")
        );
        Line::new(Tone::Plain, text)
    })
    .collect()
}

/// What was kept from leaving: reports one by one, what went to third parties by its number.
pub(super) fn contained(run: &Run) -> Vec<Line> {
    let record = &run.record;
    let mut lines = Vec::new();
    let all = || {
        run.exchanges
            .iter()
            .filter(|x| x.outcome == Outcome::Contained)
    };
    for exchange in all().filter(|exchange| is_report(exchange)) {
        let page = short(&exchange.url, &record.scenario.origin);
        let (tone, sent) = match exchange.sent {
            Some(false) => (Tone::Plain, "it never left the browser"),
            _ => (Tone::Bad, "WHETHER IT LEFT IS UNKNOWN"),
        };
        let text = format!("Contained: {} {page}: {sent}.", exchange.method);
        lines.push(Line::new(tone, text));
    }
    let others = all().filter(|exchange| !is_report(exchange)).count();
    if others > 0 {
        let text = format!(
            "Contained, with --deliver {}: {} ({} of them in a sink on this machine).",
            record.containment.deliver,
            count(others, "request"),
            record.containment.sunk
        );
        lines.push(Line::new(Tone::Plain, text));
    }
    if record.containment.deliver == "all" {
        let text = "Delivered: everything, reports included (--deliver all).";
        lines.push(Line::new(Tone::Bad, text));
    }
    for slipped in &record.containment.slipped {
        let text = format!("LEFT ALTHOUGH IT WAS NOT TO: {slipped}");
        lines.push(Line::new(Tone::Bad, text));
    }
    lines
}

/// Whether what was contained may be the report itself.
fn is_report(exchange: &Exchange) -> bool {
    let why = exchange.error.as_deref().unwrap_or_default();
    !(why.contains("--deliver ") || why.contains("led to a sink"))
}

/// Servers whose clocks say that ours is wrong, or theirs.
pub(super) fn clocks(run: &Run) -> Vec<Line> {
    let mut lines = Vec::new();
    for clock in &run.record.clocks.servers {
        if clock.at_least > clock.at_most {
            let text = format!(
                "Clocks: those behind {} do not agree among themselves.",
                clock.host
            );
            lines.push(Line::new(Tone::Plain, text));
            continue;
        }
        let (apart, which) = match (clock.at_least, clock.at_most) {
            (at_least, _) if at_least > CLOCKS_AGREE => (at_least, "ahead of"),
            (_, at_most) if at_most < -CLOCKS_AGREE => (-at_most, "behind"),
            _ => continue,
        };
        let text = format!(
            "Clocks: that of {} is at least {:.1} s {which} this machine's.",
            clock.host,
            apart as f64 / 1000.0
        );
        lines.push(Line::new(Tone::Plain, text));
    }
    lines
}
