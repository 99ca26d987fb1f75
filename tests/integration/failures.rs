//! Journeys that cannot be completed: each says why and what to do, and keeps what it saw.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use pixelwitness::browser::{ConnectTo, Launch};
use pixelwitness::capture::{Capture, CaptureError};
use pixelwitness::demo::{Build, DemoServer};
use pixelwitness::journey::Tab;
use pixelwitness::model::{
    AuditVerdict, EventKind, JourneyState, Outcome, StepState, VerdictOutcome,
};
use pixelwitness::run::{Run, RunError, RunOptions};
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use crate::common::{
    chromium, never, options, processes_naming, read_bundle, replay, until_told, verify, written,
};

async fn fail(steps: &str, change: impl Fn(&mut RunOptions)) -> (Run, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let mut options = options(&server, folder.path().join("run")).await;
    options.step_timeout = Duration::from_secs(3);
    options.settle = Duration::from_secs(0);
    change(&mut options);
    let run = pixelwitness::run::run(&written(steps), &options, never(), &|_| {})
        .await
        .unwrap();
    assert_eq!(server.filed_reports().len(), 0);
    server.stop().await;
    assert_eq!(read_bundle(&run.bundle).run, run.record);
    (run, folder)
}

fn message(run: &Run) -> &str {
    assert_eq!(run.record.problems.len(), 1, "{:?}", run.record.problems);
    assert!(run.record.problems[0].help.is_some());
    &run.record.problems[0].message
}

#[tokio::test]
async fn a_selector_that_matches_nothing_keeps_what_was_seen_before() {
    let (run, _folder) = fail("  - navigate: /report/\n  - click: \"#nowhere\"\n", |_| {}).await;
    assert_eq!(run.record.journey.state, JourneyState::Failed);
    assert!(
        message(&run).starts_with("test.yaml:6: step 2 (click) failed: nothing on"),
        "{}",
        message(&run)
    );
    assert!(message(&run).contains("#nowhere"));
    assert_eq!(run.record.journey.steps[0].state, StepState::Done);
    assert_eq!(run.record.journey.steps[1].state, StepState::Failed);
    assert!(
        run.events
            .iter()
            .any(|event| event.kind == EventKind::Event)
    );
    // What the page sends when its tab is closed is recorded too, although the journey failed.
    assert!(
        run.events
            .iter()
            .any(|event| event.event_name.as_deref() == Some("TimeOnPage"))
    );
}

#[tokio::test]
async fn an_element_that_cannot_be_reached_says_what_is_in_the_way() {
    let (run, _folder) = fail(
        "  - navigate: /report/sexual-offence/\n  - click: \"#email\"\n",
        |_| {},
    )
    .await;
    assert!(
        message(&run).contains("cannot be seen"),
        "{}",
        message(&run)
    );
    let (run, _folder) = fail("  - navigate: /report/\n  - click: \"div[\"\n", |_| {}).await;
    assert!(
        message(&run).contains("is not a selector"),
        "{}",
        message(&run)
    );
}

#[tokio::test]
async fn a_choice_that_is_not_there_lists_those_that_are() {
    let steps = "  - navigate: /report/sexual-offence/\n  - click: text/Continue to what happened\n  \
                 - change: { selector: \"#offence-type\", value: burglary }\n";
    let (run, _folder) = fail(steps, |_| {}).await;
    assert!(
        message(&run).contains("no choice `burglary`"),
        "{}",
        message(&run)
    );
    assert!(message(&run).contains("Rape"), "{}", message(&run));
}

#[tokio::test]
async fn a_submit_that_sends_nothing_is_inconclusive() {
    let steps =
        "  - navigate: /report/sexual-offence/\n  - submit: text/Continue to what happened\n";
    let (run, _folder) = fail(steps, |_| {}).await;
    assert!(
        message(&run).contains("no request was made that would have filed"),
        "{}",
        message(&run)
    );
}

#[tokio::test]
async fn a_page_that_answers_with_an_error_is_not_called_clean() {
    let (run, _folder) = fail("  - navigate: /no-such-page/\n", |_| {}).await;
    assert_eq!(run.record.journey.state, JourneyState::Failed);
    assert!(
        message(&run).contains("answered with status 404"),
        "{}",
        message(&run)
    );
}

#[tokio::test]
async fn a_host_that_refuses_is_said() {
    // A port that was free a moment ago, and that nobody listens on.
    let port = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let (run, _folder) = fail("  - navigate: /\n", |options| {
        options.connect_to = vec![ConnectTo::all_to(port)];
    })
    .await;
    assert!(
        message(&run).contains("ERR_CONNECTION_REFUSED"),
        "{}",
        message(&run)
    );
    assert_eq!(run.exchanges.len(), 1, "the attempt is recorded");
    assert_eq!(run.exchanges[0].sent, Some(false));
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let (run, _folder) = fail("  - navigate: /\n", |options| options.trusted_keys.clear()).await;
    assert!(
        message(&run).contains("ERR_CERT_AUTHORITY_INVALID"),
        "{}",
        message(&run)
    );
    let (run, _folder) = fail("  - navigate: /\n", |options| {
        options.trusted_keys.clear();
        options.insecure = true;
    })
    .await;
    assert_eq!(run.record.problems, []);
    assert_eq!(run.record.options["insecure"], true);
}

#[tokio::test]
async fn a_page_that_never_loads_ends_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = listener.local_addr().unwrap();
    let holding = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut hello = [0; 64];
            let _ = stream.read(&mut hello).await;
            held.push(stream);
        }
    });
    let (run, _folder) = fail("  - navigate: /\n", |options| {
        options.connect_to = vec![ConnectTo::all_to(silent)];
    })
    .await;
    assert!(message(&run).contains("within 3 s"), "{}", message(&run));
    let (run, _folder) = fail("  - navigate: /\n", |options| {
        options.connect_to = vec![ConnectTo::all_to(silent)];
        options.step_timeout = Duration::from_secs(60);
        options.timeout = Duration::from_secs(2);
    })
    .await;
    assert_eq!(run.record.journey.state, JourneyState::TimedOut);
    holding.abort();
}

#[tokio::test]
async fn a_browser_that_does_not_start_leaves_a_record_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let mut options = options(&server, folder.path().join("run")).await;
    options.browser = PathBuf::from("/bin/false");
    options.declare_automation = true;
    let run = pixelwitness::run::run(&written("  - navigate: /\n"), &options, never(), &|_| {})
        .await
        .unwrap();
    let on_disk = read_bundle(&run.bundle);
    assert_eq!(on_disk.run.journey.state, JourneyState::BrowserLost);
    let problem = &on_disk.run.problems[0].message;
    assert!(problem.contains("did not start"), "{problem}");
    // Sealed like any other: what is not known is said.
    assert_eq!(verify(&run.bundle, &[]).0, 0);
    let outcomes = run
        .findings
        .verdicts
        .all()
        .map(|(_, verdict)| verdict.outcome);
    assert!(
        !outcomes.contains(&VerdictOutcome::NotFound),
        "{outcomes:?}"
    );
    // What is no browser at all is bad input.
    options.browser = folder.path().join("none");
    options.out = folder.path().join("other");
    options.declare_automation = false;
    let error = pixelwitness::run::run(&written("  - navigate: /\n"), &options, never(), &|_| {})
        .await
        .unwrap_err();
    assert!(matches!(error, RunError::Browser(_)), "{error}");
}

#[tokio::test]
async fn a_run_that_is_stopped_keeps_what_it_has_and_leaves_no_browser() {
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let options = options(&server, folder.path().join("run")).await;
    let (stop, stopped) = watch::channel(false);
    let steps =
        "  - navigate: /report/\n  - waitForElement: { selector: \"#never\", timeout: 60000 }\n";
    let scenario = written(steps);
    let running = pixelwitness::run::run(&scenario, &options, stopped, &|_| {});
    let stopper = async {
        // Not before the page has told something.
        until_told(&server, "ev=Microdata").await;
        stop.send(true).unwrap();
    };
    let (run, ()) = tokio::join!(running, stopper);
    let run = run.unwrap();
    assert_eq!(run.record.journey.state, JourneyState::Interrupted);
    let on_disk = read_bundle(&run.bundle);
    assert!(
        on_disk
            .events
            .iter()
            .any(|event| event.event_name.as_deref() == Some("PageView"))
    );
    let profile = run
        .record
        .browser
        .as_ref()
        .and_then(|browser| {
            browser
                .flags
                .iter()
                .find_map(|flag| flag.strip_prefix("--user-data-dir="))
        })
        .unwrap();
    assert_eq!(processes_naming(profile.as_ref()), Vec::<String>::new());
    assert!(!std::path::Path::new(profile).exists());
    server.stop().await;
}

#[tokio::test]
async fn a_browser_that_dies_in_the_middle_takes_nothing_recorded_along() {
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let options = options(&server, folder.path().join("run")).await;
    let steps =
        "  - navigate: /report/\n  - waitForElement: { selector: \"#never\", timeout: 60000 }\n";
    let scenario = written(steps);
    let running = pixelwitness::run::run(&scenario, &options, never(), &|_| {});
    let ours = format!("MAP * {}", server.addr());
    let killer = async {
        until_told(&server, "ev=Microdata").await;
        kill_browser(&ours);
    };
    let (run, ()) = tokio::join!(running, killer);
    let run = run.unwrap();
    assert_eq!(run.record.journey.state, JourneyState::BrowserLost);
    assert!(run.record.problems.iter().any(|problem| {
        problem
            .message
            .contains("the browser, or the connection to it, ended")
    }));
    let on_disk = read_bundle(&run.bundle);
    assert!(
        on_disk
            .events
            .iter()
            .any(|event| event.event_name.as_deref() == Some("Microdata"))
    );
    // The log lacks its end; of what stands before it the audit still says what was sent.
    let audit = &on_disk.run.audit;
    assert!(audit.truncated && audit.sent >= 5, "{audit:#?}");
    assert_eq!(audit.verdict, AuditVerdict::Incomplete);
    assert!(
        audit.reasons[0].contains("lacks its end"),
        "{:?}",
        audit.reasons
    );
    server.stop().await;
}

#[tokio::test]
async fn without_a_network_log_what_was_sent_is_unknown() {
    let (run, _folder) = fail("  - navigate: /\n", |options| {
        // The last one counts.
        options
            .browser_args
            .push("--log-net-log=/nowhere/at/all.json".to_owned());
    })
    .await;
    assert_eq!(run.record.journey.state, JourneyState::Completed);
    assert_eq!(run.record.audit.verdict, AuditVerdict::AuditUnavailable);
    assert!(
        message(&run)
            .starts_with("what was really sent is unknown: the network log is not available"),
        "{}",
        message(&run)
    );
    assert!(run.exchanges.len() > 5);
    for exchange in &run.exchanges {
        assert_eq!(exchange.sent, None, "{}", exchange.url);
    }
}

#[tokio::test]
async fn a_page_that_asks_a_host_that_is_kept_off_the_wire_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let mut options = options(&server, folder.path().join("run")).await;
    options.settle = Duration::from_secs(0);
    let scenario = pixelwitness::scenario::Scenario::parse(
        "test.yaml".as_ref(),
        "title: Test\norigin: https://www.channels.example\nsteps:\n  - navigate: /hostile/own-host\n  - waitForElement: { selector: html.done, visible: null }\n".to_owned(),
    )
    .unwrap();
    let run = pixelwitness::run::run(&scenario, &options, never(), &|_| {})
        .await
        .unwrap();
    let mut asked = run
        .exchanges
        .iter()
        .filter(|x| x.url.starts_with("https://accounts.google.com/"));
    let asked = asked.next().unwrap();
    assert_eq!((asked.outcome, asked.sent), (Outcome::Blocked, Some(false)));
    assert!(
        asked.error.as_ref().unwrap().contains("kept off the wire"),
        "{:?}",
        asked.error
    );
    server.stop().await;
}

#[tokio::test]
async fn a_renderer_that_dies_in_the_middle_loses_nothing_that_was_sent() {
    let never = r##"waitForElement: { selector: "#never", timeout: 60000 }"##;
    renderer_dies(&format!("  - navigate: /report/\n  - {never}\n")).await;
    // It dies in a step that asks it for nothing: the next one notices.
    renderer_dies(&format!(
        "  - navigate: /report/\n  - wait: {{ ms: 4000 }}\n  - {never}\n"
    ))
    .await;
}

/// Runs the steps, and ends the renderers as soon as the page's Microdata was told.
async fn renderer_dies(steps: &str) {
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let options = options(&server, folder.path().join("run")).await;
    let scenario = written(steps);
    let running = pixelwitness::run::run(&scenario, &options, never(), &|_| {});
    let ours = format!("MAP * {}", server.addr());
    let killer = async {
        until_told(&server, "ev=Microdata").await;
        kill_renderers(&ours);
    };
    let (run, ()) = tokio::join!(running, killer);
    let run = run.unwrap();
    assert_eq!(run.record.journey.state, JourneyState::Failed);
    assert!(
        message(&run).contains("the page's renderer crashed"),
        "{}",
        message(&run)
    );
    // The browser itself goes on, and so do its network log and the audit.
    let audit = &run.record.audit;
    assert_eq!(audit.verdict, AuditVerdict::Complete, "{audit:#?}");
    assert_eq!(audit.sent as usize, server.access_log().len());
    assert!(
        run.events
            .iter()
            .any(|event| event.event_name.as_deref() == Some("Microdata"))
    );
    server.stop().await;
}

/// A tab that a page opens and closes at once may be gone between the moment in which it is listed and the one in
/// which the journey asks for it. Waiting for it would take the whole step.
#[tokio::test]
async fn a_tab_that_is_closed_already_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let net_log = folder.path().join("netlog.json");
    let launch = Launch::plain(chromium().await, net_log);
    let mut launched = launch.start().await.unwrap();
    let (outputs, _known) = mpsc::unbounded_channel();
    let journal = Box::new(std::io::sink());
    let capture = Capture::start(
        &launched.web_socket,
        "a.example",
        journal,
        outputs,
        None,
        None,
    )
    .await
    .unwrap();
    let limit = Duration::from_secs(20);
    let staying = Tab::open(&capture, limit).await.unwrap();
    let tab = Tab::open(&capture, limit).await.unwrap();
    let target = tab.target().to_owned();
    capture
        .remote(None)
        .call("Target.closeTarget", json!({"targetId": &target}))
        .await
        .unwrap();
    let mut state = tab.state.clone();
    while state.changed().await.is_ok() {}
    let began = Instant::now();
    assert!(matches!(
        capture.page_ready(&target, limit).await,
        Err(CaptureError::Lost)
    ));
    assert!(Tab::attach(&capture, &target, limit).await.is_err());
    assert!(began.elapsed() < limit / 2, "{:?}", began.elapsed());
    assert!(Tab::attach(&capture, staying.target(), limit).await.is_ok());
    capture.finish(Duration::ZERO).await.unwrap();
    launched.kill().await;
}

/// Ends the renderers of the browser that this test started: children, of whatever degree, of the process that is
/// known by its host rules.
fn kill_renderers(rules: &str) {
    let mut parents = std::collections::HashMap::new();
    let mut lines = std::collections::HashMap::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(id) = entry.file_name().to_string_lossy().parse::<i32>() else {
            continue;
        };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let parent = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split(' ').nth(2)?.parse::<i32>().ok());
        parents.extend(parent.map(|parent| (id, parent)));
        lines.insert(
            id,
            std::fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default(),
        );
    }
    let ours = |mut id: i32| loop {
        if lines
            .get(&id)
            .is_some_and(|line| line.contains(rules) && !line.contains("--type="))
        {
            return true;
        }
        match parents.get(&id) {
            Some(parent) if *parent > 1 => id = *parent,
            _ => return false,
        }
    };
    let mut killed = 0;
    for (id, line) in &lines {
        if line.contains("--type=renderer") && ours(*id) {
            let id = rustix::process::Pid::from_raw(*id).unwrap();
            killed += usize::from(
                rustix::process::kill_process(id, rustix::process::Signal::KILL).is_ok(),
            );
        }
    }
    assert!(killed > 0, "no renderer of {rules}");
}

/// Ends the browser that this test started, known by its host rules.
fn kill_browser(rules: &str) {
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        let main = line.contains(rules) && !line.contains("--type=");
        if let (true, Ok(id)) = (main, entry.file_name().to_string_lossy().parse::<i32>()) {
            let id = rustix::process::Pid::from_raw(id).unwrap();
            let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_promise_comes_to_is_awaited() {
    let later = "new Promise((done) => setTimeout(() => done(VALUE), 300))";
    let folder = tempfile::tempdir().unwrap();
    for (expression, why) in [
        (later.replace("VALUE", "7"), None),
        (later.replace("VALUE", "0"), Some("it was false to the end")),
        (
            "new Promise(() => {})".to_owned(),
            Some("its promise was not settled"),
        ),
    ] {
        let steps = format!(
            "  - navigate: /\n  - waitForExpression: {{ expression: {}, timeout: 2000 }}\n",
            serde_json::json!(expression)
        );
        let out = folder
            .path()
            .join(format!("run-{}", why.map_or(0, str::len)));
        let (run, server) = replay(&written(&steps), Build::Fixed, &out).await;
        let problem = run.record.journey.steps[1].problem.clone();
        match why {
            None => assert_eq!(problem, None),
            Some(why) => assert!(problem.unwrap().contains(why), "{expression}"),
        }
        server.stop().await;
    }
}
