//! The program as people and other programs call it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::{chromium, pixelwitness, processes_naming, read_bundle, root, until_told};

#[tokio::test]
async fn the_demos_json_is_all_that_is_on_stdout() {
    chromium().await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("demo");
    let log = folder.path().join("access.jsonl");
    let output = pixelwitness(
        &[
            "demo",
            "--json",
            "--out",
            out.to_str().unwrap(),
            "--access-log",
            log.to_str().unwrap(),
        ],
        &[],
    );
    assert_eq!(
        output.status.code(),
        Some(1),
        "the leaky build is found out: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let runs = result["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2);
    for (run, name) in runs.iter().zip(["leaky", "fixed"]) {
        assert_eq!(run["bundle"], out.join(name).to_str().unwrap());
        assert_eq!(run["run"]["journey"]["state"], "completed");
        let found = if name == "leaky" {
            "found"
        } else {
            "not_found"
        };
        for verdict in ["typed_value", "page_context", "identity_link"] {
            assert_eq!(run["findings"]["verdicts"][verdict]["outcome"], found);
        }
        assert_eq!(
            run["events"].as_array().unwrap().len(),
            read_bundle(&out.join(name)).events.len()
        );
    }
    let log = std::fs::read_to_string(log).unwrap();
    assert!(
        log.lines()
            .all(|line| serde_json::from_str::<Value>(line).is_ok())
    );
    assert!(log.lines().count() > 40);
}

#[tokio::test]
async fn the_summary_says_what_meta_was_told_and_evidence_is_never_overwritten() {
    chromium().await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("demo");
    let arguments = ["demo", "--build", "leaky", "--out", out.to_str().unwrap()];
    let output = pixelwitness(&arguments, &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    for expected in [
        "Meta was told of 7 pages",
        "/report/sexual-offence/",
        "clicked “Send report”, with first name, last name, e-mail, phone",
        "the Facebook account: cookie:c_user = 10",
        "form:udff[em] ← sha256 ← lower ← email",
        "typed in step 16 (#email), told 3 times, 2 of them typed but not sent by the visitor",
        "check: printf %s '",
        "Did what was typed leave?  found  (typed_value)",
        "“sexual offence”",
        "Contained: POST /report/sexual-offence/submit: it never left the browser.",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "colours only on a terminal");
    let again = pixelwitness(&arguments, &[]);
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("never overwritten"));
}

#[tokio::test]
async fn ctrl_c_leaves_a_readable_bundle_and_no_browser() {
    chromium().await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let scenario = folder.path().join("long.yaml");
    // Nothing listens on port 9 of loopback; the page is a local one that never shows the element.
    let text = "title: Long\norigin: https://www.northgate.police.example\nsteps:\n  - navigate: /\n  \
                - waitForElement: { selector: \"#never\", timeout: 60000 }\n";
    std::fs::write(&scenario, text).unwrap();
    let server = pixelwitness::demo::DemoServer::start(pixelwitness::demo::Build::Leaky)
        .await
        .unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_pixelwitness"))
        .args([
            "run",
            scenario.to_str().unwrap(),
            "--insecure",
            "--json",
            "--out",
            out.to_str().unwrap(),
        ])
        .args(["--connect-to", &format!("::{}", server.addr())])
        .env("TMPDIR", folder.path())
        .current_dir(root())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until_told(&server, "ev=Microdata").await;
    let id = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(1),
        "partial, and what was found counts: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["runs"][0]["run"]["journey"]["state"], "interrupted");
    assert!(!read_bundle(&out).events.is_empty());
    let profiles = folder.path().join("pixelwitness-");
    assert_eq!(processes_naming(&profiles), Vec::<String>::new());
    server.stop().await;
}

#[tokio::test]
async fn our_own_death_takes_the_browser_along_and_keeps_what_was_recorded() {
    chromium().await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let scenario = folder.path().join("long.yaml");
    let text = "title: Long\norigin: https://www.northgate.police.example\nsteps:\n  - navigate: /report/\n  \
                - waitForElement: { selector: \"#never\", timeout: 60000 }\n";
    std::fs::write(&scenario, text).unwrap();
    let server = pixelwitness::demo::DemoServer::start(pixelwitness::demo::Build::Leaky)
        .await
        .unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_pixelwitness"))
        .args([
            "run",
            scenario.to_str().unwrap(),
            "-k",
            "--out",
            out.to_str().unwrap(),
        ])
        .args(["--connect-to", &format!("::{}", server.addr())])
        .env("TMPDIR", folder.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let evidence = out.join("data/evidence.jsonl");
    let began = Instant::now();
    while !std::fs::read_to_string(&evidence).is_ok_and(|text| text.contains("PageView")) {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "nothing was recorded"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // While a run is writing to it, nobody else completes it.
    let output = pixelwitness(&["audit", out.to_str().unwrap()], &[]);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("is being written to by a run"),
        "{message}"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    let profiles = folder.path().join("pixelwitness-");
    let began = Instant::now();
    while !processes_naming(&profiles).is_empty() {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{:?}",
            processes_naming(&profiles)
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let on_disk = read_bundle(&out);
    assert_eq!(on_disk.run.finished, None, "and said to be unfinished");
    assert_eq!(
        on_disk.run.audit.verdict,
        pixelwitness::model::AuditVerdict::AuditUnavailable
    );
    let names = |events: &[pixelwitness::model::TrackerEvent]| {
        let names = events.iter().filter_map(|event| event.event_name.clone());
        names.collect::<std::collections::BTreeSet<_>>()
    };
    let before = names(&on_disk.events);
    assert!(before.contains("PageView"), "{before:?}");

    // Later: what can still be established, and nothing that was recorded is lost.
    let out_text = out.to_str().unwrap();
    let output = pixelwitness(&["audit", out_text, "--json"], &[]);
    assert_eq!(output.status.code(), Some(3));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["found"], "completed");
    let sent = result["audit"]["sent"].as_u64().unwrap();
    assert!(sent >= 5, "{result:#}");
    assert!(result["audit"]["recorded"].as_u64().unwrap() >= sent);
    let after = read_bundle(&out);
    assert!(after.run.finished.is_some());
    assert!(names(&after.events).is_superset(&before));
    assert!(after.exchanges.len() >= on_disk.exchanges.len());
    assert!(out.join("data/netlog.json.gz").is_file() && !out.join("data/netlog.json").exists());
    // It stands now, and is confirmed from the same sources.
    let again = pixelwitness(&["audit", out_text], &[]);
    let text = String::from_utf8(again.stdout).unwrap();
    assert!(text.starts_with("Audit: "), "{text}");
    assert!(
        !String::from_utf8_lossy(&again.stderr).contains("error"),
        "{text}"
    );
    // Of a bundle that was changed afterwards it says so.
    let run_json = out.join("data/run.json");
    let changed = std::fs::read_to_string(&run_json).unwrap();
    std::fs::write(
        &run_json,
        changed.replace(&format!("\"sent\": {sent}"), "\"sent\": 1"),
    )
    .unwrap();
    let output = pixelwitness(&["audit", out_text], &[]);
    assert_eq!(output.status.code(), Some(3));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("data/run.json"), "{message}");
    server.stop().await;
}

#[test]
fn no_browser_is_said_with_what_to_type() {
    let folder = tempfile::tempdir().unwrap();
    let output = pixelwitness(
        &[
            "run",
            "scenarios/demo/read-advice.yaml",
            "--browser",
            "/nowhere/chromium",
            "--out",
            folder.path().to_str().unwrap(),
        ],
        &[],
    );
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("`/nowhere/chromium` is not a browser that can be run"),
        "{stderr}"
    );
    assert!(stderr.contains("help: "), "{stderr}");
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing was run"
    );
}

#[tokio::test]
async fn the_browser_that_would_be_used_is_named() {
    let browser = chromium().await;
    let output = pixelwitness(&["browser", "path"], &[]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        String::from_utf8(output.stdout).unwrap().trim(),
        browser.to_str().unwrap()
    );
    let none = pixelwitness(
        &["browser", "path"],
        &[("PIXELWITNESS_BROWSER", "/nowhere")],
    );
    assert_eq!(none.status.code(), Some(2));
    assert!(none.stdout.is_empty());
}

#[test]
fn usage_that_makes_no_sense_exits_with_2() {
    for arguments in [
        &["run"][..],
        &["run", "x.yaml", "--connect-to", "a:b"],
        &["run", "x.yaml", "--timeout", "soon"],
        &["demo", "--build", "green"],
        &["nonsense"],
    ] {
        let output = pixelwitness(arguments, &[]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
    }
}

/// Whoever adds a kind of step describes it.
#[test]
fn every_kind_of_step_is_in_the_docs() {
    let text = std::fs::read_to_string(crate::common::root().join("docs/scenarios.md")).unwrap();
    for name in pixelwitness::scenario::StepKind::NAMES {
        assert!(
            text.contains(&format!("`{name}: ")),
            "{name} is not in docs/scenarios.md"
        );
    }
}
