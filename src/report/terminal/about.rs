//! Whom it names, what of it was typed, what it was about; and the verdicts on these.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::{Style, WIDTH, cut, one_line, short, wrapped};
use crate::model::{
    Certainty, Leak, LeakExtent, PageContext, Strength, Submission, TrackerEvent, VerdictOutcome,
};
use crate::report::count;
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
    let mut signals: BTreeMap<(Strength, &str, &str), usize> = BTreeMap::new();
    for event in told {
        for identity in &event.identity {
            if identity.strength <= Strength::Browser && !identity.signal.contains('[') {
                *signals
                    .entry((identity.strength, &identity.signal, &identity.value))
                    .or_default() += 1;
            }
        }
    }
    if signals.is_empty() {
        return writeln!(
            out,
            "\nNothing that names a person or a browser went with it."
        );
    }
    writeln!(out, "\n{}", style.bold("Whom it names:"))?;
    for ((strength, signal, value), times) in signals {
        let whose = match strength {
            Strength::Account => "the Facebook account",
            Strength::Person => "a person",
            Strength::SitePerson => "a person at this site",
            Strength::Click => "an ad click, and so an account",
            Strength::Browser => "this browser",
            Strength::Weak => "weak",
        };
        let planted = run
            .record
            .canaries
            .iter()
            .any(|canary| canary.value == value);
        let planted = if planted {
            ", planted for this run"
        } else {
            ""
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
        let outcome = verdict.outcome.as_str();
        let outcome = match verdict.outcome {
            VerdictOutcome::Found => style.bad(outcome),
            VerdictOutcome::NotFound => style.good(outcome),
            VerdictOutcome::Inconclusive | VerdictOutcome::NotTested => style.bold(outcome),
        };
        let question = match name {
            "typed_value" => "Did what was typed leave?",
            "page_context" => "Was it told what the pages are about?",
            _ => "Was it tied to a person or a browser?",
        };
        writeln!(out, "  {question}  {outcome}  ({name})")?;
        for line in wrapped(&verdict.why, WIDTH) {
            writeln!(out, "      {line}")?;
        }
    }
    for limit in &run.findings.searched.limits {
        writeln!(out, "  Not searched: {limit}")?;
    }
    Ok(())
}

/// What was typed and left: how it looked, how it came about, and when.
pub(super) fn leaks(run: &Run, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut told: Vec<(String, Vec<Line>)> = Vec::new();
    for leak in &run.findings.leaks {
        let to = leak.recipient.clone().unwrap_or_else(|| leak.host.clone());
        let lines = match told.iter().position(|(known, _)| *known == to) {
            Some(at) => &mut told[at].1,
            None => {
                told.push((to, Vec::new()));
                let last = told.len() - 1;
                &mut told[last].1
            }
        };
        let chain = chain_and_extent(leak);
        match lines
            .iter_mut()
            .find(|line| line.chain == chain && line.leak.value == leak.value)
        {
            Some(line) => line.take(leak),
            None => lines.push(Line::new(chain, leak)),
        }
    }
    for (to, lines) in told {
        let heading = format!("What the visitor typed was told to {to}:");
        writeln!(out, "\n{}", style.bad(&heading))?;
        for line in lines {
            line.write(out)?;
        }
    }
    Ok(())
}

/// A way in which something was told, and how often.
struct Line<'a> {
    chain: String,
    leak: &'a Leak,
    times: usize,
    /// Of these, before the visitor sent anything.
    unsent: usize,
    /// Of these, kept from leaving.
    kept: usize,
}

impl<'a> Line<'a> {
    fn new(chain: String, leak: &'a Leak) -> Line<'a> {
        let mut line = Line {
            chain,
            leak,
            times: 0,
            unsent: 0,
            kept: 0,
        };
        line.take(leak);
        line
    }

    fn take(&mut self, leak: &Leak) {
        self.times += 1;
        self.unsent += usize::from(matches!(
            leak.submission,
            Submission::Before | Submission::Never
        ));
        self.kept += usize::from(leak.sent == Some(false));
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let Line { chain, leak, .. } = self;
        let doubt = match leak.certainty {
            Certainty::Suspected => "suspected: ",
            Certainty::Refuted => "suspected, and refuted by other canaries: ",
            Certainty::Found | Certainty::Confirmed => "",
        };
        writeln!(out, "  {doubt}{chain}")?;
        writeln!(out, "      sent as {}", cut(&leak.value))?;
        let steps: Vec<String> = leak.typed_in.iter().map(u32::to_string).collect();
        let typed = match (steps.as_slice(), leak.fields.join(", ")) {
            ([], _) => "not typed by the journey".to_owned(),
            ([step], field) => format!("typed in step {step} ({field})"),
            (steps, field) => format!("typed in steps {} ({field})", steps.join(", ")),
        };
        let mut when = format!("{typed}, told {}", count(self.times, "time"));
        if self.unsent == self.times {
            when += ", typed but not sent by the visitor";
        } else if self.unsent > 0 {
            when += &format!(
                ", {} of them typed but not sent by the visitor",
                self.unsent
            );
        }
        if self.kept > 0 {
            when += &format!(" ({} kept from leaving)", self.kept);
        }
        writeln!(out, "      {when}")?;
        if let Some(shell) = &leak.shell {
            writeln!(out, "      check: {}", one_line(shell))?;
        }
        Ok(())
    }
}

fn chain_and_extent(leak: &Leak) -> String {
    let chain = &leak.chain;
    match leak.extent {
        LeakExtent::Whole => chain.clone(),
        LeakExtent::Part { characters, of } => {
            format!("{chain}  (the first {characters} of {of} characters)")
        }
        LeakExtent::Split { pieces } => format!("{chain}  (in {pieces} pieces)"),
        LeakExtent::Keystrokes { .. } => format!("{chain}  (key by key)"),
    }
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
            let text = cut(&short(
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
