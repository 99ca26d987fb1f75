//! The pages that nothing was told of.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};

use super::{Style, is_meta, short};
use crate::model::{AuditVerdict, EventKind, Exchange, Outcome, Party};
use crate::report::count;
use crate::run::Run;

/// Pages of the site that were opened and on which nothing went to Meta.
pub(super) fn untold(run: &Run, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    // An event names its page itself, and may be sent when the next page has already begun.
    let carriers: HashSet<&str> = run
        .events
        .iter()
        .filter(|event| matches!(event.kind, EventKind::Event | EventKind::Gateway))
        .map(|event| event.exchange.as_str())
        .collect();
    let carries_event = |exchange: &Exchange| carriers.contains(exchange.id.as_str());
    let mut unplaced = false;
    let mut visited: Vec<(&str, bool)> = Vec::new();
    let mut current: BTreeMap<&str, usize> = BTreeMap::new();
    for exchange in &run.exchanges {
        let Some(target) = exchange.target.as_deref() else {
            unplaced |= is_meta(exchange) && !carries_event(exchange);
            continue;
        };
        let page = exchange.resource_type == "document"
            && exchange.frame.as_deref() == Some(target)
            && exchange.party == Party::First
            && exchange.outcome == Outcome::Completed
            && exchange.status.is_some_and(|status| status < 300);
        if page {
            let index = visited
                .iter()
                .position(|(url, _)| *url == exchange.url)
                .unwrap_or_else(|| {
                    visited.push((&exchange.url, false));
                    visited.len() - 1
                });
            current.insert(target, index);
        } else if is_meta(exchange)
            && !carries_event(exchange)
            && let Some(&index) = current.get(target)
        {
            visited[index].1 = true;
        }
    }
    for event in run
        .events
        .iter()
        .filter(|event| matches!(event.kind, EventKind::Event | EventKind::Gateway))
    {
        let page = event.page_url.as_deref().unwrap_or_default();
        let page = page.split('#').next().unwrap_or_default();
        let mut known = false;
        for (url, told) in &mut visited {
            if *url == page {
                (*told, known) = (true, true);
            }
        }
        // An address that no visited page has (cut to the origin, or changed by script) may be any of them.
        unplaced |= !known;
    }
    let established = matches!(
        run.record.audit.verdict,
        AuditVerdict::Complete | AuditVerdict::CompleteWithListedResiduals
    );
    if unplaced || !established {
        return writeln!(
            out,
            "\nOf which pages Meta was told nothing could not be established in this run."
        );
    }
    let quiet: Vec<String> = visited
        .iter()
        .filter(|(_, told)| !told)
        .map(|(url, _)| short(url, &run.record.scenario.origin))
        .collect();
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
        writeln!(out, "  {page}")?;
    }
    Ok(())
}
