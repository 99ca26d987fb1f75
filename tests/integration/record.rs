//! A person is recorded: a real window on a virtual screen, a real pointer and real keys.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pixelwitness::demo::{Build, DemoServer};
use pixelwitness::model::Outcome;
use pixelwitness::scenario::{Scenario, StepKind};

use crate::common::{chromium, never, options, program, read_bundle};

/// A virtual screen; gone when dropped.
struct Screen {
    server: Child,
    display: String,
}

impl Screen {
    fn start() -> Screen {
        let there = |name: &str| {
            Command::new("which")
                .arg(name)
                .output()
                .unwrap()
                .status
                .success()
        };
        if !there("Xvfb") || !there("xdotool") {
            for arguments in [
                &["update"][..],
                &["install", "--yes", "xvfb", "xdotool"][..],
            ] {
                let done = Command::new("apt-get").args(arguments).output().unwrap();
                assert!(
                    done.status.success(),
                    "a virtual screen is needed: {done:?}"
                );
            }
        }
        let mut server = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "1400x900x24",
                "-nolisten",
                "tcp",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Screen {
            server,
            display: format!(":{}", line.trim()),
        }
    }

    fn xdotool(&self, arguments: &[&str]) -> String {
        let output = Command::new("xdotool")
            .args(arguments)
            .env("DISPLAY", &self.display)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Left, top, width and height of the browser's window.
    async fn window(&self) -> (i32, i32, i32, i32) {
        for _ in 0..100 {
            for id in self
                .xdotool(&["search", "--onlyvisible", "--class", "chrom"])
                .lines()
            {
                let geometry = self.xdotool(&["getwindowgeometry", "--shell", id]);
                let value = |key: &str| {
                    let line = geometry.lines().find_map(|line| line.strip_prefix(key));
                    line.and_then(|text| text.parse::<i32>().ok()).unwrap_or(0)
                };
                let found = (value("X="), value("Y="), value("WIDTH="), value("HEIGHT="));
                if found.2 > 300 && found.3 > 300 {
                    self.xdotool(&["windowfocus", "--sync", id]);
                    return found;
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no window on {}", self.display);
    }

    fn click(&self, x: i32, y: i32) {
        self.xdotool(&["mousemove", "--sync", &x.to_string(), &y.to_string()]);
        self.xdotool(&["click", "--delay", "80", "1"]);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

async fn until(what: &str, mut came: impl FnMut() -> bool) {
    for _ in 0..300 {
        if came() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{what} did not come");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_does_becomes_a_scenario_and_files_nothing() {
    let browser = chromium().await;
    let screen = Screen::start();
    let folder = tempfile::tempdir().unwrap();
    let server = DemoServer::start(Build::Leaky).await.unwrap();
    let (out, bundle) = (
        folder.path().join("mine.yaml"),
        folder.path().join("bundle"),
    );
    let child = program()
        .args([
            "record",
            "https://www.northgate.police.example/trials/large/",
            "--out",
        ])
        .arg(&out)
        .arg("--bundle")
        .arg(&bundle)
        .arg("--browser")
        .arg(&browser)
        .args([
            "--insecure",
            "--connect-to",
            &format!("::{}", server.addr()),
        ])
        .env("DISPLAY", &screen.display)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let asked = |what: &str| {
        server.access_log().iter().any(|entry| {
            let body = String::from_utf8_lossy(&entry.body);
            format!("{}{body}", entry.target).contains(what)
        })
    };
    until("the page", || asked("/trials/large/")).await;
    let (left, top, width, height) = screen.window().await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    // The upper half of the page is the field, the lower one the button.
    screen.click(left + width / 2, top + height * 45 / 100);
    screen.xdotool(&["type", "--delay", "30", "My own words in Elsewhere Street"]);
    tokio::time::sleep(Duration::from_millis(300)).await;
    screen.click(left + width / 2, top + height * 90 / 100);
    until("the tracker's beacon", || asked("ev=Submit")).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(
        server.filed_reports(),
        [],
        "trying a form out files nothing"
    );

    let scenario = Scenario::load(&out).unwrap_or_else(|error| panic!("{}", error.render(false)));
    let steps: Vec<&StepKind> = scenario.steps.iter().map(|step| &step.kind).collect();
    let [
        StepKind::Navigate(_),
        StepKind::Change(change),
        StepKind::Submit(submit),
    ] = steps[..]
    else {
        panic!("{}", scenario.text);
    };
    assert_eq!(change.value, "{{what}}");
    assert!(
        change
            .selector
            .to_string()
            .starts_with("aria/What happened"),
        "{}",
        change.selector
    );
    assert!(
        submit.selector.to_string().contains("text/Send report"),
        "{}",
        submit.selector
    );
    assert!(!scenario.text.contains("Elsewhere"));

    // What was sent meanwhile is a bundle, with the scenario in it.
    let on_disk = read_bundle(&bundle);
    assert_eq!(
        std::fs::read_to_string(bundle.join("data/scenario.yaml")).unwrap(),
        scenario.text
    );
    assert_eq!(on_disk.run.scenario.sha256, scenario.sha256());
    let contained = on_disk
        .exchanges
        .iter()
        .find(|x| x.outcome == Outcome::Contained)
        .unwrap();
    assert!(contained.url.ends_with("/trials/large/submit") && contained.sent == Some(false));
    let kept = pixelwitness::bundle::read_body(&bundle, contained).unwrap();
    assert!(String::from_utf8(kept).unwrap().contains("Elsewhere"));

    // And it can be replayed.
    let mut replaying = options(&server, folder.path().join("again")).await;
    replaying.settle = Duration::from_millis(500);
    let run = pixelwitness::run::run(&scenario, &replaying, never(), &|_| {})
        .await
        .unwrap();
    assert_eq!(run.record.problems, []);
    assert_eq!(server.filed_reports(), []);
    server.stop().await;
}
