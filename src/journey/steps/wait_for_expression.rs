//! `waitForExpression`: until what the page makes of an expression is true.

use std::time::{Duration, Instant};

use crate::journey::frame::went_away;
use crate::journey::{Context, Frame, StepError};
use crate::scenario::WaitForExpression;

/// Between two evaluations.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

pub(super) async fn run(
    step: &WaitForExpression,
    context: &mut Context<'_>,
) -> Result<(), StepError> {
    let began = Instant::now();
    let deadline = context.deadline - Duration::from_millis(200);
    let mut before = None;
    loop {
        let evaluated = tokio::time::timeout_at(deadline.into(), evaluate(step, context));
        let Ok(evaluated) = evaluated.await else {
            return Err(StepError::NotTrue {
                expression: step.expression.clone(),
                why: before.unwrap_or_else(|| "its promise was not settled".to_owned()),
                waited: began.elapsed(),
            });
        };
        let why = match evaluated {
            // The document went away while we looked.
            Err(error) if went_away(&error) => "the page went away".to_owned(),
            Err(error) => return Err(error),
            Ok(Ok(true)) => return Ok(()),
            Ok(Ok(false)) => "it was false to the end".to_owned(),
            Ok(Err(thrown)) => thrown.lines().next().unwrap_or_default().to_owned(),
        };
        if context.tab().is_gone() {
            return Err(StepError::TabClosed);
        }
        if context.tab().state.borrow().crashed {
            return Err(StepError::Crashed);
        }
        // What cannot be parsed will not be true later.
        if Instant::now() >= deadline || why.starts_with("SyntaxError") {
            return Err(StepError::NotTrue {
                expression: step.expression.clone(),
                why,
                waited: began.elapsed(),
            });
        }
        before = Some(why);
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn evaluate(
    step: &WaitForExpression,
    context: &mut Context<'_>,
) -> Result<Result<bool, String>, StepError> {
    let frame = match context.frame.clone() {
        Some(place) if !place.is_empty() => named(&place, context).await?,
        _ => context.tab().main_frame().await?,
    };
    frame.evaluate(&step.expression).await
}

async fn named(place: &[usize], context: &mut Context<'_>) -> Result<Frame, StepError> {
    let main = context.tab().main_frame().await?;
    let capture = context.capture;
    let frames = context.tab().frames_below(&main, capture).await?;
    frames
        .into_iter()
        .find(|(at, _)| at == place)
        .map(|(_, frame)| frame)
        .ok_or(StepError::Browser(crate::capture::RemoteError::Gone))
}
