//! Whom it names, what of it was typed, what it was about.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::told::tally;
use super::{Style, cut, short};
use crate::leak::{mentions, typed};
use crate::model::{Strength, TrackerEvent};
use crate::report::count;
use crate::run::Run;

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

/// Values of advanced matching that are what the visitor typed.
pub(super) fn typed_values(
    run: &Run,
    told: &[&TrackerEvent],
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut lines: Vec<(String, usize)> = Vec::new();
    for event in told {
        for datum in &event.user_data {
            let Some(found) = typed(datum, &run.record.canaries) else {
                continue;
            };
            let steps: Vec<String> = found.typed_in.iter().map(u32::to_string).collect();
            let line = format!(
                "{}[{}] = {}\n      {} ← what was typed in step {}",
                datum.source,
                datum.key,
                datum.value,
                found.chain,
                steps.join(", "),
            );
            tally(&mut lines, line);
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{}",
        style.bad("What the visitor typed was told to Meta:")
    )?;
    for (line, times) in lines {
        writeln!(out, "  {line}, told {}", count(times, "time"))?;
    }
    Ok(())
}

/// The scenario's topics, and where Meta was told them.
pub(super) fn topics(
    run: &Run,
    told: &[&TrackerEvent],
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut places: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for event in told {
        for mention in mentions(event, &run.record.scenario.topics) {
            let index = places
                .iter()
                .position(|(topic, _)| *topic == mention.topic)
                .unwrap_or_else(|| {
                    places.push((mention.topic.clone(), Vec::new()));
                    places.len() - 1
                });
            let seen = &mut places[index].1;
            if !seen.iter().any(|(place, _)| *place == mention.place) {
                seen.push((mention.place, mention.text));
            }
        }
    }
    if places.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{}",
        style.bad("What it was about was told to Meta:")
    )?;
    for (topic, seen) in places {
        writeln!(out, "  “{topic}”")?;
        for (place, text) in seen {
            writeln!(
                out,
                "    in {place}: {}",
                cut(&short(&text, &run.record.scenario.origin))
            )?;
        }
    }
    Ok(())
}
