//! What was to be kept from leaving, held against what left. Pure.

use std::net::SocketAddr;

use super::record::problem;
use crate::capture::{Containment, Deliver, Guard};
use crate::model::{
    Exchange, Origin, Outcome, Party, RunRecord, UrlParts, recipient, registrable_domain,
};

/// How many addresses a problem names.
const NAMED: usize = 3;

/// What went to the sink never left this machine.
pub(super) fn mark_sunk(exchanges: &mut [Exchange], sink: SocketAddr) {
    for exchange in exchanges
        .iter_mut()
        .filter(|exchange| is_sunk(exchange, sink))
    {
        exchange.outcome = Outcome::Contained;
        exchange.sent = Some(false);
        exchange.error = Some(format!(
            "contained: it was led to a sink on this machine ({sink}), since it cannot be stopped in the browser"
        ));
    }
}

fn is_sunk(exchange: &Exchange, sink: SocketAddr) -> bool {
    let remote = exchange.remote.as_ref();
    remote.is_some_and(|remote| remote.port == sink.port() && remote.ip == sink.ip().to_string())
}

/// Counts what was contained, and says first what left although it was not to.
pub(super) fn judge(record: &mut RunRecord, exchanges: &[Exchange], first_party: &str) {
    let contained = |exchange: &&Exchange| exchange.outcome == Outcome::Contained;
    record.containment.contained = exchanges.iter().filter(contained).count() as u64;
    let sink = super::finish::sink_of(record);
    let sunk = |exchange: &&Exchange| sink.is_some_and(|sink| is_sunk(exchange, sink));
    record.containment.sunk = exchanges.iter().filter(contained).filter(sunk).count() as u64;
    let deliver = record.containment.deliver.clone();
    let mut slipped = Vec::new();
    let mut unknown = Vec::new();
    for exchange in exchanges {
        let was_to_stay = exchange.outcome == Outcome::Contained
            || missed(record, exchange, first_party)
            || matches!(deliver.as_str(), "first-party" | "none") && exchange.party == Party::Third
            || deliver == "none" && !is_page_load(exchange);
        let what = || format!("{} {}", exchange.method, exchange.url);
        match exchange.sent {
            Some(true) if was_to_stay => slipped.push(what()),
            None if exchange.outcome == Outcome::Contained => unknown.push(what()),
            _ => {}
        }
    }
    slipped.extend(messages_after_submit(record, exchanges, first_party));
    if !unknown.is_empty() {
        let message = format!(
            "whether what was contained left is unknown: {}",
            some(&unknown)
        );
        first(record, message);
    }
    if !slipped.is_empty() {
        let message = format!(
            "CONTAINMENT FAILED: {} left although {} not to: {}",
            if slipped.len() == 1 {
                "a request".to_owned()
            } else {
                format!("{} requests", slipped.len())
            },
            if slipped.len() == 1 {
                "it was"
            } else {
                "they were"
            },
            some(&slipped)
        );
        first(record, message);
    }
    record.containment.slipped = slipped;
}

/// A failure of containment is the first thing to know about a run.
fn first(record: &mut RunRecord, message: String) {
    problem(
        record,
        "containment",
        message,
        Some("do not replay this scenario on a live site before its cause is known".to_owned()),
    );
    record.problems.rotate_right(1);
}

fn some(what: &[String]) -> String {
    let named = what.iter().take(NAMED).map(String::as_str);
    let mut text = named.collect::<Vec<_>>().join(", ");
    if what.len() > NAMED {
        text += &format!(" and {} more", what.len() - NAMED);
    }
    text
}

/// A page, or what is fetched to show it.
fn is_page_load(exchange: &Exchange) -> bool {
    matches!(exchange.method.as_str(), "GET" | "HEAD")
        && !matches!(
            exchange.resource_type.as_str(),
            "xhr" | "fetch" | "ping" | "eventsource" | "websocket" | "cspviolationreport"
        )
}

/// Whether it may have been a report, by what was to be contained when it was made: whoever let it through.
fn missed(record: &RunRecord, exchange: &Exchange, first_party: &str) -> bool {
    let Some(time) = exchange.time.filter(|_| exchange.origin == Origin::Page) else {
        return false;
    };
    let spans = &record.containment.guarded;
    // The moment in which it changes belongs to neither side.
    let Some(index) = spans.iter().rposition(|span| span.from < time) else {
        return false;
    };
    if spans.get(index + 1).is_some_and(|next| next.from <= time) {
        return false;
    }
    let guard = match spans[index].what.as_str() {
        "submitting" => Guard::Submitting,
        "changes" => Guard::Changes,
        _ => return false,
    };
    let containment = Containment {
        guard,
        action_host: spans[index].action_host.clone(),
        ..Containment::new(first_party, Deliver::AllButReports)
    };
    containment.missed(exchange)
}

/// Messages that went into a WebSocket of the site, or of a host that is no known tracker, once something was typed or
/// sent: they cannot be stopped, and may have filed it.
fn messages_after_submit(
    record: &RunRecord,
    exchanges: &[Exchange],
    first_party: &str,
) -> Vec<String> {
    if record.containment.deliver == "all" {
        return Vec::new();
    }
    let Some(guarded) = record.containment.guarded.first().map(|span| span.from) else {
        return Vec::new();
    };
    exchanges
        .iter()
        .filter(|exchange| exchange.outcome != Outcome::Contained)
        .filter(|exchange| {
            let host = UrlParts::of(&exchange.url).map_or("", |parts| parts.host);
            registrable_domain(host) == first_party || recipient(host).is_none()
        })
        .filter(|exchange| {
            exchange.frames.iter().any(|frame| {
                frame.direction == "sent"
                    && frame.opcode < 8
                    && frame.time.is_some_and(|time| time >= guarded)
            })
        })
        .map(|exchange| format!("messages to {}", exchange.url))
        .collect()
}
