//! Which requests are paused on the browser session.
//!
//! A paused request takes a way round through us, so those that nothing is gained for are let through: of pictures,
//! scripts, styles, fonts and media the Network domain tells all, and they are never contained. But for one time: what
//! a page asks for while it goes away, pictures above all, only the Fetch domain sees.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::CaptureError;
use super::worker::{Pending, Worker};

/// CDP's resource types, but for those that a page is made of.
const TYPES: [&str; 12] = [
    "Document",
    "XHR",
    "Fetch",
    "Prefetch",
    "EventSource",
    "WebSocket",
    "Manifest",
    "SignedExchange",
    "Ping",
    "CSPViolationReport",
    "Preflight",
    "Other",
];

/// How long a navigation may take to be committed, and how long after that the page before it may still speak.
const LEAVING: Duration = Duration::from_secs(5);
const LEFT: Duration = Duration::from_millis(300);

/// What is paused at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// All but what pages are made of.
    Narrow,
    /// Everything, until then: a page is going away.
    Leaving(Instant),
    /// Everything, and answers too: the journey ends, and the Network domain no longer tells of requests whose page is
    /// gone.
    Ending,
    /// Everything: this browser does not know our types.
    Wide,
}

impl Worker {
    pub(super) async fn intercept(&mut self, scope: Scope) -> Result<(), CaptureError> {
        let before = std::mem::replace(&mut self.scope, scope);
        let same = matches!((before, scope), (Scope::Leaving(_), Scope::Leaving(_)));
        if same && self.intercepting {
            return Ok(());
        }
        self.intercepting = true;
        let patterns: Vec<Value> = match scope {
            Scope::Narrow => TYPES
                .iter()
                .map(|kind| json!({"urlPattern": "*", "resourceType": kind}))
                .collect(),
            Scope::Leaving(_) | Scope::Wide => vec![json!({"urlPattern": "*"})],
            Scope::Ending => vec![
                json!({"urlPattern": "*", "requestStage": "Request"}),
                json!({"urlPattern": "*", "requestStage": "Response"}),
            ],
        };
        let params = json!({"patterns": patterns, "handleAuthRequests": true});
        let id = self.send(None, "Fetch.enable", params).await?;
        if scope == Scope::Narrow {
            self.pending.insert(id, Pending::Narrow);
        }
        Ok(())
    }

    /// A page's main frame goes elsewhere.
    pub(super) async fn leaving(&mut self) -> Result<(), CaptureError> {
        match self.scope {
            Scope::Narrow | Scope::Leaving(_) => {
                self.intercept(Scope::Leaving(Instant::now() + LEAVING))
                    .await
            }
            Scope::Ending | Scope::Wide => Ok(()),
        }
    }

    /// The next document is there.
    pub(super) fn left(&mut self) {
        if let Scope::Leaving(until) = &mut self.scope {
            *until = (*until).min(Instant::now() + LEFT);
        }
    }
}
