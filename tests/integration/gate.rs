//! The gate as a pipeline has it: exit codes, baselines, reports, on real runs and on files.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Output;

use pixelwitness::demo::{Build, DemoServer};
use serde_json::Value;

use crate::common::{blessed, chromium, pixelwitness};

const SCENARIO: &str = "scenarios/demo/report-sexual-offence.yaml";
const POLICY: &str = "scenarios/demo/northgate.policy.yaml";
const HAR: &str = "tests/fixtures/policy/visit.har";
const HAR_POLICY: &str = "tests/fixtures/policy/visit.policy.yaml";

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn code(output: &Output) -> i32 {
    output
        .status
        .code()
        .unwrap_or_else(|| panic!("{}", stderr(output)))
}

/// Runs the program while what is served here goes on.
async fn started(arguments: &[&str]) -> Output {
    let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
    tokio::task::spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        pixelwitness(&arguments, &[])
    })
    .await
    .unwrap()
}

/// Lines that a baseline lacks, or has for nothing.
fn changes(said: &str) -> Vec<&str> {
    let lines = said.lines();
    lines.filter(|line| line.starts_with(['+', '-'])).collect()
}

/// Runs a scenario against a build of the demo site.
async fn run(build: Build, scenario: &str, out: &Path, more: &[&str]) -> Output {
    chromium().await;
    let server = DemoServer::start(build).await.unwrap();
    let connect_to = format!("::{}", server.addr());
    let out = out.display().to_string();
    let mut arguments = vec![
        "run",
        scenario,
        "--connect-to",
        &connect_to,
        "--insecure",
        "--settle",
        "2",
        "-o",
        &out,
    ];
    arguments.extend(more);
    let output = started(&arguments).await;
    server.stop().await;
    output
}

/// A site's team: the build that was mended is let through, the one with the pixel everywhere is refused, and the pages are
/// named; what lies in the bundle says the same.
#[tokio::test(flavor = "multi_thread")]
async fn from_fixed_to_leaky_the_deploy_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (fixed, leaky) = (folder.path().join("fixed"), folder.path().join("leaky"));
    let output = run(Build::Fixed, SCENARIO, &fixed, &[]).await;
    assert_eq!(code(&output), 0, "{}{}", stdout(&output), stderr(&output));
    let text = stdout(&output);
    assert!(
        text.contains("Gate passed: nothing was found against it"),
        "{text}"
    );
    assert!(
        text.contains("not contradicted by this run: nothing-personal-shared"),
        "{text}"
    );

    let sarif = folder.path().join("out.sarif");
    let sarif_name = sarif.display().to_string();
    let output = run(Build::Leaky, SCENARIO, &leaky, &["--sarif", &sarif_name]).await;
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let text = stdout(&output);
    for expected in [
        "violated      no-meta-on-reports (deny, line 5)",
        "/report/sexual-offence/",
        "/report/thank-you/",
        "/advice/rape/",
        "udff[em] ← sha256 ← lower ← email",
        "contradicted: nothing-personal-shared (line 23)",
        "Gate refused: 2 rules violated, 2 claims contradicted",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let sarif: Value = serde_json::from_slice(&std::fs::read(sarif).unwrap()).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let of_button = results
        .iter()
        .find(|result| {
            result["ruleId"] == "nothing-personal-shared"
                && result["message"]["text"]
                    .as_str()
                    .unwrap()
                    .contains("SubscribedButtonClick")
        })
        .unwrap();
    let place = &of_button["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], POLICY);
    assert_eq!(place["region"]["startLine"], 23);
    let step = &of_button["relatedLocations"][0]["physicalLocation"];
    assert_eq!(step["artifactLocation"]["uri"], SCENARIO);
    let line = step["region"]["startLine"].as_u64().unwrap() as usize;
    let scenario = std::fs::read_to_string(crate::common::root().join(SCENARIO)).unwrap();
    let line = scenario.lines().nth(line - 1).unwrap();
    assert!(
        line.trim_start().starts_with("- "),
        "a step stands there: {line}"
    );
    assert!(
        of_button["webRequest"]["target"]
            .as_str()
            .unwrap()
            .starts_with("https://www.facebook.com/tr/")
    );

    // The same from the bundles alone: by the policy that lies in them, and by one that is given.
    for (bundle, expected) in [(&fixed, 0), (&leaky, 1)] {
        let name = bundle.display().to_string();
        let checked = pixelwitness(&["check", &name], &[]);
        assert_eq!(code(&checked), expected, "{}", stderr(&checked));
        let checked = pixelwitness(&["check", &name, "--policy", POLICY, "--json"], &[]);
        assert_eq!(code(&checked), expected);
        let gate: Value = serde_json::from_slice(&checked.stdout).unwrap();
        let findings: Value =
            serde_json::from_slice(&std::fs::read(bundle.join("data/findings.json")).unwrap())
                .unwrap();
        let written = findings["rules"].as_array().unwrap();
        assert_eq!(written.len(), 4);
        for (rule, written) in gate["gate"]["rules"]
            .as_array()
            .unwrap()
            .iter()
            .zip(written)
        {
            assert_eq!(rule["runs"][0]["finding"], *written);
        }
        assert_eq!(findings["claims"].as_array().unwrap().len(), 3);
        let policy = std::fs::read(bundle.join("data/policy.yaml")).unwrap();
        assert_eq!(
            policy,
            std::fs::read(crate::common::root().join(POLICY)).unwrap()
        );
        let audit = pixelwitness(&["audit", &name], &[]);
        assert_eq!(code(&audit), 0, "{}", stderr(&audit));
    }
    let (fixed, leaky) = (fixed.display().to_string(), leaky.display().to_string());
    let differ = pixelwitness(&["diff", &fixed, &leaky], &[]);
    assert_eq!(code(&differ), 1);
    let text = stdout(&differ);
    // Microdata is sent by the clock: the home page, which both builds tell of, is left before it in one run and after it in
    // another.
    let by_the_clock =
        |line: &&str| line[1..].starts_with("/\tMeta\twww.facebook.com/tr/\tMicrodata\t");
    assert!(
        text.lines()
            .skip(2)
            .filter(|line| !by_the_clock(line))
            .all(|line| line.starts_with('+')),
        "{text}"
    );
    assert!(
        text.contains(
            "\n+/report/sexual-offence/\tMeta\twww.facebook.com/tr/\tSubscribedButtonClick\t"
        ),
        "{text}"
    );
    assert_eq!(code(&pixelwitness(&["diff", &leaky, &leaky], &[])), 0);
}

/// Accept, clean run, new leak refused with a line, removed leak reported as stale; and what cannot be compared.
#[tokio::test(flavor = "multi_thread")]
async fn a_baseline_makes_the_round() {
    let folder = tempfile::tempdir().unwrap();
    let baseline = folder.path().join("told.baseline");
    let name = baseline.display().to_string();
    let at = |bundle: &str| folder.path().join(bundle);
    // Each page is looked at long enough for all that it tells by the clock, however busy the machine is.
    let scenario = folder.path().join("advice.yaml");
    let steps = "  - navigate: /advice/\n  - wait: { ms: 2000 }\n  - navigate: /advice/rape/\n  - wait: { ms: 2000 }\n";
    let text = format!(
        "title: Advice\norigin: https://www.northgate.police.example\nidentity: [facebook]\ntopics: [rape]\nsteps:\n{steps}"
    );
    std::fs::write(&scenario, text).unwrap();
    let advice = scenario.display().to_string();
    let advice = advice.as_str();

    let missing = run(Build::Leaky, advice, &at("none"), &["--baseline", &name]).await;
    assert_eq!(code(&missing), 2);
    assert!(
        stderr(&missing).contains("`--update-baseline` writes one"),
        "{}",
        stderr(&missing)
    );
    assert!(!at("none").exists(), "nothing was run");

    // Accept.
    let accepted = run(
        Build::Leaky,
        advice,
        &at("a"),
        &["--baseline", &name, "--update-baseline"],
    )
    .await;
    assert_eq!(
        code(&accepted),
        0,
        "{}{}",
        stdout(&accepted),
        stderr(&accepted)
    );
    let text = std::fs::read_to_string(&baseline).unwrap();
    assert!(text.starts_with("# pixelwitness baseline 1\n"), "{text}");
    assert!(text.contains("\n# browser: Chrome/"), "{text}");
    assert!(
        text.contains("\n/advice/rape/\tMeta\twww.facebook.com/tr/\tPageView\t"),
        "{text}"
    );
    let record: Value =
        serde_json::from_slice(&std::fs::read(at("a/data/run.json")).unwrap()).unwrap();
    for canary in record["canaries"].as_array().unwrap() {
        let value = canary["value"].as_str().unwrap();
        assert!(!text.contains(value), "no values: {value}");
    }
    // Clean run.
    let clean = run(Build::Leaky, advice, &at("b"), &["--baseline", &name]).await;
    assert_eq!(code(&clean), 0, "{}{}", stdout(&clean), stderr(&clean));
    assert!(stdout(&clean).contains("nothing new"), "{}", stdout(&clean));
    assert_eq!(
        code(&pixelwitness(
            &["diff", &name, &at("b").display().to_string()],
            &[]
        )),
        0
    );

    // New leak: as if the line had not been there when it was accepted.
    let is_rape =
        |line: &&str| line.starts_with("/advice/rape/\t") && line.contains("\tPageView\t");
    let line = text.lines().find(is_rape).unwrap();
    std::fs::write(&baseline, text.replace(&format!("{line}\n"), "")).unwrap();
    let bundle = at("b").display().to_string();
    let refused = pixelwitness(&["check", &bundle, "--baseline", &name], &[]);
    assert_eq!(code(&refused), 1);
    let said = stdout(&refused);
    assert_eq!(changes(&said), [format!("+{line}")], "{said}");

    // Removed leak.
    let gone =
        "/advice/gone/\tMeta\twww.facebook.com/tr/\tPageView\tfbp\tpage_context identity_link";
    std::fs::write(&baseline, format!("{text}{gone}\n")).unwrap();
    let stale = pixelwitness(&["check", &bundle, "--baseline", &name], &[]);
    assert_eq!(code(&stale), 2);
    let said = stdout(&stale);
    assert_eq!(changes(&said), [format!("-{gone}")], "{said}");
    assert!(
        stderr(&stale).contains("take the lines out"),
        "{}",
        stderr(&stale)
    );

    // On the mended site all of it is stale, and that is an error, too.
    std::fs::write(&baseline, &text).unwrap();
    let mended = run(Build::Fixed, advice, &at("c"), &["--baseline", &name]).await;
    assert_eq!(code(&mended), 2, "{}", stderr(&mended));

    // A policy's violations are accepted, its claims never.
    let policy = folder.path().join("p.policy.yaml");
    let policy_name = policy.display().to_string();
    let deny = "  - id: no-meta\n    deny: { recipient: Meta, page: \"/advice/**\" }\n";
    std::fs::write(&policy, format!("rules:\n{deny}")).unwrap();
    let both = [
        "check",
        &bundle,
        "--baseline",
        &name,
        "--policy",
        &policy_name,
    ];
    let accepted = pixelwitness(&both, &[]);
    assert_eq!(code(&accepted), 0, "{}", stdout(&accepted));
    assert!(
        stdout(&accepted).contains("accepted      no-meta"),
        "{}",
        stdout(&accepted)
    );
    let claim = "claims:\n  - id: private\n    says: Advice is private.\n    source: the site\n    deny: { recipient: Meta, page: \"/advice/**\" }\n";
    std::fs::write(&policy, format!("rules:\n{deny}{claim}")).unwrap();
    assert_eq!(code(&pixelwitness(&both, &[])), 1);

    // What is not the same is not compared; before anything runs, where that is known.
    let other = run(Build::Leaky, SCENARIO, &at("d"), &["--baseline", &name]).await;
    assert_eq!(code(&other), 2);
    assert!(
        stderr(&other).contains("the baseline is of something else: scenario: was advice.yaml"),
        "{}",
        stderr(&other)
    );
    assert!(!at("d").exists(), "nothing was run");
    let of_other_browser = regex_browser(&text);
    std::fs::write(&baseline, of_other_browser).unwrap();
    let other = pixelwitness(&["check", &bundle, "--baseline", &name], &[]);
    assert_eq!(code(&other), 2);
    assert!(
        stderr(&other).contains("browser: was Chrome/1, is Chrome/"),
        "{}",
        stderr(&other)
    );
    assert!(
        stdout(&other).contains("Gate not compared: the baseline was not compared"),
        "{}",
        stdout(&other)
    );

    // From a run that is not whole nothing is written.
    std::fs::write(&baseline, &text).unwrap();
    let cut = run(
        Build::Fixed,
        advice,
        &at("e"),
        &[
            "--baseline",
            &name,
            "--update-baseline",
            "--deliver",
            "none",
        ],
    )
    .await;
    assert_eq!(code(&cut), 3, "{}", stderr(&cut));
    assert_eq!(std::fs::read_to_string(&baseline).unwrap(), text);
}

/// The same of another browser.
fn regex_browser(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| match line.starts_with("# browser: ") {
            true => "# browser: Chrome/1",
            false => line,
        });
    lines.collect::<Vec<_>>().join("\n")
}

/// A site on loopback that answers each path with a status.
fn site(answers: &'static [(&'static str, &'static str, &'static str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            let read = stream.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..read]).into_owned();
            let path = request.split(' ').nth(1).unwrap_or("/");
            let (_, status, body) = answers
                .iter()
                .find(|(known, ..)| *known == path)
                .unwrap_or(&("", "404 Not Found", "none"));
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    format!("http://{address}")
}

/// What the site refused to show was not looked at, whether a step goes there or a click leads there; nor was what the
/// journey never comes to.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_shown_is_inconclusive() {
    chromium().await;
    let origin = site(&[
        (
            "/",
            "200 OK",
            "<title>Home</title><a href='/report/'>Report</a>",
        ),
        (
            "/report/",
            "403 Forbidden",
            "<title>No</title>You look like a robot",
        ),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("site.policy.yaml");
    let scenario = folder.path().join("site.yaml");
    let cases = [
        (
            "  - navigate: /\n  - navigate: /report/\n",
            "/report/**",
            "unreachable",
            "answered with status 403",
        ),
        (
            "  - navigate: /\n  - click: text/Report\n",
            "/report/**",
            "unreachable",
            "answered with status 403",
        ),
        (
            "  - navigate: /\n",
            "/advice/**",
            "unreachable",
            "no page that was reached matches `/advice/**`",
        ),
    ];
    for (number, (steps, page, outcome, why)) in cases.into_iter().enumerate() {
        let rules =
            format!("rules:\n  - id: no-meta\n    deny: {{ recipient: Meta, page: \"{page}\" }}\n");
        std::fs::write(&policy, rules).unwrap();
        let text =
            format!("title: Report\norigin: {origin}\nsteps:\n{steps}policy: site.policy.yaml\n");
        std::fs::write(&scenario, text).unwrap();
        let out = folder.path().join(number.to_string()).display().to_string();
        let scenario = scenario.display().to_string();
        let arguments = ["run", &scenario, "--settle", "1", "--json", "-o", &out];
        let output = started(&arguments).await;
        assert_eq!(
            code(&output),
            3,
            "{number}: {}{}",
            stdout(&output),
            stderr(&output)
        );
        let result: Value = serde_json::from_slice(&output.stdout).unwrap();
        let rule = &result["gates"][0]["rules"][0];
        assert_eq!(rule["outcome"], outcome, "{number}: {rule:#}");
        let said = rule["runs"][0]["finding"]["why"].as_str().unwrap();
        assert!(said.contains(why), "{number}: {said}");
    }
}

/// What a frame sends, the site's own or somebody else's, belongs to the page that it stands on; and a frame's page is not one
/// that was opened.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_frame_sends_belongs_to_its_page() {
    chromium().await;
    let origin = site(&[
        (
            "/contact/",
            "200 OK",
            "<title>Contact</title><iframe src='/frame/'></iframe>",
        ),
        (
            "/frame/",
            "200 OK",
            "<script>const i = new Image(); i.src = location.href.replace('127.0.0.1', 'localhost').replace('/frame/', '/pixel');</script>",
        ),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    let rules = [
        ("on-the-page", "/contact/**"),
        ("in-the-frame", "/frame/**"),
        ("elsewhere", "/other/**"),
    ];
    let rules = rules.map(|(id, page)| {
        format!("  - id: {id}\n    deny: {{ host: localhost, page: \"{page}\" }}\n")
    });
    write("site.policy.yaml", format!("rules:\n{}", rules.concat()));
    let steps = "steps:\n  - navigate: /contact/\n  - wait: network\n";
    write(
        "site.yaml",
        format!("title: Contact\norigin: {origin}\n{steps}policy: site.policy.yaml\n"),
    );
    let scenario = folder.path().join("site.yaml").display().to_string();
    let out = folder.path().join("out").display().to_string();
    let arguments = ["run", &scenario, "--settle", "1", "--json", "-o", &out];
    let output = started(&arguments).await;
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let outcomes: Vec<&str> = result["gates"][0]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["violated", "violated", "unreachable"]);
    let reached = &result["gates"][0]["rules"][1]["runs"][0]["finding"]["reached"];
    assert_eq!(
        reached.as_array().unwrap().len(),
        0,
        "nobody opened the frame's page: {reached}"
    );
}

/// What a person and a CI system read, word for word, of a file in which every outcome occurs.
#[test]
fn reports_say_what_was_found() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (junit, sarif, markdown, summary) = (
        file("junit.xml"),
        file("out.sarif"),
        file("out.md"),
        file("summary.md"),
    );
    std::fs::write(&summary, "before\n").unwrap();
    let checked = pixelwitness(
        &[
            "check",
            HAR,
            "--policy",
            HAR_POLICY,
            "--canary",
            "email=xqj.dalv@example.com",
            "--date",
            "2026-11-20",
            "--github",
            "--junit",
            &junit,
            "--sarif",
            &sarif,
            "--markdown",
            &markdown,
        ],
        &[("GITHUB_STEP_SUMMARY", &summary)],
    );
    assert_eq!(code(&checked), 1);
    // What pages say stands between two lines that nobody can guess.
    let text = stdout(&checked);
    let token = text
        .lines()
        .next()
        .unwrap()
        .strip_prefix("::stop-commands::")
        .unwrap();
    assert_eq!(token.len(), 32);
    assert_eq!(text.matches(token).count(), 2);
    blessed("policy/visit.terminal.txt", &text.replace(token, "TOKEN"));
    blessed("policy/visit.stderr.txt", &stderr(&checked));
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    blessed("policy/visit.junit.xml", &read(&junit));
    blessed("policy/visit.sarif", &read(&sarif));
    blessed("policy/visit.md", &read(&markdown));
    assert_eq!(
        read(&summary),
        format!("before\n{}", read(&markdown)),
        "the summary is appended to"
    );
    let json = pixelwitness(
        &[
            "check",
            HAR,
            "--policy",
            HAR_POLICY,
            "--canary",
            "email=xqj.dalv@example.com",
            "--date",
            "2026-11-20",
            "--json",
        ],
        &[],
    );
    assert_eq!(code(&json), 1);
    blessed("policy/visit.json", &stdout(&json));
}

/// Text that a page, or whoever made a HAR, chose: it stays text in every report.
#[test]
fn what_pages_say_breaks_no_report() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let evil = "a\u{1b}[31m\n::error::x\r\n\u{1}\u{fffe}]]>&<script>`|x|`\t\u{7f}\u{9b}";
    let encoded: String = form_urlencoded::byte_serialize(evil.as_bytes()).collect();
    let page = "https://www.police.example/report/";
    let url = format!(
        "https://www.facebook.com/tr/?id=1&ev={encoded}&dl={page}&cd%5B{encoded}%5D={encoded}"
    );
    let entry = |url: &str, kind: &str| {
        serde_json::json!({
            "startedDateTime": "2026-11-20T09:00:00Z", "_resourceType": kind,
            "request": { "method": "GET", "url": url, "headers": [{ "name": "Referer", "value": page }] },
            "response": { "status": 200 },
        })
    };
    let har = serde_json::json!({ "log": { "entries": [entry(page, "document"), entry(&url, "image")] } });
    std::fs::write(file("evil.har"), har.to_string()).unwrap();
    let policy = format!(
        "rules:\n  - id: no-meta\n    deny: {{ recipient: Meta, page: /report/ }}\n    reason: {}\n",
        Value::from(evil.replace(['\u{fffe}', '\u{7f}', '\u{9b}'], ""))
    );
    std::fs::write(file("p.yaml"), policy).unwrap();
    let (junit, sarif, markdown) = (file("j.xml"), file("s.sarif"), file("m.md"));
    let output = pixelwitness(
        &[
            "check",
            &file("evil.har"),
            "--policy",
            &file("p.yaml"),
            "--github",
            "--junit",
            &junit,
            "--sarif",
            &sarif,
            "--markdown",
            &markdown,
        ],
        &[],
    );
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    let harmless = |text: &str, what: &str| {
        let bad = text
            .chars()
            .find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        assert_eq!(bad, None, "{what}: {text:?}");
    };
    let text = stdout(&output);
    harmless(&text, "terminal and annotations");
    let commands: Vec<&str> = text.lines().filter(|line| line.starts_with("::")).collect();
    let token = commands[0].strip_prefix("::stop-commands::").unwrap();
    assert_eq!(commands.len(), 3, "{text}");
    assert_eq!(commands[1], format!("::{token}::"));
    assert!(commands[2].starts_with("::error file="), "{text}");
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    harmless(&read(&junit), "JUnit");
    assert!(!read(&junit).contains('\u{fffe}') && !read(&junit).contains("<script>"));
    harmless(&read(&markdown), "Markdown");
    assert!(!read(&markdown).contains("<script>"));
    let sarif: Value = serde_json::from_str(&read(&sarif)).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 1);
    // And a baseline has lines of six columns.
    let baseline = file("b.baseline");
    let accept = [
        "check",
        &file("evil.har"),
        "--baseline",
        &baseline,
        "--update-baseline",
    ];
    assert_eq!(code(&pixelwitness(&accept, &[])), 0);
    let clean = pixelwitness(&accept[..4], &[]);
    assert_eq!(code(&clean), 0, "{}{}", stdout(&clean), read(&baseline));
}

/// Without a policy and a baseline the verdicts count, in every report.
#[test]
fn verdicts_count_where_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (junit, sarif) = (file("j.xml"), file("s.sarif"));
    let check = [
        "check",
        HAR,
        "--canary",
        "email=xqj.dalv@example.com",
        "--junit",
        &junit,
        "--sarif",
        &sarif,
    ];
    let output = pixelwitness(&check, &[]);
    assert_eq!(code(&output), 1);
    let junit = std::fs::read_to_string(&junit).unwrap();
    assert!(
        junit.contains(r#"name="verdict typed_value""#) && junit.contains(r#"failures="3""#),
        "{junit}"
    );
    let sarif = std::fs::read_to_string(&sarif).unwrap();
    assert!(sarif.contains("typed_value is found"), "{sarif}");
    let same = pixelwitness(
        &["check", HAR, "--junit", &file("x"), "--sarif", &file("x")],
        &[],
    );
    assert_eq!(code(&same), 2);
    assert!(!folder.path().join("x").exists());
}

/// What stands in the way of a report is said before anything is looked at.
#[test]
fn reports_that_cannot_be_written_are_said_at_once() {
    let output = pixelwitness(
        &[
            "check",
            HAR,
            "--policy",
            HAR_POLICY,
            "--junit",
            "/no/such/folder/j.xml",
        ],
        &[],
    );
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("failed to write `/no/such/folder/j.xml`"),
        "{}",
        stderr(&output)
    );
    assert!(output.stdout.is_empty());
    let output = pixelwitness(&["check", "tests/fixtures"], &[]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("it holds `data/run.json`"),
        "{}",
        stderr(&output)
    );
    let output = pixelwitness(&["check", HAR, "--baseline", HAR_POLICY], &[]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("this is no baseline"),
        "{}",
        stderr(&output)
    );
}
