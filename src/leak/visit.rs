//! The tree of what a value decodes to, and what of the canaries stands at each node.

use std::collections::HashMap;
use std::rc::Rc;

use aho_corasick::Input;

use super::decoders::{self, Coding, class};
use super::digest::{DigestMatch, SHORT};
use super::search::{Extent, Group, Hit, LONGEST_KEYS, Range, SHORTEST_PIECE, Search, part};
use super::step::{Step, StepKind};
use super::structure::{self, Part, Shape, shape};

/// Encodings on top of each other that are undone.
pub const DEEPEST: usize = 5;
/// Nodes for each request: no page needs so many, and a hostile one may.
const MOST_NODES: usize = 50_000;
/// Tokens of one text that are taken for something encoded.
const MOST_TOKENS: usize = 20_000;
/// Bytes that one compressed text may come to.
const MOST_INFLATED: usize = 16 << 20;
/// Longer texts are not looked at turned round or by 13, and are no numbers.
const LONGEST_TURNED: usize = 4096;
/// Bytes of a name that a place shows.
const LONGEST_NAME: usize = 128;
/// Values up to so many bytes are known again.
const LONGEST_KNOWN: usize = 1024;
/// So many of them; then it begins anew.
const MOST_KNOWN: usize = 16_384;
/// Bytes of a value that a hit holds.
const LONGEST_SHOWN: usize = 8192;
/// Values with numbered names that are put together, in one request.
const MOST_NUMBERED: usize = 256;

/// What was found in a value, relative to it.
#[derive(Debug, Clone)]
pub(super) struct Relative {
    pub form: u32,
    /// From the canary to the value.
    pub steps: Vec<Step>,
    pub extent: Extent,
    pub suspected: bool,
    /// All of the value.
    pub whole: bool,
    /// Where in the value, if it stands there as it is.
    pub at: Option<(usize, usize)>,
    /// It counts in a field that is named for it; the names that were come by inside the value.
    pub weak: Option<String>,
}

/// A step down the tree.
#[derive(Debug, Clone, Copy)]
pub(super) enum Edge {
    Coding(Coding),
    /// A part of a text: what the text is, and where its name begins in the names.
    Part(&'static str, usize),
}

/// Where a text stands in what carries it (a URL, a header, a body, a message).
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub range: Option<Range>,
    /// It stands there as it is, byte for byte.
    pub exact: bool,
}

impl At {
    /// Of a part of the text.
    fn part(self, start: usize, end: usize) -> At {
        match self.range {
            Some(range) if self.exact => At {
                range: Some(Range {
                    start: range.start + start,
                    end: range.start + end,
                }),
                exact: true,
            },
            _ => self,
        }
    }

    /// Of what it was decoded to.
    fn decoded(self) -> At {
        At {
            exact: false,
            ..self
        }
    }
}

/// Reads requests one after the other. Values that come again, as most do, are looked through once.
#[derive(Debug)]
pub struct Reader<'s> {
    pub(super) search: &'s Search,
    path: Vec<(Edge, bool)>,
    names: String,
    /// Of the path so much is the place.
    base: usize,
    found: Vec<Relative>,
    nodes: usize,
    bytes: usize,
    known: HashMap<Box<[u8]>, Rc<[Relative]>>,
    none: Rc<[Relative]>,
    pub(super) here: Gathered,
}

/// What was gathered from one request.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub hits: Vec<Hit>,
    /// Places and values that are the beginning or the end of something typed.
    pub pieces: Vec<(String, Vec<u8>)>,
    /// Places and values that may be a few keys of something typed.
    pub keys: Vec<(String, Vec<u8>)>,
    /// Places and values whose names are numbered.
    pub numbered: Vec<(String, Vec<u8>)>,
    /// Values that were looked through.
    pub values: usize,
    /// Something was left out for its size.
    pub cut: bool,
}

impl<'s> Reader<'s> {
    pub fn new(search: &'s Search) -> Reader<'s> {
        Reader {
            search,
            path: Vec::new(),
            names: String::new(),
            base: 0,
            found: Vec::new(),
            nodes: 0,
            bytes: 0,
            known: HashMap::new(),
            none: Rc::new([]),
            here: Gathered::default(),
        }
    }

    /// Allows for so much as a request of that size may need.
    pub(super) fn allow(&mut self, request: usize) {
        self.nodes = MOST_NODES;
        self.bytes = (8 * request + (4 << 20)).min(64 << 20);
    }

    /// A part of what carries it, in which other parts may be.
    pub(super) fn part(&mut self, kind: &'static str, name: &[u8], bytes: &[u8], at: At) {
        self.in_part(kind, name, |reader| reader.structured(bytes, 0, at));
    }

    /// A part that is what it is.
    pub(super) fn plain_part(&mut self, kind: &'static str, name: &[u8], bytes: &[u8], at: At) {
        self.in_part(kind, name, |reader| reader.leaf(bytes, 0, at));
    }

    pub(super) fn in_part(
        &mut self,
        kind: &'static str,
        name: &[u8],
        inside: impl FnOnce(&mut Self),
    ) {
        let start = self.names.len();
        match std::str::from_utf8(&name[..name.len().min(LONGEST_NAME)]) {
            Ok(name) => self.names.push_str(name),
            Err(_) => self.names.push_str(&String::from_utf8_lossy(
                &name[..name.len().min(LONGEST_NAME)],
            )),
        }
        self.path.push((Edge::Part(kind, start), false));
        inside(self);
        self.path.pop();
        self.names.truncate(start);
    }

    /// Where a part's name ends: where the next one's begins.
    fn name(&self, index: usize) -> &str {
        let Some((Edge::Part(_, start), _)) = self.path.get(index) else {
            return "";
        };
        let end = self.path[index + 1..]
            .iter()
            .find_map(|(edge, _)| match edge {
                Edge::Part(_, next) => Some(*next),
                Edge::Coding(_) => None,
            })
            .unwrap_or(self.names.len());
        &self.names[*start..end]
    }

    /// `form:udff[em]`
    fn place(&self) -> String {
        let mut place = String::new();
        for (index, (edge, _)) in self.path[..self.base].iter().enumerate() {
            let Edge::Part(kind, _) = edge else {
                continue;
            };
            if !place.is_empty() {
                place.push_str(" › ");
            }
            place.push_str(kind);
            let name = self.name(index);
            if !name.is_empty() && !(name.starts_with('[') && *kind != "json") {
                place.push(':');
            }
            place.push_str(name);
        }
        place
    }

    /// A value that is not made of parts, or is not looked at so.
    fn leaf(&mut self, bytes: &[u8], depth: usize, at: At) {
        if depth > 0 {
            return self.visit(bytes, depth);
        }
        self.base = self.path.len();
        self.here.values += 1;
        self.gather(bytes);
        if bytes.len() < 3 {
            return;
        }
        let found = if bytes.len() > LONGEST_KNOWN {
            self.visit(bytes, 0);
            std::mem::take(&mut self.found).into()
        } else if let Some(found) = self.known.get(bytes) {
            found.clone()
        } else {
            self.visit(bytes, 0);
            let found: Rc<[Relative]> = if self.found.is_empty() {
                self.none.clone()
            } else {
                self.found.drain(..).collect()
            };
            if self.known.len() >= MOST_KNOWN {
                self.known.clear();
            }
            self.known.insert(bytes.into(), found.clone());
            found
        };
        for found in best(&found) {
            self.hit(found, bytes, at);
        }
    }

    /// What is found in a value, at this place.
    fn hit(&mut self, found: &Relative, bytes: &[u8], at: At) {
        let canary = self.search.canary_of(found.form);
        let place = self.place();
        if let Some(inside) = &found.weak {
            let kind = &self.search.canaries[canary].kind;
            if !is_named_for(kind, &format!("{place} {inside}")) {
                return;
            }
        }
        let range = match (found.at, at.range) {
            (Some((start, end)), Some(range)) if at.exact => Some(Range {
                start: range.start + start,
                end: range.start + end,
            }),
            _ => at.range,
        };
        self.here.hits.push(Hit {
            canary,
            place,
            steps: found.steps.clone(),
            suspected: found.suspected,
            extent: found.extent,
            range,
            value: bytes[..bytes.len().min(LONGEST_SHOWN)].to_vec(),
            whole: found.whole,
        });
    }

    /// What may be a piece of something, with others.
    fn gather(&mut self, bytes: &[u8]) {
        let search = self.search;
        if bytes.is_empty() || bytes.len() > LONGEST_KNOWN {
            return;
        }
        if bytes.len() <= LONGEST_KEYS {
            let keys = bytes.to_ascii_lowercase();
            if search.keys.contains(&keys) {
                let place = self.place();
                self.here.keys.push((place, bytes.to_vec()));
            }
        }
        if bytes.len() >= SHORTEST_PIECE && bytes.len() <= 128 {
            let first = [bytes[0].to_ascii_lowercase(), bytes[1].to_ascii_lowercase()];
            if search.pieces.contains(&first) {
                let lower = bytes.to_ascii_lowercase();
                if search.beginnings.contains_key(&lower) || search.ends.contains_key(&lower) {
                    let place = self.place();
                    self.here.pieces.push((place, bytes.to_vec()));
                }
            }
        }
        if bytes.len() >= 4
            && self.here.numbered.len() < MOST_NUMBERED
            && self.names.bytes().any(|byte| byte.is_ascii_digit())
        {
            let place = self.place();
            self.here.numbered.push((place, bytes.to_vec()));
        }
    }

    /// Values of one request as if they were one.
    pub(super) fn joined(&mut self, place: &str, bytes: &[u8], pieces: usize) {
        self.base = 0;
        self.visit(bytes, 0);
        let found = std::mem::take(&mut self.found);
        for found in best(&found) {
            if found.weak.is_some() || found.suspected {
                continue;
            }
            self.here.hits.push(Hit {
                canary: self.search.canary_of(found.form),
                place: place.to_owned(),
                steps: found.steps.clone(),
                suspected: false,
                extent: Extent::Split { pieces },
                range: None,
                value: bytes[..bytes.len().min(LONGEST_SHOWN)].to_vec(),
                whole: found.whole,
            });
        }
    }

    fn visit(&mut self, bytes: &[u8], depth: usize) {
        if bytes.len() < 3 {
            return;
        }
        let (any, all) = classes(bytes);
        self.match_here(bytes, depth, any, all);
        if bytes.len() < 8 || depth >= DEEPEST {
            return;
        }
        let high = any & class::HIGH != 0;
        let characters = if high {
            std::str::from_utf8(bytes).ok()
        } else {
            None
        };
        let is_text = any & class::CONTROL == 0 && (!high || characters.is_some());
        if is_text {
            self.escaped(bytes, depth, any);
            self.tokens(bytes, depth, any, all);
        } else if depth == 0 || bytes.len() >= 64 {
            // What merely looks like an encoding decodes to a few bytes of anything: not worth another look.
            self.texts(bytes, depth);
        }
        if let Some(characters) = characters {
            if let Some(bytes) = decoders::latin1(characters) {
                self.child(&bytes, Coding::Latin1, true, depth);
            }
            for (text, coding) in decoders::lz_characters(characters, self.most()) {
                self.child(&text, coding, true, depth);
            }
        }
        if any & (class::CONTROL | class::HIGH) != 0 {
            self.binary(bytes, depth);
        }
    }

    fn most(&self) -> usize {
        self.bytes.min(MOST_INFLATED)
    }

    fn is_whole(&self) -> bool {
        self.path[self.base..].iter().all(|(_, whole)| *whole)
    }

    /// Goes on with what came out.
    fn child(&mut self, bytes: &[u8], coding: Coding, whole: bool, depth: usize) {
        if bytes.len() < 3 || !self.may(bytes.len()) {
            return;
        }
        self.path.push((Edge::Coding(coding), whole));
        self.structured(bytes, depth + 1, NOWHERE);
        self.path.pop();
    }

    fn may(&mut self, bytes: usize) -> bool {
        let may = self.nodes > 0 && self.bytes >= bytes;
        if may {
            self.nodes -= 1;
            self.bytes -= bytes;
        }
        self.here.cut |= !may;
        may
    }

    /// A text that is made of parts is looked through part by part.
    pub(super) fn structured(&mut self, bytes: &[u8], depth: usize, at: At) {
        if bytes.len() < 4 || self.path.len() > 3 * DEEPEST {
            return self.leaf(bytes, depth, at);
        }
        match shape(bytes) {
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
            if key.len() >= 8 && self.may(key.len()) {
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
            Some(text) => self.child(text, coding, true, depth),
        }
    }

    /// Texts with escapes in them.
    fn escaped(&mut self, bytes: &[u8], depth: usize, any: u16) {
        if any & class::PERCENT != 0
            && let Some(text) = decoders::percent(bytes)
        {
            self.child(&text, Coding::Percent, true, depth);
        }
        if any & class::AMPERSAND != 0
            && let Some(text) = decoders::entities(bytes)
        {
            self.child(&text, Coding::Entities, true, depth);
        }
        if any & class::BACKSLASH != 0
            && let Some(text) = decoders::escapes(bytes)
        {
            self.child(&text, Coding::Escapes, true, depth);
        }
        if any & class::PLUS != 0 && self.search.has_spaces {
            let text: Vec<u8> = bytes
                .iter()
                .map(|byte| if *byte == b'+' { b' ' } else { *byte })
                .collect();
            self.match_in(&text, Coding::Plus, true);
        }
        if self.search.has_digits && any & class::SEPARATOR != 0 && any & class::DIGIT != 0 {
            self.grouped_digits(bytes);
        }
    }

    /// Each encoding up to here was of all that there was.
    fn decodes_whole(&self) -> bool {
        let is_part = |edge: &Edge| matches!(edge, Edge::Part(..));
        self.path[self.base..]
            .iter()
            .all(|(edge, whole)| *whole || is_part(edge))
    }

    /// What came out is matched, and not decoded on.
    fn match_in(&mut self, bytes: &[u8], coding: Coding, whole: bool) {
        if !self.may(bytes.len()) {
            return;
        }
        self.path.push((Edge::Coding(coding), whole));
        let (any, all) = classes(bytes);
        self.match_here(bytes, 1, any, all);
        self.path.pop();
    }

    /// `+44 (7700) 900-123`
    fn grouped_digits(&mut self, bytes: &[u8]) {
        let is_in =
            |byte: u8| class::OF[usize::from(byte)] & (class::DIGIT | class::SEPARATOR) != 0;
        for run in bytes.split(|byte| !is_in(*byte)) {
            if run.len() < 10 || run.len() > 64 {
                continue;
            }
            let digits = decoders::separators(run);
            if digits.len() >= 9 && digits.len() < run.len() {
                self.match_in(&digits, Coding::Separators, run.len() == bytes.len());
            }
        }
    }

    /// Texts that stand among other bytes.
    fn texts(&mut self, bytes: &[u8], depth: usize) {
        let is_in = |byte: &u8| class::OF[usize::from(*byte)] & class::CONTROL == 0;
        let mut count = 0;
        for run in bytes.split(|byte| !is_in(byte)) {
            if run.len() < 8 || run.len() == bytes.len() {
                continue;
            }
            count += 1;
            if count > MOST_TOKENS || !self.may(run.len()) {
                self.here.cut = true;
                return;
            }
            self.in_part("text", b"", |reader| {
                reader.structured(run, depth.max(1), NOWHERE)
            });
        }
    }

    /// Runs of what encodings are made of.
    fn tokens(&mut self, bytes: &[u8], depth: usize, any: u16, all: u16) {
        if all & class::BASE64 != 0 {
            self.token(bytes, any, all, true, depth);
            return self.turned(bytes, any, all, depth);
        }
        let mut start = 0;
        let mut count = 0;
        while start < bytes.len() {
            let is_in = |byte: &u8| class::OF[usize::from(*byte)] & class::BASE64 != 0;
            let Some(skipped) = bytes[start..].iter().position(is_in) else {
                return;
            };
            start += skipped;
            let length = bytes[start..]
                .iter()
                .position(|byte| !is_in(byte))
                .unwrap_or(bytes.len() - start);
            if length >= 8 {
                count += 1;
                if count > MOST_TOKENS {
                    self.here.cut = true;
                    return;
                }
                let token = &bytes[start..start + length];
                let (any, all) = classes(token);
                self.token(token, any, all, false, depth);
            }
            start += length;
        }
        // What a reversal or rot13 made of an encoding with other characters in it.
        if bytes.len() <= LONGEST_TURNED {
            self.turned(bytes, any, all, depth);
        }
    }

    fn token(&mut self, token: &[u8], any: u16, all: u16, whole: bool, depth: usize) {
        if all & class::HEX != 0 {
            if token.len() >= 12
                && let Some((bytes, coding)) = decoders::hex(token)
            {
                self.child(&bytes, coding, whole, depth);
            }
            // Of digits of one case alone nothing else is made.
            if any & class::UPPER == 0 || any & class::LOWER == 0 {
                return;
            }
        }
        if any & class::JOINT != 0 {
            self.pieces(token, depth);
        }
        let mixed = any & class::UPPER != 0 && any & class::LOWER != 0;
        if whole || any & (class::UPPER | class::DIGIT) != 0 {
            let symbols = match memchr::memchr2(b'=', b'$', token) {
                Some(at) => {
                    let end = token[at..]
                        .iter()
                        .position(|byte| *byte != b'=')
                        .map_or(token.len(), |more| at + more);
                    &token[..end]
                }
                None => token,
            };
            let is_all = whole && symbols.len() == token.len();
            if symbols.len() >= 8
                && let Some((bytes, coding)) = decoders::base64(symbols)
            {
                self.child(&bytes, coding, is_all, depth);
                // Something may stand right before it.
                if symbols.len() >= 16 && symbols.len() <= LONGEST_TURNED && depth <= 1 && mixed {
                    for skipped in 1..4 {
                        if let Some((bytes, coding)) = decoders::base64(&symbols[skipped..]) {
                            self.child(&bytes, coding, false, depth);
                        }
                    }
                }
            }
        }
        if (all & (class::BASE32 | class::BASE32_LOWER) != 0)
            && token.len() >= 10
            && (whole || token.len() >= 16)
            && let Some((bytes, coding)) = decoders::base32(token)
        {
            self.child(&bytes, coding, whole, depth);
        }
        if all & class::BASE58 != 0
            && any & class::DIGIT != 0
            && mixed
            && token.len() <= decoders::LONGEST_BASE58
            && let Some(bytes) = decoders::base58(token)
        {
            self.child(&bytes, Coding::Base58, whole, depth);
        }
        if mixed
            && (whole || token.len() >= 16)
            && let Some((text, coding)) = decoders::lz_symbols(token, self.most())
        {
            self.child(&text, coding, whole, depth);
        }
    }

    /// Characters of Base64's alphabets stand between words, too (`key_YWJj`, `v1-61626364`).
    fn pieces(&mut self, token: &[u8], depth: usize) {
        let joint = |byte: &u8| class::OF[usize::from(*byte)] & class::JOINT != 0;
        for piece in token.split(joint) {
            if piece.len() < 8 || piece.len() == token.len() {
                continue;
            }
            let (any, all) = classes(piece);
            if all & class::HEX != 0 {
                if let Some((bytes, coding)) = decoders::hex(piece) {
                    self.child(&bytes, coding, false, depth);
                }
            } else if any & (class::UPPER | class::DIGIT) != 0
                && piece.len() >= 12
                && let Some((bytes, coding)) = decoders::base64(piece)
            {
                self.child(&bytes, coding, false, depth);
            }
        }
    }

    /// Plain forms are looked for turned as they are; what is encoded, and then turned, is turned back.
    fn turned(&mut self, bytes: &[u8], any: u16, all: u16, depth: usize) {
        let is_turned =
            |edge: &Edge| matches!(edge, Edge::Coding(Coding::Reversed | Coding::Rot13));
        if depth > 2
            || bytes.len() < 12
            || bytes.len() > LONGEST_TURNED
            || self.path[self.base..]
                .iter()
                .any(|(edge, _)| is_turned(edge))
        {
            return;
        }
        let is_hex = all & class::HEX != 0;
        let is_token = all & class::BASE64 != 0;
        if is_token || any & class::PERCENT != 0 {
            let back = decoders::reversed(bytes);
            self.child(&back, Coding::Reversed, true, depth);
        }
        if is_token && !is_hex && any & (class::UPPER | class::LOWER) != 0 {
            let back = decoders::rot13(bytes);
            self.child(&back, Coding::Rot13, true, depth);
        }
    }

    fn binary(&mut self, bytes: &[u8], depth: usize) {
        let most = self.most();
        if let Some(text) = decoders::gzip(bytes, most) {
            self.child(&text, Coding::Gzip, true, depth);
        } else if let Some(text) = decoders::zlib(bytes, most) {
            self.child(&text, Coding::Zlib, true, depth);
        } else if let Some((text, coding)) = decoders::utf16(bytes) {
            self.child(&text, coding, true, depth);
        } else if self.decodes_whole() || bytes.len() >= 64 {
            if let Some(text) = decoders::deflate(bytes, most) {
                self.child(&text, Coding::Deflate, true, depth);
            }
            for (text, coding) in decoders::lz_bytes(bytes, most) {
                self.child(&text, coding, true, depth);
            }
        }
        if bytes.len() <= LONGEST_TURNED * 4 {
            self.digests_within(bytes);
        }
        // Compressed text may stand after something else.
        if depth == 0 {
            for at in memchr::memmem::find_iter(bytes, &[0x1f, 0x8b, 8])
                .filter(|at| *at > 0)
                .take(8)
            {
                if let Some(text) = decoders::gzip(&bytes[at..], self.most()) {
                    self.child(&text, Coding::Gzip, false, depth);
                }
            }
        }
    }

    /// The bytes of digests, among others.
    fn digests_within(&mut self, bytes: &[u8]) {
        for start in 0..bytes.len().saturating_sub(15) {
            if let Some((found, length)) = self.search.digests.find_at(&bytes[start..])
                && length < bytes.len()
            {
                self.take_digest(found, false, Some((start, start + length)));
            }
        }
    }

    fn take_digest(&mut self, found: DigestMatch, whole: bool, at: Option<(usize, usize)>) {
        let form = &self.search.forms[found.form];
        let steps = form.steps.iter().cloned().chain(found.steps).collect();
        let extent = match found.part {
            Some(characters) => Extent::Part {
                characters,
                of: form.text.chars().count(),
            },
            None => Extent::Whole,
        };
        self.take(found.form as u32, steps, extent, whole, at, None);
    }

    /// What of the canaries stands in a node.
    fn match_here(&mut self, bytes: &[u8], depth: usize, any: u16, all: u16) {
        let search = self.search;
        if bytes.len() < 64
            && search.weak_lengths & 1 << bytes.len() != 0
            && let Some(&form) = search.weak.get(bytes)
        {
            let steps = search.forms[form as usize].steps.clone();
            let names: Vec<&str> = (self.base..self.path.len())
                .map(|index| self.name(index))
                .collect();
            let names = names.join(" ");
            self.take(
                form,
                steps,
                Extent::Whole,
                true,
                Some((0, bytes.len())),
                Some(names),
            );
        }
        let last = self.path.last();
        if bytes.len() <= 11 && matches!(last, None | Some((Edge::Part(..), _))) {
            self.match_number(bytes, any, all);
        }
        if (8..=64).contains(&bytes.len())
            && let Some(found) = search.digests.find(bytes)
        {
            self.take_digest(found, true, None);
        }
        let Some(anchors) = &search.anchors else {
            return;
        };
        let mut from = 0;
        while let Some(anchor) = anchors.find(Input::new(bytes).span(from..bytes.len())) {
            from = match self.match_at(bytes, anchor.start(), anchor.pattern().as_usize()) {
                Some(end) => end,
                None => anchor.start() + 1,
            };
        }
    }

    /// The longest form of those that begin so. Gives where it ends.
    fn match_at(&mut self, bytes: &[u8], start: usize, anchor: usize) -> Option<usize> {
        let search = self.search;
        let rest = &bytes[start..];
        let mut best: Option<(usize, &Group)> = None;
        let mut part_of: Option<(usize, &Group)> = None;
        for number in &search.by_anchor[anchor] {
            let group = &search.groups[*number as usize];
            let same = rest
                .iter()
                .zip(&group.lower)
                .take_while(|(byte, lower)| byte.to_ascii_lowercase() == **lower)
                .count();
            if same == group.lower.len() {
                if best.is_none_or(|(length, _)| same > length) {
                    best = Some((same, group));
                }
            } else if group.turned.is_none() && part_of.is_none_or(|(length, _)| same > length) {
                part_of = Some((same, group));
            }
        }
        if let Some((length, group)) = best {
            let end = start + length;
            let text = &bytes[start..end];
            let whole = start == 0 && end == bytes.len();
            let at = Some((start, end));
            let (form, case) = match group.turned {
                None => search.form_of(group, text),
                Some(_) => (group.forms[0], None),
            };
            let mut steps = search.forms[form as usize].steps.clone();
            if let Some(turned) = group.turned {
                steps = self.turned_steps(form, turned, text);
            }
            steps.extend(case);
            self.take(form, steps, Extent::Whole, whole, at, None);
            return Some(end);
        }
        let (mut length, group) = part_of?;
        // Not in the middle of a character.
        while length > 0
            && group
                .lower
                .get(length)
                .is_some_and(|byte| byte & 0xc0 == 0x80)
        {
            length -= 1;
        }
        let end = start + length;
        let is_word = |byte: Option<&u8>| {
            byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80)
        };
        let stands_alone = !is_word(start.checked_sub(1).and_then(|before| bytes.get(before)))
            && !is_word(bytes.get(end));
        if !stands_alone {
            return None;
        }
        let text = &bytes[start..end];
        let (form, case) = search.form_of(group, text);
        let found = &search.forms[form as usize];
        let characters = String::from_utf8_lossy(text).chars().count();
        // Of other letters in another case it may be chance.
        if found.least.is_none_or(|least| characters < least) || case.is_some() {
            return None;
        }
        let of = found.text.chars().count();
        let whole = start == 0 && end == bytes.len();
        self.take(
            form,
            part(found, characters),
            Extent::Part { characters, of },
            whole,
            Some((start, end)),
            None,
        );
        Some(end)
    }

    /// Which of the forms was turned.
    fn turned_steps(&self, form: u32, turned: Coding, text: &[u8]) -> Vec<Step> {
        let back = match turned {
            Coding::Reversed => decoders::reversed(text),
            _ => decoders::rot13(text),
        };
        let canary = self.search.canary_of(form);
        let exact = self
            .search
            .forms
            .iter()
            .find(|other| other.canary == canary && other.text.as_bytes() == back);
        let mut steps = exact.map_or_else(
            || self.search.forms[form as usize].steps.clone(),
            |form| form.steps.clone(),
        );
        steps.push(turned.step());
        steps
    }

    /// A hash of 32 bits, in digits.
    fn match_number(&mut self, bytes: &[u8], any: u16, all: u16) {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        let decimal = if any & class::DIGIT != 0 && any & class::LOWER == 0 {
            text.parse::<i64>().ok().and_then(|number| {
                u32::try_from(number)
                    .ok()
                    .or_else(|| i32::try_from(number).ok().map(|number| number as u32))
            })
        } else {
            None
        };
        let hex = if all & class::HEX != 0 && (7..=8).contains(&bytes.len()) {
            u32::from_str_radix(text, 16).ok()
        } else {
            None
        };
        for (number, name) in [(decimal, "decimal"), (hex, "hex")] {
            let Some(number) = number.filter(|number| *number > 0xffff) else {
                continue;
            };
            if let Some(&(form, algorithm)) = self.search.short.get(&number) {
                let mut steps = self.search.forms[form as usize].steps.clone();
                let (hash, _) = SHORT[usize::from(algorithm)];
                steps.push(Step {
                    make: None,
                    ..Step::normal(hash, "")
                });
                if name == "decimal" {
                    steps.push(Step {
                        make: None,
                        ..Step::normal("decimal", "")
                    });
                }
                self.take(
                    form,
                    steps,
                    Extent::Whole,
                    true,
                    Some((0, bytes.len())),
                    None,
                );
                if let Some(found) = self.found.last_mut() {
                    found.suspected = true;
                }
            }
        }
    }

    fn take(
        &mut self,
        form: u32,
        mut steps: Vec<Step>,
        extent: Extent,
        whole: bool,
        at: Option<(usize, usize)>,
        weak: Option<String>,
    ) {
        let digest = steps
            .last()
            .is_some_and(|step| step.kind == StepKind::Digest || step.name.ends_with("bytes"));
        for index in (self.base..self.path.len()).rev() {
            let step = match self.path[index].0 {
                // A digest is told in hex, if nothing else is said.
                Edge::Coding(Coding::Hex) if digest && index + 1 == self.path.len() => continue,
                Edge::Coding(coding) => coding.step(),
                Edge::Part(kind, _) => Step {
                    name: match self.name(index) {
                        "" => kind.into(),
                        name => format!("{kind}[{name}]").into(),
                    },
                    make: None,
                    undo: None,
                    kind: StepKind::Around,
                },
            };
            steps.push(step);
        }
        self.found.push(Relative {
            form,
            steps,
            extent,
            suspected: false,
            whole: whole && self.is_whole(),
            at: at.filter(|_| self.path.len() == self.base),
            weak,
        });
    }
}

/// Of which classes any byte is, and of which all are.
fn classes(bytes: &[u8]) -> (u16, u16) {
    bytes.iter().fold((0, u16::MAX), |(any, all), byte| {
        let class = class::OF[usize::from(*byte)];
        (any | class, all & class)
    })
}

/// Nothing that is decoded has a place of its own.
const NOWHERE: At = At {
    range: None,
    exact: false,
};

/// Of what was found of a canary in one value: all chains that differ, and parts only where there is no whole.
fn best(found: &[Relative]) -> Vec<&Relative> {
    let mut best: Vec<&Relative> = Vec::new();
    for one in found {
        let same = |other: &&Relative| {
            other.form == one.form
                && other.suspected == one.suspected
                && other
                    .steps
                    .iter()
                    .map(|step| &step.name)
                    .eq(one.steps.iter().map(|step| &step.name))
        };
        if !best.iter().any(same) {
            best.push(one);
        }
    }
    best
}

/// Words in the names of fields that hold values which are too common to count anywhere else.
fn is_named_for(kind: &str, names: &str) -> bool {
    let words: &[&str] = match kind {
        "date" => &[
            "db",
            "dob",
            "date",
            "birth",
            "bday",
            "birthday",
            "birthdate",
            "dateofbirth",
        ],
        "postcode" => &["zp", "zip", "zipcode", "post", "postal", "postcode", "plz"],
        "gender" => &["ge", "gen", "gender", "sex"],
        "name" => &[
            "fn",
            "ln",
            "name",
            "first",
            "last",
            "firstname",
            "lastname",
            "surname",
            "givenname",
            "familyname",
            "fname",
            "lname",
            "fullname",
        ],
        "email" => &["em", "email", "mail"],
        "phone" => &["ph", "phone", "tel", "telephone", "mobile"],
        _ => &[],
    };
    let lower = names.to_ascii_lowercase();
    lower
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| words.contains(&word))
        || (kind != "name"
            && words
                .iter()
                .any(|word| word.len() >= 5 && lower.contains(word)))
}
