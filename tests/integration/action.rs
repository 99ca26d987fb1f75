//! The action for GitHub: the script of its step, run as a runner runs it, against the demo site.

use std::collections::BTreeMap;
use std::process::Command;

use pixelwitness::demo::{Build, DemoServer};
use serde::Deserialize;
use serde_json::Value;

use crate::common::{chromium, root};

#[derive(Deserialize)]
struct Action {
    inputs: BTreeMap<String, Value>,
    outputs: BTreeMap<String, Value>,
    runs: Runs,
}

#[derive(Deserialize)]
struct Runs {
    using: String,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    name: String,
    shell: String,
    run: String,
    #[serde(default)]
    env: BTreeMap<String, String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn its_step_lets_through_and_refuses() {
    chromium().await;
    let text = std::fs::read_to_string(root().join("action.yml")).unwrap();
    let action: Action = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(action.runs.using, "composite");
    let replay = action
        .runs
        .steps
        .iter()
        .find(|step| step.name == "Replay")
        .unwrap();
    assert!(action.runs.steps.iter().all(|step| step.shell == "bash"));
    for (build, expected) in [(Build::Fixed, "0"), (Build::Leaky, "1")] {
        let folder = tempfile::tempdir().unwrap();
        let temp = folder.path();
        let program = temp.join("pixelwitness/bin");
        std::fs::create_dir_all(&program).unwrap();
        std::os::unix::fs::symlink(
            env!("CARGO_BIN_EXE_pixelwitness"),
            program.join("pixelwitness"),
        )
        .unwrap();
        let server = DemoServer::start(build).await.unwrap();
        let inputs = BTreeMap::from([
            (
                "scenarios",
                "scenarios/demo/report-sexual-*.yaml scenarios/demo/northgate.policy.yaml"
                    .to_owned(),
            ),
            ("out", temp.join("evi dence").display().to_string()),
            (
                "args",
                format!("--connect-to ::{} --insecure --settle 2", server.addr()),
            ),
        ]);
        assert!(inputs.keys().all(|name| action.inputs.contains_key(*name)));
        let input = |expression: &str| {
            let name = expression
                .trim_start_matches("${{ inputs.")
                .trim_end_matches(" }}");
            let declared = &action.inputs[name];
            let default = declared["default"].as_str().unwrap_or_default();
            inputs
                .get(name)
                .cloned()
                .unwrap_or_else(|| default.to_owned())
        };
        let mut command = Command::new("bash");
        command
            .args([
                "--noprofile",
                "--norc",
                "-e",
                "-o",
                "pipefail",
                "-c",
                &replay.run,
            ])
            .current_dir(root())
            .env("RUNNER_TEMP", temp)
            .env("GITHUB_OUTPUT", temp.join("output"))
            .env("GITHUB_STEP_SUMMARY", temp.join("summary"))
            .envs(
                replay
                    .env
                    .iter()
                    .map(|(name, expression)| (name, input(expression))),
            );
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap()
            .unwrap();
        server.stop().await;
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            output.status.code().unwrap().to_string(),
            expected,
            "{stderr}"
        );
        let outputs = std::fs::read_to_string(temp.join("output")).unwrap();
        let outputs: BTreeMap<&str, &str> = outputs
            .lines()
            .map(|line| line.split_once('=').unwrap())
            .collect();
        assert_eq!(outputs["exit-code"], expected);
        assert!(
            action
                .outputs
                .keys()
                .all(|name| outputs.contains_key(name.as_str()))
        );
        let sarif: Value =
            serde_json::from_slice(&std::fs::read(outputs["sarif"]).unwrap()).unwrap();
        let results = sarif["runs"][0]["results"].as_array().unwrap();
        let summary = std::fs::read_to_string(temp.join("summary")).unwrap();
        let annotation = "::error file=scenarios/demo/northgate.policy.yaml,line=5,title=violated%3A no-meta-on-reports::";
        if expected == "0" {
            assert!(
                results.is_empty() && summary.contains("## pixelwitness: passed"),
                "{summary}"
            );
            assert!(!stdout.contains("::error"), "{stdout}");
        } else {
            assert!(
                !results.is_empty() && summary.contains("❌ violated"),
                "{summary}"
            );
            assert!(
                stdout.lines().any(|line| line.starts_with(annotation)),
                "{stdout}"
            );
        }
        assert!(std::fs::metadata(outputs["junit"]).unwrap().len() > 0);
    }
}
