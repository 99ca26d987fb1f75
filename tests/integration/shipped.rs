//! The shipped scenarios, each against the replica of its site: on the leaky build and on the fixed one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pixelwitness::demo::{Build, DemoServer};
use pixelwitness::model::{
    AuditVerdict, EventKind, JourneyState, Outcome, Verdict, VerdictOutcome,
};
use pixelwitness::policy::Policy;
use pixelwitness::run::Run;
use pixelwitness::scenario::Scenario;

use crate::common::{never, options, root};

/// What a run comes to: whether what was typed left, whether the sensitive page or button was told, whether it was
/// tied to a person; and the paths of the pages that Meta was told of.
#[derive(Debug, PartialEq)]
struct Found {
    typed_value: bool,
    page_context: bool,
    identity_link: bool,
    pages: BTreeSet<String>,
}

fn found(run: &Run) -> Found {
    let verdicts = &run.findings.verdicts;
    let is_found = |verdict: &Verdict| verdict.outcome == VerdictOutcome::Found;
    for (name, verdict) in verdicts.all() {
        assert_ne!(
            verdict.outcome,
            VerdictOutcome::Inconclusive,
            "{name}: {verdict:#?}"
        );
    }
    Found {
        typed_value: is_found(&verdicts.typed_value),
        page_context: is_found(&verdicts.page_context),
        identity_link: is_found(&verdicts.identity_link),
        pages: run
            .events
            .iter()
            .filter(|event| event.kind == EventKind::Event && event.recipient == "Meta")
            .filter_map(|event| event.page_url.as_deref())
            .map(|url| url::Url::parse(url).unwrap().path().to_owned())
            .collect(),
    }
}

async fn replay(path: &Path, build: Build) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let scenario = Scenario::load(path).unwrap_or_else(|error| panic!("{}", error.render(false)));
    scenario
        .check_files()
        .unwrap_or_else(|error| panic!("{}", error.render(false)));
    let server = DemoServer::start(build).await.unwrap();
    let mut options = options(&server, folder.path().to_owned()).await;
    options.settle = std::time::Duration::from_secs(1);
    let run = pixelwitness::run::run(&scenario, &options, never(), &|_| {})
        .await
        .unwrap();
    let name = path.display();
    assert_eq!(
        run.record.journey.state,
        JourneyState::Completed,
        "{name}: {:#?}",
        run.record.problems
    );
    assert_eq!(run.record.problems, [], "{name}");
    assert_eq!(
        run.record.audit.verdict,
        AuditVerdict::Complete,
        "{name}: {:#?}",
        run.record.audit
    );
    assert_eq!(server.filed_reports(), [], "{name}");
    for exchange in &run.exchanges {
        assert!(
            exchange.outcome != Outcome::Contained || exchange.sent == Some(false),
            "{name}"
        );
    }
    server.stop().await;
    run
}

/// Every scenario of a folder, and whether the page's own words were typed into a form that Meta reads.
async fn both_builds(folder: &str, cases: &[(&str, bool)]) {
    let mut there: Vec<String> = std::fs::read_dir(root().join("scenarios").join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".policy.yaml"))
        .collect();
    there.sort();
    let mut expected: Vec<String> = cases
        .iter()
        .map(|(name, _)| format!("{name}.yaml"))
        .collect();
    expected.sort();
    assert_eq!(there, expected, "every shipped scenario is tried");
    for (name, types) in cases {
        let path: PathBuf = root().join(format!("scenarios/{folder}/{name}.yaml"));
        let leaky = found(&replay(&path, Build::Leaky).await);
        let fixed = found(&replay(&path, Build::Fixed).await);
        let recruitment = *name == "home-and-careers";
        assert_eq!(leaky.typed_value, *types, "{folder}/{name}: {leaky:#?}");
        assert!(leaky.page_context, "{folder}/{name}: {leaky:#?}");
        assert!(leaky.identity_link, "{folder}/{name}: {leaky:#?}");
        if recruitment {
            // That someone looks for work is what Meta is meant to be told.
            assert!(
                !fixed.typed_value && fixed.page_context && fixed.identity_link,
                "{fixed:#?}"
            );
            assert!(
                fixed
                    .pages
                    .iter()
                    .all(|page| page == "/" || page.starts_with("/car/careers/")),
                "{fixed:#?}"
            );
            assert!(fixed.pages.len() >= 2, "{fixed:#?}");
        } else {
            let nothing = Found {
                typed_value: false,
                page_context: false,
                identity_link: false,
                pages: BTreeSet::new(),
            };
            assert_eq!(fixed, nothing, "{folder}/{name}");
        }
    }
}

#[tokio::test]
async fn metropolitan_police() {
    both_builds(
        "metropolitan-police",
        &[
            ("report-a-sexual-offence", true),
            ("report-domestic-abuse", true),
            ("report-another-crime", true),
            ("contact", false),
            ("victim-services", false),
            ("advice-on-rape", false),
            ("advice-on-assault", false),
            ("advice-on-stalking", false),
            ("advice-on-fraud", false),
            ("home-and-careers", false),
        ],
    )
    .await;
}

#[tokio::test]
async fn norfolk_and_suffolk_constabularies() {
    both_builds("norfolk-constabulary", &[("sensitive-pages", false)]).await;
    both_builds("suffolk-constabulary", &[("sensitive-pages", false)]).await;
}

#[tokio::test]
async fn an_nhs_trust() {
    both_builds("nhs-trust", &[("appointment", true), ("conditions", false)]).await;
}

/// Each policy can be read, and says where its claims come from.
#[test]
fn policies_are_well_formed() {
    let mut seen = 0;
    for folder in std::fs::read_dir(root().join("scenarios"))
        .unwrap()
        .flatten()
    {
        for file in std::fs::read_dir(folder.path()).unwrap().flatten() {
            let path = file.path();
            if !path.to_string_lossy().ends_with(".policy.yaml") {
                continue;
            }
            seen += 1;
            let policy = Policy::load(&path, jiff::civil::date(2026, 11, 25))
                .unwrap_or_else(|error| panic!("{}", error.render(false)));
            for rule in policy.rules {
                assert!(rule.reason.is_some(), "{}", rule.id);
            }
            for claim in policy.claims {
                assert!(claim.source.contains("2023"), "{}", claim.id);
            }
        }
    }
    assert_eq!(seen, 5);
}
