//! Keeps secrets out of a bundle: values of real cookies are replaced in whatever is written.

use std::borrow::Cow;

use aho_corasick::{AhoCorasick, MatchKind};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::{Exchange, TrackerEvent};

/// A shorter value says nothing, and stands in too much that is no secret.
const SHORTEST: usize = 6;

/// Replaces secrets by `[secret NAME]`.
#[derive(Debug)]
pub struct Scrub {
    finder: AhoCorasick,
    replacements: Vec<String>,
}

impl Scrub {
    /// Names and values. Nothing, if there is nothing to hide.
    pub fn new<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Scrub> {
        let mut patterns = Vec::new();
        let mut replacements = Vec::new();
        for (name, value) in secrets {
            if value.len() < SHORTEST {
                continue;
            }
            let replacement = format!("[secret {name}]");
            let encoded = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
            let decoded = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
            let quoted = serde_json::Value::from(value).to_string();
            for form in [
                value.to_owned(),
                encoded.to_lowercase(),
                encoded,
                decoded.into_owned(),
                quoted.trim_matches('"').to_owned(),
            ] {
                if form.len() >= SHORTEST && !patterns.contains(&form) {
                    patterns.push(form);
                    replacements.push(replacement.clone());
                }
            }
        }
        if patterns.is_empty() {
            return None;
        }
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(patterns)
            .ok()?;
        Some(Scrub {
            finder,
            replacements,
        })
    }

    /// The same bytes without the secrets.
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if self.finder.is_match(bytes) {
            Cow::Owned(self.finder.replace_all_bytes(bytes, &self.replacements))
        } else {
            Cow::Borrowed(bytes)
        }
    }

    /// The same records without the secrets.
    pub fn exchanges(&self, exchanges: Vec<Exchange>) -> Vec<Exchange> {
        exchanges
            .into_iter()
            .map(|exchange| self.record(exchange))
            .collect()
    }

    /// The same records without the secrets.
    pub fn events(&self, events: Vec<TrackerEvent>) -> Vec<TrackerEvent> {
        events.into_iter().map(|event| self.record(event)).collect()
    }

    fn record<T: serde::Serialize + serde::de::DeserializeOwned>(&self, record: T) -> T {
        let line = super::line(&record);
        match self.bytes(&line) {
            Cow::Borrowed(_) => record,
            Cow::Owned(scrubbed) => serde_json::from_slice(&scrubbed).unwrap_or(record),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_however_it_is_written() {
        let scrub = Scrub::new([("xs", "12%3Aab\"/c"), ("p", "-2"), ("fr", "0abcdefg")]).unwrap();
        for text in [
            "xs=12%3Aab\"/c",
            "12%253Aab%22%2Fc",
            r#"{"v":"12:ab\"/c"}"#,
            r#""12%3Aab\"/c""#,
        ] {
            let clean = String::from_utf8(scrub.bytes(text.as_bytes()).into_owned()).unwrap();
            let there = clean.contains("[secret xs]") || text.contains("12:ab");
            assert!(there && !clean.contains("12%3Aab"), "{text} became {clean}");
        }
        assert_eq!(
            scrub.bytes(b"a -2 b").as_ref(),
            b"a -2 b",
            "too short to be looked for"
        );
        assert_eq!(scrub.bytes(b"fr=0abcdefg;").as_ref(), b"fr=[secret fr];");
        assert!(Scrub::new([("p", "1")]).is_none());
    }
}
