//! What of the canaries stands in a node of the tree.

use super::algorithms::SHORT;
use super::coding::{Coding, class};
use super::decoders;
use super::digest::DigestMatch;
use super::reader::{Edge, Reader, Relative};
use super::search::{Extent, Group, part};
use super::step::{Step, StepKind};
use super::tree::Node;

impl Reader<'_> {
    /// The bytes of digests, among others.
    pub(super) fn digests_within(&mut self, bytes: &[u8]) {
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
        let mut steps: Vec<Step> = form.steps.iter().cloned().chain(found.steps).collect();
        if !matches!(self.path[self.base..].last(), Some((Edge::Coding(..), _))) {
            steps.push(Step {
                undo: Some("cat".into()),
                kind: StepKind::Encoding,
                ..Step::normal("bytes", "cat")
            });
        }
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
    pub(super) fn match_here(&mut self, node: &Node) {
        let bytes = node.bytes;
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
            self.match_number(node);
        }
        if (8..=64).contains(&bytes.len())
            && let Some(found) = search.digests.find(bytes)
        {
            self.take_digest(found, true, None);
        }
        let mut from = 0;
        while let Some((start, anchor)) = search.anchors.find(bytes, from) {
            from = match self.match_at(bytes, start, anchor as usize) {
                Some(end) => end,
                None => start + 1,
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
            let form = &search.forms[group.forms[0] as usize];
            if same == group.lower.len() && form.alone && !stands_alone(bytes, start, start + same)
            {
                continue;
            }
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
        if !stands_alone(bytes, start, end) {
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
    fn match_number(&mut self, node: &Node) {
        let Node {
            bytes, any, all, ..
        } = *node;
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
                steps.push(Step::without_tool(hash));
                if name == "decimal" {
                    steps.push(Step::without_tool("decimal"));
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
        for index in (self.base..self.path.len()).rev() {
            let step = match self.path[index].0 {
                Edge::Coding(coding, from) => coding.step_from(from),
                Edge::Part(kind, _) => match self.name(index) {
                    "" => Step::around(kind),
                    name => Step::around(format!("{kind}[{name}]")),
                },
            };
            steps.push(step);
        }
        self.found.push(Relative {
            form,
            steps,
            extent,
            suspected: false,
            whole: whole && self.path[self.base..].iter().all(|(_, whole)| *whole),
            at: at.filter(|_| self.path.len() == self.base),
            weak,
        });
    }
}

/// Whether no letter or digit stands right before it, or right after it.
fn stands_alone(bytes: &[u8], start: usize, end: usize) -> bool {
    let is_word =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80);
    let before = start.checked_sub(1).and_then(|before| bytes.get(before));
    !is_word(before) && !is_word(bytes.get(end))
}

/// Words in the names of fields that hold values which are too common to count anywhere else.
pub(super) fn is_named_for(kind: &str, names: &str) -> bool {
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
