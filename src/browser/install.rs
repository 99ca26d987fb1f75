//! Installs a browser: with the system's package manager where it may, else by download.

use std::path::PathBuf;
use std::process::Stdio;

use chromiumoxide::fetcher::{BrowserFetcher, BrowserFetcherOptions};
use tokio::process::Command;

use super::BrowserError;
use super::find::{find, on_path};

/// A package manager, and the commands that bring Chromium with it.
struct Manager {
    program: &'static str,
    commands: &'static [&'static [&'static str]],
    /// False: it must not run as root (Homebrew refuses to).
    as_root: bool,
}

const MANAGERS: [Manager; 4] = [
    Manager {
        program: "apt-get",
        commands: &[
            &["apt-get", "update"],
            &["apt-get", "install", "--yes", "chromium"],
        ],
        as_root: true,
    },
    Manager {
        program: "dnf",
        commands: &[&["dnf", "install", "--assumeyes", "chromium"]],
        as_root: true,
    },
    Manager {
        program: "apk",
        commands: &[&["apk", "add", "chromium"]],
        as_root: true,
    },
    Manager {
        program: "brew",
        commands: &[&["brew", "install", "--cask", "chromium"]],
        as_root: false,
    },
];

#[derive(Debug, thiserror::Error)]
#[error("no browser could be installed:\n{}\nTo install one by hand: {}", .tried.join("\n"), what_to_type())]
pub struct InstallError {
    /// One line for each way that was tried: what it was and how it failed.
    tried: Vec<String>,
}

/// Returns the browser that is there, or installs one. `say` is told what is being done, a line at a time.
///
/// # Errors
/// [`InstallError`], with everything that was tried and what to type instead.
pub async fn install(say: &mut dyn FnMut(&str)) -> Result<PathBuf, InstallError> {
    let mut tried = Vec::new();
    match find(None) {
        Ok(path) => return Ok(path),
        Err(BrowserError::NotFound) => {}
        // One was named, and it is not there: nothing that is installed would be used.
        Err(error) => {
            tried.push(error.to_string());
            return Err(InstallError { tried });
        }
    }
    match manager() {
        Some(manager) => match privilege(manager).await {
            Some(prefix) => {
                if let Err(why) = run_all(manager, prefix, say).await {
                    tried.push(why);
                }
                match find(None) {
                    Ok(path) => return Ok(path),
                    Err(error) => tried.push(format!("after {}: {error}", manager.program)),
                }
            }
            None => tried.push(format!(
                "{}: needs root, and sudo would ask for a password",
                manager.program
            )),
        },
        None => tried.push("none of apt-get, dnf, apk and brew is here".to_owned()),
    }
    say("downloading Chromium");
    match download().await {
        Ok(path) => Ok(path),
        Err(why) => {
            tried.push(format!("download: {why}"));
            Err(InstallError { tried })
        }
    }
}

/// The command for this system, in words.
pub fn what_to_type() -> String {
    match manager() {
        Some(manager) => {
            let sudo = if manager.as_root && !is_root() {
                "sudo "
            } else {
                ""
            };
            let commands: Vec<String> = manager
                .commands
                .iter()
                .map(|command| format!("{sudo}{}", command.join(" ")))
                .collect();
            format!("type `{}`", commands.join(" && "))
        }
        None => "install Chromium or Google Chrome the way your system does".to_owned(),
    }
}

fn manager() -> Option<&'static Manager> {
    MANAGERS
        .iter()
        .find(|manager| on_path(manager.program.as_ref()).is_some())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// What to put before the manager's command: nothing, or `sudo` where it asks no password.
async fn privilege(manager: &Manager) -> Option<&'static [&'static str]> {
    if manager.as_root == is_root() {
        return Some(&[]);
    }
    if !manager.as_root {
        return None;
    }
    let sudo = Command::new("sudo")
        .args(["-n", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
    matches!(sudo, Ok(status) if status.success()).then_some(&["sudo", "-n"])
}

async fn run_all(
    manager: &Manager,
    prefix: &[&str],
    say: &mut dyn FnMut(&str),
) -> Result<(), String> {
    for command in manager.commands {
        let words: Vec<&str> = prefix.iter().chain(command.iter()).copied().collect();
        let line = words.join(" ");
        say(&line);
        let output = Command::new(words[0])
            .args(&words[1..])
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .output()
            .await
            .map_err(|error| format!("{line}: {error}"))?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            let last = stderr.trim().lines().next_back().unwrap_or_default();
            return Err(format!("{line}: {} ({last})", output.status));
        }
    }
    Ok(())
}

/// Where a downloaded browser is kept.
fn cache() -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    Some(base.join("pixelwitness").join("chromium"))
}

/// The executable of an earlier download.
pub(super) fn downloaded() -> Option<PathBuf> {
    std::fs::read_to_string(cache()?.join("executable"))
        .ok()
        .map(PathBuf::from)
        .filter(|path| path.is_file())
}

async fn download() -> Result<PathBuf, String> {
    let folder = cache().ok_or("neither HOME nor XDG_CACHE_HOME is set")?;
    tokio::fs::create_dir_all(&folder)
        .await
        .map_err(|error| format!("{}: {error}", folder.display()))?;
    // An error only says that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = BrowserFetcherOptions::builder()
        .with_path(&folder)
        .build()
        .map_err(|error| error.to_string())?;
    let installation = BrowserFetcher::new(options)
        .fetch()
        .await
        .map_err(|error| error.to_string())?;
    tokio::fs::write(
        folder.join("executable"),
        installation.executable_path.to_string_lossy().as_bytes(),
    )
    .await
    .map_err(|error| error.to_string())?;
    Ok(installation.executable_path)
}
