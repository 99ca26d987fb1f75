//! TikTok pixel: JSON to `analytics.tiktok.com/api/v2/pixel` and the paths under it.
//!
//! The protocol is TikTok's own and undocumented; names are those of its Events API, as far as they are the same, and of
//! captured traffic that was published.

use serde_json::{Map, Value};

use crate::model::{
    Confidence, EventKind, Exchange, IdentitySignal, Strength, TrackerEvent, UserDatum,
};

use super::Decoder;
use super::parameters::Parameters;
use super::record::{self, cookie_signals, note_missing_body};
use super::request::Request;
use super::value_form::{form, is_somebody};

const HOST: &str = "analytics.tiktok.com";
const PATH: &str = "/api/v2/pixel";

/// TikTok's list of standard events, and `Pageview`, which its library sends by itself.
const STANDARD: [&str; 15] = [
    "AddPaymentInfo",
    "AddToCart",
    "AddToWishlist",
    "ClickButton",
    "CompletePayment",
    "CompleteRegistration",
    "Contact",
    "Download",
    "InitiateCheckout",
    "PlaceAnOrder",
    "Search",
    "SubmitForm",
    "Subscribe",
    "ViewContent",
    "Purchase",
];
const AUTOMATIC: [&str; 4] = ["Pageview", "Click", "EnrichAM", "Metadata"];

const COOKIES: [(&str, Strength); 2] = [("_ttp", Strength::Browser), ("ttwid", Strength::Browser)];

/// Path of the JSON → meaning.
const MEANINGS: [(&str, &str); 14] = [
    ("event", "event name"),
    ("event_id", "event id, for deduplication"),
    ("message_id", "id of this message"),
    ("timestamp", "event time"),
    ("context.pixel.code", "pixel id"),
    ("context.page.url", "page address"),
    ("context.page.referrer", "referrer"),
    (
        "context.user.anonymous_id",
        "browser id, from the cookie _ttp",
    ),
    (
        "context.user.external_id",
        "the site's own id of the person",
    ),
    ("context.user.email", "e-mail"),
    ("context.user.phone_number", "phone"),
    ("context.ad.callback", "click id"),
    ("context.userAgent", "browser"),
    ("context.library.version", "library version"),
];

#[derive(Debug)]
pub struct TikTokPixel;

impl Decoder for TikTokPixel {
    fn vendor(&self) -> &'static str {
        "tiktok_pixel"
    }

    fn markers(&self) -> &'static [&'static str] {
        &[HOST]
    }

    fn concerns(&self, request: &Request<'_>) -> bool {
        request.method != "OPTIONS" && request.path.starts_with(PATH) && request.is_under(HOST)
    }

    fn decode(&self, exchange: &Exchange, request: &Request<'_>) -> Vec<TrackerEvent> {
        let mut parameters = Parameters::default();
        if let Some(query) = request.query {
            parameters.take_query(query);
        }
        note_missing_body(&mut parameters, exchange, request.body);
        let Some(body) = request.body else {
            parameters.problem("there is no body, and so no event");
            return vec![event(exchange, request, parameters, &Value::Null)];
        };
        record::json_events(&parameters, body, &mut |parameters, said| {
            event(exchange, request, parameters, said.unwrap_or(&Value::Null))
        })
    }

    fn meaning(&self, key: &str) -> Option<&'static str> {
        MEANINGS
            .iter()
            .find(|(known, _)| *known == key)
            .map(|(_, meaning)| *meaning)
            .or_else(|| key.starts_with("properties.").then_some("custom data"))
    }
}

fn event(
    exchange: &Exchange,
    request: &Request<'_>,
    mut parameters: Parameters,
    said: &Value,
) -> TrackerEvent {
    for parameter in &mut parameters.list {
        parameter.meaning = TikTokPixel.meaning(&parameter.key).map(Into::into);
    }
    let text = |pointer: &str| match said.pointer(pointer) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    // Below the endpoint itself there are reports on the library's own work.
    let below = request.path[PATH.len()..].trim_matches('/');
    let kind = match below {
        "" | "act" | "track" | "inter" => EventKind::Event,
        _ => EventKind::Telemetry,
    };
    let event_name = text("/event");
    let pixel_id = text("/context/pixel/code");
    if kind == EventKind::Event && said.is_object() {
        for (key, missing) in [
            ("event", event_name.is_none()),
            ("context.pixel.code", pixel_id.is_none()),
        ] {
            if missing {
                parameters.problem(format!("there is no `{key}`"));
            }
        }
    }
    let user = said.pointer("/context/user").and_then(Value::as_object);
    let user_data: Vec<UserDatum> = user
        .into_iter()
        .flatten()
        .filter(|(key, _)| *key != "anonymous_id")
        .filter_map(|(key, value)| {
            let value = value.as_str().filter(|value| !value.is_empty())?;
            Some(UserDatum {
                key: key.clone(),
                source: "context.user".to_owned(),
                value: value.to_owned(),
                form: form(key, value),
            })
        })
        .collect();
    let mut identity = cookie_signals(exchange, &COOKIES, &[]);
    identity.extend(
        user_data
            .iter()
            .filter(|datum| is_somebody(datum))
            .map(|datum| IdentitySignal {
                signal: format!("context.user.{}", datum.key),
                value: datum.value.clone(),
                strength: if datum.key.contains("email") || datum.key.contains("phone") {
                    Strength::Person
                } else if datum.key == "external_id" {
                    Strength::SitePerson
                } else {
                    Strength::Weak
                },
            }),
    );
    identity.extend(record::signals([
        (
            "context.ad.callback",
            text("/context/ad/callback"),
            Strength::Click,
        ),
        (
            "context.user.anonymous_id",
            text("/context/user/anonymous_id"),
            Strength::Browser,
        ),
    ]));
    let problems = parameters.take_problems();
    TrackerEvent {
        kind,
        confidence: Confidence::Certain,
        confidence_reason: "the host is TikTok's".into(),
        transport: record::transport_of(exchange),
        pixel_id,
        event_class: event_name
            .as_deref()
            .map(|name| record::class(name, &AUTOMATIC, &STANDARD)),
        event_name,
        event_id: text("/event_id"),
        page_url: text("/context/page/url"),
        referrer: text("/context/page/referrer"),
        user_data,
        custom_data: match said.get("properties") {
            Some(Value::Object(properties)) => properties.clone(),
            _ => Map::new(),
        },
        identity,
        problems,
        parameters: parameters.list,
        ..record::begun(exchange, TikTokPixel.vendor(), "TikTok")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::decode;
    use crate::model::{BodyState, EventClass, ValueForm};

    fn post(path: &str, body: &[u8]) -> TrackerEvent {
        let url = format!("https://analytics.tiktok.com{path}");
        let mut exchange = Exchange::begun("x0001".into(), &url, "POST", "police.example");
        exchange.body_state = BodyState::Complete;
        let mut events = decode(&exchange, Some(body));
        assert_eq!(events.len(), 1);
        events.remove(0)
    }

    #[test]
    fn an_event_with_page_ids_and_custom_data() {
        let hash = "5d2505e90a363a0a3f777f3f8b098be73bb22b542dd0cd66662e866ccb12484d";
        let body = serde_json::json!({
            "event": "SubmitForm", "event_id": "r-1", "timestamp": "2026-11-24T09:00:00.000Z",
            "context": {
                "pixel": {"code": "C4ABCDEF"},
                "page": {"url": "https://www.police.example/report/", "referrer": ""},
                "user": {"anonymous_id": "a-1", "email": hash, "external_id": "7"},
            },
            "properties": {"content_name": "sexual offence", "value": 1},
        });
        let event = post("/api/v2/pixel", body.to_string().as_bytes());
        assert_eq!(
            (event.vendor.as_ref(), event.recipient.as_ref()),
            ("tiktok_pixel", "TikTok")
        );
        assert_eq!(event.event_name.as_deref(), Some("SubmitForm"));
        assert_eq!(event.event_class, Some(EventClass::Standard));
        assert_eq!(event.event_id.as_deref(), Some("r-1"));
        assert_eq!(event.pixel_id.as_deref(), Some("C4ABCDEF"));
        assert_eq!(
            event.page_url.as_deref(),
            Some("https://www.police.example/report/")
        );
        assert_eq!(event.custom_data["content_name"], "sexual offence");
        assert_eq!(event.user_data[0].form, ValueForm::Sha256);
        let named: Vec<_> = event
            .identity
            .iter()
            .map(|i| (i.signal.as_str(), i.strength))
            .collect();
        assert_eq!(
            named,
            [
                ("context.user.email", Strength::Person),
                ("context.user.external_id", Strength::SitePerson),
                ("context.user.anonymous_id", Strength::Browser)
            ]
        );
        assert_eq!(event.parameters[3].key, "context.pixel.code");
        assert_eq!(event.parameters[3].meaning.as_deref(), Some("pixel id"));
        assert_eq!(event.problems, Vec::<String>::new());
    }

    #[test]
    fn what_cannot_be_read_is_kept_and_said() {
        let event = post("/api/v2/pixel/act", b"{\"event\":");
        assert_eq!(event.kind, EventKind::Event);
        assert_eq!(event.parameters[0].value, "{\"event\":");
        assert!(
            event.problems[0].contains("not JSON"),
            "{:?}",
            event.problems
        );
        assert_eq!(
            post("/api/v2/pixel/perf_interaction", b"{}").kind,
            EventKind::Telemetry
        );
        assert_eq!(
            post("/api/v2/pixel/", b"{}").problems,
            ["there is no `event`", "there is no `context.pixel.code`"]
        );
    }
}
