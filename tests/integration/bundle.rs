//! The bundle as evidence: sealed, signed and time-stamped so that others' tools check it; exported; compared.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use pixelwitness::demo::Build;
use serde_json::Value;

use crate::common::{
    check, debian, pixelwitness, program, read_bundle, replay, scenario, shell, signing_key, verify,
};

const REPORT: &str = "scenarios/demo/report-sexual-offence.yaml";

/// A time-stamping authority of our own, on loopback: its address, and its root certificate.
async fn authority(folder: &Path) -> (String, PathBuf) {
    debian("openssl", "openssl");
    let script = crate::common::root().join("tests/bundle/tsa.sh");
    let (done, said) = shell(folder, &format!("{} tsa", script.display()));
    assert!(done, "{said}");
    let folder = Arc::new(folder.join("tsa"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let of_requests = Arc::clone(&folder);
    let stamp = move |request: Bytes| async move {
        std::fs::write(of_requests.join("query"), &request).unwrap();
        let line = "openssl ts -reply -queryfile query -config tsa.cnf -out answer";
        let (done, said) = shell(&of_requests, line);
        assert!(done, "{said}");
        std::fs::read(of_requests.join("answer")).unwrap()
    };
    let refuse = || async { (axum::http::StatusCode::FORBIDDEN, "not today") };
    let nonsense = || async { "<html>" };
    let router = Router::new()
        .route("/", post(stamp))
        .route("/closed", post(refuse))
        .route("/page", post(nonsense));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, folder.join("ca.pem"))
}

fn run(arguments: &[&str]) -> (i32, String) {
    let output = pixelwitness(arguments, &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_signed_and_stamped_is_checked_by_others() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("run");
    let (recorded, server) = replay(&scenario(REPORT), Build::Leaky, &bundle).await;
    server.stop().await;
    let text = bundle.display().to_string();
    let key = signing_key(folder.path(), "key").display().to_string();
    let (url, ca) = authority(folder.path()).await;
    let ca = ca.display().to_string();

    // As it was sealed: whole, and nobody's.
    let (code, result) = verify(&bundle, &[]);
    assert_eq!(code, 0, "{result:#}");
    for (name, outcome) in [
        ("manifest", "proven"),
        ("signature", "not_proven"),
        ("time_stamp", "not_proven"),
        ("records", "proven"),
        ("references", "proven"),
        ("recomputed", "proven"),
    ] {
        assert_eq!(check(&result, name), outcome, "{name}: {result:#}");
    }
    assert_eq!(result["evidence_digest"], recorded.evidence_digest());

    // An authority that gives no time stamp: nothing is kept of it.
    for (path, why) in [("closed", "403"), ("page", "is no answer of RFC 3161")] {
        let (code, said) = run(&["timestamp", &text, "--tsa", &format!("{url}{path}")]);
        assert_eq!(code, 3, "{said}");
        assert!(said.contains(why), "{said}");
        assert!(!bundle.join("tagmanifest-sha256.txt.tsr").exists());
    }
    assert_eq!(run(&["sign", &text, "--key", &key]).0, 0);
    let (code, said) = run(&["timestamp", &text, "--tsa", &url]);
    assert_eq!(code, 0, "{said}");
    // Neither is done twice.
    assert_eq!(run(&["sign", &text, "--key", &key]).0, 2);
    assert_eq!(run(&["timestamp", &text, "--tsa", &url]).0, 2);

    // The commands of docs/VERIFY.md, by tools that are not ours.
    let allowed = format!("{key}.allowed");
    let lines = [
        "sha256sum --strict -c manifest-sha256.txt tagmanifest-sha256.txt".to_owned(),
        format!(
            "ssh-keygen -Y verify -f {allowed} -I me -n pixelwitness -s tagmanifest-sha256.txt.sig < tagmanifest-sha256.txt"
        ),
        format!(
            "openssl ts -verify -data tagmanifest-sha256.txt -in tagmanifest-sha256.txt.tsr -CAfile {ca}"
        ),
    ];
    for line in &lines {
        let (held, said) = shell(&bundle, line);
        assert!(held, "{line}: {said}");
    }
    let trust = [
        "--allowed-signers",
        &allowed,
        "--signer",
        "me",
        "--tsa-ca",
        &ca,
    ];
    let (code, result) = verify(&bundle, &trust);
    assert_eq!(code, 0, "{result:#}");
    assert_eq!(check(&result, "signature"), "proven");
    assert_eq!(check(&result, "time_stamp"), "proven");

    // Signed, it is not changed any more, by us neither.
    assert_eq!(run(&["audit", &text]).0, 0);
    let another = signing_key(folder.path(), "another").display().to_string();
    let (code, result) = verify(
        &bundle,
        &["--allowed-signers", &format!("{another}.allowed")],
    );
    assert_eq!(
        (code, check(&result, "signature").as_str()),
        (1, "failed"),
        "{result:#}"
    );
    let (code, result) = verify(
        &bundle,
        &[
            "--tsa-ca",
            &format!("{}/tsa/tsa.crt", folder.path().display()),
        ],
    );
    assert_eq!(code, 1, "the root is not there: {result:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_stamp_can_be_fetched_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let (url, ca) = authority(folder.path()).await;
    let mut bundles = Vec::new();
    for name in ["one", "two"] {
        let bundle = folder.path().join(name);
        let (_, server) = replay(
            &crate::common::written("  - navigate: /contact/\n"),
            Build::Fixed,
            &bundle,
        )
        .await;
        server.stop().await;
        let (code, said) = run(&["timestamp", &bundle.display().to_string(), "--request-only"]);
        assert_eq!(code, 0, "{said}");
        bundles.push(bundle);
    }
    let fetched = posted(&url, &bundles[0].join("tagmanifest-sha256.txt.tsq")).await;
    let answer = folder.path().join("answer.tsr");
    std::fs::write(&answer, fetched).unwrap();
    let answer = answer.display().to_string();
    // An answer to somebody else's question is none to ours.
    let other = bundles[1].display().to_string();
    let (code, said) = run(&["timestamp", &other, "--answer", &answer]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("something else"), "{said}");
    let own = bundles[0].display().to_string();
    let (code, said) = run(&["timestamp", &own, "--answer", &answer]);
    assert_eq!(code, 0, "{said}");
    let (code, result) = verify(&bundles[0], &["--tsa-ca", &ca.display().to_string()]);
    assert_eq!(
        (code, check(&result, "time_stamp").as_str()),
        (0, "proven"),
        "{result:#}"
    );
}

/// As curl does it: the request is posted, and the answer is its body.
async fn posted(url: &str, file: &Path) -> Vec<u8> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let body = std::fs::read(file).unwrap();
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/timestamp-query\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = memchr::memmem::find(&answer, b"\r\n\r\n").unwrap();
    answer.split_off(end + 4)
}

#[tokio::test]
async fn who_asks_for_a_signature_and_cannot_have_one_learns_it_first() {
    let folder = tempfile::tempdir().unwrap();
    signing_key(folder.path(), "key");
    let (done, said) = shell(
        folder.path(),
        "mv key.pub lonely.pub && ssh-keygen -q -t ed25519 -N secret -f locked && ssh-keygen -q -t rsa -b 2048 -N '' -f rsa && echo hello > text",
    );
    assert!(done, "{said}");
    let cases = [
        ("locked", "is encrypted, and no passphrase was given"),
        ("rsa", "is a key of the kind"),
        ("text", "is no OpenSSH key"),
        ("nothing", "failed to read the key"),
        ("lonely.pub", "the agent did not sign"),
    ];
    for (name, why) in cases {
        let out = folder.path().join("never");
        let output = program()
            .args(["demo", "--build", "fixed", "-o"])
            .arg(&out)
            .arg("--sign")
            .arg(folder.path().join(name))
            .env_remove("SSH_AUTH_SOCK")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}: {said}");
        assert!(said.contains(why), "{name}: {said}");
        assert!(!out.exists(), "{name}: nothing was run");
    }
}

#[tokio::test]
async fn an_agent_signs_with_the_public_half() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("run");
    let steps = crate::common::written("  - navigate: /contact/\n");
    let (_, server) = replay(&steps, Build::Fixed, &bundle).await;
    server.stop().await;
    signing_key(folder.path(), "key");
    let line = format!(
        "eval $(ssh-agent -a {0}/agent) && ssh-add -q key && mv key gone && {1} sign run --key key.pub; code=$?; kill $SSH_AGENT_PID; exit $code",
        folder.path().display(),
        env!("CARGO_BIN_EXE_pixelwitness"),
    );
    let (done, said) = shell(folder.path(), &line);
    assert!(done, "{said}");
    let allowed = folder.path().join("key.allowed").display().to_string();
    let (code, result) = verify(&bundle, &["--allowed-signers", &allowed]);
    assert_eq!(
        (code, check(&result, "signature").as_str()),
        (0, "proven"),
        "{result:#}"
    );
}

#[tokio::test]
async fn every_step_has_its_picture_and_the_record_says_where_and_when() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("run");
    let (run, server) = replay(&scenario(REPORT), Build::Leaky, &bundle).await;
    server.stop().await;
    let mut before = Vec::new();
    for step in &run.record.journey.steps {
        let path = step.screenshot.as_ref().unwrap();
        assert_eq!(*path, format!("data/screenshots/{:03}.png", step.number));
        let picture = std::fs::read(bundle.join(path)).unwrap();
        assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"), "{path}");
        assert!(picture.len() < 1 << 20, "{path}: {}", picture.len());
        // Something is seen, and it changes as the journey goes on.
        before.push(picture);
    }
    let all = before.len();
    before.sort();
    before.dedup();
    assert!(before.len() > all / 2, "{} of {all} differ", before.len());
    let record = read_bundle(&bundle).run;
    assert_eq!(record.format, 1);
    assert!(
        record.host.cpus > 0 && record.host.kernel.is_some(),
        "{:?}",
        record.host
    );
    // The demo site's clock is this machine's.
    let clocks = &record.clocks;
    assert!(clocks.monotonic.unwrap() > 1.0, "{clocks:?}");
    let site = clocks
        .servers
        .iter()
        .find(|clock| clock.host == "www.northgate.police.example");
    let site = site.unwrap();
    assert!(
        site.answers >= 3 && site.at_least <= 0 && site.at_most >= 0,
        "{site:?}"
    );
    assert!(site.at_most - site.at_least <= 1500, "{site:?}");
    // Certificates of the very connections.
    let certificates = std::fs::read_dir(bundle.join("data/certificates"))
        .unwrap()
        .count();
    assert!(certificates >= 3);
    let size: u64 = walk(&bundle)
        .iter()
        .map(|path| path.metadata().unwrap().len())
        .sum();
    assert!(size < 5_000_000, "a bundle of {size} bytes");
    assert!(
        run.record
            .browser
            .unwrap()
            .flags
            .iter()
            .any(|flag| flag.starts_with("--log-net-log="))
    );
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let files = entries.flat_map(|entry| match entry.file_type().unwrap().is_dir() {
        true => walk(&entry.path()),
        false => vec![entry.path()],
    });
    files.collect()
}

#[tokio::test]
async fn two_runs_of_one_journey_have_one_digest() {
    let folder = tempfile::tempdir().unwrap();
    // Long enough on each page for what comes by the clock, and with values of its own in each run.
    let text = "title: Twice\norigin: https://www.northgate.police.example\nidentity: [facebook]\ncanaries: { email: email, phone: phone }\nsteps:\n  - navigate: /report/\n  - wait: { ms: 1500 }\n  - click: text/Sexual offence\n  - wait: { ms: 1500 }\n";
    let file = folder.path().join("twice.yaml");
    std::fs::write(&file, text).unwrap();
    let mut digests = Vec::new();
    for (name, build) in [
        ("a", Build::Leaky),
        ("b", Build::Leaky),
        ("c", Build::Fixed),
    ] {
        let out = folder.path().join(name);
        let scenario = pixelwitness::scenario::Scenario::load(&file).unwrap();
        let server = pixelwitness::demo::DemoServer::start(build).await.unwrap();
        let mut options = crate::common::options(&server, out).await;
        options.seed = pixelwitness::scenario::Seed::fresh().unwrap();
        let run = pixelwitness::run::run(&scenario, &options, crate::common::never(), &|_| {})
            .await
            .unwrap();
        server.stop().await;
        digests.push(run.evidence_digest());
    }
    let [a, b, c] = ["a", "b", "c"].map(|name| folder.path().join(name).display().to_string());
    let same = pixelwitness(&["diff", &a, &b, "--records"], &[]);
    assert_eq!(
        same.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&same.stdout)
    );
    assert_eq!(digests[0], digests[1]);
    // Byte for byte they are not the same: what is compared is not nothing.
    let evidence =
        |bundle: &str| std::fs::read(Path::new(bundle).join("data/evidence.jsonl")).unwrap();
    assert!(evidence(&a).len() > 1000 && evidence(&a) != evidence(&b));
    let other = pixelwitness(&["diff", &a, &c, "--records", "--json"], &[]);
    assert_eq!(other.status.code(), Some(1));
    let other: Value = serde_json::from_slice(&other.stdout).unwrap();
    assert!(!other["removed"].as_array().unwrap().is_empty());
    assert_ne!(digests[0], digests[2]);
    let info = std::fs::read_to_string(Path::new(&a).join("bag-info.txt")).unwrap();
    assert!(info.contains(&digests[0]), "{info}");
}

#[tokio::test]
async fn exports_hold_what_the_bundle_holds() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("run");
    let (run, server) = replay(&scenario(REPORT), Build::Leaky, &bundle).await;
    server.stop().await;
    let text = bundle.display().to_string();
    for format in ["har", "csv", "wacz", "terminal"] {
        let file = folder.path().join(format).display().to_string();
        let output = pixelwitness(&["report", &text, "--format", format, "-o", &file], &[]);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        // What is there is not overwritten.
        let again = pixelwitness(&["report", &text, "--format", format, "-o", &file], &[]);
        assert_eq!(again.status.code(), Some(3));
    }
    let har = std::fs::read(folder.path().join("har")).unwrap();
    assert_eq!(har, std::fs::read(bundle.join("data/traffic.har")).unwrap());
    let csv = std::fs::read_to_string(folder.path().join("csv")).unwrap();
    assert_eq!(csv.matches("\r\ne0").count(), run.events.len());
    // Every answer's bytes, and not those of recipients' scripts alone.
    let mut archive =
        zip::ZipArchive::new(std::fs::File::open(folder.path().join("wacz")).unwrap()).unwrap();
    let mut warc = String::new();
    let member = archive.by_name("archive/data.warc.gz").unwrap();
    let mut decoder = flate2::read::MultiGzDecoder::new(member);
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut decoder, &mut bytes).unwrap();
    warc.push_str(&String::from_utf8_lossy(&bytes));
    for expected in [
        "WARC/1.1\r\n",
        "WARC-Target-URI: https://www.northgate.police.example/report/sexual-offence/",
        "<title>Report a sexual offence",
        "WARC-Target-URI: https://www.facebook.com/tr/",
    ] {
        assert!(warc.contains(expected), "{expected}");
    }
    let sent = run
        .exchanges
        .iter()
        .filter(|exchange| exchange.sent == Some(true));
    assert_eq!(warc.matches("WARC-Type: request\r\n").count(), sent.count());
    // Contained, and so never on the network.
    assert!(!warc.contains("method=POST&path=/report/sexual-offence/send"));
}

#[test]
fn what_is_no_bundle_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["verify", "report", "audit"] {
        let text = folder.path().display().to_string();
        let output = pixelwitness(&[command, &text], &[]);
        assert_eq!(output.status.code(), Some(2), "{command}");
    }
    let status = Command::new(env!("CARGO_BIN_EXE_pixelwitness"))
        .args(["verify", "/nonexistent"])
        .stderr(Stdio::null())
        .status();
    assert_eq!(status.unwrap().code(), Some(2));
}
