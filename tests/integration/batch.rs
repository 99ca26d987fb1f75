//! Many journeys: at once, in shares, after a kill; and whether one knows anything of another.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use pixelwitness::browser::{ConnectTo, Launch, Launched};
use pixelwitness::demo::{Build, DemoServer};
use pixelwitness::model::{AuditVerdict, EntryState, Exchange, Index, Origin};

use crate::common::{
    OnDisk, chromium, debian, pixelwitness, processes_naming, program, read_bundle, shell, verify,
};

/// Writes so many small journeys into a folder, over two folders of it.
fn scenarios(folder: &Path, number: usize) -> PathBuf {
    let scenarios = folder.join("scenarios");
    for number in 1..=number {
        let below = scenarios.join(if number % 2 == 0 { "even" } else { "odd" });
        std::fs::create_dir_all(&below).unwrap();
        let text = format!(
            "title: Journey {number}\norigin: https://www.northgate.police.example\nsteps:\n  - navigate: /careers/\n  - wait: {{ ms: 500 }}\n"
        );
        std::fs::write(below.join(format!("journey-{number}.yaml")), text).unwrap();
    }
    std::fs::write(scenarios.join("odd/x.policy.yaml"), "rules: []\n").unwrap();
    scenarios
}

fn batch(server: &DemoServer, arguments: &[&str]) -> Output {
    let site = format!("::{}", server.addr());
    let common = ["run", "--connect-to", &site, "-k", "--screenshots", "none"];
    let settle = ["--settle", "1"];
    pixelwitness(&[&common[..], &settle, arguments].concat(), &[])
}

fn started(server: &DemoServer, folder: &Path, arguments: &[&str]) -> Child {
    program()
        .args(["run", "-k", "--connect-to", &format!("::{}", server.addr())])
        .args(["--screenshots", "none", "--settle", "1"])
        .args(arguments)
        .env("TMPDIR", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn index(root: &Path) -> Index {
    let text = std::fs::read(root.join("index.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn states(index: &Index) -> BTreeMap<&str, EntryState> {
    let journeys = index.journeys.iter();
    journeys
        .map(|entry| (entry.name.as_str(), entry.state))
        .collect()
}

fn completed(index: &Index) -> usize {
    let journeys = index.journeys.iter();
    journeys
        .filter(|entry| entry.state == EntryState::Completed)
        .count()
}

/// What says by which bytes a bundle is what it is: name → digest of its manifest.
fn manifests(index: &Index) -> BTreeMap<String, String> {
    let journeys = index.journeys.iter();
    journeys
        .filter_map(|entry| Some((entry.name.clone(), entry.manifest_sha256.clone()?)))
        .collect()
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Every bundle in the folder, by what the program says of it: none is other than whole.
fn assert_verifies(root: &Path) {
    let output = pixelwitness(&["verify", &root.display().to_string(), "--json"], &[]);
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["exit_code"], 0, "{result:#}");
    let listed = index(root).journeys.len();
    assert_eq!(result["bundles"].as_array().unwrap().len(), listed);
    for bundle in result["bundles"].as_array().unwrap() {
        assert_eq!(bundle["verdict"], "verified", "{bundle:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_are_made_apart_and_put_together() {
    chromium().await;
    let folder = tempfile::tempdir().unwrap();
    let scenarios = scenarios(folder.path(), 3).display().to_string();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let roots = ["1-of-2", "2-of-2"].map(|name| folder.path().join(name));
    let texts = roots.each_ref().map(|root| root.display().to_string());
    for (share, root) in ["1/2", "2/2"].into_iter().zip(&texts) {
        let output = batch(&server, &[&scenarios, "--shard", share, "--resume", root]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("of 3 journeys"), "{said}");
    }
    let shares = roots.each_ref().map(|root| index(root));
    assert_eq!(shares[0].plan, shares[1].plan);
    assert_eq!(shares[0].plan.journeys, 3);
    assert_eq!(shares.each_ref().map(completed), [2, 1]);
    let names = shares.iter().flat_map(|index| &index.journeys);
    let mut names: Vec<&str> = names.map(|entry| entry.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["even/journey-2", "odd/journey-1", "odd/journey-3"]);
    // A share that is missing is said to be.
    let half = folder.path().join("half").display().to_string();
    let output = pixelwitness(&["merge", &texts[0], "-o", &half], &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("of 2 shares these are not here: 2"), "{said}");
    // What was found is found; that something is missing is said beside it.
    assert_eq!(output.status.code(), Some(1), "{said}");
    let halves = folder.path().join("halves").display().to_string();
    let output = pixelwitness(&["merge", &half, "-o", &halves], &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("the plan has 3 journeys, and"), "{said}");
    let all = folder.path().join("all");
    let all_text = all.display().to_string();
    let output = pixelwitness(&["merge", &texts[0], &texts[1], "-o", &all_text], &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let merged = index(&all);
    assert_eq!(merged.plan, shares[0].plan);
    assert_eq!(completed(&merged), 3);
    let apart = shares.iter().flat_map(manifests);
    assert_eq!(manifests(&merged), apart.collect());
    for entry in &merged.journeys {
        assert_eq!(verify(&all.join(entry.bundle.as_ref().unwrap()), &[]).0, 0);
    }
    assert_verifies(&all);
    let junit = std::fs::read_to_string(all.join("junit.xml")).unwrap();
    assert_eq!(junit.matches("<testsuite ").count(), 3, "{junit}");
    let page = std::fs::read_to_string(all.join("index.html")).unwrap();
    assert!(
        page.contains("Something was found in 3 of 3 journeys"),
        "{page}"
    );
    assert!(page.contains("href=\"./even/journey-2/data/report.html\""));
    // Into a folder that holds something nothing is put, and nothing in it is changed.
    let before = std::fs::read(all.join("index.json")).unwrap();
    let output = pixelwitness(&["merge", &texts[0], "-o", &all_text], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(std::fs::read(all.join("index.json")).unwrap() == before);
    // One that was changed is not taken in.
    let changed = roots[0]
        .join(&shares[0].journeys[0].name)
        .join("data/findings.json");
    std::fs::write(changed, "{}").unwrap();
    let again = folder.path().join("again");
    let again_text = again.display().to_string();
    let output = pixelwitness(&["merge", &texts[0], &texts[1], "-o", &again_text], &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("is not as it was sealed"), "{said}");
    assert!(!again.exists(), "nothing was copied");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_is_killed_is_gone_on_with() {
    chromium().await;
    let folder = tempfile::tempdir().unwrap();
    let scenarios = scenarios(folder.path(), 5).display().to_string();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let root = folder.path().join("batch");
    let text = root.display().to_string();
    let arguments = [&scenarios, "--jobs", "2", "--resume", &text];
    let mut child = started(&server, folder.path(), &arguments);
    // In the middle: some are done, and others are under way.
    let in_the_middle = || {
        let running = |entry: &pixelwitness::model::IndexEntry| {
            entry.state == EntryState::Waiting
                && root.join(&entry.name).join("data/cdp.jsonl").exists()
        };
        root.join("index.json").exists()
            && completed(&index(&root)) >= 2
            && index(&root).journeys.iter().any(running)
    };
    until("the batch is in its middle", in_the_middle).await;
    child.kill().unwrap();
    child.wait().unwrap();
    let profiles = folder.path().join("pixelwitness-");
    until("the browsers are gone", || {
        processes_naming(&profiles).is_empty()
    })
    .await;
    let before = manifests(&index(&root));
    let done = before.len();
    assert!((2..5).contains(&done), "{done}");
    let output = batch(&server, &arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let after = index(&root);
    assert_eq!(completed(&after), 5, "{:?}", states(&after));
    assert!(!after.set_aside.is_empty());
    assert_eq!(after.exit_code, Some(1));
    // None twice, and those that were done are what they were.
    let now = manifests(&after);
    assert!(
        before
            .iter()
            .all(|(name, manifest)| now.get(name) == Some(manifest))
    );
    assert_verifies(&root);
    // When all is done nothing is made, and it comes to the same.
    let visits = server.access_log().len();
    let output = batch(&server, &arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("5 of 5 journeys done already"), "{said}");
    assert_eq!(manifests(&index(&root)), now);
    assert_eq!(server.access_log().len(), visits);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_that_is_killed_fails_its_journey_and_not_the_batch() {
    chromium().await;
    let folder = tempfile::tempdir().unwrap();
    let scenarios = scenarios(folder.path(), 3).display().to_string();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let root = folder.path().join("batch");
    let text = root.display().to_string();
    let arguments = [&scenarios, "--resume", &text];
    let mut child = started(&server, folder.path(), &arguments);
    let told = || {
        let log = server.access_log();
        log.iter().any(|entry| entry.target == "/careers/")
    };
    until("a page is visited", told).await;
    // By its number: the browser of the first journey, which is the only one.
    let profiles = folder.path().join("pixelwitness-").display().to_string();
    let browser = std::fs::read_dir("/proc").unwrap().flatten().find(|entry| {
        let line = std::fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        line.contains(&format!("--user-data-dir={profiles}")) && !line.contains("--type=")
    });
    let pid = browser
        .expect("a browser runs")
        .file_name()
        .into_string()
        .unwrap();
    let pid = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    child.wait().unwrap();
    let before = index(&root);
    assert_eq!(completed(&before), 2, "{:?}", states(&before));
    let lost = before
        .journeys
        .iter()
        .find(|entry| entry.state == EntryState::BrowserLost)
        .expect("one is lost");
    assert!(
        lost.problems[0].contains("ended before the journey did"),
        "{:?}",
        lost.problems
    );
    assert_verifies(&root);
    let output = batch(&server, &arguments);
    assert_eq!(output.status.code(), Some(1));
    let after = index(&root);
    assert_eq!(completed(&after), 3, "{:?}", states(&after));
    assert_eq!(after.set_aside.len(), 1);
    assert_eq!(after.set_aside[0].name, lost.name);
    assert_verifies(&root);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_gone_on_with_as_it_was_begun_or_not_at_all() {
    chromium().await;
    let folder = tempfile::tempdir().unwrap();
    let scenarios = scenarios(folder.path(), 2);
    let text = scenarios.display().to_string();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let root = folder.path().join("batch").display().to_string();
    assert_eq!(
        batch(&server, &[&text, "--out", &root]).status.code(),
        Some(1)
    );
    let before = std::fs::read(folder.path().join("batch/index.json")).unwrap();
    let refused = |arguments: &[&str], why: &str| {
        let output = batch(&server, arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(why), "{why}: {said}");
    };
    refused(
        &[&text, "--out", &root],
        "go on with what is there with `--resume`",
    );
    refused(
        &[&text, "--out", &root, "--resume", &root],
        "cannot be used with",
    );
    refused(
        &[&text, "--resume", &root, "--shard", "1/2"],
        "not the same share",
    );
    refused(
        &[&text, "--resume", &root, "--shard", "3/2"],
        "share 3 of 2 does not exist",
    );
    refused(
        &[&text, "--resume", &root, "--consent", "accept"],
        "not the same scenarios",
    );
    refused(
        &[&text, "--resume", &root, "--declare-automation"],
        "was made otherwise: with `--declare-automation` false",
    );
    let lock = std::fs::File::open(folder.path().join("batch")).unwrap();
    lock.try_lock().unwrap();
    refused(&[&text, "--resume", &root], "another run is at work");
    drop(lock);
    let full = folder.path().join("scenarios").display().to_string();
    refused(&[&text, "--resume", &full], "is no batch");
    let changed = scenarios.join("odd/journey-1.yaml");
    let scenario = std::fs::read_to_string(&changed).unwrap();
    std::fs::write(&changed, scenario.replace("500", "400")).unwrap();
    refused(&[&text, "--resume", &root], "not the same scenarios");
    let after = std::fs::read(folder.path().join("batch/index.json")).unwrap();
    assert!(before == after, "nothing was changed");
    server.stop().await;
}

/// Whether a folder's files hold a text, packed or not.
fn holds(folder: &Path, text: &str) -> Option<PathBuf> {
    use std::io::Read;
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if let Some(found) = holds(&path, text) {
                return Some(found);
            }
            continue;
        }
        let mut bytes = std::fs::read(&path).unwrap();
        if path.extension().is_some_and(|extension| extension == "gz") {
            let packed = std::mem::take(&mut bytes);
            let mut unpack = flate2::read::GzDecoder::new(&packed[..]);
            unpack.read_to_end(&mut bytes).unwrap();
        }
        let found = memchr::memmem::find(&bytes, text.as_bytes());
        if found.is_some() {
            return Some(path);
        }
    }
    None
}

/// Two journeys at once leave all that a visit can leave behind. Neither finds anything of the other; and nothing of one,
/// not even what it typed, is in the other's bundle.
fn assert_apart(server: &DemoServer, root: &Path) {
    let index = index(root);
    assert_eq!(completed(&index), 4, "{:?}", states(&index));
    let log = server.access_log();
    let found: Vec<&str> = log
        .iter()
        .filter_map(|entry| entry.target.strip_prefix("/trials/told?found="))
        .collect();
    // Twice in each: the second visit finds what the first one left, and so shows that it is found where it is.
    let nothing = found.iter().filter(|found| found.starts_with("nothing&"));
    assert_eq!(nothing.count(), 4, "{found:?}");
    let all = found
        .iter()
        .filter(|found| found.starts_with("cookie+storage+cache+worker&"));
    assert_eq!(all.count(), 4, "{found:?}");
    let asked = |target: &str| log.iter().filter(|entry| entry.target == target).count();
    assert_eq!(
        asked("/trials/traces.txt"),
        4,
        "each journey fetched it once, and no more"
    );
    let canaries: Vec<(&str, String)> = index
        .journeys
        .iter()
        .map(|entry| {
            let run = std::fs::read(root.join(&entry.name).join("data/run.json")).unwrap();
            let run: pixelwitness::model::RunRecord = serde_json::from_slice(&run).unwrap();
            (entry.name.as_str(), run.canaries[0].value.clone())
        })
        .collect();
    for (own, canary) in &canaries {
        let typed = canary.replace('@', "%40").replace('+', "%2B");
        assert_eq!(
            asked(&format!("/trials/told?typed={typed}")),
            1,
            "{canary} was typed"
        );
        for (other, _) in &canaries {
            let bundle = root.join(other);
            let found = holds(&bundle, canary).or_else(|| holds(&bundle, &typed));
            assert_eq!(
                found.is_some(),
                own == other,
                "{canary} of {own} in {other}: {found:?}"
            );
        }
    }
    // And each has all of its own, what its service worker sent by itself too.
    let recorded: Vec<OnDisk> = canaries
        .iter()
        .map(|(name, _)| read_bundle(&root.join(name)))
        .collect();
    for disk in &recorded {
        let from_worker = |exchange: &&Exchange| exchange.url.ends_with("/trials/told?from-worker");
        let sent = disk.exchanges.iter().filter(from_worker).count();
        assert_eq!(sent, 1);
        let reasons = disk.run.audit.reasons.join("; ");
        assert!(!reasons.contains("never known whose"), "{reasons}");
    }
    let recorded: HashSet<&str> = recorded
        .iter()
        .flat_map(|disk| &disk.exchanges)
        .map(|exchange| exchange.url.as_str())
        .collect();
    let missed: Vec<String> = log
        .iter()
        .map(pixelwitness::demo::LogEntry::url)
        .filter(|url| !recorded.contains(&**url))
        .collect();
    assert_eq!(missed, Vec::<String>::new());
    // What each visit called itself is in one bundle alone, too.
    for visit in found
        .iter()
        .filter_map(|found| found.split("visit=").nth(1))
    {
        let bundles = index.journeys.iter();
        let bundles = bundles.filter(|entry| holds(&root.join(&entry.name), visit).is_some());
        assert_eq!(bundles.count(), 1, "{visit}");
    }
}

/// Two visits in one journey, and something typed.
fn leaving_traces(folder: &Path) -> String {
    let path = folder.join("traces.yaml");
    let text = "title: Traces\norigin: https://www.northgate.police.example\ncanaries: { email: email }\nsteps:\n  - navigate: /trials/traces/\n  - waitForElement: text/left\n  - navigate: /trials/traces/?again\n  - waitForElement: text/left\n  - change: { selector: \"#email\", value: \"{{email}}\" }\n";
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn journeys_at_once_know_nothing_of_each_other() {
    chromium().await;
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let root = folder.path().join("batch");
    let text = root.display().to_string();
    let path = leaving_traces(folder.path());
    // With `-k` Chromium keeps nothing in its cache: the site's key is trusted instead.
    let site = format!("::{}", server.addr());
    let key = server.spki_sha256_base64();
    let key = format!("--browser-arg=--ignore-certificate-errors-spki-list={key}");
    let arguments = ["run", &path, "--connect-to", &site, &key, "--out", &text];
    let output = pixelwitness(
        &[&arguments[..], &["--repeat", "4", "--jobs", "2"]].concat(),
        &[],
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_apart(&server, &root);
    assert_verifies(&root);
    server.stop().await;
}

/// A browser that somebody else has started, on the demo site.
async fn elsewhere(server: &DemoServer, folder: &Path) -> Launched {
    let launch = Launch {
        connect_to: vec![ConnectTo::all_to(server.addr())],
        trusted_keys: vec![server.spki_sha256_base64().to_owned()],
        ..Launch::plain(chromium().await, folder.join("elsewhere.json"))
    };
    launch.start().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn journeys_at_once_in_one_browser_elsewhere_know_nothing_of_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let mut browser = elsewhere(&server, folder.path()).await;
    let root = folder.path().join("batch");
    let text = root.display().to_string();
    let path = leaving_traces(folder.path());
    let arguments = [
        "run",
        &path,
        "--connect",
        &browser.web_socket,
        "--out",
        &text,
    ];
    let output = pixelwitness(
        &[&arguments[..], &["--repeat", "4", "--jobs", "2"]].concat(),
        &[],
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_apart(&server, &root);
    assert_verifies(&root);
    // The browser is there as before, and nothing of ours is left in it.
    assert!(!browser.leaves_within(Duration::from_millis(500)).await);
    browser.kill().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_elsewhere_gives_the_same_evidence_and_says_what_is_not_known() {
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let mut browser = elsewhere(&server, folder.path()).await;
    let there = folder.path().join("there");
    let here = folder.path().join("here");
    let report = "scenarios/demo/report-sexual-offence.yaml";
    let text = there.display().to_string();
    let output = pixelwitness(
        &[
            "run",
            report,
            "--connect",
            &browser.web_socket,
            "--out",
            &text,
        ],
        &[],
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("the browser ran elsewhere (`--connect`)"),
        "{said}"
    );
    assert_eq!(server.filed_reports(), [], "no report was filed");
    let output = batch(&server, &[report, "--out", &here.display().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let (there_disk, here_disk) = (read_bundle(&there), read_bundle(&here));
    let told = |disk: &OnDisk| {
        // That of microdata comes half a second later, if the page is there still.
        let late = Some("Microdata");
        let events = disk.events.iter().filter(|event| event.tells());
        let events = events.filter(|event| event.event_name.as_deref() != late);
        let mut told: Vec<String> = events
            .map(|event| {
                format!(
                    "{:?} {:?} {:?}",
                    event.page_url, event.event_name, event.pixel_id
                )
            })
            .collect();
        told.sort();
        told
    };
    assert_eq!(told(&there_disk), told(&here_disk));
    let run = &there_disk.run;
    assert_eq!(run.audit.verdict, AuditVerdict::AuditUnavailable);
    let host = browser.web_socket.split("/devtools").next().unwrap();
    let record = run.browser.as_ref().unwrap();
    assert_eq!(record.elsewhere.as_deref(), Some(host));
    assert_eq!(record.sandbox, None);
    assert!(
        !record.user_agent.contains("Headless"),
        "{}",
        record.user_agent
    );
    let agents = there_disk
        .exchanges
        .iter()
        .filter(|exchange| exchange.origin == Origin::Page);
    let agents: Vec<&str> = agents
        .flat_map(|exchange| exchange.request_headers.iter())
        .filter(|(name, _)| name.eq_ignore_ascii_case("user-agent"))
        .map(|(_, agent)| agent.as_str())
        .collect();
    assert!(agents.len() > 10 && agents.iter().all(|agent| !agent.contains("Headless")));
    assert!(
        there_disk
            .exchanges
            .iter()
            .all(|exchange| exchange.sent.is_none())
    );
    assert_eq!(verify(&there, &[]).0, 0);
    // What only a browser of our own can do is refused, and so is what is no WebSocket.
    for (arguments, why) in [
        (
            &["--deliver", "none"][..],
            "cannot be asked of a browser elsewhere",
        ),
        (
            &["--connect-to", "::127.0.0.1:1"],
            "cannot be asked of a browser elsewhere",
        ),
        (&["--headed"], "cannot be used with"),
    ] {
        let command = ["run", report, "--connect", &browser.web_socket];
        let output = pixelwitness(&[&command[..], arguments].concat(), &[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(why), "{said}");
    }
    // A pool's address, over TLS: what logs in to it is written down nowhere.
    debian("socat", "socat");
    debian("openssl", "openssl");
    let (made, said) = shell(
        folder.path(),
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=pool -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE && cat key.pem cert.pem > both.pem",
    );
    assert!(made, "{said}");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let (_, behind) = browser.web_socket.split_once("ws://").unwrap();
    let (address, path) = behind.split_once('/').unwrap();
    let mut pool = std::process::Command::new("socat")
        .arg(format!(
            "OPENSSL-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,verify=0,cert=both.pem"
        ))
        .arg(format!("TCP:{address}"))
        .current_dir(folder.path())
        .spawn()
        .unwrap();
    until("the pool listens", || {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
    })
    .await;
    let secure = folder.path().join("secure");
    let text = secure.display().to_string();
    let url = format!("wss://127.0.0.1:{port}/{path}?token=opensesame");
    let trust = folder.path().join("cert.pem").display().to_string();
    let output = pixelwitness(
        &["run", report, "--connect", &url, "--out", &text],
        &[("SSL_CERT_FILE", &trust)],
    );
    pool.kill().unwrap();
    pool.wait().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let record = read_bundle(&secure).run.browser.unwrap();
    let expected = format!("wss://127.0.0.1:{port}");
    assert_eq!(record.elsewhere, Some(expected));
    assert_eq!(holds(&secure, "opensesame"), None);
    browser.kill().await;
    // One that is not there is a browser that was lost.
    let gone = folder.path().join("gone").display().to_string();
    let output = pixelwitness(
        &[
            "run",
            report,
            "--connect",
            &browser.web_socket,
            "--out",
            &gone,
        ],
        &[],
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("failed to connect to the browser"), "{said}");
    server.stop().await;
}

/// Writes journeys by name, each with its steps.
fn written(folder: &Path, journeys: &[(&str, &str)]) -> String {
    std::fs::create_dir_all(folder).unwrap();
    for (name, more) in journeys {
        let text = format!("title: {name}\norigin: https://www.northgate.police.example\n{more}");
        std::fs::write(folder.join(format!("{name}.yaml")), text).unwrap();
    }
    folder.display().to_string()
}

const HOME: &str = "steps:\n  - navigate: /\n";
const REPORT: &str = "steps:\n  - navigate: /report/\n";

fn exit_codes(index: &Index) -> Vec<Option<u8>> {
    index.journeys.iter().map(|entry| entry.exit_code).collect()
}

/// The index, its page and the exit code say the same: by a baseline, by a policy that needs both journeys, and by verdicts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_says_what_the_command_came_to() {
    chromium().await;
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let scenarios = written(
        &folder.path().join("s"),
        &[("home", HOME), ("report", REPORT)],
    );
    let baseline = folder.path().join("told.baseline");
    let baseline_text = baseline.display().to_string();
    let root = |name: &str| folder.path().join(name);
    let run = |name: &str, more: &[&str], code: i32| {
        let text = root(name).display().to_string();
        let output = batch(&server, &[&[&scenarios, "--resume", &*text], more].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{name}: {said}");
        let page = std::fs::read_to_string(root(name).join("index.html")).unwrap_or_default();
        (said, page)
    };
    run(
        "first",
        &["--baseline", &baseline_text, "--update-baseline"],
        0,
    );
    assert_eq!(exit_codes(&index(&root("first"))), [Some(0), Some(0)]);
    let (_, page) = run("same", &["--baseline", &baseline_text], 0);
    assert!(page.contains("Nothing was found that is not let through, in 2 journeys"));
    // The lines of one page are taken out: what it tells is new.
    let lines = std::fs::read_to_string(&baseline).unwrap();
    let lines: Vec<&str> = lines
        .lines()
        .filter(|line| !line.starts_with("/report/"))
        .collect();
    std::fs::write(&baseline, lines.join("\n") + "\n").unwrap();
    let (_, page) = run("new", &["--baseline", &baseline_text], 1);
    assert_eq!(exit_codes(&index(&root("new"))), [Some(0), Some(1)]);
    assert!(
        page.contains("Something was found in 1 of 2 journeys"),
        "{page}"
    );
    assert_eq!(index(&root("new")).exit_code, Some(1));
    // A policy each of whose rules one of the two reaches.
    let policy = |name: &str, denied: &str| {
        let path = folder.path().join(name);
        let text = format!(
            "rules:\n  - id: one\n    deny: {{ recipient: Meta, page: \"{denied}\" }}\n    reason: x\n  - id: other\n    deny: {{ recipient: TikTok, page: \"/report/**\" }}\n    reason: x\n"
        );
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let strict = policy("strict.policy.yaml", "/");
    let (_, page) = run("policy", &["--policy", &strict], 1);
    let codes = exit_codes(&index(&root("policy")));
    assert_eq!(codes, [Some(1), Some(0)]);
    assert_eq!(index(&root("policy")).journeys[0].violated, ["one"]);
    assert!(
        page.contains("Something was found in 1 of 2 journeys"),
        "{page}"
    );
    // With another policy, or with none, it is not gone on with: its bundles were held against that one.
    let lax = policy("lax.policy.yaml", "/nowhere/");
    let (said, _) = run("policy", &["--policy", &lax], 2);
    assert!(said.contains("held against another policy"), "{said}");
    let (said, _) = run("policy", &[], 2);
    assert!(said.contains("held against another policy"), "{said}");
    let (said, _) = run(
        "policy",
        &["--policy", &strict, "--browser-arg=--lang=de"],
        2,
    );
    assert!(said.contains("with `--browser-arg` []"), "{said}");
    run("policy", &["--policy", &strict], 1);
    // A baseline is of all journeys.
    let (said, _) = run(
        "share",
        &["--baseline", &baseline_text, "--shard", "1/2"],
        2,
    );
    assert!(said.contains("a share makes only some"), "{said}");
    // A share may be empty.
    let (_, page) = run("empty", &["--shard", "3/3"], 0);
    assert!(page.contains("No journey"), "{page}");
    assert_eq!(index(&root("empty")).exit_code, Some(0));
    server.stop().await;
}

/// Whoever made an index chose what stands in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_of_others_leads_nowhere_and_is_not_taken_at_its_word() {
    chromium().await;
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Fixed).await.unwrap();
    let scenarios = written(
        &folder.path().join("s"),
        &[("report", REPORT), ("advice", REPORT)],
    );
    let root = folder.path().join("batch");
    let text = root.display().to_string();
    let output = batch(&server, &[&scenarios, "--resume", &text]);
    assert_eq!(output.status.code(), Some(0));
    assert_verifies(&root);
    let own = std::fs::read_to_string(root.join("index.json")).unwrap();
    let changed = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut index: serde_json::Value = serde_json::from_str(&own).unwrap();
        change(&mut index);
        std::fs::write(root.join("index.json"), index.to_string()).unwrap();
    };
    let verified = || {
        let output = pixelwitness(&["verify", &text], &[]);
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.code(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    };
    let out = folder.path().join("merged");
    let merged = || {
        let output = pixelwitness(&["merge", &text, "-o", &out.display().to_string()], &[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said)
    };
    for name in ["../escaped", "/tmp/escaped", "a/../../escaped", ""] {
        for key in ["name", "bundle"] {
            changed(&|index| index["journeys"][0][key] = name.into());
            for (code, said) in [verified(), merged()] {
                assert_eq!(code, Some(2), "{key} {name}: {said}");
                assert!(said.contains("is not in the batch's folder"), "{said}");
            }
            assert!(!out.exists());
        }
    }
    changed(&|index| index["journeys"][0]["name"] = "report/data".into());
    let (code, said) = merged();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("would lie in the bundle"), "{said}");
    changed(&|index| index["journeys"][0]["name"] = "index.json".into());
    assert_eq!(merged().0, Some(2));
    // What it says of a bundle is held against that.
    for (key, value) in [
        ("manifest_sha256", serde_json::json!("00")),
        ("state", "failed".into()),
        ("problems", serde_json::json!(["none"])),
    ] {
        changed(&|index| index["journeys"][0][key] = value.clone());
        let (code, said) = verified();
        assert_eq!(code, Some(1), "{key}: {said}");
        assert!(said.contains(&format!("than its bundle: {key}")), "{said}");
    }
    changed(&|index| index["journeys"][0]["verdicts"]["page_context"] = "found".into());
    assert_eq!(verified().0, Some(1));
    // What is missing is not proven.
    changed(&|index| index["finished"] = serde_json::Value::Null);
    assert_eq!(verified().0, Some(3));
    changed(&|index| index["plan"]["journeys"] = 3.into());
    assert_eq!(verified().0, Some(3));
    let (code, said) = merged();
    assert_eq!(code, Some(3), "{said}");
    std::fs::remove_dir_all(&out).unwrap();
    changed(&|index| {
        index["journeys"] = serde_json::json!([]);
        index["plan"]["journeys"] = 0.into();
    });
    std::fs::rename(root.join("report"), folder.path().join("report")).unwrap();
    std::fs::rename(root.join("advice"), folder.path().join("advice")).unwrap();
    let (code, said) = verified();
    assert_eq!(code, Some(3), "{said}");
    std::fs::remove_file(root.join("index.json")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(root.join("index.json"))
        .status()
        .unwrap();
    assert!(made.success());
    assert_eq!(verified().0, Some(2), "a pipe is not waited for");
    // Nobody needs an index: bundles are merged by their names.
    let bundles = ["report", "advice"].map(|name| folder.path().join(name).display().to_string());
    let arguments = [
        "merge",
        &bundles[0],
        &bundles[1],
        "-o",
        &out.display().to_string(),
    ];
    assert_eq!(pixelwitness(&arguments, &[]).status.code(), Some(0));
    assert_verifies(&out);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_batch_lacks_is_said_before_it_begins_or_made_when_it_goes_on() {
    chromium().await;
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let root = folder.path().join("batch");
    let text = root.display().to_string();
    // A secret that is not there stops all of it.
    let secret = "steps:\n  - navigate: /report/\n  - change: { selector: input, value: \"{{env:NO_SUCH_SECRET}}\" }\n";
    let scenarios = written(
        &folder.path().join("s"),
        &[("home", HOME), ("secret", secret)],
    );
    let output = batch(&server, &[&scenarios, "--resume", &text]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("NO_SUCH_SECRET is not set"), "{said}");
    assert!(
        !root.exists() && server.access_log().is_empty(),
        "nothing was run"
    );
    std::fs::remove_file(folder.path().join("s/secret.yaml")).unwrap();
    // A site that is down is no result: the journey is made again when it is up, and its controls where they are asked for.
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nowhere.local_addr().unwrap().port();
    drop(nowhere);
    let mut arguments = vec![
        "run",
        &scenarios,
        "-k",
        "--resume",
        &text,
        "--screenshots",
        "none",
    ];
    let down = format!("::127.0.0.1:{port}");
    arguments.extend(["--settle", "1", "--connect-to", &down]);
    let output = pixelwitness(&arguments, &[]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(index(&root).journeys[0].state, EntryState::Failed);
    // The report that is asked for may lie in the folder, which an empty volume may be.
    std::fs::rename(&root, folder.path().join("down")).unwrap();
    std::fs::create_dir(&root).unwrap();
    let junit = root.join("asked.xml").display().to_string();
    let up = DemoServer::start_on(Build::Leaky, port).await.unwrap();
    arguments.extend(["--junit", &junit]);
    let output = pixelwitness(&arguments, &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(root.join("asked.xml").exists());
    std::fs::remove_dir_all(&root).unwrap();
    std::fs::rename(folder.path().join("down"), &root).unwrap();
    let output = pixelwitness(&arguments, &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("its first step could not be done"), "{said}");
    arguments.push("--control");
    let output = pixelwitness(&arguments, &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("its controls were not made"), "{said}");
    assert_eq!(completed(&index(&root)), 1);
    assert_eq!(index(&root).set_aside.len(), 2);
    assert!(root.join("home-control-again/data/run.json").exists());
    let output = pixelwitness(&["verify", &text, "--json"], &[]);
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["exit_code"], 0, "{result:#}");
    assert_eq!(result["bundles"].as_array().unwrap().len(), 4);
    // `check` takes the folder, and so a baseline that shares cannot.
    let output = pixelwitness(&["check", &text], &[]);
    assert_eq!(output.status.code(), Some(1));
    up.stop().await;
    server.stop().await;
}
