//! What a person reads in a terminal after a run: who was told what, where, and whom it names.

mod about;
mod course;
mod leaks;
mod told;
mod untold;

use std::io::{self, Write};

use url::Url;

pub(super) use self::about::verdict_line;
use self::about::{named, topics, verdicts};
use self::course::{journey, recorded};
pub(super) use self::leaks::leak_lines;
use self::told::{doubt, others_told, pages};
use self::untold::untold;
use super::{count, visible};
use crate::model::{Exchange, JourneyState, TrackerEvent};
use crate::run::Run;

/// Columns that a description may take before it is cut.
const WIDTH: usize = 92;

/// Writes the summary of a run.
///
/// # Errors
/// If it cannot be written.
pub fn render(run: &Run, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let style = Style { colour };
    let record = &run.record;
    writeln!(out, "\n{}", style.bold(&record.scenario.title))?;
    writeln!(out, "{}", style.dim(&record.scenario.origin))?;
    journey(run, &style, out)?;

    let (told, others): (Vec<&TrackerEvent>, Vec<&TrackerEvent>) = run
        .events
        .iter()
        .filter(|event| event.tells())
        .partition(|event| event.recipient == "Meta");
    let unsent = told
        .iter()
        .filter(|event| doubt(run, event).is_some())
        .count();
    if told.is_empty() {
        nothing_told(run, &style, out)?;
    } else {
        pages(run, &told, &style, out)?;
        if unsent > 0 {
            writeln!(
                out,
                "Of these, {} did not leave, or it is unknown: each is marked.",
                count(unsent, "event")
            )?;
        }
        named(run, &told, &style, out)?;
    }
    let leaks = &run.findings.leaks;
    leak_lines(leaks, "What the visitor typed", &style, out)?;
    topics(run, &style, out)?;
    others_told(&others, &style, out)?;
    verdicts(run, &style, out)?;
    untold(run, &style, out)?;
    recorded(run, &style, out)
}

/// That nothing was told means something only if it could have been.
fn nothing_told(run: &Run, style: &Style, out: &mut dyn Write) -> io::Result<()> {
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
        return writeln!(out, "\n{}", style.bold(&what));
    }
    if run.record.journey.state == JourneyState::Completed {
        writeln!(out, "\n{}", style.good("No event was told to Meta."))?;
    } else {
        let what = "No event was told to Meta as far as the journey came.";
        writeln!(out, "\n{}", style.bold(what))?;
    }
    if sent > 0 {
        writeln!(
            out,
            "Meta's servers were contacted {sent} times all the same."
        )?;
    }
    Ok(())
}

/// Colours, on a terminal.
pub(in crate::report) struct Style {
    pub colour: bool,
}

impl Style {
    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    pub(in crate::report) fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(in crate::report) fn dim(&self, text: &str) -> String {
        self.paint("2", text)
    }

    pub(in crate::report) fn bad(&self, text: &str) -> String {
        self.paint("1;31", text)
    }

    pub(in crate::report) fn good(&self, text: &str) -> String {
        self.paint("32", text)
    }
}

fn is_meta(exchange: &Exchange) -> bool {
    exchange.recipient.as_deref() == Some("Meta")
}

/// A page of the site by its path; any other address whole.
fn short(url: &str, origin: &str) -> String {
    match (Url::parse(url), url.strip_prefix(origin)) {
        (Ok(_), Some(path)) if path.starts_with('/') => path.to_owned(),
        _ => url.to_owned(),
    }
}

/// Without what a terminal would obey.
pub(in crate::report) fn one_line(text: &str) -> String {
    let text = visible(text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Lines of so many columns, at spaces.
pub(in crate::report) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.len() - 1;
        let line = &mut lines[line];
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines
}

pub(in crate::report) fn cut(text: &str) -> String {
    let line = one_line(text);
    if line.chars().count() <= WIDTH {
        return line;
    }
    let mut cut: String = line.chars().take(WIDTH - 1).collect();
    cut.push('…');
    cut
}
