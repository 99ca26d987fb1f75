//! What the records of all vendors have in common.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::json;
use super::parameters::Parameters;
use crate::model::{
    BodyState, Confidence, EventClass, EventKind, Exchange, IdentitySignal, Place, Strength,
    TrackerEvent, Transport,
};

/// A record that says where a request stood, and nothing yet of what it told.
pub(super) fn begun(
    exchange: &Exchange,
    vendor: &'static str,
    recipient: &'static str,
) -> TrackerEvent {
    TrackerEvent {
        id: String::new(),
        vendor: vendor.into(),
        recipient: recipient.into(),
        kind: EventKind::Event,
        confidence: Confidence::Certain,
        confidence_reason: Cow::Borrowed(""),
        transport: Transport::Unknown,
        method: exchange.method.clone(),
        url: exchange.url.clone(),
        pixel_id: None,
        event_name: None,
        event_class: None,
        event_id: None,
        page_url: None,
        referrer: None,
        fbp: None,
        fbc: None,
        user_data: Vec::new(),
        custom_data: Map::new(),
        identity: Vec::new(),
        parameters: Vec::new(),
        time: exchange.time,
        outcome: exchange.outcome,
        exchange: exchange.id.clone(),
        step: exchange.step,
        frame: exchange.frame.clone(),
        initiator: initiator(exchange),
        duplicate_of: None,
        problems: Vec::new(),
    }
}

/// A record of a request that could not be read: better than silence. `exchange` is the id that it would have had.
pub fn unreadable(exchange: String, problem: String) -> TrackerEvent {
    let exchange = Exchange::begun(exchange, "", "", "");
    TrackerEvent {
        kind: EventKind::Unknown,
        confidence: Confidence::Low,
        confidence_reason: "it could not be read".into(),
        problems: vec![problem],
        ..begun(&exchange, "", "")
    }
}

/// Says so where a body could not be had, or not all of it.
pub(super) fn note_missing_body(
    parameters: &mut Parameters,
    exchange: &Exchange,
    body: Option<&[u8]>,
) {
    match (body, exchange.body_state) {
        (None, BodyState::Unavailable) => {
            parameters.problem("the request had a body that could not be had");
        }
        (_, BodyState::Truncated) => parameters.problem("the request's body is cut off"),
        _ => {}
    }
}

/// Events of one request that are told apart; Google's own limit is 25.
const MOST_EVENTS: usize = 100;
/// Bytes that shared parameters may come to in all of a request's records together.
const MOST_SHARED: usize = 16 << 20;

/// How many events of one request are told apart: each has the shared parameters, which must not multiply without bound.
pub(super) fn most_events(shared: &Parameters) -> usize {
    (MOST_SHARED / shared.bytes().max(1)).clamp(1, MOST_EVENTS)
}

/// The events in a JSON body: the elements of an array, or the one that it is. `event` makes a record of one, or of
/// nothing where the body is not JSON. What is not taken apart is kept, unread, in the last record, and said there.
pub(super) fn json_events(
    shared: &Parameters,
    body: &[u8],
    event: &mut dyn FnMut(Parameters, Option<&Value>) -> TrackerEvent,
) -> Vec<TrackerEvent> {
    let parsed = match json::parse(body) {
        Ok(parsed) => parsed,
        Err(error) => {
            let mut parameters = shared.clone();
            parameters.problem(format!("the body is not JSON: {error}"));
            parameters.keep_unread(body, Place::Json);
            return vec![event(parameters, None)];
        }
    };
    let mut parts = match parsed.value {
        Value::Array(parts) if !parts.is_empty() => parts,
        value => vec![value],
    };
    let most = most_events(shared);
    let is_more = !parsed.whole || parts.len() > most;
    parts.truncate(most);
    let last = parts.len() - 1;
    parts
        .iter()
        .enumerate()
        .map(|(index, part)| {
            let mut parameters = shared.clone();
            parameters.take_json(part);
            if is_more && index == last {
                parameters
                    .problem("the body says more than is taken apart: it is kept whole, unread");
                parameters.keep_unread(body, Place::Json);
            }
            event(parameters, Some(part))
        })
        .collect()
}

/// Cookies that were sent, of those that say whose browser it is. Session secrets are nobody's business.
pub(super) fn cookie_signals(
    exchange: &Exchange,
    known: &[(&str, Strength)],
    secrets: &[&str],
) -> Vec<IdentitySignal> {
    known
        .iter()
        .filter_map(|(name, strength)| {
            let cookie = exchange
                .cookies
                .iter()
                .find(|cookie| cookie.name == *name && cookie.sent)?;
            let value = if secrets.contains(name) {
                "[redacted]".to_owned()
            } else {
                cookie.value.clone()
            };
            Some(IdentitySignal {
                signal: format!("cookie:{name}"),
                value,
                strength: *strength,
            })
        })
        .collect()
}

/// Signals of those values that are there.
pub(super) fn signals<const N: usize>(
    values: [(&str, Option<String>, Strength); N],
) -> impl Iterator<Item = IdentitySignal> {
    values.into_iter().filter_map(|(signal, value, strength)| {
        Some(IdentitySignal {
            signal: signal.to_owned(),
            value: value?,
            strength,
        })
    })
}

/// By a vendor's lists of events.
pub(super) fn class(name: &str, automatic: &[&str], standard: &[&str]) -> EventClass {
    if automatic.contains(&name) {
        EventClass::Automatic
    } else if standard.contains(&name) {
        EventClass::Standard
    } else {
        EventClass::Custom
    }
}

/// How it was sent, as far as the browser's resource type tells; a GET that is none of these is an image's.
pub(super) fn transport_of(exchange: &Exchange) -> Transport {
    match (exchange.method.as_str(), exchange.resource_type.as_str()) {
        (_, "fetch") => Transport::Fetch,
        (_, "xhr") => Transport::Xhr,
        ("GET", _) => Transport::Get,
        ("POST", "document") => Transport::FormPost,
        ("POST", "ping" | "beacon") => Transport::Beacon,
        _ => Transport::Unknown,
    }
}

/// JSON where the value is valid JSON (and of a size that a page may have), the string otherwise. A number that JSON cannot hold exactly stays a string.
pub(super) fn value_of(text: &str) -> Value {
    // Most values are words, and need no parser to say so.
    let may_be_json = text.bytes().next().is_some_and(|first| {
        matches!(
            first,
            b'{' | b'[' | b'"' | b'-' | b'0'
                ..=b'9' | b't' | b'f' | b'n' | b' ' | b'\t' | b'\n' | b'\r'
        )
    });
    if !may_be_json {
        return text.into();
    }
    match json::parse(text.as_bytes()).map(|parsed| (parsed.value, parsed.whole)) {
        Ok((Value::Number(number), _)) if number.to_string() != text => text.into(),
        Ok((value, true)) => value,
        Ok((_, false)) | Err(_) => text.into(),
    }
}

/// Adds a value under a key; a repeated key becomes an array, in order.
#[derive(Debug, Default)]
pub(super) struct CustomData {
    data: Map<String, Value>,
    repeated: std::collections::HashSet<String>,
}

impl CustomData {
    pub fn add(&mut self, key: &str, value: Value) {
        match self.data.get_mut(key) {
            None => {
                self.data.insert(key.to_owned(), value);
            }
            Some(Value::Array(values)) if self.repeated.contains(key) => values.push(value),
            Some(first) => {
                self.repeated.insert(key.to_owned());
                *first = Value::Array(vec![first.take(), value]);
            }
        }
    }

    pub fn into_map(self) -> Map<String, Value> {
        self.data
    }
}

/// The script on top of the stack, else the document that CDP names.
fn initiator(exchange: &Exchange) -> Option<String> {
    let initiator = exchange.initiator.value();
    let frames = initiator
        .pointer("/stack/callFrames")
        .and_then(Value::as_array);
    let script = frames.and_then(|frames| {
        frames
            .iter()
            .filter_map(|frame| frame.get("url")?.as_str())
            .find(|url| !url.is_empty())
    });
    script
        .or_else(|| initiator.get("url")?.as_str())
        .or_else(|| initiator.get("type")?.as_str())
        .map(str::to_owned)
}
