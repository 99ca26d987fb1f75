//! Parameters out of queries and bodies: an ordered multimap, nothing dropped, nothing overwritten.

use std::borrow::Cow;

use memchr::memmem;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::multipart::{
    line_end, name_in, named_boundary, next_delimiter, own_boundary, split_head,
};
use crate::model::{ByteRange, Parameter, Place};

/// Beyond so many parameters the rest is kept as one, unread: no page has that many, and a hostile one may.
const MOST: usize = 65_536;
/// Beyond so many problems the rest is counted.
const MOST_PROBLEMS: usize = 50;
/// Bytes of a JSON path below which nothing more is taken apart.
const LONGEST_PATH: usize = 256;
/// How much of a text a problem shows, in characters.
const SHOWN: usize = 80;

/// Parameters in the order in which they stood, and what was wrong with them.
#[derive(Debug, Clone, Default)]
pub struct Parameters {
    pub list: Vec<Parameter>,
    problems: Vec<String>,
    more_problems: usize,
}

impl Parameters {
    pub fn first(&self, key: &str) -> Option<&str> {
        self.list
            .iter()
            .find(|parameter| parameter.key == key)
            .map(|parameter| parameter.value.as_str())
    }

    /// The first value of that key, unless it is empty.
    pub fn filled(&self, key: &str) -> Option<String> {
        self.first(key)
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
    }

    /// Bytes of all keys and values.
    pub fn bytes(&self) -> usize {
        self.list
            .iter()
            .map(|parameter| parameter.key.len() + parameter.value.len())
            .sum()
    }

    pub fn problem(&mut self, problem: impl Into<String>) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem.into());
        } else {
            self.more_problems += 1;
        }
    }

    /// What was wrong, in words.
    pub fn take_problems(&mut self) -> Vec<String> {
        let mut problems = std::mem::take(&mut self.problems);
        if self.more_problems > 0 {
            problems.push(format!("and {} more of the like", self.more_problems));
        }
        problems
    }

    pub fn add(&mut self, key: impl Into<String>, value: impl Into<String>, place: Place) {
        self.add_at(key, value, place, None);
    }

    fn add_at(
        &mut self,
        key: impl Into<String>,
        value: impl Into<String>,
        place: Place,
        at: Option<ByteRange>,
    ) {
        self.list.push(Parameter {
            key: key.into(),
            value: value.into(),
            place,
            at,
            meaning: None,
            decoded: None,
        });
    }

    /// Of a URL's query. `+` stays a plus there.
    pub fn take_query(&mut self, query: &str) {
        self.take_pairs(query, query.as_bytes(), Place::Query, false);
    }

    /// Of an `application/x-www-form-urlencoded` body, where `+` is a space.
    pub fn take_form(&mut self, body: &[u8]) {
        self.take_form_in(body, body);
    }

    /// Of a part of a body.
    pub fn take_form_in(&mut self, body: &[u8], part: &[u8]) {
        let text = self.text(part, "the body");
        let text = text.trim_end_matches(['\r', '\n']);
        self.take_pairs(text, body, Place::Form, true);
    }

    /// Of a `multipart/form-data` body.
    pub fn take_multipart(&mut self, body: &[u8], content_type: &str) {
        let Some(boundary) = self.boundary(content_type, body) else {
            self.problem("the multipart body has no boundary");
            return;
        };
        let delimiter = [b"--", boundary.as_slice()].concat();
        let finder = memmem::Finder::new(&delimiter);
        let mut closed = false;
        let mut rest = match next_delimiter(&finder, body) {
            Some(at) => &body[at + delimiter.len()..],
            // As an older build of the library sent its beacons.
            None => {
                self.problem("the body is said to be multipart and does not hold its boundary: it was read as a form");
                self.take_form(body);
                return;
            }
        };
        let line_end = line_end(rest);
        loop {
            if rest.starts_with(b"--") {
                closed = true;
                break;
            }
            if self.list.len() >= MOST {
                self.too_many(rest, Place::Multipart);
                return;
            }
            let (part, next) = match next_delimiter(&finder, rest) {
                Some(at) => (&rest[..at], Some(&rest[at + delimiter.len()..])),
                None => (rest, None),
            };
            let part = part.strip_prefix(line_end).unwrap_or(part);
            self.take_part(body, part.strip_suffix(line_end).unwrap_or(part), line_end);
            match next {
                Some(next) => rest = next,
                None => break,
            }
        }
        if !closed {
            self.problem("the multipart body is cut off");
        }
    }

    /// The named one, if the body holds it, else the body's own.
    fn boundary(&mut self, content_type: &str, body: &[u8]) -> Option<Vec<u8>> {
        let own = own_boundary(body);
        let Some(named) = named_boundary(content_type) else {
            return own;
        };
        let is_there = memmem::find(body, &[b"--", named.as_slice()].concat()).is_some();
        if !is_there && own.is_some() {
            self.problem("the body has another boundary than its content type names");
            return own;
        }
        Some(named)
    }

    fn take_part(&mut self, body: &[u8], part: &[u8], line_end: &[u8]) {
        let Some((head, value)) = split_head(part, line_end) else {
            self.problem("a part of the multipart body has no head");
            self.keep_unread(part, Place::Multipart);
            return;
        };
        let head = self.text(head, "a part's head").into_owned();
        let Some(name) = name_in(&head) else {
            self.problem("a part of the multipart body has no name");
            self.keep_unread(part, Place::Multipart);
            return;
        };
        let at = range_of(body, value);
        let value = self.text(value, name).into_owned();
        // Some recorders store names percent-encoded (`ie%5Ba%5D`), as urlencoded bodies have them.
        let name = if name.contains("%5B") || name.contains("%5b") {
            self.unescape(name, false)
        } else {
            name.to_owned()
        };
        self.add_at(name, value, Place::Multipart, at);
    }

    /// The leaves of a JSON body, each under its path (`context.page.url`, `contents[0].id`).
    pub fn take_json(&mut self, value: &Value) {
        self.take_leaf(String::new(), value);
    }

    fn take_leaf(&mut self, path: String, value: &Value) {
        if self.list.len() >= MOST {
            if self.list.len() == MOST {
                self.problem(format!(
                    "more than {MOST} parameters: the rest is not told apart"
                ));
                self.add(path, value.to_string(), Place::Json);
            }
            return;
        }
        match value {
            // A path that grew beyond reason is not multiplied by what lies under it.
            _ if path.len() > LONGEST_PATH => self.add(path, value.to_string(), Place::Json),
            Value::Object(members) if !members.is_empty() => {
                for (key, value) in members {
                    let path = if path.is_empty() {
                        key.clone()
                    } else {
                        format!("{path}.{key}")
                    };
                    self.take_leaf(path, value);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for (index, value) in items.iter().enumerate() {
                    self.take_leaf(format!("{path}[{index}]"), value);
                }
            }
            Value::String(text) => self.add(path, text.clone(), Place::Json),
            other => self.add(path, other.to_string(), Place::Json),
        }
    }

    /// `whole`: what the ranges are of; the text is a part of it, unless it had to be made readable.
    fn take_pairs(&mut self, text: &str, whole: &[u8], place: Place, plus_is_space: bool) {
        let pairs = memchr::memchr_iter(b'&', text.as_bytes()).count() + 1;
        // And a few that are added later; the whole of a hostile one need not fit at once.
        self.list.reserve(pairs.min(1024) + 4);
        let mut rest = text;
        while !rest.is_empty() {
            if self.list.len() >= MOST {
                self.too_many(rest.as_bytes(), place);
                return;
            }
            let (pair, next) = match memchr::memchr(b'&', rest.as_bytes()) {
                Some(at) => (&rest[..at], &rest[at + 1..]),
                None => (rest, ""),
            };
            rest = next;
            if pair.is_empty() {
                continue;
            }
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let key = self.unescape(key, plus_is_space);
            let at = range_of(whole, value.as_bytes());
            let value = self.unescape(value, plus_is_space);
            self.add_at(key, value, place, at);
        }
    }

    fn too_many(&mut self, rest: &[u8], place: Place) {
        self.problem(format!(
            "more than {MOST} parameters: the rest is kept as one, unread"
        ));
        self.keep_unread(rest, place);
    }

    /// What is no parameter, and was sent all the same.
    pub fn keep_unread(&mut self, bytes: &[u8], place: Place) {
        if !bytes.is_empty() {
            self.add("", String::from_utf8_lossy(bytes), place);
        }
    }

    /// Escapes that are none stay as they stand.
    fn unescape(&mut self, text: &str, plus_is_space: bool) -> String {
        let text = if plus_is_space && memchr::memchr(b'+', text.as_bytes()).is_some() {
            Cow::Owned(text.replace('+', " "))
        } else {
            Cow::Borrowed(text)
        };
        if memchr::memchr(b'%', text.as_bytes()).is_none() {
            return text.into_owned();
        }
        let bytes: Cow<[u8]> = percent_decode_str(&text).into();
        if let Some(broken) = broken_escape(&text) {
            self.problem(format!(
                "`{}` is no percent escape, in `{}`",
                shortened(broken),
                shortened(&text)
            ));
        }
        match String::from_utf8(bytes.into_owned()) {
            Ok(text) => text,
            Err(error) => {
                self.problem(format!("`{}` does not decode to UTF-8", shortened(&text)));
                String::from_utf8_lossy(error.as_bytes()).into_owned()
            }
        }
    }

    fn text<'a>(&mut self, bytes: &'a [u8], what: &str) -> Cow<'a, str> {
        let text = String::from_utf8_lossy(bytes);
        if let Cow::Owned(_) = text {
            self.problem(format!("{} is not UTF-8", shortened(what)));
        }
        text
    }
}

/// Where a part of some bytes stands in them; nothing, if it is no part of them, or empty.
fn range_of(whole: &[u8], part: &[u8]) -> Option<ByteRange> {
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let end = start.checked_add(part.len())?;
    let inside = !part.is_empty() && end <= whole.len();
    inside.then_some(ByteRange {
        start: start as u64,
        end: end as u64,
    })
}

/// The first escape of a text that is none (`%zz`, `%4`).
fn broken_escape(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let broken = memchr::memchr_iter(b'%', bytes).find(|at| {
        let digits = bytes.get(at + 1..at + 3);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })?;
    text.get(broken..broken + 3)
        .or_else(|| text.get(broken..=broken))
}

fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN) {
        None => Cow::Borrowed(text),
        Some((at, _)) => Cow::Owned(format!("{}…", &text[..at])),
    }
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
    fn a_range_is_where_the_value_stands() {
        let query = "id=1&&dl=https%3A%2F%2Fa.example&cd[x]=&q=a+b";
        let mut parameters = Parameters::default();
        parameters.take_query(query);
        let raw = |parameter: &Parameter, text: &str| {
            let at = parameter.at?;
            Some(text[at.start as usize..at.end as usize].to_owned())
        };
        let found: Vec<_> = parameters.list.iter().map(|p| raw(p, query)).collect();
        assert_eq!(
            found,
            [
                Some("1".to_owned()),
                Some("https%3A%2F%2Fa.example".to_owned()),
                None,
                Some("a+b".to_owned())
            ]
        );
        let body = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--B\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\ntwo\r\n--B--\r\n";
        let mut parameters = Parameters::default();
        parameters.take_multipart(body.as_bytes(), "multipart/form-data; boundary=B");
        let found: Vec<_> = parameters.list.iter().map(|p| raw(p, body)).collect();
        assert_eq!(found, [Some("one".to_owned()), Some("two".to_owned())]);
        // Made readable, it stands nowhere as it is.
        let mut parameters = Parameters::default();
        parameters.take_form(b"a=\xff&b=2");
        assert!(parameters.list.iter().all(|p| p.at.is_none()));
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
        assert_eq!(
            parameters.problems,
            ["`%zz` is no percent escape, in `%zz`"]
        );
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

    #[test]
    fn a_boundary_inside_a_value_ends_nothing_and_encoded_names_are_decoded() {
        let body = "--B\r\nContent-Disposition: form-data; name=\"ie%5Ba%5D\"\r\n\r\n1 --B 2--B--\r\n--B2\r\n--B--";
        let mut parameters = Parameters::default();
        parameters.take_multipart(body.as_bytes(), "multipart/form-data; boundary=B");
        assert_eq!(pairs(&parameters), [("ie[a]", "1 --B 2--B--\r\n--B2")]);
        assert!(parameters.problems.is_empty(), "{:?}", parameters.problems);
    }

    #[test]
    fn a_multipart_without_its_boundary_is_read_as_what_it_is() {
        let mut parameters = Parameters::default();
        parameters.take_multipart(b"id=1&ev=Lead", "multipart/form-data; boundary=B");
        assert_eq!(pairs(&parameters), [("id", "1"), ("ev", "Lead")]);
        assert_eq!(parameters.problems.len(), 1);
        let mut parameters = Parameters::default();
        let body = b"--X\r\nContent-Disposition: form-data; name=id\r\n\r\n1\r\n--X--";
        parameters.take_multipart(body, "multipart/form-data; boundary=B");
        assert_eq!(pairs(&parameters), [("id", "1")]);
        assert_eq!(parameters.problems.len(), 1);
    }

    #[test]
    fn json_leaves_stand_under_their_paths() {
        let mut parameters = Parameters::default();
        let value = serde_json::json!({"a": {"b": [1, {"c": "x"}]}, "fb.fbp": null, "e": {}});
        parameters.take_json(&value);
        assert_eq!(
            pairs(&parameters),
            [
                ("a.b[0]", "1"),
                ("a.b[1].c", "x"),
                ("fb.fbp", "null"),
                ("e", "{}")
            ]
        );
    }

    #[test]
    fn more_parameters_than_any_page_has_are_kept_and_not_told_apart() {
        let mut parameters = Parameters::default();
        parameters.take_query(&"a&".repeat(MOST + 10));
        assert_eq!(parameters.list.len(), MOST + 1);
        assert_eq!(parameters.list[MOST].value, "a&".repeat(10));
        for _ in 0..100 {
            parameters.problem("x");
        }
        let problems = parameters.take_problems();
        assert_eq!(problems.len(), MOST_PROBLEMS + 1);
        assert_eq!(problems[MOST_PROBLEMS], "and 51 more of the like");
    }
}
