//! Replaces values in whatever is written, in every form in which scripts and headers write them: secrets, which are never
//! kept, and what is taken out of an edition that is to be shared.

use std::borrow::Cow;
use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, MatchKind};
use data_encoding::BASE64;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::Exchange;

/// A shorter value says nothing, and stands in too much that is no secret.
pub const SHORTEST: usize = 6;

/// What JavaScript's `encodeURIComponent` leaves as it is (ECMA-262, 19.2.6.4).
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');
/// What `application/x-www-form-urlencoded` leaves as it is (WHATWG URL, 5.2); a space becomes `+`.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*');
/// What `encodeURI` leaves as it is, beside the above.
const URI: &AsciiSet = &COMPONENT
    .remove(b';')
    .remove(b',')
    .remove(b'/')
    .remove(b'?')
    .remove(b':')
    .remove(b'@')
    .remove(b'&')
    .remove(b'=')
    .remove(b'+')
    .remove(b'$')
    .remove(b'#');

/// Keys whose values are words of a closed set, or times, in every record that has them.
const CLOSED: [&str; 30] = [
    "outcome",
    "party",
    "body_state",
    "origin",
    "state",
    "verdict",
    "seen_by",
    "transport",
    "event_class",
    "confidence",
    "form",
    "strength",
    "in",
    "time",
    "started",
    "ended",
    "finished",
    "answered",
    "from",
    "method",
    "direction",
    "certainty",
    "submission",
    "page_from",
    "severity",
    "consent",
    "step_state",
    "vendor",
    "exchange",
    "id",
];

/// Replaces secrets by `[secret NAME]`.
#[derive(Debug)]
pub struct Scrub {
    finder: AhoCorasick,
    replacements: Vec<String>,
    /// Of the cookies: whatever else they hold later is a secret too.
    names: BTreeSet<String>,
    /// Names and values, as they were given.
    secrets: Vec<(String, String)>,
}

impl Scrub {
    /// Names and values. Nothing, if there is nothing to hide.
    pub fn new<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Scrub> {
        let mut names = BTreeSet::new();
        let mut marked = Vec::new();
        let mut kept = Vec::new();
        for (name, value) in secrets {
            names.insert(name.to_owned());
            kept.push((name.to_owned(), value.to_owned()));
            marked.push((replacement(name), value));
        }
        if names.is_empty() {
            return None;
        }
        let marked = marked.iter().map(|(mark, value)| (mark.as_str(), *value));
        Some(Scrub {
            names,
            secrets: kept,
            ..Scrub::of(marked, false)?
        })
    }

    /// Marks, and the values that they take the place of, in capitals or not. Nothing, if the values are too many to look for
    /// at once.
    pub fn marking<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Scrub> {
        Scrub::of(values, true)
    }

    fn of<'a>(
        values: impl IntoIterator<Item = (&'a str, &'a str)>,
        whatever_case: bool,
    ) -> Option<Scrub> {
        let mut patterns: Vec<String> = Vec::new();
        let mut replacements = Vec::new();
        for (mark, value) in values {
            for form in forms(value) {
                if form.len() >= SHORTEST && !patterns.contains(&form) {
                    patterns.push(form);
                    replacements.push(mark.to_owned());
                }
            }
        }
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(whatever_case)
            .build(patterns)
            .ok()?;
        Some(Scrub {
            finder,
            replacements,
            names: BTreeSet::new(),
            secrets: Vec::new(),
        })
    }

    /// Names and values of what is kept out.
    pub fn secrets(&self) -> impl Iterator<Item = (&str, &str)> {
        let secrets = self.secrets.iter();
        secrets.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether any of the values stands there.
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        self.finder.is_match(bytes)
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
            .iter()
            .map(|exchange| self.exchange(exchange))
            .collect()
    }

    /// An exchange without the secrets: also without what a site set these cookies to meanwhile.
    pub fn exchange(&self, exchange: &Exchange) -> Exchange {
        let mut value = serde_json::to_value(exchange).unwrap_or_default();
        for headers in ["request_headers", "response_headers"] {
            for header in value[headers].as_array_mut().into_iter().flatten() {
                let name = header[0].as_str().unwrap_or_default().to_ascii_lowercase();
                if let (true, Some(text)) = (name.ends_with("cookie"), header[1].as_str()) {
                    header[1] = self.cookie_header(text).into();
                }
            }
        }
        for cookie in value["cookies"].as_array_mut().into_iter().flatten() {
            let name = cookie["name"].as_str().unwrap_or_default();
            if self.names.contains(name) {
                cookie["value"] = replacement(name).into();
            }
        }
        for frame in value["frames"].as_array_mut().into_iter().flatten() {
            let payload = frame["payload_base64"].as_str().unwrap_or_default();
            if let Ok(payload) = BASE64.decode(payload.as_bytes()) {
                frame["payload_base64"] = BASE64.encode(&self.bytes(&payload)).into();
            }
        }
        // Nothing of one that is no exchange without its secrets can be kept.
        self.typed(value).unwrap_or_else(|| {
            let mut lost =
                Exchange::begun(exchange.id.clone(), "https://secret.invalid/", "GET", "");
            lost.error = Some("it could not be written down without a secret".to_owned());
            (lost.sent, lost.outcome, lost.party) =
                (exchange.sent, exchange.outcome, exchange.party);
            lost
        })
    }

    /// Any other record without the secrets. None: it would be no such record without them.
    pub fn record<T: Serialize + DeserializeOwned>(&self, record: &T) -> Option<T> {
        self.typed(serde_json::to_value(record).unwrap_or_default())
    }

    fn typed<T: DeserializeOwned>(&self, mut value: Value) -> Option<T> {
        // Strings stay strings, so that a record stays one; a number that is a secret becomes a string where that is
        // possible.
        self.strings(&mut value);
        let strings = value.clone();
        self.numbers(&mut value);
        serde_json::from_value(value)
            .or_else(|_| serde_json::from_value(strings))
            .inspect_err(|error| {
                tracing::error!(%error, "a record could not be made again without its secrets");
            })
            .ok()
    }

    fn strings(&self, value: &mut Value) {
        match value {
            Value::String(text) if self.finder.is_match(text.as_str()) => {
                *text = self.finder.replace_all(text, &self.replacements);
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.strings(item)),
            Value::Object(map) => {
                // Of a closed set of words, or a time: they hold nobody's secret, and a secret may be such a word.
                let kept: Vec<(String, Value)> = CLOSED
                    .iter()
                    .filter_map(|key| Some(((*key).to_owned(), map.get(*key)?.clone())))
                    .filter(|(_, value)| value.is_string())
                    .collect();
                if map.keys().any(|key| self.finder.is_match(key.as_str())) {
                    let entries = std::mem::take(map).into_iter();
                    *map = entries
                        .map(|(key, value)| {
                            (self.finder.replace_all(&key, &self.replacements), value)
                        })
                        .collect();
                }
                map.values_mut().for_each(|value| self.strings(value));
                map.extend(kept);
            }
            _ => {}
        }
    }

    fn numbers(&self, value: &mut Value) {
        match value {
            Value::Number(number) => {
                let text = number.to_string();
                if self.finder.is_match(&text) {
                    *value = self.finder.replace_all(&text, &self.replacements).into();
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.numbers(item)),
            Value::Object(map) => map.values_mut().for_each(|value| self.numbers(value)),
            _ => {}
        }
    }

    /// `a=1; xs=2` or `xs=2; Path=/` with the values of our cookies replaced.
    fn cookie_header(&self, text: &str) -> String {
        let parts = text.split(';').map(|part| match part.split_once('=') {
            Some((name, _)) if self.names.contains(name.trim()) => {
                format!("{name}={}", replacement(name.trim()))
            }
            _ => part.to_owned(),
        });
        parts.collect::<Vec<_>>().join(";")
    }
}

fn replacement(name: &str) -> String {
    format!("[secret {name}]")
}

/// The forms in which scripts and headers write a value.
fn forms(value: &str) -> Vec<String> {
    let bare = value.trim_matches('"');
    let decoded = percent_decode_str(bare).decode_utf8_lossy().into_owned();
    let mut forms = Vec::new();
    for plain in [bare, &decoded, &lower_hex(bare)] {
        forms.push(plain.to_owned());
        let quoted = Value::from(plain).to_string();
        forms.push(quoted[1..quoted.len() - 1].to_owned());
        for set in [NON_ALPHANUMERIC, COMPONENT, FORM, URI] {
            let encoded = utf8_percent_encode(plain, set).to_string();
            forms.push(encoded.replace("%20", "+"));
            forms.push(lower_hex(&encoded));
            forms.push(encoded);
        }
    }
    forms
}

/// `%3A` as `%3a`.
fn lower_hex(text: &str) -> String {
    let mut lower = String::with_capacity(text.len());
    let mut hex = 0;
    for c in text.chars() {
        lower.push(if hex > 0 { c.to_ascii_lowercase() } else { c });
        hex = if c == '%' { 2 } else { hex.max(1) - 1 };
    }
    lower
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_a_websocket_message_is_kept_out() {
        let scrub = Scrub::new([("fr", "0abcdefg")]).unwrap();
        let mut exchange = Exchange::begun("x1".into(), "wss://a.example/", "GET", "b.example");
        exchange.frames.push(crate::model::WebSocketFrame {
            direction: "sent".into(),
            opcode: 1,
            payload_base64: BASE64.encode(b"{\"token\":\"0abcdefg\"}"),
            time: None,
        });
        let clean = scrub.exchange(&exchange);
        let payload = BASE64.decode(clean.frames[0].payload_base64.as_bytes());
        assert_eq!(payload.unwrap(), b"{\"token\":\"[secret fr]\"}");
    }

    #[test]
    fn a_secret_is_found_however_it_is_written() {
        let value = "31%3Aq-R.s~T%3A2";
        let scrub = Scrub::new([("xs", value), ("p", "-2"), ("fr", "0abcdefg")]).unwrap();
        for text in [
            "xs=31%3Aq-R.s~T%3A2",
            // encodeURIComponent
            "31%253Aq-R.s~T%253A2",
            "31%253aq-R.s~T%253a2",
            "v=31:q-R.s~T:2",
            "v=31%3aq-R.s~T%3a2",
            // every byte that could be
            "31%253Aq%2DR%2Es%7ET%253A2",
        ] {
            let clean = String::from_utf8(scrub.bytes(text.as_bytes()).into_owned()).unwrap();
            assert!(
                clean.contains("[secret xs]") && !clean.contains("q-R"),
                "{text} became {clean}"
            );
        }
        assert_eq!(
            scrub.bytes(b"a -2 b").as_ref(),
            b"a -2 b",
            "too short to be looked for"
        );
        assert_eq!(scrub.bytes(b"fr=0abcdefg;").as_ref(), b"fr=[secret fr];");
        assert!(Scrub::new([]).is_none());
    }

    #[test]
    fn a_record_stays_one_and_what_a_cookie_becomes_is_a_secret_too() {
        let scrub =
            Scrub::new([("JSESSIONID", "\"ajax:123456\""), ("id", "1000044443333")]).unwrap();
        let mut exchange = Exchange::begun(
            "x0001".into(),
            "https://a.example/?c=ajax%3A123456",
            "GET",
            "a.example",
        );
        exchange.request_headers = vec![
            ("csrf-token".to_owned(), "ajax:123456".to_owned()),
            (
                "cookie".to_owned(),
                "a=1; JSESSIONID=\"ajax:123456\"; id=1000044443333".to_owned(),
            ),
        ]
        .into();
        exchange.response_headers = vec![(
            "set-cookie".to_owned(),
            "JSESSIONID=fresh-one; Path=/".to_owned(),
        )]
        .into();
        let clean = scrub.exchange(&exchange);
        let text = serde_json::to_string(&clean).unwrap();
        assert!(
            !text.contains("123456") && !text.contains("fresh-one") && !text.contains("44443333"),
            "{text}"
        );
        assert!(
            text.contains("a=1; JSESSIONID=[secret JSESSIONID]"),
            "{text}"
        );
        let record: Value = scrub
            .record(&serde_json::json!({"n": 1000044443333u64, "1000044443333": "x"}))
            .unwrap();
        assert_eq!(
            record,
            serde_json::json!({"n": "[secret id]", "[secret id]": "x"})
        );
    }
}
