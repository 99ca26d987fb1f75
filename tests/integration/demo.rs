//! The demo's journeys: what was captured is compared with what really arrived at the server.

use std::collections::BTreeSet;

use data_encoding::HEXLOWER;
use pixelwitness::demo::{Build, DemoServer, LogEntry, SITE_HOST};
use pixelwitness::model::AuditVerdict;
use pixelwitness::model::{BodyState, EventKind, Exchange, JourneyState, Outcome, TrackerEvent};
use pixelwitness::run::Run;
use pixelwitness::run::{Audited, audit_bundle};
use sha2::{Digest, Sha256};

use crate::common::{read_bundle, read_net_log, replay, root, scenario};

const MAIN: &str = "scenarios/demo/report-sexual-offence.yaml";

/// What a request is known by: method, URL, body, cookies, in that order.
type Known = (String, String, Vec<u8>, String);

fn arrived(entry: &LogEntry) -> Known {
    (
        entry.method.clone(),
        entry.url(),
        entry.body.clone(),
        sorted_cookies(&entry.cookie()),
    )
}

fn captured(run: &Run, exchange: &Exchange) -> Known {
    let body = exchange
        .body_path
        .as_ref()
        .map(|path| std::fs::read(run.bundle.join(path)).unwrap());
    let cookies: Vec<String> = exchange
        .cookies
        .iter()
        .filter(|cookie| cookie.sent)
        .map(|cookie| format!("{}={}", cookie.name, cookie.value))
        .collect();
    (
        exchange.method.clone(),
        exchange.url.clone(),
        body.unwrap_or_default(),
        sorted_cookies(&cookies.join("; ")),
    )
}

fn sorted_cookies(header: &str) -> String {
    let mut cookies: Vec<&str> = header.split("; ").collect();
    cookies.sort_unstable();
    cookies.join("; ")
}

/// Everything that arrived is in the bundle, byte for byte, and nothing is said to have been sent that did not arrive.
fn assert_equal_to_the_log(run: &Run, server: &DemoServer) {
    let mut arrived: Vec<Known> = server.access_log().iter().map(arrived).collect();
    let mut sent: Vec<Known> = run
        .exchanges
        .iter()
        .filter(|exchange| exchange.sent == Some(true))
        .map(|exchange| captured(run, exchange))
        .collect();
    arrived.sort();
    sent.sort();
    let third_party = |known: &&Known| !known.1.starts_with(&format!("https://{SITE_HOST}/"));
    let seen: Vec<&str> = arrived
        .iter()
        .filter(third_party)
        .map(|known| known.1.as_str())
        .collect();
    assert!(seen.len() >= 5, "the pixel told something: {seen:#?}");
    assert_eq!(sent, arrived);
    for exchange in &run.exchanges {
        assert_ne!(exchange.sent, None, "{}", exchange.url);
        assert_ne!(
            exchange.body_state,
            BodyState::Unavailable,
            "{}",
            exchange.url
        );
    }
}

/// The bundle alone, replayed without a browser, gives the same records.
fn assert_replayable(run: &Run) {
    let on_disk = read_bundle(&run.bundle);
    assert_eq!(on_disk.run, run.record);
    assert_eq!(on_disk.exchanges, run.exchanges);
    assert_eq!(on_disk.events, run.events);
    // The HAR holds all that decoding needs, so it decodes to the same records, ids and times included.
    let har = std::fs::read(run.bundle.join("data/traffic.har")).unwrap();
    let (events, error) = crate::decode::decoded(&har);
    assert_eq!(error, None);
    assert_eq!(events, run.events);
    match audit_bundle(&run.bundle).unwrap() {
        Audited::Confirmed(record) => assert_eq!(*record, run.record),
        other => panic!("{other:#?}"),
    }
    assert_eq!(
        run.record.audit.verdict,
        AuditVerdict::Complete,
        "{:#?}",
        run.record.audit
    );
}

/// Nothing but loopback was connected to, and no name was looked up.
fn assert_loopback_only(run: &Run) {
    let log = read_net_log(&run.bundle);
    assert!(!log.addresses.is_empty());
    for address in &log.addresses {
        assert!(address.starts_with("127.0.0.1:"), "{address}");
    }
    assert_eq!(log.lookups, BTreeSet::new());
    assert!(!log.truncated);
}

fn events(run: &Run) -> Vec<&TrackerEvent> {
    run.events
        .iter()
        .filter(|event| event.kind == EventKind::Event)
        .collect()
}

fn pages(run: &Run) -> BTreeSet<&str> {
    events(run)
        .iter()
        .map(|event| event.page_url.as_deref().unwrap())
        .map(|url| {
            url.strip_prefix("https://www.northgate.police.example")
                .unwrap()
        })
        .collect()
}

fn canary(run: &Run, name: &str) -> String {
    run.record
        .canaries
        .iter()
        .find(|canary| canary.name == name)
        .unwrap()
        .value
        .clone()
}

#[tokio::test]
async fn the_leaky_build_tells_meta_and_every_request_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let (run, server) = replay(&scenario(MAIN), Build::Leaky, &folder.path().join("run")).await;
    assert_eq!(run.record.problems, []);
    assert_eq!(run.record.journey.state, JourneyState::Completed);
    assert_equal_to_the_log(&run, &server);
    assert_replayable(&run);
    assert_loopback_only(&run);

    assert_eq!(
        pages(&run),
        BTreeSet::from([
            "/",
            "/careers/",
            "/victim-services/",
            "/advice/rape/",
            "/report/",
            "/report/sexual-offence/",
            "/report/thank-you/",
        ])
    );
    let buttons: Vec<&str> = events(&run)
        .iter()
        .filter_map(|event| event.custom_data.get("buttonText")?.as_str())
        .collect();
    assert_eq!(
        buttons,
        [
            "Careers",
            "Sexual offence",
            "Continue to what happened",
            "Continue to your details",
            "Continue to how we contact you",
            "Check your answers",
            "Send report",
        ]
    );
    // The recipient's own scripts are kept as the page got them.
    let kept: Vec<(&str, Vec<u8>)> = run
        .exchanges
        .iter()
        .filter_map(|exchange| {
            let body = exchange.response_body.as_ref()?;
            let bytes = std::fs::read(run.bundle.join(&body.path)).unwrap();
            assert_eq!(HEXLOWER.encode(&Sha256::digest(&bytes)), body.sha256);
            assert_eq!(bytes.len() as u64, body.size);
            Some((exchange.url.as_str(), bytes))
        })
        .collect();
    let library = std::fs::read(root().join("src/demo/assets/fbevents.js")).unwrap();
    assert!(
        kept.iter()
            .any(|(url, bytes)| url.ends_with("/fbevents.js") && *bytes == library)
    );
    assert!(
        kept.iter().any(
            |(url, bytes)| url.contains("/signals/config/") && bytes.starts_with(b"window.fbq")
        )
    );
    // The profile code went with every event.
    let account = canary(&run, "cookie:c_user");
    for event in events(&run) {
        let signal = event
            .identity
            .iter()
            .find(|signal| signal.signal == "cookie:c_user");
        assert_eq!(signal.unwrap().value, account, "{}", event.url);
    }
    // The e-mail's hash, from what was typed, normalised as Meta does.
    let email = canary(&run, "email").to_lowercase();
    let hash = HEXLOWER.encode(&Sha256::digest(email.as_bytes()));
    let named: Vec<_> = events(&run)
        .into_iter()
        .filter(|event| {
            event.user_data.iter().any(|datum| {
                (
                    datum.source.as_str(),
                    datum.key.as_str(),
                    datum.value.as_str(),
                ) == ("udff", "em", hash.as_str())
            })
        })
        .filter_map(|event| event.custom_data.get("buttonText")?.as_str())
        .collect();
    assert_eq!(
        named,
        [
            "Continue to how we contact you",
            "Check your answers",
            "Send report"
        ]
    );
    // The report itself was recorded and never filed.
    assert_eq!(server.filed_reports().len(), 0);
    let contained: Vec<&Exchange> = run
        .exchanges
        .iter()
        .filter(|exchange| exchange.outcome == Outcome::Contained)
        .collect();
    assert_eq!(contained.len(), 1);
    assert_eq!(contained[0].sent, Some(false));
    let body = std::fs::read_to_string(run.bundle.join(contained[0].body_path.as_ref().unwrap()));
    assert!(body.unwrap().contains("offence_type=rape"));
    server.stop().await;
}

#[tokio::test]
async fn the_fixed_build_tells_meta_of_home_and_careers_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (run, server) = replay(&scenario(MAIN), Build::Fixed, &folder.path().join("run")).await;
    assert_eq!(run.record.problems, []);
    assert_equal_to_the_log(&run, &server);
    assert_replayable(&run);
    assert_loopback_only(&run);
    assert_eq!(pages(&run), BTreeSet::from(["/", "/careers/"]));
    assert_eq!(server.filed_reports().len(), 0);
    // The report was written and sent all the same, as the contained request shows.
    assert_eq!(run.record.counts.contained, 1);
    server.stop().await;
}

#[tokio::test]
async fn every_shipped_demo_scenario_runs() {
    let mut files: Vec<_> = std::fs::read_dir(root().join("scenarios/demo"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.to_string_lossy().ends_with(".policy.yaml"))
        .collect();
    files.sort();
    assert!(files.len() >= 3);
    for file in files {
        let folder = tempfile::tempdir().unwrap();
        let scenario = scenario(file.to_str().unwrap());
        let (run, server) = replay(&scenario, Build::Leaky, &folder.path().join("run")).await;
        assert_eq!(run.record.problems, [], "{}", file.display());
        assert_equal_to_the_log(&run, &server);
        assert_eq!(server.filed_reports().len(), 0);
        server.stop().await;
    }
}

#[tokio::test]
async fn blocked_third_party_cookies_are_recorded_as_withheld() {
    let folder = tempfile::tempdir().unwrap();
    let mut scenario = crate::common::written("  - navigate: /\n");
    scenario.third_party_cookies = pixelwitness::scenario::ThirdPartyCookies::Block;
    let (run, server) = replay(&scenario, Build::Leaky, &folder.path().join("run")).await;
    assert_equal_to_the_log(&run, &server);
    let event = events(&run)[0];
    assert!(
        event
            .identity
            .iter()
            .all(|signal| !signal.signal.starts_with("cookie:"))
    );
    let exchange = run
        .exchanges
        .iter()
        .find(|exchange| exchange.id == event.exchange)
        .unwrap();
    let account = exchange
        .cookies
        .iter()
        .find(|cookie| cookie.name == "c_user")
        .unwrap();
    assert!(!account.sent);
    assert!(
        account
            .withheld
            .as_deref()
            .is_some_and(|why| !why.is_empty())
    );
    server.stop().await;
}
