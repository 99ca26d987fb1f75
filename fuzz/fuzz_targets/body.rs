//! Any body of any type, to each decoder's endpoint.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pixelwitness::decode::decode;
use pixelwitness::model::{BodyState, Exchange, TrackerEvent};

const ENDPOINTS: [&str; 4] = [
    "https://www.facebook.com/tr/",
    "https://www.police.example/events",
    "https://www.google-analytics.com/g/collect?v=2&tid=G-1",
    "https://analytics.tiktok.com/api/v2/pixel",
];
const TYPES: [&str; 4] = [
    "application/x-www-form-urlencoded",
    "text/plain",
    "application/json",
    "",
];

fuzz_target!(|data: &[u8]| {
    let Some((first, body)) = data.split_first() else {
        return;
    };
    let url = ENDPOINTS[usize::from(*first) % 4];
    let mut exchange = Exchange::begun("x0001".into(), url, "POST", "police.example");
    exchange.body_state = BodyState::Complete;
    exchange.request_headers =
        vec![("content-type".into(), TYPES[usize::from(*first >> 2) % 4].into())].into();
    let events = decode(&exchange, Some(body));
    assert!(url.contains("police") || !events.is_empty());
    for event in events {
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<TrackerEvent>(&text).unwrap(), event);
    }
});
