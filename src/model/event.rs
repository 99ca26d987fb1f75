//! A tracker event: what one exchange told one recipient, decoded. A line of `data/evidence.jsonl`.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ByteRange, Moment, Outcome};

/// An evidence record. Every key is always present; null or empty where unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrackerEvent {
    /// `e0007`, in the order of the exchanges.
    #[schemars(extend("x-volatile" = true))]
    pub id: String,
    /// The decoder that made the record (`meta_pixel`); empty for what could not be read at all.
    pub vendor: Cow<'static, str>,
    /// The company that was told.
    pub recipient: Cow<'static, str>,
    pub kind: EventKind,
    /// How sure it is that this is the vendor's.
    pub confidence: Confidence,
    /// What that rests on, in words.
    pub confidence_reason: Cow<'static, str>,
    pub transport: Transport,
    pub method: String,
    pub url: String,
    pub pixel_id: Option<String>,
    pub event_name: Option<String>,
    pub event_class: Option<EventClass>,
    #[schemars(extend("x-volatile" = true))]
    pub event_id: Option<String>,
    pub page_url: Option<String>,
    pub referrer: Option<String>,
    #[schemars(extend("x-volatile" = true))]
    pub fbp: Option<String>,
    pub fbc: Option<String>,
    pub user_data: Vec<UserDatum>,
    /// JSON where the value is valid JSON, the string otherwise; repeated keys become arrays.
    pub custom_data: Map<String, Value>,
    pub identity: Vec<IdentitySignal>,
    /// Every parameter, in order.
    pub parameters: Vec<Parameter>,
    pub time: Option<Moment>,
    pub outcome: Outcome,
    /// Id of the exchange that carried it.
    #[schemars(extend("x-volatile" = true))]
    pub exchange: String,
    #[schemars(extend("x-volatile" = true))]
    pub step: Option<u32>,
    #[schemars(extend("x-volatile" = true))]
    pub frame: Option<String>,
    /// The script or page that caused the request, where the browser told.
    pub initiator: Option<String>,
    #[schemars(extend("x-volatile" = true))]
    pub duplicate_of: Option<String>,
    /// What could not be decoded, in words.
    pub problems: Vec<String>,
}

impl TrackerEvent {
    /// Whether it is an event that somebody was told, counted once: no repeated delivery of another.
    pub fn tells(&self) -> bool {
        matches!(self.kind, EventKind::Event | EventKind::Gateway) && self.duplicate_of.is_none()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    Event,
    /// `signals/config/<id>`: tells Meta the page's host although no event was sent.
    Config,
    /// `fbevents.js`.
    Library,
    Gateway,
    IdentitySync,
    Telemetry,
    Topics,
    /// A request that could not be read: its `problems` say why.
    Unknown,
}

impl EventKind {
    /// As records have it.
    pub fn as_str(self) -> &'static str {
        match self {
            EventKind::Event => "event",
            EventKind::Config => "config",
            EventKind::Library => "library",
            EventKind::Gateway => "gateway",
            EventKind::IdentitySync => "identity_sync",
            EventKind::Telemetry => "telemetry",
            EventKind::Topics => "topics",
            EventKind::Unknown => "unknown",
        }
    }
}

/// How sure it is that a request is the vendor's.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// The host is the vendor's own.
    Certain,
    /// Somebody else's host, and a shape that nothing else is known to have.
    High,
    /// Somebody else's host, and a shape that fits; look at it.
    Low,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    Get,
    FormPost,
    Beacon,
    Fetch,
    Xhr,
    SandboxTwin,
    Noscript,
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventClass {
    /// On Meta's list of standard events.
    Standard,
    /// Sent by the library by itself (SubscribedButtonClick, Microdata, InputData).
    Automatic,
    Custom,
}

/// One advanced-matching value: something that says who the visitor is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserDatum {
    /// `em`, `ph`, `fn`…
    pub key: String,
    /// `ud` (given by the site), `udff` (taken from typed form fields), `aud`, `audff`…
    pub source: String,
    pub value: String,
    pub form: ValueForm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValueForm {
    Sha256,
    Md5,
    Plain,
    /// The hash of `undefined`, `null` or nothing: no person.
    Placeholder,
    Mask,
    Unknown,
}

/// Something in the request that ties it to a person or a browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentitySignal {
    /// `cookie:c_user`, `udff[em]`, `fbp`…
    pub signal: String,
    pub value: String,
    pub strength: Strength,
}

/// How strongly a signal names a person; the strongest first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// The Facebook account itself.
    Account,
    /// A person, whoever can hash a known value.
    Person,
    /// A person at that site.
    SitePerson,
    /// Linked to an ad click, and so to the account.
    Click,
    /// One browser.
    Browser,
    Weak,
}

/// A parameter as it stood in the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Percent-decoded.
    pub key: String,
    /// Percent-decoded.
    pub value: String,
    #[serde(rename = "in")]
    pub place: Place,
    /// Where the value stands in the raw bytes: in the query (behind the `?`), or in the body; null in JSON, in headers, and
    /// where it is not known.
    #[serde(default)]
    #[schemars(extend("x-volatile" = true))]
    pub at: Option<ByteRange>,
    /// What the vendor's documents or measurements say it means; null where unknown.
    pub meaning: Option<Cow<'static, str>>,
    /// The value in a form that people can read, where it has one: a time, the parts of a cookie, the names of bits.
    pub decoded: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Query,
    Form,
    Multipart,
    Json,
    Header,
    Path,
}
