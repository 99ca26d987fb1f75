//! Recorded journals of a real browser, replayed without one: each holds a trap, and a golden list of the exchanges that
//! it must give.
//!
//! `PIXELWITNESS_BLESS=1 cargo test cdp_logs` writes the lists anew; read the difference before you keep it.

use std::fmt::Write as _;

use pixelwitness::capture::Assembler;
use pixelwitness::model::{Exchange, Outcome, Source};
use serde_json::Value;

use crate::common::root;

/// A journal's lines, and the exchanges that it gives.
fn replay(name: &str) -> (Vec<Value>, Vec<Exchange>) {
    let folder = root().join("tests/fixtures/cdp_logs");
    let text = std::fs::read_to_string(folder.join(format!("{name}.jsonl"))).unwrap();
    let mut assembler = Assembler::new("channels.example");
    for line in text.lines() {
        assembler.line(line).unwrap();
    }
    assert_eq!(assembler.unreadable(), [""; 0]);
    let exchanges = assembler.finish();
    let expected = folder.join(format!("{name}.expected"));
    let found = listed(&exchanges);
    if std::env::var_os("PIXELWITNESS_BLESS").is_some() {
        std::fs::write(&expected, &found).unwrap();
    }
    assert_eq!(
        found,
        std::fs::read_to_string(&expected).unwrap_or_default(),
        "{name}"
    );
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    (lines, exchanges)
}

/// One line an exchange: all but what differs from run to run.
fn listed(exchanges: &[Exchange]) -> String {
    let mut list = String::new();
    for x in exchanges {
        let sources: Vec<String> = x
            .sources
            .iter()
            .map(|source| format!("{source:?}"))
            .collect();
        let cookies = x.cookies.iter().filter(|cookie| cookie.sent).count();
        writeln!(
            list,
            "{} {} {}\n    {:?} status {:?} error {:?} after {:?}\n    body {:?} {:?} {}\n    {} cookies; {}; {:?} {:?}",
            x.id,
            x.method,
            x.url.split('?').next().unwrap(),
            x.outcome,
            x.status,
            x.error,
            x.redirected_from,
            x.body_state,
            x.body_size,
            x.body_sha256.as_deref().map_or("-", |sha256| &sha256[..12]),
            cookies,
            sources.join("+"),
            x.target_type,
            x.document_url,
        )
        .unwrap();
    }
    list
}

/// Where an event stands that has this method and, somewhere in it, this text.
fn position(lines: &[Value], method: &str, text: &str) -> usize {
    lines
        .iter()
        .position(|line| line["cdp"]["method"] == method && line.to_string().contains(text))
        .unwrap_or_else(|| panic!("no {method} with {text}"))
}

fn find<'a>(exchanges: &'a [Exchange], tail: &str) -> &'a Exchange {
    let mut found = exchanges
        .iter()
        .filter(|x| x.url.split('?').next().unwrap().ends_with(tail));
    found.next().unwrap_or_else(|| panic!("{tail}"))
}

#[test]
fn extra_info_may_come_first() {
    let (lines, exchanges) = replay("extra-info-first");
    let extra = position(
        &lines,
        "Network.requestWillBeSentExtraInfo",
        "/g/svg-image/a.gif",
    );
    assert!(extra < position(&lines, "Network.requestWillBeSent", "/g/svg-image/a.gif"));
    let pixel = find(&exchanges, "/svg-image/a.gif");
    assert!(
        pixel.cookies.iter().any(|cookie| cookie.sent),
        "its cookies are not lost"
    );
    assert_eq!(pixel.sources, [Source::Network, Source::Fetch]);
}

#[test]
fn a_redirect_reuses_the_id() {
    let (lines, exchanges) = replay("redirects");
    let told = lines
        .iter()
        .filter(|line| line["cdp"]["method"] == "Network.requestWillBeSent");
    let ids: Vec<&str> = told
        .map(|line| line["cdp"]["params"]["requestId"].as_str().unwrap())
        .collect();
    assert!(ids.windows(2).any(|pair| pair[0] == pair[1]), "{ids:?}");
    let end = find(&exchanges, "/redirect-chain/end.gif");
    let mut hops = vec![end.id.as_str()];
    while let Some(before) = exchanges
        .iter()
        .find(|x| x.id == *hops.last().unwrap())
        .and_then(|x| x.redirected_from.as_deref())
    {
        hops.push(before);
    }
    assert_eq!(hops.len(), 4, "{hops:?}");
    let (first, kept, dropped) = (
        find(&exchanges, "/redirect/307"),
        find(&exchanges, "/kept"),
        find(&exchanges, "/dropped"),
    );
    assert_eq!(
        (kept.method.as_str(), &kept.body_sha256),
        (
            "POST",
            &find(&exchanges, "/redirect-post/redirect/307").body_sha256
        )
    );
    assert!(kept.body_sha256.is_some() && first.status == Some(307));
    assert_eq!(
        (dropped.method.as_str(), dropped.body_sha256.as_ref()),
        ("GET", None)
    );
}

#[test]
fn goodbyes_come_after_their_session_has_gone() {
    let (lines, exchanges) = replay("goodbyes-after-detach");
    let gone = lines
        .iter()
        .position(|line| line["cdp"]["method"] == "Target.detachedFromTarget");
    let spoke = position(&lines, "Fetch.requestPaused", "/g/tab-close/beacon");
    assert!(gone.unwrap() < spoke);
    for tail in [
        "/frame-removed/own",
        "/frame-removed/foreign",
        "/tab-close/beacon",
        "/tab-close/keepalive",
        "/tab-close/frame",
        "/tab-close/later",
    ] {
        let goodbye = find(&exchanges, tail);
        assert!(goodbye.body_sha256.is_some(), "{tail}");
        let page = goodbye
            .document_url
            .as_deref()
            .unwrap_or_else(|| panic!("{tail}"));
        assert!(
            page.contains("/frame-removed/") || page.contains("/tab-close/"),
            "{tail}: {page}"
        );
    }
    assert_eq!(
        find(&exchanges, "/tab-close/beacon").outcome,
        Outcome::Completed,
        "its answer was paused too"
    );
}

#[test]
fn a_target_may_die_in_the_middle_of_a_request() {
    let (lines, exchanges) = replay("renderer-dies");
    let died = position(&lines, "Inspector.targetCrashed", "");
    assert!(position(&lines, "Network.requestWillBeSent", "/g/hang/hang") < died);
    for method in ["POST", "GET"] {
        let mut held = exchanges
            .iter()
            .filter(|x| x.url.ends_with("/hang/hang") && x.method == method);
        let held = held.next().unwrap();
        assert!(
            matches!(held.outcome, Outcome::Pending | Outcome::Failed),
            "{held:#?}"
        );
    }
    let posted = find(&exchanges, "/hang/hang");
    assert_eq!(posted.body_size, Some(4), "what was recorded before stays");
}
