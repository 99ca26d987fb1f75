//! Puppeteer's selectors: CSS, `text/…`, `aria/…`, `xpath/…`, `pierce/…`; one or a list of fallbacks.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, SeqAccess, Visitor};

/// How an element is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    Css(String),
    /// The smallest element whose text contains it.
    Text(String),
    /// The element with that accessible name, optionally `name[role="button"]`.
    Aria {
        name: String,
        role: Option<String>,
    },
    XPath(String),
    /// CSS that also looks into open shadow roots.
    Pierce(String),
}

impl Selector {
    /// # Errors
    /// A message, where the selector is empty.
    pub fn parse(text: &str) -> Result<Selector, String> {
        let (make, rest): (fn(String) -> Selector, &str) =
            if let Some(rest) = text.strip_prefix("text/") {
                (Selector::Text, rest)
            } else if let Some(rest) = text.strip_prefix("xpath/") {
                (Selector::XPath, rest)
            } else if let Some(rest) = text.strip_prefix("pierce/") {
                (Selector::Pierce, rest)
            } else if let Some(rest) = text.strip_prefix("aria/") {
                (aria, rest)
            } else {
                (Selector::Css, text)
            };
        if rest.trim().is_empty() {
            return Err(format!("the selector `{text}` is empty"));
        }
        Ok(make(rest.trim().to_owned()))
    }
}

fn aria(text: String) -> Selector {
    let role = text
        .strip_suffix("\"]")
        .and_then(|rest| rest.split_once("[role=\""));
    match role {
        Some((name, role)) => Selector::Aria {
            name: name.to_owned(),
            role: Some(role.to_owned()),
        },
        None => Selector::Aria {
            name: text,
            role: None,
        },
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selector::Css(css) => f.write_str(css),
            Selector::Text(text) => write!(f, "text/{text}"),
            Selector::Aria { name, role: None } => write!(f, "aria/{name}"),
            Selector::Aria {
                name,
                role: Some(role),
            } => write!(f, "aria/{name}[role=\"{role}\"]"),
            Selector::XPath(path) => write!(f, "xpath/{path}"),
            Selector::Pierce(css) => write!(f, "pierce/{css}"),
        }
    }
}

/// A selector, or several of which each is looked for in the shadow root of the one before, as the Recorder writes
/// them. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(Vec<Selector>);

impl Path {
    pub fn parts(&self) -> &[Selector] {
        &self.0
    }

    fn of(texts: &[String]) -> Result<Path, String> {
        if texts.is_empty() {
            return Err("a path of selectors is empty".to_owned());
        }
        let parts = texts.iter().map(|text| Selector::parse(text));
        Ok(Path(parts.collect::<Result<_, _>>()?))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(Selector::to_string).collect();
        f.write_str(&parts.join(" >>> "))
    }
}

/// One or several, of which the first that matches counts. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selectors(Vec<Path>);

impl Selectors {
    /// # Errors
    /// Where the selector is empty.
    pub fn one(text: &str) -> Result<Selectors, String> {
        Ok(Selectors(vec![Path(vec![Selector::parse(text)?])]))
    }

    /// # Errors
    /// Where there is none.
    pub fn of(paths: Vec<Path>) -> Result<Selectors, String> {
        if paths.is_empty() {
            return Err("the list of selectors is empty".to_owned());
        }
        Ok(Selectors(paths))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Path> {
        self.0.iter()
    }
}

impl fmt::Display for Selectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<String> = self.0.iter().map(Path::to_string).collect();
        f.write_str(&paths.join(" or "))
    }
}

/// A selector, or a list of what makes one.
struct OneOrMany<T>(std::marker::PhantomData<T>);

trait FromTexts: Sized {
    const EXPECTED: &'static str;
    type Item: for<'de> Deserialize<'de>;

    fn one(text: &str) -> Result<Self, String>;
    fn many(items: Vec<Self::Item>) -> Result<Self, String>;
}

impl FromTexts for Path {
    const EXPECTED: &'static str = "a selector (`#id`, `text/…`, `aria/…`)";
    type Item = String;

    fn one(text: &str) -> Result<Path, String> {
        Ok(Path(vec![Selector::parse(text)?]))
    }

    fn many(items: Vec<String>) -> Result<Path, String> {
        Path::of(&items)
    }
}

impl FromTexts for Selectors {
    const EXPECTED: &'static str = "a selector (`#id`, `text/…`, `aria/…`) or a list of them";
    type Item = Path;

    fn one(text: &str) -> Result<Selectors, String> {
        Selectors::one(text)
    }

    fn many(items: Vec<Path>) -> Result<Selectors, String> {
        Selectors::of(items)
    }
}

impl<'de, T: FromTexts> Visitor<'de> for OneOrMany<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::one(text).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<T, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<T::Item>()? {
            list.push(item);
        }
        T::many(list).map_err(de::Error::custom)
    }
}

impl JsonSchema for Path {
    fn schema_name() -> Cow<'static, str> {
        "SelectorPath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A selector (CSS, `text/…`, `aria/…`, `xpath/…`, `pierce/…`), or a path of them through shadow roots.",
            "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
        })
    }
}

impl JsonSchema for Selectors {
    fn schema_name() -> Cow<'static, str> {
        "Selectors".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let path = generator.subschema_for::<Path>();
        json_schema!({
            "description": "A selector, or a list of fallbacks.",
            "anyOf": [{ "type": "string" }, { "type": "array", "items": path }],
        })
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Path, D::Error> {
        deserializer.deserialize_any(OneOrMany(std::marker::PhantomData))
    }
}

impl<'de> Deserialize<'de> for Selectors {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Selectors, D::Error> {
        deserializer.deserialize_any(OneOrMany(std::marker::PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_choose_the_kind_and_print_back() {
        for text in [
            "#email",
            "text/Report a crime",
            "aria/Send report",
            "aria/Send[role=\"button\"]",
            "xpath///a",
            "pierce/#x",
        ] {
            assert_eq!(Selector::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            Selector::parse("aria/Send[role=\"button\"]").unwrap(),
            Selector::Aria {
                name: "Send".into(),
                role: Some("button".into())
            }
        );
        let listed: Selectors =
            serde_json::from_str(r##"[["aria/Box", "#inner"], "text/Go"]"##).unwrap();
        assert_eq!(listed.to_string(), "aria/Box >>> #inner or text/Go");
        assert!(Selector::parse("text/ ").is_err());
        assert!(Selector::parse("").is_err());
    }
}
