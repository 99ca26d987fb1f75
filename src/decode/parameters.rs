//! Parameters out of queries and bodies: an ordered multimap, nothing dropped, nothing overwritten.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::model::{Parameter, Place};

/// Parameters in the order in which they stood, and what was wrong with them.
#[derive(Debug, Default)]
pub struct Parameters {
    pub list: Vec<Parameter>,
    pub problems: Vec<String>,
}

impl Parameters {
    pub fn first(&self, key: &str) -> Option<&str> {
        self.list
            .iter()
            .find(|parameter| parameter.key == key)
            .map(|parameter| parameter.value.as_str())
    }

    /// Of a URL's query. `+` stays a plus there.
    pub fn take_query(&mut self, query: &str) {
        self.take_pairs(query, Place::Query, false);
    }

    /// Of an `application/x-www-form-urlencoded` body, where `+` is a space.
    pub fn take_form(&mut self, body: &[u8]) {
        let text = self.text(body, "the body");
        self.take_pairs(text.trim_end_matches(['\r', '\n']), Place::Form, true);
    }

    /// Of a `multipart/form-data` body.
    pub fn take_multipart(&mut self, body: &[u8], content_type: &str) {
        let Some(boundary) = boundary(content_type, body) else {
            self.problems
                .push("the multipart body has no boundary".to_owned());
            return;
        };
        let delimiter = [b"--", boundary.as_slice()].concat();
        let mut closed = false;
        for part in split(body, &delimiter).skip(1) {
            if part.starts_with(b"--") {
                closed = true;
                break;
            }
            let part = strip_line_end(strip_line_start(part));
            let Some((head, value)) = split_head(part) else {
                self.problems
                    .push("a part of the multipart body has no head".to_owned());
                continue;
            };
            let head = self.text(head, "a part's head").into_owned();
            let Some(name) = name_in(&head) else {
                self.problems
                    .push("a part of the multipart body has no name".to_owned());
                continue;
            };
            let value = self.text(value, name).into_owned();
            self.list.push(Parameter {
                key: name.to_owned(),
                value,
                place: Place::Multipart,
                meaning: None,
            });
        }
        if !closed {
            self.problems
                .push("the multipart body is cut off".to_owned());
        }
    }

    fn take_pairs(&mut self, text: &str, place: Place, plus_is_space: bool) {
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let key = self.unescape(key, plus_is_space);
            let value = self.unescape(value, plus_is_space);
            self.list.push(Parameter {
                key,
                value,
                place,
                meaning: None,
            });
        }
    }

    /// Escapes that are none stay as they stand.
    fn unescape(&mut self, text: &str, plus_is_space: bool) -> String {
        let text = if plus_is_space {
            Cow::Owned(text.replace('+', " "))
        } else {
            Cow::Borrowed(text)
        };
        let bytes: Cow<[u8]> = percent_decode_str(&text).into();
        match String::from_utf8(bytes.into_owned()) {
            Ok(text) => text,
            Err(error) => {
                self.problems
                    .push(format!("`{text}` does not decode to UTF-8"));
                String::from_utf8_lossy(error.as_bytes()).into_owned()
            }
        }
    }

    fn text<'a>(&mut self, bytes: &'a [u8], what: &str) -> Cow<'a, str> {
        let text = String::from_utf8_lossy(bytes);
        if let Cow::Owned(_) = text {
            self.problems.push(format!("{what} is not UTF-8"));
        }
        text
    }
}

/// From the content type, else from the body's own first line.
fn boundary(content_type: &str, body: &[u8]) -> Option<Vec<u8>> {
    let named = content_type.split(';').find_map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("boundary")
            .then(|| value.trim().trim_matches('"').as_bytes().to_vec())
    });
    named.filter(|boundary| !boundary.is_empty()).or_else(|| {
        let line = body.split(|byte| *byte == b'\n').next()?;
        let boundary = line.trim_ascii_end().strip_prefix(b"--")?;
        (!boundary.is_empty()).then(|| boundary.to_vec())
    })
}

fn split<'a>(body: &'a [u8], delimiter: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = Some(body);
    std::iter::from_fn(move || {
        let text = rest?;
        match find(text, delimiter) {
            Some(at) => {
                rest = Some(&text[at + delimiter.len()..]);
                Some(&text[..at])
            }
            None => {
                rest = None;
                Some(text)
            }
        }
    })
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// A part's head and its value; the empty line between them may have been stored as `\r\r\n` or `\n`.
fn split_head(part: &[u8]) -> Option<(&[u8], &[u8])> {
    ["\r\n\r\n", "\r\r\n\r\r\n", "\n\n"]
        .iter()
        .filter_map(|gap| find(part, gap.as_bytes()).map(|at| (at, gap.len())))
        .min()
        .map(|(at, length)| (&part[..at], &part[at + length..]))
}

fn strip_line_start(part: &[u8]) -> &[u8] {
    ["\r\r\n", "\r\n", "\n"]
        .iter()
        .find_map(|end| part.strip_prefix(end.as_bytes()))
        .unwrap_or(part)
}

fn strip_line_end(part: &[u8]) -> &[u8] {
    ["\r\r\n", "\r\n", "\n"]
        .iter()
        .find_map(|end| part.strip_suffix(end.as_bytes()))
        .unwrap_or(part)
}

fn name_in(head: &str) -> Option<&str> {
    let at = head.find(" name=\"").or_else(|| head.find(";name=\""))? + " name=\"".len();
    let rest = &head[at..];
    Some(&rest[..rest.find('"')?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(parameters: &Parameters) -> Vec<(&str, &str)> {
        parameters
            .list
            .iter()
            .map(|parameter| (parameter.key.as_str(), parameter.value.as_str()))
            .collect()
    }

    #[test]
    fn a_query_keeps_order_repeats_and_pluses() {
        let mut parameters = Parameters::default();
        parameters.take_query("id=1&cd%5Ba%5D=x%20y&cd[a]=z+w&&flag&bad=%zz&ev=");
        assert_eq!(
            pairs(&parameters),
            [
                ("id", "1"),
                ("cd[a]", "x y"),
                ("cd[a]", "z+w"),
                ("flag", ""),
                ("bad", "%zz"),
                ("ev", "")
            ]
        );
        assert!(parameters.problems.is_empty());
    }

    #[test]
    fn a_form_turns_pluses_into_spaces_and_says_what_is_no_utf8() {
        let mut parameters = Parameters::default();
        parameters.take_form(b"a=1+2&b=%2B&c=%ff\r\n");
        assert_eq!(pairs(&parameters)[..2], [("a", "1 2"), ("b", "+")]);
        assert_eq!(parameters.problems.len(), 1);
    }

    #[test]
    fn multipart_values_may_hold_blank_lines_and_odd_line_ends() {
        let body = "--B\r\nContent-Disposition: form-data; name=\"cd[Schema.org]\"\r\n\r\nline\r\n\r\nmore\r\n\
                    --B\r\nContent-Disposition: form-data; name=\"ev\"\r\n\r\nPageView\r\n--B--\r\n";
        for (body, content_type) in [
            (body.to_owned(), "multipart/form-data; boundary=B"),
            (
                body.replace("\r\n", "\r\r\n"),
                "multipart/form-data; boundary=\"B\"",
            ),
            (body.to_owned(), ""),
        ] {
            let mut parameters = Parameters::default();
            parameters.take_multipart(body.as_bytes(), content_type);
            assert_eq!(pairs(&parameters)[1], ("ev", "PageView"));
            assert!(pairs(&parameters)[0].1.starts_with("line"));
            assert!(pairs(&parameters)[0].1.ends_with("more"));
            assert!(parameters.problems.is_empty(), "{:?}", parameters.problems);
        }
        let mut cut = Parameters::default();
        cut.take_multipart(
            &body.as_bytes()[..body.len() - 10],
            "multipart/form-data; boundary=B",
        );
        assert_eq!(cut.problems, ["the multipart body is cut off"]);
        assert_eq!(cut.list.len(), 2);
    }
}
