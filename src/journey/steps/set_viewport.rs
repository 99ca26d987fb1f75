//! `setViewport`: the size of the page's window, and whether it is a hand-held one.

use chromiumoxide::cdp::browser_protocol::emulation::{
    ScreenOrientation, ScreenOrientationType, SetDeviceMetricsOverrideParams,
    SetTouchEmulationEnabledParams,
};

use crate::journey::{Context, StepError};
use crate::scenario::SetViewport;

pub(super) async fn run(step: &SetViewport, context: &mut Context<'_>) -> Result<(), StepError> {
    let orientation = if step.is_landscape {
        ScreenOrientation::new(ScreenOrientationType::LandscapePrimary, 90)
    } else {
        ScreenOrientation::new(ScreenOrientationType::PortraitPrimary, 0)
    };
    let metrics = SetDeviceMetricsOverrideParams {
        screen_orientation: Some(orientation),
        ..SetDeviceMetricsOverrideParams::new(
            i64::from(step.width),
            i64::from(step.height),
            step.device_scale_factor,
            step.is_mobile,
        )
    };
    let page = &context.tab().page;
    page.execute(metrics).await?;
    page.execute(SetTouchEmulationEnabledParams::new(step.has_touch))
        .await?;
    Ok(())
}
