//! `hover`: moves the pointer onto an element.

use crate::journey::{Context, StepError, Want};
use crate::scenario::Hover;

pub(super) async fn run(step: &Hover, context: &mut Context<'_>) -> Result<(), StepError> {
    context
        .point_at(&step.selector, Want::POINT)
        .await
        .map(drop)
}
