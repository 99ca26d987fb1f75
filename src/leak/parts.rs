//! Looks through texts that are made of parts, part by part.

use super::coding::{Coding, class};
use super::decoders;
use super::normal::SHORTEST;
use super::reader::{At, Reader};
use super::structure::{self, Part, Shape, shape};
use super::tree::{DEEPEST, Node};

impl Reader<'_> {
    /// A text that is made of parts is looked through part by part.
    pub(super) fn structured(&mut self, bytes: &[u8], depth: usize, at: At) {
        if bytes.len() < 4 || self.path.len() > 3 * DEEPEST {
            return self.leaf(bytes, depth, at);
        }
        match shape(bytes) {
            // Bytes that merely begin like one of these.
            Shape::Json | Shape::Form | Shape::Address if !is_text(bytes) => {
                self.leaf(bytes, depth, at);
            }
            Shape::Json => self.json(bytes, depth, at),
            Shape::Form => self.pairs("form", bytes, depth, at),
            Shape::Address => self.address(bytes, depth, at),
            Shape::Plain => self.leaf(bytes, depth, at),
        }
    }

    fn json(&mut self, bytes: &[u8], depth: usize, at: At) {
        structure::json(bytes, &mut |path, part, start, end| {
            let text = &bytes[start..end];
            let at = at.part(start, end);
            let kind = if part == Part::Key {
                "json key"
            } else {
                "json"
            };
            if !self.may(text.len()) {
                return;
            }
            self.in_part(kind, path.as_bytes(), |reader| match part {
                // What is left is no JSON, and must not be taken for some again.
                Part::Literal | Part::Rest => reader.leaf(text, depth, at),
                Part::String | Part::Key => {
                    let unescaped = decoders::escapes(text);
                    reader.unescaped(text, unescaped.as_deref(), Coding::Escapes, depth, at);
                }
            });
        });
    }

    fn address(&mut self, bytes: &[u8], depth: usize, at: At) {
        let (before, query, after) = structure::address(bytes);
        for (kind, (start, end)) in [("address", before), ("fragment", after)] {
            let text = &bytes[start..end];
            if self.may(text.len()) {
                self.in_part(kind, b"", |reader| {
                    reader.leaf(text, depth, at.part(start, end))
                });
            }
        }
        self.pairs(
            "query",
            &bytes[query.0..query.1],
            depth,
            at.part(query.0, query.1),
        );
    }

    /// The names and values of a query or a form; lines of them, too.
    pub(super) fn pairs(&mut self, kind: &'static str, text: &[u8], depth: usize, at: At) {
        let name_kind = if kind == "query" {
            "query name"
        } else {
            "form name"
        };
        structure::pairs(text, &mut |key, (start, end), value| {
            let unescaped = decoders::percent(key);
            let key = unescaped.as_deref().unwrap_or(key);
            // Shorter ones hold nothing.
            if key.len() >= SHORTEST && self.may(key.len()) {
                let raw = &text[start..end];
                self.in_part(name_kind, b"", |reader| {
                    let at = at.part(start, end);
                    reader.unescaped(raw, unescaped.as_deref(), Coding::Percent, depth, at);
                });
            }
            let at = at.part(value.0, value.1);
            let value = &text[value.0..value.1];
            if !self.may(value.len()) {
                return;
            }
            self.in_part(kind, key, |reader| {
                let unescaped = decoders::percent(value);
                reader.unescaped(value, unescaped.as_deref(), Coding::Percent, depth, at);
            });
        });
    }

    /// A part's text with its escapes undone. Where the place is, that is how such places are written; inside a value it
    /// is a step.
    fn unescaped(&mut self, raw: &[u8], text: Option<&[u8]>, coding: Coding, depth: usize, at: At) {
        match text {
            None => self.structured(raw, depth, at),
            Some(text) if depth == 0 => self.structured(text, 0, at.decoded()),
            Some(text) => {
                let offset = at.range.map_or(0, |range| range.start);
                self.child(&Node::new(raw, depth, offset), text, coding);
            }
        }
    }
}

fn is_text(bytes: &[u8]) -> bool {
    let is_control = |byte: &u8| class::OF[usize::from(*byte)] & class::CONTROL != 0;
    !bytes.iter().any(is_control) && std::str::from_utf8(bytes).is_ok()
}
