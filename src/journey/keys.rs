//! Keys of a keyboard, for typing as a person does.

use chromiumoxide::cdp::browser_protocol::input::{
    DispatchKeyEventParams, DispatchKeyEventType, InsertTextParams,
};

use super::Page;
use crate::capture::RemoteError;
use crate::scenario::{KeyCode, key};

/// Types a text key by key: each character with its own trusted key events. What is on no keyboard is inserted as an
/// input method would.
///
/// # Errors
/// If the browser refuses.
pub(super) async fn type_text(page: &Page, text: &str) -> Result<(), RemoteError> {
    for character in text.chars() {
        let name = match character {
            '\n' => "Enter".to_owned(),
            '\r' => continue,
            _ => character.to_string(),
        };
        match key(&name) {
            Some(key) => press(page, &key).await?,
            None => {
                page.execute(InsertTextParams::new(name)).await?;
            }
        }
    }
    Ok(())
}

/// One key, down and up.
///
/// # Errors
/// If the browser refuses.
pub(super) async fn press(page: &Page, key: &KeyCode) -> Result<(), RemoteError> {
    down(page, key, 0).await?;
    up(page, key, 0).await
}

/// A key goes down, while the keys of `modifiers` (CDP's bits) are held.
///
/// # Errors
/// If the browser refuses.
pub(super) async fn down(page: &Page, key: &KeyCode, modifiers: i64) -> Result<(), RemoteError> {
    // With Ctrl, Alt or Meta a key types nothing.
    let text = key.text.as_deref().filter(|_| modifiers & 7 == 0);
    let kind = if text.is_some() {
        DispatchKeyEventType::KeyDown
    } else {
        DispatchKeyEventType::RawKeyDown
    };
    let mut event = event(kind, key, modifiers | key.modifier);
    event.text = text.map(str::to_owned);
    event.unmodified_text = text.map(str::to_owned);
    page.execute(event).await?;
    Ok(())
}

/// A key is let go.
///
/// # Errors
/// If the browser refuses.
pub(super) async fn up(page: &Page, key: &KeyCode, modifiers: i64) -> Result<(), RemoteError> {
    page.execute(event(DispatchKeyEventType::KeyUp, key, modifiers))
        .await?;
    Ok(())
}

fn event(kind: DispatchKeyEventType, key: &KeyCode, modifiers: i64) -> DispatchKeyEventParams {
    let mut event = DispatchKeyEventParams::new(kind);
    event.key = Some(key.key.clone());
    event.code = Some(key.code.clone());
    event.windows_virtual_key_code = Some(key.virtual_key);
    event.native_virtual_key_code = Some(key.virtual_key);
    event.modifiers = Some(modifiers);
    event
}
