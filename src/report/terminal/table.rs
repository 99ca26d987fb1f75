//! The runs of a command, a line each: what is left on the screen in the end. Fits 80 columns.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Style;
use crate::model::{EntryState, IndexEntry, VerdictOutcome};
use crate::report::on_one_line;

/// Columns of a journey's title.
const TITLE: usize = 22;

/// Writes the table.
///
/// # Errors
/// If it cannot be written.
pub fn table(journeys: &[&IndexEntry], colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let style = Style { colour };
    let head = format!(
        "{:TITLE$} {:>7} {:>8} {:>6}  {:10} {:10} {:10}",
        "journey", "steps", "requests", "events", "typed", "context", "identity"
    );
    writeln!(out, "\n{}", style.bold(head.trim_end()))?;
    for journey in journeys {
        let steps = format!("{}/{}", journey.steps_done, journey.steps);
        let steps = format!("{steps:>7}");
        let steps = match journey.state {
            EntryState::Completed => steps,
            _ => style.bad(&steps),
        };
        write!(
            out,
            "{} {steps} {:>8} {:>6} ",
            fit(&journey.title),
            journey.counts.exchanges,
            journey.counts.events
        )?;
        let Some(verdicts) = journey.verdicts else {
            writeln!(out, " {}", journey.state.as_str().replace('_', " "))?;
            continue;
        };
        for (number, (_, outcome)) in verdicts.all().into_iter().enumerate() {
            let word = match outcome {
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
            let word = match outcome {
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
