//! Whether what was typed left, in whatever form: looks for canaries in exchanges. Pure.
//!
//! A request is taken apart along its structure ([`places`], [`reader`]), what can be undone is undone ([`tree`], by the
//! [`decoders`]), and what cannot is made beforehand ([`digest`]): every form of every canary ([`normal`]), hashed. What is
//! found ([`matching`]) says how it came about ([`step`]). `docs/leaks.md` says what is searched and what is not found.

mod across;
mod algorithms;
mod anchors;
mod coding;
mod context;
mod control;
mod decoders;
mod digest;
mod evidence;
mod findings;
mod gather;
mod lz_string;
mod matching;
mod normal;
mod parts;
mod places;
mod reader;
mod search;
mod sightings;
mod step;
mod structure;
mod tree;

pub use across::Streams;
pub use control::{Side, controls};
pub use findings::{
    Case, control, doubt_of_run, findings, goes_to_others, is_found, limit_of_search, trackers,
};
pub use places::{Found, Others, PLACES, Sent};
pub use reader::Reader;
pub use search::{Extent, Hit, Range, Search};
pub use sightings::{Sightings, consent as consent_at};
pub use step::{Step, chain, shell};

use crate::model::CanaryRecord;

/// A value that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    pub name: String,
    /// `email`, `phone`, `name`, `text`, `date`, `postcode`, `number`, or `cookie` for a planted one.
    pub kind: String,
    pub value: String,
    /// It was made for one run, and exists nowhere else: a few of its characters are enough to know it by.
    pub rare: bool,
}

impl Sought {
    /// A text that exists nowhere else.
    pub fn text(name: &str, value: &str) -> Sought {
        Sought {
            name: name.to_owned(),
            kind: "text".to_owned(),
            value: value.to_owned(),
            rare: true,
        }
    }
}

impl From<&CanaryRecord> for Sought {
    fn from(canary: &CanaryRecord) -> Sought {
        Sought {
            name: canary.name.clone(),
            kind: canary.kind.clone(),
            value: canary.value.clone(),
            rare: true,
        }
    }
}
