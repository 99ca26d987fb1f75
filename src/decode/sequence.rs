//! Numbers records in their order, and finds those that only repeat an earlier one.

use std::collections::HashMap;

use md5::{Digest, Md5};

use super::{Delivery, decoder_of};
use crate::model::TrackerEvent;

/// What was seen so far. Holds a few bytes an event, whatever its size.
#[derive(Debug, Default)]
pub struct Sequence {
    count: usize,
    /// Digest of (vendor, pixel, event, event id) → the first record's number, and its moment, where it has one.
    by_event_id: HashMap<[u8; 16], (usize, Option<[u8; 16]>)>,
    /// Digest of (vendor, pixel, event, moment) → the first record's number, and its event id, where it has one.
    by_moment: HashMap<[u8; 16], (usize, Option<[u8; 16]>)>,
}

impl Sequence {
    /// Gives the record its id, and says which earlier one it repeats.
    pub fn place(&mut self, event: &mut TrackerEvent) {
        let decoder = decoder_of(event);
        let delivery = decoder.and_then(|decoder| decoder.delivery(event));
        (event.id, event.duplicate_of) = self.next(&event.vendor, delivery.as_ref());
    }

    /// The next record's id, and that of the earlier one that it repeats.
    pub(super) fn next(
        &mut self,
        vendor: &str,
        delivery: Option<&Delivery>,
    ) -> (String, Option<String>) {
        self.count += 1;
        let earlier = delivery.and_then(|delivery| self.earlier(vendor, delivery));
        (id(self.count), earlier.map(id))
    }

    /// The same event id is the same event, unless both say that they happened apart: sites give constants as ids.
    /// The same moment is the same event, unless both have an id of their own.
    fn earlier(&mut self, vendor: &str, delivery: &Delivery) -> Option<usize> {
        let key = |what: &str, value: &str| digest(&[vendor, &delivery.event, what, value]);
        let event_id = delivery.event_id.as_deref().map(|id| key("id", id));
        let moment = delivery.moment.as_deref().map(|moment| key("at", moment));
        let conflict = |a: Option<[u8; 16]>, b: Option<[u8; 16]>| matches!((a, b), (Some(a), Some(b)) if a != b);
        let by_moment = moment
            .and_then(|key| self.by_moment.get(&key))
            .filter(|(_, other)| !conflict(*other, event_id))
            .map(|(number, _)| *number);
        let by_event_id = event_id
            .and_then(|key| self.by_event_id.get(&key))
            .filter(|(_, other)| !conflict(*other, moment))
            .map(|(number, _)| *number);
        let earlier = by_moment.or(by_event_id);
        // What this delivery knows and the first did not is the first's too.
        let number = earlier.unwrap_or(self.count);
        if let Some(key) = event_id {
            let first = self.by_event_id.entry(key).or_insert((number, moment));
            match earlier {
                None => *first = (number, moment),
                Some(_) => first.1 = first.1.or(moment),
            }
        }
        if let Some(key) = moment {
            let first = self.by_moment.entry(key).or_insert((number, event_id));
            match earlier {
                None => *first = (number, event_id),
                Some(_) => first.1 = first.1.or(event_id),
            }
        }
        earlier
    }
}

fn id(number: usize) -> String {
    format!("e{number:04}")
}

fn digest(parts: &[&str]) -> [u8; 16] {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(part.len().to_le_bytes());
        md5.update(part.as_bytes());
    }
    md5.finalize().into()
}
