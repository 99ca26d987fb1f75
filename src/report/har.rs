//! HAR 1.2 of a run, an entry an exchange, in order. What the format has no place for stands under `_pixelwitness`, and
//! what Chromium's own HARs have under `_resourceType` and `_initiator`.

use std::io::{self, Write};

use data_encoding::BASE64;
use serde_json::{Value, json};
use url::Url;

use crate::model::{Exchange, HarExtension, Moment, Outcome, RunRecord, WebSocketFrame};

/// Writes it entry by entry. `body` gives an exchange's request body.
///
/// # Errors
/// If it cannot be written.
pub fn render(
    record: &RunRecord,
    exchanges: &[Exchange],
    body: &dyn Fn(&Exchange) -> Option<Vec<u8>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let started = record.started;
    let page = json!({
        "id": "page_1",
        "title": record.scenario.title,
        "startedDateTime": started,
        "pageTimings": {},
    });
    let creator = json!({ "name": record.tool.name, "version": record.tool.version });
    writeln!(
        out,
        "{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"pages\":[{page}],\"entries\":["
    )?;
    let mut last = started;
    for (index, exchange) in exchanges.iter().enumerate() {
        last = exchange.time.unwrap_or(last);
        let comma = if index + 1 < exchanges.len() { "," } else { "" };
        let entry = entry(exchange, body(exchange).as_deref(), last);
        writeln!(out, "{entry}{comma}")?;
    }
    writeln!(out, "]}}}}")
}

fn entry(exchange: &Exchange, body: Option<&[u8]>, time: Moment) -> Value {
    // Until the answer's head had come: how long sending and receiving took by themselves was not measured.
    let wait = match (exchange.time, exchange.answered) {
        (Some(asked), Some(answered)) => (answered.millis() - asked.millis()).max(0),
        _ => 0,
    };
    let mut entry = json!({
        "pageref": "page_1",
        "startedDateTime": time,
        "time": wait,
        "request": request(exchange, body),
        "response": response(exchange),
        "cache": {},
        "timings": { "send": 0, "wait": wait, "receive": 0, "comment": "send and receive were not measured" },
        "_resourceType": exchange.resource_type,
        "_initiator": exchange.initiator,
        "_pixelwitness": HarExtension::of(exchange),
    });
    if !exchange.frames.is_empty() {
        entry["_webSocketMessages"] = exchange.frames.iter().map(message).collect();
    }
    if let Some(remote) = &exchange.remote {
        entry["serverIPAddress"] = remote.ip.clone().into();
        entry["connection"] = remote.port.to_string().into();
    }
    entry
}

/// Text as it is, anything else in Base64.
fn message(frame: &WebSocketFrame) -> Value {
    let payload = BASE64.decode(frame.payload_base64.as_bytes());
    let text = payload
        .ok()
        .and_then(|payload| String::from_utf8(payload).ok());
    let (opcode, data) = match (frame.opcode, text) {
        (1, Some(text)) => (1, text),
        // Text that is none cannot stand in JSON as it is.
        (opcode, _) => (opcode.max(2), frame.payload_base64.clone()),
    };
    json!({
        "type": if frame.direction == "sent" { "send" } else { "receive" },
        "time": frame.time.map(|time| time.millis() as f64 / 1000.0),
        "opcode": opcode,
        "data": data,
    })
}

fn request(exchange: &Exchange, body: Option<&[u8]>) -> Value {
    let query: Vec<Value> = Url::parse(&exchange.url)
        .map(|url| {
            url.query_pairs()
                .map(|(name, value)| json!({ "name": name, "value": value }))
                .collect()
        })
        .unwrap_or_default();
    let sent = exchange.cookies.iter().filter(|cookie| cookie.sent);
    let cookies: Vec<Value> = sent
        .map(|cookie| json!({ "name": cookie.name, "value": cookie.value }))
        .collect();
    let mut request = json!({
        "method": exchange.method,
        "url": exchange.url,
        "httpVersion": "",
        "cookies": cookies,
        "headers": headers(&exchange.request_headers),
        "queryString": query,
        "headersSize": -1,
        "bodySize": exchange.body_size.map_or(Value::from(-1), Value::from),
    });
    if let Some(body) = body {
        let mime_type = exchange.request_header("content-type").unwrap_or_default();
        request["postData"] = match std::str::from_utf8(body) {
            Ok(text) => json!({ "mimeType": mime_type, "text": text }),
            Err(_) => json!({
                "mimeType": mime_type,
                "text": BASE64.encode(body),
                "encoding": "base64",
            }),
        };
    }
    request
}

fn response(exchange: &Exchange) -> Value {
    let header = |wanted: &str| exchange.response_header(wanted).unwrap_or_default();
    let size = exchange.response_body.as_ref().map(|body| body.size);
    // What was contained was answered by ourselves: the server gave no status.
    let status = match exchange.outcome {
        Outcome::Contained => 0,
        _ => exchange.status.unwrap_or(0),
    };
    json!({
        "status": status,
        "statusText": "",
        "httpVersion": "",
        "cookies": [],
        "headers": headers(&exchange.response_headers),
        "content": { "size": size.map_or(Value::from(-1), Value::from), "mimeType": header("content-type") },
        "redirectURL": header("location"),
        "headersSize": -1,
        "bodySize": -1,
    })
}

fn headers(headers: &[(String, String)]) -> Vec<Value> {
    headers
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect()
}
