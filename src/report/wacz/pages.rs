//! The pages that the visitor came to: `pages/pages.jsonl`.

use std::io::{self, Write};

use memchr::memmem;
use serde_json::json;

use super::http;
use crate::model::{Exchange, Moment, Party};
use crate::policy::is_in_frame;

/// How far into a document a title is looked for.
const HEAD: usize = 1 << 20;

pub(super) struct Page {
    pub(super) url: String,
    pub(super) time: Moment,
    title: String,
    id: String,
}

impl Page {
    /// Nothing if the exchange is none. `id` is that of the answer's record.
    pub(super) fn of(
        exchange: &Exchange,
        time: Moment,
        answer: Option<&[u8]>,
        id: &str,
    ) -> Option<Page> {
        // A frame of its own process is a target of its own type; another is a frame that is not the target's.
        let own_frame = exchange
            .target_type
            .as_deref()
            .is_none_or(|kind| kind == "page")
            && !is_in_frame(exchange);
        let page = exchange.resource_type == "document"
            && exchange.party == Party::First
            && own_frame
            && !matches!(exchange.status?, 300..=399);
        page.then(|| {
            let url = http::printable(&exchange.url);
            let title = answer.filter(|_| is_html(exchange)).and_then(title);
            Page {
                title: title.unwrap_or_else(|| url.clone()),
                url,
                time,
                id: id.to_owned(),
            }
        })
    }
}

/// A line that says what follows, and one a page.
pub(super) fn write(pages: &[Page], out: &mut impl Write) -> io::Result<()> {
    let head = json!({ "format": "json-pages-1.0", "id": "pages", "title": "All Pages" });
    writeln!(out, "{head}")?;
    for page in pages {
        let Page {
            url,
            time,
            title,
            id,
        } = page;
        writeln!(
            out,
            "{}",
            json!({ "id": id, "url": url, "ts": time, "title": title })
        )?;
    }
    Ok(())
}

fn is_html(exchange: &Exchange) -> bool {
    exchange
        .response_header("content-type")
        .is_some_and(|value| {
            let value = value.to_ascii_lowercase();
            value.starts_with("text/html") || value.starts_with("application/xhtml+xml")
        })
}

/// What stands in the first `<title>`, on one line.
fn title(html: &[u8]) -> Option<String> {
    let html = &html[..html.len().min(HEAD)];
    let lower = html.to_ascii_lowercase();
    let open = memmem::find_iter(&lower, b"<title").find(|at| {
        matches!(
            lower.get(at + 6),
            Some(b'>' | b' ' | b'\t' | b'\r' | b'\n' | b'/')
        )
    })?;
    let start = open + memchr::memchr(b'>', &lower[open..])? + 1;
    let end = start + memmem::find(&lower[start..], b"</title")?;
    let text = decoded(&String::from_utf8_lossy(&html[start..end]));
    let text = text.replace(char::is_control, " ");
    let words: Vec<&str> = text.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// With the character references that titles have: numbers, and the names that XML knows, and a space.
fn decoded(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let name = rest[1..].split_once(';').map(|(name, _)| name);
        match name.and_then(|name| Some((name, character(name)?))) {
            Some((name, character)) => {
                plain.push(character);
                rest = &rest[name.len() + 2..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain + rest
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        "ndash" => Some('–'),
        "mdash" => Some('—'),
        "hellip" => Some('…'),
        "middot" => Some('·'),
        "raquo" => Some('»'),
        name => {
            let number = name.strip_prefix('#')?;
            let number = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(number.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_read_as_a_person_would() {
        let html = b"<!doctype html><titles><TITLE lang=en>\n Report &amp;  \xc3\xbc&#x21; &x; &#38; & \n</TITLE>";
        assert_eq!(title(html).unwrap(), "Report & ü! &x; & &");
        assert_eq!(title(b"<title> </title>"), None);
        assert_eq!(title(b"<title>a"), None);
        assert_eq!(title(b"<p>none"), None);
    }
}
