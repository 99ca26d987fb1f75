//! Texts that are made of parts: JSON, forms, addresses. Everything in them is handed on, names too, so that nothing is
//! looked over for being in the wrong place; and each part as it stands, so that its place is known to the byte.

use memchr::memchr;

/// Deeper levels of JSON are handed on as they stand.
const DEEPEST: usize = 64;
/// Values of one request that are tried as pieces of one.
pub const MOST_PIECES: usize = 64;

/// Where a part begins and ends.
pub type Span = (usize, usize);

/// What a text is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Json,
    /// `a=1&b=2`
    Form,
    /// An address with a query.
    Address,
    Plain,
}

/// By its beginning, and by what stands in it.
pub fn shape(text: &[u8]) -> Shape {
    let trimmed = text.trim_ascii();
    let next = || trimmed[1..].trim_ascii_start().first();
    match trimmed.first() {
        Some(b'{') if matches!(next(), Some(b'"' | b'}')) => return Shape::Json,
        Some(b'[')
            if matches!(
                next(),
                Some(b'{' | b'[' | b'"' | b']' | b'-' | b't' | b'f' | b'n' | b'0'..=b'9')
            ) =>
        {
            return Shape::Json;
        }
        Some(b'"') if trimmed.ends_with(b"\"") && trimmed.len() > 2 => return Shape::Json,
        None => return Shape::Plain,
        Some(_) => {}
    }
    let Some(equals) = memchr(b'=', text) else {
        return Shape::Plain;
    };
    if is_address(text) {
        return Shape::Address;
    }
    // The padding of Base64 is no form.
    let is_key = |key: &[u8]| {
        !key.is_empty()
            && key.len() <= 128
            && key
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_.-[]%:$~".contains(byte))
    };
    let value = &text[equals + 1..];
    let padding = value.iter().all(|byte| *byte == b'=');
    if is_key(&text[..equals]) && !padding {
        Shape::Form
    } else {
        Shape::Plain
    }
}

fn is_address(text: &[u8]) -> bool {
    let scheme = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    (scheme.starts_with(b"http://") || scheme.starts_with(b"https://"))
        && memchr(b'?', text).is_some()
}

/// A part of JSON: where it stands, and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Key,
    /// Between quotes, escapes not undone.
    String,
    /// A number or a word.
    Literal,
    /// What cannot be read as JSON, to the end.
    Rest,
}

/// One level that is open.
struct Level {
    /// Bytes of the path before it.
    path: usize,
    /// Nothing in an object.
    index: Option<usize>,
}

/// Hands on every part of a JSON text, with its path (`user.em`, `[0].v`) and where it stands. What is cut off or broken
/// is read as far as it goes, and its rest handed on.
pub fn json(text: &[u8], each: &mut dyn FnMut(&str, Part, usize, usize)) {
    let mut path = String::new();
    let mut levels: Vec<Level> = Vec::new();
    let mut at = 0;
    let mut key_next = false;
    loop {
        at += spaces(&text[at..]);
        let Some(&byte) = text.get(at) else {
            return;
        };
        match byte {
            b'{' | b'[' if levels.len() >= DEEPEST || path.len() > 512 => {
                each(&path, Part::Rest, at, text.len());
                return;
            }
            b'{' => {
                levels.push(Level {
                    path: path.len(),
                    index: None,
                });
                key_next = true;
                at += 1;
            }
            b'[' => {
                levels.push(Level {
                    path: path.len(),
                    index: Some(0),
                });
                path.push_str("[0]");
                at += 1;
            }
            b'}' | b']' => {
                let Some(level) = levels.pop() else {
                    each(&path, Part::Rest, at, text.len());
                    return;
                };
                path.truncate(level.path);
                key_next = false;
                at += 1;
            }
            b',' => {
                match levels.last_mut() {
                    Some(Level {
                        path: before,
                        index: Some(index),
                    }) => {
                        *index += 1;
                        path.truncate(*before);
                        path.push('[');
                        path.push_str(&index.to_string());
                        path.push(']');
                    }
                    Some(level) => {
                        path.truncate(level.path);
                        key_next = true;
                    }
                    // Objects one after the other, as some write them.
                    None => {}
                }
                at += 1;
            }
            b':' => {
                key_next = false;
                at += 1;
            }
            b'"' => {
                let end = string_end(&text[at + 1..]).map(|end| at + 1 + end);
                let stop = end.unwrap_or(text.len());
                if key_next {
                    if let Some(level) = levels.last() {
                        path.truncate(level.path);
                    }
                    if !path.is_empty() {
                        path.push('.');
                    }
                    let key = &text[at + 1..stop];
                    path.push_str(&String::from_utf8_lossy(&key[..key.len().min(128)]));
                    each(&path, Part::Key, at + 1, stop);
                    key_next = false;
                } else {
                    each(&path, Part::String, at + 1, stop);
                }
                at = stop + 1;
                if end.is_none() {
                    return;
                }
            }
            _ => {
                let length = text[at..]
                    .iter()
                    .position(|byte| {
                        matches!(byte, b',' | b'}' | b']' | b':' | b'"' | b'{' | b'[')
                            || byte.is_ascii_whitespace()
                    })
                    .unwrap_or(text.len() - at);
                let end = at + length.max(1);
                let literal = text[at..end]
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(byte));
                if !literal {
                    each(&path, Part::Rest, at, text.len());
                    return;
                }
                each(&path, Part::Literal, at, end);
                at = end;
            }
        }
    }
}

fn spaces(text: &[u8]) -> usize {
    text.iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count()
}

/// Bytes up to the quote that ends a string.
fn string_end(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let next = at + memchr::memchr2(b'"', b'\\', &text[at..])?;
        if text[next] == b'"' {
            return Some(next);
        }
        at = next + 2;
        if at > text.len() {
            return None;
        }
    }
}

/// Hands on the names and values of `a=1&b=2`, as they stand: name, then where the name and the value begin and end.
/// A name without a value has an empty one.
pub fn pairs(text: &[u8], each: &mut dyn FnMut(&[u8], Span, Span)) {
    let mut at = 0;
    while at <= text.len() {
        let end = memchr(b'&', &text[at..]).map_or(text.len(), |length| at + length);
        let pair = &text[at..end];
        if !pair.is_empty() {
            let equals = memchr(b'=', pair).unwrap_or(pair.len());
            let value = at + (equals + 1).min(pair.len());
            each(&pair[..equals], (at, at + equals), (value, end));
        }
        at = end + 1;
    }
}

/// An address that has a query: what stands before it, the query, and what stands after a `#`.
pub fn address(text: &[u8]) -> (Span, Span, Span) {
    let hash = memchr(b'#', text).unwrap_or(text.len());
    let mark = memchr(b'?', &text[..hash]).unwrap_or(hash);
    (
        (0, mark),
        ((mark + 1).min(hash), hash),
        ((hash + 1).min(text.len()), text.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<(String, Part, String)> {
        let mut parts = Vec::new();
        json(text.as_bytes(), &mut |path, part, start, end| {
            parts.push((path.to_owned(), part, text[start..end].to_owned()));
        });
        parts
    }

    #[test]
    fn every_part_of_json_has_its_path() {
        let values: Vec<(String, String)> =
            parts(r#"{"a": {"b": ["x", {"c": "y\"z"}], "d": 1.5}, "e": null}"#)
                .into_iter()
                .filter(|(_, part, _)| *part != Part::Key)
                .map(|(path, _, text)| (path, text))
                .collect();
        let expected = [
            ("a.b[0]", "x"),
            ("a.b[1].c", r#"y\"z"#),
            ("a.d", "1.5"),
            ("e", "null"),
        ];
        assert!(
            values
                .iter()
                .map(|(path, text)| (path.as_str(), text.as_str()))
                .eq(expected),
            "{values:?}"
        );
    }

    #[test]
    fn broken_json_is_read_as_far_as_it_goes_and_nothing_is_lost() {
        let last = |text: &str| parts(text).pop().unwrap();
        assert_eq!(
            last(r#"{"a":"cut o"#),
            ("a".into(), Part::String, "cut o".into())
        );
        assert_eq!(last(r#"{"a":1 (what?)"#).1, Part::Rest);
        let deep = format!("{}\"x\"", "[".repeat(100));
        assert_eq!(last(&deep).1, Part::Rest);
        assert!(last(&deep).2.ends_with("\"x\""));
    }

    #[test]
    fn shapes_are_known_by_their_beginning() {
        for (text, expected) in [
            (r#" {"a":1}"#, Shape::Json),
            ("[1]", Shape::Json),
            ("{%22a%22:1}", Shape::Plain),
            ("[what is this?", Shape::Plain),
            (r#""a string""#, Shape::Json),
            ("a=1&b=2", Shape::Form),
            ("udff%5Bem%5D=x", Shape::Form),
            ("YWJjZA==", Shape::Plain),
            ("https://a.example/?b=c", Shape::Address),
            ("https://a.example/b", Shape::Plain),
            ("what is = to this", Shape::Plain),
            ("", Shape::Plain),
        ] {
            assert_eq!(shape(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn pairs_and_addresses_are_cut_where_they_are() {
        let mut seen = Vec::new();
        let text = b"a=1&&flag&b==&=x";
        pairs(text, &mut |key, _, (start, end)| {
            seen.push((key.to_vec(), text[start..end].to_vec()))
        });
        let expected: [(&[u8], &[u8]); 4] =
            [(b"a", b"1"), (b"flag", b""), (b"b", b"="), (b"", b"x")];
        assert!(
            seen.iter()
                .map(|(key, value)| (&key[..], &value[..]))
                .eq(expected)
        );
        let text = "https://a.example/b?c=d#e";
        let (before, query, after) = address(text.as_bytes());
        assert_eq!(&text[before.0..before.1], "https://a.example/b");
        assert_eq!(&text[query.0..query.1], "c=d");
        assert_eq!(&text[after.0..after.1], "e");
    }
}
