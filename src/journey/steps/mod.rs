//! One file a kind of step. To add one: write its file, and name it in `StepKind` and here.

mod change;
mod click;
mod close;
mod consent;
mod hover;
mod identity;
mod key;
mod navigate;
mod screenshot;
mod scroll;
mod set_viewport;
mod submit;
mod wait;
mod wait_for_element;
mod wait_for_expression;

use crate::scenario::StepKind;

use super::{Context, StepError};

pub(super) async fn run(step: &StepKind, context: &mut Context<'_>) -> Result<(), StepError> {
    match step {
        StepKind::Navigate(step) => navigate::run(step, context).await,
        StepKind::Click(step) => click::run(step, 1, context).await,
        StepKind::DoubleClick(step) => click::run(step, 2, context).await,
        StepKind::Hover(step) => hover::run(step, context).await,
        StepKind::Change(step) => change::run(step, context).await,
        StepKind::KeyDown(step) => key::down(step, context).await,
        StepKind::KeyUp(step) => key::up(step, context).await,
        StepKind::Scroll(step) => scroll::run(step, context).await,
        StepKind::SetViewport(step) => set_viewport::run(step, context).await,
        StepKind::Submit(step) => submit::run(step, context).await,
        StepKind::WaitForElement(step) => wait_for_element::run(step, context).await,
        StepKind::WaitForExpression(step) => wait_for_expression::run(step, context).await,
        StepKind::Wait(step) => wait::run(step, context).await,
        StepKind::Consent(step) => consent::run(step, context).await,
        StepKind::Identity(step) => identity::run(step, context).await,
        StepKind::Screenshot(step) => screenshot::run(step, context).await,
        StepKind::Close(_) => close::run(context).await,
    }
}
