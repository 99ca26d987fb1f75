//! The fields of CDP's messages that decide what is done at once; the assembler reads the rest.

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Paused {
    pub(super) request_id: String,
    pub(super) network_id: Option<String>,
    pub(super) request: PausedRequest,
    pub(super) frame_id: Option<String>,
    #[serde(default)]
    pub(super) resource_type: String,
    pub(super) response_status_code: Option<u16>,
    pub(super) response_error_reason: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct PausedRequest {
    pub(super) url: String,
    pub(super) method: String,
    #[serde(default)]
    pub(super) headers: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OfRequest {
    pub(super) request_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WillBeSent {
    pub(super) request_id: String,
    pub(super) request: WillBeSentRequest,
    #[serde(default, rename = "type")]
    pub(super) kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WillBeSentRequest {
    #[serde(default)]
    pub(super) has_post_data: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Detached {
    pub(super) session_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PostData {
    pub(super) post_data: String,
    #[serde(default)]
    pub(super) base64_encoded: bool,
}

/// Why a command was refused.
#[derive(Deserialize)]
pub(super) struct Failure {
    pub(super) code: i64,
    pub(super) message: String,
}
