//! Reads requests: takes them apart along their structure, down to values, and looks through each value once.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use super::coding::{Coding, class};
use super::decoders;
use super::normal::SHORTEST;
use super::search::{Extent, Hit, LONGEST_KEYS, Range, SHORTEST_PIECE, Search};
use super::step::Step;
use super::structure::{self, Part, Shape, shape};
use super::tree::{DEEPEST, Node};

/// Nodes for each request, and one more for every few bytes of it: what is beyond is said not to have been searched.
const MOST_NODES: usize = 50_000;
const BYTES_A_NODE: usize = 4;
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
    /// What was undone, and where the text that it was undone in stood in the one that was decoded before, unless it was
    /// all of it.
    Coding(Coding, Option<Range>),
    /// A part of a text: what the text is, and where its name begins in the names.
    Part(&'static str, usize),
}

/// Where a text stands in what carries it (a URL, a header, a body, a message), or in the text that was decoded last.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub range: Option<Range>,
    /// It stands there as it is, byte for byte.
    pub exact: bool,
}

impl At {
    /// It is not known where.
    pub const NOWHERE: At = At {
        range: None,
        exact: false,
    };

    /// All of it.
    pub fn all(text: &[u8]) -> At {
        At::from(0, text.len())
    }

    pub fn from(start: usize, end: usize) -> At {
        At {
            range: Some(Range { start, end }),
            exact: true,
        }
    }

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
    pub fn decoded(self) -> At {
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
    pub(super) path: Vec<(Edge, bool)>,
    names: String,
    /// Of the path so much is the place.
    pub(super) base: usize,
    pub(super) found: Vec<Relative>,
    nodes: usize,
    pub(super) bytes: usize,
    /// Places whose name was told with the keys that stood there.
    places: HashSet<u64, BuildHasherDefault<DefaultHasher>>,
    known: HashMap<Box<[u8]>, Rc<[Relative]>>,
    none: Rc<[Relative]>,
    pub(super) here: Gathered,
}

/// A value that may be a few keys of something typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// Hash of where it stood, numbers aside.
    pub place: u64,
    /// Where it stood; told once by each reader.
    pub name: Option<String>,
    bytes: [u8; LONGEST_KEYS],
    length: usize,
}

impl Keys {
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// What was gathered from one request.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub hits: Vec<Hit>,
    /// Places and values that are the beginning or the end of something typed.
    pub pieces: Vec<(String, Vec<u8>)>,
    /// What may be a few keys of something typed.
    pub keys: Vec<Keys>,
    /// Places and values whose names are numbered.
    pub numbered: Vec<(String, Vec<u8>)>,
    /// Values that were looked through.
    pub values: usize,
    /// Something was left out for its size.
    pub cut: bool,
    /// All places and values, where they are wanted instead of a search.
    pub listed: Option<Vec<(String, Vec<u8>)>>,
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
            places: HashSet::default(),
            known: HashMap::new(),
            none: Rc::new([]),
            here: Gathered::default(),
        }
    }

    /// Allows for so much as a request of that size may need.
    pub(super) fn allow(&mut self, request: usize) {
        self.nodes = MOST_NODES + request / BYTES_A_NODE;
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
    pub(super) fn name(&self, index: usize) -> &str {
        let Some((Edge::Part(_, start), _)) = self.path.get(index) else {
            return "";
        };
        let end = self.path[index + 1..]
            .iter()
            .find_map(|(edge, _)| match edge {
                Edge::Part(_, next) => Some(*next),
                Edge::Coding(..) => None,
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
            if !name.is_empty() && (!name.starts_with('[') || *kind == "json") {
                place.push(':');
            }
            place.push_str(name);
        }
        place
    }

    /// A value that is not made of parts, or is not looked at so.
    fn leaf(&mut self, bytes: &[u8], depth: usize, at: At) {
        if depth > 0 {
            let offset = at.range.map_or(0, |range| range.start);
            return self.visit(bytes, depth, offset);
        }
        self.base = self.path.len();
        if self.here.listed.is_some() {
            let place = self.place();
            if let Some(listed) = &mut self.here.listed {
                listed.push((place, bytes.to_vec()));
            }
            return;
        }
        self.here.values += 1;
        self.gather(bytes);
        if bytes.len() < 3 {
            return;
        }
        let found = if bytes.len() > LONGEST_KNOWN {
            self.visit(bytes, 0, 0);
            std::mem::take(&mut self.found).into()
        } else if let Some(found) = self.known.get(bytes) {
            found.clone()
        } else {
            let cut_before = std::mem::take(&mut self.here.cut);
            self.visit(bytes, 0, 0);
            let is_cut = std::mem::replace(&mut self.here.cut, cut_before);
            self.here.cut |= is_cut;
            let found: Rc<[Relative]> = if self.found.is_empty() {
                self.none.clone()
            } else {
                self.found.drain(..).collect()
            };
            if self.known.len() >= MOST_KNOWN {
                self.known.clear();
            }
            // What was not searched to its end is no knowledge.
            if !is_cut {
                self.known.insert(bytes.into(), found.clone());
            }
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
            cut: bytes.len() > LONGEST_SHOWN,
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
                self.gather_keys(bytes);
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
        let is_path = matches!(self.path.last(), Some((Edge::Part("path", _), _)));
        if bytes.len() >= 4
            && !is_path
            && self.here.numbered.len() < MOST_NUMBERED
            && self.names.bytes().any(|byte| byte.is_ascii_digit())
        {
            let place = self.place();
            self.here.numbered.push((place, bytes.to_vec()));
        }
    }

    /// Most requests have some that mean nothing, at the same few places.
    fn gather_keys(&mut self, bytes: &[u8]) {
        let mut hasher = self.places.hasher().build_hasher();
        for index in 0..self.path.len() {
            if let Edge::Part(kind, _) = self.path[index].0 {
                kind.hash(&mut hasher);
                // Batches have their keys under numbers.
                for byte in self
                    .name(index)
                    .bytes()
                    .filter(|byte| !byte.is_ascii_digit())
                {
                    hasher.write_u8(byte);
                }
            }
        }
        let place = hasher.finish();
        let name = self.places.insert(place).then(|| self.place());
        let mut keys = Keys {
            place,
            name,
            bytes: [0; LONGEST_KEYS],
            length: bytes.len(),
        };
        keys.bytes[..bytes.len()].copy_from_slice(bytes);
        self.here.keys.push(keys);
    }

    /// Values of one request as if they were one.
    pub(super) fn joined(&mut self, place: &str, bytes: &[u8], pieces: usize) {
        self.base = 0;
        self.visit(bytes, 0, 0);
        let found = std::mem::take(&mut self.found);
        for found in best(&found) {
            let form = &self.search.forms[found.form as usize];
            if found.weak.is_some() || found.suspected || form.alone {
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
                cut: bytes.len() > LONGEST_SHOWN,
                whole: found.whole,
            });
        }
    }

    /// Whether so much more may be looked through.
    pub(super) fn may(&mut self, bytes: usize) -> bool {
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

/// Of what was found of a canary in one value: all chains that differ, and parts only where there is no whole.
fn best(found: &[Relative]) -> Vec<&Relative> {
    let mut seen = HashSet::new();
    let is_new = |one: &&Relative| {
        let names: Vec<&str> = one.steps.iter().map(|step| &*step.name).collect();
        seen.insert((one.form, one.suspected, names.join(" ")))
    };
    found.iter().filter(is_new).collect()
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
