//! `identity`: plants the cookies of a logged-in visitor at this point of the journey.

use crate::journey::{Context, StepError, cookies_of, plant};
use crate::scenario::PlantIdentity;

pub(super) async fn run(step: &PlantIdentity, context: &mut Context<'_>) -> Result<(), StepError> {
    let cookies = cookies_of(&step.who, context.scenario_folder, context.seed)?;
    plant(context.browser, &cookies).await?;
    context.planted.extend(cookies);
    Ok(())
}
