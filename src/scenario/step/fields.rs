//! What each kind of step takes. Names and meanings are the Chrome DevTools Recorder's where it has them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::scenario::Identity;
use crate::scenario::selector::Selectors;

/// What any step may say besides.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// Milliseconds; else the run's step timeout.
    pub timeout: Option<u64>,
    /// `main`, or the address of the tab; else the tab that the visitor looks at.
    pub target: Option<String>,
    /// Index of the frame in its parent, from the page on down; else every frame is looked into, the page first.
    pub frame: Option<Vec<usize>>,
    /// How often the step may be tried again when it could not be done.
    pub retries: u32,
    pub asserted_events: Vec<AssertedEvent>,
}

/// What a step is expected to lead to, as the Recorder saw it.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "camelCase", deny_unknown_fields)]
pub enum AssertedEvent {
    Navigation {
        #[serde(default)]
        url: Option<String>,
        #[serde(default)]
        title: Option<String>,
    },
}

/// Declares what a kind of step takes, together with what every kind takes.
macro_rules! takes {
    ($($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, rename_all = "camelCase")]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)*
            #[serde(default)]
            timeout: Option<u64>,
            #[serde(default)]
            target: Option<String>,
            #[serde(default)]
            frame: Option<Vec<usize>>,
            #[serde(default)]
            retries: u32,
            #[serde(default)]
            asserted_events: Vec<AssertedEvent>,
        }

        impl $name {
            /// A step that says only what its kind needs.
            #[allow(clippy::new_without_default, reason = "one kind needs nothing")]
            pub fn new($($field: $type),*) -> $name {
                $name {
                    $($field,)*
                    timeout: None,
                    target: None,
                    frame: None,
                    retries: 0,
                    asserted_events: Vec::new(),
                }
            }

            pub fn options(&self) -> Options {
                Options {
                    timeout: self.timeout,
                    target: self.target.clone(),
                    frame: self.frame.clone(),
                    retries: self.retries,
                    asserted_events: self.asserted_events.clone(),
                }
            }

            pub(super) fn move_addresses(&mut self, moved: &dyn Fn(&str) -> Option<String>) {
                self.target = self.target.take().map(|url| moved(&url).unwrap_or(url));
                for event in &mut self.asserted_events {
                    let AssertedEvent::Navigation { url, .. } = event;
                    *url = url.take().map(|url| moved(&url).unwrap_or(url));
                }
            }

            pub fn with(mut self, options: Options) -> $name {
                self.timeout = options.timeout;
                self.target = options.target;
                self.frame = options.frame;
                self.retries = options.retries;
                self.asserted_events = options.asserted_events;
                self
            }
        }
    )*};
}

takes! {
    /// Goes to a path of the origin, or a whole URL.
    Navigate { url: String, }
    /// Presses a button of the pointer on an element.
    Click {
        selector: Selectors,
        #[serde(default)]
        button: Button,
        /// From the element's left edge, in CSS pixels; else where a person would click it.
        #[serde(default)]
        offset_x: Option<f64>,
        #[serde(default)]
        offset_y: Option<f64>,
        #[serde(default)]
        device_type: Device,
        /// How long the button is held, in milliseconds.
        #[serde(default)]
        duration: Option<u64>,
    }
    /// Moves the pointer onto an element.
    Hover { selector: Selectors, }
    /// Clicks, and keeps what the click would file from being delivered.
    Submit { selector: Selectors, }
    /// Sets a field as a person would.
    Change {
        selector: Selectors,
        /// May name canaries: `{{email}}`.
        value: String,
    }
    /// Presses a key (`keyDown`), or lets it go (`keyUp`). Its name is `KeyboardEvent.key`'s.
    Key { key: String, }
    /// Scrolls the page, or an element, to a place in CSS pixels.
    Scroll {
        #[serde(default)]
        selector: Option<Selectors>,
        #[serde(default)]
        x: f64,
        #[serde(default)]
        y: f64,
    }
    /// The size of the page's window, in CSS pixels.
    SetViewport {
        width: u32,
        height: u32,
        #[serde(default = "one")]
        device_scale_factor: f64,
        #[serde(default)]
        is_mobile: bool,
        #[serde(default)]
        has_touch: bool,
        #[serde(default)]
        is_landscape: bool,
    }
    /// Waits until as many elements as wanted match.
    WaitForElement {
        selector: Selectors,
        /// Null: at least one, whatever `operator` says.
        #[serde(default)]
        count: Option<u64>,
        #[serde(default)]
        operator: Operator,
        /// True: only those that can be seen count; false: only those that cannot; null: any.
        #[serde(default = "seen")]
        visible: Option<bool>,
        /// Properties that the element's object must have.
        #[serde(default)]
        properties: BTreeMap<String, Value>,
        #[serde(default)]
        attributes: BTreeMap<String, String>,
    }
    /// Waits until an expression of JavaScript, evaluated by the page, is true.
    WaitForExpression { expression: String, }
    /// Closes the tab; the journey goes on in the one before it.
    Close {}
    /// Keeps a picture of what the visitor sees.
    Screenshot {
        #[serde(default)]
        name: Option<String>,
    }
    /// Waits for a time, or until the network is quiet.
    Wait { ms: Option<u64>, }
    /// Answers the consent banner that is there now.
    AnswerConsent { answer: ConsentAnswer, }
    /// Plants the cookies of a logged-in visitor.
    PlantIdentity { who: Vec<Identity>, }
}

fn one() -> f64 {
    1.0
}

fn seen() -> Option<bool> {
    Some(true)
}

/// A button of the pointer, by the Recorder's names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Button {
    #[default]
    Primary,
    Auxiliary,
    Secondary,
    Back,
    Forward,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    #[default]
    Mouse,
    Touch,
    Pen,
}

/// How the number of elements compares with the one wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Operator {
    #[default]
    #[serde(rename = ">=")]
    AtLeast,
    #[serde(rename = "==")]
    Exactly,
    #[serde(rename = "<=")]
    AtMost,
}

impl Operator {
    pub fn as_str(self) -> &'static str {
        match self {
            Operator::AtLeast => ">=",
            Operator::Exactly => "==",
            Operator::AtMost => "<=",
        }
    }
}

/// What a visitor answers a consent banner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsentAnswer {
    Reject,
    Accept,
}

/// A step that can be written short: as its one word, or its selector.
pub(super) trait Short: Sized {
    const EXPECTED: &'static str;

    fn from_text(text: &str) -> Result<Self, String>;

    fn from_list(_: Vec<Listed>) -> Result<Self, String> {
        Err(format!("expected {}", Self::EXPECTED))
    }
}

/// An item of a list of selectors: one, or a path of them through shadow roots.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Listed(pub crate::scenario::selector::Path);

/// Accepts the short form where the long form is a mapping. Written out, since serde's `untagged` would swallow the
/// message and the place of an error.
struct ShortOrLong<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de> + Short> Visitor<'de> for ShortOrLong<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<T, A::Error> {
        let items = Vec::<Listed>::deserialize(SeqAccessDeserializer::new(items))?;
        T::from_list(items).map_err(de::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// In the schema: the short form, or the long one.
pub(super) struct ShortOr<T>(std::marker::PhantomData<T>);

impl<T: JsonSchema> JsonSchema for ShortOr<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("ShortOr{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let long = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array" }, long] })
    }
}

pub(super) fn short_or_long<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: de::Deserializer<'de>,
    T: Deserialize<'de> + Short,
{
    deserializer.deserialize_any(ShortOrLong(std::marker::PhantomData))
}

const SELECTOR: &str = "a selector (`#id`, `text/…`, `aria/…`), a list of them, or `{selector: …}`";

macro_rules! short_by_selector {
    ($($name:ident: $($rest:expr),*;)*) => {$(
        impl Short for $name {
            const EXPECTED: &'static str = SELECTOR;

            fn from_text(text: &str) -> Result<Self, String> {
                Ok($name::new(Selectors::one(text)?, $($rest),*))
            }

            fn from_list(list: Vec<Listed>) -> Result<Self, String> {
                let list = list.into_iter().map(|item| item.0).collect();
                Ok($name::new(Selectors::of(list)?, $($rest),*))
            }
        }
    )*};
}

short_by_selector! {
    Click: Button::Primary, None, None, Device::Mouse, None;
    Hover: ;
    Submit: ;
    WaitForElement: None, Operator::AtLeast, Some(true), BTreeMap::new(), BTreeMap::new();
}

macro_rules! short_by_word {
    ($($name:ident: $expected:literal, $make:expr;)*) => {$(
        impl Short for $name {
            const EXPECTED: &'static str = $expected;

            fn from_text(text: &str) -> Result<Self, String> {
                let make: fn(&str) -> Result<$name, String> = $make;
                make(text)
            }
        }
    )*};
}

short_by_word! {
    Navigate: "a path of the origin, a URL, or `{url: …}`", |text| Ok(Navigate::new(text.to_owned()));
    Key: "the name of a key (`Enter`, `a`), or `{key: …}`", |text| Ok(Key::new(text.to_owned()));
    WaitForExpression: "an expression of JavaScript, or `{expression: …}`",
        |text| Ok(WaitForExpression::new(text.to_owned()));
    Screenshot: "a name for the picture, or `{}`", |text| Ok(Screenshot::new(Some(text.to_owned())));
    Wait: "`network`, or `{ms: MILLISECONDS}`", |text| match text {
        "network" => Ok(Wait::new(None)),
        other => Err(format!("`{other}` cannot be waited for, only `network` or `{{ms: …}}`")),
    };
    AnswerConsent: "`reject` or `accept`", |text| match text {
        "reject" => Ok(AnswerConsent::new(ConsentAnswer::Reject)),
        "accept" => Ok(AnswerConsent::new(ConsentAnswer::Accept)),
        other => Err(format!("`{other}` is no answer to a banner; expected `reject` or `accept`")),
    };
}

impl Short for PlantIdentity {
    const EXPECTED: &'static str = "`facebook`, or `{who: [facebook]}`";

    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "facebook" => Ok(PlantIdentity::new(vec![Identity::Facebook])),
            other => Err(format!(
                "`{other}` cannot be played; expected `facebook`, or `{{ who: [{{ cookies: FILE }}] }}`"
            )),
        }
    }
}
