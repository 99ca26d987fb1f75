//! `keyDown`, `keyUp`: a key of the keyboard, held in between; a page that it leads to is waited for.

use crate::journey::keys;
use crate::journey::{Context, StepError};
use crate::scenario::{Key, KeyCode, key};

pub(super) async fn down(step: &Key, context: &mut Context<'_>) -> Result<(), StepError> {
    let Some(key) = known(step) else {
        return Ok(());
    };
    let deadline = context.deadline;
    let before = context.tab().state.borrow().clone();
    let tab = context.tab();
    tab.bring_to_front().await?;
    keys::down(&tab.page, &key, tab.modifiers).await?;
    tab.modifiers |= key.modifier;
    if !tab.settle(&before, deadline).await? {
        context
            .notes
            .push("the page that the key led to was still loading".to_owned());
    }
    Ok(())
}

pub(super) async fn up(step: &Key, context: &mut Context<'_>) -> Result<(), StepError> {
    let Some(key) = known(step) else {
        return Ok(());
    };
    let tab = context.tab();
    tab.modifiers &= !key.modifier;
    Ok(keys::up(&tab.page, &key, tab.modifiers).await?)
}

/// Names were checked when the scenario was read.
fn known(step: &Key) -> Option<KeyCode> {
    key(&step.key)
}
