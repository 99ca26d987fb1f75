//! Commands to the browser over the capture's own connection: whoever drives it needs no other.
//!
//! Another connection would cost as much again, and a session that is attached straight to a page, as drivers do,
//! switches prerendering off (measured: `PrerenderingDisabledByDevTools`), so that a pixel there never fires.

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::Command;

/// Gives commands to a page, or to the browser itself.
#[derive(Debug, Clone)]
pub struct Remote {
    pub(super) commands: mpsc::UnboundedSender<Command>,
    /// Null: the browser itself.
    pub(super) target: Option<String>,
}

/// A command for the worker.
pub(super) struct Call {
    pub target: Option<String>,
    pub method: String,
    pub params: Value,
    pub reply: oneshot::Sender<Result<String, RemoteError>>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// In the browser's own words.
    #[error("{0}")]
    Refused(String),
    #[error("the tab or the browser is gone")]
    Gone,
    #[error("its answer could not be read: {0}")]
    Unreadable(String),
}

impl Remote {
    /// Sends a command, and gives its `result` as JSON.
    ///
    /// # Errors
    /// If the browser refuses, or the target is gone before it answers.
    pub async fn call(&self, method: &str, params: Value) -> Result<String, RemoteError> {
        let (reply, answer) = oneshot::channel();
        let call = Call {
            target: self.target.clone(),
            method: method.to_owned(),
            params,
            reply,
        };
        self.commands
            .send(Command::Call(call))
            .map_err(|_| RemoteError::Gone)?;
        answer.await.map_err(|_| RemoteError::Gone)?
    }
}
