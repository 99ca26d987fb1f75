//! Evidence records without what differs from one run of a journey to the next, so that two runs can be compared record by
//! record, and two people can tell over the telephone whether they hold the same evidence.
//!
//! Left out are ids (`id`, `exchange`, `frame`), times, the step (a tracker's timer may ring in one step or in the next), the
//! order in which requests that were made at once went out, and whether an answer came before its page was left (`completed`,
//! `failed`, `pending`). Kept as a mark that there was one: `event_id`, `duplicate_of`, and within values what the run's clock
//! made, and the random numbers of Meta's and Google's browser ids. What was typed, or follows from it, is kept by the canary's
//! name. A request to a third party that no decoder reads has a line too: to whom, how, and with which parameters.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::in_parallel;
use crate::model::{Exchange, Findings, Origin, Outcome, Party, RunRecord, TrackerEvent, UrlParts};
use crate::policy::Traffic;

/// A clock in a value may be off by so much from the run's own (milliseconds).
const CLOCKS_DIFFER_BY: i64 = 24 * 3600 * 1000;

/// Fields of a record that say where it stands in its run and nothing else.
const LEFT_OUT: [&str; 5] = ["id", "exchange", "frame", "time", "step"];

/// Fields of which it counts that there is one.
const MARKED: [&str; 2] = ["event_id", "duplicate_of"];

/// Each record as a line of JSON, sorted.
pub fn canonical(traffic: Traffic<'_>) -> Vec<String> {
    let run = Run::of(traffic.record, traffic.findings);
    let mut lines = in_parallel(traffic.events, |event| run.line(event));
    let read: HashSet<&str> = traffic
        .events
        .iter()
        .map(|event| event.exchange.as_str())
        .collect();
    let unread = traffic.exchanges.iter().filter(|exchange| {
        exchange.party == Party::Third
            && exchange.origin == Origin::Page
            && !read.contains(exchange.id.as_str())
    });
    lines.extend(unread.map(|exchange| run.request(exchange)));
    lines.sort_unstable();
    lines
}

/// Of all records together: the first 128 bits of the SHA-256 of the lines of [`canonical`], in groups of four digits.
pub fn digest(traffic: Traffic<'_>) -> String {
    let mut hasher = Sha256::new();
    for line in canonical(traffic) {
        hasher.update(line.as_bytes());
        hasher.update(b"\n");
    }
    let hex = HEXLOWER.encode(&hasher.finalize()[..16]);
    let groups: Vec<&str> = (0..hex.len())
        .step_by(4)
        .map(|at| &hex[at..at + 4])
        .collect();
    groups.join(" ")
}

/// Lines that one side has and the other has not, or has less often: `-` and `+`, in order.
pub fn difference<'a>(old: &'a [String], new: &'a [String]) -> Vec<(char, &'a str)> {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    old.iter()
        .for_each(|line| *counts.entry(line).or_default() -= 1);
    new.iter()
        .for_each(|line| *counts.entry(line).or_default() += 1);
    let lines = counts.into_iter().flat_map(|(line, count)| {
        let sign = if count < 0 { '-' } else { '+' };
        std::iter::repeat_n((sign, line), count.unsigned_abs() as usize)
    });
    lines.collect()
}

/// What of a run can stand in its values.
struct Run<'a> {
    /// Values that were typed or planted, the longest first, with what they are called.
    canaries: Vec<(&'a str, String)>,
    /// By exchange: what was found there of a canary in another form.
    leaks: BTreeMap<&'a str, Vec<(&'a str, &'a str)>>,
    /// Milliseconds since the Unix epoch.
    clock: (i64, i64),
}

impl<'a> Run<'a> {
    fn of(record: &'a RunRecord, findings: &'a Findings) -> Run<'a> {
        let canaries = record.canaries.iter();
        let mut canaries: Vec<(&str, String)> = canaries
            .filter(|canary| canary.value.len() >= 4)
            .map(|canary| (canary.value.as_str(), format!("{{{{{}}}}}", canary.name)))
            .collect();
        canaries.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        let mut leaks: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
        for leak in findings.leaks.iter().filter(|leak| leak.value.len() >= 4) {
            let chain = leak.chain.split_once(" ← ").map_or("", |(_, chain)| chain);
            let of_exchange = leaks.entry(&leak.exchange).or_default();
            of_exchange.push((&leak.value, chain));
        }
        let finished = record.finished.unwrap_or(record.started);
        Run {
            canaries,
            leaks,
            clock: (
                record.started.millis() - CLOCKS_DIFFER_BY,
                finished.millis() + CLOCKS_DIFFER_BY,
            ),
        }
    }

    fn line(&self, event: &TrackerEvent) -> String {
        let Ok(Value::Object(mut fields)) = serde_json::to_value(event) else {
            return String::new();
        };
        for name in LEFT_OUT {
            fields.remove(name);
        }
        for name in MARKED {
            if let Some(value) = fields.get_mut(name)
                && !value.is_null()
            {
                *value = "*".into();
            }
        }
        // The query stands among the parameters.
        fields.insert("url".to_owned(), without_query(&event.url).into());
        fields.insert("outcome".to_owned(), course(event.outcome).into());
        let mut record = Value::Object(fields);
        self.settle(
            &mut record,
            &event.exchange,
            event.vendor.starts_with("google"),
        );
        // Keys in order, whatever the order of the fields in a later version.
        record.sort_all_objects();
        record.to_string()
    }

    /// A request that no decoder reads: names of its parameters, since nothing is known of their values, and what was found in it.
    fn request(&self, exchange: &Exchange) -> String {
        let query = UrlParts::of(&exchange.url).and_then(|parts| parts.query);
        let query = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let mut names: Vec<String> = query.map(|(name, _)| name.into_owned()).collect();
        names.sort_unstable();
        let leaks = self.leaks.get(exchange.id.as_str()).into_iter().flatten();
        let mut found: Vec<&str> = leaks.map(|(_, chain)| *chain).collect();
        found.sort_unstable();
        let record = json!({
            "found": found,
            "method": exchange.method,
            "outcome": course(exchange.outcome),
            "parameters": names,
            "resource_type": exchange.resource_type,
            "url": self.text(without_query(&exchange.url), &exchange.id),
        });
        record.to_string()
    }

    fn settle(&self, value: &mut Value, exchange: &str, of_google: bool) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(settled) = self.text(text, exchange) {
                    *text = settled;
                }
            }
            Value::Number(number) => {
                let digits = number.to_string();
                let settled = self.text(&digits, exchange);
                if settled.starts_with('<') {
                    *value = settled.into_owned().into();
                }
            }
            Value::Array(items) => items
                .iter_mut()
                .for_each(|item| self.settle(item, exchange, of_google)),
            Value::Object(map) => {
                // It follows from the value, or from how long those before it are.
                if map.contains_key("in") {
                    map.remove("decoded");
                    map.remove("at");
                }
                // A random number that names the event, wherever it stands.
                let names_event = ["key", "signal"].iter().any(|name| {
                    map.get(*name)
                        .and_then(Value::as_str)
                        .is_some_and(|key| is_event_id(key, of_google))
                });
                if names_event && map.contains_key("value") {
                    map.insert("value".to_owned(), "*".into());
                }
                map.values_mut()
                    .for_each(|value| self.settle(value, exchange, of_google));
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn text<'t>(&self, text: &'t str, exchange: &str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        for (value, chain) in self.leaks.get(exchange).into_iter().flatten() {
            if text.contains(value) {
                text = text.replace(value, &format!("{{{{{chain}}}}}")).into();
            }
        }
        for (value, name) in &self.canaries {
            if text.contains(value) {
                text = text.replace(value, name).into();
            }
        }
        match self.without_clock(&text) {
            Some(settled) => settled.into(),
            None => text,
        }
    }

    /// Numbers that the run's clock made; and in browser ids of Meta and Google (`fb.1.<time>.<random>`,
    /// `GA1.1.<random>.<time>`) the random one beside it.
    /// None: there are none in it.
    fn without_clock(&self, text: &str) -> Option<String> {
        // The shortest clock has ten digits.
        if text.len() < 10 || !text.bytes().any(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let pieces = digits_apart(text);
        if !pieces.iter().any(|piece| self.is_time(piece)) {
            return None;
        }
        let cookie = text.starts_with("fb.1.") || text.starts_with("GA1.");
        let settled = pieces.iter().map(|piece| match piece {
            piece if self.is_time(piece) => "<time>",
            piece if cookie && piece.len() >= 8 && is_number(piece) => "<random>",
            piece => piece,
        });
        Some(settled.collect())
    }

    /// Seconds, milliseconds or microseconds since the Unix epoch, within the run.
    fn is_time(&self, piece: &str) -> bool {
        let Some(number) = is_number(piece)
            .then(|| piece.parse::<i64>().ok())
            .flatten()
        else {
            return false;
        };
        let millis = match piece.len() {
            10 => number * 1000,
            13 => number,
            16 => number / 1000,
            _ => return false,
        };
        (self.clock.0..=self.clock.1).contains(&millis)
    }
}

/// Parameters that number an event, or the page's visit, at random: `eid` is Meta's (`docs/meta-pixel.md`), the others are those of
/// Google Analytics.
fn is_event_id(key: &str, of_google: bool) -> bool {
    match of_google {
        true => matches!(key, "_p" | "_s" | "cid" | "sid" | "_et" | "tfd"),
        false => matches!(key, "eid" | "event_id"),
    }
}

/// Whether it was let go; whether its answer came in time is chance.
fn course(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Completed | Outcome::Failed | Outcome::Pending => "asked",
        Outcome::Blocked => "blocked",
        Outcome::Contained => "contained",
    }
}

fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `a12.34` as `a`, `12`, `.`, `34`.
fn digits_apart(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let bytes = text.as_bytes();
    for at in 1..bytes.len() {
        if bytes[at].is_ascii_digit() != bytes[at - 1].is_ascii_digit() && text.is_char_boundary(at)
        {
            pieces.push(&text[start..at]);
            start = at;
        }
    }
    pieces.push(&text[start..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_with_how_often() {
        let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(difference(&lines("a b b"), &lines("b a b")).is_empty());
        assert_eq!(
            difference(&lines("a b b"), &lines("b c")),
            [('-', "a"), ('-', "b"), ('+', "c")]
        );
    }

    #[test]
    fn clocks_and_what_stands_beside_them_are_left_out() {
        let run = Run {
            canaries: vec![("ada@example.org", "{{email}}".to_owned())],
            leaks: BTreeMap::new(),
            clock: (1_790_000_000_000, 1_790_000_100_000),
        };
        for (text, settled) in [
            ("1790000001234", "<time>"),
            ("fb.1.1790000001234.987654321", "fb.1.<time>.<random>"),
            ("GA1.1.123456789.1790000002", "GA1.1.<random>.<time>"),
            ("to ada@example.org", "to {{email}}"),
            // A pixel's id, a telephone number, another year: no clock of this run.
            ("123456789012345", "123456789012345"),
            ("1690000001234", "1690000001234"),
            ("é1790000001é", "é<time>é"),
        ] {
            assert_eq!(run.text(text, "x1"), settled, "{text}");
        }
    }
}
