//! The parts of a `multipart/form-data` body, as browsers write it and recorders mangle it.

use memchr::memmem;

/// One part, as it stands.
#[derive(Debug, Clone, Copy)]
pub struct MultipartPart<'a> {
    pub name: &'a str,
    /// Its headers: a file's name stands there.
    pub head: &'a [u8],
    pub value: &'a [u8],
}

/// A body that has its boundary.
#[derive(Debug, Clone)]
pub struct Multipart<'a> {
    pub parts: Vec<MultipartPart<'a>>,
    /// What stands before the first delimiter and after the last.
    pub outside: [&'a [u8]; 2],
}

/// The parts of a body that has its boundary; nothing where it has none. A part without a head is all value.
pub fn multipart_parts<'a>(body: &'a [u8], content_type: &str) -> Option<Multipart<'a>> {
    let named = named_boundary(content_type);
    let boundaries = [named, own_boundary(body)].into_iter().flatten();
    let boundary = boundaries
        .map(|boundary| [b"--", boundary.as_slice()].concat())
        .find(|delimiter| memmem::find(body, delimiter).is_some())?;
    let finder = memmem::Finder::new(&boundary);
    let first = next_delimiter(&finder, body)?;
    let mut rest = &body[first + boundary.len()..];
    let line_end = line_end(rest);
    let mut parts = Vec::new();
    let mut after: &[u8] = b"";
    loop {
        if let Some(end) = rest.strip_prefix(b"--") {
            after = end;
            break;
        }
        let next = next_delimiter(&finder, rest);
        let part = &rest[..next.unwrap_or(rest.len())];
        let part = part.strip_prefix(line_end).unwrap_or(part);
        let part = part.strip_suffix(line_end).unwrap_or(part);
        let (head, value) = split_head(part, line_end).unwrap_or((b"", part));
        let name = std::str::from_utf8(head).ok().and_then(name_in);
        parts.push(MultipartPart {
            name: name.unwrap_or_default(),
            head,
            value,
        });
        match next {
            Some(at) => rest = &rest[at + boundary.len()..],
            None => break,
        }
    }
    Some(Multipart {
        parts,
        outside: [&body[..first], after],
    })
}

/// As the content type names it.
pub(super) fn named_boundary(content_type: &str) -> Option<Vec<u8>> {
    let named = content_type.split(';').find_map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("boundary")
            .then(|| value.trim().trim_matches('"').as_bytes().to_vec())
    });
    named.filter(|boundary| !boundary.is_empty())
}

/// By the body's own first line.
pub(super) fn own_boundary(body: &[u8]) -> Option<Vec<u8>> {
    let line = body.split(|byte| *byte == b'\n').next()?;
    let boundary = line.trim_ascii_end().strip_prefix(b"--")?;
    (!boundary.is_empty()).then(|| boundary.to_vec())
}

/// A delimiter begins a line, and ends with it: a value may hold the same characters elsewhere.
pub(super) fn next_delimiter(finder: &memmem::Finder<'_>, body: &[u8]) -> Option<usize> {
    finder.find_iter(body).find(|at| {
        let before = at.checked_sub(1).map(|before| body[before]);
        let after = &body[at + finder.needle().len()..];
        matches!(before, None | Some(b'\n' | b'\r'))
            && (after.starts_with(b"--")
                || matches!(after.first(), None | Some(b'\r' | b'\n' | b' ' | b'\t')))
    })
}

/// How lines end in a body, by the one after its first delimiter: `\r\n`, or what a recorder made of it.
pub(super) fn line_end(after_delimiter: &[u8]) -> &'static [u8] {
    let ends: [&[u8]; 3] = [b"\r\r\n", b"\r\n", b"\n"];
    ends.into_iter()
        .find(|end| after_delimiter.starts_with(end))
        .unwrap_or(b"\r\n")
}

/// A part's head and its value, with an empty line between them.
pub(super) fn split_head<'a>(part: &'a [u8], line_end: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let gap = [line_end, line_end].concat();
    let at = memmem::find(part, &gap)?;
    Some((&part[..at], &part[at + gap.len()..]))
}

pub(super) fn name_in(head: &str) -> Option<&str> {
    let at = head.find(" name=").or_else(|| head.find(";name="))? + " name=".len();
    let rest = &head[at..];
    match rest.strip_prefix('"') {
        Some(quoted) => Some(&quoted[..quoted.find('"')?]),
        None => rest.split([';', '\r', '\n']).next().map(str::trim),
    }
}
