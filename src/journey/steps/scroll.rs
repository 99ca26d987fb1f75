//! `scroll`: turns the wheel until the page, or an element, has come to a place.

use chromiumoxide::cdp::browser_protocol::input::{
    DispatchMouseEventParams, DispatchMouseEventType,
};
use serde_json::json;

use crate::journey::{Context, Element, StepError, Want};
use crate::scenario::Scroll;

/// How far it still is, and where the pointer may turn the wheel.
const AWAY: &str = "function (x, y, own) {
    const it = own ? globalThis.pixelwitnessElement : document.scrollingElement || document.documentElement;
    const most = [it.scrollWidth - it.clientWidth, it.scrollHeight - it.clientHeight];
    const to = [Math.min(Math.max(x, 0), most[0]), Math.min(Math.max(y, 0), most[1])];
    return [to[0] - it.scrollLeft, to[1] - it.scrollTop, innerWidth / 2, innerHeight / 2]; }";

/// What the wheel could not do.
const SET: &str = "function (x, y, own) {
    const it = own ? globalThis.pixelwitnessElement : document.scrollingElement || document.documentElement;
    it.scrollTo({ left: x, top: y, behavior: 'instant' }); }";

pub(super) async fn run(step: &Scroll, context: &mut Context<'_>) -> Result<(), StepError> {
    let element = match &step.selector {
        Some(selector) => Some(context.locate(selector, Want::POINT).await?),
        None => None,
    };
    context.tab().bring_to_front().await?;
    let [dx, dy, x, y] = away(step, element.as_ref(), context).await?;
    if dx.abs() < 1.0 && dy.abs() < 1.0 {
        return Ok(());
    }
    let (x, y) = element.as_ref().map_or((x, y), |at| (at.x, at.y));
    context.tab().move_to(x, y).await?;
    let wheel = DispatchMouseEventParams {
        delta_x: Some(dx),
        delta_y: Some(dy),
        ..DispatchMouseEventParams::new(DispatchMouseEventType::MouseWheel, x, y)
    };
    context.tab().page.execute(wheel).await?;
    // The page scrolls smoothly: it is done when it no longer moves.
    let mut before = [dx, dy];
    for _ in 0..40 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let [dx, dy, ..] = away(step, element.as_ref(), context).await?;
        if dx.abs() < 1.0 && dy.abs() < 1.0 {
            return Ok(());
        }
        if before == [dx, dy] {
            break;
        }
        before = [dx, dy];
    }
    let arguments = [json!(step.x), json!(step.y), json!(element.is_some())];
    frame(element.as_ref(), context)
        .await?
        .call(SET, &arguments)
        .await?;
    Ok(())
}

async fn away(
    step: &Scroll,
    element: Option<&Element>,
    context: &mut Context<'_>,
) -> Result<[f64; 4], StepError> {
    let arguments = [json!(step.x), json!(step.y), json!(element.is_some())];
    let away = frame(element, context)
        .await?
        .call(AWAY, &arguments)
        .await?;
    let number = |index: usize| away[index].as_f64().unwrap_or(0.0);
    Ok([number(0), number(1), number(2), number(3)])
}

async fn frame(
    element: Option<&Element>,
    context: &mut Context<'_>,
) -> Result<crate::journey::Frame, StepError> {
    match element {
        Some(element) => Ok(element.frame.clone()),
        None => context.tab().main_frame().await,
    }
}
