//! The journal: what the browser said, as it came, and what we did meanwhile.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::model::Moment;

/// One line of `data/cdp.jsonl`: a CDP message, or a mark of our own.
#[derive(Debug, Serialize, Deserialize)]
pub struct JournalLine<'a> {
    pub at: Moment,
    /// The message, byte for byte.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub cdp: Option<&'a RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
}

/// What the browser does not say itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// That step of the scenario begins; null: no step.
    Step(Option<u32>),
    /// A paused request was answered in place. By its Fetch request id.
    Contained { fetch_id: String, why: String },
    /// The answer to `Network.getRequestPostData`; null if the browser had it no more.
    PostData {
        network_id: String,
        base64: Option<String>,
    },
    /// The journey is over; tabs are being closed.
    Closing,
    /// So many tabs had not closed when the browser was told to exit.
    TabsLeft(u64),
    /// In a browser that others use too: of so many requests it was never known whose they were, and they are not recorded.
    NotKnownWhose(u64),
}

/// The frame of a CDP message; `params` stays text until somebody needs it.
#[derive(Debug, Deserialize)]
pub struct Incoming<'a> {
    pub id: Option<u64>,
    #[serde(borrow)]
    pub method: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "sessionId")]
    pub session: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub params: Option<&'a RawValue>,
    #[serde(borrow)]
    pub result: Option<&'a RawValue>,
    #[serde(borrow)]
    pub error: Option<&'a RawValue>,
}
