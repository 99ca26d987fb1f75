//! Recognises what was typed, and what the pages are about, in what was told. Pure.

use md5::Md5;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::model::{CanaryRecord, TrackerEvent, UserDatum, ValueForm};

/// A value of advanced matching that is a canary, and how it was made from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedMatch {
    pub canary: String,
    /// Steps that typed it.
    pub typed_in: Vec<u32>,
    /// `sha256 ← lower ← email`, the last step first.
    pub chain: String,
}

/// Whether a value of advanced matching is a canary, normalised as Meta does and perhaps hashed.
pub fn typed(datum: &UserDatum, canaries: &[CanaryRecord]) -> Option<TypedMatch> {
    canaries.iter().find_map(|canary| {
        normal_forms(&canary.value)
            .into_iter()
            .find_map(|(how, normal)| {
                let (digest, value) = match datum.form {
                    ValueForm::Sha256 => (
                        "sha256 ← ",
                        data_encoding::HEXLOWER.encode(&Sha256::digest(normal.as_bytes())),
                    ),
                    ValueForm::Md5 => (
                        "md5 ← ",
                        data_encoding::HEXLOWER.encode(&Md5::digest(normal.as_bytes())),
                    ),
                    _ => ("", normal),
                };
                (!value.is_empty() && value.eq_ignore_ascii_case(&datum.value)).then(|| {
                    TypedMatch {
                        canary: canary.name.clone(),
                        typed_in: canary.typed_in.clone(),
                        chain: format!("{digest}{how}{}", canary.kind),
                    }
                })
            })
    })
}

/// As typed, and as Meta normalises: e-mail and names in lower case, names without punctuation, phones as digits with
/// the country's code and no leading zeros, dates as YYYYMMDD.
fn normal_forms(value: &str) -> Vec<(&'static str, String)> {
    let lower = value.trim().to_lowercase();
    let letters: String = lower
        .chars()
        .filter(|c| !c.is_ascii_punctuation())
        .collect();
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    let national = digits.trim_start_matches('0').to_owned();
    let close: String = lower.chars().filter(|c| !c.is_whitespace()).collect();
    vec![
        ("", value.to_owned()),
        ("lower ← ", lower),
        ("no punctuation ← lower ← ", letters),
        ("no spaces ← lower ← ", close),
        ("country code 44 ← digits ← ", format!("44{national}")),
        ("digits ← ", digits),
        ("no leading zeros ← digits ← ", national),
    ]
}

/// Where a topic's words stood in what was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    pub topic: String,
    /// `page address`, `cd[buttonText]`…
    pub place: String,
    /// The text, word for word.
    pub text: String,
}

/// The scenario's topics in what an event told: page address, referrer, and every string of the custom data.
/// `-`, `_`, `/` and `+` count as spaces.
pub fn mentions(event: &TrackerEvent, topics: &[String]) -> Vec<Mention> {
    let mut texts: Vec<(String, &str)> = Vec::new();
    if let Some(url) = &event.page_url {
        texts.push(("page address".into(), url));
    }
    if let Some(url) = &event.referrer {
        texts.push(("referrer".into(), url));
    }
    for (key, value) in &event.custom_data {
        strings(value, &mut |text| texts.push((format!("cd[{key}]"), text)));
    }
    let mut found: Vec<Mention> = Vec::new();
    for topic in topics {
        let wanted = spaced(topic);
        for (place, text) in &texts {
            let known = found
                .iter()
                .any(|mention| mention.topic == *topic && mention.place == *place);
            if !known && spaced(text).contains(&wanted) {
                found.push(Mention {
                    topic: topic.clone(),
                    place: place.clone(),
                    text: (*text).to_owned(),
                });
            }
        }
    }
    found
}

fn spaced(text: &str) -> String {
    text.to_lowercase()
        .split(|c: char| c.is_whitespace() || "-_/+".contains(c))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn strings<'a>(value: &'a Value, take: &mut impl FnMut(&'a str)) {
    match value {
        Value::String(text) => take(text),
        Value::Array(values) => values.iter().for_each(|value| strings(value, take)),
        Value::Object(map) => map.values().for_each(|value| strings(value, take)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datum(value: &str, form: ValueForm) -> UserDatum {
        UserDatum {
            key: "em".into(),
            source: "udff".into(),
            value: value.into(),
            form,
        }
    }

    fn canary(kind: &str, value: &str) -> CanaryRecord {
        CanaryRecord {
            name: kind.into(),
            kind: kind.into(),
            value: value.into(),
            typed_in: vec![7],
        }
    }

    #[test]
    fn a_hash_is_recognised_with_its_chain() {
        let canaries = [
            canary("phone", "07700 900123"),
            canary("email", " Ann.Other@Example.com"),
            canary("name", "O'Hara"),
        ];
        // printf %s ann.other@example.com | sha256sum
        let found = typed(
            &datum(
                "d9f8a2fe1a51c6f6f5a2fa0e3ab3ef4ce2f8a1b8ed6dfb8b8d1a2d57ffb3a1c5",
                ValueForm::Sha256,
            ),
            &canaries,
        );
        assert_eq!(found, None, "a hash of something else is nobody's");
        for (plain, chain) in [
            ("ann.other@example.com", "sha256 ← lower ← email"),
            ("447700900123", "sha256 ← country code 44 ← digits ← phone"),
            ("ohara", "sha256 ← no punctuation ← lower ← name"),
        ] {
            let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(plain));
            let found = typed(&datum(&hash, ValueForm::Sha256), &canaries).unwrap();
            assert_eq!(
                (found.chain.as_str(), &found.typed_in[..]),
                (chain, &[7][..])
            );
        }
        let plain = typed(&datum("ohara", ValueForm::Plain), &canaries).unwrap();
        assert_eq!(plain.chain, "no punctuation ← lower ← name");
        assert_eq!(typed(&datum("", ValueForm::Unknown), &canaries), None);
    }
}
