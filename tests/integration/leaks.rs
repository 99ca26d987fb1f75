//! The leak search, against vectors that share nothing with it, against traffic that holds nothing, and against shells.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use data_encoding::BASE64;
use pixelwitness::demo::{Build, DemoServer};
use pixelwitness::leak::{Extent, Hit, Reader, Search, Sent, Sought, chain, shell};
use pixelwitness::model::{
    Certainty, Cookie, Exchange, Findings, Headers, JourneyState, Leak, LeakExtent, Outcome,
    Submission, VerdictOutcome, WebSocketFrame,
};
use pixelwitness::run::{Audited, Run, RunOptions, Typing, audit_bundle};
use pixelwitness::scenario::{Scenario, Seed};
use serde::Deserialize;

use crate::common::{never, options, pixelwitness, replay, root, scenario};

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
            let Some(line) = shell(&row.canary.value, hit) else {
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

/// Canaries that no request holds.
fn strangers() -> Search {
    let seed = Seed::from_text("nobody's");
    let kinds = [
        "email", "phone", "name", "text", "date", "postcode", "number",
    ];
    let canaries = kinds.iter().map(|kind| {
        let kind = pixelwitness::scenario::CanaryKind::of(kind).unwrap();
        let canary = seed.canary(kind.as_str(), kind);
        sought(&canary.name, kind.as_str(), &canary.value)
    });
    Search::new(canaries.collect())
}

/// Requests as trackers make them, of random values in all the alphabets that are decoded.
#[test]
fn random_requests_hold_nothing() {
    let search = strangers();
    let mut reader = Reader::new(&search);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    const ALPHABETS: [&[u8]; 8] = [
        b"0123456789",
        b"0123456789abcdef",
        b"0123456789ABCDEF",
        b"abcdefghijklmnopqrstuvwxyz",
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        b" etaoinshrdlucmfwypvbgkqjxz.,@",
    ];
    let mut hits = Vec::new();
    let mut values = 0;
    for number in 0..10_000 {
        let mut text = || {
            let alphabet = ALPHABETS[random(8) as usize];
            let length = [4, 8, 11, 16, 32, 40, 64, 100, 300][random(9) as usize];
            let letter = |_| char::from(alphabet[random(alphabet.len() as u64) as usize]);
            (0..length).map(letter).collect::<String>()
        };
        let pairs: Vec<(String, String)> = (0..8).map(|at| (format!("p{at}"), text())).collect();
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&pairs)
            .finish();
        let json =
            serde_json::json!({ "dob": text(), "v": pairs, "em": text(), "t": text() }).to_string();
        let url = format!(
            "https://t.example/{}/x?{form}",
            text().replace(['/', ' '], "")
        );
        let mut exchange = Exchange::begun(format!("x{number}"), &url, "POST", "site.example");
        exchange.request_headers = Headers::from(vec![("x-id".to_owned(), text())]);
        let body = match number % 3 {
            0 => json.into_bytes(),
            1 => form.into_bytes(),
            _ => BASE64.encode(text().as_bytes()).into_bytes(),
        };
        let found = reader.read(Sent {
            exchange: &exchange,
            body: Some(&body),
        });
        assert_eq!(found.unsearched, [""; 0]);
        values += found.values;
        hits.extend(found.hits);
    }
    assert!(values > 150_000, "{values}");
    assert!(hits.is_empty(), "{hits:#?}");
}

/// Real requests, with canaries that are not in them.
#[test]
fn real_requests_hold_nothing() {
    let corpus = root().join("../shared/corpus/tr_requests.jsonl");
    let fixtures = root().join("tests/fixtures/requests/meta_pixel.jsonl");
    let search = strangers();
    let mut searched = 0;
    // The corpus is not part of the project, and is read where it is.
    for file in [corpus, fixtures].iter().filter(|file| file.exists()) {
        let input = std::fs::File::open(file).unwrap();
        let counted = pixelwitness::intake::search(input, &search, "", true, &mut |looked| {
            for decoded in looked.decoded {
                let found = decoded
                    .looked
                    .map(|looked| looked.found)
                    .unwrap_or_default();
                assert!(found.hits.is_empty(), "{:#?}", found.hits);
                searched += 1;
            }
            Ok(())
        });
        counted.unwrap();
    }
    assert!(searched > 10, "{searched}");
}

fn leak<'a>(run: &'a Run, canary: &str, place: &str) -> &'a Leak {
    let mut leaks = run.findings.leaks.iter();
    leaks
        .find(|leak| leak.canary == canary && leak.place == place)
        .unwrap_or_else(|| panic!("{canary} at {place}: {:#?}", run.findings.leaks))
}

#[tokio::test]
async fn the_leaky_build_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario("scenarios/demo/report-sexual-offence.yaml");
    let (run, _server) = replay(&scenario, Build::Leaky, &folder.path().join("run")).await;
    for (name, verdict) in run.findings.verdicts.all() {
        assert_eq!(verdict.outcome, VerdictOutcome::Found, "{name}");
        assert!(!verdict.evidence.is_empty(), "{name}");
    }
    let email = leak(&run, "email", "form:udff[em]");
    assert_eq!(email.chain, "form:udff[em] ← sha256 ← lower ← email");
    assert_eq!(
        email.submission,
        Submission::Before,
        "typed, and not sent by the visitor"
    );
    assert_eq!(email.recipient.as_deref(), Some("Meta"));
    assert_eq!(email.fields, ["#email"]);
    assert_eq!(email.typed_in, [16]);
    assert!(email.url.starts_with("https://www.facebook.com/tr/"));
    // The bytes are those of the digest.
    let exchange = run
        .exchanges
        .iter()
        .find(|exchange| exchange.id == email.exchange)
        .unwrap();
    let body = pixelwitness::bundle::read_body(&run.bundle, exchange).unwrap();
    let range = email.range.unwrap();
    assert_eq!(
        &body[range.start as usize..range.end as usize],
        email.value.as_bytes()
    );
    let phone = leak(&run, "phone", "form:udff[ph]");
    assert_eq!(
        phone.chain,
        "form:udff[ph] ← sha256 ← country code 44 ← digits ← phone"
    );
    let observed: Vec<(&str, &str)> = run
        .findings
        .contexts
        .iter()
        .map(|context| {
            (
                context.observation.place.as_str(),
                context.observation.text.as_str(),
            )
        })
        .collect();
    for expected in [
        ("cd[buttonText]", "Sexual offence"),
        (
            "page address",
            "https://www.northgate.police.example/report/sexual-offence/",
        ),
        (
            "cd[pageFeatures].title",
            "Report a sexual offence | Northgate Police",
        ),
    ] {
        assert!(observed.contains(&expected), "{expected:?}: {observed:#?}");
    }
    let link = &run.findings.identities[0];
    assert_eq!(
        (link.signal.as_str(), link.planted),
        ("cookie:c_user", true)
    );
    // In its file it says the same, and so it does when it is found again from the journal.
    let text = std::fs::read(run.bundle.join("data/findings.json")).unwrap();
    assert_eq!(
        serde_json::from_slice::<Findings>(&text).unwrap(),
        run.findings
    );
    assert!(matches!(
        audit_bundle(&run.bundle).unwrap(),
        Audited::Confirmed(_)
    ));
    // The HAR holds all that a search needs.
    let har = run.bundle.join("data/traffic.har");
    let value = &run
        .record
        .canaries
        .iter()
        .find(|canary| canary.name == "email")
        .unwrap()
        .value;
    let canary = format!("email={value}");
    let arguments = [
        "decode",
        har.to_str().unwrap(),
        "--canary",
        &canary,
        "--site",
        "police.example",
    ];
    let output = pixelwitness(&arguments, &[]);
    assert_eq!(output.status.code(), Some(1));
    let said: Vec<Leak> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let chains = |leaks: &[&Leak]| -> Vec<(String, String)> {
        leaks
            .iter()
            .map(|leak| (leak.exchange.clone(), leak.chain.clone()))
            .collect()
    };
    let expected: Vec<&Leak> = run
        .findings
        .leaks
        .iter()
        .filter(|leak| leak.canary == "email")
        .collect();
    assert_eq!(chains(&said.iter().collect::<Vec<_>>()), chains(&expected));
}

#[tokio::test]
async fn the_fixed_build_is_cleared_and_says_what_was_searched() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario("scenarios/demo/report-sexual-offence.yaml");
    let (run, _server) = replay(&scenario, Build::Fixed, &folder.path().join("run")).await;
    let findings = &run.findings;
    for (name, verdict) in findings.verdicts.all() {
        assert_eq!(
            verdict.outcome,
            VerdictOutcome::NotFound,
            "{name}: {}",
            verdict.why
        );
        assert!(verdict.why.starts_with("searched for "), "{}", verdict.why);
    }
    let searched = &findings.searched;
    let names: Vec<&str> = searched
        .canaries
        .iter()
        .map(|canary| canary.name.as_str())
        .collect();
    assert!(
        names.starts_with(&["account", "email", "first", "last", "phone"]),
        "{names:?}"
    );
    let typed = searched
        .canaries
        .iter()
        .take(5)
        .all(|canary| !canary.typed_in.is_empty() && canary.forms.len() >= 3);
    assert!(typed, "{searched:#?}");
    assert!(searched.exchanges.told > 0 && searched.exchanges.own > searched.exchanges.own_holding);
    assert_eq!(
        searched.exchanges.own_holding, 1,
        "the report that was contained holds what was typed"
    );
    assert!(searched.transforms.digests > 3000 && searched.transforms.algorithms.len() >= 20);
    assert_eq!((searched.places.len(), searched.limits.len()), (12, 0));
}

fn watched() -> Scenario {
    let text = "title: Watched\norigin: https://www.northgate.police.example\ncanaries: { email: email, phone: phone }\nsteps:\n  \
                - navigate: /trials/watcher/\n  - change: { selector: \"#email\", value: \"{{email}}\" }\n  \
                - change: { selector: \"#phone\", value: \"{{phone}}\" }\n  - submit: text/Send report\n";
    Scenario::parse(Path::new("watched.yaml"), text.to_owned()).unwrap()
}

/// Key by key, in pieces, under a short hash: each is told as what it is. Controls confirm the short hash, and name the
/// field that cannot be decoded.
#[tokio::test]
async fn what_is_hard_to_see_is_seen_and_controls_tell_it_from_chance() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = watched();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let mut runs = Vec::new();
    for (name, typing) in [
        ("run", Typing::AsWritten),
        ("others", Typing::OtherCanaries),
        ("nothing", Typing::Nothing),
        ("again", Typing::AsWritten),
    ] {
        let options = RunOptions {
            typing,
            settle: std::time::Duration::from_secs(2),
            ..options(&server, folder.path().join(name)).await
        };
        let run = pixelwitness::run::run(&scenario, &options, never(), &|_| {})
            .await
            .unwrap();
        assert_eq!(
            run.record.journey.state,
            JourneyState::Completed,
            "{:#?}",
            run.record.problems
        );
        runs.push(run);
    }
    let [mut run, others, nothing, again]: [Run; 4] = runs.try_into().unwrap();
    let value = |run: &Run, name: &str| {
        let mut canaries = run.record.canaries.iter();
        canaries
            .find(|canary| canary.name == name)
            .unwrap()
            .value
            .clone()
    };
    assert_eq!(value(&run, "email"), value(&again, "email"));
    assert_ne!(value(&run, "email"), value(&others, "email"));
    assert!(
        nothing
            .record
            .canaries
            .iter()
            .all(|canary| canary.typed_in.is_empty())
    );
    assert_eq!(
        nothing.findings.verdicts.typed_value.outcome,
        VerdictOutcome::NotTested
    );

    let keys = leak(&run, "email", "query:k");
    let length = value(&run, "email").len() as u64;
    assert_eq!(keys.extent, LeakExtent::Keystrokes { values: length });
    assert_eq!(keys.submission, Submission::Before);
    let pieces = leak(&run, "phone", "query:a + query:b");
    assert_eq!(pieces.extent, LeakExtent::Split { pieces: 2 });
    let short = leak(&run, "email", "query:c");
    assert_eq!(short.chain, "query:c ← decimal ← crc32 ← lower ← email");
    assert_eq!(short.certainty, Certainty::Suspected);
    assert!(
        !run.findings
            .verdicts
            .typed_value
            .evidence
            .contains(&short.id)
    );

    run.control(&again, &others, &nothing).unwrap();
    assert_eq!(
        leak(&run, "email", "query:c").certainty,
        Certainty::Confirmed
    );
    let controls = run.findings.controls.as_ref().unwrap();
    assert!(controls.runs.iter().all(|control| control.completed));
    let fields: Vec<&str> = controls
        .fields
        .iter()
        .map(|field| field.place.as_str())
        .collect();
    assert_eq!(
        fields,
        ["query:h"],
        "neither the clock nor chance follows what is typed"
    );
    assert!(controls.fields[0].with_nothing_typed.is_empty());
    // Written down, and still what an audit comes to.
    let text = std::fs::read(run.bundle.join("data/findings.json")).unwrap();
    assert_eq!(
        serde_json::from_slice::<Findings>(&text).unwrap(),
        run.findings
    );
    assert!(matches!(
        audit_bundle(&run.bundle).unwrap(),
        Audited::Confirmed(_)
    ));
}

fn decode(file: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let arguments = [&["decode", file.to_str().unwrap()], arguments].concat();
    let output = pixelwitness(&arguments, &[]);
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn a_file_is_searched_for_what_somebody_typed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("requests.jsonl");
    // printf %s jane.roe@example.com | sha256sum
    let hash = "5e2e6f4e5b3fe5ddf1ee0a5e0cb4a0f4c8b3f9b4b5a5b4a5e5d5c5b5a5f5e5d5";
    let digest = {
        use sha2::Digest as _;
        data_encoding::HEXLOWER.encode(&sha2::Sha256::digest("jane.roe@example.com"))
    };
    assert_ne!(hash, digest);
    let lines = [
        format!(r#"{{"url":"https://t.example/c?h={digest}&x=1"}}"#),
        format!(r#"{{"url":"https://t.example/c?h={hash}&x=1"}}"#),
        r#"{"url":"https://www.police.example/report","method":"POST","content_type":"application/x-www-form-urlencoded","body":"email=Jane.Roe%40example.com"}"#.to_owned(),
        r#"{"url":"https://www.police.example/tr/?id=740215930186274&ev=Lead&ud[em]=Jane.Roe@example.com"}"#.to_owned(),
    ];
    std::fs::write(&file, lines.join("\n")).unwrap();
    let canary = ["--canary", "email=Jane.Roe@example.com"];

    let (code, out, said) = decode(
        &file,
        &[&canary[..], &["--site", "police.example"]].concat(),
    );
    assert_eq!(code, Some(1), "{said}");
    let leaks: Vec<Leak> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let chains: Vec<(&str, &str)> = leaks
        .iter()
        .map(|leak| (leak.host.as_str(), leak.chain.as_str()))
        .collect();
    // The site's own form is no leak; the tracker that plays on its host is.
    assert_eq!(
        chains,
        [
            ("t.example", "query:h ← sha256 ← lower ← email"),
            ("www.police.example", "query:ud[em] ← email"),
        ]
    );
    assert!(
        said.starts_with("note: found: email left, in 2 places"),
        "{said}"
    );

    let (code, out, _) = decode(
        &file,
        &[&canary[..], &["--summary", "--site", "police.example"]].concat(),
    );
    assert_eq!(code, Some(1));
    for expected in [
        "What was looked for was told to t.example:",
        "check: printf %s 'Jane.Roe@example.com' | tr A-Z a-z | sha256sum",
        "Did what was typed leave?  found",
    ] {
        assert!(out.contains(expected), "{expected} in {out}");
    }
    let (code, out, said) = decode(&file, &["--canary", "email=somebody.else@example.com"]);
    assert_eq!((code, out.as_str()), (Some(0), ""));
    assert!(
        said.contains("not found: searched for email (")
            && said.contains(" of 4 requests to others"),
        "{said}"
    );
}

#[test]
fn a_canary_that_makes_no_sense_is_refused() {
    let file = root().join("tests/fixtures/requests/meta_pixel.jsonl");
    for (arguments, expected) in [
        (&["--canary", "jane"][..], "expected KIND=VALUE"),
        (
            &["--canary", "colour=blue"],
            "`colour` is no kind of canary; expected one of email, phone",
        ),
        (&["--canary", "name=x"], "too short"),
        (
            &["--canary", "name=Ann", "--canary", "name=Other"],
            "two canaries of the name `name`",
        ),
        (&["--site", "police.example"], "--canary"),
    ] {
        let (code, _, said) = decode(&file, arguments);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(expected), "{expected} in {said}");
    }
    let (code, _, said) = decode(
        &file,
        &[
            "--canary",
            "first:name=Vexqjorth",
            "--canary",
            "last:name=Kjqzxwv",
        ],
    );
    // One of the requests has lost its body: what was in it is not known.
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains("inconclusive") && said.contains("the file does not have its body"),
        "{said}"
    );
}

/// As Chromium's DevTools save them; keys that come one by one, in a file that has no targets.
#[test]
fn websocket_messages_and_keys_of_a_har_are_searched() {
    let value = "Vexqjorth";
    let message =
        |text: &str| serde_json::json!({ "type": "send", "time": 1.0, "opcode": 1, "data": text });
    let entry = |url: &str, messages: Vec<serde_json::Value>| {
        serde_json::json!({
            "startedDateTime": "2026-01-02T03:04:05.000Z",
            "request": { "method": "GET", "url": url, "headers": [], "cookies": [] },
            "response": { "status": 101 },
            "_webSocketMessages": messages,
        })
    };
    let hidden = BASE64.encode(format!("{{\"n\":\"{value}\"}}").as_bytes());
    let mut entries = vec![entry(
        "wss://t.example/s",
        vec![
            message("hello"),
            message(&format!("{{\"v\":\"{hidden}\"}}")),
        ],
    )];
    entries.extend(
        value
            .chars()
            .map(|key| entry(&format!("https://k.example/k?key={key}&n=1"), Vec::new())),
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("saved.har");
    std::fs::write(
        &file,
        serde_json::json!({ "log": { "entries": entries } }).to_string(),
    )
    .unwrap();
    let (code, out, said) = decode(&file, &["--canary", "name=Vexqjorth"]);
    assert_eq!(code, Some(1), "{said}");
    let leaks: Vec<Leak> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let places: Vec<(&str, &str, LeakExtent)> = leaks
        .iter()
        .map(|leak| (leak.place.as_str(), leak.chain.as_str(), leak.extent))
        .collect();
    assert_eq!(
        places,
        [
            (
                "websocket[1] › json:v",
                "websocket[1] › json:v ← base64 ← json[n] ← name",
                LeakExtent::Whole
            ),
            (
                "query:key",
                "query:key ← key by key ← name",
                LeakExtent::Keystrokes { values: 9 }
            ),
        ]
    );
}

/// A value of one's own that is a common word or a number counts as a word, not as letters in others.
#[test]
fn common_words_are_words() {
    let own = |kind: &str, value: &str| Sought {
        rare: false,
        ..sought(kind, kind, value)
    };
    let search = Search::new(vec![
        own("name", "Martin"),
        own("number", "482913"),
        own("text", "Marshall"),
    ]);
    let mut hits = Vec::new();
    for url in [
        "https://smartinternet.example/a?x=Martinez&y=1748291300&z=xMartin",
        "https://t.example/?a=mars&b=hall&n=1482913&d0=4829&d1=13",
    ] {
        let exchange = Exchange::begun("x1".into(), url, "GET", "site.example");
        hits.extend(read(&search, &exchange, None));
    }
    assert!(hits.is_empty(), "{hits:#?}");
    let exchange = Exchange::begun(
        "x1".into(),
        "https://t.example/?a=dear+Martin%2C&b=Marshall",
        "GET",
        "site.example",
    );
    let found: BTreeSet<usize> = read(&search, &exchange, None)
        .iter()
        .map(|hit| hit.canary)
        .collect();
    assert_eq!(found, BTreeSet::from([0, 2]));
}

fn posted(body: &str) -> Exchange {
    let mut exchange = Exchange::begun(
        "x0001".into(),
        "https://t.example/c",
        "POST",
        "site.example",
    );
    exchange.request_headers =
        Headers::from(vec![("content-type".to_owned(), "text/plain".to_owned())]);
    exchange.body_size = Some(body.len() as u64);
    exchange
}

/// What is not searched to its end is said, and is not taken for known.
#[test]
fn nothing_is_left_out_silently() {
    use std::io::Write;
    let email = "Qzkvwxj.Mtrplhd+bqxzk@example.com";
    let search = Search::new(vec![sought("email", "email", email)]);
    let mut reader = Reader::new(&search);
    // Twenty megabytes in a few thousand bytes, the e-mail at their end.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b' '; 20 << 20]).unwrap();
    encoder.write_all(email.as_bytes()).unwrap();
    let bomb = encoder.finish().unwrap();
    let exchange = posted("");
    let found = reader.read(Sent {
        exchange: &exchange,
        body: Some(&bomb),
    });
    assert_eq!(found.hits, []);
    assert_eq!(
        found.unsearched,
        ["it decodes to more than is looked through"]
    );
    assert_eq!(found.exchange, "x0001");
    // More values than are looked through, in a query; and a cookie after them, whose value comes again in another.
    let hidden = BASE64.encode(email.as_bytes());
    let cookie = Cookie {
        name: "u".into(),
        value: hidden,
        sent: true,
        withheld: None,
    };
    let query: String = (0..200_000).map(|_| "a=1&").collect();
    let mut first = Exchange::begun(
        "x0002".into(),
        &format!("https://t.example/?{query}"),
        "GET",
        "site.example",
    );
    first.cookies.push(cookie.clone());
    let mut second = Exchange::begun("x0003".into(), "https://t.example/", "GET", "site.example");
    second.cookies.push(cookie);
    let one = reader.read(Sent {
        exchange: &first,
        body: None,
    });
    let other = reader.read(Sent {
        exchange: &second,
        body: None,
    });
    assert!(!one.hits.is_empty() || !one.unsearched.is_empty());
    assert_eq!(
        other.hits.len(),
        1,
        "what was cut short is not remembered: {other:#?}"
    );
}

/// Forms of the same thing that were missed once.
#[test]
fn odd_shapes_are_found() {
    use sha2::Digest as _;
    let email = "Qzkvwxj.Mtrplhd+bqxzk@example.com";
    let search = Search::new(vec![
        sought("email", "email", email),
        sought("phone", "phone", "07700900417"),
    ]);
    let hash = sha2::Sha256::digest(email.to_lowercase());
    let crc = {
        let mut crc = flate2::Crc::new();
        crc.update(b"07700900417");
        crc.sum()
    };
    let hex = data_encoding::HEXLOWER.encode(&hash);
    let base64 = BASE64.encode(&hash);
    for (body, expected) in [
        (format!("0x{hex}"), "body ← hex ← sha256 ← lower ← email"),
        (
            format!("src=1;type=x;u1={base64};ord=2"),
            "base64 ← sha256 ← lower ← email",
        ),
        (format!("id_{hex}_x"), "sha256 ← lower ← email"),
        ("{\"+447700 900417\": 1}".to_owned(), "phone"),
    ] {
        let exchange = posted(&body);
        let hits = read(&search, &exchange, Some(body.as_bytes()));
        let chains: Vec<String> = hits
            .iter()
            .map(|hit| chain(&hit.place, &hit.steps, &search.canaries()[hit.canary].kind))
            .collect();
        let tail = expected.trim_start_matches("body ← hex ← ");
        assert!(
            chains.iter().any(|chain| chain.ends_with(tail)),
            "{body}: {chains:?}"
        );
    }
    // A number that may be chance takes no place of what is certain.
    let url = format!("https://t.example/?c={crc}&a=07700&b=900417");
    let exchange = Exchange::begun("x1".into(), &url, "GET", "site.example");
    let hits = read(&search, &exchange, None);
    assert!(hits.iter().any(|hit| hit.suspected), "{hits:#?}");
    assert!(
        hits.iter()
            .any(|hit| !hit.suspected && hit.extent == Extent::Split { pieces: 2 }),
        "{hits:#?}"
    );
}

/// What the browser kept back told nobody; that is known of a HAR, too. Whose site it was may be said in any way.
#[test]
fn what_was_blocked_did_not_leave() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("saved.har");
    let blocked = serde_json::json!({ "log": { "entries": [{
        "startedDateTime": "2026-01-02T03:04:05.000Z",
        "request": { "method": "GET", "url": "https://t.example/?em=jane.roe@example.com", "headers": [], "cookies": [] },
        "response": { "status": 0, "_error": "net::ERR_BLOCKED_BY_CLIENT" },
    }] } });
    std::fs::write(&file, blocked.to_string()).unwrap();
    let canary = ["--canary", "email=jane.roe@example.com"];
    let (code, out, _) = decode(&file, &canary);
    assert_eq!(code, Some(0));
    let leak: Leak = serde_json::from_str(out.trim()).unwrap();
    assert_eq!(leak.outcome, Outcome::Blocked);
    for site in ["T.example", "https://www.t.example/x", "www.t.example"] {
        let (code, out, said) = decode(&file, &[&canary[..], &["--site", site]].concat());
        assert_eq!((code, out.as_str()), (Some(0), ""), "{said}");
    }
    let (code, ..) = decode(&file, &[&canary[..], &["--site", "not a domain"]].concat());
    assert_eq!(code, Some(2));
}

/// Each control would file a report, too.
#[test]
fn controls_never_deliver_reports() {
    let scenario = "scenarios/demo/read-advice.yaml";
    for arguments in [
        &["run", scenario, "--control", "--deliver", "all"][..],
        &["demo", "--gallery", "--control"],
    ] {
        let output = pixelwitness(arguments, &[]);
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            said.contains("leave one of the two out") || said.contains("there is none here"),
            "{said}"
        );
    }
}
