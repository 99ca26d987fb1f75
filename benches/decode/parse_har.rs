//! Merely parses a HAR into borrowed structs, with what a decoder needs of it: what `decode` is measured against.

use std::borrow::Cow;
use std::process::ExitCode;

use serde::Deserialize;

#[derive(Deserialize)]
struct Har<'a> {
    #[serde(borrow)]
    log: Log<'a>,
}

#[derive(Deserialize)]
struct Log<'a> {
    #[serde(borrow)]
    entries: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "parsed, which is what is measured")]
struct Entry<'a> {
    started_date_time: &'a str,
    #[serde(borrow)]
    pageref: Option<&'a str>,
    #[serde(borrow)]
    request: Request<'a>,
    response: Response,
    #[serde(borrow, rename = "_resourceType")]
    resource_type: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "parsed, which is what is measured")]
struct Request<'a> {
    method: &'a str,
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(borrow)]
    headers: Vec<Pair<'a>>,
    #[serde(borrow)]
    cookies: Vec<Pair<'a>>,
    #[serde(borrow)]
    post_data: Option<PostData<'a>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed, which is what is measured")]
struct Pair<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "parsed, which is what is measured")]
struct PostData<'a> {
    #[serde(borrow)]
    mime_type: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed, which is what is measured")]
struct Response {
    status: u16,
}

fn main() -> ExitCode {
    let Some(file) = std::env::args_os().nth(1) else {
        return ExitCode::from(2);
    };
    let Ok(text) = std::fs::read(file) else {
        return ExitCode::from(2);
    };
    let entries = serde_json::from_slice::<Har<'_>>(&text).map(|har| har.log.entries.len());
    let is_whole = entries.is_ok_and(|entries| entries == 50_000);
    if is_whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
