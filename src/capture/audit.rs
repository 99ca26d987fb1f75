//! Holds what was recorded against the network log, and settles with it what was really sent. Pure.

use std::collections::HashMap;

use data_encoding::BASE64;

use super::assembler::CANCELLED;
use super::netlog::{KeptBody, NetLog, NetLogBody, NetLogRequest};
use crate::model::{
    AuditRecord, AuditVerdict, BodyAudit, BodyState, Cookie, Exchange, Moment, Origin, Outcome,
    Residual, Residue, ResponseBody, Source, WebSocketFrame,
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
            Some(request) => {
                told_by[*request] = Some(index);
                record.matched += u64::from(log.requests[*request].sent.is_some());
                take(exchange, &log.requests[*request], &mut record.bodies);
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
        if matches!(
            exchange.body_state,
            BodyState::Unavailable | BodyState::Truncated
        ) {
            record.bodies.missing += 1;
            reasons.push(format!(
                "the body of {} ({} {}) is not known in full",
                exchange.id,
                exchange.method,
                shortened(&exchange.url)
            ));
        }
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
    if record.recorded < record.sent {
        reasons.push(format!(
            "{} requests were sent and {} are recorded",
            record.sent, record.recorded
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

/// Which of the log's requests each exchange is. Those of the same method and URL are told apart by their bodies,
/// else by their order.
fn pair(exchanges: &[Exchange], log: &NetLog) -> Vec<Option<usize>> {
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
    // First those that are known to have gone through the network stack; then those that should not have, against
    // what is left: one that slipped through is found, and takes no other's place.
    type Fits<'a> = &'a dyn Fn(&Exchange, usize) -> bool;
    let rounds: [(bool, Fits); 5] = [
        (false, &|exchange, index| {
            was_sent(index) && same_body(exchange, &log.requests[index])
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

fn answered_from_the_network(exchange: &Exchange) -> bool {
    !is_doubtful(exchange) && exchange.outcome == Outcome::Completed && exchange.status.is_some()
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

fn take(exchange: &mut Exchange, request: &NetLogRequest, bodies: &mut BodyAudit) {
    exchange.saw(Source::NetLog);
    exchange.origin = request.origin;
    exchange.sent = Some(request.sent.is_some());
    if let Some(headers) = &request.sent {
        exchange.request_headers.clone_from(headers);
        exchange.facts.request_headers = Some(Source::NetLog);
        settle_cookies(exchange);
        settle_body(exchange, &request.body, request.on_the_wire, bodies);
        settle_messages(exchange, request);
    }
    if request.remote.is_some() {
        exchange.remote.clone_from(&request.remote);
    }
    if exchange.status.is_none() && request.status.is_some() {
        exchange.status = request.status;
        exchange
            .response_headers
            .clone_from(&request.response_headers);
        exchange.facts.response = Some(Source::NetLog);
    }
    exchange.response_body = request.response_body.as_ref().map(|body| ResponseBody {
        sha256: body.sha256.clone(),
        size: body.size,
        path: path_of(body),
    });
    // Whoever asked is gone, or listens no more: the request was answered all the same.
    let given_up = exchange.outcome == Outcome::Failed
        && matches!(
            exchange.error.as_deref(),
            Some("net::ERR_ABORTED" | CANCELLED)
        );
    if given_up && request.status.is_some() {
        exchange.outcome = Outcome::Completed;
        exchange.error = None;
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

fn path_of(body: &KeptBody) -> String {
    format!("data/bodies/{}", body.sha256)
}

/// The bytes on the connection are the body that was sent, whatever CDP made of it.
fn settle_body(
    exchange: &mut Exchange,
    sent: &NetLogBody,
    on_the_wire: bool,
    bodies: &mut BodyAudit,
) {
    let complete = exchange.body_state == BodyState::Complete;
    let (body, state) = match sent {
        NetLogBody::Whole(body) => {
            if complete {
                bodies.compared += 1;
                if exchange.body_sha256.as_ref() == Some(&body.sha256) {
                    bodies.equal += 1;
                    return;
                }
            } else {
                bodies.from_log += 1;
            }
            (body, BodyState::Complete)
        }
        NetLogBody::Cut(body) if !complete => (body, BodyState::Truncated),
        NetLogBody::None if !complete && on_the_wire => {
            exchange.body_state = BodyState::None;
            return;
        }
        _ => return,
    };
    exchange.body_state = state;
    exchange.body_sha256 = Some(body.sha256.clone());
    exchange.body_size = Some(body.size);
    exchange.body_path = Some(path_of(body));
    exchange.facts.body = Some(Source::NetLog);
}

/// CDP leaves out the payload of a message that was a Blob: the connection's bytes have it.
fn settle_messages(exchange: &mut Exchange, request: &NetLogRequest) {
    let sent: Vec<(u8, String)> = request
        .messages
        .iter()
        .filter(|message| message.opcode < 8)
        .map(|message| (message.opcode, BASE64.encode(&message.payload)))
        .collect();
    let told = exchange
        .frames
        .iter()
        .filter(|frame| frame.direction == "sent" && frame.opcode < 8)
        .map(|frame| (frame.opcode, frame.payload_base64.clone()));
    if told.eq(sent.iter().cloned()) {
        return;
    }
    exchange.frames.retain(|frame| frame.direction != "sent");
    for ((opcode, payload_base64), message) in sent
        .into_iter()
        .zip(request.messages.iter().filter(|message| message.opcode < 8))
    {
        exchange.frames.push(WebSocketFrame {
            direction: "sent".to_owned(),
            opcode,
            payload_base64,
            time: message.time,
        });
    }
    exchange.frames.sort_by_key(|frame| frame.time);
    exchange.facts.frames = Some(Source::NetLog);
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
    exchange.facts.cookies = Some(Source::NetLog);
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
mod tests {
    use super::*;

    const CIRCUMSTANCES: Circumstances = Circumstances {
        first_party: "police.example",
        steps: &[],
        unreadable: &[],
    };

    fn request(url: &str, method: &str, cookie: Option<&str>) -> NetLogRequest {
        NetLogRequest {
            url: url.into(),
            method: method.into(),
            origin: Origin::Page,
            time: Some(Moment::from_millis(1000)),
            sent: cookie.map(|cookie| vec![("cookie".into(), cookie.into())].into()),
            on_the_wire: cookie.is_some(),
            body: NetLogBody::None,
            messages: Vec::new(),
            status: cookie.map(|_| 200),
            response_headers: Vec::new().into(),
            response_body: None,
            error: None,
            remote: None,
            again: None,
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
        let record = audit(&mut exchanges, &log, &CIRCUMSTANCES);
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
        assert_eq!(exchanges[3].body_state, BodyState::None);
        assert_eq!((record.sent, record.recorded, record.matched), (2, 2, 1));
        assert_eq!(record.in_one_source.len(), 1);
        assert_eq!(record.in_one_source[0].exchange, "x0004");
        assert_eq!(record.in_one_source[0].seen_by, Residue::NetLog);
        assert_eq!(record.verdict, AuditVerdict::CompleteWithListedResiduals);
    }

    #[test]
    fn an_answer_from_the_network_that_no_connection_carried_is_listed() {
        let mut exchanges = vec![exchange("x0001", "https://a.example/", Outcome::Completed)];
        exchanges[0].status = Some(200);
        let record = audit(&mut exchanges, &NetLog::default(), &CIRCUMSTANCES);
        assert_eq!(record.verdict, AuditVerdict::Incomplete);
        assert_eq!(record.in_one_source[0].seen_by, Residue::Cdp);
        assert!(record.reasons[0].contains("x0001"), "{:?}", record.reasons);
        assert_eq!(exchanges[0].sent, Some(false));
    }

    #[test]
    fn bodies_are_the_logs_and_tell_requests_to_one_url_apart() {
        let url = "https://www.facebook.com/tr/";
        let kept = |sha256: &str| KeptBody {
            sha256: sha256.into(),
            size: 1,
        };
        let mut log = NetLog {
            requests: ["aa", "bb", "cc"]
                .map(|sha256| NetLogRequest {
                    body: NetLogBody::Whole(kept(sha256)),
                    ..request(url, "POST", Some(&format!("of={sha256}")))
                })
                .into(),
            ..NetLog::default()
        };
        log.requests.push(NetLogRequest {
            body: NetLogBody::Cut(kept("dd")),
            again: Some(2),
            ..request(url, "POST", Some("of=cc"))
        });
        let posted = |id: &str, sha256: Option<&str>| {
            let mut exchange = exchange(id, url, Outcome::Completed);
            exchange.method = "POST".into();
            exchange.body_state = if sha256.is_some() {
                BodyState::Complete
            } else {
                BodyState::Unavailable
            };
            exchange.body_sha256 = sha256.map(str::to_owned);
            exchange
        };
        // Told in another order; of one the body is not known, and of one it is known wrongly.
        let mut exchanges = vec![
            posted("x0001", Some("bb")),
            posted("x0002", None),
            posted("x0003", Some("wrong")),
        ];
        exchanges[2].step = Some(7);
        let record = audit(&mut exchanges, &log, &CIRCUMSTANCES);
        let found: Vec<_> = exchanges
            .iter()
            .map(|x| {
                (
                    x.body_sha256.as_deref().unwrap(),
                    x.cookies[0].value.as_str(),
                    x.body_state,
                )
            })
            .collect();
        let complete = BodyState::Complete;
        assert_eq!(
            found,
            [
                ("bb", "bb", complete),
                ("aa", "aa", complete),
                ("cc", "cc", complete),
                ("dd", "cc", BodyState::Truncated)
            ]
        );
        assert_eq!(exchanges[3].step, Some(7), "sent again: of the same step");
        let bodies = &record.bodies;
        assert_eq!(
            (
                bodies.compared,
                bodies.equal,
                bodies.from_log,
                bodies.missing
            ),
            (2, 1, 1, 1)
        );
        assert_eq!(record.verdict, AuditVerdict::Incomplete, "a body was cut");
    }

    #[test]
    fn a_request_that_cdp_lost_has_the_step_of_its_time() {
        let at = Moment::from_millis;
        let steps = [(at(500), Some(1)), (at(900), Some(2)), (at(1500), None)];
        let log = NetLog {
            requests: vec![request(
                "https://www.facebook.com/tr/?lost",
                "GET",
                Some("c_user=1"),
            )],
            ..NetLog::default()
        };
        let mut exchanges = Vec::new();
        let circumstances = Circumstances {
            steps: &steps,
            ..CIRCUMSTANCES
        };
        let record = audit(&mut exchanges, &log, &circumstances);
        assert_eq!(record.verdict, AuditVerdict::CompleteWithListedResiduals);
        assert_eq!(
            record.in_one_source[0].url,
            "https://www.facebook.com/tr/?lost"
        );
        assert_eq!(exchanges[0].step, Some(2));
        assert_eq!(exchanges[0].recipient.as_deref(), Some("Meta"));
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
        let record = audit(&mut exchanges, &log, &CIRCUMSTANCES);
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
        audit(&mut exchanges, &log, &CIRCUMSTANCES);
        assert_eq!(exchanges[0].sent, None);
    }
}
