//! `navigate`: goes to an address, as if typed into the bar.

use chromiumoxide::cdp::browser_protocol::page::NavigateParams;
use url::Url;

use crate::journey::tab::is_gone;
use crate::journey::{Context, StepError};
use crate::scenario::Navigate;

const STATUS: &str =
    "function () { return performance.getEntriesByType('navigation')[0]?.responseStatus ?? 0; }";

pub(super) async fn run(step: &Navigate, context: &mut Context<'_>) -> Result<(), StepError> {
    let deadline = context.deadline;
    let url = context
        .origin
        .join(&step.url)
        .map(Url::into)
        .unwrap_or_else(|_| step.url.clone());
    context.tab().bring_to_front().await?;
    let answer = context
        .tab()
        .page
        .execute(NavigateParams::new(url.clone()))
        .await?;
    if let Some(why) = answer.error_text {
        return Err(StepError::NotLoaded { url, why });
    }
    // Without a loader the document stayed, as when only the fragment changes.
    let Some(document) = answer.loader_id.map(|id| id.inner().clone()) else {
        return Ok(());
    };
    let document = Some(document);
    let loaded = context
        .tab()
        .wait_until(deadline, |page| page.loaded == document)
        .await?;
    if !loaded {
        if context.tab().state.borrow().dom_content_loaded != document {
            return Err(StepError::NotLoaded {
                url,
                why: format!("it was not there within {} s", context.limit.as_secs()),
            });
        }
        context.notes.push(format!(
            "the page could be used, and parts of it were still loading after {} s",
            context.limit.as_secs()
        ));
        return Ok(());
    }
    let status = match context.tab().main_frame().await {
        Ok(frame) => frame.call(STATUS, &[]).await,
        Err(error) => Err(error),
    };
    let status = match status {
        // The page has led on by itself, and the next one is there.
        Err(StepError::Browser(error)) if is_gone(&error) => return Ok(()),
        status => status?,
    };
    match status
        .as_u64()
        .and_then(|status| u16::try_from(status).ok())
    {
        Some(status) if status >= 400 => Err(StepError::Status { url, status }),
        _ => Ok(()),
    }
}
