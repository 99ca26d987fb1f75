//! A request's method and body as a query, for the index: two POSTs to one address are then two keys. As pywb and
//! `cdxj-indexer` write it; IIPC's guideline "CDX for non-GET requests" describes it.

use std::collections::HashMap;

use data_encoding::BASE64;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};
use serde_json::Value;

use crate::decode::multipart_parts;

/// Characters of a body that a key has room for.
const LIMIT: usize = 4096;

/// What Python's `quote_plus` escapes.
const QUOTED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~');

/// What the body comes to (`requestBody` in an index); nothing for a method whose body is no part of the key.
pub(super) fn body_query(method: &str, content_type: &str, body: &[u8]) -> Option<String> {
    matches!(method, "POST" | "PUT").then(|| {
        let query = query(content_type, body);
        query.chars().take(LIMIT).collect()
    })
}

/// The address with the method and the body after it: `https://a.example/x?__wb_method=POST&a=1`.
pub(super) fn with_method(url: &str, method: &str, query: Option<&str>) -> String {
    let sign = if url.contains('?') { '&' } else { '?' };
    match query {
        None | Some("") => format!("{url}{sign}__wb_method={method}"),
        Some(query) => format!("{url}{sign}__wb_method={method}&{query}"),
    }
}

fn query(content_type: &str, body: &[u8]) -> String {
    let binary = || format!("__wb_post_data={}", BASE64.encode(body));
    if content_type.starts_with("application/x-www-form-urlencoded") {
        match std::str::from_utf8(body) {
            Ok(form) => {
                let form = form.replace('+', " ");
                let plain: Vec<u8> = percent_decode(form.as_bytes()).collect();
                String::from_utf8_lossy(&plain).into_owned()
            }
            Err(_) => binary(),
        }
    } else if content_type.starts_with("multipart/") {
        let parts = multipart_parts(body, content_type);
        parts.map_or_else(binary, |body| {
            pairs(
                body.parts
                    .iter()
                    .map(|part| (part.name.as_bytes(), part.value)),
            )
        })
    } else if content_type.starts_with("application/json") {
        json(body).unwrap_or_default()
    } else if content_type.starts_with("text/plain") {
        json(body).unwrap_or_else(binary)
    } else {
        binary()
    }
}

fn pairs<'a>(pairs: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> String {
    let quoted = |text| percent_encode(text, QUOTED).to_string().replace("%20", "+");
    let pairs = pairs.map(|(name, value)| format!("{}={}", quoted(name), quoted(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// One document, or one a line. Nothing if it is neither.
fn json(body: &[u8]) -> Option<String> {
    let documents: Vec<Value> = match serde_json::from_slice(body) {
        Ok(document) => vec![document],
        Err(_) if !body.contains(&b'\n') => return None,
        Err(_) => {
            let lines = body.split(|byte| *byte == b'\n');
            let documents: Result<_, _> = lines.map(serde_json::from_slice).collect();
            documents.ok()?
        }
    };
    let mut leaves = Leaves::default();
    for document in &documents {
        leaves.add("", document);
    }
    let leaves = leaves.pairs.iter();
    Some(pairs(
        leaves.map(|(name, value)| (name.as_bytes(), value.as_bytes())),
    ))
}

/// The values of a document that are neither list nor object, by the nearest name above them.
#[derive(Default)]
struct Leaves {
    pairs: Vec<(String, String)>,
    seen: HashMap<String, u64>,
}

impl Leaves {
    fn add(&mut self, name: &str, value: &Value) {
        let text = match value {
            Value::Object(members) => {
                return members
                    .iter()
                    .for_each(|(name, value)| self.add(name, value));
            }
            Value::Array(items) => return items.iter().for_each(|item| self.add(name, item)),
            _ if name.is_empty() => return,
            Value::Null => "None".to_owned(),
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::Number(number) if number.is_f64() => python_float(number.as_f64()),
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.clone(),
        };
        let seen = self.seen.entry(name.to_owned()).or_insert(0);
        *seen += 1;
        let name = match *seen {
            1 => name.to_owned(),
            seen => format!("{name}.{seen}_"),
        };
        self.pairs.push((name, text));
    }
}

/// As Python's `str` writes it: `0.5`, `1e-05`, `1e+16`.
fn python_float(number: Option<f64>) -> String {
    let number = number.unwrap_or_default();
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>().unwrap_or_default() {
        -4..16 => format!("{number:?}"),
        exponent => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `cdxj-indexer` 1.5.0 makes of them.
    #[test]
    fn bodies_become_what_other_indexers_make_of_them() {
        let json = r#"{"a":{"b":1,"c":[1.0,true,null]},"b":"x y~*","d":{},"e":1e-5,"f":1e16}"#;
        let lines = "{\"a\":1}\n{\"a\":\"ü\"}";
        let form = "multipart/form-data; boundary=XX";
        let multipart =
            "--XX\r\nContent-Disposition: form-data; name=\"cd[a]\"\r\n\r\n1 2\r\n--XX--\r\n";
        let known = [
            (
                "application/x-www-form-urlencoded",
                "a=1+2&b=%C3%BC%FF",
                "a=1 2&b=ü\u{fffd}",
            ),
            (form, multipart, "cd%5Ba%5D=1+2"),
            ("multipart/form-data", "x", "__wb_post_data=eA=="),
            (
                "application/json",
                json,
                "b=1&c=1.0&c.2_=True&c.3_=None&b.2_=x+y~%2A&e=1e-05&f=1e%2B16",
            ),
            ("application/json", lines, "a=1&a.2_=%C3%BC"),
            ("application/json", "no", ""),
            ("text/plain;charset=UTF-8", "{\"a\":1}", "a=1"),
            ("text/plain;charset=UTF-8", "no", "__wb_post_data=bm8="),
            ("", "\u{1}", "__wb_post_data=AQ=="),
        ];
        for (content_type, body, query) in known {
            let found = body_query("POST", content_type, body.as_bytes());
            assert_eq!(found.as_deref(), Some(query), "{content_type} {body}");
        }
        let long = body_query("PUT", "", &[0; 9000]).unwrap();
        assert_eq!(long.len(), LIMIT);
        assert_eq!(body_query("OPTIONS", "", b"x"), None);
    }

    #[test]
    fn the_method_stands_before_the_body() {
        let url = "https://a.example/";
        assert_eq!(
            with_method(url, "POST", Some("a=1")),
            format!("{url}?__wb_method=POST&a=1")
        );
        assert_eq!(
            with_method(url, "POST", Some("")),
            format!("{url}?__wb_method=POST")
        );
        let url = "https://a.example/?b&";
        assert_eq!(
            with_method(url, "HEAD", None),
            format!("{url}&__wb_method=HEAD")
        );
    }
}
