//! What is looked for: made once, from the canaries.

use std::collections::{HashMap, HashSet};

use super::Sought;
use super::algorithms::SHORT;
use super::anchors::{self, Anchors};
use super::coding::Coding;
use super::decoders::{reversed, rot13};
use super::digest::{Digests, first_characters};
use super::normal::{Form, forms};
use super::step::Step;

/// Pieces of a form, each in one of two parameters, have at least so many bytes.
pub const SHORTEST_PIECE: usize = 3;
/// Longest value that counts as a few keys of a stream.
pub const LONGEST_KEYS: usize = 5;

/// A canary that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Its place among the canaries.
    pub canary: usize,
    /// `form:udff[em]`
    pub place: String,
    /// From the canary to what stood there.
    pub steps: Vec<Step>,
    /// It may be chance: a hash of 32 bits.
    pub suspected: bool,
    pub extent: Extent,
    pub range: Option<Range>,
    /// What stood there, without the escapes of its place.
    pub value: Vec<u8>,
    /// More stood there.
    pub cut: bool,
    /// It is all of what stood there.
    pub whole: bool,
}

/// How much of a canary was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    Whole,
    /// So many characters from its beginning.
    Part {
        characters: usize,
        of: usize,
    },
    /// In pieces, each in a parameter of its own.
    Split {
        pieces: usize,
    },
    /// Key by key, over several values.
    Keystrokes {
        values: usize,
    },
}

/// Where it stands, in bytes of the request's URL, of a header's or cookie's value, of its body, or of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub start: usize,
    pub end: usize,
}

/// Forms that differ in case alone.
#[derive(Debug)]
pub(super) struct Group {
    /// In ASCII lower case.
    pub lower: Vec<u8>,
    pub forms: Vec<u32>,
    /// It is looked for turned round, or by 13.
    pub turned: Option<Coding>,
}

/// Canaries, and everything that was made of them.
#[derive(Debug)]
pub struct Search {
    pub(super) canaries: Vec<Sought>,
    pub(super) forms: Vec<Form>,
    pub(super) groups: Vec<Group>,
    /// The first bytes of each group.
    pub(super) anchors: Anchors,
    pub(super) by_anchor: Vec<Vec<u32>>,
    pub(super) digests: Digests,
    /// Weak forms, whole.
    pub(super) weak: HashMap<Vec<u8>, u32>,
    /// Bit n: there is a weak form of n bytes.
    pub(super) weak_lengths: u64,
    /// Hashes of 32 bits: form and algorithm.
    pub(super) short: HashMap<u32, (u32, u8)>,
    /// Beginnings and ends of forms, in lower case.
    pub(super) beginnings: HashMap<Vec<u8>, Vec<u32>>,
    pub(super) ends: HashMap<Vec<u8>, Vec<u32>>,
    /// The first two bytes of any beginning or end.
    pub(super) pieces: HashSet<[u8; 2]>,
    /// What a few keys of a form may be.
    pub(super) keys: HashSet<Vec<u8>>,
    /// What forms end with, in lower case.
    pub(super) last: HashSet<u8>,
    pub(super) has_spaces: bool,
    pub(super) has_digits: bool,
}

impl Search {
    /// The texts that a canary, by its place among them, is looked for as.
    pub fn texts(&self, canary: usize) -> impl Iterator<Item = &str> {
        let of_canary = self.forms.iter().filter(move |form| form.canary == canary);
        of_canary.map(|form| form.text.as_str())
    }

    pub fn new(canaries: Vec<Sought>) -> Search {
        let forms: Vec<Form> = canaries
            .iter()
            .enumerate()
            .flat_map(|(number, sought)| forms(number, sought))
            .collect();
        let digests = Digests::of(&forms);
        let mut search = Search {
            canaries,
            digests,
            groups: Vec::new(),
            anchors: Anchors::new(std::iter::empty()),
            by_anchor: Vec::new(),
            weak: HashMap::new(),
            weak_lengths: 0,
            short: HashMap::new(),
            beginnings: HashMap::new(),
            ends: HashMap::new(),
            pieces: HashSet::new(),
            keys: HashSet::new(),
            last: HashSet::new(),
            has_spaces: false,
            has_digits: false,
            forms: Vec::new(),
        };
        for (number, form) in (0u32..).zip(&forms) {
            search.add(number, form);
        }
        search.forms = forms;
        search.anchor();
        search
    }

    pub fn canaries(&self) -> &[Sought] {
        &self.canaries
    }

    /// Texts and digests that are looked for.
    pub fn size(&self) -> (usize, usize) {
        (self.groups.len() + self.weak.len(), self.digests.len())
    }

    /// A canary's forms, as they are looked for.
    pub fn forms_of(&self, canary: usize) -> Vec<String> {
        let own = self.forms.iter().filter(|form| form.canary == canary);
        own.map(|form| form.text.clone()).collect()
    }

    fn add(&mut self, number: u32, form: &Form) {
        let text = form.text.as_bytes();
        let planted = self.canaries[form.canary].kind == "cookie";
        if form.main && !planted {
            for (at, (_, hash)) in (0u8..).zip(SHORT) {
                self.short.entry(hash(text)).or_insert((number, at));
            }
        }
        if form.weak {
            if text.len() < 64 {
                self.weak_lengths |= 1 << text.len();
                self.weak.entry(text.to_vec()).or_insert(number);
            }
            return;
        }
        let lower = text.to_ascii_lowercase();
        self.last.extend(lower.last());
        self.has_spaces |= lower.contains(&b' ');
        self.has_digits |= lower.iter().filter(|byte| byte.is_ascii_digit()).count() >= 9;
        match self
            .groups
            .iter_mut()
            .find(|group| group.lower == lower && group.turned.is_none())
        {
            Some(group) => {
                group.forms.push(number);
                return;
            }
            None => self.groups.push(Group {
                lower: lower.clone(),
                forms: vec![number],
                turned: None,
            }),
        }
        if planted {
            return;
        }
        if form.main {
            for (turned, coding) in [
                (reversed(&lower), Coding::Reversed),
                (rot13(&lower), Coding::Rot13),
            ] {
                if turned != lower {
                    self.groups.push(Group {
                        lower: turned,
                        forms: vec![number],
                        turned: Some(coding),
                    });
                }
            }
            for length in 1..=LONGEST_KEYS {
                for keys in lower.windows(length) {
                    if !self.keys.contains(keys) {
                        self.keys.insert(keys.to_vec());
                    }
                }
            }
        }
        if form.alone || lower.len() < 8 || lower.len() > 128 {
            return;
        }
        for cut in SHORTEST_PIECE..=lower.len() - SHORTEST_PIECE {
            let (before, after) = lower.split_at(cut);
            self.pieces.insert([before[0], before[1]]);
            self.pieces.insert([after[0], after[1]]);
            self.beginnings
                .entry(before.to_vec())
                .or_default()
                .push(number);
            self.ends.entry(after.to_vec()).or_default().push(number);
        }
    }

    fn anchor(&mut self) {
        let mut anchors: Vec<&[u8; anchors::LENGTH]> = Vec::new();
        for (number, group) in (0u32..).zip(&self.groups) {
            let Some(anchor) = group.lower.first_chunk() else {
                continue;
            };
            match anchors.iter().position(|known| *known == anchor) {
                Some(at) => self.by_anchor[at].push(number),
                None => {
                    anchors.push(anchor);
                    self.by_anchor.push(vec![number]);
                }
            }
        }
        self.anchors = Anchors::new(anchors.into_iter());
    }

    pub(super) fn canary_of(&self, form: u32) -> usize {
        self.forms[form as usize].canary
    }

    /// Which of a group's forms a text is, and what was done to its case where it is none of them exactly.
    pub(super) fn form_of(&self, group: &Group, text: &[u8]) -> (u32, Option<Step>) {
        let exact = group.forms.iter().copied().find(|form| {
            let wanted = self.forms[*form as usize].text.as_bytes();
            wanted.get(..text.len()) == Some(text)
        });
        let first = group.forms.first().copied().unwrap_or_default();
        match exact {
            Some(form) => (form, None),
            None => (first, Some(Step::without_tool("other case"))),
        }
    }
}

/// The steps to so many characters of a form's text.
pub(super) fn part(form: &Form, characters: usize) -> Vec<Step> {
    let mut steps = form.steps.clone();
    steps.push(first_characters(
        u16::try_from(characters).unwrap_or(u16::MAX),
    ));
    steps
}
