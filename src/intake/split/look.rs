//! Sees from its beginning what a file is.

use memchr::memchr;

use super::Format;
use super::walk::Json;
use crate::intake::IntakeError;

/// What the beginning of a stream is; nothing if more of it must be seen.
pub(super) fn look(beginning: &[u8], ended: bool) -> Result<Option<Format>, IntakeError> {
    let Some(first) = beginning
        .iter()
        .position(|byte| !byte.is_ascii_whitespace())
    else {
        return if ended {
            Err(IntakeError::Empty)
        } else {
            Ok(None)
        };
    };
    if beginning[first] != b'{' {
        // A first line that is broken, before others that are not.
        let is_line = memchr::memmem::find(beginning, b"\n{").is_some();
        return is_line
            .then_some(Some(Format::JsonLines))
            .ok_or(IntakeError::Neither);
    }
    // The first object's own keys tell: a HAR has `log`, a line is over with the line.
    let mut json = Json::default();
    let mut before = b'[';
    for (at, byte) in beginning.iter().enumerate().skip(first) {
        match (json.in_string, byte) {
            (true, _) if json.escaped => json.escaped = false,
            (true, b'\\') => json.escaped = true,
            (true, b'"') => json.string_ends(),
            // No JSON string holds a line's end as it is: the line is broken, and is one all the same.
            (true, b'\n') => return Ok(Some(Format::JsonLines)),
            (true, _) if json.in_key && json.key.len() < 16 => json.key.push(*byte),
            (true, _) => {}
            (false, b'"') => json.string_begins(),
            (false, b'{' | b'[') => {
                if json.depth == 1 && json.log {
                    return Ok(Some(Format::Har));
                }
                // Nothing opens here: the line before was not whole, and this is the next.
                if !matches!(before, b'[' | b':' | b',') {
                    return Ok(Some(Format::JsonLines));
                }
                json.opens(*byte);
            }
            (false, b'}' | b']') => {
                json.closes();
                if json.depth == 0 {
                    let rest = &beginning[at + 1..];
                    let one_line = memchr(b'\n', &beginning[first..at]).is_none();
                    // An object over several lines that has no log, and after it nothing: no HAR, and no line.
                    return if one_line || !rest.trim_ascii().is_empty() {
                        Ok(Some(Format::JsonLines))
                    } else {
                        Err(IntakeError::Neither)
                    };
                }
            }
            (false, b':') => json.colon(),
            (false, b',') => json.comma(),
            _ => {}
        }
        if !json.in_string && !byte.is_ascii_whitespace() {
            before = *byte;
        }
    }
    let bare: Vec<u8> = beginning[first..]
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .take(16)
        .copied()
        .collect();
    match ended {
        false => Ok(None),
        // A HAR of which hardly anything is left.
        true if b"{\"log\":{".starts_with(&bare) => Err(IntakeError::CutOff {
            entries: 0,
            bytes: beginning.len() as u64,
        }),
        // One broken line, or neither.
        true if memchr(b'\n', beginning[first..].trim_ascii_end()).is_none() => {
            Ok(Some(Format::JsonLines))
        }
        true => Err(IntakeError::Neither),
    }
}
