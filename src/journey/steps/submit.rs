//! `submit`: a click whose report is never filed. The request is recorded and answered in place.

use std::time::Duration;

use crate::capture::{Containment, Quiet};
use crate::journey::tab::Want;
use crate::journey::{Context, StepError};
use crate::scenario::OnElement;

/// A page may send its report in several requests: reads stay contained until it is quiet.
const AFTERWARDS: Quiet = Quiet {
    quiet: Duration::from_millis(200),
    limit: Duration::from_secs(2),
};

pub(super) async fn run(step: &OnElement, context: &mut Context<'_>) -> Result<(), StepError> {
    let point = context
        .tab
        .locate(&step.selector, Want::Point, context.deadline)
        .await?;
    let mut contained = context.capture.contained().await?;
    let so_far = *contained.borrow_and_update();
    let mut containment = Containment {
        first_party: context.first_party.to_owned(),
        action_host: point.action.clone(),
        submitting: true,
    };
    // In force before the click: the answer says so.
    context.capture.contain(containment.clone()).await?;
    let before = context.tab.state.borrow().clone();
    context.tab.click_at(&point).await?;

    let caught = contained.wait_for(|now| now.reports > so_far.reports);
    let deadline = context
        .deadline
        .checked_sub(Duration::from_millis(500))
        .unwrap_or(context.deadline);
    let caught = tokio::time::timeout_at(deadline.into(), caught)
        .await
        .map(|caught| caught.is_ok());
    match caught {
        Ok(true) => {}
        Ok(false) => return Err(StepError::Lost),
        Err(_) if contained.borrow().all > so_far.all => context.notes.push(
            "all that was contained were beacons or reads by script: is it the report?".into(),
        ),
        Err(_) => {
            return Err(StepError::NothingToContain {
                selector: step.selector.to_string(),
                waited: context.limit,
            });
        }
    }
    context.tab.settle(&before, context.deadline).await?;
    context.capture.quiet(AFTERWARDS).await;
    // The report stays contained for the rest of the run: a page may try again. Pages may be read once more.
    containment.submitting = false;
    Ok(context.capture.contain(containment).await?)
}
