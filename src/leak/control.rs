//! What other journeys say of a run: a value that follows what was typed, and nothing else, says something of it, whether
//! it can be decoded or not.

use std::collections::BTreeMap;

use super::findings::{goes_to_others, trackers};
use super::sightings::{counts, cut, host};
use super::{Case, Reader, Search, Sent};
use crate::model::{
    Certainty, ControlRun, Controls, Exchange, Findings, JourneyState, SuspectedField, UrlParts,
};

/// Values that are shorter say nothing, in bytes; those that are longer are not compared.
const LENGTHS: std::ops::RangeInclusive<usize> = 6..=4096;
/// Fields that are listed.
const MOST_FIELDS: usize = 200;

/// One of the journeys.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    pub case: Case<'a>,
    pub findings: &'a Findings,
    /// Gives an exchange's body.
    pub body: &'a dyn Fn(&Exchange) -> Option<Vec<u8>>,
    /// Where its bundle lies.
    pub bundle: &'a str,
}

impl std::fmt::Debug for Side<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Side")
            .field("bundle", &self.bundle)
            .finish_non_exhaustive()
    }
}

/// Host, path and place of a value.
type Field = (String, String, String);

/// What a field held in one journey, each with an exchange that had it.
type Values<'a> = BTreeMap<String, &'a Exchange>;

/// Compares a run with the same journey again (the same canaries), with other canaries, and with nothing typed. The
/// journeys must have been made with the first two on the outside (the run, the others, the same again): what merely
/// follows the clock then differs between those two as well.
pub fn controls(run: Side<'_>, again: Side<'_>, others: Side<'_>, nothing: Side<'_>) -> Controls {
    let mut controls = Controls {
        runs: [others, nothing, again].map(control_run).into(),
        ..Controls::default()
    };
    if controls.runs.iter().any(|run| !run.completed) {
        return controls;
    }
    let [ours, same, changed, empty] = [run, again, others, nothing].map(fields);
    for leak in &run.findings.leaks {
        if leak.certainty != Certainty::Suspected {
            continue;
        }
        let field =
            |host: &str, url: &str, place: &str| (host.to_owned(), path(url), place.to_owned());
        let here = field(&leak.host, &leak.url, &leak.place);
        let holds = |values: &BTreeMap<Field, Values>| {
            values
                .get(&here)
                .is_some_and(|values| values.contains_key(&leak.value))
        };
        let just_so = others.findings.leaks.iter().any(|other| {
            other.chain == leak.chain
                && other.canary == leak.canary
                && field(&other.host, &other.url, &other.place) == here
        });
        // The same where something else was typed, or nothing: then it does not come of what was typed.
        let certainty = if holds(&empty) || holds(&changed) {
            Certainty::Refuted
        } else if just_so {
            Certainty::Confirmed
        } else {
            continue;
        };
        controls.leaks.insert(leak.id.clone(), certainty);
    }
    // What is found already is not suspected, and neither are its pieces.
    let is_explained = |controls: &Controls, field: &Field, value: &str| {
        run.findings.leaks.iter().any(|leak| {
            let confirmed = controls.leaks.get(&leak.id) == Some(&Certainty::Confirmed);
            (confirmed || leak.certainty == Certainty::Found)
                && leak.host == field.0
                && leak.place.split(" + ").any(|part| part == field.2)
                && leak.value.contains(value)
        })
    };
    for (field, values) in &ours {
        let (Some(same), Some(changed)) = (same.get(field), changed.get(field)) else {
            continue;
        };
        let empty = empty.get(field);
        for (value, exchange) in values {
            let follows = same.contains_key(value)
                && !changed.contains_key(value)
                && !empty.is_some_and(|empty| empty.contains_key(value))
                && changed.keys().any(|other| !values.contains_key(other));
            if !follows
                || controls.fields.len() >= MOST_FIELDS
                || is_explained(&controls, field, value)
            {
                continue;
            }
            controls.fields.push(SuspectedField {
                recipient: exchange.recipient.clone(),
                host: field.0.clone(),
                path: field.1.clone(),
                place: field.2.clone(),
                exchange: exchange.id.clone(),
                url: exchange.url.clone(),
                value: value.clone(),
                with_other_canaries: changed.keys().take(5).cloned().collect(),
                with_nothing_typed: empty
                    .map(|empty| empty.keys().take(5).cloned().collect())
                    .unwrap_or_default(),
            });
        }
    }
    controls
}

fn control_run(side: Side<'_>) -> ControlRun {
    let record = side.case.record;
    ControlRun {
        typing: record.options["typing"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        bundle: side.bundle.to_owned(),
        completed: record.journey.state == JourneyState::Completed && record.problems.is_empty(),
    }
}

fn path(url: &str) -> String {
    UrlParts::of(url).map_or_else(String::new, |parts| parts.path.to_owned())
}

/// Every value that was told to others in a journey, by its field.
fn fields(side: Side<'_>) -> BTreeMap<Field, Values<'_>> {
    let search = Search::new(Vec::new());
    let mut reader = Reader::new(&search);
    let trackers = trackers(side.case);
    let mut fields: BTreeMap<Field, Values> = BTreeMap::new();
    for exchange in side.case.exchanges {
        if !goes_to_others(exchange, &trackers) || !counts(exchange.sent, exchange.outcome) {
            continue;
        }
        let body = (side.body)(exchange);
        let values = reader.values(Sent {
            exchange,
            body: body.as_deref(),
        });
        for (place, value) in values {
            if !LENGTHS.contains(&value.len()) {
                continue;
            }
            let field = (host(exchange), path(&exchange.url), place);
            let value = cut(&String::from_utf8_lossy(&value));
            fields
                .entry(field)
                .or_default()
                .entry(value)
                .or_insert(exchange);
        }
    }
    fields
}
