//! Journeys through what stands in their way, and reports that must not be filed however they are sent.

use std::path::Path;

use pixelwitness::capture::Deliver;
use pixelwitness::demo::{Build, DemoServer};
use pixelwitness::model::{ConsentOutcome, JourneyState, Outcome};
use pixelwitness::run::{Run, RunOptions};
use pixelwitness::scenario::{Consent, Scenario};

use crate::common::{never, options, written};

/// Replays a scenario on the trial pages, however often is asked for by `PIXELWITNESS_TRIAL_RUNS`.
async fn replay(
    scenario: &Scenario,
    server: &DemoServer,
    folder: &Path,
    change: impl Fn(&mut RunOptions),
) -> Run {
    let mut options = options(server, folder.to_owned()).await;
    options.settle = std::time::Duration::from_millis(500);
    change(&mut options);
    pixelwitness::run::run(scenario, &options, never(), &|_| {})
        .await
        .unwrap()
}

fn runs() -> u32 {
    let runs = std::env::var("PIXELWITNESS_TRIAL_RUNS").ok();
    runs.map_or(1, |runs| runs.parse().expect("a number of runs"))
}

fn assert_completed(run: &Run) {
    assert_eq!(
        run.record.journey.state,
        JourneyState::Completed,
        "{:#?}",
        run.record.problems
    );
}

/// What the pages said of what happened to them.
fn told(server: &DemoServer) -> Vec<String> {
    let log = server.access_log();
    let told = log
        .iter()
        .filter_map(|entry| entry.target.strip_prefix("/trials/told?"));
    told.map(str::to_owned).collect()
}

const OBSTACLES: &str = r##"
  - navigate: /trials/obstacles/
  - change: { selector: aria/Code, value: abc }
  - click: text/Confirm code
  - change: { selector: [["trial-card", "#nick"]], value: Sam }
  - click: ["aria/No such thing", "pierce/#save"]
  - click: text/Open help
  - click: text/Understood
  - click: text/Ask me
  - change: { selector: "#file", value: Cargo.toml }
  - click: text/Leave
  - waitForElement: text/We have received your report
"##;

#[tokio::test]
async fn a_journey_gets_through_frames_shadows_tabs_dialogs_and_files() {
    let scenario = written(OBSTACLES);
    for number in 1..=runs() {
        let folder = tempfile::tempdir().unwrap();
        let server = DemoServer::start(Build::Leaky).await.unwrap();
        // Nothing here is a report, though a file is chosen and a link is followed.
        let run = replay(&scenario, &server, folder.path(), |_| {}).await;
        assert_completed(&run);
        let told = told(&server);
        let inner = run
            .exchanges
            .iter()
            .find(|x| x.url.ends_with("/trials/told?inner"))
            .unwrap();
        assert_eq!(
            inner.target_type.as_deref(),
            Some("iframe"),
            "it has a process of its own"
        );
        let size = std::fs::metadata(crate::common::root().join("Cargo.toml"))
            .unwrap()
            .len();
        for expected in [
            "message=code%20abc%20true",
            "card=Sam&trusted",
            "help&trusted",
            "message=understood%20true",
            "help-left",
            "asked&trusted",
            &format!("file=Cargo.toml:{size}&trusted"),
            "left",
        ] {
            assert!(
                told.iter().any(|what| what == expected),
                "run {number}: {expected} in {told:#?}"
            );
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn pointer_and_keys_are_a_persons() {
    let scenario = written(
        r##"
  - setViewport: { width: 900, height: 700, hasTouch: true }
  - navigate: /trials/inputs/
  - doubleClick: "#twice"
  - click: { selector: "#held", button: secondary }
  - click: { selector: "#held", button: auxiliary }
  - click: { selector: "#held", duration: 200, offsetX: 5, offsetY: 6 }
  - click: { selector: "#held", deviceType: touch }
  - hover: "#over"
  - click: "#menu"
  - click: "#keys"
  - keyDown: Shift
  - keyDown: A
  - keyUp: A
  - keyUp: Shift
  - keyDown: b
  - keyUp: b
  - keyDown: Control
  - keyDown: a
  - keyUp: a
  - keyUp: Control
  - keyDown: c
  - keyUp: c
  - keyDown: Tab
  - keyUp: Tab
  - scroll: { selector: "#box", x: 40, y: 120 }
  - scroll: { x: 0, y: 800 }
  - waitForExpression: window.answer === 42
  - waitForElement: { selector: body, attributes: { data-ready: "yes" }, properties: { tagName: BODY } }
  - screenshot: inputs
  - setViewport: { width: 500, height: 400 }
  - wait: network
"##,
    );
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let run = replay(&scenario, &server, folder.path(), |_| {}).await;
    assert_completed(&run);
    let told = told(&server);
    for expected in [
        "twice&trusted",
        "right&trusted",
        "middle&trusted",
        // Two pixels of border are not the event's.
        "held=true&at=3,4&type=mouse&trusted",
        "menu&trusted",
        "key=A&shift=true&ctrl=false&trusted",
        "key=b&shift=false&ctrl=false&trusted",
        "key=a&shift=false&ctrl=true&trusted",
        // Ctrl+A marked all, so that the last key took its place.
        "value=c&trusted",
        "box=40,120&trusted",
        "scrolled=800&wheel=true&trusted",
    ] {
        assert!(
            told.iter().any(|what| what == expected),
            "{expected} in {told:#?}"
        );
    }
    let touched = told
        .iter()
        .any(|what| what.starts_with("held=") && what.contains("type=touch"));
    assert!(touched, "{told:#?}");
    assert!(
        told.iter().any(|what| what.starts_with("size=500x400")),
        "{told:#?}"
    );
    let picture = std::fs::read(folder.path().join("data/screenshots/029-inputs.png")).unwrap();
    assert_eq!(&picture[..4], b"\x89PNG");
}

#[tokio::test]
async fn a_quiet_network_is_one_without_what_pages_wait_for() {
    let scenario = written("  - navigate: /trials/slow/\n  - wait: network\n  - screenshot: {}\n");
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let run = replay(&scenario, &server, folder.path(), |_| {}).await;
    assert_completed(&run);
    // The page goes on telling that it is there, and that does not count.
    let told = told(&server);
    assert!(told.iter().any(|what| what == "ready"), "{told:#?}");
    let waited = &run.record.journey.steps[1];
    let (started, ended) = (waited.started.unwrap(), waited.ended.unwrap());
    assert!(
        ended.millis() - started.millis() < 5000,
        "{started} {ended}"
    );
}

#[tokio::test]
async fn elements_are_counted_as_the_recorder_does() {
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let good = written(
        r#"
  - navigate: /trials/rows/
  - waitForElement: { selector: li, count: 4, operator: "==", visible: null }
  - waitForElement: { selector: li, count: 3, operator: "==" }
  - waitForElement: { selector: li, count: 1, operator: "==", visible: false }
  - waitForElement: { selector: li, count: 2, operator: "<=", attributes: { class: "on" } }
  - waitForElement: { selector: b, count: 0, operator: "<=" }
"#,
    );
    let run = replay(&good, &server, &folder.path().join("good"), |_| {}).await;
    assert_completed(&run);
    let bad = written(
        "  - navigate: /trials/rows/\n  - waitForElement: { selector: li, count: 9, timeout: 900 }\n",
    );
    let run = replay(&bad, &server, &folder.path().join("bad"), |_| {}).await;
    assert_eq!(run.record.journey.state, JourneyState::Failed);
    let message = &run.record.problems[0].message;
    assert!(
        message.contains("4 on the page match li, of which 3 are as wanted; wanted were >= 9"),
        "{message}"
    );
}

#[tokio::test]
async fn tabs_are_gone_to_by_address_and_closed() {
    let scenario = written(
        r#"
  - navigate: /trials/obstacles/
  - click: text/Open help
  - waitForElement: { selector: text/This is a tab, target: "https://www.northgate.police.example/trials/help/" }
  - click: { selector: text/Ask me, target: main }
  - screenshot: { target: "https://www.northgate.police.example/trials/h*" }
  - close: {}
  - waitForElement: text/Obstacles
"#,
    );
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let run = replay(&scenario, &server, folder.path(), |_| {}).await;
    assert_completed(&run);
    let told = told(&server);
    assert!(told.iter().any(|what| what == "help-left"), "{told:#?}");
    let steps = &run.record.journey.steps;
    assert!(
        steps[3]
            .page
            .as_ref()
            .unwrap()
            .ends_with("/trials/obstacles/")
    );
    assert!(steps[4].page.as_ref().unwrap().ends_with("/trials/help/"));
    server.stop().await;
    // A tab that does not come is named, with those that are there.
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let scenario = written(
        "  - navigate: /trials/rows/\n  - click: { selector: text/One, target: \"https://no.example/\", timeout: 800 }\n",
    );
    let run = replay(&scenario, &server, &folder.path().join("other"), |_| {}).await;
    let message = &run.record.problems[0].message;
    assert!(
        message.contains("no tab is at https://no.example/; open are: https://www.northgate"),
        "{message}"
    );
}

const FORMS: [&str; 8] = [
    "form",
    "get",
    "fetch",
    "xhr",
    "beacon",
    "frame",
    "foreign-frame",
    "casework",
];

fn report(form: &str) -> Scenario {
    Scenario::parse(
        "test.yaml".as_ref(),
        format!(
            "title: Report\norigin: https://www.northgate.police.example\nidentity: [facebook]\ncanaries: {{ account: text }}\nsteps:\n  - navigate: /trials/{form}/\n  - change: {{ selector: aria/What happened, value: \"{{{{account}}}}\" }}\n  - submit: text/Send report\n"
        ),
    )
    .unwrap()
}

#[tokio::test]
async fn no_report_is_filed_however_it_is_sent() {
    for form in FORMS {
        let scenario = report(form);
        let server = DemoServer::start(Build::Leaky).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        for number in 1..=runs() {
            let out = folder.path().join(number.to_string());
            let run = replay(&scenario, &server, &out, |_| {}).await;
            assert_completed(&run);
            assert_eq!(server.filed_reports(), [], "{form}");
            let canary = &run
                .record
                .canaries
                .iter()
                .find(|c| c.name == "account")
                .unwrap()
                .value;
            let words: Vec<&str> = canary.split(' ').collect();
            let contained = run
                .exchanges
                .iter()
                .find(|x| x.outcome == Outcome::Contained && x.url.contains("/submit"));
            let contained = contained.unwrap_or_else(|| panic!("{form}: {:#?}", run.exchanges));
            assert_eq!(contained.sent, Some(false), "{form}");
            let body = pixelwitness::bundle::read_body(&out, contained).unwrap_or_default();
            let text = format!("{} {}", contained.url, String::from_utf8_lossy(&body));
            assert!(
                words
                    .iter()
                    .all(|word| text.contains(word.trim_matches([',', '.']))),
                "{form}: {text}"
            );
            // The tracker is told of the click all the same.
            let pixel = server.access_log().iter().any(|entry| {
                let body = String::from_utf8_lossy(&entry.body);
                format!("{} {body}", entry.target).contains("ev=Submit")
            });
            assert!(pixel, "{form}");
            assert!(run.record.containment.slipped.is_empty());
        }
        // Let through, it is filed.
        let before = server.filed_reports().len();
        let out = folder.path().join("all");
        let run = replay(&scenario, &server, &out, |options| {
            options.deliver = Deliver::All
        })
        .await;
        assert_completed(&run);
        assert_eq!(server.filed_reports().len() - before, 1, "{form}");
        assert_eq!(run.record.containment.deliver, "all");
        server.stop().await;
    }
}

/// The demo's own report form, over and over: never filed; let through, filed once each time.
#[tokio::test]
async fn the_report_form_is_filed_never_or_once_each_time() {
    let scenario = crate::common::scenario("scenarios/demo/report-domestic-abuse.yaml");
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    for number in 1..=runs() as usize {
        for deliver in [Deliver::AllButReports, Deliver::All] {
            let before = server.filed_reports().len();
            let folder = tempfile::tempdir().unwrap();
            let run = replay(&scenario, &server, folder.path(), |options| {
                options.deliver = deliver;
            })
            .await;
            assert_completed(&run);
            let filed = server.filed_reports().len() - before;
            assert_eq!(
                filed,
                usize::from(deliver == Deliver::All),
                "run {number}, {deliver:?}"
            );
        }
    }
    assert_eq!(server.filed_reports().len(), runs() as usize);
}

#[tokio::test]
async fn a_scenario_that_types_and_does_not_submit_files_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (form, click) in [
        ("form", "click: text/Send report"),
        ("fetch", "click: text/Send report"),
        ("beacon", "doubleClick: text/Send report"),
        ("form", "keyDown: Enter"),
    ] {
        let scenario = written(&format!(
            "  - navigate: /trials/{form}/\n  - change: {{ selector: \"#what\", value: It happened }}\n  - click: \"#what\"\n  - {click}\n  - wait: {{ ms: 300 }}\n"
        ));
        let server = DemoServer::start(Build::Leaky).await.unwrap();
        let out = tempfile::tempdir_in(folder.path()).unwrap();
        let run = replay(&scenario, &server, out.path(), |_| {}).await;
        assert_eq!(server.filed_reports(), [], "{form}");
        if click != "keyDown: Enter" {
            let noted = run.record.journey.steps.iter().flat_map(|step| &step.notes);
            let noted: Vec<&String> = noted
                .filter(|note| note.contains("no `submit` step"))
                .collect();
            assert!(!noted.is_empty(), "{form}: {:#?}", run.record.journey.steps);
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn what_went_into_a_socket_after_the_submit_is_said_first() {
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let scenario = Scenario::parse(
        "test.yaml".as_ref(),
        "title: Report\norigin: https://www.channels.example\nsteps:\n  - navigate: /trials/socket/\n  - waitForElement: html.open\n  - change: { selector: \"#what\", value: It happened }\n  - submit: text/Send report\n".to_owned(),
    )
    .unwrap();
    let run = replay(&scenario, &server, folder.path(), |_| {}).await;
    let first = &run.record.problems[0];
    assert_eq!(first.area, "containment");
    assert!(
        first
            .message
            .starts_with("CONTAINMENT FAILED: a request left"),
        "{}",
        first.message
    );
    assert!(
        first.message.contains("wss://www.channels.example/"),
        "{}",
        first.message
    );
}

#[tokio::test]
async fn a_submit_that_asks_for_nothing_says_what_it_saw() {
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let scenario = written(
        "  - navigate: /trials/nothing/\n  - submit: { selector: text/Send report, timeout: 1500 }\n",
    );
    let run = replay(&scenario, &server, folder.path(), |_| {}).await;
    assert_eq!(run.record.journey.state, JourneyState::Failed);
    let message = &run.record.problems[0].message;
    assert!(
        message.contains("what was asked for: GET https://www.facebook.com/tr/?id="),
        "{message}"
    );
}

/// Pages twice: before an answer, and after it.
fn banner(name: &str) -> Scenario {
    written(&format!(
        "  - navigate: /trials/banner-{name}/\n  - wait: {{ ms: 200 }}\n  - navigate: /trials/banner-{name}/?again\n"
    ))
}

#[tokio::test]
async fn the_consent_matrix_tells_three_banners_apart() {
    // Told before the answer, and after it.
    let expected = [
        ("early", Consent::Ignore, (2, 0), None),
        ("early", Consent::Reject, (1, 0), Some("OneTrust")),
        ("early", Consent::Accept, (1, 1), Some("OneTrust")),
        ("honest", Consent::Ignore, (0, 0), None),
        ("honest", Consent::Reject, (0, 0), Some("GOV.UK")),
        ("honest", Consent::Accept, (0, 2), Some("GOV.UK")),
        ("ignored", Consent::Ignore, (2, 0), None),
        ("ignored", Consent::Reject, (1, 1), Some("by its words")),
        ("ignored", Consent::Accept, (1, 1), Some("by its words")),
    ];
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (number, (name, consent, told, platform)) in expected.into_iter().enumerate() {
        let out = folder.path().join(number.to_string());
        let run = replay(&banner(name), &server, &out, |options| {
            options.consent = Some(consent)
        })
        .await;
        assert_completed(&run);
        assert_eq!(
            run.record.problems,
            [],
            "{name} {consent:?}: {:#?}",
            run.record.consent
        );
        let seen = pixelwitness::report::compare::Seen::of(&run);
        let group = pixelwitness::report::compare::Group {
            consent: Some(consent.as_str()),
            runs: vec![&seen],
        };
        let rows = pixelwitness::report::compare::compare(&[group]);
        let sum = rows.iter().fold((0, 0), |sum, row| {
            (sum.0 + row.told[0].before, sum.1 + row.told[0].after)
        });
        assert_eq!(sum, told, "{name} {consent:?}: {rows:#?}");
        let answered = run
            .record
            .consent
            .iter()
            .find(|r| r.outcome == ConsentOutcome::Answered);
        assert_eq!(
            answered.and_then(|r| r.banner.as_deref()),
            platform,
            "{:#?}",
            run.record.consent
        );
        if (name, consent) == ("ignored", Consent::Reject) {
            assert_eq!(
                answered.unwrap().clicks,
                ["Customise Cookies", "untick Advertising", "Save and close"]
            );
        }
    }
}

#[tokio::test]
async fn a_banner_that_cannot_be_answered_is_inconclusive() {
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (name, message) in [
        ("none", "no consent banner was recognised on any page"),
        (
            "stubborn",
            "could not be answered with `reject`: no way to reject was recognised among: Accept all cookies",
        ),
    ] {
        let out = folder.path().join(name);
        let run = replay(&banner(name), &server, &out, |o| {
            o.consent = Some(Consent::Reject)
        })
        .await;
        assert_completed(&run);
        assert_eq!(run.record.problems.len(), 1);
        assert_eq!(run.record.problems[0].area, "consent");
        assert!(
            run.record.problems[0].message.contains(message),
            "{}",
            run.record.problems[0].message
        );
    }
    // By the scenario's own selectors, and as a step.
    let own = Scenario::parse(
        "test.yaml".as_ref(),
        "title: Own\norigin: https://www.northgate.police.example\nconsent: accept\nconsent_selectors: { accept: [\"#yes\"], reject: [\"#more\", \"#save\"] }\nsteps:\n  - navigate: /trials/banner-ignored/\n".to_owned(),
    )
    .unwrap();
    let run = replay(&own, &server, &folder.path().join("own"), |_| {}).await;
    assert_eq!(run.record.problems, []);
    assert_eq!(run.record.consent[0].clicks, ["#yes"]);
    let step = written(
        "  - navigate: /trials/banner-early/\n  - consent: reject\n  - waitForElement: { selector: \"#onetrust-consent-sdk\", count: 0, operator: \"==\" }\n",
    );
    let run = replay(&step, &server, &folder.path().join("step"), |_| {}).await;
    assert_completed(&run);
    assert_eq!(run.record.consent[0].clicks, ["Reject All"]);
}

/// Speaks as the rules' own script does: asks for its rules, has something evaluated, finds a banner and answers it.
const RULES: &str = r#"
(() => {
  const send = autoconsentSendMessage;
  let rules;
  globalThis.autoconsentReceiveMessage = async (message) => {
    if (message.type === "initResp") {
      rules = message;
      send({ type: "eval", id: "1", code: "typeof choice === 'function'" });
    }
    if (message.type === "evalResp" && message.result === true && message.id === "1") {
      const odd = document.getElementById("odd");
      if (!odd) return;
      send({ type: "popupFound", cmp: rules.rules.compact.name, url: location.href });
      const optOut = rules.config.autoAction === "optOut";
      if (optOut) document.getElementById("nah").click();
      send({ type: optOut ? "optOutResult" : "optInResult", cmp: "odd", result: optOut, url: location.href });
      if (optOut) send({ type: "autoconsentDone", cmp: "odd", url: location.href });
    }
  };
  send({ type: "init", url: location.href });
})();
"#;

#[tokio::test]
async fn installed_rules_are_asked_about_a_banner_that_is_not_recognised() {
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let rules = std::sync::Arc::new(pixelwitness::consent::Rules {
        version: "0".to_owned(),
        script: RULES.to_owned(),
        compact: serde_json::json!({"name": "odd"}),
    });
    for (consent, outcome, why) in [
        (Consent::Reject, ConsentOutcome::Answered, None),
        (
            Consent::Accept,
            ConsentOutcome::Failed,
            Some("the rules could not answer it"),
        ),
    ] {
        let out = folder.path().join(consent.as_str());
        let run = replay(&banner("odd"), &server, &out, |options| {
            options.consent = Some(consent);
            options.consent_rules = Some(rules.clone());
        })
        .await;
        assert_completed(&run);
        let record = &run.record.consent[0];
        assert_eq!(record.outcome, outcome, "{record:#?}");
        assert_eq!(record.banner.as_deref(), Some("autoconsent 0: odd"));
        assert_eq!(record.why.as_deref(), why);
        assert_eq!(run.record.problems.len(), usize::from(why.is_some()));
        assert_eq!(run.record.options["consent_rules"], "autoconsent 0");
    }
    // Without them the run is inconclusive.
    let out = folder.path().join("without");
    let run = replay(&banner("odd"), &server, &out, |o| {
        o.consent = Some(Consent::Reject)
    })
    .await;
    assert_eq!(run.record.problems[0].area, "consent");
}
