//! The CDP events that carry facts about requests: only the fields that are used, and all of them optional where a
//! browser may leave them out. A browser newer than these types loses nothing.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    pub url: String,
    pub method: String,
    #[serde(default)]
    pub headers: Map<String, Value>,
    #[serde(default)]
    pub has_post_data: bool,
    /// `postData` is corrupt for binary bodies, and is not read.
    pub post_data_entries: Option<Vec<PostDataEntry>>,
}

#[derive(Debug, Deserialize)]
pub struct PostDataEntry {
    /// Base64; absent for a file on disk or a Blob.
    pub bytes: Option<String>,
}

/// `Fetch.requestPaused`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestPaused {
    pub request_id: String,
    pub request: Request,
    pub frame_id: Option<String>,
    #[serde(default)]
    pub resource_type: String,
    pub network_id: Option<String>,
    pub response_error_reason: Option<String>,
    pub response_status_code: Option<u16>,
    #[serde(default)]
    pub response_headers: Vec<HeaderEntry>,
}

#[derive(Debug, Deserialize)]
pub struct HeaderEntry {
    pub name: String,
    pub value: String,
}

/// `Network.requestWillBeSent`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestWillBeSent {
    pub request_id: String,
    pub request: Request,
    pub wall_time: Option<f64>,
    #[serde(rename = "documentURL", default)]
    pub document_url: String,
    pub initiator: Option<Box<RawValue>>,
    pub redirect_response: Option<Response>,
    #[serde(default)]
    pub redirect_has_extra_info: bool,
    #[serde(rename = "type", default)]
    pub resource_type: String,
    pub frame_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    #[serde(default)]
    pub url: String,
    pub status: u16,
    #[serde(default)]
    pub headers: Map<String, Value>,
    #[serde(rename = "remoteIPAddress")]
    pub remote_ip_address: Option<String>,
    pub remote_port: Option<u16>,
    #[serde(default)]
    pub from_disk_cache: bool,
    #[serde(default)]
    pub from_service_worker: bool,
    #[serde(default)]
    pub from_prefetch_cache: bool,
}

/// `Page.frameNavigated`: a document was committed.
#[derive(Debug, Deserialize)]
pub struct FrameNavigated {
    pub frame: Frame,
}

#[derive(Debug, Deserialize)]
pub struct Frame {
    pub id: String,
    pub url: String,
}

/// `Network.requestWillBeSentExtraInfo`: the headers and cookies really sent.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestExtraInfo {
    pub request_id: String,
    #[serde(default)]
    pub associated_cookies: Vec<AssociatedCookie>,
    #[serde(default)]
    pub headers: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssociatedCookie {
    pub cookie: CdpCookie,
    #[serde(default)]
    pub blocked_reasons: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub struct CdpCookie {
    pub name: String,
    pub value: String,
}

/// `Network.responseReceived`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResponseReceived {
    pub request_id: String,
    #[serde(default)]
    pub loader_id: String,
    pub frame_id: Option<String>,
    #[serde(rename = "type", default)]
    pub resource_type: String,
    pub response: Response,
    #[serde(default)]
    pub has_extra_info: bool,
}

/// `Network.responseReceivedExtraInfo`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResponseExtraInfo {
    pub request_id: String,
    #[serde(default)]
    pub headers: Map<String, Value>,
    pub status_code: Option<u16>,
}

/// `Network.loadingFinished`, `Network.requestServedFromCache`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ById {
    pub request_id: String,
}

/// `Network.loadingFailed`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadingFailed {
    pub request_id: String,
    #[serde(default)]
    pub error_text: String,
    #[serde(default)]
    pub canceled: bool,
    pub blocked_reason: Option<String>,
    pub cors_error_status: Option<CorsErrorStatus>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CorsErrorStatus {
    pub cors_error: String,
}

/// CDP's header objects join repeated headers by a line feed; each becomes a header again.
pub fn header_list(headers: &Map<String, Value>) -> Vec<(String, String)> {
    let mut list = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let value = value.as_str().unwrap_or_default();
        for line in value.split('\n') {
            list.push((name.to_ascii_lowercase(), line.to_owned()));
        }
    }
    list
}
