//! Which request of the log is which exchange.

use std::collections::HashMap;

use crate::capture::netlog::{NetLog, NetLogBody, NetLogRequest};
use crate::model::{BodyState, Exchange, Outcome};

/// Which of the log's requests each exchange is. Those of the same method and URL are told apart by their bodies,
/// else by their order.
pub(super) fn pair(exchanges: &[Exchange], log: &NetLog) -> Vec<Option<usize>> {
    let mut groups: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for (index, request) in log.requests.iter().enumerate() {
        // What was sent again is told of once on the other side: by its first try.
        if request.again.is_none() {
            groups
                .entry((&request.method, &request.url))
                .or_default()
                .push(index);
        }
    }
    let mut pairs = vec![None; exchanges.len()];
    let was_sent = |index: usize| log.requests[index].sent.is_some();
    let same_body = |exchange: &Exchange, index: usize| same_body(exchange, &log.requests[index]);
    let answered = |exchange: &Exchange| exchange.status.is_some();
    let failed =
        |exchange: &Exchange| exchange.status.is_none() && exchange.outcome == Outcome::Failed;
    // First those that are known to have gone through the network stack; then those that should not have, against
    // what is left: one that slipped through is found, and takes no other's place.
    type Fits<'a> = &'a dyn Fn(&Exchange, usize) -> bool;
    let rounds: [(bool, Fits); 9] = [
        // What was answered was sent, and what failed came to nothing there too: neither takes the other's place.
        (false, &|exchange, index| {
            let request = &log.requests[index];
            answered(exchange)
                && was_sent(index)
                && exchange.status == request.status
                && same_body(exchange, index)
        }),
        (false, &|exchange, index| {
            answered(exchange) && was_sent(index) && same_body(exchange, index)
        }),
        (false, &|exchange, index| {
            failed(exchange) && log.requests[index].status.is_none() && same_body(exchange, index)
        }),
        (false, &|exchange, index| {
            !failed(exchange) && was_sent(index) && same_body(exchange, index)
        }),
        (false, &|exchange, index| {
            was_sent(index) && same_body(exchange, index)
        }),
        (false, &|_, index| was_sent(index)),
        (false, &|_, _| true),
        (true, &|_, index| !was_sent(index)),
        (true, &|_, _| true),
    ];
    for (doubtful, fits) in rounds {
        for (exchange, pair) in exchanges.iter().zip(&mut pairs) {
            if pair.is_some() || is_doubtful(exchange) != doubtful {
                continue;
            }
            let Some(same) = groups.get_mut(&(exchange.method.as_str(), exchange.url.as_str()))
            else {
                continue;
            };
            if let Some(at) = same.iter().position(|&index| fits(exchange, index)) {
                *pair = Some(same.remove(at));
            }
        }
    }
    pairs
}

fn same_body(exchange: &Exchange, request: &NetLogRequest) -> bool {
    match &request.body {
        NetLogBody::Whole(body) => exchange.body_sha256.as_ref() == Some(&body.sha256),
        NetLogBody::Cut(_) => false,
        NetLogBody::None => exchange.body_state == BodyState::None,
    }
}

/// Contained, blocked, or answered from a cache: by all that CDP tells it did not reach the network.
fn is_doubtful(exchange: &Exchange) -> bool {
    matches!(exchange.outcome, Outcome::Contained | Outcome::Blocked)
        || exchange.sent == Some(false)
}

/// Whether CDP tells of an answer that came over a connection. A redirect of the browser's own making (to `https`, by a
/// site's HSTS policy) says so in a header.
pub(super) fn answered_from_the_network(exchange: &Exchange) -> bool {
    let by_the_browser = exchange
        .response_headers
        .iter()
        .any(|(name, _)| name == "non-authoritative-reason");
    !is_doubtful(exchange)
        && exchange.outcome == Outcome::Completed
        && exchange.status.is_some()
        && !by_the_browser
}
