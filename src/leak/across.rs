//! What stands in several values: pieces of one request, and keys over many.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::Found;
use super::normal::{Form, SHORTEST};
use super::search::{Extent, Hit, SHORTEST_PIECE, Search};
use super::step::Step;
use crate::model::{Exchange, UrlParts};

/// Values longer than so much are not put together, in bytes.
const LONGEST_TOGETHER: usize = 65_536;
/// Keys that come later than so much after the ones before are of another text, in milliseconds.
const STREAM_ENDS_AFTER: i64 = 60_000;
/// Streams that are followed at once.
const MOST_STREAMS: usize = 4096;
/// Longest text that is looked for in one, in bytes.
const LONGEST_TEXT: usize = 512;
/// Bytes of a stream that are kept.
const LONGEST_STREAM: usize = 8192;

/// A value of which one parameter has the beginning and another the end.
pub(super) fn split(search: &Search, pieces: &[(String, Vec<u8>)], found: &[Hit]) -> Vec<Hit> {
    let mut hits: Vec<Hit> = Vec::new();
    for (first, (place, beginning)) in pieces.iter().enumerate() {
        let Some(forms) = search.beginnings.get(&beginning.to_ascii_lowercase()) else {
            continue;
        };
        for (second, (other, end)) in pieces.iter().enumerate() {
            let Some(ends) = search.ends.get(&end.to_ascii_lowercase()) else {
                continue;
            };
            let both = |form: &&u32| {
                let length = search.forms[**form as usize].text.len();
                ends.contains(form) && beginning.len() + end.len() == length
            };
            let Some(form) = forms.iter().find(both).filter(|_| first != second) else {
                continue;
            };
            let canary = search.canary_of(*form);
            let known =
                |hit: &Hit| hit.canary == canary && hit.extent == Extent::Whole && !hit.suspected;
            if found.iter().any(known) || hits.iter().any(|hit| hit.canary == canary) {
                continue;
            }
            debug_assert!(beginning.len() >= SHORTEST_PIECE);
            hits.push(Hit {
                canary,
                place: format!("{place} + {other}"),
                steps: search.forms[*form as usize].steps.clone(),
                suspected: false,
                extent: Extent::Split { pieces: 2 },
                range: None,
                value: [beginning.as_slice(), end].concat(),
                cut: false,
                whole: true,
            });
        }
    }
    hits
}

/// Values whose places differ in a number alone, put together in their order: places, value, how many.
pub(super) fn together(numbered: &[(String, Vec<u8>)]) -> Vec<(String, Vec<u8>, usize)> {
    let mut groups: Vec<(String, &str, &str, Vec<u8>, usize)> = Vec::new();
    for (place, value) in numbered {
        let stem = stem(place);
        match groups.iter_mut().find(|(known, ..)| *known == stem) {
            Some((_, _, last, bytes, count)) if bytes.len() + value.len() <= LONGEST_TOGETHER => {
                bytes.extend_from_slice(value);
                *last = place;
                *count += 1;
            }
            Some(_) => {}
            None => groups.push((stem, place, place, value.clone(), 1)),
        }
    }
    groups
        .into_iter()
        .filter(|(.., count)| *count > 1)
        .map(|(_, first, last, bytes, count)| (format!("{first} … {last}"), bytes, count))
        .collect()
}

/// A place without its numbers.
fn stem(place: &str) -> String {
    place.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// Values that come a few keys at a time, over many requests of one page to one place.
#[derive(Debug, Default)]
pub struct Streams {
    /// By target, address and place.
    open: HashMap<(u64, u64), Stream>,
    places: HashMap<u64, String>,
}

/// What was typed key by key, and the request that had the last of it.
#[derive(Debug)]
pub struct Typed {
    pub hit: Hit,
    pub exchange: Exchange,
}

#[derive(Debug, Default)]
struct Stream {
    text: Vec<u8>,
    values: usize,
    /// Milliseconds.
    time: Option<i64>,
    /// Each canary once.
    typed: Vec<Typed>,
}

impl Streams {
    /// Takes what a request had, and gives what is now over, each with the request that ended it.
    pub fn take(&mut self, search: &Search, exchange: &Exchange, found: &Found) -> Vec<Typed> {
        let mut over = Vec::new();
        if found.keys.is_empty() {
            return over;
        }
        let time = exchange.time.map(|time| time.millis());
        let mut hasher = DefaultHasher::new();
        exchange.target.hash(&mut hasher);
        if let Some(parts) = UrlParts::of(&exchange.url) {
            parts.host.hash(&mut hasher);
            parts.path.hash(&mut hasher);
        }
        let target = hasher.finish();
        for keys in &found.keys {
            if let Some(name) = &keys.name {
                self.places
                    .entry(keys.place)
                    .or_insert_with(|| name.clone());
            }
            if self.open.len() >= MOST_STREAMS {
                over.extend(self.finish());
            }
            let stream = self.open.entry((target, keys.place)).or_default();
            let is_late = matches!((stream.time, time), (Some(before), Some(now)) if now - before > STREAM_ENDS_AFTER);
            if is_late || stream.text.len() > LONGEST_STREAM {
                over.extend(std::mem::take(stream).typed);
            }
            stream.text.extend_from_slice(keys.bytes());
            stream.values += 1;
            stream.time = time;
            let place = self.places.get(&keys.place).map_or("", String::as_str);
            stream.complete(search, place, exchange);
        }
        over
    }

    /// What came to no other end.
    pub fn finish(&mut self) -> Vec<Typed> {
        let mut typed: Vec<Typed> = self
            .open
            .drain()
            .flat_map(|(_, stream)| stream.typed)
            .collect();
        typed.sort_by(|one, other| {
            let key = |typed: &Typed| {
                (
                    typed.exchange.id.clone(),
                    typed.hit.place.clone(),
                    typed.hit.canary,
                )
            };
            key(one).cmp(&key(other))
        });
        typed
    }
}

impl Stream {
    /// Looks whether a form of a canary is complete; the longest counts.
    fn complete(&mut self, search: &Search, place: &str, exchange: &Exchange) {
        let ends_so = |last: &u8| search.last.contains(&last.to_ascii_lowercase());
        if self.values < 2 || !self.text.last().is_some_and(ends_so) {
            return;
        }
        let tail = &self.text[self.text.len().saturating_sub(LONGEST_TEXT)..];
        let lower = tail.to_ascii_lowercase();
        // Counters give any number.
        let counter =
            |form: &Form| form.alone && form.text.bytes().all(|byte| byte.is_ascii_digit());
        let ends = |form: &&Form| {
            form.text.len() >= SHORTEST
                && !form.weak
                && !counter(form)
                && lower.ends_with(form.text.to_ascii_lowercase().as_bytes())
        };
        let longest = search.forms.iter().filter(ends).map(|form| form.text.len());
        let Some(length) = longest.max() else {
            return;
        };
        let text = &self.text[self.text.len() - length..];
        // Of forms that differ in case alone the one that it is.
        let of_length = || {
            search
                .forms
                .iter()
                .filter(ends)
                .filter(|form| form.text.len() == length)
        };
        let exact = of_length().find(|form| form.text.as_bytes() == text);
        let Some(form) = exact.or_else(|| of_length().next()) else {
            return;
        };
        let before = self
            .typed
            .iter_mut()
            .find(|typed| typed.hit.canary == form.canary);
        if before
            .as_ref()
            .is_some_and(|typed| typed.hit.value.len() >= text.len())
        {
            return;
        }
        let key_by_key = Step::around("key by key");
        let typed = Typed {
            hit: Hit {
                canary: form.canary,
                place: place.to_owned(),
                steps: form.steps.iter().cloned().chain([key_by_key]).collect(),
                suspected: false,
                extent: Extent::Keystrokes {
                    values: self.values,
                },
                range: None,
                value: text.to_vec(),
                cut: false,
                whole: true,
            },
            exchange: exchange.clone(),
        };
        match before {
            Some(before) => *before = typed,
            None => self.typed.push(typed),
        }
    }
}
