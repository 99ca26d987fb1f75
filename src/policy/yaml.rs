//! The shapes that stand in a policy's YAML, with the place of each, before they are checked.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    #[serde(default)]
    pub rules: Vec<Spanned<RuleFile>>,
    #[serde(default)]
    pub claims: Vec<Spanned<ClaimFile>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    pub id: Spanned<String>,
    #[serde(default)]
    pub deny: Option<Spanned<Asked>>,
    #[serde(default)]
    pub allow: Option<Spanned<Asked>>,
    #[serde(default)]
    pub require: Option<Spanned<Asked>>,
    #[serde(default)]
    pub except: Option<Spanned<Texts>>,
    #[serde(default)]
    pub severity: Option<Spanned<String>>,
    #[serde(default)]
    pub reason: Option<String>,
    #[serde(default)]
    pub until: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimFile {
    pub id: Spanned<String>,
    pub says: Spanned<String>,
    pub source: Spanned<String>,
    #[serde(default)]
    pub deny: Option<Spanned<Asked>>,
    #[serde(default)]
    pub not_testable: Option<Spanned<String>>,
}

/// Keys and what they are to be.
pub struct Asked(pub Vec<(Spanned<String>, Spanned<Texts>)>);

/// A text, or a list of them; each with its place where it has one of its own.
pub struct Texts(pub Vec<(Option<Location>, String)>);

impl Texts {
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|(_, text)| text.clone()).collect()
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or a list of them")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Texts, E> {
        Ok(Texts(vec![(None, text.to_owned())]))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Texts, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Texts, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Texts, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while let Some(item) = items.next_element::<Spanned<String>>()? {
            texts.push((Some(item.referenced), item.value));
        }
        Ok(Texts(texts))
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Texts, D::Error> {
        deserializer.deserialize_any(TextsVisitor)
    }
}

struct AskedVisitor;

impl<'de> Visitor<'de> for AskedVisitor {
    type Value = Asked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("keys and values, as in `{ recipient: Meta, page: \"/report/**\" }`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Asked, A::Error> {
        let mut asked = Vec::new();
        while let Some(entry) = map.next_entry::<Spanned<String>, Spanned<Texts>>()? {
            asked.push(entry);
        }
        Ok(Asked(asked))
    }
}

impl<'de> Deserialize<'de> for Asked {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Asked, D::Error> {
        deserializer.deserialize_map(AskedVisitor)
    }
}
