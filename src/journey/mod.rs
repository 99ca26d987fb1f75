//! Replays the steps of a scenario: one file a kind of step under `steps/`.

mod error;
mod identity;
mod keys;
mod page;
mod steps;
mod tab;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use url::Url;

use crate::capture::{Capture, RemoteError};
use crate::scenario::Step;

pub use error::StepError;
pub use identity::{Planted, plant};
pub use page::Page;
pub use tab::Tab;

/// How long past its deadline a step may take to say why it was not done.
const GRACE: Duration = Duration::from_secs(2);

/// What a step works with.
#[derive(Debug)]
pub struct Context<'a> {
    pub tab: &'a mut Tab,
    pub capture: &'a Capture,
    pub origin: &'a Url,
    /// Registrable domain of the origin.
    pub first_party: &'a str,
    /// Canary name → value.
    pub canaries: &'a BTreeMap<String, String>,
    /// When the step has to be done.
    pub deadline: Instant,
    pub limit: Duration,
    /// Worth knowing, and no failure.
    pub notes: Vec<String>,
}

impl Context<'_> {
    /// Does one step.
    ///
    /// # Errors
    /// [`StepError`], which says what stood in the way.
    pub async fn run(&mut self, step: &Step) -> Result<(), StepError> {
        let limit = self.limit;
        let deadline = self.deadline;
        // The step itself keeps to its deadline and says what stood in the way; this ends one that cannot.
        match tokio::time::timeout_at((deadline + GRACE).into(), steps::run(&step.kind, self)).await
        {
            Ok(Err(StepError::Browser(RemoteError::Gone))) if self.tab.state.borrow().crashed => {
                Err(StepError::Crashed)
            }
            Ok(done) => done,
            Err(_) => Err(StepError::TimedOut { limit }),
        }
    }
}
