//! `screenshot`: keeps a picture of what the visitor sees, under `data/screenshots/`.

use crate::journey::{Context, StepError, picture};
use crate::scenario::Screenshot;

pub(super) async fn run(step: &Screenshot, context: &mut Context<'_>) -> Result<(), StepError> {
    context.tab().bring_to_front().await?;
    let taken = picture::take(context.tab()).await?;
    let name = match &step.name {
        Some(name) => format!("{:03}-{name}.png", context.number),
        None => format!("{:03}.png", context.number),
    };
    picture::keep(context.pictures, &name, &taken).map_err(|error| StepError::NoPicture {
        why: error.to_string(),
    })?;
    context
        .notes
        .push(format!("kept as data/screenshots/{name}"));
    Ok(())
}
