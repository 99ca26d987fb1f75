//! The tree of what a value decodes to: at each node what can be undone is undone, as far as it looks like it.

use super::coding::{Coding, class};
use super::decoders;
use super::reader::{At, Edge, Reader};
use super::search::Range;

/// Encodings on top of each other that are undone; a text among other bytes counts as one.
pub const DEEPEST: usize = 6;
/// Tokens of one text that are taken for something encoded.
const MOST_TOKENS: usize = 20_000;
/// Bytes that one compressed text may come to.
const MOST_INFLATED: usize = 16 << 20;
/// Characters that one text of `lz-string` may come to.
const MOST_TEXT: usize = 1 << 20;
/// Longer texts are not looked at turned round or by 13, and longer tokens not in pieces.
const LONGEST_TURNED: usize = 4096;
/// Longer binary texts are not searched for the bytes of digests, and what text is in them for ASCII alone.
const LONGEST_BINARY: usize = 16_384;

/// A value, or what it decodes to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    pub bytes: &'a [u8],
    /// Encodings that were undone so far.
    depth: usize,
    /// Where it stands in the text that was decoded last.
    offset: usize,
    /// Of which classes any byte is.
    pub any: u16,
    /// Of which all are.
    pub all: u16,
}

impl<'a> Node<'a> {
    pub fn new(bytes: &'a [u8], depth: usize, offset: usize) -> Node<'a> {
        let (any, all) = classes(bytes);
        Node {
            bytes,
            depth,
            offset,
            any,
            all,
        }
    }

    fn has(&self, class: u16) -> bool {
        self.any & class != 0
    }

    fn is_all(&self, class: u16) -> bool {
        self.all & class != 0
    }

    /// So many bytes of it, as a node of its own.
    fn part(&self, start: usize, end: usize) -> Node<'a> {
        Node::new(&self.bytes[start..end], self.depth, self.offset + start)
    }

    /// Letters of both cases.
    fn is_mixed(&self) -> bool {
        self.has(class::UPPER) && self.has(class::LOWER)
    }
}

/// Of which classes any byte is, and of which all are.
fn classes(bytes: &[u8]) -> (u16, u16) {
    bytes.iter().fold((0, u16::MAX), |(any, all), byte| {
        let class = class::OF[usize::from(*byte)];
        (any | class, all & class)
    })
}

impl Reader<'_> {
    /// Looks through a text that is not made of parts, and through what it decodes to.
    pub(super) fn visit(&mut self, bytes: &[u8], depth: usize, offset: usize) {
        if bytes.len() < 3 {
            return;
        }
        let node = Node::new(bytes, depth, offset);
        self.match_here(&node);
        if bytes.len() < 8 || depth >= DEEPEST {
            return;
        }
        let characters = if node.has(class::HIGH) {
            std::str::from_utf8(bytes).ok()
        } else {
            None
        };
        let is_text = !node.has(class::CONTROL) && (!node.has(class::HIGH) || characters.is_some());
        if is_text {
            self.escaped(&node);
            self.tokens(&node);
        } else if depth == 0 || bytes.len() >= 64 {
            // What merely looks like an encoding decodes to a few bytes of anything: not worth another look.
            self.texts(&node);
        }
        if let Some(characters) = characters {
            if let Some(bytes) = decoders::latin1(characters) {
                self.child(&node, &bytes, Coding::Latin1);
            }
            for (text, coding) in decoders::lz_characters(characters, self.most_text()) {
                self.child(&node, &text, coding);
            }
        }
        if node.has(class::CONTROL | class::HIGH) {
            self.binary(&node);
        }
    }

    /// Bytes that the next decoder may give.
    fn most(&self) -> usize {
        self.bytes.min(MOST_INFLATED)
    }

    /// As [`Self::most`], before so much was taken off.
    fn most_before(&self, taken: usize) -> usize {
        (self.bytes + taken).min(MOST_INFLATED)
    }

    /// Bytes that `lz-string` may give: its decoder is tried on much that is none.
    fn most_text(&self) -> usize {
        self.most().min(MOST_TEXT)
    }

    /// Goes on with what all of a node decodes to.
    pub(super) fn child(&mut self, of: &Node, text: &[u8], coding: Coding) {
        self.child_of(of, None, text, coding);
    }

    /// Goes on with what a token of a node decodes to; it begins and ends there.
    fn child_of(&mut self, of: &Node, token: Option<(usize, usize)>, text: &[u8], coding: Coding) {
        if text.len() < 3 || !self.may(text.len()) {
            return;
        }
        // As much came out as may: there is more.
        self.here.cut |= text.len() >= self.most_before(text.len());
        self.path
            .push((self.edge(of, token, coding), token.is_none()));
        self.structured(text, of.depth + 1, At::all(text));
        self.path.pop();
    }

    /// From where in the text that was decoded last it was taken, unless it was all of it.
    fn edge(&self, of: &Node, token: Option<(usize, usize)>, coding: Coding) -> Edge {
        let of_part = matches!(self.path[self.base..].last(), Some((Edge::Part(..), _)));
        if token.is_none() && !of_part {
            return Edge::Coding(coding, None);
        }
        let (start, end) = token.unwrap_or((0, of.bytes.len()));
        let from = Range {
            start: of.offset + start,
            end: of.offset + end,
        };
        Edge::Coding(coding, Some(from))
    }

    /// Texts with escapes in them.
    fn escaped(&mut self, node: &Node) {
        let bytes = node.bytes;
        if node.has(class::PERCENT)
            && let Some(text) = decoders::percent(bytes)
        {
            self.child(node, &text, Coding::Percent);
        }
        if node.has(class::AMPERSAND)
            && let Some(text) = decoders::entities(bytes)
        {
            self.child(node, &text, Coding::Entities);
        }
        if node.has(class::BACKSLASH)
            && let Some(text) = decoders::escapes(bytes)
        {
            self.child(node, &text, Coding::Escapes);
        }
        // A long text without any other sign is no text that was typed.
        if node.is_all(class::BASE64) && bytes.len() > LONGEST_TURNED {
            return;
        }
        if node.has(class::PLUS) && self.search.has_spaces {
            let spaced = |byte: &u8| if *byte == b'+' { b' ' } else { *byte };
            let text: Vec<u8> = bytes.iter().map(spaced).collect();
            self.match_in(node, None, &text, Coding::Plus);
        }
        if self.search.has_digits && node.has(class::SEPARATOR) && node.has(class::DIGIT) {
            self.grouped_digits(node);
        }
    }

    /// What came out is matched, and not decoded on.
    fn match_in(&mut self, of: &Node, token: Option<(usize, usize)>, text: &[u8], coding: Coding) {
        if !self.may(text.len()) {
            return;
        }
        self.path
            .push((self.edge(of, token, coding), token.is_none()));
        self.match_here(&Node::new(text, of.depth + 1, 0));
        self.path.pop();
    }

    /// `+44 (7700) 900-123`
    fn grouped_digits(&mut self, node: &Node) {
        let is_in =
            |byte: u8| class::OF[usize::from(byte)] & (class::DIGIT | class::SEPARATOR) != 0;
        for (start, end) in runs(node.bytes, is_in) {
            let run = &node.bytes[start..end];
            if run.len() < 10 || run.len() > 64 {
                continue;
            }
            let digits = decoders::separators(run);
            if digits.len() >= 9 && digits.len() < run.len() {
                let token = (run.len() < node.bytes.len()).then_some((start, end));
                self.match_in(node, token, &digits, Coding::Separators);
            }
        }
    }

    /// Texts that stand among other bytes.
    fn texts(&mut self, node: &Node) {
        for (count, (start, end)) in texts(node.bytes).into_iter().enumerate() {
            if count > MOST_TOKENS || !self.may(end - start) {
                self.here.cut = true;
                return;
            }
            let at = At::from(node.offset + start, node.offset + end);
            self.in_part("text", b"", |reader| {
                reader.structured(&node.bytes[start..end], node.depth.max(1), at);
            });
        }
    }

    /// Runs of what encodings are made of.
    fn tokens(&mut self, node: &Node) {
        if node.is_all(class::BASE64) && padded_end(node.bytes) == node.bytes.len() {
            self.token(node, node, None);
        } else {
            let is_in = |byte: u8| class::OF[usize::from(byte)] & class::BASE64 != 0;
            let long = runs(node.bytes, is_in).filter(|(start, end)| end - start >= 8);
            for (count, (start, end)) in long.enumerate() {
                if count > MOST_TOKENS {
                    self.here.cut = true;
                    return;
                }
                self.tokens_between(node, start, end);
            }
        }
        self.turned(node);
    }

    /// Padding in the middle ends one token, and so does the sign between a name and its value.
    fn tokens_between(&mut self, node: &Node, mut start: usize, end: usize) {
        while start < end {
            let length = padded_end(&node.bytes[start..end]);
            if length >= 8 {
                self.token(node, &node.part(start, start + length), Some(start));
            }
            start += length;
        }
    }

    /// What one token of a node may be, which begins there unless it is all of it.
    fn token(&mut self, node: &Node, token: &Node, start: Option<usize>) {
        let text = token.bytes;
        let whole = start.is_none();
        let at = |from: usize, to: usize| {
            let part = from > 0 || to < text.len();
            (part || !whole).then_some((start.unwrap_or(0) + from, start.unwrap_or(0) + to))
        };
        let all = at(0, text.len());
        if token.is_all(class::HEX) {
            if text.len() >= 12
                && let Some((bytes, coding)) = decoders::hex(text)
            {
                self.child_of(node, all, &bytes, coding);
            }
            // Of digits of one case alone nothing else is made.
            if !token.is_mixed() {
                return;
            }
        }
        if !token.is_all(class::HEX) && text.len() <= LONGEST_TURNED {
            self.digests_in_hex(node, token, start.unwrap_or(0));
        }
        if token.has(class::JOINT) && text.len() <= LONGEST_TURNED {
            self.pieces(node, token, start.unwrap_or(0));
        }
        if whole || token.has(class::UPPER | class::DIGIT) {
            let end = padded_end(text);
            if end >= 8
                && let Some((bytes, coding)) = decoders::base64(&text[..end])
            {
                self.child_of(node, at(0, end), &bytes, coding);
            }
            // Something may stand right before it.
            if (16..=LONGEST_TURNED).contains(&end) && node.depth <= 1 && token.is_mixed() {
                for skipped in 1..4 {
                    if let Some((bytes, coding)) = decoders::base64(&text[skipped..end]) {
                        self.child_of(node, at(skipped, end), &bytes, coding);
                    }
                }
            }
        }
        let alone = whole || text.len() >= 16;
        if token.is_all(class::BASE32 | class::BASE32_LOWER)
            && text.len() >= 10
            && alone
            && let Some((bytes, coding)) = decoders::base32(text)
        {
            self.child_of(node, all, &bytes, coding);
        }
        let as_base58 = match whole {
            true => text.len() >= 8 && (token.has(class::DIGIT) || token.is_mixed()),
            false => token.has(class::DIGIT) && token.is_mixed(),
        };
        if token.is_all(class::BASE58)
            && as_base58
            && text.len() <= decoders::LONGEST_BASE58
            && let Some(bytes) = decoders::base58(text)
        {
            self.child_of(node, all, &bytes, Coding::Base58);
        }
        if token.is_mixed()
            && alone
            && let Some((text, coding)) = decoders::lz_symbols(text, self.most_text())
        {
            self.child_of(node, all, &text, coding);
        }
    }

    /// As many digits as a digest has, with something before or after them (`0x…`).
    fn digests_in_hex(&mut self, node: &Node, token: &Node, start: usize) {
        let is_in = |byte: u8| class::OF[usize::from(byte)] & class::HEX != 0;
        for (from, to) in runs(token.bytes, is_in) {
            if matches!(to - from, 32 | 40 | 48 | 56 | 64 | 96 | 128)
                && let Some((bytes, coding)) = decoders::hex(&token.bytes[from..to])
            {
                self.child_of(node, Some((start + from, start + to)), &bytes, coding);
            }
        }
    }

    /// Characters of Base64's alphabets stand between words, too (`key_YWJj`, `v1-61626364`).
    fn pieces(&mut self, node: &Node, token: &Node, start: usize) {
        let is_in = |byte: u8| class::OF[usize::from(byte)] & class::JOINT == 0;
        // Padding is none.
        let padding = token.bytes.iter().rev().take_while(|byte| **byte == b'=');
        let symbols = token.bytes.len() - padding.count();
        for (from, to) in runs(token.bytes, is_in) {
            if to - from < 8 || to - from == symbols {
                continue;
            }
            let piece = token.part(from, to);
            let decoded = if piece.is_all(class::HEX) {
                decoders::hex(piece.bytes)
            } else if piece.has(class::UPPER | class::DIGIT) && piece.bytes.len() >= 12 {
                decoders::base64(piece.bytes)
            } else {
                None
            };
            if let Some((bytes, coding)) = decoded {
                self.child_of(node, Some((start + from, start + to)), &bytes, coding);
            }
        }
    }

    /// Plain forms are looked for turned as they are; what is encoded, and then turned, is turned back.
    fn turned(&mut self, node: &Node) {
        let is_turned = |(edge, _): &(Edge, bool)| {
            matches!(edge, Edge::Coding(Coding::Reversed | Coding::Rot13, _))
        };
        let length = node.bytes.len();
        if !(12..=LONGEST_TURNED).contains(&length) || self.path[self.base..].iter().any(is_turned)
        {
            return;
        }
        let is_token = node.is_all(class::BASE64);
        if is_token || node.has(class::PERCENT) {
            let back = decoders::reversed(node.bytes);
            self.child(node, &back, Coding::Reversed);
        }
        if is_token && !node.is_all(class::HEX) && node.has(class::UPPER | class::LOWER) {
            let back = decoders::rot13(node.bytes);
            self.child(node, &back, Coding::Rot13);
        }
    }

    fn binary(&mut self, node: &Node) {
        let bytes = node.bytes;
        let most = self.most();
        if let Some(text) = decoders::gzip(bytes, most) {
            self.child(node, &text, Coding::Gzip);
        } else if let Some(text) = decoders::zlib(bytes, most) {
            self.child(node, &text, Coding::Zlib);
        } else if let Some((text, coding)) = decoders::utf16(bytes) {
            self.child(node, &text, coding);
        } else if self.decodes_whole() || bytes.len() >= 64 {
            if let Some(text) = decoders::deflate(bytes, most) {
                self.child(node, &text, Coding::Deflate);
            }
            for (text, coding) in decoders::lz_bytes(bytes, self.most_text()) {
                self.child(node, &text, coding);
            }
        }
        if bytes.len() <= LONGEST_BINARY {
            self.digests_within(bytes);
        }
        // Compressed text may stand after something else.
        if node.depth == 0 {
            let heads = memchr::memmem::find_iter(bytes, &[0x1f, 0x8b, 8]);
            for start in heads.filter(|start| *start > 0).take(8) {
                if let Some(text) = decoders::gzip(&bytes[start..], self.most()) {
                    self.child_of(node, Some((start, bytes.len())), &text, Coding::Gzip);
                }
            }
        }
    }

    /// Each encoding up to here was of all that there was.
    fn decodes_whole(&self) -> bool {
        let is_part = |edge: &Edge| matches!(edge, Edge::Part(..));
        let path = &self.path[self.base..];
        path.iter().all(|(edge, whole)| *whole || is_part(edge))
    }
}

/// Where the symbols of Base64 end: after the padding that is in its middle. At least one byte is in it.
fn padded_end(token: &[u8]) -> usize {
    let Some(at) = memchr::memchr(b'=', token) else {
        return token.len();
    };
    let more = token[at..].iter().position(|byte| *byte != b'=');
    more.map_or(token.len(), |more| at + more)
}

/// Where texts of eight bytes or more begin and end, among other bytes.
fn texts(bytes: &[u8]) -> Vec<(usize, usize)> {
    let is_text = |byte: u8| class::OF[usize::from(byte)] & class::CONTROL == 0;
    let is_ascii = |byte: u8| class::OF[usize::from(byte)] & (class::CONTROL | class::HIGH) == 0;
    let long = |(start, end): &(usize, usize)| end - start >= 8 && end - start < bytes.len();
    if bytes.len() > LONGEST_BINARY {
        return runs(bytes, is_ascii).filter(long).collect();
    }
    let mut texts = Vec::new();
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        let valid = chunk.valid().as_bytes();
        let here = runs(valid, is_text).map(|(start, end)| (at + start, at + end));
        texts.extend(here.filter(long));
        at += valid.len() + chunk.invalid().len();
    }
    texts
}

/// Where runs of such bytes begin and end.
fn runs(bytes: &[u8], is_in: impl Fn(u8) -> bool) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + bytes[at..].iter().position(|byte| is_in(*byte))?;
        let length = bytes[start..].iter().position(|byte| !is_in(*byte));
        at = length.map_or(bytes.len(), |length| start + length);
        Some((start, at))
    })
}
