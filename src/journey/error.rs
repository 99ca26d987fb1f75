//! What can stand in the way of a step.

use std::time::Duration;

use crate::capture::{CaptureError, RemoteError};

#[derive(Debug, thiserror::Error)]
pub enum StepError {
    #[error("nothing on {page} matches {selector} (waited {} s)", .waited.as_secs())]
    NotFound {
        selector: String,
        page: String,
        waited: Duration,
    },
    #[error("{what}, matched by {selector}, {why} (waited {} s)", .waited.as_secs())]
    NotReachable {
        selector: String,
        what: String,
        why: String,
        waited: Duration,
    },
    #[error("{matched} on the page match {selector}, of which {fit} are as wanted; wanted were {wanted} (waited {} s)", .waited.as_secs())]
    NotAsMany {
        selector: String,
        wanted: String,
        matched: u64,
        fit: u64,
        waited: Duration,
    },
    #[error("no tab is at {wanted}; open are: {open}")]
    NoSuchTab { wanted: String, open: String },
    #[error("it was to lead to {wanted}, and {found} (waited {} s)", .waited.as_secs())]
    NotLed {
        wanted: String,
        found: String,
        waited: Duration,
    },
    #[error("`{expression}` did not become true: {why} (waited {} s)", .waited.as_secs())]
    NotTrue {
        expression: String,
        why: String,
        waited: Duration,
    },
    #[error("the network was never quiet (waited {} s)", .waited.as_secs())]
    NeverQuiet { waited: Duration },
    #[error("the picture could not be kept: {why}")]
    NoPicture { why: String },
    #[error("no consent banner was recognised on {page} (waited {} s)", .waited.as_secs())]
    NoBanner { page: String, waited: Duration },
    #[error("the consent banner ({banner}) could not be answered with `{answer}`: {why}")]
    Unanswered {
        banner: String,
        answer: String,
        why: String,
    },
    #[error("{0}")]
    Identity(#[from] super::IdentityError),
    #[error("{selector} is not a selector: {why}")]
    BadSelector { selector: String, why: String },
    #[error("the page {url} could not be loaded: {why}")]
    NotLoaded { url: String, why: String },
    #[error("the page {url} answered with status {status}")]
    Status { url: String, status: u16 },
    #[error("{selector} has no choice `{value}`; it has: {choices}")]
    NoSuchChoice {
        selector: String,
        value: String,
        choices: String,
    },
    #[error("{selector} is no field that can be set to `{value}`: {why}")]
    NotSettable {
        selector: String,
        value: String,
        why: String,
    },
    #[error(
        "{selector} takes a password, and one that stands in the scenario would stand in the bundle"
    )]
    Password { selector: String },
    #[error(
        "{selector} was clicked, and within {} s no request was made that would have filed the report; {seen}",
        .waited.as_secs()
    )]
    NothingToContain {
        selector: String,
        waited: Duration,
        /// What was asked for instead.
        seen: String,
    },
    #[error("it was not done within {} s", .limit.as_secs())]
    TimedOut { limit: Duration },
    #[error("the page's renderer crashed")]
    Crashed,
    #[error("the page closed its own tab")]
    TabClosed,
    #[error("the browser is gone")]
    Lost,
    #[error("the browser refused: {0}")]
    Browser(#[from] RemoteError),
}

impl From<CaptureError> for StepError {
    fn from(error: CaptureError) -> StepError {
        match error {
            CaptureError::NotReady(limit) => StepError::TimedOut { limit },
            _ => StepError::Lost,
        }
    }
}

impl StepError {
    /// Whether it may go better when it is tried again.
    pub fn may_pass(&self) -> bool {
        !matches!(
            self,
            StepError::Crashed
                | StepError::Lost
                | StepError::TabClosed
                | StepError::BadSelector { .. }
                | StepError::NothingToContain { .. }
                | StepError::Password { .. }
        )
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            StepError::NotFound { .. } => {
                "has the page changed, or is a banner or an earlier step missing? Try the selector in the browser's developer tools; give a list of fallbacks"
            }
            StepError::NotReachable { .. } => {
                "a person could not click it either: answer the banner that covers it, or wait for what must happen first with `waitForElement`"
            }
            StepError::NotAsMany { .. } => {
                "is the page another one than when this was written? `visible: null` counts what cannot be seen, too"
            }
            StepError::NoSuchTab { .. } => {
                "name its address as it is when it has loaded; it may end in `*`; `main` is the first tab"
            }
            StepError::NotLed { .. } => {
                "the site may have changed; leave `assertedEvents` out if it need not lead there"
            }
            StepError::NotTrue { .. } => "try the expression in the browser's developer tools",
            StepError::NeverQuiet { .. } => {
                "the page goes on asking for something: wait for an element, or for `{ ms: … }`"
            }
            StepError::NoPicture { .. } => "is there space left, and may the folder be written to?",
            StepError::NoBanner { .. } | StepError::Unanswered { .. } => {
                "say what to click under `consent_selectors`, or answer the banner with `click` steps"
            }
            StepError::Identity(_) => "export the cookies again, as `cookies.txt` or as JSON",
            StepError::BadSelector { .. } => {
                "selectors are CSS, or begin with text/, aria/, xpath/ or pierce/"
            }
            StepError::NotLoaded { .. } => {
                "check the address and the network; `--connect-to` reaches a host under another address, `--insecure` accepts its certificate"
            }
            StepError::Status { .. } => {
                "the site did not show the page, so nothing can be said about it: correct the address, or try again later"
            }
            StepError::NoSuchChoice { .. } => "use one of the values or labels that it has",
            StepError::Password { .. } => {
                "type a canary, or take it from the environment: `value: \"{{env:SITE_PASSWORD}}\"`, which is written down nowhere"
            }
            StepError::NotSettable { .. } => "point the selector at the field itself",
            StepError::NothingToContain { .. } => {
                "is a required field empty, or is this button not the one that sends the form? Use `click` for a button that sends nothing"
            }
            StepError::TimedOut { .. } => {
                "raise `--step-timeout`, or the step's own `timeout` (milliseconds)"
            }
            StepError::TabClosed => "leave out the steps after the one that closes it",
            StepError::Crashed | StepError::Lost => {
                "what was recorded before is in the bundle; run it again"
            }
            StepError::Browser(_) => "run it again with `-v` to see what the browser said",
        }
    }
}
