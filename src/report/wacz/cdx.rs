//! The index of answers, in CDXJ: `example,a)/ 20261124090000 {"url":"https://a.example/",…}`, in the order of its bytes.
//! Fields are those of `cdxj-indexer`.

use std::io::{self, Write};

use serde_json::{Map, Value};

use super::post_query::{body_query, with_method};
use super::surt::surt;
use super::warc::Record;
use super::{DATA, http, sha256};
use crate::model::{Exchange, Moment};

#[derive(Default)]
pub(super) struct Index {
    lines: Vec<String>,
}

impl Index {
    /// Notes where an answer stands: `offset` of its gzip member.
    pub(super) fn add(
        &mut self,
        exchange: &Exchange,
        time: Moment,
        body: Option<&[u8]>,
        response: &Record,
        offset: u64,
        gzip: &[u8],
    ) {
        let url = http::printable(&exchange.url);
        let mut fields = Map::new();
        let mut put = |name: &str, value: String| fields.insert(name.to_owned(), value.into());
        put("url", url.clone());
        if let Some(content_type) = exchange.response_header("content-type") {
            let end = |c: char| c == ';' || c.is_whitespace();
            put(
                "mime",
                content_type
                    .split(end)
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            );
        }
        put("status", exchange.status.unwrap_or_default().to_string());
        put(
            "digest",
            response
                .header("WARC-Payload-Digest")
                .unwrap_or_default()
                .to_owned(),
        );
        put("length", gzip.len().to_string());
        put("offset", offset.to_string());
        put("filename", DATA.to_owned());
        put("recordDigest", sha256(gzip));
        // An answer to another method than GET must not be taken for the page: readers go by `method`.
        let key = match http::printable(&exchange.method).as_str() {
            "GET" => surt(&url),
            method => {
                let content_type = exchange.request_header("content-type").unwrap_or_default();
                let query = body_query(method, content_type, body.unwrap_or_default());
                let key = surt(&with_method(&url, method, query.as_deref()));
                if let Some(query) = query {
                    put("requestBody", query);
                }
                put("method", method.to_owned());
                key
            }
        };
        let time = time.compact().replace(['T', 'Z'], "");
        let fields = ascii(&Value::Object(fields).to_string());
        self.lines.push(format!("{key} {time} {fields}\n"));
    }

    pub(super) fn write(mut self, out: &mut impl Write) -> io::Result<()> {
        self.lines.sort_unstable();
        self.lines
            .iter()
            .try_for_each(|line| out.write_all(line.as_bytes()))
    }
}

/// JSON with what is not ASCII as `\u00fc`: some readers take the index for Latin-1.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c.is_ascii() {
            true => text.push(c),
            false => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    text
}
