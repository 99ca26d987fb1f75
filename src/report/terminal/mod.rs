//! What a person reads in a terminal after a run: who was told what, where, and whom it names.

mod about;
mod comparison;
mod leaks;
mod table;
mod told;

use std::collections::HashMap;
use std::io::{self, Write};

pub(super) use self::about::verdict_line;
use self::about::{named, topics, verdicts};
pub use self::comparison::render_comparison;
pub(super) use self::leaks::leak_lines;
pub use self::table::table;
use self::told::{others_told, pages, pages_untold};
use super::course::{self, Line, Tone};
use super::words::{doubt, sent_by_id, short};
use super::{audit, count, visible};
use crate::model::TrackerEvent;
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
    writeln!(out, "\n{}", style.bold(&one_line(&record.scenario.title)))?;
    writeln!(out, "{}", style.dim(&record.scenario.origin))?;
    say(&[course::journey(run)], &style, out)?;
    for step in &record.journey.steps {
        for note in &step.notes {
            let line = format!("  step {}: {}", step.number, visible(note));
            writeln!(out, "{}", style.dim(&line))?;
        }
    }

    let (told, others): (Vec<&TrackerEvent>, Vec<&TrackerEvent>) = run
        .events
        .iter()
        .filter(|event| event.tells())
        .partition(|event| event.recipient == "Meta");
    let doubts = Doubts(sent_by_id(run));
    let unsent = told
        .iter()
        .filter(|event| doubts.of(event).is_some())
        .count();
    if told.is_empty() {
        writeln!(out)?;
        say(&course::told_nothing(run), &style, out)?;
    } else {
        pages(run, &told, &doubts, &style, out)?;
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
    others_told(&others, &doubts, &style, out)?;
    verdicts(run, &style, out)?;
    pages_untold(run, &style, out)?;
    recorded(run, &style, out)
}

/// Lines, each in its colour.
fn say(lines: &[Line], style: &Style, out: &mut dyn Write) -> io::Result<()> {
    for line in lines {
        let text = visible(&line.text);
        let text = match line.tone {
            Tone::Plain => text,
            Tone::Good => style.good(&text),
            Tone::Bad => style.bad(&text),
            Tone::Unsure => style.bold(&text),
        };
        writeln!(out, "{text}")?;
    }
    Ok(())
}

/// What was recorded, what was done to it, and what is known of it.
fn recorded(run: &Run, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    say(&[course::recorded(run)], style, out)?;
    say(&course::banners(run), style, out)?;
    say(&course::cookies(run), style, out)?;
    say(&course::contained(run), style, out)?;
    audit::render(&run.record.audit, style.colour, out)?;
    say(&course::clocks(run), style, out)?;
    if run.record.finished.is_some() {
        let page = run.bundle.join("data/report.html");
        writeln!(out, "Report: {}", page.display())?;
    }
    writeln!(
        out,
        "Evidence: {} (digest, to compare by telephone: {})",
        style.bold(&run.bundle.display().to_string()),
        run.evidence_digest(),
    )
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

/// What the network log does not confirm is said of each event.
struct Doubts<'a>(HashMap<&'a str, Option<bool>>);

impl Doubts<'_> {
    fn of(&self, event: &TrackerEvent) -> Option<&'static str> {
        let sent = self.0.get(event.exchange.as_str())?;
        doubt(*sent, event.outcome)
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
