//! Meta Pixel: what a page told Meta, by whichever way it was sent.
//!
//! Facts are from the pixel library (fbevents 2.9.324), real `signals/config` answers and captured traffic.

mod meaning;
mod user_data;

use serde_json::{Map, Value};
use url::Url;

use crate::model::{
    BodyState, EventClass, EventKind, Exchange, IdentitySignal, Parameter, Place, Strength,
    TrackerEvent, Transport, recipient,
};

use self::meaning::meaning;
use self::user_data::{identity_of, user_datum};
use super::Decoder;
use super::parameters::Parameters;

/// Meta's list of standard events.
const STANDARD: [&str; 18] = [
    "AddPaymentInfo",
    "AddToCart",
    "AddToWishlist",
    "CompleteRegistration",
    "Contact",
    "CustomizeProduct",
    "Donate",
    "FindLocation",
    "InitiateCheckout",
    "Lead",
    "PageView",
    "Purchase",
    "Schedule",
    "Search",
    "StartTrial",
    "SubmitApplication",
    "Subscribe",
    "ViewContent",
];

/// Events that the library sends without being told to.
const AUTOMATIC: [&str; 3] = ["SubscribedButtonClick", "Microdata", "InputData"];

/// Cookies of `.facebook.com` that say whose browser it is.
const COOKIES: [(&str, Strength); 5] = [
    ("c_user", Strength::Account),
    ("xs", Strength::Account),
    ("fr", Strength::Browser),
    ("datr", Strength::Browser),
    ("sb", Strength::Browser),
];

pub struct MetaPixel;

impl Decoder for MetaPixel {
    fn vendor(&self) -> &'static str {
        "meta_pixel"
    }

    fn decode(&self, exchange: &Exchange, body: Option<&[u8]>) -> Option<TrackerEvent> {
        if exchange.method == "OPTIONS" {
            return None;
        }
        let url = Url::parse(&exchange.url).ok()?;
        let (kind, id_in_path) = recognise(&url)?;
        let mut parameters = Parameters::default();
        if let Some(id) = &id_in_path {
            parameters.list.push(Parameter {
                key: "id".into(),
                value: id.clone(),
                place: Place::Path,
                meaning: None,
            });
        }
        // The raw query: the parser would re-encode it.
        if let Some((_, query)) = exchange.url.split_once('?') {
            parameters.take_query(query);
        }
        take_body(&mut parameters, exchange, body);
        for parameter in &mut parameters.list {
            parameter.meaning = meaning(&parameter.key).map(str::to_owned);
        }
        Some(record(exchange, kind, parameters))
    }
}

/// Which of Meta's endpoints a URL is, and the pixel id where it stands in the path.
fn recognise(url: &Url) -> Option<(EventKind, Option<String>)> {
    let host = url.host_str()?;
    recipient(host).filter(|company| *company == "Meta")?;
    let path = url.path();
    if host == "connect.facebook.net" {
        if let Some(id) = path.strip_prefix("/signals/config/") {
            return Some((EventKind::Config, Some(id.to_owned())));
        }
        if path.ends_with("/fbevents.js") {
            return Some((EventKind::Library, None));
        }
        return None;
    }
    matches!(path, "/tr" | "/tr/").then_some((EventKind::Event, None))
}

fn take_body(parameters: &mut Parameters, exchange: &Exchange, body: Option<&[u8]>) {
    let content_type = exchange.request_header("content-type").unwrap_or_default();
    match (body, exchange.body_state) {
        (Some(body), _) if !body.is_empty() => {
            if content_type.starts_with("multipart/form-data") || body.starts_with(b"--") {
                parameters.take_multipart(body, content_type);
            } else {
                parameters.take_form(body);
            }
        }
        (_, BodyState::Unavailable) => parameters
            .problems
            .push("the request had a body that could not be had".into()),
        (_, BodyState::Truncated) => parameters
            .problems
            .push("the request's body is cut off".into()),
        _ => {}
    }
}

fn record(exchange: &Exchange, kind: EventKind, parameters: Parameters) -> TrackerEvent {
    let text = |key: &str| parameters.first(key).map(str::to_owned);
    let filled = |key: &str| text(key).filter(|value| !value.is_empty());
    let event_name = filled("ev");
    let mut problems = parameters.problems.clone();
    if kind == EventKind::Event {
        for key in ["id", "ev"] {
            if parameters.first(key).is_none_or(str::is_empty) {
                problems.push(format!("there is no `{key}`"));
            }
        }
    }
    let user_data: Vec<_> = parameters.list.iter().filter_map(user_datum).collect();
    let mut identity = cookie_signals(exchange);
    identity.extend(user_data.iter().filter_map(identity_of));
    for (key, strength) in [("fbc", Strength::Click), ("fbp", Strength::Browser)] {
        if let Some(value) = filled(key) {
            identity.push(IdentitySignal {
                signal: key.to_owned(),
                value,
                strength,
            });
        }
    }
    TrackerEvent {
        id: String::new(),
        vendor: MetaPixel.vendor().to_owned(),
        recipient: "Meta".to_owned(),
        kind,
        transport: transport(exchange, &parameters),
        method: exchange.method.clone(),
        url: exchange.url.clone(),
        pixel_id: filled("id"),
        event_class: event_name.as_deref().map(class),
        event_name,
        event_id: filled("eid").or_else(|| filled("eid[]")),
        page_url: text("dl"),
        referrer: text("rl"),
        fbp: filled("fbp"),
        fbc: filled("fbc"),
        user_data,
        custom_data: custom_data(&parameters.list),
        identity,
        time: exchange.time,
        outcome: exchange.outcome,
        exchange: exchange.id.clone(),
        step: exchange.step,
        frame: exchange.frame.clone(),
        initiator: initiator(&exchange.initiator.value()),
        duplicate_of: None,
        problems,
        parameters: parameters.list,
    }
}

fn class(name: &str) -> EventClass {
    if STANDARD.contains(&name) {
        EventClass::Standard
    } else if AUTOMATIC.contains(&name) {
        EventClass::Automatic
    } else {
        EventClass::Custom
    }
}

/// By what was really done. `rqm` is only a label, which replayed URLs keep: it decides where nothing else tells.
fn transport(exchange: &Exchange, parameters: &Parameters) -> Transport {
    match (exchange.method.as_str(), exchange.resource_type.as_str()) {
        (_, "fetch") => Transport::Fetch,
        (_, "xhr") => Transport::Xhr,
        ("GET", _) if parameters.first("noscript") == Some("1") => Transport::Noscript,
        ("GET", _) => Transport::Get,
        ("POST", "document") => Transport::FormPost,
        ("POST", "ping") => Transport::Beacon,
        ("POST", _) => match parameters.first("rqm") {
            Some("formPOST") => Transport::FormPost,
            Some("SB") => Transport::Beacon,
            Some("fetch") => Transport::Fetch,
            Some("xhr") => Transport::Xhr,
            _ => Transport::Unknown,
        },
        _ => Transport::Unknown,
    }
}

fn custom_data(parameters: &[Parameter]) -> Map<String, Value> {
    let mut data: Map<String, Value> = Map::new();
    let mut repeated: Vec<&str> = Vec::new();
    for parameter in parameters {
        let Some(key) = parameter
            .key
            .strip_prefix("cd[")
            .and_then(|rest| rest.strip_suffix(']'))
        else {
            continue;
        };
        let value = decoded(&parameter.value);
        match data.get_mut(key) {
            None => {
                data.insert(key.to_owned(), value);
            }
            Some(Value::Array(values)) if repeated.contains(&key) => values.push(value),
            Some(first) => {
                repeated.push(key);
                *first = Value::Array(vec![first.take(), value]);
            }
        }
    }
    data
}

/// JSON where the value is valid JSON, the string otherwise. A number that JSON cannot hold exactly stays a string.
fn decoded(text: &str) -> Value {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Number(number)) if number.to_string() != text => text.into(),
        Ok(value) => value,
        Err(_) => text.into(),
    }
}

fn cookie_signals(exchange: &Exchange) -> Vec<IdentitySignal> {
    COOKIES
        .iter()
        .filter_map(|(name, strength)| {
            let cookie = exchange
                .cookies
                .iter()
                .find(|cookie| cookie.name == *name && cookie.sent)?;
            // The session secret of the account is nobody's business.
            let value = if *name == "xs" {
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

/// The script on top of the stack, else the document that CDP names.
fn initiator(initiator: &Value) -> Option<String> {
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

#[cfg(test)]
mod tests;
