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
        "{selector} was clicked, and within {} s no request was made that would have filed the report",
        .waited.as_secs()
    )]
    NothingToContain { selector: String, waited: Duration },
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
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            StepError::NotFound { .. } => {
                "has the page changed, or is a banner or an earlier step missing? Try the selector in the browser's developer tools; give a list of fallbacks"
            }
            StepError::NotReachable { .. } => {
                "a person could not click it either: answer the banner that covers it, or wait for what must happen first with `waitForElement`"
            }
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
