//! `wait`: for a time, or until the page's network is quiet. Beacons, streams and requests that hang do not count.

use std::time::{Duration, Instant};

use crate::capture::Quiet;
use crate::journey::{Context, StepError};
use crate::scenario::Wait;

/// Nothing new in this time is quiet, as Puppeteer's `networkidle0` has it.
const QUIET: Duration = Duration::from_millis(500);

pub(super) async fn run(step: &Wait, context: &mut Context<'_>) -> Result<(), StepError> {
    if let Some(ms) = step.ms {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        return Ok(());
    }
    let quiet = Quiet {
        quiet: QUIET,
        limit: context.deadline.saturating_duration_since(Instant::now()),
        page: true,
    };
    if context.capture.quiet(quiet).await {
        Ok(())
    } else {
        Err(StepError::NeverQuiet {
            waited: quiet.limit,
        })
    }
}
