//! A record as it will stand in its file, written before its number is known: decoding goes on in several threads, and
//! numbers count in the order of the file.

use serde::Serialize;

use super::{Delivery, Sequence, decoder_of};
use crate::model::TrackerEvent;

/// A line of evidence that lacks its `id` and its `duplicate_of`.
#[derive(Debug)]
pub struct Line {
    /// JSON with an empty `id` and a null `duplicate_of`.
    text: Vec<u8>,
    /// Where the value of `duplicate_of` stands in it.
    duplicate_at: usize,
    vendor: &'static str,
    delivery: Option<Delivery>,
}

const BEFORE_ID: &[u8] = b"{\"id\":\"";

impl Line {
    /// # Errors
    /// If the record cannot be written as JSON.
    pub fn of(event: &TrackerEvent) -> serde_json::Result<Line> {
        // The one key that comes after it.
        #[derive(Serialize)]
        struct Tail<'a> {
            problems: &'a [String],
        }
        let mut text = Vec::with_capacity(4 * 1024);
        serde_json::to_writer(&mut text, event)?;
        let tail = serde_json::to_vec(&Tail {
            problems: &event.problems,
        })?;
        // The tail's brace stands for the comma after `null`.
        let duplicate_at = text.len() - tail.len() - "null".len();
        let decoder = decoder_of(event);
        Ok(Line {
            text,
            duplicate_at,
            vendor: decoder.map_or("", |decoder| decoder.vendor()),
            delivery: decoder.and_then(|decoder| decoder.delivery(event)),
        })
    }

    /// Whether the request could not be read at all.
    pub fn is_unreadable(&self) -> bool {
        self.vendor.is_empty()
    }

    /// Gives it its place, and adds the whole line to `out`.
    pub fn put(&self, sequence: &mut Sequence, out: &mut Vec<u8>) {
        let (id, duplicate_of) = sequence.next(self.vendor, self.delivery.as_ref());
        out.extend_from_slice(BEFORE_ID);
        out.extend_from_slice(id.as_bytes());
        let Some(duplicate_of) = duplicate_of else {
            out.extend_from_slice(&self.text[BEFORE_ID.len()..]);
            out.push(b'\n');
            return;
        };
        out.extend_from_slice(&self.text[BEFORE_ID.len()..self.duplicate_at]);
        out.push(b'"');
        out.extend_from_slice(duplicate_of.as_bytes());
        out.push(b'"');
        out.extend_from_slice(&self.text[self.duplicate_at + "null".len()..]);
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::decode;
    use crate::model::Exchange;

    #[test]
    fn a_line_is_what_the_placed_record_would_be() {
        let (mut of_lines, mut of_events) = (Sequence::default(), Sequence::default());
        let (mut lines, mut events) = (Vec::new(), Vec::new());
        for query in [
            "id=1&ev=A&ts=1&ec=1",
            "id=1&ev=A&ts=1&ec=1",
            "ev=%zz%22",
            "id=1&ev=B&eid=null",
        ] {
            let url = format!("https://www.facebook.com/tr/?{query}");
            let exchange = Exchange::begun("x0001".into(), &url, "GET", "police.example");
            let mut event = decode(&exchange, None).remove(0);
            Line::of(&event).unwrap().put(&mut of_lines, &mut lines);
            of_events.place(&mut event);
            serde_json::to_writer(&mut events, &event).unwrap();
            events.push(b'\n');
        }
        let text = String::from_utf8(lines).unwrap();
        assert_eq!(text, String::from_utf8(events).unwrap());
        assert_eq!(text.matches("\"duplicate_of\":\"e0001\"").count(), 1);
    }
}
