use std::io::{Cursor, Read};

use flate2::read::GzDecoder;
use serde_json::json;
use zip::{CompressionMethod, ZipArchive};

use super::*;
use crate::model::{AuditRecord, BodyState, Counts};

fn run() -> RunRecord {
    serde_json::from_value(json!({
        "tool": { "name": "pixelwitness", "version": "0.1.0", "platform": "linux-x86_64" },
        "browser": null,
        "scenario": {
            "title": "Report\r\nWARC-Type: request", "path": "", "sha256": "", "origin": "https://a.example", "topics": [],
        },
        "started": "2026-11-24T09:00:00.000Z", "finished": null, "options": {}, "canaries": [],
        "journey": { "state": "completed", "steps": [] },
        "audit": AuditRecord::default(), "counts": Counts::default(), "problems": [],
    }))
    .unwrap()
}

fn exchange(id: &str, method: &str, url: &str, status: u16) -> Exchange {
    let mut exchange = Exchange::begun(id.to_owned(), url, method, "a.example");
    exchange.sent = Some(true);
    exchange.status = Some(status);
    exchange.response_headers = vec![(
        "content-type".to_owned(),
        "text/html; charset=utf-8".to_owned(),
    )]
    .into();
    exchange
}

fn exchanges() -> Vec<Exchange> {
    let document = |id, url, status| Exchange {
        resource_type: "document".to_owned(),
        target_type: Some("page".to_owned()),
        target: Some("T".to_owned()),
        frame: Some("T".to_owned()),
        ..exchange(id, "GET", url, status)
    };
    let framed = Exchange {
        frame: Some("F".to_owned()),
        ..document("x0004", "https://a.example/frame", 200)
    };
    let posted = Exchange {
        body_state: BodyState::Complete,
        ..exchange("x0005", "POST", "https://b.example/tr", 204)
    };
    let kept_back = Exchange {
        sent: Some(false),
        ..document("x0006", "https://a.example/cached", 200)
    };
    let unanswered = Exchange {
        status: None,
        ..exchange("x0007", "GET", "https://b.example/never", 0)
    };
    vec![
        document("x0001", "https://a.example/old", 302),
        document("x0002", "https://www.a.example/", 200),
        document("x0003", "https://www.a.example/", 200),
        framed,
        posted,
        kept_back,
        unanswered,
    ]
}

fn rendered() -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    let body = |exchange: &Exchange| (exchange.method == "POST").then(|| b"x".to_vec());
    let answer =
        |exchange: &Exchange| (exchange.id == "x0002").then(|| b"<title>Home</title>".to_vec());
    render(&run(), &exchanges(), &body, &answer, &mut out).unwrap();
    out.into_inner()
}

fn member(zip: &[u8], path: &str) -> (CompressionMethod, Vec<u8>) {
    let mut zip = ZipArchive::new(Cursor::new(zip)).unwrap();
    let mut file = zip.by_name(path).unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    (file.compression(), bytes)
}

#[test]
fn the_same_run_gives_the_same_bytes_and_they_are_those_that_the_package_names() {
    let zip = rendered();
    assert_eq!(zip, rendered());
    let (_, about) = member(&zip, "datapackage.json");
    let digest: Value = serde_json::from_slice(&member(&zip, "datapackage-digest.json").1).unwrap();
    assert_eq!(digest["hash"], sha256(&about));
    let about: Value = serde_json::from_slice(&about).unwrap();
    assert_eq!(about["mainPageUrl"], "https://www.a.example/");
    let resources = about["resources"].as_array().unwrap();
    assert_eq!(resources.len(), 3);
    for resource in resources {
        let (_, bytes) = member(&zip, resource["path"].as_str().unwrap());
        assert_eq!(resource["hash"], sha256(&bytes));
        assert_eq!(resource["bytes"], bytes.len());
    }
}

#[test]
fn the_index_says_where_each_answer_stands() {
    let zip = rendered();
    let (method, warc) = member(&zip, ARCHIVE);
    assert_eq!(method, CompressionMethod::Stored);
    let index = String::from_utf8(member(&zip, INDEX).1).unwrap();
    let lines: Vec<&str> = index.lines().collect();
    let keys: Vec<&str> = lines
        .iter()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    let posted = "example,b)/tr?__wb_method=post&__wb_post_data=ea==";
    assert_eq!(
        keys,
        [
            "example,a)/",
            "example,a)/",
            "example,a)/frame",
            "example,a)/old",
            posted
        ]
    );
    for line in lines {
        let fields: Value = serde_json::from_str(line.splitn(3, ' ').nth(2).unwrap()).unwrap();
        let number = |name: &str| fields[name].as_str().unwrap().parse::<usize>().unwrap();
        let gzip = &warc[number("offset")..][..number("length")];
        assert_eq!(fields["recordDigest"], sha256(gzip));
        let mut record = String::new();
        GzDecoder::new(gzip).read_to_string(&mut record).unwrap();
        let url = format!("WARC-Target-URI: {}\r\n", fields["url"].as_str().unwrap());
        assert!(record.starts_with("WARC/1.1\r\nWARC-Type: response\r\n") && record.contains(&url));
        assert!(record.contains(&format!("\r\n\r\nHTTP/1.1 {} ", number("status"))));
        // The one body that is known, and the one answer that has none, are whole.
        let whole = record.contains("<title>") || fields["status"] == "204";
        assert_eq!(
            !whole,
            record.contains("\r\nWARC-Truncated: unspecified\r\n"),
            "{record}"
        );
    }
}

#[test]
fn what_was_not_sent_is_counted_and_has_no_record() {
    let (_, warc) = member(&rendered(), ARCHIVE);
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(warc.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    assert!(text.contains("\r\nexchanges-without-record: 1 "));
    assert!(text.contains("\r\nisPartOf: Report  WARC-Type: request\r\n"));
    assert!(!text.contains("/cached"));
    assert_eq!(text.matches("\r\nWARC-Type: response\r\n").count(), 5);
    assert_eq!(text.matches("\r\nWARC-Type: request\r\n").count(), 6);
    assert_eq!(
        text.matches("\r\nWARC-Concurrent-To: <urn:uuid:").count(),
        5
    );
    assert!(
        text.contains("POST /tr HTTP/1.1\r\nhost: b.example\r\ncontent-length: 1\r\n\r\nx\r\n\r\n")
    );
}

#[test]
fn pages_are_what_the_visitor_came_to() {
    let pages = String::from_utf8(member(&rendered(), PAGES).1).unwrap();
    let pages: Vec<Value> = pages
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        pages[0],
        json!({ "format": "json-pages-1.0", "id": "pages", "title": "All Pages" })
    );
    let titles: Vec<&Value> = pages[1..].iter().map(|page| &page["title"]).collect();
    assert_eq!(titles, ["Home", "https://www.a.example/"]);
    assert_ne!(pages[1]["id"], pages[2]["id"]);
    assert_eq!(pages[1]["ts"], "2026-11-24T09:00:00.000Z");
}
