//! `run`, `scan` and their options, as a person gives them on the command line.

use pixelwitness::demo::{Build, DemoServer};
use serde_json::Value;

use crate::common::{chromium, program};

/// Runs the program beside a demo server, and gives its exit code, stdout and stderr.
async fn beside(server: &DemoServer, arguments: &[&str]) -> (i32, String, String) {
    let browser = chromium().await;
    let output = tokio::process::Command::from({
        let mut program = program();
        program.args(arguments).arg("--browser").arg(browser).args([
            "--insecure",
            "--settle",
            "1",
            "--connect-to",
            &format!("::{}", server.addr()),
        ]);
        program
    })
    .output()
    .await
    .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

fn scenario(folder: &std::path::Path, steps: &str) -> String {
    let path = folder.join("test.yaml");
    let text =
        format!("title: Test\norigin: https://www.northgate.police.example\nsteps:\n{steps}");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[tokio::test]
async fn answers_to_the_banner_and_repeats_stand_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let path = scenario(
        folder.path(),
        "  - navigate: /trials/banner-early/\n  - navigate: /trials/banner-early/?again\n",
    );
    let out = folder.path().join("out");
    let out_text = out.display().to_string();
    let matrix = [
        "run",
        &path,
        "--consent",
        "ignore",
        "--consent",
        "reject",
        "--consent",
        "accept",
        "--repeat",
        "2",
        "--jobs",
        "2",
        "--out",
        &out_text,
    ];
    let (code, stdout, stderr) = beside(&server, &matrix).await;
    assert_eq!(code, 1, "{stderr}");
    for name in [
        "test-ignore-1",
        "test-ignore-2",
        "test-reject-1",
        "test-accept-2",
    ] {
        assert!(out.join(name).join("data/run.json").is_file(), "{name}");
    }
    let table = stdout
        .split("By the answer to the consent banner:")
        .nth(1)
        .unwrap();
    for line in [
        "  ignore   the banner was left alone",
        "  reject   answered (OneTrust: Reject All)",
        "  accept   answered (OneTrust: Accept All Cookies)",
        "      ignore   4  (in 2 of 2 runs)",
        "      reject   2 before the answer, 0 after it  (in 2 of 2 runs)",
        "      accept   2 before the answer, 2 after it  (in 2 of 2 runs)",
    ] {
        assert!(table.contains(line), "{line} in {table}");
    }
    // The same as JSON, and of one answer alone how stable it is.
    let out_text = folder.path().join("json").display().to_string();
    let (code, stdout, _) = beside(
        &server,
        &["run", &path, "--repeat", "2", "--json", "--out", &out_text],
    )
    .await;
    assert_eq!(code, 1);
    let result: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(result["runs"].as_array().unwrap().len(), 2);
    let told = &result["compared"][0]["told"][0];
    assert_eq!(
        (
            &told["event"],
            &told["told"][0]["in_runs"],
            &told["told"][0]["of_runs"]
        ),
        (&"PageView".into(), &2.into(), &2.into())
    );
    server.stop().await;
}

#[tokio::test]
async fn a_scenario_is_replayed_on_another_origin() {
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let path = folder.path().join("test.yaml");
    std::fs::write(&path, "title: Test\norigin: https://www.elsewhere.example\nsteps:\n  - navigate: /contact/\n  - navigate: https://www.elsewhere.example/careers/\n").unwrap();
    let out = folder.path().join("out").display().to_string();
    let arguments = [
        "run",
        path.to_str().unwrap(),
        "--base-url",
        "https://www.northgate.police.example",
        "--json",
        "--out",
        &out,
    ];
    let (code, stdout, stderr) = beside(&server, &arguments).await;
    assert_eq!(code, 1, "{stderr}");
    let result: Value = serde_json::from_str(&stdout).unwrap();
    let run = &result["runs"][0]["run"];
    assert_eq!(
        run["scenario"]["origin"],
        "https://www.northgate.police.example"
    );
    assert_eq!(
        run["journey"]["steps"][1]["page"],
        "https://www.northgate.police.example/careers/"
    );
    assert!(
        !server
            .access_log()
            .iter()
            .any(|entry| entry.host.contains("elsewhere"))
    );
    // Whose requests are the first party's is settled by where it was replayed.
    let audited = program().args(["audit", &out]).output().unwrap();
    assert_eq!(
        audited.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&audited.stderr)
    );
    server.stop().await;
}

#[tokio::test]
async fn a_page_is_scanned_without_a_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let out = folder.path().join("out").display().to_string();
    let (code, stdout, stderr) = beside(
        &server,
        &[
            "scan",
            "https://www.northgate.police.example/advice/rape/",
            "--facebook",
            "--out",
            &out,
        ],
    )
    .await;
    assert_eq!(code, 1, "{stderr}");
    assert!(stdout.contains("Meta was told of 1 page"), "{stdout}");
    assert!(stdout.contains("cookie:c_user"), "{stdout}");
    let (code, _, stderr) = beside(&server, &["scan", "police.example"]).await;
    assert_eq!(code, 2);
    assert!(
        stderr.contains("`police.example` is no address of a page"),
        "{stderr}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_step_is_tried_again_only_where_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    for (retries, code) in [(0, 3), (9, 0)] {
        let steps = format!(
            "  - navigate: /trials/late-row/\n  - waitForElement: {{ selector: li, timeout: 400, retries: {retries} }}\n"
        );
        let path = scenario(folder.path(), &steps);
        let out = folder
            .path()
            .join(retries.to_string())
            .display()
            .to_string();
        // The row comes after 1.5 s, and the look for it ends before.
        let (found, _, stderr) = beside(&server, &["run", &path, "--out", &out]).await;
        assert_eq!(found, code, "{retries}: {stderr}");
    }
    server.stop().await;
}

#[tokio::test]
async fn delivering_reports_is_said_loudly() {
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let path = scenario(
        folder.path(),
        "  - navigate: /trials/form/\n  - submit: text/Send report\n",
    );
    let out = folder.path().join("out").display().to_string();
    let (code, _, stderr) =
        beside(&server, &["run", &path, "--deliver", "all", "--out", &out]).await;
    assert_eq!(code, 1, "{stderr}");
    assert!(
        stderr.contains("what a scenario submits is really filed"),
        "{stderr}"
    );
    assert_eq!(server.filed_reports().len(), 1);
    let run = std::fs::read_to_string(std::path::Path::new(&out).join("data/run.json")).unwrap();
    let run: Value = serde_json::from_str(&run).unwrap();
    assert_eq!(
        (&run["containment"]["deliver"], &run["options"]["deliver"]),
        (&"all".into(), &"all".into())
    );
    server.stop().await;
}
