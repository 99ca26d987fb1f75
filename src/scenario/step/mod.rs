//! The kinds of step, by the names that the Chrome DevTools Recorder gives them.

mod fields;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::canary::{CanaryKind, undefined};
use fields::{ShortOr, short_or_long};

pub use fields::{
    AnswerConsent, AssertedEvent, Button, Change, Click, Close, ConsentAnswer, Device, Hover, Key,
    Navigate, Operator, Options, PlantIdentity, Screenshot, Scroll, SetViewport, Submit, Wait,
    WaitForElement, WaitForExpression,
};

/// A step and where it stands in the scenario.
#[derive(Debug, Clone)]
pub struct Step {
    pub kind: StepKind,
    pub line: u64,
    pub column: u64,
    /// The same, for an error there.
    pub place: serde_saphyr::Location,
}

/// Names every kind once: its variant, its name in a scenario, what it takes.
macro_rules! kinds {
    ($($(#[$read:meta])* $variant:ident = $name:literal takes $takes:ident;)*) => {
        #[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase")]
        pub enum StepKind {
            $(#[serde(rename = $name)] $(#[$read])* $variant($takes),)*
        }

        impl StepKind {
            /// The names of all kinds, as written in a scenario.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The name of the kind, as written in a scenario.
            pub fn name(&self) -> &'static str {
                match self {
                    $(StepKind::$variant(_) => $name,)*
                }
            }

            /// Puts other addresses in the place of those that `moved` gives one for.
            pub(super) fn move_addresses(&mut self, moved: &dyn Fn(&str) -> Option<String>) {
                if let StepKind::Navigate(step) = self
                    && let Some(url) = moved(&step.url)
                {
                    step.url = url;
                }
                match self {
                    $(StepKind::$variant(step) => step.move_addresses(moved),)*
                }
            }

            /// What the step says besides what its kind needs.
            pub fn options(&self) -> Options {
                match self {
                    $(StepKind::$variant(step) => step.options(),)*
                }
            }
        }
    };
}

kinds! {
    #[serde(deserialize_with = "short_or_long")]
    #[schemars(with = "ShortOr<Navigate>")]
    Navigate = "navigate" takes Navigate;
    #[serde(deserialize_with = "short_or_long")]
    #[schemars(with = "ShortOr<Click>")]
    Click = "click" takes Click;
    #[serde(deserialize_with = "short_or_long")]
    #[schemars(with = "ShortOr<Click>")]
    DoubleClick = "doubleClick" takes Click;
    #[serde(deserialize_with = "short_or_long")]
    #[schemars(with = "ShortOr<Hover>")]
    Hover = "hover" takes Hover;
    Change = "change" takes Change;
    #[serde(deserialize_with = "short_or_long")]
    #[schemars(with = "ShortOr<Key>")]
    KeyDown = "keyDown" takes Key;
    #[serde(deserialize_with = "short_or_long")]
    #[schemars(with = "ShortOr<Key>")]
    KeyUp = "keyUp" takes Key;
    Scroll = "scroll" takes Scroll;
    SetViewport = "setViewport" takes SetViewport;
    #[serde(deserialize_with = "short_or_long")]
    #[schemars(with = "ShortOr<Submit>")]
    Submit = "submit" takes Submit;
    #[serde(deserialize_with = "short_or_long")]
    #[schemars(with = "ShortOr<WaitForElement>")]
    WaitForElement = "waitForElement" takes WaitForElement;
    #[serde(deserialize_with = "short_or_long")]
    #[schemars(with = "ShortOr<WaitForExpression>")]
    WaitForExpression = "waitForExpression" takes WaitForExpression;
    #[serde(deserialize_with = "short_or_long")]
    #[schemars(with = "ShortOr<Wait>")]
    Wait = "wait" takes Wait;
    #[serde(deserialize_with = "short_or_long")]
    #[schemars(with = "ShortOr<AnswerConsent>")]
    Consent = "consent" takes AnswerConsent;
    #[serde(deserialize_with = "short_or_long")]
    #[schemars(with = "ShortOr<PlantIdentity>")]
    Identity = "identity" takes PlantIdentity;
    #[serde(deserialize_with = "short_or_long")]
    #[schemars(with = "ShortOr<Screenshot>")]
    Screenshot = "screenshot" takes Screenshot;
    Close = "close" takes Close;
}

impl StepKind {
    /// Whether the visitor types with it, or presses a key.
    pub fn types(&self) -> bool {
        matches!(self, StepKind::Change(_) | StepKind::KeyDown(_))
    }

    /// The step's own time limit, if it gives one.
    pub fn timeout(&self) -> Option<Duration> {
        let own = self.options().timeout.map(Duration::from_millis);
        match self {
            // A wait that is longer than a step may take says so itself.
            StepKind::Wait(wait) => own.or(wait.ms.map(|ms| Duration::from_millis(ms + 1000))),
            _ => own,
        }
    }

    /// Finds what only a look across the whole scenario can tell: (what is wrong, what to do).
    pub(super) fn check(
        &self,
        canaries: &BTreeMap<String, CanaryKind>,
    ) -> Result<(), (String, String)> {
        match self {
            StepKind::Navigate(step) => {
                let target = &step.url;
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
            StepKind::KeyDown(step) | StepKind::KeyUp(step) => {
                if crate::scenario::is_key(&step.key) {
                    Ok(())
                } else {
                    Err((
                        format!("there is no key `{}`", step.key),
                        "name it as `KeyboardEvent.key` does: `a`, `Enter`, `Tab`, `ArrowDown`, `Shift`".into(),
                    ))
                }
            }
            StepKind::WaitForExpression(step) if step.expression.trim().is_empty() => Err((
                "the expression is empty".into(),
                "write what is to become true, as in `document.title === \"Sent\"`".into(),
            )),
            StepKind::SetViewport(step) if step.width == 0 || step.height == 0 => Err((
                "a window without width or height shows nothing".into(),
                "give both in CSS pixels, as in `{ width: 1280, height: 720 }`".into(),
            )),
            StepKind::Screenshot(step)
                if step.name.as_ref().is_some_and(|name| !is_file_name(name)) =>
            {
                Err((
                    "the picture's name is not fit for a file".into(),
                    "use letters, digits, `-` and `_`".into(),
                ))
            }
            _ => Ok(()),
        }
    }
}

fn is_file_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 80
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

impl fmt::Display for StepKind {
    /// As a person would say it; canaries stay named, so that no value shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            StepKind::Navigate(step) => write!(f, "{name} {}", step.url),
            StepKind::Click(step) | StepKind::DoubleClick(step) => {
                write!(f, "{name} {}", step.selector)
            }
            StepKind::Hover(step) => write!(f, "{name} {}", step.selector),
            StepKind::Submit(step) => write!(f, "{name} {}", step.selector),
            StepKind::Change(step) => write!(f, "{name} {} to {}", step.selector, step.value),
            StepKind::KeyDown(step) | StepKind::KeyUp(step) => write!(f, "{name} {}", step.key),
            StepKind::Scroll(step) => match &step.selector {
                Some(selector) => write!(f, "{name} {selector} to {}, {}", step.x, step.y),
                None => write!(f, "{name} to {}, {}", step.x, step.y),
            },
            StepKind::SetViewport(step) => write!(f, "{name} {} × {}", step.width, step.height),
            StepKind::WaitForElement(step) => write!(f, "{name} {}", step.selector),
            StepKind::WaitForExpression(step) => write!(f, "{name} {}", step.expression),
            StepKind::Wait(step) => match step.ms {
                Some(ms) => write!(f, "{name} {ms} ms"),
                None => write!(f, "{name} for a quiet network"),
            },
            StepKind::Consent(step) => write!(f, "{name}: {}", step.answer.as_str()),
            StepKind::Identity(step) => {
                let who: Vec<&str> = step.who.iter().map(|who| who.as_str()).collect();
                write!(f, "{name} {}", who.join(", "))
            }
            StepKind::Screenshot(step) => match &step.name {
                Some(picture) => write!(f, "{name} {picture}"),
                None => f.write_str(name),
            },
            StepKind::Close(_) => f.write_str(name),
        }
    }
}

impl ConsentAnswer {
    pub fn as_str(self) -> &'static str {
        match self {
            ConsentAnswer::Reject => "reject",
            ConsentAnswer::Accept => "accept",
        }
    }
}

impl Change {
    /// Whether the value names that canary.
    pub fn names(&self, canary: &str) -> bool {
        super::substitute(&self.value, |name| (name != canary).then_some("")).is_err()
    }
}
