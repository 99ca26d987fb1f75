//! Puppeteer's selectors: CSS, `text/…`, `aria/…`, `xpath/…`, `pierce/…`; one or a list of fallbacks.

use std::fmt;

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

/// One selector or several, of which the first that matches counts. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selectors(Vec<Selector>);

impl Selectors {
    pub fn iter(&self) -> impl Iterator<Item = &Selector> {
        self.0.iter()
    }
}

impl fmt::Display for Selectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, selector) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { " or " };
            write!(f, "{separator}{selector}")?;
        }
        Ok(())
    }
}

struct SelectorsVisitor;

impl<'de> Visitor<'de> for SelectorsVisitor {
    type Value = Selectors;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a selector (`#id`, `text/…`, `aria/…`) or a list of them")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Selectors, E> {
        Ok(Selectors(vec![Selector::parse(text).map_err(E::custom)?]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Selectors, A::Error> {
        let mut selectors = Vec::new();
        while let Some(text) = items.next_element::<String>()? {
            selectors.push(Selector::parse(&text).map_err(de::Error::custom)?);
        }
        if selectors.is_empty() {
            return Err(de::Error::custom("the list of selectors is empty"));
        }
        Ok(Selectors(selectors))
    }
}

impl<'de> Deserialize<'de> for Selectors {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Selectors, D::Error> {
        deserializer.deserialize_any(SelectorsVisitor)
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
        assert!(Selector::parse("text/ ").is_err());
        assert!(Selector::parse("").is_err());
    }
}
