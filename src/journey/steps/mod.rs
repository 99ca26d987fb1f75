//! One file a kind of step. To add one: write its file, and name it in `StepKind` and here.

mod change;
mod click;
mod navigate;
mod submit;
mod wait_for_element;

use crate::scenario::StepKind;

use super::{Context, StepError};

pub(super) async fn run(step: &StepKind, context: &mut Context<'_>) -> Result<(), StepError> {
    match step {
        StepKind::Navigate(target) => navigate::run(target, context).await,
        StepKind::Click(step) => click::run(step, context).await,
        StepKind::Change(step) => change::run(step, context).await,
        StepKind::Submit(step) => submit::run(step, context).await,
        StepKind::WaitForElement(step) => wait_for_element::run(step, context).await,
    }
}
