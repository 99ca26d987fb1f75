//! `open`: a bundle on loopback, for the person who opened it and nobody else. And what runs say on the way.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use pixelwitness::demo::{Build, DemoServer};

use crate::common::{pixelwitness, program, replay, written};
use crate::viewer::Viewer;

const STEPS: &str = "  - navigate: /careers/\n  - click: text/Report\n";

/// `pixelwitness open`, as long as it is needed.
struct Open {
    child: Child,
    address: String,
}

impl Open {
    fn start(bundle: &Path) -> Open {
        let mut child = program()
            .args(["open", "--no-browser"])
            .arg(bundle)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut address = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut address).unwrap();
        Open {
            child,
            address: address.trim().to_owned(),
        }
    }

    /// `127.0.0.1:PORT` and the path of the page.
    fn parts(&self) -> (&str, &str) {
        let rest = self.address.strip_prefix("http://").unwrap();
        let slash = rest.find('/').unwrap();
        rest.split_at(slash)
    }

    /// Status, head and body of an answer.
    fn get(&self, method: &str, path: &str, host: &str) -> (u16, String, Vec<u8>) {
        let (at, _) = self.parts();
        let mut stream = TcpStream::connect(at).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap();
        let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head, answer[end + 4..].to_vec())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn bundle(folder: &Path) -> PathBuf {
    let (run, server) = replay(&written(STEPS), Build::Leaky, &folder.join("run")).await;
    server.stop().await;
    run.bundle
}

#[tokio::test]
async fn a_bundle_is_shown_to_whoever_opened_it_and_to_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = bundle(folder.path()).await;
    let secret = folder.path().join("secret.txt");
    std::fs::write(&secret, "not the bundle's").unwrap();
    std::os::unix::fs::symlink(&secret, bundle.join("data/link.txt")).unwrap();
    std::fs::write(bundle.join("data/bodies/page"), "<script>alert(1)</script>").unwrap();
    let open = Open::start(&bundle);
    let (host, page) = open.parts();
    assert!(host.starts_with("127.0.0.1:"), "{host}");
    assert!(page.len() > 20, "{page} can be guessed");

    let (status, head, body) = open.get("GET", page, host);
    let body = String::from_utf8(body).unwrap();
    assert_eq!(status, 200);
    assert!(
        head.contains("text/html") && head.contains("no-store"),
        "{head}"
    );
    assert!(body.contains("The three verdicts"));
    // The bundle's files, as text that nothing is done with.
    let (status, head, body) = open.get("GET", &format!("{page}bodies/page"), host);
    assert_eq!((status, &body[..8]), (200, b"<script>".as_slice()));
    for header in ["text/plain", "nosniff", "content-security-policy: sandbox"] {
        assert!(head.contains(header), "{head}");
    }
    let (status, head, _) = open.get("GET", &format!("{page}screenshots/001.png"), host);
    assert!(status == 200 && head.contains("image/png"), "{head}");
    let (status, head, _) = open.get("GET", &format!("{page}netlog.json.gz"), host);
    assert!(status == 200 && head.contains("attachment"), "{head}");

    // Nobody else: another host's name, another path, another method, what is not the bundle's.
    let rebound = host.replace("127.0.0.1", "attacker.example");
    for (method, path, host) in [
        ("GET", page, rebound.as_str()),
        ("GET", page, "localhost"),
        ("GET", "/", host),
        ("GET", "/data/run.json", host),
        ("POST", page, host),
        ("GET", &format!("{page}link.txt"), host),
        ("GET", &format!("{page}../bagit.txt"), host),
        ("GET", &format!("{page}../../secret.txt"), host),
        ("GET", &format!("{page}..%2f..%2fsecret.txt"), host),
        ("GET", &format!("{page}/etc/hostname"), host),
        ("GET", &format!("{page}bodies"), host),
    ] {
        let (status, _, body) = open.get(method, path, host);
        assert!(
            matches!(status, 404 | 405),
            "{method} {path} {host}: {status}"
        );
        assert!(body.is_empty(), "{method} {path} {host}");
    }
    // As a person sees it: the page works there too, and its links lead to the files.
    let mut viewer = Viewer::start().await;
    viewer.go(&open.address).await;
    viewer
        .until("document.documentElement.dataset.ready === 'true'")
        .await;
    let picture = viewer
        .ask("fetch === undefined || new Promise((done) => { const link = document.querySelector('figcaption a').href; const image = new Image(); image.onload = () => done(link); image.onerror = () => done(null); image.src = link; })")
        .await;
    assert_eq!(
        picture,
        serde_json::Value::Null,
        "the page's own policy lets no picture in from anywhere"
    );
    viewer.click("figcaption a").await;
    viewer.until("document.contentType === 'image/png'").await;
    viewer.close().await;
}

#[test]
fn what_is_no_bundle_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let opened = pixelwitness(
        &["open", "--no-browser", &folder.path().display().to_string()],
        &[],
    );
    assert_eq!(opened.status.code(), Some(2));
    assert!(opened.stdout.is_empty());
}

/// Ctrl-C ends it, and that is no failure.
#[tokio::test]
async fn it_is_served_until_it_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = bundle(folder.path()).await;
    let mut open = Open::start(&bundle);
    let id = rustix::process::Pid::from_raw(i32::try_from(open.child.id()).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let began = Instant::now();
    let status = loop {
        match open.child.try_wait().unwrap() {
            Some(status) => break status,
            None => assert!(began.elapsed() < Duration::from_secs(10)),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_says_where_it_is_and_closes_with_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let scenario = folder.path().join("careers.yaml");
    let text = format!(
        "title: \"Look at what a force pays for its recruitment \u{202e}advertising\"\norigin: https://www.northgate.police.example\nsteps:\n{STEPS}"
    );
    std::fs::write(&scenario, text).unwrap();
    let scenario = scenario.display().to_string();
    let connect_to = format!("::{}", server.addr());
    let out = |name: &str| folder.path().join(name).display().to_string();
    let run = |more: &[&str]| {
        let fixed = [
            "run",
            &scenario,
            "--connect-to",
            &connect_to,
            "--insecure",
            "--settle",
            "2",
        ];
        pixelwitness(&[&fixed, more].concat(), &[])
    };
    let twice = run(&[
        "--repeat",
        "2",
        "-o",
        &out("twice"),
        "--html",
        &out("twice.html"),
    ]);
    assert_eq!(twice.status.code(), Some(1), "{twice:?}");
    // In a log each step is a line, with what was seen so far.
    let said = String::from_utf8(twice.stderr).unwrap();
    assert!(said.contains("step 2 of 2: click text/Report"), "{said}");
    assert!(
        said.contains(" requests, ") && said.contains(" so far)"),
        "{said}"
    );
    assert!(
        !said.contains('\u{1b}') && !said.contains('\u{202e}'),
        "{said}"
    );
    let stdout = String::from_utf8(twice.stdout).unwrap();
    let table: Vec<&str> = stdout
        .lines()
        .skip_while(|line| !line.starts_with("journey  "))
        .collect();
    assert_eq!(table.len(), 3, "{stdout}");
    assert!(
        table.iter().all(|line| line.chars().count() <= 80),
        "{table:?}"
    );
    assert!(
        table[1].contains("2/2") && table[1].ends_with("found"),
        "{table:?}"
    );
    let html = std::fs::read_to_string(out("twice.html")).unwrap();
    assert!(html.contains("2 runs side by side"));

    let quiet = run(&[
        "--quiet",
        "-o",
        &out("quiet"),
        "--har",
        &out("quiet.har"),
        "--html",
        &out("quiet.html"),
    ]);
    assert_eq!(quiet.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&quiet.stdout), "");
    let said = String::from_utf8(quiet.stderr).unwrap();
    assert!(!said.contains("step 1 of 2"), "{said}");
    let har = std::fs::read(out("quiet.har")).unwrap();
    assert_eq!(
        har,
        std::fs::read(folder.path().join("quiet/data/traffic.har")).unwrap()
    );
    assert!(
        std::fs::read_to_string(out("quiet.html"))
            .unwrap()
            .contains("The three verdicts")
    );

    // One HAR cannot hold two journeys: said before any is made.
    let two = run(&[
        "--repeat",
        "2",
        "-o",
        &out("none"),
        "--har",
        &out("two.har"),
    ]);
    assert_eq!(two.status.code(), Some(2));
    assert!(!folder.path().join("none").exists());
    let nowhere = run(&["-o", &out("none"), "--html", &out("no/such/folder/x.html")]);
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(!folder.path().join("none").exists());
    server.stop().await;
}
