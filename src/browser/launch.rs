//! Starts Chromium so that only the page talks, and ends it so that nothing is left.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use super::{BrowserError, ConnectTo, Endpoint, host_rules};

/// How long Chromium may take to open its debugging port.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long it may take to write its network log and exit.
const EXIT_LIMIT: Duration = Duration::from_secs(15);

/// Switches that keep the browser's own traffic off the wire (measured: none was left).
const QUIET: [&str; 10] = [
    "--no-first-run",
    "--no-default-browser-check",
    "--no-startup-window",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // UDP would escape the network log's byte counts.
    "--disable-quic",
    "--disable-features=OptimizationHints,OptimizationGuideModelDownloading,OptimizationHintsFetching,AutofillServerCommunication,NetworkTimeServiceQuerying,MediaRouter",
    "--net-log-capture-mode=Everything",
    "--password-store=basic",
];

/// Hosts that Chromium asks for itself whatever the switches say: they are kept off the wire.
pub const OWN_HOSTS: [&str; 5] = [
    "update.googleapis.com",
    "accounts.google.com",
    // Address suggestions for form fields, and spelling dictionaries at the first key.
    "content-autofill.googleapis.com",
    "redirector.gvt1.com",
    // What was downloaded, reported to a blocklist.
    "sb-ssl.google.com",
];

/// How to start Chromium.
#[derive(Debug, Clone, Default)]
pub struct Launch {
    pub executable: PathBuf,
    pub connect_to: Vec<ConnectTo>,
    /// Accept any certificate.
    pub insecure: bool,
    /// Base64 SHA-256 digests of public keys to trust, and no others than those of real authorities.
    pub trusted_keys: Vec<String>,
    pub block_third_party_cookies: bool,
    pub headed: bool,
    pub no_sandbox: bool,
    /// Let pages see that the browser is automated.
    pub declare_automation: bool,
    /// The one registrable domain that is reached; every other host is led to this address.
    pub only: Option<(String, SocketAddr)>,
    /// Where Chromium writes its network log.
    pub net_log: PathBuf,
    /// Passed on as they are.
    pub extra_args: Vec<String>,
}

/// A running Chromium. Dropped, it is killed with everything it started.
#[derive(Debug)]
pub struct Launched {
    /// `ws://127.0.0.1:PORT/devtools/browser/…`
    pub web_socket: String,
    pub flags: Vec<String>,
    /// Nothing where it is not known.
    pub sandbox: Option<bool>,
    pub sandbox_reason: Option<String>,
    /// The kernel ends it in the moment in which we end.
    pub killed_with_us: bool,
    /// Nothing: it is somebody else's, and only our connection to it ends.
    child: Option<Child>,
    /// It was waited for: its number may belong to another process by now.
    reaped: bool,
    group: Option<rustix::process::Pid>,
    /// Chromium's debugging pipe: it exits when this end closes, so that it cannot outlive us.
    _lifeline: Option<ChildStdin>,
    profile: Option<TempDir>,
}

/// Whether the kernel can be told to end the browser when we end (prctl(2), PR_SET_PDEATHSIG), as util-linux's `setpriv` does.
/// When our connection breaks, Chromium lets go on what it had paused for us, and a form that a step has just sent would reach
/// the site: if we are killed, it must not live on for a moment.
async fn can_be_killed_with_us() -> bool {
    let probe = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "--", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    matches!(timeout(START_LIMIT, probe).await, Ok(Ok(status)) if status.success())
}

impl Launch {
    /// With nothing that a journey asks for besides: for looking at a page.
    pub fn plain(executable: PathBuf, net_log: PathBuf) -> Launch {
        Launch {
            executable,
            connect_to: Vec::new(),
            insecure: false,
            trusted_keys: Vec::new(),
            block_third_party_cookies: false,
            headed: false,
            no_sandbox: false,
            declare_automation: false,
            only: None,
            net_log,
            extra_args: Vec::new(),
        }
    }

    /// Starts Chromium with a fresh profile and waits until it can be driven.
    ///
    /// # Errors
    /// [`BrowserError`], with the browser's last words where it had any.
    pub async fn start(&self) -> Result<Launched, BrowserError> {
        let profile = tempfile::Builder::new()
            .prefix("pixelwitness-")
            .tempdir()
            .map_err(BrowserError::Profile)?;
        self.write_preferences(profile.path())
            .map_err(BrowserError::Profile)?;
        // Chromium runs in another folder than we do, as far as it cares.
        let net_log = std::path::absolute(&self.net_log).map_err(BrowserError::Profile)?;
        let sandbox_reason = self.sandbox_reason();
        let flags = self
            .flags(profile.path(), &net_log, sandbox_reason.is_some())
            .await?;

        let killed_with_us = can_be_killed_with_us().await;
        let with = match killed_with_us {
            true => "setpriv --pdeathsig KILL -- ",
            false => "",
        };
        // The shell hands our pipe to Chromium as descriptors 3 and 4, where it looks for its debugging pipe.
        let mut child = Command::new("/bin/sh")
            .arg("-c")
            .arg(format!(
                "exec {with}\"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null"
            ))
            .arg(&self.executable)
            .args(&flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own: a Ctrl-C in the terminal reaches us, and not Chromium before us.
            .process_group(0)
            .spawn()
            .map_err(|error| self.did_not_start(error.to_string()))?;
        let group = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw)
            .ok_or_else(|| self.did_not_start("it ended at once".into()))?;
        let lifeline = child.stdin.take();
        let stderr = child
            .stderr
            .take()
            .ok_or_else(|| self.did_not_start("it has no stderr".into()))?;
        let mut launched = Launched {
            web_socket: String::new(),
            flags,
            sandbox: Some(sandbox_reason.is_none()),
            sandbox_reason,
            killed_with_us,
            child: Some(child),
            reaped: false,
            group: Some(group),
            _lifeline: lifeline,
            profile: Some(profile),
        };
        launched.web_socket = self.wait_for_port(stderr).await?;
        Ok(launched)
    }

    fn did_not_start(&self, why: String) -> BrowserError {
        BrowserError::DidNotStart {
            path: self.executable.clone(),
            why,
        }
    }

    fn sandbox_reason(&self) -> Option<String> {
        if self.no_sandbox {
            Some("it was asked for with --no-sandbox".to_owned())
        } else if rustix::process::geteuid().is_root() {
            Some("Chromium cannot have one when it runs as root".to_owned())
        } else {
            None
        }
    }

    fn write_preferences(&self, profile: &Path) -> std::io::Result<()> {
        let folder = profile.join("Default");
        std::fs::create_dir_all(&folder)?;
        let preferences = json!({
            // 0: third-party cookies flow; 1: they are blocked (components/content_settings).
            "profile": { "cookie_controls_mode": i32::from(self.block_third_party_cookies) },
            "spellcheck": { "dictionaries": [], "use_spelling_service": false },
            "browser": { "enable_spellchecking": false },
            "autofill": { "enabled": false, "profile_enabled": false, "credit_card_enabled": false },
            "translate": { "enabled": false },
            "safebrowsing": { "enabled": false },
            // Gone with the profile, and not in the folder of whoever runs this.
            "download": { "default_directory": profile.join("downloads"), "prompt_for_download": false },
        });
        std::fs::write(folder.join("Preferences"), preferences.to_string())
    }

    async fn flags(
        &self,
        profile: &Path,
        net_log: &Path,
        no_sandbox: bool,
    ) -> Result<Vec<String>, BrowserError> {
        let mut flags: Vec<String> = QUIET.map(str::to_owned).into();
        if !self.headed {
            flags.push("--headless".into());
            flags.push("--screen-info={1366x768}".into());
        }
        flags.push("--window-size=1280,720".into());
        flags.push("--remote-debugging-port=0".into());
        flags.push("--remote-debugging-pipe".into());
        flags.push(format!("--user-data-dir={}", profile.display()));
        flags.push(format!("--log-net-log={}", net_log.display()));
        if no_sandbox {
            flags.push("--no-sandbox".into());
        }
        let mut rules: Vec<String> = OWN_HOSTS
            .iter()
            .map(|host| format!("MAP {host} ~NOTFOUND"))
            .collect();
        let only = self.only.as_ref();
        rules.extend(host_rules::rules(
            &self.connect_to,
            only.map(|(first_party, sink)| (first_party.as_str(), *sink)),
        ));
        if only.is_some() {
            // STUN goes over UDP, to whatever address a page names.
            flags.push("--force-webrtc-ip-handling-policy=disable_non_proxied_udp".into());
        }
        flags.push(format!("--host-resolver-rules={}", rules.join(", ")));
        if self.insecure {
            flags.push("--ignore-certificate-errors".into());
        }
        if !self.trusted_keys.is_empty() {
            flags.push(format!(
                "--ignore-certificate-errors-spki-list={}",
                self.trusted_keys.join(",")
            ));
        }
        if !self.declare_automation {
            flags.push("--disable-blink-features=AutomationControlled".into());
            if !self.headed {
                flags.push(format!(
                    "--user-agent={}",
                    self.ordinary_user_agent().await?
                ));
            }
        }
        flags.extend(self.extra_args.iter().cloned());
        Ok(flags)
    }

    /// What an ordinary Chrome of this version says of itself: all but "Headless".
    async fn ordinary_user_agent(&self) -> Result<String, BrowserError> {
        let output = Command::new(&self.executable)
            .arg("--product-version")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let not_runnable = |why: String| BrowserError::NotRunnable {
            path: self.executable.clone(),
            why,
        };
        let output = timeout(START_LIMIT, output)
            .await
            .map_err(|_| not_runnable("it does not tell its version".into()))?
            .map_err(|error| not_runnable(error.to_string()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let major = text
            .trim()
            .split('.')
            .next()
            .and_then(|word| word.rsplit(' ').next())
            .filter(|major| !major.is_empty() && major.bytes().all(|byte| byte.is_ascii_digit()))
            .ok_or_else(|| {
                not_runnable("it does not tell its version, as Chromium and Chrome do".into())
            })?;
        let platform = if cfg!(target_os = "macos") {
            "Macintosh; Intel Mac OS X 10_15_7"
        } else {
            "X11; Linux x86_64"
        };
        Ok(format!(
            "Mozilla/5.0 ({platform}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36"
        ))
    }

    /// Reads the browser's stderr up to the line that names the port; goes on draining it afterwards.
    async fn wait_for_port(
        &self,
        stderr: tokio::process::ChildStderr,
    ) -> Result<String, BrowserError> {
        let mut lines = BufReader::new(stderr).lines();
        let mut last = Vec::new();
        let found = timeout(START_LIMIT, async {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(address) = line.trim().strip_prefix("DevTools listening on ") {
                    return Some(address.to_owned());
                }
                last.push(line);
            }
            None
        })
        .await;
        match found {
            Ok(Some(address)) => {
                tokio::spawn(async move {
                    while let Ok(Some(line)) = lines.next_line().await {
                        tracing::debug!(target: "chromium", "{line}");
                    }
                });
                Ok(address)
            }
            Ok(None) => {
                let tail = last.len().saturating_sub(5);
                Err(self.did_not_start(format!("it ended\n{}", last[tail..].join("\n"))))
            }
            Err(_) => Err(self.did_not_start(format!(
                "it opened no debugging port within {} s",
                START_LIMIT.as_secs()
            ))),
        }
    }
}

impl Launched {
    /// One that runs elsewhere: nothing is known of it but what it says.
    pub fn elsewhere(endpoint: &Endpoint) -> Launched {
        Launched {
            web_socket: endpoint.url().to_owned(),
            flags: Vec::new(),
            sandbox: None,
            sandbox_reason: None,
            killed_with_us: false,
            child: None,
            reaped: true,
            group: None,
            _lifeline: None,
            profile: None,
        }
    }

    /// Waits until the browser has exited by itself (it was told to), else kills it.
    /// Returns whether it went by itself, so that its network log is whole.
    pub async fn wait(&mut self) -> bool {
        let Some(child) = self.child.as_mut().filter(|_| !self.reaped) else {
            return false;
        };
        match timeout(EXIT_LIMIT, child.wait()).await {
            Ok(Ok(status)) => {
                self.kill_group();
                self.reaped = true;
                status.success()
            }
            _ => {
                self.kill().await;
                false
            }
        }
    }

    /// Whether the browser exits by itself within a time.
    pub async fn leaves_within(&mut self, limit: Duration) -> bool {
        if let Some(child) = self.child.as_mut().filter(|_| !self.reaped)
            && matches!(timeout(limit, child.wait()).await, Ok(Ok(_)))
        {
            self.kill_group();
            self.reaped = true;
        }
        self.reaped
    }

    /// Kills the browser and everything it started.
    pub async fn kill(&mut self) {
        if self.reaped {
            return;
        }
        self.kill_group();
        if let Some(child) = &mut self.child {
            let ended = timeout(Duration::from_secs(5), child.wait()).await;
            self.reaped |= ended.is_ok();
        }
    }

    fn kill_group(&self) {
        if let Some(group) = self.group {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        if !self.reaped {
            self.kill_group();
        }
        if let Some(profile) = self.profile.take() {
            // Children of a killed browser may still be writing into it.
            let path = profile.path().to_owned();
            if profile.close().is_err() {
                let _ = std::fs::remove_dir_all(path);
            }
        }
    }
}
