//! The leak search, against vectors that share nothing with it, against traffic that holds nothing, and against shells.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::BASE64;
use pixelwitness::leak::{Hit, Reader, Search, Sent, Sought, chain, shell};
use pixelwitness::model::{Cookie, Exchange, Headers, WebSocketFrame};
use serde::Deserialize;

use crate::common::root;

/// A row of `tests/fixtures/leaks/matrix.jsonl`, as `tests/leak-matrix/generate.py` writes it.
#[derive(Debug, Deserialize)]
struct Row {
    transform: String,
    place: String,
    canary: RowCanary,
    url: String,
    method: String,
    headers: Vec<(String, String)>,
    cookies: Vec<(String, String)>,
    body_base64: Option<String>,
    frames: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct RowCanary {
    name: String,
    kind: String,
    value: String,
}

fn rows() -> Vec<Row> {
    let path = root().join("tests/fixtures/leaks/matrix.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn sought(name: &str, kind: &str, value: &str) -> Sought {
    Sought {
        name: name.to_owned(),
        kind: kind.to_owned(),
        value: value.to_owned(),
        rare: true,
    }
}

fn exchange(row: &Row) -> (Exchange, Option<Vec<u8>>) {
    let mut exchange = Exchange::begun("x0001".into(), &row.url, &row.method, "site.example");
    exchange.request_headers = Headers::from(row.headers.clone());
    exchange.cookies = row
        .cookies
        .iter()
        .map(|(name, value)| Cookie {
            name: name.clone(),
            value: value.clone(),
            sent: true,
            withheld: None,
        })
        .collect();
    exchange.frames = row
        .frames
        .iter()
        .map(|payload| WebSocketFrame {
            direction: "sent".into(),
            opcode: 1,
            payload_base64: payload.clone(),
            time: None,
        })
        .collect();
    let body = row
        .body_base64
        .as_ref()
        .map(|body| BASE64.decode(body.as_bytes()).unwrap());
    (exchange, body)
}

fn read(search: &Search, exchange: &Exchange, body: Option<&[u8]>) -> Vec<Hit> {
    Reader::new(search).read(Sent { exchange, body }).hits
}

/// Transforms that `docs/leaks.md` lists as not found, each with its reason there.
const MISSED: [(&str, &str); 0] = [];

#[test]
fn the_matrix_is_found() {
    let rows = rows();
    let canaries: BTreeMap<String, (String, String)> = rows
        .iter()
        .map(|row| {
            let canary = &row.canary;
            (
                canary.name.clone(),
                (canary.kind.clone(), canary.value.clone()),
            )
        })
        .collect();
    let search = Search::new(
        canaries
            .iter()
            .map(|(name, (kind, value))| sought(name, kind, value))
            .collect(),
    );
    let transforms: BTreeSet<&str> = rows.iter().map(|row| row.transform.as_str()).collect();
    let places: BTreeSet<&str> = rows.iter().map(|row| row.place.as_str()).collect();
    assert!(transforms.len() >= 60 && places.len() >= 8);
    assert_eq!(rows.len(), transforms.len() * places.len());
    let mut missed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for row in &rows {
        let (exchange, body) = exchange(row);
        let hits = read(&search, &exchange, body.as_deref());
        let is_it = |hit: &&Hit| {
            let suspected = row.transform.contains("murmur3_32");
            search.canaries()[hit.canary].name == row.canary.name && hit.suspected == suspected
        };
        if !hits.iter().any(|hit| is_it(&hit)) {
            missed.entry(&row.transform).or_default().push(&row.place);
        }
        for hit in &hits {
            if search.canaries()[hit.canary].name != row.canary.name {
                wrong.push((row, hit.clone()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let count: usize = missed.values().map(Vec::len).sum();
    let share = 1.0 - count as f64 / rows.len() as f64;
    eprintln!(
        "{} of {} found ({:.1} %), missed: {missed:#?}",
        rows.len() - count,
        rows.len(),
        share * 100.0
    );
    let expected: BTreeSet<(&str, &str)> = MISSED.into_iter().collect();
    let got: BTreeSet<(&str, &str)> = missed
        .iter()
        .flat_map(|(transform, places)| places.iter().map(|place| (*transform, *place)))
        .collect();
    assert!(share >= 0.97, "{share}");
    assert_eq!(
        got, expected,
        "what is missed is what the docs say is missed"
    );
}

/// Each line is run, and prints what stood in the request, or what of the canary it holds.
#[test]
fn the_shell_lines_do_what_they_say() {
    let mut ran = 0;
    let mut without = BTreeSet::new();
    for row in rows().iter().filter(|row| row.place == "form") {
        let search = Search::new(vec![sought(
            &row.canary.name,
            &row.canary.kind,
            &row.canary.value,
        )]);
        let (exchange, body) = exchange(row);
        let hits = read(&search, &exchange, body.as_deref());
        for hit in hits.iter().filter(|hit| !hit.suspected) {
            let Some(line) = shell(&row.canary.value, &hit.value, hit.whole, &hit.steps) else {
                without.insert(row.transform.clone());
                continue;
            };
            let output = std::process::Command::new("sh")
                .arg("-c")
                .arg(&line)
                .env("LC_ALL", "C.UTF-8")
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            let said = said.trim_end_matches('\n');
            let chain = chain(&hit.place, &hit.steps, &row.canary.kind);
            assert!(!said.is_empty(), "{chain}\n{line}\n{output:#?}");
            if !line.contains("grep") {
                assert_eq!(said, String::from_utf8_lossy(&hit.value), "{chain}\n{line}");
            }
            ran += 1;
        }
    }
    eprintln!("{ran} lines ran; no line for {without:?}");
    assert!(ran >= 80, "{ran}");
}
