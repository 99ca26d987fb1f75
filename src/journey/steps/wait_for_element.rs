//! `waitForElement`: until as many as wanted are there and, unless told otherwise, can be seen.

use crate::journey::{Context, StepError};
use crate::scenario::WaitForElement;

pub(super) async fn run(step: &WaitForElement, context: &mut Context<'_>) -> Result<(), StepError> {
    context.count(step).await
}
