//! What the log knows better than CDP, put into an exchange.

use data_encoding::BASE64;

use crate::capture::assembler::CANCELLED;
use crate::capture::netlog::{KeptBody, NetLogBody, NetLogRequest};
use crate::model::{
    BodyAudit, BodyState, Cookie, Exchange, Outcome, ResponseBody, Source, WebSocketFrame,
};

pub(super) fn take(exchange: &mut Exchange, request: &NetLogRequest, bodies: &mut BodyAudit) {
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
    exchange.answered = request.answered;
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
        // What a page meant to send, and how much of it was sent, are two things.
        NetLogBody::Cut(body) => {
            bodies.cut += 1;
            (body, BodyState::Truncated)
        }
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
