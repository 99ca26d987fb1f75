//! The runs of a command, a line each: what is left on the screen in the end. Fits 80 columns.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Style;
use crate::model::{JourneyState, StepState, VerdictOutcome};
use crate::report::on_one_line;
use crate::run::Run;

/// Columns of a journey's title.
const TITLE: usize = 22;

/// Writes the table. `titles` tell the runs from each other.
///
/// # Errors
/// If it cannot be written.
pub fn table(runs: &[(&str, &Run)], colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let style = Style { colour };
    let head = format!(
        "{:TITLE$} {:>7} {:>8} {:>6}  {:10} {:10} {:10}",
        "journey", "steps", "requests", "events", "typed", "context", "identity"
    );
    writeln!(out, "\n{}", style.bold(head.trim_end()))?;
    for (title, run) in runs {
        let record = &run.record;
        let steps = &record.journey.steps;
        let done = steps
            .iter()
            .filter(|step| step.state == StepState::Done)
            .count();
        let steps = format!("{done}/{}", steps.len());
        let steps = format!("{steps:>7}");
        let steps = match record.journey.state {
            JourneyState::Completed => steps,
            _ => style.bad(&steps),
        };
        write!(
            out,
            "{} {steps} {:>8} {:>6} ",
            fit(title),
            record.counts.exchanges,
            record.counts.events
        )?;
        let verdicts = run.findings.verdicts.all();
        for (number, (_, verdict)) in verdicts.iter().enumerate() {
            let word = match verdict.outcome {
                VerdictOutcome::Found => "found",
                VerdictOutcome::NotFound => "not found",
                VerdictOutcome::Inconclusive => "unclear",
                VerdictOutcome::NotTested => "untested",
            };
            // Nothing behind the last one.
            let word = match number {
                2 => word.to_owned(),
                _ => format!("{word:10}"),
            };
            let word = match verdict.outcome {
                VerdictOutcome::Found => style.bad(&word),
                VerdictOutcome::NotFound => style.good(&word),
                _ => word,
            };
            write!(out, " {word}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// A title in its column, as wide as that; one that is longer keeps its end, by which repeats and builds are told apart.
fn fit(title: &str) -> String {
    let title = on_one_line(title);
    if title.width() <= TITLE {
        return title.clone() + &" ".repeat(TITLE - title.width());
    }
    let (head, tail) = (8, TITLE - 9);
    let mut width = 0;
    let mut fits = |c: &char, most: usize| {
        width += c.width().unwrap_or(0);
        width <= most
    };
    let head: String = title.chars().take_while(|c| fits(c, head)).collect();
    width = 0;
    let mut fits = |c: &char| {
        width += c.width().unwrap_or(0);
        width <= tail
    };
    let tail: Vec<char> = title.chars().rev().take_while(|c| fits(c)).collect();
    let fit = format!("{head}…{}", tail.iter().rev().collect::<String>());
    let left = TITLE.saturating_sub(fit.width());
    fit + &" ".repeat(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_fits_its_column() {
        for title in [
            "",
            "short",
            &"x".repeat(26),
            &"long ".repeat(40),
            "日本語のとても長い題名がここにあります、本当に長いです",
        ] {
            assert_eq!(fit(title).width(), TITLE, "{title}");
        }
        assert_eq!(
            fit("Report a sexual offence (leaky build)"),
            "Report a…(leaky build)"
        );
    }
}
