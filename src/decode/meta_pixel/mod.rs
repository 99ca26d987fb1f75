//! Meta Pixel: what a page told Meta, by whichever way it was sent.
//!
//! Facts are from the pixel library (fbevents 2.9.324), real `signals/config` answers and captured traffic.

mod endpoints;
mod gateway;
mod readable;
mod reference;
mod table;
mod user_data;

use crate::model::{
    Confidence, EventClass, EventKind, Exchange, Place, Strength, TrackerEvent, Transport, UrlParts,
};

use self::endpoints::{Endpoint, by_shape, recognise};
use self::user_data::{identity_of, user_datum};
use super::parameters::Parameters;
use super::record::{self, CustomData, cookie_signals, note_missing_body, value_of};
use super::request::Request;
use super::{Decoder, Delivery};

pub use self::reference::reference;

/// Cookies of `.facebook.com` that say whose browser it is.
const COOKIES: [(&str, Strength); 5] = [
    ("c_user", Strength::Account),
    ("xs", Strength::Account),
    ("fr", Strength::Browser),
    ("datr", Strength::Browser),
    ("sb", Strength::Browser),
];

/// The session secret of the account.
const SECRETS: [&str; 1] = ["xs"];

#[derive(Debug)]
pub struct MetaPixel;

impl Decoder for MetaPixel {
    fn vendor(&self) -> &'static str {
        "meta_pixel"
    }

    fn markers(&self) -> &'static [&'static str] {
        &[
            "facebook.",
            "instagram.",
            "/tr",
            "/signals/config/",
            "/fbevents.js",
            "fb.pixel_id",
            "ev=",
            // A part of a multipart body, and a parameter's name in a list, each with or without a backslash before.
            "\"ev",
        ]
    }

    fn concerns(&self, request: &Request<'_>) -> bool {
        recognise(request).is_some() || gateway::concerns(request)
    }

    fn decode(&self, exchange: &Exchange, request: &Request<'_>) -> Vec<TrackerEvent> {
        let recognised = recognise(request);
        // What goes to Meta's own endpoints is no Gateway's, whatever stands in it.
        if !matches!(recognised, Some(Some(_))) && gateway::concerns(request) {
            return gateway::decode(exchange, request);
        }
        let Some(recognised) = recognised else {
            return Vec::new();
        };
        let mut parameters = Parameters::default();
        if let Some(id) = recognised
            .as_ref()
            .and_then(|known| known.id_in_path.clone())
        {
            parameters.add("id", id, Place::Path);
        }
        if let Some(query) = request.query {
            parameters.take_query(query);
        }
        take_body(&mut parameters, exchange, request.body);
        recognised
            .or_else(|| by_shape(request, &parameters))
            .map(|endpoint| vec![event(exchange, &endpoint, parameters)])
            .unwrap_or_default()
    }

    fn meaning(&self, key: &str) -> Option<&'static str> {
        table::meaning(key)
    }

    /// The library sends an event again for Chrome's attribution reporting, and a Gateway gets it too: the same pixel,
    /// name, and event id or time and counter. On its way to a Gateway a click is called InputData.
    fn delivery(&self, event: &TrackerEvent) -> Option<Delivery> {
        if !matches!(event.kind, EventKind::Event | EventKind::Gateway) {
            return None;
        }
        let pixel = event.pixel_id.as_deref()?;
        let name = match event.event_name.as_deref()? {
            "InputData" => "SubscribedButtonClick",
            name => name,
        };
        let value = |key: &str| {
            event
                .parameters
                .iter()
                .find(|parameter| parameter.key == key)
                .map(|parameter| parameter.value.as_str())
        };
        let page = event.page_url.as_deref().unwrap_or_default();
        let moment = match (value("ts"), value("ec"), value("qttag")) {
            // A quality test sends the same event at three times.
            (_, _, Some(tag)) => Some(format!("quality test {tag} {page}")),
            (Some(ts), Some(ec), None) => Some(format!("{ts} {ec} {page}")),
            _ => None,
        };
        Some(Delivery {
            event: format!("{pixel} {name}"),
            event_id: event.event_id.clone(),
            moment,
        })
    }
}

fn take_body(parameters: &mut Parameters, exchange: &Exchange, body: Option<&[u8]>) {
    let content_type = exchange.request_header("content-type").unwrap_or_default();
    if let Some(body) = body {
        let is_multipart = content_type
            .get(.."multipart/".len())
            .is_some_and(|start| start.eq_ignore_ascii_case("multipart/"));
        if is_multipart || body.starts_with(b"--") {
            parameters.take_multipart(body, content_type);
        } else {
            parameters.take_form(body);
        }
    }
    note_missing_body(parameters, exchange, body);
}

/// Says of each parameter what it means, and its value in a form that people can read.
fn annotate(parameters: &mut Parameters) {
    for parameter in &mut parameters.list {
        parameter.meaning = table::meaning(&parameter.key).map(Into::into);
        parameter.decoded = readable::readable(&parameter.key, &parameter.value);
    }
}

fn event(exchange: &Exchange, endpoint: &Endpoint, mut parameters: Parameters) -> TrackerEvent {
    let mut page_url = parameters
        .first("dl")
        .or_else(|| parameters.first("href"))
        .map(str::to_owned);
    if page_url.as_deref().is_none_or(str::is_empty)
        && let Some(referer) = exchange.request_header("referer")
    {
        // Nothing else told the page's address; the browser's header may have. Mostly it is cut to the origin, and then
        // says of no page that it was this one.
        parameters.add("referer", referer, Place::Header);
        let names_a_page = UrlParts::of(referer)
            .is_some_and(|parts| parts.path.len() > 1 || parts.query.is_some());
        if names_a_page {
            page_url = Some(referer.to_owned());
        }
    }
    annotate(&mut parameters);
    if endpoint.kind == EventKind::Event {
        for key in ["id", "ev"] {
            match parameters.first(key) {
                None | Some("") => parameters.problem(format!("there is no `{key}`")),
                Some(id) if key == "id" && !id.bytes().all(|byte| byte.is_ascii_digit()) => {
                    parameters.problem("the pixel id is not a number");
                }
                Some(_) => {}
            }
        }
    }
    let event_name = parameters.filled("ev");
    let user_data: Vec<_> = parameters.list.iter().filter_map(user_datum).collect();
    // On another host, cookies of these names are that host's own.
    let mut identity = match endpoint.confidence {
        Confidence::Certain => cookie_signals(exchange, &COOKIES, &SECRETS),
        _ => Vec::new(),
    };
    identity.extend(user_data.iter().filter_map(identity_of));
    let fbclid = page_url.as_deref().and_then(click_in);
    identity.extend(record::signals([
        ("fbc", parameters.filled("fbc"), Strength::Click),
        ("fbcs", parameters.filled("fbcs"), Strength::Click),
        ("fbclid", fbclid, Strength::Click),
        ("fbp", parameters.filled("fbp"), Strength::Browser),
        ("chmd", parameters.filled("chmd"), Strength::Weak),
    ]));
    let mut custom_data = CustomData::default();
    for parameter in &parameters.list {
        if let Some(key) = parameter
            .key
            .strip_prefix("cd[")
            .and_then(|rest| rest.strip_suffix(']'))
        {
            custom_data.add(key, value_of(&parameter.value));
        }
    }
    let problems = parameters.take_problems();
    TrackerEvent {
        kind: endpoint.kind,
        confidence: endpoint.confidence,
        confidence_reason: endpoint.reason.into(),
        transport: transport(exchange, endpoint, &parameters),
        pixel_id: parameters.filled("id"),
        event_class: event_name.as_deref().map(class),
        event_name,
        event_id: parameters
            .filled("eid")
            .or_else(|| parameters.filled("eid[]")),
        page_url,
        referrer: parameters.first("rl").map(str::to_owned),
        fbp: parameters.filled("fbp"),
        fbc: parameters.filled("fbc"),
        user_data,
        custom_data: custom_data.into_map(),
        identity,
        problems,
        parameters: parameters.list,
        ..record::begun(exchange, MetaPixel.vendor(), "Meta")
    }
}

/// The names of Meta's own events: the standard ones, and those that its library sends by itself.
pub fn own_events() -> impl Iterator<Item = &'static str> {
    table::STANDARD.into_iter().chain(table::AUTOMATIC)
}

fn class(name: &str) -> EventClass {
    record::class(name, &table::AUTOMATIC, &table::STANDARD)
}

/// The id of the ad that was clicked, in a page's address.
fn click_in(page_url: &str) -> Option<String> {
    let (_, query) = page_url.split_once('?')?;
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    form_urlencoded::parse(query.as_bytes())
        .find(|(key, value)| key == "fbclid" && !value.is_empty())
        .map(|(_, value)| value.into_owned())
}

/// By what was really done. `rqm` is only a label, which replayed URLs keep: it decides where nothing else tells.
fn transport(exchange: &Exchange, endpoint: &Endpoint, parameters: &Parameters) -> Transport {
    if endpoint.twin {
        return Transport::SandboxTwin;
    }
    let transport = record::transport_of(exchange);
    match transport {
        Transport::Get if parameters.first("noscript") == Some("1") => Transport::Noscript,
        Transport::Unknown if exchange.method == "POST" => {
            // Where no browser told what it was: a frame's navigation says so in a header.
            let frame = exchange.request_header("sec-fetch-dest") == Some("iframe");
            match parameters.first("rqm") {
                _ if frame => Transport::FormPost,
                Some("formPOST") => Transport::FormPost,
                Some("SB") => Transport::Beacon,
                Some("fetch") => Transport::Fetch,
                Some("xhr") => Transport::Xhr,
                _ => Transport::Unknown,
            }
        }
        known => known,
    }
}

#[cfg(test)]
mod tests;
