//! Google Analytics 4: `/g/collect`, on Google's hosts or, through a server-side tag manager, on anybody's.
//!
//! The protocol is Google's own and undocumented; what stands here is what tag assistants and published descriptions of
//! "measurement protocol version 2" agree on. Event names are from Google's list of recommended events and of events
//! collected by themselves.

use crate::model::{
    Confidence, Exchange, IdentitySignal, Place, Strength, TrackerEvent, UserDatum, ValueForm,
};

use super::Decoder;
use super::parameters::Parameters;
use super::record::{self, CustomData, cookie_signals, note_missing_body, value_of};
use super::request::Request;
use super::value_form::{form, is_somebody};

const HOSTS: [&str; 4] = [
    "google-analytics.com",
    "analytics.google.com",
    "doubleclick.net",
    "google.com",
];

/// Collected without being told to.
const AUTOMATIC: [&str; 14] = [
    "page_view",
    "first_visit",
    "session_start",
    "user_engagement",
    "scroll",
    "click",
    "view_search_results",
    "file_download",
    "form_start",
    "form_submit",
    "video_start",
    "video_progress",
    "video_complete",
    "page_load_time",
];

/// Google's recommended events.
const STANDARD: [&str; 30] = [
    "add_payment_info",
    "add_shipping_info",
    "add_to_cart",
    "add_to_wishlist",
    "begin_checkout",
    "close_convert_lead",
    "close_unconvert_lead",
    "disqualify_lead",
    "earn_virtual_currency",
    "generate_lead",
    "join_group",
    "level_end",
    "level_start",
    "level_up",
    "login",
    "post_score",
    "purchase",
    "qualify_lead",
    "refund",
    "remove_from_cart",
    "search",
    "select_content",
    "select_item",
    "select_promotion",
    "share",
    "sign_up",
    "spend_virtual_currency",
    "tutorial_begin",
    "tutorial_complete",
    "view_item",
];

const COOKIES: [(&str, Strength); 5] = [
    ("SID", Strength::Account),
    ("__Secure-1PSID", Strength::Account),
    ("__Secure-3PSID", Strength::Account),
    ("NID", Strength::Browser),
    ("IDE", Strength::Browser),
];

/// Session secrets of the account.
const SECRETS: [&str; 3] = ["SID", "__Secure-1PSID", "__Secure-3PSID"];

const MEANINGS: [(&str, &str); 33] = [
    ("v", "protocol version"),
    ("tid", "measurement id"),
    ("gtm", "tag manager's build"),
    ("_p", "page load, a random number"),
    ("cid", "client id, from the cookie _ga"),
    ("uid", "the site's own id of the person"),
    ("ul", "language"),
    ("sr", "screen size"),
    ("dl", "page address"),
    ("dr", "referrer"),
    ("dt", "document title"),
    ("dp", "page path"),
    ("sid", "session id"),
    ("sct", "number of sessions so far"),
    ("seg", "the session is an engaged one"),
    ("en", "event name"),
    ("_et", "engagement time, ms"),
    ("_s", "request's number in the session"),
    ("_ss", "a session begins"),
    ("_fv", "first visit"),
    ("_nsi", "new session id"),
    ("_c", "a conversion"),
    ("_ee", "enhanced measurement"),
    ("em", "data given by the user, hashed"),
    ("cu", "currency"),
    ("gcs", "consent state"),
    ("gcd", "consent state, by purpose"),
    ("npa", "no personalised advertising"),
    ("dma", "Digital Markets Act applies"),
    ("uaa", "processor architecture"),
    ("uap", "platform"),
    ("uapv", "platform's version"),
    ("uafvl", "browser's full version"),
];

#[derive(Debug)]
pub struct GoogleAnalytics;

impl Decoder for GoogleAnalytics {
    fn vendor(&self) -> &'static str {
        "google_analytics_4"
    }

    fn markers(&self) -> &'static [&'static str] {
        &["/g/collect"]
    }

    fn concerns(&self, request: &Request<'_>) -> bool {
        request.method != "OPTIONS" && request.path.ends_with("/g/collect")
    }

    /// The query holds what the events share; a body holds one event a line.
    fn decode(&self, exchange: &Exchange, request: &Request<'_>) -> Vec<TrackerEvent> {
        let mut shared = Parameters::default();
        if let Some(query) = request.query {
            shared.take_query(query);
        }
        let own_host = HOSTS.iter().any(|host| request.is_under(host));
        let is_one = shared.first("v") == Some("2")
            && shared.first("tid").is_some_and(|tid| tid.starts_with("G-"));
        let (confidence, reason) = match (own_host, is_one) {
            (true, _) => (Confidence::Certain, "the host is Google's"),
            (false, true) => (
                Confidence::High,
                "not Google's host: the path ends in /g/collect, with version 2 and a measurement id",
            ),
            (false, false) => return Vec::new(),
        };
        note_missing_body(&mut shared, exchange, request.body);
        let lines: Vec<&[u8]> = request
            .body
            .map(|body| {
                body.split(|byte| *byte == b'\n')
                    .map(<[u8]>::trim_ascii)
                    .filter(|line| !line.is_empty())
                    .collect()
            })
            .unwrap_or_default();
        if lines.is_empty() {
            return vec![event(exchange, shared, confidence, reason)];
        }
        let most = record::most_events(&shared);
        lines
            .chunks(1)
            .take(most)
            .chain(lines.get(most..).filter(|rest| !rest.is_empty()))
            .map(|lines| {
                let mut parameters = shared.clone();
                match lines {
                    [line] => parameters.take_form_in(request.body.unwrap_or(line), line),
                    rest => {
                        parameters.problem(format!(
                            "more than {most} events in one request: the rest is kept unread"
                        ));
                        parameters.keep_unread(&rest.join(&b'\n'), Place::Form);
                    }
                }
                event(exchange, parameters, confidence, reason)
            })
            .collect()
    }

    fn meaning(&self, key: &str) -> Option<&'static str> {
        if let Some((_, meaning)) = MEANINGS.iter().find(|(known, _)| *known == key) {
            return Some(meaning);
        }
        let (prefix, _) = key.split_once('.')?;
        Some(match prefix {
            "ep" => "event parameter",
            "epn" => "event parameter, a number",
            "up" => "user property",
            "upn" => "user property, a number",
            _ => return None,
        })
    }
}

fn event(
    exchange: &Exchange,
    mut parameters: Parameters,
    confidence: Confidence,
    reason: &'static str,
) -> TrackerEvent {
    for parameter in &mut parameters.list {
        parameter.meaning = GoogleAnalytics.meaning(&parameter.key).map(Into::into);
    }
    for key in ["tid", "en"] {
        if parameters.filled(key).is_none() {
            parameters.problem(format!("there is no `{key}`"));
        }
    }
    let user_data = parameters.first("em").map(user_data).unwrap_or_default();
    // On another host, cookies of these names are that host's own.
    let mut identity = match confidence {
        Confidence::Certain => cookie_signals(exchange, &COOKIES, &SECRETS),
        _ => Vec::new(),
    };
    identity.extend(
        user_data
            .iter()
            .filter(|datum| is_somebody(datum))
            .map(|datum| IdentitySignal {
                signal: format!("em[{}]", datum.key),
                value: datum.value.clone(),
                strength: match datum.key.as_str() {
                    "em" | "pn" => Strength::Person,
                    _ => Strength::Weak,
                },
            }),
    );
    identity.extend(record::signals([
        ("uid", parameters.filled("uid"), Strength::SitePerson),
        ("cid", parameters.filled("cid"), Strength::Browser),
    ]));
    let mut custom_data = CustomData::default();
    for parameter in &parameters.list {
        let key = parameter.key.as_str();
        if let Some(key) = key.strip_prefix("ep.").or_else(|| key.strip_prefix("epn.")) {
            custom_data.add(key, value_of(&parameter.value));
        } else if key.starts_with("up.") || key.starts_with("upn.") {
            custom_data.add(key, value_of(&parameter.value));
        }
    }
    let event_name = parameters.filled("en");
    let problems = parameters.take_problems();
    TrackerEvent {
        confidence,
        confidence_reason: reason.into(),
        transport: record::transport_of(exchange),
        pixel_id: parameters.filled("tid"),
        event_class: event_name
            .as_deref()
            .map(|name| record::class(name, &AUTOMATIC, &STANDARD)),
        event_name,
        page_url: parameters.first("dl").map(str::to_owned),
        referrer: parameters.first("dr").map(str::to_owned),
        user_data,
        custom_data: custom_data.into_map(),
        identity,
        problems,
        parameters: parameters.list,
        ..record::begun(exchange, GoogleAnalytics.vendor(), "Google")
    }
}

/// `tv.1~em.<base64url of a SHA-256>~pn.…`.
fn user_data(text: &str) -> Vec<UserDatum> {
    text.split('~')
        .filter_map(|part| part.split_once('.'))
        .filter(|(key, value)| *key != "tv" && !value.is_empty())
        .take(100)
        .map(|(key, value)| {
            let hash = data_encoding::BASE64URL_NOPAD
                .decode(value.trim_end_matches('=').as_bytes())
                .ok()
                .filter(|bytes| bytes.len() == 32);
            UserDatum {
                key: key.to_owned(),
                source: "em".to_owned(),
                value: value.to_owned(),
                form: match hash {
                    Some(hash) => form(key, &data_encoding::HEXLOWER.encode(&hash)),
                    None => ValueForm::Unknown,
                },
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::decode;
    use crate::model::{BodyState, EventClass, EventKind, Transport};

    fn request(url: &str, method: &str, body: Option<&[u8]>) -> Vec<TrackerEvent> {
        let mut exchange = Exchange::begun("x0001".into(), url, method, "police.example");
        exchange.resource_type = "fetch".into();
        if body.is_some() {
            exchange.body_state = BodyState::Complete;
        }
        decode(&exchange, body)
    }

    const SHARED: &str = "https://region1.google-analytics.com/g/collect?v=2&tid=G-ABC123&cid=1.2&dl=https%3A%2F%2Fwww.police.example%2Freport%2F&dt=Report&sid=7";

    #[test]
    fn a_batch_is_one_event_a_line_each_with_the_shared_parameters() {
        let body = b"en=page_view&_et=5\r\nen=report+sent&ep.offence=sexual%20offence&epn.step=3&up.kind=victim\r\n";
        let events = request(SHARED, "POST", Some(body));
        assert_eq!(events.len(), 2);
        let (view, sent) = (&events[0], &events[1]);
        assert_eq!(view.vendor, "google_analytics_4");
        assert_eq!(
            (view.kind, view.transport),
            (EventKind::Event, Transport::Fetch)
        );
        assert_eq!(view.event_name.as_deref(), Some("page_view"));
        assert_eq!(view.event_class, Some(EventClass::Automatic));
        assert_eq!(view.custom_data.len(), 0, "the next line's are not here");
        assert_eq!(sent.event_name.as_deref(), Some("report sent"));
        assert_eq!(sent.event_class, Some(EventClass::Custom));
        assert_eq!(sent.pixel_id.as_deref(), Some("G-ABC123"));
        assert_eq!(
            sent.page_url.as_deref(),
            Some("https://www.police.example/report/")
        );
        assert_eq!(
            serde_json::Value::from(sent.custom_data.clone()),
            serde_json::json!({"offence": "sexual offence", "step": 3, "up.kind": "victim"})
        );
        assert_eq!(sent.parameters.len(), 6 + 4);
        assert_eq!(sent.identity[0].signal, "cid");
        assert_eq!(sent.problems, Vec::<String>::new());
    }

    #[test]
    fn one_event_in_the_query_and_data_given_by_the_user() {
        let hash = data_encoding::BASE64URL_NOPAD.encode(&[7; 32]);
        let url = format!("{SHARED}&en=purchase&uid=u1&em=tv.1~em.{hash}~fn.x");
        let events = request(&url, "GET", None);
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].event_class, Some(EventClass::Standard));
        let data = &events[0].user_data;
        assert_eq!(
            (data[0].key.as_str(), data[0].form),
            ("em", ValueForm::Sha256)
        );
        assert_eq!(
            (data[1].key.as_str(), data[1].form),
            ("fn", ValueForm::Unknown)
        );
        let named: Vec<_> = events[0]
            .identity
            .iter()
            .map(|i| (i.signal.as_str(), i.strength))
            .collect();
        assert_eq!(
            named,
            [
                ("em[em]", Strength::Person),
                ("em[fn]", Strength::Weak),
                ("uid", Strength::SitePerson),
                ("cid", Strength::Browser)
            ]
        );
    }

    #[test]
    fn another_host_needs_the_shape() {
        let own = request(
            "https://metrics.police.example/g/collect?v=2&tid=G-A&en=x",
            "GET",
            None,
        );
        assert_eq!(own[0].confidence, Confidence::High);
        assert!(request("https://www.police.example/g/collect?x=1", "GET", None).is_empty());
        let bare = request(
            "https://www.google-analytics.com/g/collect?v=2",
            "GET",
            None,
        );
        assert_eq!(bare[0].problems, ["there is no `tid`", "there is no `en`"]);
    }

    #[test]
    fn a_batch_beyond_reason_is_kept_and_not_multiplied() {
        let body = "en=a\n".repeat(1000);
        let events = request(SHARED, "POST", Some(body.as_bytes()));
        assert_eq!(events.len(), 101);
        let last = &events[100];
        assert_eq!(last.parameters.last().unwrap().value.lines().count(), 900);
        assert!(
            last.problems[0].contains("more than 100"),
            "{:?}",
            last.problems
        );
    }
}
