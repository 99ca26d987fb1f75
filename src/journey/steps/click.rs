//! `click`, `doubleClick`: with the pointer, once the element can be clicked; a page that it leads to is waited for.

use std::time::Duration;

use crate::journey::{Context, Press, StepError, Want};
use crate::scenario::{Click, Device};

pub(super) async fn run(
    step: &Click,
    count: i64,
    context: &mut Context<'_>,
) -> Result<(), StepError> {
    let want = Want::Point(step.offset_x, step.offset_y);
    let element = match step.device_type {
        Device::Touch => {
            let seen = context.locate(&step.selector, want).await?;
            context.look_where_it_points(&seen).await;
            let element = context.locate(&step.selector, want).await?;
            context.point_out(&element);
            element
        }
        Device::Mouse | Device::Pen => context.point_at(&step.selector, want).await?,
    };
    let press = Press {
        button: step.button,
        device: step.device_type,
        count,
        hold: Duration::from_millis(step.duration.unwrap_or(0)),
    };
    let deadline = context.deadline;
    let before = context.tab().state.borrow().clone();
    context.tab().click_at(element.x, element.y, press).await?;
    if !context.tab().settle(&before, deadline).await? {
        context
            .notes
            .push("the page that the click led to was still loading".to_owned());
    }
    Ok(())
}
