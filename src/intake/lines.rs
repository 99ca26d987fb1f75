//! JSON Lines: an object a line, with the keys `url`, `method`, `content_type` and `body`; also `status`, `time`,
//! `resource_type`, `referer` and `cookie`. Other keys are left alone.

use std::borrow::Cow;

use serde::Deserialize;

use super::entry::{Entry, Facts, Recorded, Want, cookies_in, exchange, pass};
use super::lenient::{REPAIRED, Text, moment, repaired};
use crate::model::BodyState;

#[derive(Debug, Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(borrow, default)]
    method: Option<Text<'a>>,
    #[serde(borrow, default)]
    content_type: Option<Text<'a>>,
    #[serde(borrow, default)]
    body: Option<Text<'a>>,
    #[serde(borrow, default)]
    status: Option<Text<'a>>,
    #[serde(borrow, default)]
    time: Option<Text<'a>>,
    #[serde(borrow, default)]
    resource_type: Option<Text<'a>>,
    #[serde(borrow, default)]
    referer: Option<Text<'a>>,
    #[serde(borrow, default)]
    cookie: Option<Text<'a>>,
}

pub(super) fn read(text: &[u8], number: usize, want: Want) -> Entry {
    let (line, mut problems): (Line<'_>, Vec<String>);
    let mended;
    match serde_json::from_slice(text) {
        Ok(read) => (line, problems) = (read, Vec::new()),
        Err(error) => {
            mended = repaired(text);
            match serde_json::from_str(&mended) {
                Ok(read) => {
                    (line, problems) = (read, vec![REPAIRED.to_owned()]);
                }
                Err(_) => return Entry::Unreadable(error.to_string()),
            }
        }
    }
    let body = line.body.as_ref().map(|body| body.0.as_bytes());
    let facts = Facts {
        url: &line.url,
        method: match &line.method {
            Some(method) if !method.0.is_empty() => &method.0,
            _ if body.is_some() => "POST",
            _ => "GET",
        },
        body,
        page: None,
    };
    if let Some(entry) = pass(&facts, want) {
        return entry;
    }
    let mut headers = Vec::new();
    for (name, value) in [
        ("content-type", &line.content_type),
        ("referer", &line.referer),
    ] {
        if let Some(value) = value.as_ref().filter(|value| !value.0.is_empty()) {
            headers.push((name.to_owned(), value.0.to_string()));
        }
    }
    let status = line
        .status
        .as_ref()
        .and_then(|status| status.0.parse().ok());
    let time = line.time.as_ref().map(|time| moment(&time.0));
    if matches!(time, Some(None)) {
        problems.push("`time` is not a time".to_owned());
    }
    let mut exchange = exchange(&facts, number, headers, status, time.flatten());
    if body.is_none() && facts.method == "POST" {
        exchange.body_state = BodyState::Unavailable;
    }
    if let Some(kind) = &line.resource_type {
        exchange.resource_type = kind.0.to_ascii_lowercase();
    }
    if let Some(cookie) = &line.cookie {
        exchange.cookies = cookies_in(&cookie.0);
    }
    Entry::Recorded(Box::new(Recorded {
        exchange,
        body: body.map(<[u8]>::to_vec),
        page: None,
        problems,
    }))
}
