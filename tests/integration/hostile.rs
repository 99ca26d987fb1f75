//! Pages that loop, flood, hang, crash and lie: the run ends in time, with everything recorded up to then, and no
//! process left.

use std::time::{Duration, Instant};

use pixelwitness::demo::{Build, DemoServer};
use pixelwitness::model::{AuditVerdict, EventKind, JourneyState, Outcome, Place};
use pixelwitness::run::Run;
use pixelwitness::scenario::Scenario;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::common::{never, options, processes_naming};

/// Replays steps on a hostile page within a bound, and looks for what is left of the browser.
async fn meet(steps: &str, server: &DemoServer, folder: &std::path::Path) -> Run {
    let text = format!(
        "title: Hostile\norigin: https://www.channels.example\nidentity: [facebook]\nsteps:\n{steps}"
    );
    let scenario = Scenario::parse("hostile.yaml".as_ref(), text).unwrap();
    let mut options = options(server, folder.join("run")).await;
    options.step_timeout = Duration::from_secs(4);
    options.timeout = Duration::from_secs(12);
    options.settle = Duration::from_secs(1);
    options
        .browser_args
        .push("--disable-popup-blocking".to_owned());
    finish(&scenario, &options).await
}

async fn finish(scenario: &Scenario, options: &pixelwitness::run::RunOptions) -> Run {
    let began = Instant::now();
    let run = pixelwitness::run::run(scenario, options, never(), &|_| {})
        .await
        .unwrap();
    // The journey's bound, and what closing may take.
    assert!(
        began.elapsed() < options.timeout + Duration::from_secs(25),
        "{:?}",
        began.elapsed()
    );
    let flags = run.record.browser.iter().flat_map(|browser| &browser.flags);
    let profile = flags
        .clone()
        .find_map(|flag| flag.strip_prefix("--user-data-dir="))
        .expect("a profile");
    assert_eq!(processes_naming(profile.as_ref()), Vec::<String>::new());
    assert!(!std::path::Path::new(profile).exists());
    run
}

/// Everything that arrived is recorded as sent.
fn assert_all_recorded(run: &Run, server: &DemoServer) {
    for entry in server.access_log() {
        let (arrived, recorded) = (
            server
                .access_log()
                .iter()
                .filter(|other| other.method == entry.method && other.url() == entry.url())
                .count(),
            run.exchanges
                .iter()
                .filter(|x| {
                    x.method == entry.method && x.url == entry.url() && x.sent == Some(true)
                })
                .count(),
        );
        assert_eq!(arrived, recorded, "{} {}", entry.method, entry.url());
    }
}

#[tokio::test]
async fn redirects_without_end() {
    let (folder, server) = (
        tempfile::tempdir().unwrap(),
        DemoServer::start(Build::Leaky).await.unwrap(),
    );
    let run = meet("  - navigate: /hostile/loop\n", &server, folder.path()).await;
    assert_eq!(run.record.journey.state, JourneyState::Failed);
    assert!(
        run.record.problems[0]
            .message
            .contains("ERR_TOO_MANY_REDIRECTS"),
        "{:?}",
        run.record.problems
    );
    let hops: Vec<_> = run
        .exchanges
        .iter()
        .filter(|x| x.url.contains("/hostile/loop"))
        .collect();
    assert!(hops.len() >= 20, "{}", hops.len());
    for pair in hops.windows(2).take(19) {
        assert_eq!(pair[1].redirected_from.as_ref(), Some(&pair[0].id));
    }
    assert_all_recorded(&run, &server);
    // A page that leads on to itself for ever.
    let folder = tempfile::tempdir().unwrap();
    let run = meet(
        "  - navigate: /hostile/wander\n  - waitForElement: \"#never\"\n",
        &server,
        folder.path(),
    )
    .await;
    assert_ne!(run.record.journey.state, JourneyState::Completed);
    let pixels = run
        .exchanges
        .iter()
        .filter(|x| x.url.contains("/hostile/wander.gif"))
        .count();
    assert!(pixels > 5, "{pixels}");
}

#[tokio::test]
async fn two_hundred_popups() {
    let (folder, server) = (
        tempfile::tempdir().unwrap(),
        DemoServer::start(Build::Leaky).await.unwrap(),
    );
    let steps = "  - navigate: /hostile/popups\n  - click: \"#go\"\n";
    let run = meet(steps, &server, folder.path()).await;
    assert_all_recorded(&run, &server);
    let beacons = run
        .exchanges
        .iter()
        .filter(|x| x.url.contains("/hostile/popup?") && x.sent == Some(true))
        .count();
    assert!(beacons > 20, "{beacons}");
    // What a browser that is closing leaves open is said, and nothing else is: tabs that did not close in time, or a
    // request that was handed to a connection as that was closed, so that nobody can say whether it left.
    let audit = &run.record.audit;
    let of_closing = |reason: &String| {
        reason.contains("did not close in time") || reason.contains("whose bytes do not show them")
    };
    assert!(audit.reasons.iter().all(of_closing), "{audit:#?}");
    assert_eq!(
        audit.verdict == AuditVerdict::Incomplete,
        !audit.reasons.is_empty(),
        "{audit:#?}"
    );
}

#[tokio::test]
async fn dialogs_without_end() {
    let (folder, server) = (
        tempfile::tempdir().unwrap(),
        DemoServer::start(Build::Leaky).await.unwrap(),
    );
    let steps = "  - navigate: /hostile/dialogs\n  - waitForElement: \"#never\"\n";
    let run = meet(steps, &server, folder.path()).await;
    assert_ne!(run.record.journey.state, JourneyState::Completed);
    assert!(
        run.exchanges
            .iter()
            .any(|x| x.url.ends_with("/hostile/before-dialogs"))
    );
    assert_all_recorded(&run, &server);
    // A page that does not want to be left is left, and its goodbye is recorded.
    let folder = tempfile::tempdir().unwrap();
    let steps = "  - navigate: /hostile/stay\n  - click: \"#go\"\n  - navigate: /hostile/popup\n";
    let run = meet(steps, &server, folder.path()).await;
    assert_eq!(
        run.record.journey.state,
        JourneyState::Completed,
        "{:?}",
        run.record.problems
    );
    assert!(
        run.exchanges
            .iter()
            .any(|x| x.url.ends_with("/hostile/gone") && x.sent == Some(true))
    );
}

#[tokio::test]
async fn a_script_that_never_ends() {
    let (folder, server) = (
        tempfile::tempdir().unwrap(),
        DemoServer::start(Build::Leaky).await.unwrap(),
    );
    let steps = "  - navigate: /hostile/spin\n  - click: \"#never\"\n";
    let run = meet(steps, &server, folder.path()).await;
    assert_ne!(run.record.journey.state, JourneyState::Completed);
    assert!(
        run.exchanges
            .iter()
            .any(|x| x.url.ends_with("/hostile/before-spin") && x.sent == Some(true))
    );
}

#[tokio::test]
async fn queries_bytes_and_parameters_beyond_reason() {
    let (folder, server) = (
        tempfile::tempdir().unwrap(),
        DemoServer::start(Build::Leaky).await.unwrap(),
    );
    let done = "  - waitForElement: { selector: html.done, visible: null }\n";
    let steps = format!(
        "  - navigate: /hostile/long\n{done}  - navigate: /hostile/broken\n  - navigate: /hostile/parameters\n{done}"
    );
    let run = meet(&steps, &server, folder.path()).await;
    assert_eq!(
        run.record.journey.state,
        JourneyState::Completed,
        "{:?}",
        run.record.problems
    );
    assert_all_recorded(&run, &server);
    // No server library takes such a query: that it was sent is the network log's word.
    let long = run
        .exchanges
        .iter()
        .find(|x| x.url.contains("/hostile/long.gif"))
        .unwrap();
    assert_eq!((long.url.len() > 200_000, long.sent), (true, Some(true)));
    assert!(
        run.exchanges
            .iter()
            .any(|x| x.url.contains("/hostile/broken.gif?"))
    );
    let event = run
        .events
        .iter()
        .find(|event| event.kind == EventKind::Event)
        .unwrap();
    assert_eq!(event.parameters.len(), 10_003);
    assert_eq!(event.parameters[10_001].value, "v9999");
    // Nothing in the body tells the page; the browser's header tells its origin, which is no page.
    let header = &event.parameters[10_002];
    assert_eq!(
        (header.place, header.value.as_str()),
        (Place::Header, "https://www.channels.example/")
    );
    assert_eq!(event.page_url, None);
    assert!(
        matches!(
            run.record.audit.verdict,
            AuditVerdict::Complete | AuditVerdict::CompleteWithListedResiduals
        ),
        "{:#?}",
        run.record.audit
    );
}

/// No server library sends such headers: this one writes bytes.
#[tokio::test]
async fn nuls_in_headers_and_requests_held_open() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 8192];
            let read = stream.read(&mut head).await.unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            let answer: &[u8] = if head.starts_with("GET / ") {
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-Odd: a\xff\xfeb\r\nConnection: close\r\n\r\n<img src='/nul.gif'><img src='/held.gif'><p id='there'>there"
            } else if head.starts_with("GET /nul.gif") {
                b"HTTP/1.1 200 OK\r\nX-Nul: a\0b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            } else {
                held.push(stream);
                continue;
            };
            let _ = stream.write_all(answer).await;
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let mut options = options(&server, folder.path().join("run")).await;
    options.connect_to = vec![pixelwitness::browser::ConnectTo::all_to(address)];
    options.step_timeout = Duration::from_secs(4);
    options.timeout = Duration::from_secs(12);
    options.settle = Duration::from_secs(1);
    let text = "title: Odd\norigin: http://odd.example\nsteps:\n  - navigate: /\n  - waitForElement: \"#there\"\n";
    let scenario = Scenario::parse("odd.yaml".as_ref(), text.to_owned()).unwrap();
    let run = finish(&scenario, &options).await;
    assert_eq!(
        run.record.journey.state,
        JourneyState::Completed,
        "{:?}",
        run.record.problems
    );
    let find = |tail: &str| {
        run.exchanges
            .iter()
            .find(|x| x.url.ends_with(tail))
            .unwrap()
    };
    assert_eq!(
        (find("/nul.gif").sent, find("/nul.gif").outcome),
        (Some(true), Outcome::Failed)
    );
    assert_eq!(find("/held.gif").sent, Some(true));
    assert_eq!(find("odd.example/").status, Some(200));
    serving.abort();
}

/// The browser asks for a page's icon by itself, on a slow machine even after the click: that files nothing.
#[tokio::test]
async fn an_icon_is_not_taken_for_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let steps = "  - navigate: /hostile/late-icon\n  - submit: \"#go\"\n";
    let run = meet(steps, &server, folder.path()).await;
    let icon = run
        .exchanges
        .iter()
        .find(|exchange| exchange.url.ends_with("/hostile/icon.png"))
        .expect("the icon is asked for");
    assert_eq!(icon.step, Some(2), "while the submit step waits");
    assert_eq!(icon.outcome, Outcome::Completed);
    let said = &run.record.problems[0].message;
    assert!(
        said.contains("no request was made that would have filed"),
        "{said}"
    );
    assert_eq!(run.record.journey.state, JourneyState::Failed);
}
