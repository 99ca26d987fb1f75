//! The channel gallery: everything that arrived at the server is recorded, byte for byte.
//!
//! `PIXELWITNESS_GALLERY_RUNS=10 cargo test --test integration gallery -- --nocapture` plays it ten times and prints
//! every table.

use std::path::Path;

use pixelwitness::bundle::read_body;
use pixelwitness::capture::{Assembler, Deliver};
use pixelwitness::demo::gallery::{self, Row};
use pixelwitness::demo::{Build, DemoServer, LogEntry, SocketMessage};
use pixelwitness::model::{AuditVerdict, BodyState, JourneyState, Origin, Residue, Source};
use pixelwitness::run::{Audited, Run, audit_bundle};
use pixelwitness::scenario::Scenario;

use crate::common::{never, options};

/// Plays channels: all, or those that are named.
async fn play(only: &[&str], folder: &Path) -> (Run, Vec<Row>) {
    let (run, rows, _) = play_delivering(Deliver::All, only, folder).await;
    (run, rows)
}

/// The same, with what may leave; and what arrived.
async fn play_delivering(
    deliver: Deliver,
    only: &[&str],
    folder: &Path,
) -> (Run, Vec<Row>, Arrived) {
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    std::fs::create_dir_all(folder).unwrap();
    let file = folder.join("upload.bin");
    std::fs::write(&file, gallery::upload()).unwrap();
    let played: Vec<_> = gallery::channels()
        .filter(|channel| only.is_empty() || only.contains(&channel.name))
        .collect();
    let text = gallery::scenario(played.iter().copied(), &file);
    let text = if deliver == Deliver::None {
        // What a page waits for may never come: it is given a while.
        let wait = |class: &str| {
            let element = format!(
                "waitForElement: {{ selector: html.{class}, visible: null, timeout: 20000 }}"
            );
            let either = format!(
                "waitForExpression: {{ expression: \"document.documentElement.classList.contains('{class}') || performance.now() > 2000\" }}"
            );
            (element, either)
        };
        let (done, gone) = (wait("done"), wait("gone"));
        text.replace(&done.0, &done.1).replace(&gone.0, &gone.1)
    } else {
        text
    };
    let scenario = Scenario::parse(Path::new("gallery.yaml"), text).unwrap();
    let mut options = options(&server, folder.join("run")).await;
    options.connect_to = gallery::connect_to(server.addr());
    options.browser_args.push(gallery::BROWSER_ARG.to_owned());
    options.deliver = deliver;
    options.timeout = std::time::Duration::from_secs(400);
    options.step_timeout = std::time::Duration::from_secs(30);
    let run = pixelwitness::run::run(&scenario, &options, never(), &|_| {})
        .await
        .unwrap();
    let rows = gallery::tally(
        &played,
        &server.access_log(),
        &server.socket_messages(),
        &run.exchanges,
        |exchange| read_body(&run.bundle, exchange),
    );
    let arrived = Arrived {
        log: server.access_log(),
        messages: server.socket_messages(),
    };
    server.stop().await;
    (run, rows, arrived)
}

/// What came to the server.
struct Arrived {
    log: Vec<LogEntry>,
    messages: Vec<SocketMessage>,
}

#[tokio::test]
async fn everything_that_arrived_is_recorded_as_it_was() {
    let runs = std::env::var("PIXELWITNESS_GALLERY_RUNS")
        .ok()
        .map_or(1, |runs| runs.parse().expect("a number of runs"));
    for number in 1..=runs {
        let folder = tempfile::tempdir().unwrap();
        let (run, rows) = play(&[], folder.path()).await;
        let mut table = Vec::new();
        pixelwitness::report::gallery::render(&rows, false, &mut table).unwrap();
        let table = String::from_utf8(table).unwrap();
        println!("run {number}\n{table}");
        assert_eq!(
            run.record.journey.state,
            JourneyState::Completed,
            "{:#?}",
            run.record.problems
        );
        assert!(rows.iter().all(Row::is_good), "{table}");
        let channels = rows.iter().filter(|row| row.channel != "(other)");
        assert!(channels.clone().count() >= 60);
        for row in channels {
            assert!(row.sent > 0, "{}", row.channel);
            assert_eq!(
                (row.sent, row.sent, row.sent),
                (row.recorded, row.body_exact, row.cookies_exact),
                "{}",
                row.channel
            );
        }
        // What CDP cannot tell is listed with its origin; the one request of a page among it was sent again after a
        // reset, which only a connection shows.
        let audit = &run.record.audit;
        assert_eq!(
            audit.verdict,
            AuditVerdict::CompleteWithListedResiduals,
            "{audit:#?}"
        );
        assert_eq!(audit.bodies.missing, 0);
        assert_eq!(audit.bodies.compared, audit.bodies.equal);
        for residual in &audit.in_one_source {
            assert_eq!(residual.seen_by, Residue::NetLog);
            match residual.origin {
                Origin::Page => assert!(residual.url.contains("/reset/reset"), "{residual:#?}"),
                Origin::Reporting => assert!(
                    residual.url.contains("report") || residual.url.contains("/nel"),
                    "{residual:#?}"
                ),
                Origin::ServiceWorkerUpdate => {
                    assert!(residual.url.contains("sw.js"), "{residual:#?}")
                }
                Origin::Browser => panic!("{residual:#?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_pixel_is_traced_to_the_script_and_the_tag_manager_that_loaded_it() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = play(
        &["tag-manager", "worker", "frame-foreign", "beacon-pagehide"],
        folder.path(),
    )
    .await;
    let find = |tail: &str| {
        let mut found = run
            .exchanges
            .iter()
            .filter(|exchange| exchange.url.ends_with(tail));
        found.next().unwrap_or_else(|| panic!("{tail}"))
    };
    let page = "https://www.channels.example/g/tag-manager/";
    let fired = find("/tag-manager/fired.gif");
    assert_eq!(
        fired.initiator_chain,
        [
            "https://collect.tracker.example/g/tag-manager/tag.js",
            "https://collect.tracker.example/g/tag-manager/container.js",
            page,
        ]
    );
    assert_eq!(fired.document_url.as_deref(), Some(page));
    assert_eq!(
        (fired.step, fired.target_type.as_deref()),
        (Some(1), Some("page"))
    );
    assert!(fired.frame.is_some() && fired.target.is_some());
    let of_worker = find("/worker/fetch");
    assert_eq!(of_worker.target_type.as_deref(), Some("worker"));
    assert_eq!(
        of_worker.initiator_chain[0],
        "https://www.channels.example/g/worker/worker.js"
    );
    let of_frame = find("/frame-foreign/foreign");
    assert_eq!(of_frame.target_type.as_deref(), Some("iframe"));
    assert_eq!(
        of_frame.document_url.as_deref(),
        Some("https://embed.widgets.example/g/frame-foreign/frame.html")
    );
    // Only the Fetch domain tells of a goodbye: the page is the one that was left, not the one that follows.
    let goodbye = find("/beacon-pagehide/pagehide");
    assert_eq!(goodbye.sources, [Source::Fetch, Source::NetLog]);
    assert_eq!(
        goodbye.document_url.as_deref(),
        Some("https://www.channels.example/g/beacon-pagehide/")
    );
    assert_eq!(goodbye.facts.body, Some(Source::Fetch));
    assert_eq!(goodbye.facts.cookies, Some(Source::NetLog));
    let remote = goodbye.remote.as_ref().unwrap();
    assert_eq!(remote.ip, "127.0.0.1");
    assert_eq!(
        remote.certificate_sha256.as_ref().map(String::len),
        Some(64)
    );
}

/// The journal without one request, as if CDP had never told of it.
#[tokio::test]
async fn the_audit_finds_a_request_that_is_withheld_from_cdp_and_says_which() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = play(&["img-script", "fetch-urlencoded"], folder.path()).await;
    assert_eq!(
        run.record.audit.verdict,
        AuditVerdict::Complete,
        "{:#?}",
        run.record.audit
    );
    let journal = run.bundle.join("data/cdp.jsonl");
    let whole = std::fs::read_to_string(&journal).unwrap();
    let withheld = "https://collect.tracker.example/g/fetch-urlencoded/a";
    let of_it = |line: &&str| line.contains(&format!("\"url\":\"{withheld}\""));
    let ids: Vec<&str> = whole
        .lines()
        .filter(of_it)
        .filter_map(|line| line.split("\"requestId\":\"").nth(1)?.split('"').next())
        .collect();
    assert!(!ids.is_empty());
    let kept: Vec<&str> = whole
        .lines()
        .filter(|line| !of_it(line) && !ids.iter().any(|id| line.contains(&format!("\"{id}\""))))
        .collect();
    assert!(kept.len() < whole.lines().count());
    std::fs::write(&journal, kept.join("\n") + "\n").unwrap();
    let Audited::Differs(what, audit) = audit_bundle(&run.bundle).unwrap() else {
        panic!("the audit does not notice it");
    };
    assert!(
        what.contains(&"data/exchanges.jsonl".to_owned()),
        "{what:?}"
    );
    assert_eq!(audit.verdict, AuditVerdict::CompleteWithListedResiduals);
    assert_eq!(audit.in_one_source.len(), 1, "{:#?}", audit.in_one_source);
    let found = &audit.in_one_source[0];
    assert_eq!(
        (found.method.as_str(), found.url.as_str()),
        ("POST", withheld)
    );
    assert_eq!(
        (found.seen_by, found.origin),
        (Residue::NetLog, Origin::Page)
    );
    assert_eq!(
        (audit.sent, audit.recorded, audit.matched + 1),
        (run.record.audit.sent, audit.sent, audit.sent)
    );
    // It is an exchange like any other, with its exact body and cookies, and the step of its time.
    let original = run
        .exchanges
        .iter()
        .find(|exchange| exchange.url == withheld)
        .unwrap();
    let (log, mut assembler) = (
        crate::common::read_net_log(&run.bundle),
        Assembler::new("channels.example"),
    );
    for line in kept {
        assembler.line(line).unwrap();
    }
    let steps = assembler.steps().to_vec();
    let mut exchanges = assembler.finish();
    let circumstances = pixelwitness::capture::Circumstances {
        first_party: "channels.example",
        steps: &steps,
        unreadable: &[],
        tabs_left: 0,
    };
    pixelwitness::capture::audit(&mut exchanges, &log, &circumstances);
    let rebuilt = exchanges.last().unwrap();
    assert_eq!(rebuilt.url, withheld);
    assert_eq!(rebuilt.sources, [Source::NetLog]);
    assert_eq!(rebuilt.body_state, BodyState::Complete);
    assert_eq!(rebuilt.body_sha256, original.body_sha256);
    assert_eq!(rebuilt.step, original.step);
    let sent = |exchange: &pixelwitness::model::Exchange| {
        let mut cookies: Vec<_> = exchange
            .cookies
            .iter()
            .filter(|cookie| cookie.sent)
            .map(|cookie| cookie.value.clone())
            .collect();
        cookies.sort();
        cookies
    };
    assert_eq!(sent(rebuilt), sent(original));
    assert!(!sent(rebuilt).is_empty());
}

/// What pages do not come to when third parties say nothing, and why.
const NOT_ATTEMPTED: [(&str, &str); 20] = [
    ("/cached-redirect/end.json", "a third party leads there"),
    ("/redirect-chain/", "a third party leads there"),
    ("/redirect-post/", "a third party leads there"),
    ("/form-redirect/next.html", "a third party leads there"),
    ("/location/next.html", "a third party leads there"),
    (
        "/frame-foreign/foreign",
        "a third party's frame asks for it",
    ),
    ("/frame-late/late", "a third party's frame asks for it"),
    ("/frame-nested/", "a third party's frame asks for it"),
    (
        "/frame-removed/foreign",
        "a third party's frame asks for it",
    ),
    (
        "/frame-sandbox/sandbox",
        "a third party's frame asks for it",
    ),
    ("/tab-close/frame", "a third party's frame asks for it"),
    (
        "legacy.stats.example/g/cookie-bytes/a",
        "a third party's frame asks for it",
    ),
    ("/popup-link/popup", "a third party's page asks for it"),
    (
        "/stylesheet/b.css",
        "a third party's style sheet asks for it",
    ),
    (
        "/stylesheet/bg.gif",
        "a third party's style sheet asks for it",
    ),
    (
        "/stylesheet/border.gif",
        "a third party's style sheet asks for it",
    ),
    (
        "/stylesheet/cursor.gif",
        "a third party's style sheet asks for it",
    ),
    ("/tag-manager/", "a third party's script asks for it"),
    (
        "/worker-module/module",
        "a third party's script asks for it",
    ),
    (
        "/network-error-logging/nel",
        "a third party's header asks for it",
    ),
];

/// With nothing delivered, third parties get nothing over any channel, and what pages tried is recorded all the same.
#[tokio::test]
async fn with_nothing_delivered_third_parties_get_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (all, _) = play(&[], &folder.path().join("all")).await;
    let (none, _, arrived) = play_delivering(Deliver::None, &[], &folder.path().join("none")).await;
    let third = |url: &str| !url.starts_with("https://www.channels.example/");
    let leaked: Vec<String> = arrived
        .log
        .iter()
        .map(|entry| format!("{} {}", entry.method, entry.url()))
        .filter(|what| third(what.split(' ').nth(1).unwrap()))
        .collect();
    assert_eq!(leaked, Vec::<String>::new());
    assert!(arrived.messages.is_empty());
    assert!(
        none.record.containment.slipped.is_empty(),
        "{:?}",
        none.record.problems
    );
    assert_eq!(
        none.record.journey.state,
        JourneyState::Completed,
        "{:?}",
        none.record.problems
    );
    let contained = &none.record.containment;
    assert!(
        contained.sunk > 0 && contained.contained > 100,
        "{contained:?}"
    );
    for exchange in &none.exchanges {
        if third(&exchange.url) {
            assert_ne!(
                exchange.sent,
                Some(true),
                "{} {}",
                exchange.method,
                exchange.url
            );
        }
    }
    let attempts = |run: &Run| -> std::collections::BTreeSet<String> {
        run.exchanges
            .iter()
            .map(|x| format!("{} {}", x.method, x.url.split('?').next().unwrap()))
            .collect()
    };
    let (with, without) = (attempts(&all), attempts(&none));
    let missing: Vec<&String> = with
        .difference(&without)
        .filter(|what| !NOT_ATTEMPTED.iter().any(|(part, _)| what.contains(part)))
        .collect();
    assert_eq!(missing, Vec::<&String>::new());
}
