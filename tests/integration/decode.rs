//! Requests that other tools recorded, decoded offline.

use std::io::Write;
use std::process::Stdio;

use flate2::Compression;
use flate2::write::GzEncoder;
use pixelwitness::decode::{DECODERS, Sequence};
use pixelwitness::intake;
use pixelwitness::model::{EventKind, Outcome, TrackerEvent};
use serde_json::{Value, json};

use crate::common::{blessed, pixelwitness, program, root};

/// The records of a file's text, and how it ended.
pub fn decoded(text: &[u8]) -> (Vec<TrackerEvent>, Option<String>) {
    let mut sequence = Sequence::default();
    let mut events = Vec::new();
    let result = intake::decode(text, false, &mut |decoded| {
        for mut event in decoded.events {
            sequence.place(&mut event);
            events.push(event);
        }
        Ok(())
    });
    (events, result.err().map(|error| error.to_string()))
}

fn fixture(name: &str) -> String {
    std::fs::read_to_string(root().join("tests/fixtures").join(name)).unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn each_row_of_the_tables_decodes_to_what_it_should() {
    let text = fixture("requests/meta_pixel.jsonl");
    let rows = lines(&text);
    let (events, error) = decoded(text.as_bytes());
    assert_eq!(error, None);
    assert_eq!(events.len(), rows.len(), "one record each");
    for (row, event) in rows.iter().zip(&events) {
        let name = row["name"].as_str().unwrap();
        let record = serde_json::to_value(event).unwrap();
        for (key, expected) in row["expect"].as_object().unwrap() {
            let found = match key.as_str() {
                "parameter_count" => json!(event.parameters.len()),
                key => record[key].clone(),
            };
            assert_eq!(found, *expected, "{name}: {key}");
        }
        for (key, expected) in row["expect_parameters"].as_object().unwrap() {
            let found = record["parameters"].as_array().unwrap().iter();
            let parameter = found
                .clone()
                .find(|parameter| parameter["key"] == **key)
                .unwrap_or_else(|| panic!("{name}: no {key}"));
            for (what, expected) in expected.as_object().unwrap() {
                assert_eq!(parameter[what], *expected, "{name}: {key}: {what}");
            }
        }
    }
}

#[test]
fn a_repeated_delivery_is_marked_and_another_event_is_not() {
    let text = fixture("requests/repeated.jsonl");
    let (events, _) = decoded(text.as_bytes());
    for (row, event) in lines(&text).iter().zip(&events) {
        let marked = serde_json::to_value(&event.duplicate_of).unwrap();
        assert_eq!(marked, row["duplicate_of"], "{}", row["name"]);
    }
    assert_eq!(events.iter().filter(|event| event.tells()).count(), 12);
}

/// One event by GET, one by a form, one as multipart, as each tool writes them.
fn by_tool(name: &str) -> Vec<TrackerEvent> {
    let (events, error) = decoded(fixture(&format!("hars/{name}.har")).as_bytes());
    assert_eq!(error, None, "{name}");
    events
}

#[test]
fn every_tools_har_gives_the_same_events() {
    for tool in [
        "chromium",
        "firefox",
        "playwright",
        "charles",
        "mitmproxy",
        "webpagetest",
        "sitespeed",
    ] {
        let events = by_tool(tool);
        let told: Vec<_> = events
            .iter()
            .map(|event| {
                (
                    event.event_name.as_deref().unwrap(),
                    event.pixel_id.as_deref().unwrap(),
                    event.page_url.as_deref().unwrap(),
                    event
                        .custom_data
                        .get("buttonText")
                        .cloned()
                        .unwrap_or_default(),
                    event.user_data.len(),
                    event.time.map(|time| time.to_string()),
                )
            })
            .collect();
        let page = "https://www.police.example/report/";
        let at = |second| Some(format!("2026-11-24T09:00:0{second}.000Z"));
        let pixel = "740215930186274";
        assert_eq!(
            told,
            [
                ("PageView", pixel, page, Value::Null, 0, at(1)),
                (
                    "SubscribedButtonClick",
                    pixel,
                    page,
                    json!("Send + go"),
                    1,
                    at(2)
                ),
                ("Microdata", pixel, page, Value::Null, 0, at(3)),
            ],
            "{tool}"
        );
        assert_eq!(
            events[2].custom_data["Meta"],
            json!({"title": "Report – a crime"}),
            "{tool}"
        );
        let cookie = events[0]
            .identity
            .iter()
            .find(|signal| signal.signal == "cookie:c_user");
        assert_eq!(
            cookie.map(|signal| signal.value.as_str()),
            Some("100000000000001"),
            "{tool}"
        );
    }
}

#[test]
fn a_list_of_parameters_in_place_of_the_text_is_said() {
    for event in &by_tool("firefox")[1..] {
        assert!(event.problems.is_empty(), "{:?}", event.problems);
    }
    let charles = by_tool("charles");
    assert_eq!(charles[0].problems, Vec::<String>::new());
    for event in &charles[1..] {
        assert!(
            event.problems[0].contains("built again"),
            "{:?}",
            event.problems
        );
    }
}

#[test]
fn an_entry_that_cannot_be_read_gives_a_record_with_its_problem() {
    let har = r#"{"log":{"entries":[
        {"request":{"url":"https://www.facebook.com/tr/?id=1&ev=A"}},
        {"request":{"method":"GET"}},
        {"request":{"method":"POST","url":"https://www.facebook.com/tr/"}},
        7,
        {"request":{"url":"https://www.facebook.com/tr/?id=1&ev=B\ud83d"}},
        {"request":{"url":"x","url":"https://www.facebook.com/tr/?id=1&ev=C"}},
        {"request":{"url":"https://www.police.example/"}},
        {"request":{"url":"//www.facebook.com/tr/?id=1&ev=E"}},
        {"request":{"url":"data:,x"}},
        {"request":{"url":"https://www.facebook.com/tr/?id=1&ev=F"},"response":{"status":0,"_error":"net::ERR_BLOCKED_BY_CLIENT"}},
        {"request":{"method":"POST","url":"https://www.facebook.com/tr/","postData":{"mimeType":"","text":"ev=D&id=1","encoding":"base64"}}}
    ]}}"#;
    let (events, error) = decoded(har.as_bytes());
    assert_eq!(error, None);
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event.exchange.as_str(),
                event.event_name.as_deref(),
                event.problems.join("; "),
            )
        })
        .collect();
    let is = |at: usize, exchange: &str, name: Option<&str>, problem: &str| {
        let (found, event, problems) = &told[at];
        assert_eq!((*found, *event), (exchange, name));
        assert!(problems.contains(problem), "{problems}");
    };
    assert_eq!(told.len(), 9);
    is(0, "x0001", Some("A"), "");
    is(1, "x0002", None, "entry 2: missing field `url`");
    is(2, "x0003", None, "a body that could not be had");
    is(3, "x0004", None, "entry 4: invalid type: integer");
    is(4, "x0005", Some("B\u{fffd}"), "repaired");
    is(5, "x0006", Some("C"), "keys twice");
    is(
        6,
        "x0008",
        None,
        "entry 8: `//www.facebook.com/tr/?id=1&ev=E` is no URL",
    );
    is(7, "x0010", Some("F"), "");
    assert_eq!(events[7].outcome, Outcome::Blocked);
    is(8, "x0011", Some("D"), "not the base64");
}

#[test]
fn the_command_reads_files_pipes_and_gzip_and_says_where_a_har_is_cut() {
    let har = fixture("hars/chromium.har");
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(har.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();

    let plain = pixelwitness(&["decode", &path("plain.har", har.as_bytes())], &[]);
    assert_eq!(
        plain.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&plain.stderr)
    );
    assert_eq!(
        lines(&String::from_utf8(plain.stdout.clone()).unwrap()).len(),
        3
    );
    let gzipped = pixelwitness(&["decode", &path("gzipped", &gzip)], &[]);
    assert_eq!(gzipped.stdout, plain.stdout);

    let mut piped = program()
        .args(["decode", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    piped.stdin.take().unwrap().write_all(&gzip).unwrap();
    assert_eq!(piped.wait_with_output().unwrap().stdout, plain.stdout);

    let cut = har.rfind("startedDateTime").unwrap();
    let cut = pixelwitness(&["decode", &path("cut.har", &har.as_bytes()[..cut])], &[]);
    assert_eq!(cut.status.code(), Some(2));
    assert!(!cut.stdout.is_empty() && plain.stdout.starts_with(&cut.stdout));
    let said = String::from_utf8(cut.stderr).unwrap();
    assert!(said.contains("cut off or broken after entry"), "{said}");
    assert_eq!(said.matches("error:").count(), 1, "{said}");

    let half = pixelwitness(&["decode", &path("half.gz", &gzip[..gzip.len() / 2])], &[]);
    assert_eq!(half.status.code(), Some(2));
    let broken = pixelwitness(
        &[
            "decode",
            &path(
                "broken.jsonl",
                b"{\"url\": 1\n{\"url\":\"https://www.facebook.com/tr/?id=1&ev=A\"}\n",
            ),
        ],
        &[],
    );
    assert_eq!(broken.status.code(), Some(3));
    let records = lines(&String::from_utf8(broken.stdout).unwrap());
    assert_eq!(records[0]["kind"], "unknown");
    assert_eq!(records[1]["event_name"], "A");
    for (file, message) in [
        (
            path("image.png", b"\x89PNG"),
            "neither a HAR nor JSON Lines",
        ),
        (path("empty", b""), "the input is empty"),
        (
            folder.path().join("none").to_str().unwrap().to_owned(),
            "No such file",
        ),
        (folder.path().to_str().unwrap().to_owned(), "is a directory"),
    ] {
        let output = pixelwitness(&["decode", &file], &[]);
        assert_eq!(output.status.code(), Some(2), "{file}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(message), "{said}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn the_summary_says_who_was_told_what_and_who_else_was_asked() {
    let path = root().join("tests/fixtures/hars/chromium.har");
    let output = pixelwitness(&["decode", "--summary", path.to_str().unwrap()], &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    blessed("decode_summary.txt", &text);
}

#[test]
fn a_parameter_and_a_request_are_explained() {
    for key in ["udff[em]", "udff%5Bem%5D"] {
        let output = pixelwitness(&["explain", key], &[]);
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            "udff[em] (meta_pixel): e-mail, taken from typed form fields\n"
        );
    }
    let output = pixelwitness(
        &[
            "explain",
            "https://www.facebook.com/tr/",
            "--body",
            "id=740215930186274&ev=Lead&ts=1690000000000&x=%zz",
        ],
        &[],
    );
    blessed("explain.txt", &String::from_utf8(output.stdout).unwrap());
    for unknown in ["no-such-key", "https://www.police.example/"] {
        let output = pixelwitness(&["explain", unknown], &[]);
        assert_eq!(output.status.code(), Some(2), "{unknown}");
    }
}

/// The reference in the documentation is what the decoder knows.
#[test]
fn the_reference_of_parameters_is_the_decoders_own() {
    let path = root().join("docs/meta-pixel.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let marker = "<!-- Below: generated from the decoder's tables. -->\n\n";
    let (introduction, rest) = text.split_once(marker).expect("a marker");
    let reference = pixelwitness::decode::meta_pixel::reference();
    if std::env::var_os("PIXELWITNESS_BLESS").is_some() {
        std::fs::write(&path, format!("{introduction}{marker}{reference}")).unwrap();
    } else {
        assert_eq!(rest, reference, "PIXELWITNESS_BLESS=1 writes it anew");
    }
}

#[test]
fn vendors_have_names_of_their_own() {
    let mut names: Vec<_> = DECODERS.iter().map(|decoder| decoder.vendor()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names, ["google_analytics_4", "meta_pixel", "tiktok_pixel"]);
}

fn of_entries(entries: &str) -> Vec<TrackerEvent> {
    let (events, error) = decoded(format!(r#"{{"log":{{"entries":[{entries}]}}}}"#).as_bytes());
    assert_eq!(error, None);
    events
}

/// What odd recorders and hostile pages write, and what must come of it all the same.
#[test]
fn odd_entries_lose_nothing() {
    let tr = "https://www.facebook.com/tr/";
    // One element of a list that cannot be read takes no other with it.
    let events = of_entries(&format!(
        r#"{{"request":{{"method":"POST","url":"{tr}","headers":[{{"name":"x","value":"\ud83d"}},{{"name":"cookie","value":"c_user=42"}},{{"name":"Cookie","value":"fr=1"}}],"postData":{{"mimeType":"application/x-www-form-urlencoded","params":[{{"name":"id","value":"1234567890123456"}},{{"name":"ev","value":"Lead"}},null]}}}}}}"#
    ));
    assert_eq!(events[0].event_name.as_deref(), Some("Lead"));
    let named: Vec<&str> = events[0]
        .identity
        .iter()
        .map(|signal| signal.signal.as_str())
        .collect();
    assert_eq!(named, ["cookie:c_user", "cookie:fr"]);
    assert!(
        events[0]
            .problems
            .iter()
            .any(|problem| problem.contains("element 3")),
        "{:?}",
        events[0].problems
    );
    // The upload's own heads, base64 over lines, a multipart of another boundary, an answer that is none.
    let base64 = r"aWQ9MTIzNDU2Nzg5\nMDEyMzQ1NiZldj1MZWFk";
    for entry in [
        format!(
            r#"{{"request":{{"method":"POST","url":"{tr}","postData":{{"mimeType":"","text":"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 30\r\n\r\nid=1234567890123456&ev=Lead"}}}}}}"#
        ),
        format!(
            r#"{{"request":{{"method":"POST","url":"{tr}","postData":{{"mimeType":"","text":"{}","encoding":"base64"}}}}}}"#,
            base64
        ),
        format!(
            r#"{{"request":{{"method":"POST","url":"{tr}","postData":{{"mimeType":"multipart/form-data; boundary=X","text":"--B\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n1234567890123456\r\n--B\r\nContent-Disposition: form-data; name=\"ev\"\r\n\r\nLead\r\n--B--"}}}}}}"#
        ),
        format!(
            r#"{{"request":{{"url":"{tr}?id=1234567890123456&ev=Lead"}},"response":"","_resourceType":[]}}"#
        ),
        format!(
            r#"{{"request":{{"method":"POST","url":"{tr}?id=1234567890123456&ev=Lead","postData":{{"mimeType":"text/plain","text":"a=[{{\"fb.pixel_id\":\"1\"}}]"}}}}}}"#
        ),
        r#"{"request":{"url":"https://www.facebook.com//tr/?id=1234567890123456&ev=Lead"}}"#
            .to_owned(),
    ] {
        let events = of_entries(&entry);
        assert_eq!(events.len(), 1, "{entry}");
        let found = (
            events[0].kind,
            events[0].pixel_id.as_deref(),
            events[0].event_name.as_deref(),
        );
        assert_eq!(
            found,
            (EventKind::Event, Some("1234567890123456"), Some("Lead")),
            "{entry}"
        );
    }
    // Addresses that no browser has are said.
    for url in [
        "https:/www.facebook.com/tr/?id=1&ev=P",
        "https:///www.facebook.com/tr/",
        "www.facebook.com:443/tr/?id=1",
    ] {
        let events = of_entries(&format!(r#"{{"request":{{"url":"{url}"}}}}"#));
        assert_eq!(events[0].kind, EventKind::Unknown, "{url}");
    }
    // Nobody is named by words for nobody.
    let events = of_entries(&format!(
        r#"{{"request":{{"url":"{tr}?id=1&ev=P&ud[em]=undefined&ud[external_id]=null"}}}}"#
    ));
    assert_eq!(events[0].identity, []);
}
