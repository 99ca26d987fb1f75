//! An entry of a HAR, as DevTools, Firefox, Playwright, Charles, mitmproxy, WebPageTest and sitespeed write it: lenient
//! in what it takes, and says what was wrong.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::entry::{Entry, Facts, Recorded, Want, cookie, cookies_in, exchange, pass};
use super::lenient::{REPAIRED, Text, moment, repaired};
use crate::model::{BodyState, Exchange, HarExtension, JsonText, Outcome, WebSocketFrame};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HarEntry<'a> {
    #[serde(borrow)]
    request: HarRequest<'a>,
    #[serde(borrow, default)]
    response: Option<HarResponse<'a>>,
    #[serde(borrow, default)]
    started_date_time: Option<Text<'a>>,
    #[serde(borrow, default)]
    pageref: Option<Text<'a>>,
    #[serde(borrow, default, rename = "_resourceType")]
    resource_type: Option<Text<'a>>,
    #[serde(borrow, default, rename = "_initiator")]
    initiator: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "_webSocketMessages")]
    messages: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "_pixelwitness")]
    own: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HarRequest<'a> {
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow, default)]
    method: Option<Text<'a>>,
    #[serde(borrow, default)]
    post_data: Option<PostData<'a>>,
    /// Read only where somebody has something to say of the request.
    #[serde(borrow, default)]
    headers: Option<&'a RawValue>,
    #[serde(borrow, default)]
    cookies: Option<&'a RawValue>,
    #[serde(borrow, default)]
    body_size: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostData<'a> {
    #[serde(borrow, default)]
    mime_type: Option<Text<'a>>,
    #[serde(borrow, default)]
    text: Option<Text<'a>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "_encoding")]
    encoding: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct HarResponse<'a> {
    #[serde(borrow, default)]
    status: Option<Text<'a>>,
    /// Chromium's word for why there was no answer (`net::ERR_BLOCKED_BY_CLIENT`).
    #[serde(borrow, default, rename = "_error")]
    error: Option<Text<'a>>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content<'a> {
    #[serde(borrow, default)]
    mime_type: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct Pair<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    value: Option<Text<'a>>,
}

pub(super) fn read(text: &[u8], number: usize, want: Want) -> Entry {
    let error = match serde_json::from_slice::<HarEntry<'_>>(text) {
        Ok(entry) => return take(&entry, number, want, Vec::new()),
        Err(error) => error,
    };
    // Broken characters; then keys that stand there twice, and values that are nothing a HAR has there.
    let repaired = repaired(text);
    if let Ok(entry) = serde_json::from_str::<HarEntry<'_>>(&repaired) {
        return take(&entry, number, want, vec![REPAIRED.to_owned()]);
    }
    let once = serde_json::from_str::<Value>(&repaired).map(|mut entry| {
        if let Some(members) = entry.as_object_mut() {
            members.retain(|key, value| match key.as_str() {
                "response" => value.is_object(),
                "startedDateTime" | "pageref" | "_resourceType" => value.is_string(),
                _ => true,
            });
        }
        entry.to_string()
    });
    if let Ok(once) = &once
        && let Ok(entry) = serde_json::from_str::<HarEntry<'_>>(once)
    {
        let problem =
            "the entry has keys twice, or values that no HAR has: the last of each key was read";
        return take(&entry, number, want, vec![problem.to_owned()]);
    }
    Entry::Unreadable(error.to_string())
}

fn take(entry: &HarEntry<'_>, number: usize, want: Want, mut problems: Vec<String>) -> Entry {
    let request = &entry.request;
    let method = match &request.method {
        Some(method) if !method.0.is_empty() => &method.0,
        _ if request.post_data.is_some() => "POST",
        _ => "GET",
    };
    let post_data = request.post_data.as_ref();
    let mime_type = post_data
        .and_then(|data| data.mime_type.as_ref())
        .map(|mime_type| mime_type.0.as_ref())
        .filter(|mime_type| !mime_type.is_empty());
    let mut content_type = mime_type.map(Cow::Borrowed);
    let body = post_data.and_then(|data| body_of(data, &mut content_type, &mut problems));
    let page = entry.pageref.as_ref().map(|page| page.0.as_ref());
    let facts = Facts {
        url: &request.url.0,
        method,
        body: body.as_deref(),
        page,
    };
    if let Some(entry) = pass(&facts, want) {
        return entry;
    }
    let mut headers = pairs(request.headers, "headers", &mut problems);
    headers.retain_mut(|(name, _)| {
        name.make_ascii_lowercase();
        !name.starts_with(':')
    });
    if let Some(content_type) = content_type {
        // Of the two, what the recorder says of the body that it kept.
        headers.retain(|(name, _)| name != "content-type" || mime_type.is_none());
        if !headers.iter().any(|(name, _)| name == "content-type") {
            headers.push(("content-type".to_owned(), content_type.into_owned()));
        }
    }
    let response = entry.response.as_ref();
    let status = response
        .and_then(|response| response.status.as_ref())
        .map(|status| status.0.parse::<f64>().map_or(0, |status| status as u16));
    let time = entry.started_date_time.as_ref().map(|time| moment(&time.0));
    if matches!(time, Some(None)) {
        problems.push("`startedDateTime` is not a time".to_owned());
    }
    let mut exchange = exchange(&facts, number, headers, status, time.flatten());
    let error = response.and_then(|response| response.error.as_ref());
    if let Some(error) = error.filter(|error| !error.0.is_empty()) {
        if error.0.contains("BLOCKED") {
            exchange.outcome = Outcome::Blocked;
        }
        exchange.error = Some(error.0.to_string());
    }
    if let Some(kind) = resource_type(entry, &exchange) {
        exchange.resource_type = kind;
    } else if want.all && method == "GET" && is_page(response) {
        exchange.resource_type = "document".to_owned();
    }
    if let Some(initiator) = entry.initiator {
        exchange.initiator = JsonText::from_raw(initiator);
    }
    let listed = pairs(request.cookies, "cookies", &mut problems);
    exchange.cookies = if listed.is_empty() {
        // Over HTTP/2 there may be several such headers.
        let headers = exchange.request_headers.iter();
        headers
            .filter(|(name, _)| name == "cookie")
            .flat_map(|(_, value)| cookies_in(value))
            .collect()
    } else {
        listed
            .iter()
            .map(|(name, value)| cookie(name, value))
            .collect()
    };
    let claims_body = || {
        let size = request.body_size.as_ref().map(|size| size.0.as_ref());
        let length = exchange.request_header("content-length");
        !matches!((size, length), (Some("0"), _) | (_, Some("0")))
    };
    if body.is_none() && matches!(method, "POST" | "PUT" | "PATCH") && claims_body() {
        exchange.body_state = BodyState::Unavailable;
    }
    if want.all {
        exchange.frames = messages(entry.messages, &mut problems);
    }
    if let Some(own) = entry.own {
        match serde_json::from_str::<HarExtension>(own.get()) {
            Ok(own) => own.restore(&mut exchange),
            Err(error) => problems.push(format!("`_pixelwitness` cannot be read: {error}")),
        }
    }
    Entry::Recorded(Box::new(Recorded {
        exchange,
        body: body.map(Cow::into_owned),
        page: page.map(str::to_owned),
        problems,
    }))
}

/// The body's bytes: from its text, or built again from its list of parameters. Nothing if neither is there.
fn body_of<'a>(
    data: &'a PostData<'_>,
    content_type: &mut Option<Cow<'a, str>>,
    problems: &mut Vec<String>,
) -> Option<Cow<'a, [u8]>> {
    if let Some(text) = data.text.as_ref().filter(|text| !text.0.is_empty()) {
        let base64 = data
            .encoding
            .as_ref()
            .is_some_and(|encoding| encoding.0.eq_ignore_ascii_case("base64"));
        if base64 {
            // Wrapped, without padding, or of the alphabet for URLs.
            let plain: String = text
                .0
                .chars()
                .filter(|c| !c.is_ascii_whitespace() && *c != '=')
                .map(|c| match c {
                    '-' => '+',
                    '_' => '/',
                    c => c,
                })
                .collect();
            match data_encoding::BASE64_NOPAD.decode(plain.as_bytes()) {
                Ok(bytes) => return Some(Cow::Owned(bytes)),
                Err(error) => problems.push(format!(
                    "the body is not the base64 it is said to be: {error}"
                )),
            }
        }
        return Some(Cow::Borrowed(without_heads(&text.0).as_bytes()));
    }
    let params = pairs(data.params, "postData.params", problems);
    if params.is_empty() {
        return None;
    }
    problems.push(
        "the HAR has no text of the body: it was built again from the list of its parameters"
            .to_owned(),
    );
    let multipart = content_type
        .as_ref()
        .is_some_and(|content_type| content_type.starts_with("multipart/"));
    if multipart {
        let boundary = "pixelwitness-built-this-again";
        *content_type = Some(Cow::Owned(format!(
            "multipart/form-data; boundary={boundary}"
        )));
        let mut body = String::new();
        for (name, value) in params {
            body += &format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
        }
        body += &format!("--{boundary}--\r\n");
        return Some(Cow::Owned(body.into_bytes()));
    }
    content_type.get_or_insert(Cow::Borrowed("application/x-www-form-urlencoded"));
    let body = if params
        .iter()
        .all(|(name, value)| is_encoded(name) && is_encoded(value))
    {
        let joined: Vec<String> = params
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        joined.join("&")
    } else {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(params)
            .finish()
    };
    Some(Cow::Owned(body.into_bytes()))
}

/// Firefox may keep the upload's own heads before the body.
fn without_heads(text: &str) -> &str {
    let is_head = text
        .get(.."content-".len())
        .is_some_and(|start| start.eq_ignore_ascii_case("content-"));
    match text.split_once("\r\n\r\n") {
        Some((_, body)) if is_head => body,
        _ => text,
    }
}

/// Tools differ in whether they decode parameters: one with a character that a form would have escaped was.
fn is_encoded(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"*-._+%[]!~'()".contains(&byte))
}

/// A list of names and values.
fn pairs(list: Option<&RawValue>, what: &str, problems: &mut Vec<String>) -> Vec<(String, String)> {
    let Some(list) = list.filter(|list| list.get() != "null") else {
        return Vec::new();
    };
    if let Ok(pairs) = serde_json::from_str::<Vec<Pair<'_>>>(list.get()) {
        return pairs.into_iter().filter_map(named).collect();
    }
    // Those that can be read, and of the others that they cannot.
    let list = repaired(list.get().as_bytes());
    let elements = match serde_json::from_str::<Vec<&RawValue>>(&list) {
        Ok(elements) => elements,
        Err(error) => {
            problems.push(format!("`{what}` cannot be read: {error}"));
            return Vec::new();
        }
    };
    let before = problems.len();
    let mut pairs = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        match serde_json::from_str::<Pair<'_>>(element.get()).map(named) {
            Ok(Some(pair)) => pairs.push(pair),
            _ => problems.push(format!("element {} of `{what}` cannot be read", index + 1)),
        }
    }
    if problems.len() == before {
        problems.push(REPAIRED.to_owned());
    }
    pairs
}

/// A message of a WebSocket, as Chromium's DevTools save it.
#[derive(Debug, Deserialize)]
struct Message<'a> {
    #[serde(borrow, rename = "type")]
    direction: Text<'a>,
    #[serde(default)]
    opcode: u8,
    #[serde(borrow)]
    data: Text<'a>,
}

/// Binary messages are in Base64.
fn messages(list: Option<&RawValue>, problems: &mut Vec<String>) -> Vec<WebSocketFrame> {
    let Some(list) = list.filter(|list| list.get() != "null") else {
        return Vec::new();
    };
    let messages = match serde_json::from_str::<Vec<Message<'_>>>(list.get()) {
        Ok(messages) => messages,
        Err(error) => {
            problems.push(format!("`_webSocketMessages` cannot be read: {error}"));
            return Vec::new();
        }
    };
    let frame = |message: Message<'_>| WebSocketFrame {
        direction: match &*message.direction.0 {
            "send" => "sent".to_owned(),
            _ => "received".to_owned(),
        },
        opcode: message.opcode,
        payload_base64: match message.opcode {
            2 => message.data.0.into_owned(),
            _ => data_encoding::BASE64.encode(message.data.0.as_bytes()),
        },
        time: None,
    };
    messages.into_iter().map(frame).collect()
}

fn named(pair: Pair<'_>) -> Option<(String, String)> {
    let value = pair.value.map(|value| value.0.into_owned());
    Some((pair.name?.0.into_owned(), value.unwrap_or_default()))
}

/// Whether the answer is a page.
fn is_page(response: Option<&HarResponse<'_>>) -> bool {
    let content = response.and_then(|response| response.content);
    let content = content.and_then(|text| serde_json::from_str::<Content<'_>>(text.get()).ok());
    let mime_type = content.and_then(|content| content.mime_type);
    mime_type.is_some_and(|mime_type| mime_type.0.starts_with("text/html"))
}

/// As Chromium says it, else from the header that says what the answer is for.
fn resource_type(entry: &HarEntry<'_>, exchange: &Exchange) -> Option<String> {
    if let Some(kind) = &entry.resource_type {
        return Some(kind.0.to_ascii_lowercase());
    }
    let kind = match exchange.request_header("sec-fetch-dest")? {
        "iframe" | "document" | "frame" => "document",
        "image" => "image",
        "script" => "script",
        _ => return None,
    };
    Some(kind.to_owned())
}
