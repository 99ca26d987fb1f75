//! `consent`: answers the banner that is there now.

use crate::journey::{Context, StepError, answer_consent};
use crate::model::ConsentOutcome;
use crate::scenario::AnswerConsent;

pub(super) async fn run(step: &AnswerConsent, context: &mut Context<'_>) -> Result<(), StepError> {
    let record = answer_consent(context, step.answer, context.deadline).await?;
    let outcome = record.outcome;
    let banner = record.banner.clone();
    let why = record.why.clone();
    context.consents.push(record);
    match outcome {
        ConsentOutcome::Answered => Ok(()),
        ConsentOutcome::NoBanner => Err(StepError::NoBanner {
            page: context.tab().url(),
            waited: context.limit,
        }),
        ConsentOutcome::Failed => Err(StepError::Unanswered {
            banner: banner.unwrap_or_default(),
            answer: step.answer.as_str().to_owned(),
            why: why.unwrap_or_default(),
        }),
    }
}
