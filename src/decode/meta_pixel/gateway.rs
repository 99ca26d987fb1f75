//! The Gateway: a server of the site's (or of somebody for it) that passes events on to Meta. Known by the key
//! `fb.pixel_id` in the JSON that it is sent, whatever its host.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde_json::Value;

use super::user_data::identity_of;
use super::{MetaPixel, class, click_in};
use crate::decode::Decoder;
use crate::decode::parameters::Parameters;
use crate::decode::record;
use crate::decode::request::Request;
use crate::decode::value_form::form;
use crate::model::{
    Confidence, EventKind, Exchange, IdentitySignal, Strength, TrackerEvent, UserDatum, ValueForm,
};

pub(super) fn concerns(request: &Request<'_>) -> bool {
    static KEY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"fb.pixel_id\""));
    request.method != "OPTIONS"
        && request.body.is_some_and(|body| {
            let start = body.trim_ascii_start();
            matches!(start.first(), Some(b'{' | b'[')) && KEY.find(body).is_some()
        })
}

/// A record for each event; none if the body is not what it seemed.
pub(super) fn decode(exchange: &Exchange, request: &Request<'_>) -> Vec<TrackerEvent> {
    let Some(body) = request.body else {
        return Vec::new();
    };
    let mut shared = Parameters::default();
    if let Some(query) = request.query {
        shared.take_query(query);
    }
    record::note_missing_body(&mut shared, exchange, request.body);
    let mut events = record::json_events(&shared, body, &mut |mut parameters, said| match said {
        Some(said) => record(exchange, parameters, said),
        // It names the key: better a record that says what is wrong than silence.
        None => TrackerEvent {
            problems: parameters.take_problems(),
            parameters: parameters.list,
            ..begun(exchange, Confidence::Low)
        },
    });
    // A shape that nobody has seen yet: what it says is kept, and that it was not understood is said.
    for event in &mut events {
        if event.pixel_id.is_none() && event.confidence != Confidence::Low {
            event.confidence = Confidence::Low;
            event
                .problems
                .push("the key `fb.pixel_id` stands elsewhere than a Gateway has it".to_owned());
        }
    }
    events
}

fn begun(exchange: &Exchange, confidence: Confidence) -> TrackerEvent {
    TrackerEvent {
        kind: EventKind::Gateway,
        confidence,
        confidence_reason: "not Meta's host: the body has the key fb.pixel_id, as what is sent to a Gateway has, which passes it on to Meta".into(),
        transport: record::transport_of(exchange),
        ..record::begun(exchange, MetaPixel.vendor(), "Meta")
    }
}

fn record(exchange: &Exchange, mut parameters: Parameters, said: &Value) -> TrackerEvent {
    super::annotate(&mut parameters);
    let text = |key: &str| match said.get(key) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let context = |key: &str| {
        let value = said.get("website_context")?.get(key)?;
        value.as_str().map(str::to_owned)
    };
    let user_data: Vec<UserDatum> = said
        .get("fb.advanced_matching")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| {
            let value = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            UserDatum {
                key: key.clone(),
                source: "fb.advanced_matching".to_owned(),
                form: form(key, &value),
                value,
            }
        })
        .collect();
    let page_url = context("location");
    let fbclid = page_url.as_deref().and_then(click_in);
    let mut identity: Vec<IdentitySignal> = record::signals([
        ("fb_login_id", text("fb_login_id"), Strength::Account),
        ("fb.clickID", text("fb.clickID"), Strength::Click),
        ("fb.fbp", text("fb.fbp"), Strength::Browser),
        ("fbclid", fbclid, Strength::Click),
    ])
    .collect();
    let named = user_data
        .iter()
        .filter(|datum| datum.form != ValueForm::Unknown);
    identity.extend(named.filter_map(identity_of));
    let event_name = text("event_name");
    for (key, missing) in [
        ("fb.pixel_id", text("fb.pixel_id").is_none()),
        ("event_name", event_name.is_none()),
    ] {
        if missing {
            parameters.problem(format!("there is no `{key}`"));
        }
    }
    let problems = parameters.take_problems();
    TrackerEvent {
        pixel_id: text("fb.pixel_id"),
        event_class: event_name.as_deref().map(class),
        event_name,
        event_id: text("event_id"),
        page_url,
        referrer: context("referrer"),
        fbp: text("fb.fbp"),
        fbc: text("fb.clickID"),
        user_data,
        custom_data: match said.get("custom_data") {
            Some(Value::Object(data)) => data.clone(),
            _ => serde_json::Map::new(),
        },
        identity,
        parameters: parameters.list,
        problems,
        ..begun(exchange, Confidence::High)
    }
}
