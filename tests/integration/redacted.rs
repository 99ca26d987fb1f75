//! Redacted editions: what was taken out is nowhere in them, can be disclosed, and nothing else is changed.

use std::path::Path;

use pixelwitness::demo::Build;
use pixelwitness::model::RunRecord;
use serde_json::Value;

use crate::common::{
    check, pixelwitness, read_bundle, replay, scenario, shell, signing_key, verify,
};

fn redact(bundle: &Path, out: &Path, more: &[&str]) -> (i32, String) {
    let (bundle, out) = (bundle.display().to_string(), out.display().to_string());
    let output = pixelwitness(&[&["redact", &bundle, "-o", &out], more].concat(), &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), said)
}

fn canary(run: &RunRecord, name: &str) -> String {
    let canary = run.canaries.iter().find(|canary| canary.name == name);
    canary.unwrap().value.clone()
}

#[tokio::test]
async fn what_is_taken_out_is_nowhere_and_can_be_disclosed() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("run");
    let original = scenario("scenarios/demo/report-sexual-offence.yaml");
    let (run, server) = replay(&original, Build::Leaky, &bundle).await;
    server.stop().await;
    let key = signing_key(folder.path(), "key").display().to_string();
    let output = pixelwitness(&["sign", &bundle.display().to_string(), "--key", &key], &[]);
    assert!(output.status.success());

    let shared = folder.path().join("shared");
    let (code, said) = redact(
        &bundle,
        &shared,
        &[
            "--canary",
            "email",
            "--canary",
            "cookie:c_user",
            "--field",
            "fbp",
        ],
    );
    assert_eq!(code, 0, "{said}");
    let email = canary(&run.record, "email");
    let account = canary(&run.record, "cookie:c_user");
    // In no form: as typed, in small letters, percent-encoded, hashed as Meta gets it.
    let lower = email.to_lowercase();
    let (_, hashed) = shell(
        folder.path(),
        &format!("printf %s '{lower}' | sha256sum | cut -c1-64"),
    );
    let encoded = email.replace('@', "%40").replace('+', "%2B");
    for value in [
        &email,
        &lower,
        &account,
        &hashed.trim().to_owned(),
        &encoded,
    ] {
        let (there, said) = shell(&shared, &format!("grep -rlaiF -- '{value}' ."));
        assert!(!there, "{value} is in {said}");
        let (there, _) = shell(&bundle, &format!("grep -rlaiF -- '{value}' data"));
        assert!(
            there || *value == encoded,
            "{value} is not in the original: the test says nothing"
        );
    }
    // The values follow from the seed.
    let seed = run.record.options["seed"].as_str().unwrap();
    let (there, said) = shell(&shared, &format!("grep -rlaF -- '{seed}' ."));
    assert!(!there, "{said}");
    for gone in ["cdp.jsonl", "netlog.json.gz", "screenshots"] {
        assert!(!shared.join("data").join(gone).exists(), "{gone}");
    }

    // It says as much as before, but for the values.
    let (before, after) = (read_bundle(&bundle), read_bundle(&shared));
    assert_eq!(before.exchanges.len(), after.exchanges.len());
    let names = |events: &[pixelwitness::model::TrackerEvent]| -> Vec<_> {
        let names = events
            .iter()
            .map(|event| (event.id.clone(), event.event_name.clone()));
        names.collect()
    };
    assert_eq!(names(&before.events), names(&after.events));
    let findings = |bundle: &Path| -> Value {
        serde_json::from_slice(&std::fs::read(bundle.join("data/findings.json")).unwrap()).unwrap()
    };
    let (was, is) = (findings(&bundle), findings(&shared));
    assert_eq!(
        was["leaks"].as_array().unwrap().len(),
        is["leaks"].as_array().unwrap().len()
    );
    assert_eq!(
        was["verdicts"]["typed_value"]["outcome"],
        is["verdicts"]["typed_value"]["outcome"]
    );
    let allowed = format!("{key}.allowed");
    let (code, result) = verify(&shared, &[]);
    assert_eq!(code, 0, "{result:#}");
    let original = result["checks"].as_array().unwrap().iter();
    let original =
        original.filter(|check| check["name"] == "original" && check["outcome"] == "proven");
    let says: Vec<&Value> = original.map(|check| &check["says"]).collect();
    assert!(
        says[0]
            .as_str()
            .unwrap()
            .contains("it was signed with the key"),
        "{result:#}"
    );
    assert_eq!(check(&result, "recomputed"), "not_proven", "{result:#}");
    // The edition is not signed, though its original was.
    assert_eq!(verify(&shared, &["--allowed-signers", &allowed]).0, 1);
    let output = pixelwitness(&["sign", &shared.display().to_string(), "--key", &key], &[]);
    assert!(output.status.success());
    assert_eq!(verify(&shared, &["--allowed-signers", &allowed]).0, 0);

    // One value is disclosed, and holds; another's does not, nor one that was altered.
    let salts = folder.path().join("shared.disclosures.json");
    let text = shared.display().to_string();
    let from = ["--from", &salts.display().to_string(), "--name", "email"].map(str::to_owned);
    let from: Vec<&str> = from.iter().map(String::as_str).collect();
    let disclosed = pixelwitness(&[&["disclose", &text], &from[..]].concat(), &[]);
    let disclosed = String::from_utf8(disclosed.stdout).unwrap();
    let held = pixelwitness(&["disclose", &text, disclosed.trim()], &[]);
    assert_eq!(held.status.code(), Some(0));
    assert_eq!(
        String::from_utf8(held.stdout).unwrap(),
        format!("email: {email}\n")
    );
    let forged =
        pixelwitness::bundle::disclosure::Disclosure::fresh("email", "eve@example.org").unwrap();
    let refused = pixelwitness(&["disclose", &text, &forged.encoded], &[]);
    assert_eq!(refused.status.code(), Some(1));
    let nothing = pixelwitness(&["disclose", &text, "hello"], &[]);
    assert_eq!(nothing.status.code(), Some(2));

    // The salts are the maker's alone.
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(&salts).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // The original's digests of whole files are not there: with all else at hand a short value could be tried.
    for name in ["manifest-sha256.txt", "bag-info.txt"] {
        assert!(!shared.join("data/original").join(name).exists(), "{name}");
    }
    std::fs::write(shared.join("data/original/tagmanifest-sha256.txt"), "x").unwrap();
    assert_eq!(verify(&shared, &[]).0, 1);
}

#[tokio::test]
async fn whole_requests_go_too_and_what_cannot_go_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("run");
    let original = scenario("scenarios/demo/report-sexual-offence.yaml");
    let (run, server) = replay(&original, Build::Leaky, &bundle).await;
    server.stop().await;
    let told = run
        .events
        .iter()
        .find(|event| !event.user_data.is_empty())
        .unwrap();
    let out = folder.path().join("emptied");
    let (code, said) = redact(&bundle, &out, &["--exchange", &told.exchange]);
    assert_eq!(code, 0, "{said}");
    let after = read_bundle(&out);
    let event = after
        .events
        .iter()
        .find(|event| event.id == told.id)
        .unwrap();
    assert!(
        event
            .user_data
            .iter()
            .all(|datum| datum.value == "[redacted]"),
        "{event:#?}"
    );
    assert_eq!(event.event_name, told.event_name);
    let exchange = after
        .exchanges
        .iter()
        .find(|exchange| exchange.id == told.exchange)
        .unwrap();
    assert_eq!(exchange.body_path, None);
    assert_eq!(verify(&out, &[]).0, 0);

    // What stands in an answer that is kept, a tracker's script: the answer goes, and the edition fits together.
    let pixel = pixelwitness::demo::PIXEL_ID;
    let answers = |exchanges: &[pixelwitness::model::Exchange]| {
        let bodies = exchanges
            .iter()
            .filter(|exchange| exchange.response_body.is_some());
        bodies.count()
    };
    assert!(answers(&run.exchanges) >= 2);
    let out = folder.path().join("answered");
    let (code, said) = redact(&bundle, &out, &["--value", &format!("pixel={pixel}")]);
    assert_eq!(code, 0, "{said}");
    assert!(answers(&read_bundle(&out).exchanges) < answers(&run.exchanges));
    let (code, result) = verify(&out, &[]);
    assert_eq!(code, 0, "{result:#}");
    // A canary by its value, whatever it is called.
    let out = folder.path().join("by-value");
    let email = canary(&run.record, "email");
    let (code, said) = redact(&bundle, &out, &["--value", &format!("witness={email}")]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(verify(&out, &[]).0, 0);

    let cases: [(&[&str], i32, &str); 6] = [
        (&["--canary", "mother"], 2, "there is no canary `mother`"),
        (
            &["--field", "nothing"],
            2,
            "no cookie, header, parameter or signal",
        ),
        (&["--exchange", "x9999"], 2, "there is no exchange `x9999`"),
        (&["--value", "ev=PageV"], 2, "is too short"),
        (&["--value", "nothing"], 2, "NAME=TEXT"),
        (&[], 2, "required"),
    ];
    for (arguments, expected, why) in cases {
        let out = folder.path().join("never");
        let (code, said) = redact(&bundle, &out, arguments);
        assert_eq!(code, expected, "{arguments:?}: {said}");
        assert!(said.contains(why), "{arguments:?}: {said}");
        assert!(!out.exists() && !folder.path().join("never.disclosures.json").exists());
    }
    // What was tampered with is not shared.
    std::fs::write(bundle.join("data/evidence.jsonl"), "").unwrap();
    let (code, said) = redact(
        &bundle,
        &folder.path().join("never"),
        &["--canary", "email"],
    );
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("data/evidence.jsonl"), "{said}");
}
