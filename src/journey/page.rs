//! A page that takes typed commands: the types are chromiumoxide's, the connection is the capture's.

use std::time::Duration;

use chromiumoxide::Command;
use serde_json::Value;

use crate::capture::{Capture, Remote, RemoteError};

/// Takes commands; each is bounded.
#[derive(Debug, Clone)]
pub struct Page {
    remote: Remote,
    limit: Duration,
}

impl Page {
    /// Of a target, or of the browser itself.
    pub fn new(capture: &Capture, target: Option<&str>, limit: Duration) -> Page {
        Page {
            remote: capture.remote(target),
            limit,
        }
    }

    /// Gives a command, and waits for its result.
    ///
    /// # Errors
    /// If the browser refuses it, does not answer in time, or is gone.
    pub async fn execute<C: Command>(&self, command: C) -> Result<C::Response, RemoteError> {
        let unreadable = |error: serde_json::Error| RemoteError::Unreadable(error.to_string());
        let method = command.identifier();
        let params = serde_json::to_value(command).map_err(unreadable)?;
        let answer = self.call(&method, params).await?;
        let value = serde_json::from_str(&answer).map_err(unreadable)?;
        C::response_from_value(value).map_err(unreadable)
    }

    /// Gives a command that is not to be had as a type, or not right; its result is JSON.
    ///
    /// # Errors
    /// As for [`Page::execute`].
    pub async fn call(&self, method: &str, params: Value) -> Result<String, RemoteError> {
        tokio::time::timeout(self.limit, self.remote.call(method, params))
            .await
            .map_err(|_| {
                RemoteError::Refused(format!(
                    "no answer to {method} within {} s",
                    self.limit.as_secs()
                ))
            })?
    }
}
