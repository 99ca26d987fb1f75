//! `submit`: a click whose report is never filed. The request is recorded and answered in place.

use std::time::Duration;

use crate::capture::{Deliver, Guard, Quiet};
use crate::journey::{Context, Press, StepError, Want};
use crate::model::Moment;
use crate::scenario::Submit;

/// A page may send its report in several requests: reads stay contained until it is quiet.
const AFTERWARDS: Quiet = Quiet {
    quiet: Duration::from_millis(200),
    limit: Duration::from_secs(2),
    page: false,
};

pub(super) async fn run(step: &Submit, context: &mut Context<'_>) -> Result<(), StepError> {
    let deadline = context.deadline;
    let element = context.point_at(&step.selector, Want::POINT).await?;
    let before = context.tab().state.borrow().clone();
    if context.containment.deliver == Deliver::All {
        context
            .notes
            .push("--deliver all: the report was not kept from being delivered".into());
        context
            .tab()
            .click_at(element.x, element.y, Press::default())
            .await?;
        context.tab().settle(&before, deadline).await?;
        return Ok(());
    }
    let mut contained = context.capture.contained().await?;
    let so_far = *contained.borrow_and_update();
    context.containment.action_host.clone_from(&element.action);
    context.containment.guard = Guard::Submitting;
    // In force before the click: the answer says so.
    contain(context).await?;
    context
        .tab()
        .click_at(element.x, element.y, Press::default())
        .await?;

    let caught = contained.wait_for(|now| now.reports > so_far.reports);
    let until = deadline
        .checked_sub(Duration::from_millis(500))
        .unwrap_or(deadline);
    let caught = tokio::time::timeout_at(until.into(), caught)
        .await
        .map(|caught| caught.is_ok());
    match caught {
        Ok(true) => {}
        Ok(false) => return Err(StepError::Lost),
        Err(_) if contained.borrow().may_be_reports > so_far.may_be_reports => context.notes.push(
            "all that was contained were beacons or reads by script: is it the report?".into(),
        ),
        Err(_) => {
            let asked = context.capture.asked().await?;
            return Err(StepError::NothingToContain {
                selector: step.selector.to_string(),
                waited: context.limit,
                seen: match asked.as_slice() {
                    [] => "nothing at all was asked for".to_owned(),
                    asked => format!("what was asked for: {}", asked.join(", ")),
                },
            });
        }
    }
    context.tab().settle(&before, deadline).await?;
    context.capture.quiet(AFTERWARDS).await;
    // The report stays contained for the rest of the run: a page may try again. Pages may be read once more.
    context.containment.guard = Guard::Changes;
    contain(context).await
}

async fn contain(context: &mut Context<'_>) -> Result<(), StepError> {
    // What is less strict from now on is noted before it is in force, what is stricter after it.
    let stricter = context.containment.guard == Guard::Submitting;
    if !stricter {
        context
            .guarded
            .push(context.containment.guarded_from(Moment::now()));
    }
    context.capture.contain(context.containment.clone()).await?;
    if stricter {
        context
            .guarded
            .push(context.containment.guarded_from(Moment::now()));
    }
    Ok(())
}
