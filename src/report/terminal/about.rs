//! Whom it names, what it was about; and the three verdicts.

use std::io::{self, Write};

use super::{Style, WIDTH, cut, short, wrapped};
use crate::model::{Controls, PageContext, Strength, TrackerEvent, Verdict, VerdictOutcome};
use crate::report::count;
use crate::report::words::{is_planted, named as named_by, question, whom};
use crate::run::Run;

/// Observations of one topic that are shown.
const MOST_LINES: usize = 12;

/// Whom the events name: the strongest signals first, each with the number of events that carried it.
pub(super) fn named(
    run: &Run,
    told: &[&TrackerEvent],
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let signals = named_by(told.iter().copied());
    if signals.is_empty() {
        return writeln!(
            out,
            "\nNothing that names a person or a browser went with it."
        );
    }
    writeln!(out, "\n{}", style.bold("Whom it names:"))?;
    for ((strength, signal, value), times) in signals {
        let whose = whom(strength);
        let planted = match is_planted(run, value) {
            true => ", planted for this run",
            false => "",
        };
        let line = format!("{signal} = {value}");
        writeln!(
            out,
            "  {whose}: {}  ({} of {}{planted})",
            if strength == Strength::Account {
                style.bad(&line)
            } else {
                line
            },
            times,
            count(told.len(), "event"),
        )?;
    }
    Ok(())
}

/// The three verdicts, each with what it rests on or what was searched.
pub(super) fn verdicts(run: &Run, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{}", style.bold("The three verdicts:"))?;
    for (name, verdict) in run.findings.verdicts.all() {
        verdict_line(name, verdict, style, out)?;
    }
    if let Some(controls) = &run.findings.controls {
        control_lines(controls, out)?;
    }
    for limit in &run.findings.searched.limits {
        writeln!(out, "  Not searched: {limit}")?;
    }
    Ok(())
}

/// What other journeys say.
fn control_lines(controls: &Controls, out: &mut dyn Write) -> io::Result<()> {
    let bundles: Vec<String> = controls
        .runs
        .iter()
        .map(|run| format!("{} ({})", run.bundle, run.typing.replace('_', " ")))
        .collect();
    writeln!(out, "  Controls: {}", bundles.join(", "))?;
    if controls.runs.iter().any(|run| !run.completed) {
        return writeln!(
            out,
            "      one did not come to its end, so they say nothing"
        );
    }
    for field in &controls.fields {
        let to = field.recipient.as_deref().unwrap_or(&field.host);
        writeln!(
            out,
            "  suspected: {} at {to} follows what is typed, and cannot be decoded: {}",
            field.place,
            cut(&field.value),
        )?;
    }
    Ok(())
}

/// One verdict: the question, the answer, and what it rests on.
pub(in crate::report) fn verdict_line(
    name: &str,
    verdict: &Verdict,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let outcome = verdict.outcome.as_str();
    let outcome = match verdict.outcome {
        VerdictOutcome::Found => style.bad(outcome),
        VerdictOutcome::NotFound => style.good(outcome),
        VerdictOutcome::Inconclusive | VerdictOutcome::NotTested => style.bold(outcome),
    };
    let question = question(name);
    writeln!(out, "  {question}  {outcome}  ({name})")?;
    for line in wrapped(&verdict.why, WIDTH) {
        writeln!(out, "      {line}")?;
    }
    Ok(())
}

/// The scenario's topics, and where they were told.
pub(super) fn topics(run: &Run, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut told: Vec<(&str, &str, Vec<&PageContext>)> = Vec::new();
    for context in &run.findings.contexts {
        let Some(topic) = &context.topic else {
            continue;
        };
        let to = context.recipient.as_deref().unwrap_or(&context.host);
        match told
            .iter_mut()
            .find(|(who, about, _)| *who == to && *about == topic.topic)
        {
            Some((.., seen)) => seen.push(context),
            None => told.push((to, &topic.topic, vec![context])),
        }
    }
    let mut last = "";
    for (to, topic, seen) in told {
        if to != last {
            let heading = format!("What it was about was told to {to}:");
            writeln!(out, "\n{}", style.bad(&heading))?;
            last = to;
        }
        let candidate = seen.iter().find_map(|context| context.candidate.as_ref());
        let candidate = candidate.map_or_else(String::new, |candidate| {
            format!("  (for legal review: {})", candidate.category)
        });
        writeln!(out, "  “{topic}”{}", style.dim(&candidate))?;
        let mut lines: Vec<String> = Vec::new();
        for context in seen {
            let text = cut(short(
                &context.observation.text,
                &run.record.scenario.origin,
            ));
            let line = format!("in {}: {text}", context.observation.place);
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        for line in lines.iter().take(MOST_LINES) {
            writeln!(out, "    {line}")?;
        }
        if lines.len() > MOST_LINES {
            writeln!(
                out,
                "    and {} more in findings.json",
                lines.len() - MOST_LINES
            )?;
        }
    }
    Ok(())
}
