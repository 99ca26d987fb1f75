use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use flate2::read::GzDecoder;
use pixelwitness::browser::{self, ConnectTo};
use pixelwitness::capture::{Deliver, NetLog};
use pixelwitness::demo::{Build, DemoServer};
use pixelwitness::model::{Exchange, RunRecord, TrackerEvent};
use pixelwitness::run::{Run, RunOptions, Typing};
use pixelwitness::scenario::{Scenario, Seed};
use tokio::sync::{OnceCell, watch};

static BROWSER: OnceCell<PathBuf> = OnceCell::const_new();

/// The browser; installed if there is none.
pub async fn chromium() -> PathBuf {
    BROWSER
        .get_or_init(|| async {
            browser::install(&mut |what| eprintln!("{what}"))
                .await
                .expect("a browser is needed")
        })
        .await
        .clone()
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn scenario(path: &str) -> Scenario {
    Scenario::load(&root().join(path)).expect("a scenario that can be read")
}

/// A scenario of its own on the demo site.
pub fn written(steps: &str) -> Scenario {
    let text = format!(
        "title: Test\norigin: https://www.northgate.police.example\nidentity: [facebook]\nsteps:\n{steps}"
    );
    Scenario::parse(Path::new("test.yaml"), text).expect("a scenario that can be read")
}

pub async fn options(server: &DemoServer, out: PathBuf) -> RunOptions {
    RunOptions {
        out,
        browser: chromium().await,
        connect: None,
        browser_args: Vec::new(),
        connect_to: vec![ConnectTo::all_to(server.addr())],
        insecure: false,
        trusted_keys: vec![server.spki_sha256_base64().to_owned()],
        headed: false,
        no_sandbox: false,
        declare_automation: false,
        timeout: Duration::from_secs(90),
        step_timeout: Duration::from_secs(15),
        settle: Duration::from_secs(10),
        seed: Seed::from_bytes([7; 32]),
        typing: Typing::AsWritten,
        screenshots: true,
        deliver: Deliver::AllButReports,
        consent: None,
        consent_rules: None,
        base_url: None,
        policy: None,
    }
}

/// Replays a scenario against a build of the demo site; the server is given back with its log.
pub async fn replay(scenario: &Scenario, build: Build, out: &Path) -> (Run, DemoServer) {
    let server = DemoServer::start(build).await.unwrap();
    let options = options(&server, out.to_owned()).await;
    let run = pixelwitness::run::run(scenario, &options, never(), &|_| {})
        .await
        .unwrap();
    (run, server)
}

/// A journey that nobody stops.
pub fn never() -> watch::Receiver<bool> {
    watch::channel(false).1
}

pub fn read_lines<T: serde::de::DeserializeOwned>(path: &Path) -> Vec<T> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What is in a bundle, read back from disk by its published types.
pub struct OnDisk {
    pub run: RunRecord,
    pub exchanges: Vec<Exchange>,
    pub events: Vec<TrackerEvent>,
}

pub fn read_bundle(bundle: &Path) -> OnDisk {
    let data = bundle.join("data");
    let run = std::fs::read_to_string(data.join("run.json")).unwrap();
    OnDisk {
        run: serde_json::from_str(&run).unwrap(),
        exchanges: read_lines(&data.join("exchanges.jsonl")),
        events: read_lines(&data.join("evidence.jsonl")),
    }
}

pub fn read_net_log(bundle: &Path) -> NetLog {
    let file = std::fs::File::open(bundle.join("data/netlog.json.gz")).unwrap();
    NetLog::read(GzDecoder::new(file), &mut |_, _| Ok(())).unwrap()
}

/// Compares what a person would see with the file that holds it. `PIXELWITNESS_BLESS=1` writes it anew; read the
/// difference before you keep it.
pub fn blessed(name: &str, found: &str) {
    let path = root().join("tests/fixtures").join(name);
    if std::env::var_os("PIXELWITNESS_BLESS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{name}");
}

/// The program, to be started.
pub fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_pixelwitness"));
    program.env_remove("RUST_LOG").current_dir(root());
    program
}

/// Runs the program, with stdin closed.
pub fn pixelwitness(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    program()
        .args(arguments)
        .envs(environment.iter().copied().collect::<HashMap<_, _>>())
        .output()
        .unwrap()
}

/// Command lines of the processes that name a path.
pub fn processes_naming(path: &Path) -> Vec<String> {
    let wanted = path.display().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        if let Ok(line) = std::fs::read_to_string(entry.path().join("cmdline"))
            && line.contains(&wanted)
        {
            found.push(line.replace('\0', " "));
        }
    }
    found
}

/// Waits until the demo server was told something whose target holds `what`.
pub async fn until_told(server: &DemoServer, what: &str) {
    let told = async {
        while !server
            .access_log()
            .iter()
            .any(|entry| entry.target.contains(what))
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), told)
        .await
        .expect("the page told it in time");
}

/// Makes sure that a program of Debian's is there; the first test that needs it installs it.
pub fn debian(program: &str, package: &str) {
    static INSTALLING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one_at_a_time = INSTALLING
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let there = |name: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
    };
    if there(program) {
        return;
    }
    let install = "apt-get update && apt-get install -y --no-install-recommends";
    let done = Command::new("sh")
        .args(["-c", &format!("{install} {package}")])
        .status()
        .unwrap();
    assert!(done.success() && there(program), "{package} is needed");
}

/// Runs a line of shell in a folder; gives whether it succeeded, and all that it said.
pub fn shell(folder: &Path, line: &str) -> (bool, String) {
    let output = Command::new("bash")
        .args(["-c", line])
        .current_dir(folder)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

/// An OpenSSH key without a passphrase, and its `allowed_signers` file, for `me`.
pub fn signing_key(folder: &Path, name: &str) -> PathBuf {
    debian("ssh-keygen", "openssh-client");
    let line = format!(
        "ssh-keygen -q -t ed25519 -N '' -C '' -f {name} && (printf 'me '; cat {name}.pub) > {name}.allowed"
    );
    let (done, said) = shell(folder, &line);
    assert!(done, "{said}");
    folder.join(name)
}

/// What `verify` says of a bundle: its exit code and its result.
pub fn verify(bundle: &Path, more: &[&str]) -> (i32, serde_json::Value) {
    let bundle = bundle.display().to_string();
    let output = pixelwitness(&[&["verify", &bundle, "--json"], more].concat(), &[]);
    let result = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code().unwrap(), result)
}

/// What came of a check of that name; the worst, if there are several.
pub fn check(result: &serde_json::Value, name: &str) -> String {
    let checks = result["checks"].as_array().into_iter().flatten();
    let of_name = checks.filter(|check| check["name"] == name);
    let outcomes: Vec<&str> = of_name
        .filter_map(|check| check["outcome"].as_str())
        .collect();
    ["failed", "incomplete", "not_proven", "proven"]
        .into_iter()
        .find(|outcome| outcomes.contains(outcome))
        .unwrap_or("absent")
        .to_owned()
}

pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
