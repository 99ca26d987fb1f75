//! Holds what was recorded against the network log, and settles with it what was really sent. Pure.

mod pair;
mod settle;

use self::pair::{answered_from_the_network, pair};
use self::settle::take;
use super::netlog::{NetLog, NetLogRequest};
use crate::model::{
    AuditRecord, AuditVerdict, BodyAudit, BodyState, Exchange, Moment, Origin, Residual, Residue,
};

/// What the audit needs to know beside the exchanges and the log.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// Registrable domain of the scenario's origin.
    pub first_party: &'a str,
    /// When steps began and ended, in order of time.
    pub steps: &'a [(Moment, Option<u32>)],
    /// Messages of the browser that could not be read.
    pub unreadable: &'a [String],
    /// Tabs that were still open when the browser was told to exit.
    pub tabs_left: u64,
}

/// Fills in what the log knows better: whether a request was sent, the cookies, headers and body really sent, answers
/// that no other source told. Appends what only the log saw, and says how the two sides compare.
pub fn audit(
    exchanges: &mut Vec<Exchange>,
    log: &NetLog,
    circumstances: &Circumstances,
) -> AuditRecord {
    let mut record = AuditRecord {
        truncated: log.truncated,
        addresses: log.addresses.iter().cloned().collect(),
        ..AuditRecord::default()
    };
    let pairs = pair(exchanges, log);
    let mut told_by = vec![None; log.requests.len()];
    for (index, (exchange, pair)) in exchanges.iter_mut().zip(&pairs).enumerate() {
        match pair {
            Some(index_in_log) => {
                told_by[*index_in_log] = Some(index);
                let request = &log.requests[*index_in_log];
                record.matched += u64::from(request.sent.is_some());
                if request.sent.is_none() && answered_from_the_network(exchange) && !log.truncated {
                    record.in_one_source.push(residual(
                        exchange,
                        Residue::Cdp,
                        "the browser tells of an answer, and the log does not show the request as sent".to_owned(),
                    ));
                }
                take(exchange, request, &mut record.bodies);
            }
            None if log.truncated => exchange.sent = None,
            None => {
                if answered_from_the_network(exchange) {
                    record.in_one_source.push(residual(
                        exchange,
                        Residue::Cdp,
                        "the browser tells of an answer, and no connection carried the request"
                            .to_owned(),
                    ));
                }
                exchange.sent = Some(false);
            }
        }
    }
    for (index, request) in log.requests.iter().enumerate() {
        if told_by[index].is_some() || !is_worth_recording(request) {
            continue;
        }
        let original = request
            .again
            .and_then(|first| told_by[first])
            .map(|first| exchanges[first].clone());
        let id = format!("x{:04}", exchanges.len() + 1);
        let exchange = from_log(
            id,
            request,
            original.as_ref(),
            circumstances,
            &mut record.bodies,
        );
        if request.sent.is_some() {
            let note = match &original {
                Some(first) => format!("{} was sent again after it had come to nothing", first.id),
                None => why_only_in_log(request.origin).to_owned(),
            };
            record
                .in_one_source
                .push(residual(&exchange, Residue::NetLog, note));
        }
        exchanges.push(exchange);
    }
    record.sent = log
        .requests
        .iter()
        .filter(|request| request.sent.is_some())
        .count() as u64;
    record.recorded = exchanges
        .iter()
        .filter(|exchange| exchange.sent == Some(true))
        .count() as u64;
    judge(&mut record, exchanges, log, circumstances);
    record
}

fn judge(
    record: &mut AuditRecord,
    exchanges: &[Exchange],
    log: &NetLog,
    circumstances: &Circumstances,
) {
    let mut reasons = Vec::new();
    if log.truncated {
        reasons.push("the network log lacks its end: what was sent after it is known from the browser's messages alone".to_owned());
    }
    if !circumstances.unreadable.is_empty() {
        reasons.push(format!(
            "{} of the browser's messages could not be read",
            circumstances.unreadable.len()
        ));
    }
    for exchange in exchanges
        .iter()
        .filter(|exchange| exchange.sent == Some(true))
    {
        let unknown = match exchange.body_state {
            BodyState::Unavailable => true,
            // Without its end the log may have stopped before the body did.
            BodyState::Truncated => log.truncated,
            BodyState::None | BodyState::Complete => false,
        };
        if unknown {
            record.bodies.missing += 1;
            reasons.push(format!(
                "the body of {} ({} {}) is not known in full",
                exchange.id,
                exchange.method,
                shortened(&exchange.url)
            ));
        }
    }
    if log.unread > 0 {
        reasons.push(format!(
            "{} events of the network log could not be read",
            log.unread
        ));
    }
    let unproven = log
        .requests
        .iter()
        .filter(|request| request.sent.is_some() && !request.on_the_wire)
        .count();
    if unproven > 0 {
        reasons.push(format!(
            "{unproven} requests were handed to a connection whose bytes do not show them"
        ));
    }
    if circumstances.tabs_left > 0 {
        reasons.push(format!(
            "{} tabs did not close in time: what they say on leaving may be missing",
            circumstances.tabs_left
        ));
    }
    if log.stray > 0 {
        reasons.push(format!(
            "connections carried {} things that belong to no request in the log",
            log.stray
        ));
    }
    for residual in record
        .in_one_source
        .iter()
        .filter(|residual| residual.seen_by == Residue::Cdp)
    {
        reasons.push(format!(
            "{} ({} {}): {}",
            residual.exchange,
            residual.method,
            shortened(&residual.url),
            residual.note
        ));
    }
    record.verdict = if !reasons.is_empty() {
        AuditVerdict::Incomplete
    } else if record.in_one_source.is_empty() {
        AuditVerdict::Complete
    } else {
        AuditVerdict::CompleteWithListedResiduals
    };
    record.reasons = reasons;
}

/// The browser's own requests that were kept off the wire are nobody's business.
fn is_worth_recording(request: &NetLogRequest) -> bool {
    request.sent.is_some() || request.origin == Origin::Page && request.error.is_some()
}

fn why_only_in_log(origin: Origin) -> &'static str {
    match origin {
        Origin::Page => "CDP did not tell of it",
        Origin::Reporting => "reports are uploaded by the browser, and CDP does not tell of that",
        Origin::ServiceWorkerUpdate => {
            "CDP does not tell of looks for a new version of a service worker"
        }
        Origin::Browser => "the browser's own, not a page's",
    }
}

fn residual(exchange: &Exchange, seen_by: Residue, note: String) -> Residual {
    Residual {
        exchange: exchange.id.clone(),
        method: exchange.method.clone(),
        url: exchange.url.clone(),
        seen_by,
        origin: exchange.origin,
        note,
    }
}

/// `original` is the same request's first try, if this is another.
fn from_log(
    id: String,
    request: &NetLogRequest,
    original: Option<&Exchange>,
    circumstances: &Circumstances,
    bodies: &mut BodyAudit,
) -> Exchange {
    let mut exchange =
        Exchange::begun(id, &request.url, &request.method, circumstances.first_party);
    exchange.time = request.time;
    if let Some(time) = request.time {
        let begun = circumstances
            .steps
            .iter()
            .rev()
            .find(|(began, _)| *began <= time);
        exchange.step = begun.and_then(|(_, step)| *step);
    }
    if let Some(original) = original {
        exchange.step = original.step;
        exchange.resource_type.clone_from(&original.resource_type);
        exchange.target.clone_from(&original.target);
        exchange.target_type.clone_from(&original.target_type);
        exchange.frame.clone_from(&original.frame);
        exchange.initiator.clone_from(&original.initiator);
        exchange.document_url.clone_from(&original.document_url);
    }
    if !matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS") {
        exchange.body_state = BodyState::Unavailable;
    }
    take(&mut exchange, request, bodies);
    exchange
}

fn shortened(url: &str) -> &str {
    url.char_indices()
        .nth(100)
        .map_or(url, |(end, _)| &url[..end])
}

#[cfg(test)]
mod tests;
