//! Settles with the network log what was really sent. Pure.

use std::collections::{HashMap, VecDeque};

use crate::model::{BodyState, Cookie, Exchange, NetLogRecord, Outcome, Source};

use super::netlog::{NetLog, NetLogRequest};

/// Fills in `sent`, the cookies and headers really sent, and answers that no other source told; appends what only the
/// log saw. The exchanges and the log's requests of the same method and URL are paired in order.
pub fn reconcile(exchanges: &mut Vec<Exchange>, log: &NetLog, first_party: &str) -> NetLogRecord {
    let mut by_request: HashMap<String, VecDeque<usize>> = HashMap::new();
    for (index, request) in log.requests.iter().enumerate() {
        by_request
            .entry(key(&request.method, &request.url))
            .or_default()
            .push_back(index);
    }
    let mut sent = 0;
    // First those that are known to have gone through the network stack; then those that should not have, against
    // what is left: one that slipped through is found, and takes no other's place.
    for doubtful in [false, true] {
        for exchange in exchanges
            .iter_mut()
            .filter(|exchange| is_doubtful(exchange) == doubtful)
        {
            let same = by_request.get_mut(&key(&exchange.method, &exchange.url));
            match same.and_then(VecDeque::pop_front) {
                Some(index) => {
                    let request = &log.requests[index];
                    take(exchange, request);
                    sent += u64::from(request.sent.is_some());
                }
                // A WebSocket's address in the log is the one it is reached by.
                None if exchange.url.starts_with("ws") => exchange.sent = None,
                None if log.truncated => exchange.sent = None,
                None => exchange.sent = Some(false),
            }
        }
    }
    let matched = sent;
    let mut left: Vec<usize> = by_request.into_values().flatten().collect();
    left.sort_unstable();
    let mut only_in_log = Vec::new();
    for request in left.into_iter().map(|index| &log.requests[index]) {
        if request.sent.is_none() {
            continue;
        }
        only_in_log.push(format!("{} {}", request.method, request.url));
        sent += 1;
        let id = format!("x{:04}", exchanges.len() + 1);
        exchanges.push(from_log(id, request, first_party));
    }
    NetLogRecord {
        available: true,
        truncated: log.truncated,
        sent,
        matched,
        only_in_log,
        addresses: log.addresses.iter().cloned().collect(),
    }
}

fn key(method: &str, url: &str) -> String {
    format!("{method} {url}")
}

/// Contained, blocked, or answered from a cache: by all that CDP tells it did not reach the network.
fn is_doubtful(exchange: &Exchange) -> bool {
    matches!(exchange.outcome, Outcome::Contained | Outcome::Blocked)
        || exchange.sent == Some(false)
}

fn take(exchange: &mut Exchange, request: &NetLogRequest) {
    exchange.saw(Source::NetLog);
    exchange.sent = Some(request.sent.is_some());
    if let Some(headers) = &request.sent {
        exchange.request_headers.clone_from(headers);
        settle_cookies(exchange);
    }
    if exchange.status.is_none() {
        exchange.status = request.status;
        exchange
            .response_headers
            .clone_from(&request.response_headers);
    }
    if exchange.outcome == Outcome::Pending {
        if request.status.is_some() {
            exchange.outcome = Outcome::Completed;
        } else if let Some(error) = request.error {
            exchange.outcome = Outcome::Failed;
            exchange.error = Some(format!("net error {error}"));
        }
    }
}

/// The Cookie header that was put on the connection decides which cookies were sent.
fn settle_cookies(exchange: &mut Exchange) {
    let sent: Vec<(String, String)> = exchange
        .request_headers
        .iter()
        .filter(|(name, _)| name == "cookie")
        .flat_map(|(_, value)| value.split("; "))
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) => (name.to_owned(), value.to_owned()),
            // A cookie without a name is sent as its value alone.
            None => (String::new(), pair.to_owned()),
        })
        .collect();
    for cookie in &mut exchange.cookies {
        let was_sent = sent
            .iter()
            .any(|(name, value)| *name == cookie.name && *value == cookie.value);
        cookie.sent = was_sent;
        if was_sent {
            cookie.withheld = None;
        }
    }
    for (name, value) in sent {
        let known = exchange
            .cookies
            .iter()
            .any(|cookie| cookie.name == name && cookie.value == value);
        if !known {
            exchange.cookies.push(Cookie {
                name,
                value,
                sent: true,
                withheld: None,
            });
        }
    }
}

fn from_log(id: String, request: &NetLogRequest, first_party: &str) -> Exchange {
    let mut exchange = Exchange::begun(id, &request.url, &request.method, first_party);
    if !matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS") {
        exchange.body_state = BodyState::Unavailable;
    }
    take(&mut exchange, request);
    exchange
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(url: &str, method: &str, cookie: Option<&str>) -> NetLogRequest {
        NetLogRequest {
            url: url.into(),
            method: method.into(),
            sent: cookie.map(|cookie| vec![("cookie".into(), cookie.into())]),
            status: cookie.map(|_| 200),
            response_headers: Vec::new(),
            error: None,
        }
    }

    fn exchange(id: &str, url: &str, outcome: Outcome) -> Exchange {
        let mut exchange = Exchange::begun(id.into(), url, "GET", "police.example");
        exchange.outcome = outcome;
        exchange
    }

    #[test]
    fn the_log_decides_what_was_sent_and_with_which_cookies() {
        let url = "https://www.facebook.com/tr/?a";
        let mut exchanges = vec![
            exchange("x0001", url, Outcome::Contained),
            exchange("x0002", url, Outcome::Pending),
            exchange("x0003", "https://a.example/cached", Outcome::Completed),
        ];
        exchanges[1].cookies = vec![Cookie {
            name: "c_user".into(),
            value: "1".into(),
            sent: true,
            withheld: None,
        }];
        let log = NetLog {
            requests: vec![
                request(url, "GET", Some("fr=2")),
                request("https://a.example/cached", "GET", None),
                request("https://nel.example/upload", "POST", Some("")),
            ],
            ..NetLog::default()
        };
        let record = reconcile(&mut exchanges, &log, "police.example");
        assert_eq!(
            exchanges[0].sent,
            Some(false),
            "contained: it takes no other's place"
        );
        assert_eq!(
            (exchanges[1].sent, exchanges[1].outcome),
            (Some(true), Outcome::Completed)
        );
        let cookies: Vec<_> = exchanges[1]
            .cookies
            .iter()
            .map(|c| (c.name.as_str(), c.sent))
            .collect();
        assert_eq!(cookies, [("c_user", false), ("fr", true)]);
        assert_eq!(exchanges[2].sent, Some(false));
        assert_eq!(exchanges.len(), 4, "what only the log saw is kept");
        assert_eq!(exchanges[3].sources, [Source::NetLog]);
        assert_eq!(exchanges[3].body_state, BodyState::Unavailable);
        assert_eq!((record.sent, record.matched), (2, 1));
        assert_eq!(record.only_in_log, ["POST https://nel.example/upload"]);
    }

    #[test]
    fn a_contained_request_that_slipped_through_is_found() {
        let url = "https://www.police.example/submit";
        let mut exchanges = vec![exchange("x0001", url, Outcome::Contained)];
        exchanges[0].method = "POST".into();
        let log = NetLog {
            requests: vec![request(url, "POST", Some(""))],
            ..NetLog::default()
        };
        let record = reconcile(&mut exchanges, &log, "police.example");
        assert_eq!(exchanges.len(), 1);
        assert_eq!(
            (exchanges[0].sent, exchanges[0].outcome),
            (Some(true), Outcome::Contained)
        );
        assert_eq!(record.matched, 1);
    }

    #[test]
    fn a_log_that_was_cut_off_proves_nothing_about_what_it_lacks() {
        let mut exchanges = vec![exchange("x0001", "https://a.example/", Outcome::Completed)];
        let log = NetLog {
            truncated: true,
            ..NetLog::default()
        };
        reconcile(&mut exchanges, &log, "police.example");
        assert_eq!(exchanges[0].sent, None);
    }
}
