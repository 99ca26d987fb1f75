//! What of a request may be a piece of something, with other values of it or of others.

use std::hash::{BuildHasher, Hash, Hasher};

use super::reader::{Edge, LONGEST_KNOWN, LONGEST_SHOWN, Reader, best};
use super::search::{Extent, Hit, LONGEST_KEYS, SHORTEST_PIECE};

/// Values with numbered names that are put together, in one request.
const MOST_NUMBERED: usize = 256;

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

impl Reader<'_> {
    /// What may be a piece of something, with others.
    pub(super) fn gather(&mut self, bytes: &[u8]) {
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
}
