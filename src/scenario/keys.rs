//! The keys of a US keyboard, by the names that `KeyboardEvent.key` and Puppeteer give them.

/// A key as CDP's `Input.dispatchKeyEvent` wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyCode {
    /// `KeyboardEvent.key`
    pub key: String,
    /// `KeyboardEvent.code`
    pub code: String,
    /// Windows' virtual-key code, `KeyboardEvent.keyCode`.
    pub virtual_key: i64,
    /// What the key types, if it types anything.
    pub text: Option<String>,
    /// CDP's bit: Alt 1, Ctrl 2, Meta 4, Shift 8.
    pub modifier: i64,
}

/// Name, code, virtual key, modifier.
const NAMED: &[(&str, &str, i64, i64)] = &[
    ("Backspace", "Backspace", 8, 0),
    ("Tab", "Tab", 9, 0),
    ("Enter", "Enter", 13, 0),
    ("Shift", "ShiftLeft", 16, 8),
    ("Control", "ControlLeft", 17, 2),
    ("Alt", "AltLeft", 18, 1),
    ("Pause", "Pause", 19, 0),
    ("CapsLock", "CapsLock", 20, 0),
    ("Escape", "Escape", 27, 0),
    ("PageUp", "PageUp", 33, 0),
    ("PageDown", "PageDown", 34, 0),
    ("End", "End", 35, 0),
    ("Home", "Home", 36, 0),
    ("ArrowLeft", "ArrowLeft", 37, 0),
    ("ArrowUp", "ArrowUp", 38, 0),
    ("ArrowRight", "ArrowRight", 39, 0),
    ("ArrowDown", "ArrowDown", 40, 0),
    ("Insert", "Insert", 45, 0),
    ("Delete", "Delete", 46, 0),
    ("Meta", "MetaLeft", 91, 4),
    ("ContextMenu", "ContextMenu", 93, 0),
    ("F1", "F1", 112, 0),
    ("F2", "F2", 113, 0),
    ("F3", "F3", 114, 0),
    ("F4", "F4", 115, 0),
    ("F5", "F5", 116, 0),
    ("F6", "F6", 117, 0),
    ("F7", "F7", 118, 0),
    ("F8", "F8", 119, 0),
    ("F9", "F9", 120, 0),
    ("F10", "F10", 121, 0),
    ("F11", "F11", 122, 0),
    ("F12", "F12", 123, 0),
];

pub fn is_key(name: &str) -> bool {
    key(name).is_some()
}

/// The key of that name: a character that is on the keyboard, or a named key.
pub fn key(name: &str) -> Option<KeyCode> {
    let mut characters = name.chars();
    if let (Some(character @ ' '..='~'), None) = (characters.next(), characters.next()) {
        let (code, virtual_key) = of_character(character);
        return Some(KeyCode {
            key: name.to_owned(),
            code,
            virtual_key,
            text: Some(name.to_owned()),
            modifier: 0,
        });
    }
    // The Recorder writes what `KeyboardEvent.key` gives; older scripts name the code.
    let found = NAMED
        .iter()
        .find(|(known, code, ..)| *known == name || *code == name)?;
    Some(KeyCode {
        key: found.0.to_owned(),
        code: found.1.to_owned(),
        virtual_key: found.2,
        text: (found.0 == "Enter").then(|| "\r".to_owned()),
        modifier: found.3,
    })
}

fn of_character(character: char) -> (String, i64) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_by_character_name_or_code() {
        assert_eq!(key("a").unwrap().code, "KeyA");
        assert_eq!(key("?").unwrap().virtual_key, 191);
        assert_eq!(key("Enter").unwrap().text.as_deref(), Some("\r"));
        assert_eq!(key("ShiftLeft").unwrap().modifier, 8);
        assert_eq!(key("Entre"), None);
        assert_eq!(key("ä"), None, "it is on no US keyboard");
        assert_eq!(key(""), None);
    }
}
