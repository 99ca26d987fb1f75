//! `hover`: moves the pointer onto an element.

use crate::journey::{Context, StepError, Want};
use crate::scenario::Hover;

pub(super) async fn run(step: &Hover, context: &mut Context<'_>) -> Result<(), StepError> {
    let element = context.locate(&step.selector, Want::POINT).await?;
    context.tab().move_to(element.x, element.y).await
}
