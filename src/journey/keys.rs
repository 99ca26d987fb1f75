//! Keys of a keyboard, for typing as a person does.

use chromiumoxide::cdp::browser_protocol::input::{
    DispatchKeyEventParams, DispatchKeyEventType, InsertTextParams,
};

use super::Page;
use crate::capture::RemoteError;

/// Types a text key by key: each character with its own trusted key events. What is on no keyboard is inserted as an
/// input method would.
///
/// # Errors
/// If the browser refuses.
pub(super) async fn type_text(page: &Page, text: &str) -> Result<(), RemoteError> {
    for character in text.chars() {
        match character {
            '\n' => press(page, "Enter", "Enter", 13, Some("\r")).await?,
            '\r' => {}
            ' '..='~' => {
                let (code, virtual_key) = key_of(character);
                let typed = character.to_string();
                press(page, &typed, &code, virtual_key, Some(&typed)).await?;
            }
            _ => {
                page.execute(InsertTextParams::new(character.to_string()))
                    .await?;
            }
        }
    }
    Ok(())
}

/// One key, down and up.
///
/// # Errors
/// If the browser refuses.
pub(super) async fn press(
    page: &Page,
    key: &str,
    code: &str,
    virtual_key: i64,
    text: Option<&str>,
) -> Result<(), RemoteError> {
    let event = |kind: DispatchKeyEventType, text: Option<&str>| {
        let mut event = DispatchKeyEventParams::new(kind);
        event.key = Some(key.to_owned());
        event.code = Some(code.to_owned());
        event.windows_virtual_key_code = Some(virtual_key);
        event.native_virtual_key_code = Some(virtual_key);
        event.text = text.map(str::to_owned);
        event.unmodified_text = text.map(str::to_owned);
        event
    };
    let down = if text.is_some() {
        DispatchKeyEventType::KeyDown
    } else {
        DispatchKeyEventType::RawKeyDown
    };
    page.execute(event(down, text)).await?;
    page.execute(event(DispatchKeyEventType::KeyUp, None))
        .await?;
    Ok(())
}

/// `KeyboardEvent.code` and the Windows virtual-key code, on a US keyboard.
fn key_of(character: char) -> (String, i64) {
    let upper = character.to_ascii_uppercase();
    match upper {
        'A'..='Z' => (format!("Key{upper}"), i64::from(u32::from(upper))),
        '0'..='9' => (format!("Digit{upper}"), i64::from(u32::from(upper))),
        ' ' => ("Space".to_owned(), 32),
        _ => {
            let (code, virtual_key) = match character {
                ')' => ("Digit0", 48),
                '!' => ("Digit1", 49),
                '@' => ("Digit2", 50),
                '#' => ("Digit3", 51),
                '$' => ("Digit4", 52),
                '%' => ("Digit5", 53),
                '^' => ("Digit6", 54),
                '&' => ("Digit7", 55),
                '*' => ("Digit8", 56),
                '(' => ("Digit9", 57),
                ';' | ':' => ("Semicolon", 186),
                '=' | '+' => ("Equal", 187),
                ',' | '<' => ("Comma", 188),
                '-' | '_' => ("Minus", 189),
                '.' | '>' => ("Period", 190),
                '/' | '?' => ("Slash", 191),
                '`' | '~' => ("Backquote", 192),
                '[' | '{' => ("BracketLeft", 219),
                '\\' | '|' => ("Backslash", 220),
                ']' | '}' => ("BracketRight", 221),
                _ => ("Quote", 222),
            };
            (code.to_owned(), virtual_key)
        }
    }
}
