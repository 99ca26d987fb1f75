//! Scenarios and policies that cannot be used: `X.yaml` beside the exact message that it gives, `X.stderr`.
//!
//! `PIXELWITNESS_BLESS=1 cargo test bad_input` writes the messages anew; read the difference before you keep it.

use crate::common::{pixelwitness, root};

/// Runs each bad file of a folder, and compares what it says.
fn every_bad_file(folder: &str, least: usize, arguments: &[&str]) {
    let folder = root().join("tests/fixtures").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml" || extension == "json")
        })
        .collect();
    files.sort();
    assert!(files.len() >= least, "{}", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let path = file
            .strip_prefix(root())
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let arguments: Vec<&str> = arguments.iter().copied().chain([&*path]).collect();
        let output = pixelwitness(&arguments, &[]);
        assert_eq!(output.status.code(), Some(2), "{path}");
        assert!(output.stdout.is_empty(), "{path}");
        let message = String::from_utf8(output.stderr).unwrap();
        let expected = file.with_extension("stderr");
        if std::env::var_os("PIXELWITNESS_BLESS").is_some() {
            std::fs::write(&expected, &message).unwrap();
        }
        if std::fs::read_to_string(&expected).ok().as_deref() != Some(&message) {
            wrong.push(format!("{path} says:\n{message}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_bad_scenario_gives_its_message() {
    every_bad_file("scenarios_bad", 60, &["run"]);
}

#[test]
fn every_bad_policy_gives_its_message() {
    let check = [
        "check",
        "tests/fixtures/hars/chromium.har",
        "--date",
        "2026-11-25",
        "--policy",
    ];
    every_bad_file("policies_bad", 70, &check);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let output = pixelwitness(&["run", "no/such/scenario.yaml"], &[]);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("the scenario cannot be read"), "{message}");
    assert!(message.contains("no/such/scenario.yaml"), "{message}");
    assert!(message.contains("help: "), "{message}");
}
