//! After the browser is gone: reads its network log, settles what was sent, decodes, writes the final records.

use std::fs::File;

use super::record::problem;
use super::{Run, RunError};
use crate::browser::Launched;
use crate::bundle::BundleWriter;
use crate::capture::{Assembler, NetLog, reconcile};
use crate::decode::decode_all;
use crate::model::{Counts, EventKind, Exchange, JourneyState, Moment, Outcome, Party, RunRecord};

/// Reads the network log, settles what was sent, decodes, and writes the final records.
pub(super) fn finish(
    bundle: BundleWriter,
    mut record: RunRecord,
    assembler: Option<Assembler>,
    whole: bool,
    launched: &Launched,
    first_party: &str,
) -> Result<Run, RunError> {
    let mut exchanges = Vec::new();
    let captured = assembler.is_some();
    if let Some(assembler) = assembler {
        for unreadable in assembler.unreadable() {
            let message = format!("a message of the browser could not be read: {unreadable}");
            problem(&mut record, "capture", message, None);
        }
        exchanges = assembler.finish();
    }
    if record.journey.state == JourneyState::Completed && !whole {
        let message = "the browser had to be killed: what it was still sending may be missing";
        problem(&mut record, "capture", message.to_owned(), None);
    }
    // Reading the log and compressing it take as long as each other, and need nothing of each other.
    let (read, kept) = std::thread::scope(|scope| {
        let kept = scope.spawn(|| bundle.net_log(&launched.net_log));
        let read = File::open(&launched.net_log).and_then(NetLog::read);
        (read, kept.join())
    });
    match read {
        Ok(log) => {
            record.network_log = reconcile(&mut exchanges, &log, first_party);
            if log.truncated {
                let message = "the network log lacks its end: what it does not show is unknown";
                problem(&mut record, "capture", message.to_owned(), None);
            }
            if let Ok(kept) = kept {
                kept?;
            }
        }
        Err(error) => {
            let message = format!("the network log is not available: {error}");
            let help = "what was really sent is unknown in this run".to_owned();
            exchanges
                .iter_mut()
                .for_each(|exchange| exchange.sent = None);
            problem(&mut record, "capture", message, Some(help));
        }
    }
    let delivered: Vec<&str> = exchanges
        .iter()
        .filter(|exchange| exchange.outcome == Outcome::Contained && exchange.sent != Some(false))
        .map(|exchange| exchange.url.as_str())
        .collect();
    if !delivered.is_empty() {
        let message = format!(
            "a contained request may have been delivered: {}",
            delivered.join(", ")
        );
        problem(&mut record, "containment", message, None);
    }
    let events = decode_all(&exchanges, |exchange| bundle.read_body(exchange));
    record.counts = Counts {
        exchanges: exchanges.len() as u64,
        third_party: count(&exchanges, |exchange| exchange.party == Party::Third),
        contained: count(&exchanges, |exchange| {
            exchange.outcome == Outcome::Contained
        }),
        events: events
            .iter()
            .filter(|event| event.kind == EventKind::Event && event.duplicate_of.is_none())
            .count() as u64,
    };
    record.finished = Some(Moment::now());
    // Without the capture's own account, what was written as it happened stays as it is.
    if captured {
        bundle.records(&exchanges, &events)?;
    }
    bundle.run(&record)?;
    Ok(Run {
        bundle: bundle.root().to_owned(),
        record,
        exchanges,
        events,
    })
}

fn count(exchanges: &[Exchange], which: impl Fn(&Exchange) -> bool) -> u64 {
    exchanges.iter().filter(|exchange| which(exchange)).count() as u64
}
