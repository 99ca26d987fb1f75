//! Runs side by side, in a terminal.

use std::io::{self, Write};

use super::{Style, WIDTH, say, wrapped};
use crate::model::VerdictOutcome;
use crate::report::comparison::{Comparison, claim_word, rule_word};
use crate::report::on_one_line;
use crate::report::words::question;
use crate::run::Run;

/// Before the further lines of a flow.
const MARK: &str = "      ";

/// Writes what differs between runs, and what each told.
///
/// # Errors
/// If it cannot be written.
pub fn render_comparison(runs: &[&Run], colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let style = Style { colour };
    let comparison = Comparison::of(runs);
    for side in &comparison.sides {
        let record = &side.run.record;
        let title = on_one_line(&record.scenario.title);
        writeln!(out, "\n{}  {title}", style.bold(&side.letter))?;
        writeln!(out, "   {}", on_one_line(&side.name))?;
        writeln!(
            out,
            "   {}, {}",
            record.started,
            on_one_line(&record.scenario.origin)
        )?;
        say(&side.told, &style, out)?;
        if let Some(doubt) = &side.doubt {
            let line = format!("Not everything is known: {}", on_one_line(doubt));
            writeln!(out, "{}", style.bad(&line))?;
        }
    }
    if !comparison.made_otherwise.is_empty() {
        writeln!(
            out,
            "\nThey were not made alike; a difference may come from that:"
        )?;
        for what in &comparison.made_otherwise {
            writeln!(out, "  {}", on_one_line(what))?;
        }
    }
    writeln!(out, "\n{}", style.bold("The three verdicts:"))?;
    for (name, verdicts) in &comparison.verdicts {
        writeln!(out, "  {}", question(name))?;
        for (side, verdict) in comparison.sides.iter().zip(verdicts) {
            let outcome = verdict.outcome.as_str();
            let outcome = match verdict.outcome {
                VerdictOutcome::Found => style.bad(outcome),
                VerdictOutcome::NotFound => style.good(outcome),
                _ => style.bold(outcome),
            };
            writeln!(out, "    {}  {outcome}", side.letter)?;
        }
    }
    judged(&comparison, &style, out)?;
    if !comparison.ways.is_empty() {
        writeln!(out, "\n{}", style.bold("What was typed, and left:"))?;
        for way in &comparison.ways {
            let line = format!("{} to {}: {}", way.canary, way.to, way.chain);
            for line in wrapped(&on_one_line(&line), WIDTH) {
                writeln!(out, "  {line}")?;
            }
            let times = comparison.sides.iter().zip(&way.times);
            let times: Vec<String> = times
                .map(|(side, times)| match times {
                    Some(times) => format!("{} ×{times}", side.letter),
                    None => format!("{} unknown", side.letter),
                })
                .collect();
            writeln!(out, "    {}", times.join("  "))?;
        }
    }
    writeln!(out, "\n{}", style.bold("Events, by recipient and page:"))?;
    if comparison.rows.is_empty() {
        writeln!(out, "  None, to anybody, on any side that was completed.")?;
    }
    for row in &comparison.rows {
        let page = match row.page.is_empty() {
            true => "an unknown page",
            false => &row.page,
        };
        let line = format!("{}, of {page}: {}", row.recipient, row.event);
        for line in wrapped(&on_one_line(&line), WIDTH) {
            writeln!(out, "  {line}")?;
        }
        let told = comparison.sides.iter().zip(&row.told);
        let told: Vec<String> = told
            .map(|(side, told)| match told.of_runs {
                0 => format!("{} unknown", side.letter),
                _ => format!("{} ×{}", side.letter, told.before + told.after),
            })
            .collect();
        writeln!(out, "    {}", told.join("  "))?;
    }
    if !comparison.flows.is_empty() {
        writeln!(
            out,
            "\n{}",
            style.bold("Flows that A alone has (-), and B alone (+):")
        )?;
        for (sign, flow) in &comparison.flows {
            let parts: Vec<&str> = flow.split('\t').collect();
            for (number, line) in wrapped(&on_one_line(&parts.join("  ")), WIDTH)
                .iter()
                .enumerate()
            {
                match number {
                    0 => writeln!(out, "  {sign} {line}")?,
                    _ => writeln!(out, "{MARK}{line}")?,
                }
            }
        }
    }
    Ok(())
}

fn judged(comparison: &Comparison<'_>, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let letters = || comparison.sides.iter().map(|side| side.letter.as_str());
    if !comparison.claims.is_empty() {
        writeln!(out, "\n{}", style.bold("Claims:"))?;
    }
    for claim in &comparison.claims {
        for line in wrapped(&format!("“{}”", on_one_line(claim.says)), WIDTH) {
            writeln!(out, "  {line}")?;
        }
        for (letter, verdict) in letters().zip(&claim.outcomes) {
            writeln!(out, "    {letter}  {}", claim_word(*verdict))?;
        }
    }
    if !comparison.rules.is_empty() {
        writeln!(out, "\n{}", style.bold("Rules:"))?;
    }
    for rule in &comparison.rules {
        writeln!(out, "  {}", on_one_line(rule.id))?;
        for (letter, outcome) in letters().zip(&rule.outcomes) {
            writeln!(out, "    {letter}  {}", rule_word(*outcome))?;
        }
    }
    Ok(())
}
