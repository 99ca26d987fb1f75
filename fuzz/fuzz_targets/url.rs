//! Any URL: every request of Meta's gives a record that can be written and read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pixelwitness::decode::decode;
use pixelwitness::model::{Exchange, TrackerEvent};

const HOSTS: [&str; 6] = [
    "https://www.facebook.com/tr/?",
    "https://www.facebook.com/",
    "https://connect.facebook.net/",
    "https://www.police.example/tr?",
    "https://www.google-analytics.com/g/collect?v=2&tid=G-1&",
    "",
];

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let host = HOSTS[usize::from(*first) % HOSTS.len()];
    let url = format!("{host}{}", String::from_utf8_lossy(rest));
    let exchange = Exchange::begun("x0001".into(), &url, "GET", "police.example");
    let events = decode(&exchange, None);
    if host.starts_with("https://www.facebook.com/tr/") {
        assert_eq!(events.len(), 1);
    }
    for event in events {
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<TrackerEvent>(&text).unwrap(), event);
    }
});
