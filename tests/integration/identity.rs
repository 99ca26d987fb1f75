//! Visitors who are logged in somewhere: whose cookies travelled, and that no secret is ever written down.

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use pixelwitness::demo::{Build, DemoServer};
use pixelwitness::model::JourneyState;
use pixelwitness::run::Run;
use pixelwitness::scenario::Scenario;

use crate::common::{never, options};

async fn run(text: String, folder: &Path) -> Run {
    let scenario = Scenario::parse(&folder.join("test.yaml"), text).unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let mut options = options(&server, folder.join("run")).await;
    options.settle = std::time::Duration::from_secs(1);
    let run = pixelwitness::run::run(&scenario, &options, never(), &|_| {})
        .await
        .unwrap();
    // The cookies themselves did travel.
    let told = server.access_log();
    let cookies: Vec<String> = told
        .iter()
        .filter(|e| e.target.starts_with("/tr/"))
        .map(|e| e.cookie())
        .collect();
    std::fs::write(folder.join("cookies"), cookies.join("\n")).unwrap();
    server.stop().await;
    run
}

fn scenario(head: &str) -> String {
    format!(
        "title: Test\norigin: https://www.northgate.police.example\n{head}steps:\n  - navigate: /report/\n"
    )
}

/// Everything below a folder, unpacked.
fn all_bytes(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(all_bytes(&path));
            continue;
        }
        let mut bytes = std::fs::read(&path).unwrap();
        if path.extension().is_some_and(|e| e == "gz") {
            let mut plain = Vec::new();
            GzDecoder::new(bytes.as_slice())
                .read_to_end(&mut plain)
                .unwrap();
            bytes = plain;
        }
        found.push((path.display().to_string(), bytes));
    }
    found
}

#[tokio::test]
async fn secrets_of_a_real_visitor_are_never_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = [
        ("c_user", "100004444333322"),
        ("xs", "31%3AqRsTuVwXyZ%3A2%3A1690000000"),
        ("fr", "0aBcDeFgHiJk.AWX.lmnop"),
    ];
    let lines: String = secrets
        .iter()
        .map(|(name, value)| {
            format!("#HttpOnly_.facebook.com\tTRUE\t/\tTRUE\t1999999999\t{name}\t{value}\n")
        })
        .collect();
    std::fs::write(folder.path().join("me.txt"), lines).unwrap();
    // Planted by a step, they are secrets all the same.
    let text = scenario("").replace(
        "  - navigate",
        "  - identity: { who: [{ cookies: me.txt }] }\n  - navigate",
    );
    let run = run(text, folder.path()).await;
    assert_eq!(
        run.record.journey.state,
        JourneyState::Completed,
        "{:#?}",
        run.record.problems
    );
    let arrived = std::fs::read_to_string(folder.path().join("cookies")).unwrap();
    for (name, value) in secrets {
        assert!(arrived.contains(value), "{name} travelled: {arrived}");
        let identity = run
            .record
            .identity
            .iter()
            .find(|cookie| cookie.name == name)
            .unwrap();
        assert!(identity.secret && identity.sent > 0, "{identity:?}");
        for (path, bytes) in all_bytes(&folder.path().join("run")) {
            for form in [value.to_owned(), value.replace("%3A", ":")] {
                let there = bytes
                    .windows(form.len())
                    .any(|part| part == form.as_bytes());
                assert!(!there, "{name} stands in {path}");
                let encoded = data_encoding::BASE64.encode(form.as_bytes());
                let there = bytes
                    .windows(encoded.len())
                    .any(|part| part == encoded.as_bytes());
                assert!(!there, "{name} stands in {path}, in base64");
            }
        }
        let text = format!("{:?}{:?}", run.exchanges, run.events);
        assert!(!text.contains(value), "{name} is kept in memory");
        assert!(text.contains(&format!("[secret {name}]")));
    }
    let data = folder.path().join("run/data");
    assert!(!data.join("netlog.json.gz").exists() && !data.join("cdp.jsonl").exists());
    // That it was somebody is told all the same.
    let named = run
        .events
        .iter()
        .flat_map(|event| &event.identity)
        .any(|signal| signal.signal == "cookie:c_user" && signal.value == "[secret c_user]");
    assert!(named, "{:#?}", run.events);
}

#[tokio::test]
async fn the_record_says_which_cookies_were_kept_back_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(
        scenario("identity: [facebook]\nthird_party_cookies: block\n"),
        folder.path(),
    )
    .await;
    let names: Vec<&str> = run
        .record
        .identity
        .iter()
        .map(|cookie| cookie.name.as_str())
        .collect();
    assert_eq!(names, ["c_user", "xs", "fr", "datr", "sb"]);
    for cookie in &run.record.identity {
        assert_eq!(cookie.sent, 0, "{cookie:?}");
        assert!(cookie.withheld > 0, "{cookie:?}");
        assert_eq!(cookie.reasons, ["UserPreferences"], "{cookie:?}");
    }
}

#[tokio::test]
async fn an_identity_is_planted_where_a_step_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let text = "title: Test\norigin: https://www.northgate.police.example\nsteps:\n  - navigate: /careers/\n  - identity: facebook\n  - navigate: /report/\n";
    let run = run(text.to_owned(), folder.path()).await;
    let named = |page: &str| {
        // What a page says on leaving is sent after the step.
        run.events
            .iter()
            .filter(|e| e.event_name.as_deref() == Some("PageView"))
            .filter(|e| e.page_url.as_deref().is_some_and(|url| url.ends_with(page)))
            .any(|e| {
                e.identity
                    .iter()
                    .any(|signal| signal.signal == "cookie:c_user")
            })
    };
    assert!(
        !named("/careers/") && named("/report/"),
        "{:#?}",
        run.events
    );
}

/// What logs somebody in is never written, wherever it is sent: a header that a script sets, a password that is typed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_logs_somebody_in_is_never_written_down() {
    crate::common::chromium().await;
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Fixed).await.unwrap();
    let header = "Bearer 5ecret-t0ken-of-a-visitor";
    let password = "c0rrect-h0rse-battery";
    let page = format!(
        "fetch('/contact/?by=script', {{headers: {{authorization: '{}' + '{}'}}}}).then(() => true)",
        &header[..12],
        &header[12..],
    );
    let field = "(() => { document.body.insertAdjacentHTML('afterbegin', '<form action=/contact/ id=login><label>Password <input type=password name=pw id=pw></label></form>'); return true; })()";
    let send = "fetch('/contact/?' + new URLSearchParams(new FormData(document.getElementById('login')))).then(() => true)";
    let scenario = |value: &str| {
        let steps = [
            format!("  - waitForExpression: {}", serde_json::json!(page)),
            format!("  - waitForExpression: {}", serde_json::json!(field)),
            format!(
                "  - change: {{ selector: \"#pw\", value: {} }}",
                serde_json::json!(value)
            ),
            format!("  - waitForExpression: {}", serde_json::json!(send)),
        ];
        format!(
            "title: Log in\norigin: https://www.northgate.police.example\nsteps:\n  - navigate: /contact/\n{}\n",
            steps.join("\n")
        )
    };
    let run = |name: &str, text: &str, password: &str| {
        let file = folder.path().join(format!("{name}.yaml"));
        std::fs::write(&file, text).unwrap();
        let out = folder.path().join(name);
        let output = crate::common::program()
            .arg("run")
            .arg(&file)
            .args([
                "-k",
                "--settle",
                "1",
                "--connect-to",
                &format!("::{}", server.addr()),
            ])
            .arg("--out")
            .arg(&out)
            .env("SITE_PASSWORD", password)
            .output()
            .unwrap();
        (
            out,
            output.status.code().unwrap(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let holds = |bundle: &std::path::Path, secret: &str| {
        let line = format!(
            "(grep -rlaiF -- '{secret}' .; zcat data/netlog.json.gz 2>/dev/null | grep -aiF -- '{secret}'; true) | head -c 300"
        );
        crate::common::shell(bundle, &line).1
    };
    // The header alone: the sources are kept, without it, and what follows from them follows still.
    let only_header = scenario("").replace(
        &format!("  - waitForExpression: {}\n", serde_json::json!(send)),
        "",
    );
    let (bundle, code, said) = run("header", &only_header, "");
    assert_eq!(code, 0, "{said}");
    assert_eq!(holds(&bundle, &header[7..]), "");
    // Nor in the bytes of connections, which the network log has in Base64.
    let mut log = String::new();
    GzDecoder::new(std::fs::File::open(bundle.join("data/netlog.json.gz")).unwrap())
        .read_to_string(&mut log)
        .unwrap();
    let mut looked_into = 0;
    for piece in log.split("\"bytes\":\"").skip(1) {
        let bytes = data_encoding::BASE64.decode(piece.split('"').next().unwrap().as_bytes());
        let bytes = bytes.unwrap();
        assert!(memchr::memmem::find(&bytes, &header.as_bytes()[7..]).is_none());
        looked_into += 1;
    }
    assert!(looked_into > 20, "{looked_into}");
    let exchanges = std::fs::read_to_string(bundle.join("data/exchanges.jsonl")).unwrap();
    assert!(exchanges.contains("[secret authorization]"), "it was sent");
    let (code, result) = crate::common::verify(&bundle, &[]);
    assert_eq!(
        (code, crate::common::check(&result, "recomputed").as_str()),
        (0, "proven"),
        "{result:#}"
    );
    let arrived = server.access_log();
    let arrived = arrived
        .iter()
        .filter(|entry| entry.target.contains("by=script"));
    assert_eq!(arrived.count(), 1);

    // A password from the environment reaches the site, and nothing that is written.
    let (bundle, code, said) = run("typed", &scenario("{{env:SITE_PASSWORD}}"), password);
    assert_eq!(code, 0, "{said}");
    assert!(
        server
            .access_log()
            .iter()
            .any(|entry| entry.target.contains(password)),
        "it was sent"
    );
    assert_eq!(holds(&bundle, password), "");
    assert_eq!(holds(&bundle, &header[7..]), "");
    let (code, result) = crate::common::verify(&bundle, &[]);
    assert_eq!(
        (code, crate::common::check(&result, "recomputed").as_str()),
        (0, "not_proven"),
        "{result:#}"
    );
    // Without it nothing is run; and one that stands in the scenario is not typed.
    let (bundle, code, said) = run("unset", &scenario("{{env:SITE_PASSWORD}}"), "");
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("SITE_PASSWORD is not set") && !bundle.exists(),
        "{said}"
    );
    let (_, code, said) = run("literal", &scenario("pa55word"), "");
    assert_eq!(code, 3, "{said}");
    assert!(
        said.contains("takes a password") && said.contains("{{env:SITE_PASSWORD}}"),
        "{said}"
    );
    server.stop().await;
}
