//! Pictures of what the visitor sees.

use std::path::Path;
use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::page::{
    CaptureScreenshotFormat, CaptureScreenshotParams, GetLayoutMetricsParams, Viewport,
};
use data_encoding::BASE64;

use super::{StepError, Tab};

/// A picture that takes longer is done without: the journey goes on.
const LIMIT: Duration = Duration::from_secs(2);

/// A larger picture (bytes) is taken again at half the size.
const LARGE: usize = 1 << 20;

/// Takes a picture (PNG) of what is seen in a tab. The page itself is not changed by it.
///
/// # Errors
/// If the browser gives none.
pub(super) async fn take(tab: &Tab) -> Result<Vec<u8>, StepError> {
    let mut params = CaptureScreenshotParams {
        format: Some(CaptureScreenshotFormat::Png),
        // The journey waits for it: a little larger, and sooner there.
        optimize_for_speed: Some(true),
        ..CaptureScreenshotParams::default()
    };
    let picture = ask(tab, params.clone()).await?;
    if picture.len() <= LARGE {
        return Ok(picture);
    }
    let seen = tab.page.execute(GetLayoutMetricsParams::default()).await?;
    let seen = seen.css_visual_viewport;
    params.clip = Some(Viewport {
        x: seen.page_x,
        y: seen.page_y,
        width: seen.client_width,
        height: seen.client_height,
        scale: 0.5,
    });
    ask(tab, params).await
}

async fn ask(tab: &Tab, params: CaptureScreenshotParams) -> Result<Vec<u8>, StepError> {
    let picture = tab.page.execute(params).await?;
    let data: &[u8] = picture.data.as_ref();
    BASE64.decode(data).map_err(|error| StepError::NoPicture {
        why: error.to_string(),
    })
}

/// Keeps a picture of what is seen after a step, and gives its path in the bundle. None: there is no tab, or nothing in it yet.
///
/// # Errors
/// Why there is none.
pub async fn after_step(tab: &Tab, folder: &Path, step: u32) -> Result<Option<String>, String> {
    if tab.is_gone() || !tab.url().starts_with("http") {
        return Ok(None);
    }
    let picture = match tokio::time::timeout(LIMIT, take(tab)).await {
        Ok(Ok(picture)) => picture,
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_) => {
            return Err(format!(
                "the browser gave none within {} s",
                LIMIT.as_secs()
            ));
        }
    };
    let name = format!("{step:03}.png");
    keep(folder, &name, &picture).map_err(|error| error.to_string())?;
    Ok(Some(format!("data/screenshots/{name}")))
}

pub(super) fn keep(folder: &Path, name: &str, picture: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join(name), picture)
}
