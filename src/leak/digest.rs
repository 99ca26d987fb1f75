//! What cannot be undone is made beforehand: the digests of every form of every canary, in one table.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use data_encoding::{BASE64, HEXLOWER, HEXUPPER};

use super::algorithms::{ALGORITHMS, UNDER};
use super::normal::Form;
use super::step::{HEX_UPPER, Step, StepKind};

/// How a digest came about: what the digest is taken of, from the form to the last algorithm.
#[derive(Debug, Clone, Copy)]
enum Recipe {
    Of(u8),
    /// Of an encoding of the form.
    OfEncoding(u8, u8),
    /// Of the hex, in lower case, of another.
    OfDigest(u8, u8),
    /// Of the hex in upper case, the Base64 or the bytes of another.
    OfDigestUpper(u8, u8),
    OfDigestBase64(u8, u8),
    OfDigestBytes(u8, u8),
    /// Of so many characters from the beginning.
    OfPart(u8, u16),
}

#[derive(Debug)]
struct Entry {
    form: u32,
    recipe: Recipe,
    at: u32,
    length: u8,
}

/// The digests of all forms, by their first eight bytes.
#[derive(Debug, Default)]
pub struct Digests {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    index: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
}

/// What a digest was found to be of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestMatch {
    pub form: usize,
    /// From the form to the digest.
    pub steps: Vec<Step>,
    /// So many characters of the form alone were hashed.
    pub part: Option<usize>,
}

impl Digests {
    pub fn of(forms: &[Form]) -> Digests {
        let mut digests = Digests::default();
        digests.entries.reserve(forms.len() * 150);
        digests.bytes.reserve(forms.len() * 150 * 32);
        let mut first = Vec::new();
        for (number, form) in (0u32..).zip(forms) {
            for (at, _) in (0u8..).zip(ALGORITHMS) {
                digests.add(number, Recipe::Of(at), form.text.as_bytes());
            }
            if form.main {
                digests.add_chains(number, form, &mut first);
            }
        }
        digests
    }

    fn add_chains(&mut self, number: u32, form: &Form, first: &mut Vec<u8>) {
        let text = form.text.as_bytes();
        let all = || (0u8..).zip(ALGORITHMS);
        let commons = || all().filter(|(_, algorithm)| algorithm.common);
        for (encoding, under) in (0u8..).zip(&UNDER) {
            let encoded = (under.make)(text);
            for (at, _) in commons() {
                self.add(number, Recipe::OfEncoding(encoding, at), &encoded);
            }
        }
        for (inner, algorithm) in all() {
            first.clear();
            (algorithm.hash)(text, first);
            let hex = HEXLOWER.encode(first);
            for (outer, other) in all() {
                // Nobody has taken two of this one for decades, and it takes longer than all others.
                let old = [algorithm, other]
                    .iter()
                    .any(|algorithm| algorithm.name == "md2");
                if (other.common || algorithm.common) && !old {
                    self.add(number, Recipe::OfDigest(inner, outer), hex.as_bytes());
                }
            }
            if algorithm.common {
                let upper = HEXUPPER.encode(first);
                let base64 = BASE64.encode(first);
                for (outer, _) in commons() {
                    self.add(
                        number,
                        Recipe::OfDigestUpper(inner, outer),
                        upper.as_bytes(),
                    );
                    self.add(
                        number,
                        Recipe::OfDigestBase64(inner, outer),
                        base64.as_bytes(),
                    );
                    self.add(number, Recipe::OfDigestBytes(inner, outer), first);
                }
            }
        }
        // What was typed up to then, key by key.
        let Some(least) = form.least else {
            return;
        };
        for (count, (end, _)) in form.text.char_indices().enumerate().skip(least) {
            let Ok(count) = u16::try_from(count) else {
                break;
            };
            // Of a long text so many beginnings that it does not matter.
            if count > 64 {
                break;
            }
            for (at, _) in commons() {
                self.add(number, Recipe::OfPart(at, count), &text[..end]);
            }
        }
        let length = form.text.chars().count();
        for (count, (end, _)) in form
            .text
            .char_indices()
            .enumerate()
            .skip(length.saturating_sub(2).max(65))
        {
            if let Ok(count) = u16::try_from(count) {
                for (at, _) in commons() {
                    self.add(number, Recipe::OfPart(at, count), &text[..end]);
                }
            }
        }
    }

    fn add(&mut self, form: u32, recipe: Recipe, data: &[u8]) {
        let outer = match recipe {
            Recipe::Of(at)
            | Recipe::OfPart(at, _)
            | Recipe::OfEncoding(_, at)
            | Recipe::OfDigest(_, at)
            | Recipe::OfDigestUpper(_, at)
            | Recipe::OfDigestBase64(_, at)
            | Recipe::OfDigestBytes(_, at) => at,
        };
        let at = self.bytes.len();
        (ALGORITHMS[usize::from(outer)].hash)(data, &mut self.bytes);
        let length = self.bytes.len() - at;
        let Some(key) = key(&self.bytes[at..]) else {
            return;
        };
        let number = self.entries.len() as u32;
        // The plainest way to a digest came first.
        self.index.entry(key).or_insert(number);
        self.entries.push(Entry {
            form,
            recipe,
            at: at as u32,
            length: length as u8,
        });
    }

    /// Whether these bytes are a digest, or the beginning of one, of at least eight bytes.
    pub fn find(&self, bytes: &[u8]) -> Option<DigestMatch> {
        let (entry, digest) = self.entry(bytes)?;
        digest
            .starts_with(bytes)
            .then(|| of(entry, digest, bytes.len()))
    }

    /// The digest that these bytes begin with, and its length.
    pub fn find_at(&self, bytes: &[u8]) -> Option<(DigestMatch, usize)> {
        let (entry, digest) = self.entry(bytes)?;
        bytes
            .starts_with(digest)
            .then(|| (of(entry, digest, digest.len()), digest.len()))
    }

    fn entry(&self, bytes: &[u8]) -> Option<(&Entry, &[u8])> {
        let entry = &self.entries[*self.index.get(&key(bytes)?)? as usize];
        let at = entry.at as usize;
        Some((entry, &self.bytes[at..at + usize::from(entry.length)]))
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

/// How a digest came about, of which the first bytes are there.
fn of(entry: &Entry, digest: &[u8], there: usize) -> DigestMatch {
    let step = |at: u8| ALGORITHMS[usize::from(at)].step();
    let mut part = None;
    let mut steps = match entry.recipe {
        Recipe::Of(at) => vec![step(at)],
        Recipe::OfPart(at, count) => {
            part = Some(usize::from(count));
            vec![first_characters(count), step(at)]
        }
        Recipe::OfEncoding(encoding, at) => {
            vec![UNDER[usize::from(encoding)].step.clone(), step(at)]
        }
        Recipe::OfDigest(inner, outer) => vec![step(inner), step(outer)],
        Recipe::OfDigestUpper(inner, outer) => {
            let upper = Step::normal(HEX_UPPER, "tr a-f A-F");
            vec![step(inner), upper, step(outer)]
        }
        Recipe::OfDigestBase64(inner, outer) => {
            let base64 = Step::normal("base64", "tr a-f A-F | basenc --base16 -d | base64 -w0");
            vec![step(inner), base64, step(outer)]
        }
        Recipe::OfDigestBytes(inner, outer) => {
            let bytes = Step::normal("bytes", "tr a-f A-F | basenc --base16 -d");
            vec![step(inner), bytes, step(outer)]
        }
    };
    if there < digest.len() {
        let digits = there * 2;
        let cut = format!("head -c {digits}");
        steps.push(Step {
            kind: StepKind::Digest,
            ..Step::named(format!("first {there} bytes"), cut)
        });
    }
    DigestMatch {
        form: entry.form as usize,
        steps,
        part,
    }
}

/// So many characters from the beginning.
pub fn first_characters(count: u16) -> Step {
    Step::named(
        format!("first {count} characters"),
        format!("perl -CS -pe '$_ = substr $_, 0, {count}'"),
    )
}

fn key(bytes: &[u8]) -> Option<u64> {
    let first = bytes.first_chunk::<8>()?;
    Some(u64::from_le_bytes(*first))
}

/// Digests are as good as their own hashes.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        // Tables take the upper and the lower bits.
        self.0 = key ^ key.rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use ::digest::Digest as _;

    use super::*;
    use crate::leak::Sought;
    use crate::leak::normal::forms;

    fn digests() -> (Vec<Form>, Digests) {
        let sought = Sought {
            name: "email".into(),
            kind: "email".into(),
            value: "Abc.Defghi@Example.com".into(),
            rare: true,
        };
        let forms = forms(0, &sought);
        let digests = Digests::of(&forms);
        (forms, digests)
    }

    fn names(hex: &str) -> Option<Vec<String>> {
        let (forms, digests) = digests();
        let found = digests.find(&HEXLOWER.decode(hex.as_bytes()).unwrap())?;
        let steps = forms[found.form].steps.iter().chain(&found.steps);
        Some(steps.map(|step| step.name.to_string()).collect())
    }

    /// `printf %s abc.defghi@example.com | sha256sum`, and so on.
    #[test]
    fn digests_of_the_normalised_value_are_known() {
        let sha256 = HEXLOWER.encode(&sha2::Sha256::digest("abc.defghi@example.com"));
        assert_eq!(names(&sha256).unwrap(), ["lower", "sha256"]);
        assert_eq!(
            names(&sha256[..32]).unwrap(),
            ["lower", "sha256", "first 16 bytes"]
        );
        assert_eq!(
            names(&sha256[..14]),
            None,
            "less than eight bytes may be anything"
        );
        let twice = HEXLOWER.encode(&md5::Md5::digest(&sha256));
        assert_eq!(names(&twice).unwrap(), ["lower", "sha256", "md5"]);
        let other = HEXLOWER.encode(&sha2::Sha256::digest("abc.defghj@example.com"));
        assert_eq!(names(&other), None);
    }
}
