//! The kinds of step, by the names that the Chrome DevTools Recorder gives them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use serde::de::{self, MapAccess, SeqAccess, Visitor};

use super::canary::{CanaryKind, undefined};
use super::selector::Selectors;

/// A step and where it stands in the scenario.
#[derive(Debug, Clone)]
pub struct Step {
    pub kind: StepKind,
    pub line: u64,
    pub column: u64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StepKind {
    /// A path of the origin, or a whole URL.
    Navigate(String),
    Click(OnElement),
    Change(Change),
    /// Clicks, and keeps what the click would file from being delivered.
    Submit(OnElement),
    WaitForElement(WaitForElement),
}

/// A step on one element: a selector, a list of them, or `{selector, timeout}`.
#[derive(Debug, Clone, PartialEq)]
pub struct OnElement {
    pub selector: Selectors,
    /// Milliseconds; else the run's step timeout.
    pub timeout: Option<u64>,
}

/// Sets a field as a person would.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub selector: Selectors,
    /// May name canaries: `{{email}}`.
    pub value: String,
    #[serde(default)]
    pub timeout: Option<u64>,
}

/// Waits until an element is there and, unless `visible` is false, can be seen.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitForElement {
    pub selector: Selectors,
    pub visible: bool,
    pub timeout: Option<u64>,
}

impl StepKind {
    /// The name of the kind, as written in a scenario.
    pub fn name(&self) -> &'static str {
        match self {
            StepKind::Navigate(_) => "navigate",
            StepKind::Click(_) => "click",
            StepKind::Change(_) => "change",
            StepKind::Submit(_) => "submit",
            StepKind::WaitForElement(_) => "waitForElement",
        }
    }

    /// The step's own time limit, if it gives one.
    pub fn timeout(&self) -> Option<Duration> {
        let millis = match self {
            StepKind::Navigate(_) => None,
            StepKind::Click(step) | StepKind::Submit(step) => step.timeout,
            StepKind::Change(step) => step.timeout,
            StepKind::WaitForElement(step) => step.timeout,
        };
        millis.map(Duration::from_millis)
    }

    /// Finds what only a look across the whole scenario can tell: (what is wrong, what to do).
    pub(super) fn check(
        &self,
        canaries: &BTreeMap<String, CanaryKind>,
    ) -> Result<(), (String, String)> {
        match self {
            StepKind::Navigate(target) => {
                if target.starts_with('/')
                    || target.starts_with("https://")
                    || target.starts_with("http://")
                {
                    Ok(())
                } else {
                    Err((
                        format!("`{target}` is neither a path nor a URL"),
                        "begin it with `/` for a page of the origin, or with `https://`".into(),
                    ))
                }
            }
            StepKind::Change(change) => match undefined(&change.value, canaries) {
                None => Ok(()),
                Some(name) => Err((
                    format!("the canary `{name}` is not defined"),
                    if canaries.is_empty() {
                        format!("add `canaries: {{ {name}: text }}`")
                    } else {
                        let known: Vec<&str> = canaries.keys().map(String::as_str).collect();
                        format!("add it under `canaries`, which has: {}", known.join(", "))
                    },
                )),
            },
            StepKind::Click(_) | StepKind::Submit(_) | StepKind::WaitForElement(_) => Ok(()),
        }
    }
}

impl fmt::Display for StepKind {
    /// As a person would say it; canaries stay named, so that no value shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StepKind::Navigate(target) => write!(f, "navigate {target}"),
            StepKind::Click(step) => write!(f, "click {}", step.selector),
            StepKind::Change(step) => write!(f, "change {} to {}", step.selector, step.value),
            StepKind::Submit(step) => write!(f, "submit {}", step.selector),
            StepKind::WaitForElement(step) => write!(f, "waitForElement {}", step.selector),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OnElementFields {
    selector: Selectors,
    #[serde(default)]
    timeout: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WaitForElementFields {
    selector: Selectors,
    #[serde(default = "yes")]
    visible: bool,
    #[serde(default)]
    timeout: Option<u64>,
}

fn yes() -> bool {
    true
}

/// Accepts the short form (a selector or a list) where the long form is a mapping. Written out, since
/// serde's `untagged` would swallow the message and the place of an error.
struct ShortOrLong<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de> + From<Selectors>> Visitor<'de> for ShortOrLong<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a selector (`#id`, `text/…`, `aria/…`), a list of them, or `{selector: …}`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        Selectors::deserialize(StrDeserializer::new(text)).map(T::from)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<T, A::Error> {
        Selectors::deserialize(SeqAccessDeserializer::new(items)).map(T::from)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

impl From<Selectors> for OnElementFields {
    fn from(selector: Selectors) -> Self {
        OnElementFields {
            selector,
            timeout: None,
        }
    }
}

impl From<Selectors> for WaitForElementFields {
    fn from(selector: Selectors) -> Self {
        WaitForElementFields {
            selector,
            visible: true,
            timeout: None,
        }
    }
}

impl<'de> Deserialize<'de> for OnElement {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<OnElement, D::Error> {
        let fields: OnElementFields =
            deserializer.deserialize_any(ShortOrLong(std::marker::PhantomData))?;
        Ok(OnElement {
            selector: fields.selector,
            timeout: fields.timeout,
        })
    }
}

impl<'de> Deserialize<'de> for WaitForElement {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<WaitForElement, D::Error> {
        let fields: WaitForElementFields =
            deserializer.deserialize_any(ShortOrLong(std::marker::PhantomData))?;
        Ok(WaitForElement {
            selector: fields.selector,
            visible: fields.visible,
            timeout: fields.timeout,
        })
    }
}

impl Change {
    /// Whether the value names that canary.
    pub fn names(&self, canary: &str) -> bool {
        super::substitute(&self.value, |name| (name != canary).then_some("")).is_err()
    }
}
