//! `waitForElement`: until it is there and, unless told otherwise, can be seen.

use crate::journey::tab::Want;
use crate::journey::{Context, StepError};
use crate::scenario::WaitForElement;

pub(super) async fn run(step: &WaitForElement, context: &mut Context<'_>) -> Result<(), StepError> {
    let want = if step.visible {
        Want::Visible
    } else {
        Want::Present
    };
    context
        .tab
        .locate(&step.selector, want, context.deadline)
        .await
        .map(drop)
}
