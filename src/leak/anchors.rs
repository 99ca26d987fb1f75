//! Finds the first bytes of any of many texts, whatever their ASCII case, faster than looking at every byte: each text
//! has at least [`LENGTH`] bytes, so that of every five positions one look is enough. (The idea is Wu and Manber's, "A
//! fast algorithm for multi-pattern searching", 1994.)

use std::collections::HashMap;

/// Bytes of an anchor.
pub const LENGTH: usize = 6;
/// Pairs of bytes in one.
const PAIRS: usize = LENGTH - 1;

/// The anchors, numbered in the order in which they were given.
#[derive(Debug)]
pub struct Anchors {
    /// For each pair of bytes, in which of its places an anchor has it: bit n for the pair that begins at n.
    pairs: Vec<u8>,
    numbers: HashMap<[u8; LENGTH], u32>,
}

impl Anchors {
    /// Of texts in ASCII lower case, by their first bytes; no two are the same.
    pub fn new<'a>(anchors: impl Iterator<Item = &'a [u8; LENGTH]>) -> Anchors {
        let mut pairs = vec![0; 1 << 16];
        let mut numbers = HashMap::new();
        for (number, anchor) in (0u32..).zip(anchors) {
            for (place, pair) in anchor.windows(2).enumerate() {
                for first in cases(pair[0]) {
                    for second in cases(pair[1]) {
                        pairs[index(first, second)] |= 1 << place;
                    }
                }
            }
            numbers.insert(*anchor, number);
        }
        Anchors { pairs, numbers }
    }

    /// Where the first anchor from `from` on begins, and its number.
    pub fn find(&self, bytes: &[u8], from: usize) -> Option<(usize, u32)> {
        let mut at = from + PAIRS - 1;
        while let (Some(first), Some(second)) = (bytes.get(at), bytes.get(at + 1)) {
            let mut places = self.pairs[index(*first, *second)];
            // The last place first: that anchor begins first.
            while places != 0 {
                let place = 7 - places.leading_zeros() as usize;
                places &= !(1 << place);
                let start = at - place;
                let anchor = bytes
                    .get(start..)
                    .and_then(|rest| rest.first_chunk::<LENGTH>());
                if let Some(anchor) = anchor
                    && let Some(number) = self
                        .numbers
                        .get(&anchor.map(|byte| byte.to_ascii_lowercase()))
                {
                    return Some((start, *number));
                }
            }
            at += PAIRS;
        }
        None
    }
}

fn index(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

fn cases(byte: u8) -> [u8; 2] {
    [byte, byte.to_ascii_uppercase()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_anchor_is_found_at_every_position_in_either_case() {
        let anchors = Anchors::new([b"abcdef", b"077009", b"bcdefg"].into_iter());
        for before in 0..20 {
            let text = format!("{}aBcDeFg", "-".repeat(before));
            assert_eq!(anchors.find(text.as_bytes(), 0), Some((before, 0)));
            assert_eq!(
                anchors.find(text.as_bytes(), before + 1),
                Some((before + 1, 2))
            );
            assert_eq!(anchors.find(text.as_bytes(), before + 2), None);
        }
        assert_eq!(anchors.find(b"abcde", 0), None);
        assert_eq!(anchors.find(b"", 0), None);
    }

    proptest! {
        /// The same as looking everywhere.
        #[test]
        fn nothing_is_missed(text in "[abAB]{0,60}", anchors in prop::collection::hash_set("[ab]{6}", 1..4), from in 0usize..5) {
            let anchors: Vec<[u8; LENGTH]> = anchors.iter().map(|anchor| anchor.as_bytes().try_into().unwrap()).collect();
            let bytes = text.as_bytes();
            let expected = (from..bytes.len()).find_map(|start| {
                let here = bytes.get(start..start + LENGTH)?.to_ascii_lowercase();
                let number = anchors.iter().position(|anchor| anchor[..] == here)?;
                Some((start, number as u32))
            });
            prop_assert_eq!(Anchors::new(anchors.iter()).find(bytes, from), expected);
        }
    }
}
