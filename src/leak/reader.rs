//! Reads requests: takes them apart along their structure, down to values, and looks through each value once.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::rc::Rc;

use super::coding::Coding;
use super::gather::Keys;
use super::matching::is_named_for;
use super::search::{Extent, Hit, Range, Search};
use super::step::Step;

/// Nodes for each request, and one more for every few bytes of it: what is beyond is said not to have been searched.
const MOST_NODES: usize = 50_000;
const BYTES_A_NODE: usize = 4;
/// Bytes of a name that a place shows.
const LONGEST_NAME: usize = 128;
/// Values up to so many bytes are known again.
pub(super) const LONGEST_KNOWN: usize = 1024;
/// So many of them; then it begins anew.
const MOST_KNOWN: usize = 16_384;
/// Bytes of a value that a hit holds.
pub(super) const LONGEST_SHOWN: usize = 8192;

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
    pub fn part(self, start: usize, end: usize) -> At {
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
    pub(super) names: String,
    /// Of the path so much is the place.
    pub(super) base: usize,
    pub(super) found: Vec<Relative>,
    nodes: usize,
    pub(super) bytes: usize,
    /// Places whose name was told with the keys that stood there.
    pub(super) places: HashSet<u64, BuildHasherDefault<DefaultHasher>>,
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
    pub(super) fn place(&self) -> String {
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
    pub(super) fn leaf(&mut self, bytes: &[u8], depth: usize, at: At) {
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
}

/// Of what was found of a canary in one value: all chains that differ, and parts only where there is no whole.
pub(super) fn best(found: &[Relative]) -> Vec<&Relative> {
    let mut seen = HashSet::new();
    let is_new = |one: &&Relative| {
        let names: Vec<&str> = one.steps.iter().map(|step| &*step.name).collect();
        seen.insert((one.form, one.suspected, names.join(" ")))
    };
    found.iter().filter(is_new).collect()
}
