//! JSON as recorders write it, read as far as it goes.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

use crate::model::Moment;

pub(super) const REPAIRED: &str =
    "the entry is not valid JSON or UTF-8: it was repaired to be read";

/// A string that is borrowed where it can be, or a number where a string should be.
#[derive(Debug)]
pub(super) struct Text<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text<'a>, D::Error> {
        struct Lenient;
        impl<'de> Visitor<'de> for Lenient {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text)))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(number.to_string())))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(number.to_string())))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(number.to_string())))
            }

            fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(truth.to_string())))
            }
        }
        deserializer.deserialize_any(Lenient)
    }
}

/// Nothing if it is no time.
pub(super) fn moment(text: &str) -> Option<Moment> {
    let time: Timestamp = text.trim().parse().ok()?;
    Some(Moment::from_millis(time.as_millisecond()))
}

/// Replaces what no JSON parser takes and recorders write all the same: bytes that are not UTF-8, halves of a surrogate
/// pair where a long text was cut, control characters inside strings.
pub(super) fn repaired(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut repaired = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some(at) = rest.find(|c: char| c == '\\' || c < ' ') {
        repaired.push_str(&rest[..at]);
        rest = &rest[at..];
        let half = |text: &str, from: u32, to: u32| {
            text.strip_prefix("\\u")
                .and_then(|text| text.get(..4))
                .and_then(|digits| u32::from_str_radix(digits, 16).ok())
                .is_some_and(|unit| (from..to).contains(&unit))
        };
        let taken = if !rest.starts_with('\\') {
            // Between tokens a space is as good; within a string it is what is left of it.
            repaired.push(' ');
            1
        } else if half(rest, 0xd800, 0xdc00) {
            if half(&rest[6..], 0xdc00, 0xe000) {
                repaired.push_str(&rest[..12]);
                12
            } else {
                repaired.push('\u{fffd}');
                6
            }
        } else if half(rest, 0xdc00, 0xe000) {
            repaired.push('\u{fffd}');
            6
        } else {
            // Any other escape, whole, so that an escaped backslash begins none.
            let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
            repaired.push_str(&rest[..length]);
            length
        };
        rest = &rest[taken..];
    }
    repaired.push_str(rest);
    repaired
}
