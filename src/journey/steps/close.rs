//! `close`: the tab, as its button does: what it sends on leaving is sent, and the journey goes on in the one before.

use chromiumoxide::cdp::browser_protocol::page::CloseParams;
use chromiumoxide::cdp::browser_protocol::target::CreateTargetParams;

use crate::capture::RemoteError;
use crate::journey::{Context, StepError};

pub(super) async fn run(context: &mut Context<'_>) -> Result<(), StepError> {
    let limit = context.limit;
    let deadline = context.deadline;
    if context.capture.tabs().await?.len() == 1 {
        // With its last tab the browser would go, and take with it what that tab is still sending.
        let blank = CreateTargetParams {
            background: Some(true),
            ..CreateTargetParams::new("about:blank")
        };
        let blank = context.browser.execute(blank).await?;
        context.tabs.leave_alone(blank.target_id.inner());
    }
    let tab = context.tab();
    match tab.page.execute(CloseParams::default()).await {
        Ok(_) | Err(RemoteError::Gone) => {}
        Err(error) => return Err(error.into()),
    }
    match tab.wait_until(deadline, |_| false).await {
        // It is gone, and its state with it.
        Err(StepError::Lost) => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(StepError::TimedOut { limit }),
    }
}
