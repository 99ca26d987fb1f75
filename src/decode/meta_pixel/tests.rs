use super::*;
use crate::model::{BodyState, Cookie, Outcome, Source, ValueForm};
use serde_json::Value;

const PAGE: &str = "https%3A%2F%2Fwww.police.example%2Freport%2F";

fn one(exchange: &Exchange, body: Option<&[u8]>) -> TrackerEvent {
    let mut events = crate::decode::decode(exchange, body);
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

fn get(url: &str) -> Exchange {
    let mut exchange = Exchange::begun("x0001".into(), url, "GET", "police.example");
    exchange.resource_type = "image".into();
    exchange.outcome = Outcome::Completed;
    exchange.saw(Source::Network);
    exchange
}

fn post(content_type: &str, resource_type: &str, body: &[u8]) -> TrackerEvent {
    let url = "https://www.facebook.com/tr/";
    let mut exchange = Exchange::begun("x0001".into(), url, "POST", "police.example");
    exchange.resource_type = resource_type.into();
    exchange.body_state = BodyState::Complete;
    exchange.request_headers = vec![("Content-Type".into(), content_type.into())].into();
    one(&exchange, Some(body))
}

fn decode(url: &str) -> TrackerEvent {
    one(&get(url), None)
}

#[test]
fn a_page_view_by_get() {
    let event = decode(&format!(
        "https://www.facebook.com/tr/?id=740215930186274&ev=PageView&dl={PAGE}&rl=&if=false\
         &ts=1690000000000&sw=1366&v=2.9.324&r=stable&ec=0&o=4126\
         &fbp=fb.1.1690000000000.1234567890&it=1689999999000&coo=false&x_new=1&rqm=GET"
    ));
    assert_eq!(event.kind, EventKind::Event);
    assert_eq!(event.transport, Transport::Get);
    assert_eq!(event.pixel_id.as_deref(), Some("740215930186274"));
    assert_eq!(event.event_name.as_deref(), Some("PageView"));
    assert_eq!(event.event_class, Some(EventClass::Standard));
    assert_eq!(
        event.page_url.as_deref(),
        Some("https://www.police.example/report/")
    );
    assert_eq!(event.referrer.as_deref(), Some(""));
    assert_eq!(event.fbp.as_deref(), Some("fb.1.1690000000000.1234567890"));
    assert_eq!(event.fbc, None);
    assert_eq!(event.parameters.len(), 16, "every parameter is kept");
    assert_eq!(event.parameters[14].key, "x_new");
    assert_eq!(
        event.parameters[14].meaning, None,
        "the unknown is kept and not explained"
    );
    assert_eq!(event.parameters[0].meaning.as_deref(), Some("pixel id"));
    assert_eq!(event.problems, Vec::<String>::new());
}

#[test]
fn a_button_click_by_form_post_with_what_was_typed() {
    let hash = "5d2505e90a363a0a3f777f3f8b098be73bb22b542dd0cd66662e866ccb12484d";
    let body = format!(
        "id=740215930186274&ev=SubscribedButtonClick&dl={PAGE}&cd%5BbuttonText%5D=Send+report\
         &cd[buttonFeatures]=%7B%22id%22%3A%22%22%2C%22tag%22%3A%22button%22%7D\
         &udff%5Bem%5D={hash}&udff[ph]=undefined&ud[external_id]=abc-1&es=automatic&rqm=formPOST"
    );
    let event = post(
        "application/x-www-form-urlencoded",
        "document",
        body.as_bytes(),
    );
    assert_eq!(event.transport, Transport::FormPost);
    assert_eq!(event.event_class, Some(EventClass::Automatic));
    assert_eq!(event.custom_data["buttonText"], "Send report");
    assert_eq!(event.custom_data["buttonFeatures"]["tag"], "button");
    let em = &event.user_data[0];
    assert_eq!(
        (em.key.as_str(), em.source.as_str(), em.form),
        ("em", "udff", ValueForm::Sha256)
    );
    assert_eq!(event.user_data[1].form, ValueForm::Placeholder);
    let signals: Vec<_> = event
        .identity
        .iter()
        .map(|i| (i.signal.as_str(), i.strength))
        .collect();
    assert_eq!(
        signals,
        [
            ("udff[em]", Strength::Person),
            ("ud[external_id]", Strength::SitePerson)
        ]
    );
    assert!(
        event
            .parameters
            .iter()
            .all(|parameter| parameter.place == Place::Form)
    );
}

#[test]
fn a_beacon_as_multipart() {
    let part = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body = [
        part("id", "740215930186274"),
        part("ev", "TimeOnPage"),
        part("cd[seconds]", "3"),
        part("cd[Schema.org]", "[]\r\n\r\n"),
        part("fbc", "fb.1.1690000000000.abc+d"),
        "--b--\r\n".into(),
    ]
    .concat();
    let event = post("multipart/form-data; boundary=b", "ping", body.as_bytes());
    assert_eq!(event.transport, Transport::Beacon);
    assert_eq!(event.event_class, Some(EventClass::Custom));
    assert_eq!(event.custom_data["seconds"], 3);
    assert_eq!(event.custom_data["Schema.org"], Value::Array(vec![]));
    assert_eq!(event.fbc.as_deref(), Some("fb.1.1690000000000.abc+d"));
    assert_eq!(event.identity[0].strength, Strength::Click);
    assert_eq!(event.parameters.len(), 5);
}

#[test]
fn cookies_that_were_sent_name_the_visitor_and_withheld_ones_do_not() {
    let mut exchange = get("https://www.facebook.com/tr/?id=1&ev=PageView");
    let cookie = |name: &str, sent: bool| Cookie {
        name: name.into(),
        value: format!("{name}-value"),
        sent,
        withheld: (!sent).then(|| "ThirdPartyPhaseout".into()),
    };
    exchange.cookies = vec![
        cookie("fr", true),
        cookie("c_user", true),
        cookie("datr", false),
        cookie("xs", true),
    ];
    let event = one(&exchange, None);
    let signals: Vec<_> = event
        .identity
        .iter()
        .map(|signal| {
            (
                signal.signal.as_str(),
                signal.value.as_str(),
                signal.strength,
            )
        })
        .collect();
    assert_eq!(
        signals,
        [
            ("cookie:c_user", "c_user-value", Strength::Account),
            ("cookie:xs", "[redacted]", Strength::Account),
            ("cookie:fr", "fr-value", Strength::Browser),
        ]
    );
}

#[test]
fn repeated_keys_become_arrays_and_long_numbers_stay_exact() {
    let event = decode(
        "https://www.facebook.com/tr?id=12345678901234567&ev=Lead&cd[a]=1&cd[a]=x&cd[a]=[2]\
         &cd[n]=123456789012345678901234567890&cd[list]=[1]&cd[broken]=%7B%22a%22",
    );
    assert_eq!(event.pixel_id.as_deref(), Some("12345678901234567"));
    assert_eq!(event.custom_data["a"], serde_json::json!([1, "x", [2]]));
    assert_eq!(event.custom_data["n"], "123456789012345678901234567890");
    assert_eq!(event.custom_data["list"], serde_json::json!([1]));
    assert_eq!(event.custom_data["broken"], "{\"a\"");
}

#[test]
fn placeholder_hashes_are_flagged_and_name_nobody() {
    let null = "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b";
    let event = decode(&format!(
        "https://www.facebook.com/tr/?id=1&ev=Lead&ud[em]={null}&cud[em]=***%40&ud[ph]="
    ));
    assert_eq!(event.user_data[0].form, ValueForm::Placeholder);
    assert_eq!(event.user_data[1].form, ValueForm::Mask);
    assert_eq!(event.user_data[2].form, ValueForm::Unknown);
    let signals: Vec<_> = event
        .identity
        .iter()
        .map(|signal| signal.signal.as_str())
        .collect();
    assert_eq!(signals, ["cud[em]"]);
}

#[test]
fn hosts_are_matched_by_label_and_other_requests_are_left_alone() {
    for url in [
        "https://www.facebook.com.example/tr/?id=1&ev=PageView",
        "https://www.notfacebook.com/tr/?id=1&ev=PageView",
        "https://www.facebook.com/trx/?id=1&ev=PageView",
        "https://www.facebook.com/",
        "https://www.police.example/tr/?id=1&ev=PageView",
    ] {
        assert_eq!(crate::decode::decode(&get(url), None), [], "{url}");
    }
    let preflight = Exchange {
        method: "OPTIONS".into(),
        ..get("https://www.facebook.com/tr/")
    };
    assert_eq!(crate::decode::decode(&preflight, None), []);
}

#[test]
fn config_and_library_requests_are_told_apart_from_events() {
    let config = decode(
        "https://connect.facebook.net/signals/config/740215930186274?v=2.9.324&r=stable&domain=www.police.example",
    );
    assert_eq!(config.kind, EventKind::Config);
    assert_eq!(config.pixel_id.as_deref(), Some("740215930186274"));
    assert_eq!(config.parameters[0].place, Place::Path);
    assert_eq!(config.problems, Vec::<String>::new());
    let library = decode("https://connect.facebook.net/en_US/fbevents.js");
    assert_eq!(library.kind, EventKind::Library);
}

#[test]
fn what_is_missing_or_broken_is_said_and_kept() {
    let event = decode("https://www.facebook.com/tr?test=1");
    assert_eq!(event.problems, ["there is no `id`", "there is no `ev`"]);
    let event = decode("https://www.facebook.com/tr/?id=&ev=PageView&a=%ff&b=%zz");
    assert_eq!(event.problems.len(), 3, "{:?}", event.problems);
    assert_eq!(event.pixel_id, None);
    assert_eq!(event.parameters.len(), 4);
    let mut lost = get("https://www.facebook.com/tr/");
    lost.method = "POST".into();
    lost.body_state = BodyState::Unavailable;
    let event = one(&lost, None);
    assert!(
        event
            .problems
            .iter()
            .any(|problem| problem.contains("could not be had"))
    );
}

#[test]
fn the_method_decides_the_transport_and_the_label_only_where_nothing_else_does() {
    let labelled = "https://www.facebook.com/tr/?id=1&ev=PageView&rqm=formPOST";
    assert_eq!(decode(labelled).transport, Transport::Get);
    assert_eq!(
        decode("https://www.facebook.com/tr?id=1&ev=PageView&noscript=1").transport,
        Transport::Noscript
    );
    let other = post(
        "application/x-www-form-urlencoded",
        "other",
        b"id=1&ev=Lead&rqm=SB",
    );
    assert_eq!(other.transport, Transport::Beacon);
    let unknown = post(
        "application/x-www-form-urlencoded",
        "other",
        b"id=1&ev=Lead",
    );
    assert_eq!(unknown.transport, Transport::Unknown);
    assert_eq!(
        post("", "fetch", b"id=1&ev=Lead").transport,
        Transport::Fetch
    );
}

#[test]
fn the_initiator_is_the_script_that_sent_it() {
    let mut exchange = get("https://www.facebook.com/tr/?id=1&ev=PageView");
    exchange.initiator = (&serde_json::json!({"type": "script", "stack": {"callFrames": [
        {"functionName": "a", "url": ""}, {"functionName": "send", "url": "https://connect.facebook.net/en_US/fbevents.js"}
    ]}})).into();
    let event = one(&exchange, None);
    assert_eq!(
        event.initiator.as_deref(),
        Some("https://connect.facebook.net/en_US/fbevents.js")
    );
}
