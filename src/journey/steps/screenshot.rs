//! `screenshot`: keeps a picture of what the visitor sees, under `data/screenshots/`.

use chromiumoxide::cdp::browser_protocol::page::CaptureScreenshotParams;

use crate::journey::{Context, StepError};
use crate::scenario::Screenshot;

pub(super) async fn run(step: &Screenshot, context: &mut Context<'_>) -> Result<(), StepError> {
    context.tab().bring_to_front().await?;
    let picture = context
        .tab()
        .page
        .execute(CaptureScreenshotParams::default())
        .await?;
    let no_picture = |why: String| StepError::NoPicture { why };
    let data: &[u8] = picture.data.as_ref();
    let bytes = data_encoding::BASE64
        .decode(data)
        .map_err(|error| no_picture(error.to_string()))?;
    let name = match &step.name {
        Some(name) => format!("{:03}-{name}.png", context.number),
        None => format!("{:03}.png", context.number),
    };
    std::fs::create_dir_all(context.pictures)
        .and_then(|()| std::fs::write(context.pictures.join(&name), bytes))
        .map_err(|error| no_picture(error.to_string()))?;
    context
        .notes
        .push(format!("kept as data/screenshots/{name}"));
    Ok(())
}
