//! What is left of a run that ended badly: killed at any moment, or on a full disk.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use pixelwitness::demo::{Build, DemoServer, LogEntry};
use pixelwitness::model::{Exchange, TrackerEvent};

use crate::common::{
    check, chromium, pixelwitness, processes_naming, program, read_bundle, read_lines, shell,
    verify,
};

const REPORT: &str = "scenarios/demo/report-sexual-offence.yaml";

/// How often: a few times, or as `PIXELWITNESS_TRIAL_RUNS` says.
fn kills() -> usize {
    let text = std::env::var("PIXELWITNESS_TRIAL_RUNS").ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(6)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_at_any_moment_loses_nothing() {
    chromium().await;
    // How long a whole one takes here, from when there is a bundle to when it is sealed.
    let whole = one(None).await.expect("a run that nobody kills");
    let mut done = 0;
    let mut tries = 0;
    while done < kills() {
        tries += 1;
        assert!(
            tries < 3 * kills() + 10,
            "{done} of {tries} runs could be killed"
        );
        let mut random = [0; 4];
        getrandom::fill(&mut random).unwrap();
        let share = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
        if one(Some(whole.mul_f64(share))).await.is_none() {
            done += 1;
        }
    }
}

/// The moment of all moments: the click that sends the report has been made, or is about to be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_as_it_submits_files_no_report() {
    chromium().await;
    for number in 0..kills() {
        let folder = tempfile::tempdir().unwrap();
        let bundle = folder.path().join("run");
        let server = DemoServer::start(Build::Leaky).await.unwrap();
        let mut child = started(folder.path(), &server, &["--screenshots", "none"]);
        let began = Instant::now();
        while !is_about_to_submit(&bundle) {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "it does not get there"
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // From before the click to after its answer, in steps of a few milliseconds.
        tokio::time::sleep(Duration::from_millis(number as u64 * 7 % 250)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        browser_is_gone(folder.path()).await;
        assert_eq!(
            server.filed_reports(),
            [],
            "killed {} ms after the step before",
            number * 7 % 250
        );
        server.stop().await;
    }
}

/// Starts the demo's journey, into `run` in that folder.
fn started(folder: &Path, server: &DemoServer, more: &[&str]) -> Child {
    program()
        .args(["run", REPORT, "-k", "--out"])
        .arg(folder.join("run"))
        .args(["--connect-to", &format!("::{}", server.addr())])
        .args(more)
        .env("TMPDIR", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until no process has its profile in that folder.
async fn browser_is_gone(folder: &Path) {
    let profiles = folder.join("pixelwitness-");
    let began = Instant::now();
    while !processes_naming(&profiles).is_empty() {
        let lives_on = began.elapsed() > Duration::from_secs(20);
        assert!(!lives_on, "{:?}", processes_naming(&profiles));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether the step before the `submit` is done: the record is written after each.
fn is_about_to_submit(bundle: &Path) -> bool {
    let Ok(text) = std::fs::read(bundle.join("data/run.json")) else {
        return false;
    };
    let record: pixelwitness::model::RunRecord = serde_json::from_slice(&text).unwrap();
    let steps = &record.journey.steps;
    let submit = steps.iter().position(|step| step.kind == "submit").unwrap();
    steps[submit - 1].state == pixelwitness::model::StepState::Done
}

/// Makes the demo's journey, and kills the program so long after its bundle is there. Gives how long it took if it was
/// sealed before that.
async fn one(kill_after: Option<Duration>) -> Option<Duration> {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("run");
    let text = bundle.display().to_string();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let mut child = started(folder.path(), &server, &[]);
    let began = Instant::now();
    while !bundle.join("data/run.json").exists() {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "there is no bundle"
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let began = Instant::now();
    let sealed = || bundle.join("tagmanifest-sha256.txt").exists();
    while !sealed() && kill_after.is_none_or(|after| began.elapsed() < after) {
        assert!(began.elapsed() < Duration::from_secs(90), "it does not end");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    child.kill().unwrap();
    let arrived = server.access_log();
    child.wait().unwrap();
    if sealed() {
        server.stop().await;
        return Some(began.elapsed());
    }
    let at = format!("killed after {:?}", began.elapsed());
    let (code, result) = verify(&bundle, &[]);
    assert_eq!(code, 3, "{at}: {result:#}");
    assert_eq!(result["verdict"], "incomplete", "{at}: {result:#}");
    let report = pixelwitness(&["report", &text], &[]);
    assert_eq!(
        report.status.code(),
        Some(0),
        "{at}: {}",
        String::from_utf8_lossy(&report.stderr)
    );
    assert!(
        String::from_utf8_lossy(&report.stdout).contains("Report a sexual offence"),
        "{at}"
    );

    browser_is_gone(folder.path()).await;
    // Nobody was at the wheel any more: no report was filed for all that.
    assert_eq!(server.filed_reports(), [], "{at}");
    server.stop().await;
    // Each record that was written is there; the last line may be cut off.
    let exchanges: Vec<Exchange> = whole_lines(&bundle.join("data/exchanges.jsonl"));
    let events: Vec<TrackerEvent> = whole_lines(&bundle.join("data/evidence.jsonl"));
    // Killed between its last record and its seal, it is whole, and lacks nothing but that.
    let record = std::fs::read(bundle.join("data/run.json")).unwrap();
    let record: pixelwitness::model::RunRecord = serde_json::from_slice(&record).unwrap();
    let was_whole = record.finished.is_some();
    let audit = pixelwitness(&["audit", &text], &[]);
    let said = String::from_utf8_lossy(&audit.stderr).into_owned();
    let completed = said.contains("completed as far as it had written");
    assert_eq!(completed, !was_whole, "{at}: {said}");
    let after = read_bundle(&bundle);
    for exchange in &exchanges {
        let kept = after
            .exchanges
            .iter()
            .any(|kept| kept.url == exchange.url && kept.method == exchange.method);
        assert!(kept, "{at}: {} {}", exchange.method, exchange.url);
    }
    for event in &events {
        let kept = after
            .events
            .iter()
            .any(|kept| (&kept.event_name, &kept.url) == (&event.event_name, &event.url));
        assert!(kept, "{at}: {:?} {}", event.event_name, event.url);
    }
    // What had arrived at the servers when the program died is in the bundle, each as often.
    let mut recorded: HashMap<String, usize> = HashMap::new();
    for exchange in after
        .exchanges
        .iter()
        .filter(|exchange| exchange.sent != Some(false))
    {
        *recorded
            .entry(format!("{} {}", exchange.method, exchange.url))
            .or_default() += 1;
    }
    for request in arrived.iter().map(request_of) {
        let left = recorded.get_mut(&request).filter(|left| **left > 0);
        let left = left.unwrap_or_else(|| panic!("{at}: {request} arrived, and is not recorded"));
        *left -= 1;
    }
    // Completed, it is a bundle like any other.
    let (code, result) = verify(&bundle, &[]);
    assert_eq!(
        (code, check(&result, "recomputed").as_str()),
        (0, "proven"),
        "{at}: {result:#}"
    );
    None
}

fn request_of(entry: &LogEntry) -> String {
    format!("{} https://{}{}", entry.method, entry.host, entry.target)
}

fn whole_lines<T: serde::de::DeserializeOwned>(path: &Path) -> Vec<T> {
    let text = std::fs::read_to_string(path).unwrap();
    let end = text.rfind('\n').map_or(0, |end| end + 1);
    let whole = path.with_extension("whole");
    std::fs::write(&whole, &text[..end]).unwrap();
    let records = read_lines(&whole);
    std::fs::remove_file(whole).unwrap();
    records
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_what_was_there_stays_readable() {
    chromium().await;
    let folder = tempfile::tempdir().unwrap();
    let small = folder.path().join("small");
    std::fs::create_dir(&small).unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let run = format!(
        "{} run {}/{REPORT} -k --connect-to ::{} --out small/run",
        env!("CARGO_BIN_EXE_pixelwitness"),
        crate::common::root().display(),
        server.addr(),
    );
    let mount = "mount -t tmpfs -o size=900k tmpfs small";
    let (may_mount, _) = shell(folder.path(), &format!("unshare --mount bash -c '{mount}'"));
    let (line, full) = if may_mount {
        // A disk of its own, which is soon full: it goes with the process that it was mounted for.
        let line =
            format!("{mount} && {run}; code=$?; cp -r small/run kept; umount small; exit $code");
        (
            format!("unshare --mount bash -c '{line}'"),
            "No space left on device",
        )
    } else {
        // Where nothing may be mounted, none of our own files may grow beyond 100 KB once the browser is there.
        let line = format!(
            "trap '' XFSZ; {run} & until [ -s small/run/data/cdp.jsonl ]; do sleep 0.01; done; \
             prlimit --pid $! --fsize=100000; wait $!; code=$?; cp -r small/run kept; exit $code"
        );
        (line, "File too large")
    };
    let (done, said) = shell(folder.path(), &line);
    server.stop().await;
    assert!(!done, "{said}");
    assert!(said.contains(full), "{said}");
    assert!(
        said.contains("what was written up to then is there"),
        "{said}"
    );
    let kept = folder.path().join("kept");
    let (code, result) = verify(&kept, &[]);
    assert_eq!(
        (code, check(&result, "manifest").as_str()),
        (3, "incomplete"),
        "{result:#}"
    );
    let text = kept.display().to_string();
    let report = pixelwitness(&["report", &text], &[]);
    assert_eq!(
        report.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&report.stderr)
    );
    let events: Vec<TrackerEvent> = whole_lines(&kept.join("data/evidence.jsonl"));
    assert!(!events.is_empty(), "{said}");
    // Where there is room again, it is completed.
    let audit = pixelwitness(&["audit", &text], &[]);
    let said = String::from_utf8_lossy(&audit.stderr).into_owned();
    assert!(
        said.contains("completed as far as it had written"),
        "{said}"
    );
    assert_eq!(verify(&kept, &[]).0, 0);
}

/// A run that was killed between a message and the body that came in it: the message has the body too.
#[tokio::test]
async fn a_body_that_was_not_written_any_more_comes_from_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("run");
    let steps = crate::common::written("  - navigate: /report/\n  - click: text/Sexual offence\n");
    let (run, server) = crate::common::replay(&steps, Build::Leaky, &bundle).await;
    server.stop().await;
    let bodies = run.exchanges.iter();
    let bodies = bodies.filter_map(|exchange| exchange.body_path.as_ref());
    let bodies: Vec<_> = bodies.map(|path| bundle.join(path)).collect();
    assert!(bodies.len() >= 2, "{bodies:?}");
    // As it lay there a moment before its end.
    let unfinished = pixelwitness::model::RunRecord {
        finished: None,
        ..run.record
    };
    let text = serde_json::to_vec_pretty(&unfinished).unwrap();
    std::fs::write(bundle.join("data/run.json"), text).unwrap();
    for name in [
        "tagmanifest-sha256.txt",
        "manifest-sha256.txt",
        "bag-info.txt",
    ] {
        std::fs::remove_file(bundle.join(name)).unwrap();
    }
    std::fs::remove_file(&bodies[0]).unwrap();
    std::fs::write(&bodies[1], "cut").unwrap();
    let audit = pixelwitness(&["audit", &bundle.display().to_string()], &[]);
    let said = String::from_utf8_lossy(&audit.stderr).into_owned();
    assert!(
        said.contains("completed as far as it had written"),
        "{said}"
    );
    let (code, result) = verify(&bundle, &[]);
    assert_eq!(
        (code, check(&result, "recomputed").as_str()),
        (0, "proven"),
        "{result:#}"
    );
}
