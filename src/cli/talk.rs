//! Talk goes to stderr, coloured only on a terminal.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use indicatif::{ProgressBar, ProgressStyle};

use super::exit;
use crate::report::visible;
use crate::scenario::Diagnostic;

/// Whether only what went wrong is said, as `--quiet` wants it.
static QUIET: AtomicBool = AtomicBool::new(false);

/// From now on only what went wrong is said.
pub fn be_quiet() {
    QUIET.store(true, Relaxed);
}

pub fn is_quiet() -> bool {
    QUIET.load(Relaxed)
}

/// Whether stderr takes colours.
pub fn colour_on_stderr() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Whether stdout takes colours.
pub fn colour_on_stdout() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

pub fn error(message: &str, help: Option<&str>) {
    labelled("error", "31", message);
    if let Some(help) = help {
        labelled("help", "36", help);
    }
}

pub fn warning(message: &str, help: Option<&str>) {
    labelled("warning", "33", message);
    if let Some(help) = help {
        labelled("help", "36", help);
    }
}

pub fn note(message: &str) {
    if !is_quiet() {
        labelled("note", "1", message);
    }
}

/// A bar over so many things, on a terminal.
pub fn bar(what: &'static str, of: usize) -> ProgressBar {
    let bar = match is_quiet() {
        true => ProgressBar::hidden(),
        false => ProgressBar::new(of as u64),
    };
    if let Ok(style) = ProgressStyle::with_template("{prefix} {bar} {pos}/{len}") {
        bar.set_style(style);
    }
    bar.set_prefix(what);
    bar
}

/// A line without a label.
pub fn plain(text: &str) {
    eprintln!("{}", visible(text));
}

/// Asks for a passphrase on the terminal, without showing it. None: there is no terminal, or nothing was typed.
pub fn passphrase(prompt: &str) -> Option<String> {
    rpassword::prompt_password(prompt)
        .ok()
        .filter(|passphrase| !passphrase.is_empty())
}

/// A scenario that cannot be run; gives the exit code for it.
pub fn diagnostic(diagnostic: &Diagnostic) -> u8 {
    eprintln!("{}", diagnostic.render(colour_on_stderr()));
    exit::BAD_INPUT
}

/// Data, on stdout. A reader that has gone away, as `head` does, is no failure.
pub fn data(text: &str) {
    use std::io::Write;
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
}

fn labelled(label: &str, colour: &str, message: &str) {
    // Paths, pages and bundles of others stand in messages.
    let message = visible(message);
    if colour_on_stderr() {
        eprintln!("\u{1b}[1;{colour}m{label}\u{1b}[0m: {message}");
    } else {
        eprintln!("{label}: {message}");
    }
}
