//! What holds for any request and any file.

use pixelwitness::decode::decode;
use pixelwitness::intake;
use pixelwitness::model::{BodyState, Exchange, TrackerEvent};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

use crate::decode::decoded;

const TR: &str = "https://www.facebook.com/tr/";

fn post(url: &str, content_type: &str, body: &[u8]) -> Vec<TrackerEvent> {
    let mut exchange = Exchange::begun("x0001".into(), url, "POST", "police.example");
    exchange.body_state = BodyState::Complete;
    exchange.request_headers = vec![("content-type".into(), content_type.into())].into();
    decode(&exchange, Some(body))
}

fn pairs(event: &TrackerEvent) -> Vec<(String, String)> {
    let parameters = event.parameters.iter();
    parameters
        .map(|parameter| (parameter.key.clone(), parameter.value.clone()))
        .collect()
}

/// A record can be written and read back.
fn assert_writable(events: &[TrackerEvent]) {
    for event in events {
        let text = serde_json::to_string(event).unwrap();
        assert_eq!(serde_json::from_str::<TrackerEvent>(&text).unwrap(), *event);
    }
}

fn parameter() -> impl Strategy<Value = (String, String)> {
    let key = prop_oneof![
        "[a-z]{1,4}",
        "(cd|ud|udff|cud|ie)\\[[a-zA-Z. -]{1,8}\\]",
        "\\PC{1,6}"
    ];
    (key, prop_oneof!["\\PC{0,20}", "[ -~\r\n\t]{0,40}"])
}

proptest! {
    #[test]
    fn parameters_come_out_as_they_went_in(list in vec(parameter(), 1..30)) {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&list).finish();
        let query = form.replace('+', "%20");
        let exchange = Exchange::begun("x0001".into(), &format!("{TR}?{query}"), "GET", "police.example");
        prop_assert_eq!(pairs(&decode(&exchange, None)[0]), list.clone());
        let events = post(TR, "application/x-www-form-urlencoded", form.as_bytes());
        prop_assert_eq!(pairs(&events[0]), list.clone());
        // What multipart cannot hold: quotes in a name, and what some recorders encode there.
        let list: Vec<_> = list.into_iter().filter(|(key, _)| !key.contains(['"', '%'])).collect();
        let parts: String = list.iter().map(|(key, value)| {
            format!("--x-1\r\nContent-Disposition: form-data; name=\"{key}\"\r\n\r\n{value}\r\n")
        }).collect();
        let events = post(TR, "multipart/form-data; boundary=x-1", format!("{parts}--x-1--\r\n").as_bytes());
        prop_assert_eq!(pairs(&events[0]), list);
    }

    #[test]
    fn any_url_and_any_body_give_records(
        url in "\\PC{0,60}", body in vec(any::<u8>(), 0..200), kind in 0..4_usize, tail in "[ -~]{0,60}"
    ) {
        let exchange = Exchange::begun("x0001".into(), &url, "GET", "police.example");
        assert_writable(&decode(&exchange, None));
        let exchange = Exchange::begun("x0001".into(), &format!("{TR}?{tail}"), "GET", "police.example");
        let events = decode(&exchange, None);
        prop_assert_eq!(events.len(), 1);
        assert_writable(&events);
        let content_type = ["multipart/form-data; boundary=b", "multipart/form-data", "text/plain", ""][kind];
        let events = post(TR, content_type, &body);
        prop_assert_eq!(events.len(), 1);
        assert_writable(&events);
        for url in ["https://analytics.tiktok.com/api/v2/pixel", "https://www.google-analytics.com/g/collect?v=2&tid=G-1"] {
            let events = post(url, content_type, &body);
            prop_assert!(!events.is_empty());
            assert_writable(&events);
        }
    }

    #[test]
    fn any_file_gives_records_or_an_error(text in vec(any::<u8>(), 0..300), wrap in any::<bool>()) {
        let text = if wrap { [b"{\"log\":{\"entries\":[", &text[..]].concat() } else { text };
        assert_writable(&decoded(&text).0);
    }

    /// The glance before parsing passes over nothing that a decoder would have read.
    #[test]
    fn nothing_is_passed_over(
        host in prop_oneof!["(www\\.|web\\.)?facebook\\.com", "connect\\.facebook\\.net", "[a-z]{1,5}\\.example"],
        path in prop_oneof!["/tr/?", "/x/tr", "/pix", "/signals/config/1", "/js/fbevents\\.js", "/plugins/like\\.php", "/g/collect"],
        query in prop_oneof!["", "id=1234567890123&ev=[A-Z]&dl=x&rl=&if=false&ts=1&it=2&v=3", "v=2&tid=G-1&en=x", "domain=x"],
        body in prop_oneof![
            Just(None), "id=1234567890123&ev=[A-Z]&dl=x&rl=&if=false&ts=1&it=2&v=3".prop_map(Some),
            Just(Some("{\"fb.pixel_id\":\"1\",\"event_name\":\"A\"}".to_owned())),
            Just(Some("--b\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n1234567890123\r\n--b\r\nContent-Disposition: form-data; name=\"ev\"\r\n\r\nA\r\n--b--".to_owned())),
        ],
        escaped in any::<bool>(),
    ) {
        let mut request = json!({"method": if body.is_some() { "POST" } else { "GET" }, "url": format!("https://{host}{path}?{query}")});
        if let Some(body) = body {
            request["postData"] = json!({"mimeType": "", "text": body});
        }
        let mut text = json!({"log": {"entries": [{"request": request}]}}).to_string();
        if escaped {
            text = text.replace('/', "\\/");
        }
        let mut thorough = Vec::new();
        intake::decode(text.as_bytes(), true, &mut |decoded| {
            thorough.extend(decoded.events);
            Ok(())
        }).unwrap();
        let mut quick = Vec::new();
        intake::decode(text.as_bytes(), false, &mut |decoded| {
            quick.extend(decoded.events);
            Ok(())
        }).unwrap();
        prop_assert_eq!(thorough, quick);
    }

    /// Cut anywhere, a HAR gives the records before the cut.
    #[test]
    fn a_har_that_is_cut_gives_what_stands_before(cut in 0.0..1.0_f64) {
        let har = include_str!("../fixtures/hars/webpagetest.har");
        let (whole, _) = decoded(har.as_bytes());
        let cut = (har.len() as f64 * cut) as usize;
        let (before, error) = decoded(&har.as_bytes()[..cut]);
        prop_assert!(error.is_some());
        prop_assert_eq!(&before[..], &whole[..before.len()]);
    }
}
