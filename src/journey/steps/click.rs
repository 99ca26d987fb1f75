//! `click`: with the pointer, once the element can be clicked; a page that it leads to is waited for.

use crate::journey::tab::Want;
use crate::journey::{Context, StepError};
use crate::scenario::OnElement;

pub(super) async fn run(step: &OnElement, context: &mut Context<'_>) -> Result<(), StepError> {
    let point = context
        .tab
        .locate(&step.selector, Want::Point, context.deadline)
        .await?;
    let before = context.tab.state.borrow().clone();
    context.tab.click_at(&point).await?;
    if !context.tab.settle(&before, context.deadline).await? {
        context
            .notes
            .push("the page that the click led to was still loading".to_owned());
    }
    Ok(())
}
