//! What was told, page by page, and to whom else.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::{Doubts, Style, cut, short};
use crate::model::TrackerEvent;
use crate::report::count;
use crate::report::words::{given, said, untold};
use crate::run::Run;

/// Page by page, what Meta was told, in the order in which the pages first told something.
pub(super) fn pages(
    run: &Run,
    told: &[&TrackerEvent],
    doubts: &Doubts<'_>,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut order: Vec<&str> = Vec::new();
    for event in told {
        let page = event.page_url.as_deref().unwrap_or_default();
        if !order.contains(&page) {
            order.push(page);
        }
    }
    let (pages, events) = (count(order.len(), "page"), count(told.len(), "event"));
    let heading = match told.iter().all(|event| doubts.of(event).is_some()) {
        true => format!("Meta would have been told of {pages}, in {events}, as far as is known:"),
        false => format!("Meta was told of {pages}, in {events}:"),
    };
    writeln!(out, "\n{}", style.bad(&heading))?;
    for page in order {
        let shown = if page.is_empty() {
            "(no page named)"
        } else {
            page
        };
        writeln!(
            out,
            "  {}",
            style.bold(short(shown, &run.record.scenario.origin))
        )?;
        let mut lines: Vec<(String, usize)> = Vec::new();
        for event in told {
            if event.page_url.as_deref().unwrap_or_default() != page {
                continue;
            }
            let mut line = describe(event);
            if let Some(doubt) = doubts.of(event) {
                line.push_str(&format!("  [{doubt}]"));
            }
            tally(&mut lines, line);
        }
        for (line, times) in lines {
            let times = if times > 1 {
                format!("  ×{times}")
            } else {
                String::new()
            };
            writeln!(out, "    {line}{times}")?;
        }
    }
    Ok(())
}

/// Who else was told events that a decoder knows, with their names.
pub(super) fn others_told(
    others: &[&TrackerEvent],
    doubts: &Doubts<'_>,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut recipients: BTreeMap<&str, Vec<&TrackerEvent>> = BTreeMap::new();
    for event in others {
        recipients.entry(&event.recipient).or_default().push(event);
    }
    for (recipient, told) in recipients {
        let mut names: Vec<(String, usize)> = Vec::new();
        for event in &told {
            let name = event.event_name.as_deref().unwrap_or("(no name)");
            tally(&mut names, cut(name));
        }
        let names: Vec<String> = names
            .iter()
            .map(|(name, times)| format!("{name} ×{times}"))
            .collect();
        let events = told.len();
        let unsent = told
            .iter()
            .filter(|event| doubts.of(event).is_some())
            .count();
        let what = count(events, "event");
        let heading = match unsent {
            0 => format!("{recipient} was told {what}:"),
            _ if unsent == events => {
                format!("{recipient} would have been told {what}, as far as is known:")
            }
            _ => format!(
                "{recipient} was told {what}, of which {unsent} did not leave, or it is unknown:"
            ),
        };
        writeln!(out, "\n{} {}", style.bad(&heading), names.join(", "))?;
    }
    Ok(())
}

/// Counts a line, keeping the order in which the lines first came.
fn tally(lines: &mut Vec<(String, usize)>, line: String) {
    match lines.iter_mut().find(|(known, _)| *known == line) {
        Some((_, times)) => *times += 1,
        None => lines.push((line, 1)),
    }
}

fn describe(event: &TrackerEvent) -> String {
    let mut line = cut(&said(event));
    let given = given(event);
    if !given.is_empty() {
        line.push_str(&format!(", with {}", given.join(", ")));
    }
    line
}

/// Pages of the site that were opened and on which nothing went to Meta.
pub(super) fn pages_untold(run: &Run, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let Some(quiet) = untold(run) else {
        return writeln!(
            out,
            "\nOf which pages Meta was told nothing could not be established in this run."
        );
    };
    if quiet.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{}",
        style.good(&format!(
            "Nothing was sent to Meta from {}:",
            count(quiet.len(), "other page")
        ))
    )?;
    for page in quiet {
        writeln!(out, "  {}", short(page, &run.record.scenario.origin))?;
    }
    Ok(())
}
