//! Real requests, where there are some: not part of this repository, since they are other people's traffic.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::common::root;
use crate::decode::decoded;

/// JSON Lines with `url`, `method`, `content_type` and `body`; beside the repository, or where the variable says.
fn corpus() -> Option<String> {
    let path = std::env::var_os("PIXELWITNESS_CORPUS").map_or_else(
        || root().join("../shared/corpus/tr_requests.jsonl"),
        Into::into,
    );
    std::fs::read_to_string(path).ok()
}

/// Keys and values of a request, taken apart by another way than the decoder's.
fn expected(request: &Value) -> Vec<(String, String)> {
    let url = url::Url::parse(request["url"].as_str().unwrap()).unwrap();
    let unescaped = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    let mut pairs: Vec<(String, String)> = url
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.find('=') {
            Some(at) => (unescaped(&pair[..at]), unescaped(&pair[at + 1..])),
            None => (unescaped(pair), String::new()),
        })
        .collect();
    let Some(body) = request["body"].as_str() else {
        return pairs;
    };
    if let Some((_, boundary)) = request["content_type"]
        .as_str()
        .unwrap()
        .split_once("boundary=")
    {
        for part in body.split(&format!("--{boundary}")) {
            if let Some((head, value)) = part.split_once("\r\n\r\n") {
                let name = head
                    .split("name=\"")
                    .nth(1)
                    .unwrap()
                    .split('"')
                    .next()
                    .unwrap();
                pairs.push((
                    name.to_owned(),
                    value.strip_suffix("\r\n").unwrap().to_owned(),
                ));
            }
        }
    } else {
        let form = url::form_urlencoded::parse(body.as_bytes());
        pairs.extend(form.map(|(key, value)| (key.into_owned(), value.into_owned())));
    }
    pairs
}

#[test]
fn every_real_request_decodes_to_one_record_with_exactly_its_own_parameters() {
    let Some(text) = corpus() else {
        eprintln!("note: no corpus of real requests is here: not checked");
        return;
    };
    let requests: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(!requests.is_empty());
    let (events, error) = decoded(text.as_bytes());
    assert_eq!(error, None);
    assert_eq!(events.len(), requests.len(), "one record each");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (request, event) in requests.iter().zip(&events) {
        let pairs = expected(request);
        let found: Vec<(String, String)> = event
            .parameters
            .iter()
            .map(|parameter| (parameter.key.clone(), parameter.value.clone()))
            .collect();
        assert_eq!(found, pairs, "{}", event.url);
        let value = |key: &str| {
            let pair = pairs
                .iter()
                .find(|(name, value)| name == key && !value.is_empty());
            pair.map(|(_, value)| value.clone())
        };
        assert_eq!(event.pixel_id, value("id"), "{}", event.url);
        assert_eq!(event.event_name, value("ev"), "{}", event.url);
        let transport = serde_json::to_value(event.transport).unwrap();
        let kind = serde_json::to_value(event.kind).unwrap();
        let name = event.event_name.as_deref().unwrap_or("(none)");
        for what in [
            format!("event {name}"),
            format!("kind {}", kind.as_str().unwrap()),
            format!("transport {}", transport.as_str().unwrap()),
        ]
        .into_iter()
        .chain(
            event
                .problems
                .iter()
                .map(|problem| format!("problem {problem}")),
        ) {
            *counts.entry(what).or_default() += 1;
        }
    }
    for (what, count) in counts {
        eprintln!("{count:5}  {what}");
    }
}
