//! Exports of the Chrome DevTools Recorder, made by hand for each kind of step: they replay as they are, and imported.

use pixelwitness::demo::{Build, DemoServer};
use pixelwitness::model::JourneyState;
use pixelwitness::scenario::Scenario;

use crate::common::{never, options, pixelwitness, root};

/// File, and what the pages must have been told of.
const RECORDINGS: [(&str, &[&str]); 5] = [
    (
        "click",
        &["right&trusted", "held=true&at=8,6&type=mouse&trusted"],
    ),
    ("double_click_and_hover", &["twice&trusted", "menu&trusted"]),
    (
        "keys",
        &[
            "key=x&shift=false&ctrl=false&trusted",
            "value=typed&trusted",
            "scrolled=600&wheel=true&trusted",
            "box=20,60&trusted",
        ],
    ),
    ("waits", &[]),
    (
        "frames_and_tabs",
        &[
            "message=code%20xyz%20true",
            "card=Kim&trusted",
            "help-left",
            "left",
        ],
    ),
];

async fn replayed(scenario: &Scenario, expected: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let mut options = options(&server, folder.path().to_owned()).await;
    options.settle = std::time::Duration::from_millis(500);
    let run = pixelwitness::run::run(scenario, &options, never(), &|_| {})
        .await
        .unwrap();
    assert_eq!(
        run.record.journey.state,
        JourneyState::Completed,
        "{}: {:#?}",
        scenario.title,
        run.record.problems
    );
    let log = server.access_log();
    let told: Vec<&str> = log
        .iter()
        .filter_map(|entry| entry.target.strip_prefix("/trials/told?"))
        .collect();
    for what in expected {
        assert!(
            told.contains(what),
            "{}: {what} in {told:#?}",
            scenario.title
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn recordings_replay_as_they_are_and_imported() {
    let folder = tempfile::tempdir().unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for (name, expected) in RECORDINGS {
        let path = root().join(format!("tests/fixtures/recordings/{name}.json"));
        let recorded = Scenario::load(&path).unwrap();
        kinds.extend(recorded.steps.iter().map(|step| step.kind.name()));
        replayed(&recorded, expected).await;
        let out = folder.path().join(format!("{name}.yaml"));
        let output = pixelwitness(
            &[
                "import",
                path.to_str().unwrap(),
                "-o",
                out.to_str().unwrap(),
            ],
            &[],
        );
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let imported =
            Scenario::load(&out).unwrap_or_else(|error| panic!("{}", error.render(false)));
        let same = recorded.steps.iter().zip(&imported.steps).all(|(a, b)| {
            a.kind.to_string() == b.kind.to_string()
                || a.kind
                    .to_string()
                    .replace(recorded.origin.as_str().trim_end_matches('/'), "")
                    == b.kind.to_string()
        });
        assert!(
            same && recorded.steps.len() == imported.steps.len(),
            "{}",
            imported.text
        );
        replayed(&imported, expected).await;
        // Nothing is overwritten.
        let again = pixelwitness(
            &[
                "import",
                path.to_str().unwrap(),
                "-o",
                out.to_str().unwrap(),
            ],
            &[],
        );
        assert_eq!(again.status.code(), Some(2));
    }
    let all = [
        "change",
        "click",
        "close",
        "doubleClick",
        "hover",
        "keyDown",
        "keyUp",
        "navigate",
        "scroll",
        "setViewport",
        "waitForElement",
        "waitForExpression",
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), all);
}

#[tokio::test]
async fn a_step_that_was_to_lead_somewhere_and_does_not_fails() {
    let scenario = Scenario::load(&root().join("tests/fixtures/recordings/not_led.json")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let options = options(&server, folder.path().to_owned()).await;
    let run = pixelwitness::run::run(&scenario, &options, never(), &|_| {})
        .await
        .unwrap();
    let message = &run.record.problems[0].message;
    assert!(message.contains("it was to lead to https://www.northgate.police.example/trials/thanks/, and the page is still"), "{message}");
}
