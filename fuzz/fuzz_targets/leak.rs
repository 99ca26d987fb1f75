//! Any request: looking through it ends, within bounds, and what is found in it is said to be where it is.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pixelwitness::leak::{Reader, Search, Sent, Sought, chain, shell};
use pixelwitness::model::{Exchange, Headers};

static SEARCH: LazyLock<Search> = LazyLock::new(|| {
    let canaries = [
        ("email", "Qzkvwxj.Mtrplhd+bqxzk@example.com"),
        ("phone", "07700900417"),
        ("name", "Vexqjorth"),
        ("text", "Wqzjxkvp and Tzxvbnqw wrote this as a test"),
        ("date", "1985-03-07"),
    ];
    let sought = |(kind, value): &(&str, &str)| Sought {
        name: (*kind).to_owned(),
        kind: (*kind).to_owned(),
        value: (*value).to_owned(),
        rare: true,
    };
    Search::new(canaries.iter().map(sought).collect())
});

const TYPES: [&str; 5] = [
    "text/plain",
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "application/octet-stream",
];

fuzz_target!(|data: &[u8]| {
    let Some((first, body)) = data.split_first() else {
        return;
    };
    let query = String::from_utf8_lossy(&body[..body.len() / 4]);
    let url = format!("https://t.example/a?{query}");
    let mut exchange = Exchange::begun("x0001".into(), &url, "POST", "police.example");
    let content_type = TYPES[usize::from(*first) % TYPES.len()].to_owned();
    exchange.request_headers = Headers::from(vec![("content-type".to_owned(), content_type)]);
    let found = Reader::new(&SEARCH).read(Sent {
        exchange: &exchange,
        body: Some(body),
    });
    for hit in found.hits {
        let sought = &SEARCH.canaries()[hit.canary];
        assert!(!chain(&hit.place, &hit.steps, &sought.kind).is_empty());
        let _ = shell(&sought.value, &hit);
        if let Some(range) = hit.range {
            assert!(range.start <= range.end && range.end <= url.len().max(body.len()));
        }
    }
});
