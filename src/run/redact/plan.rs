//! What is to be taken out of a bundle, in every form that was sent.

use std::collections::BTreeSet;

use super::{RedactError, Redaction, Wanted};
use crate::bundle::disclosure::Disclosure;
use crate::bundle::{SHORTEST_SECRET, Scrub, read_body, timestamp};
use crate::leak::{Reader, Search, Sent, Sought};
use crate::model::{CanaryRecord, RedactedValue, RedactionRecord};
use crate::run::Run;

impl Redaction {
    /// Gathers the values that go: those that are named, and what was sent of them in other forms.
    pub fn plan(run: &Run, wanted: &Wanted) -> Result<Redaction, RedactError> {
        let mut values: Vec<(String, String)> = Vec::new();
        let mut sought = Vec::new();
        for name in &wanted.canaries {
            let canary = run
                .record
                .canaries
                .iter()
                .find(|canary| canary.name == *name);
            let canary = canary.ok_or_else(|| no_canary(name, &run.record.canaries))?;
            sought.push(Sought::from(canary));
            values.push((name.clone(), canary.value.clone()));
        }
        for name in &wanted.fields {
            let found = values_of(name, run);
            if found.is_empty() {
                return Err(RedactError::NotThere(format!(
                    "no cookie, header, parameter or signal is named `{name}`"
                )));
            }
            values.extend(found.into_iter().map(|value| (name.clone(), value)));
        }
        values.extend(wanted.values.iter().cloned());
        for (name, value) in &values[sought.len()..] {
            sought.push(Sought {
                name: name.clone(),
                kind: "text".to_owned(),
                value: value.clone(),
                rare: true,
            });
        }
        for (name, value) in &values {
            let length = value.chars().count();
            if value.len() < SHORTEST_SECRET {
                return Err(RedactError::Short {
                    name: name.clone(),
                    length,
                });
            }
        }
        for id in &wanted.exchanges {
            if !run.exchanges.iter().any(|exchange| exchange.id == *id) {
                return Err(RedactError::NotThere(format!(
                    "there is no exchange `{id}`"
                )));
            }
        }
        let search = Search::new(sought.clone());
        let holding = sent_forms(run, &search, &sought, &mut values);
        let mut disclosures = Vec::new();
        for (name, value) in &values {
            let disclosure = Disclosure::fresh(&plain(name), value)
                .map_err(|error| RedactError::Failed(error.to_string()))?;
            disclosures.push(disclosure);
        }
        let marks: Vec<String> = disclosures.iter().map(Disclosure::mark).collect();
        let pairs = marks.iter().zip(&values);
        let pairs = pairs.map(|(mark, (_, value))| (mark.as_str(), value.as_str()));
        // In small letters, without spaces, with the country's code: the records say under which forms it was looked for.
        let forms = (0..sought.len()).flat_map(|number| {
            let mark = marks[number].as_str();
            search.texts(number).map(move |text| (mark, text))
        });
        let scrub = Scrub::marking(pairs.chain(forms))
            .ok_or_else(|| RedactError::Failed("the values are too many".to_owned()))?;
        let digest = timestamp::digest(&run.bundle)
            .map_err(|error| RedactError::Failed(error.to_string()))?;
        let values = disclosures.iter().map(|disclosure| RedactedValue {
            name: disclosure.name.clone(),
            digest: disclosure.digest(),
        });
        let mut redaction = Redaction {
            record: RedactionRecord {
                original: data_encoding::HEXLOWER.encode(&digest),
                values: values.collect(),
                removed: Vec::new(),
                emptied: wanted.exchanges.clone(),
            },
            disclosures,
            scrub,
            sought,
        };
        redaction.remove_bodies(run, &holding);
        Ok(redaction)
    }

    /// Bodies that hold what goes, or are of a request that goes: whole, since what stands around a value is a format that
    /// would break.
    pub fn remove_bodies(&mut self, run: &Run, holding: &BTreeSet<String>) {
        for exchange in &run.exchanges {
            let Some(path) = &exchange.body_path else {
                continue;
            };
            let goes = holding.contains(&exchange.id)
                || self.record.emptied.contains(&exchange.id)
                || read_body(&run.bundle, exchange).is_some_and(|body| self.scrub.is_in(&body));
            if goes && !self.record.removed.contains(path) {
                self.record.removed.push(path.clone());
            }
        }
    }
}

/// Hashes and codings tell a value too: whoever has a guess can try it. Adds what was sent of each as a value of its own, and
/// gives the exchanges in whose body any stood.
fn sent_forms(
    run: &Run,
    search: &Search,
    sought: &[Sought],
    values: &mut Vec<(String, String)>,
) -> BTreeSet<String> {
    let mut holding = BTreeSet::new();
    let mut reader = Reader::new(search);
    for exchange in &run.exchanges {
        let body = read_body(&run.bundle, exchange);
        let sent = Sent {
            exchange,
            body: body.as_deref(),
        };
        for hit in reader.read(sent).hits {
            if in_body(&hit.place) {
                holding.insert(exchange.id.clone());
            }
            let name = &sought[hit.canary].name;
            let form = String::from_utf8_lossy(&hit.value).into_owned();
            let usable = !hit.cut && form.len() >= SHORTEST_SECRET && !form.contains('\u{fffd}');
            let known = |(_, value): &(String, String)| value.eq_ignore_ascii_case(&form);
            if usable && !values.iter().any(known) {
                values.push((format!("{name}-as-sent"), form));
            }
        }
    }
    holding
}

/// A name as it may stand in a mark.
fn plain(name: &str) -> String {
    let plain = |c: char| match c {
        c if c.is_ascii_alphanumeric() || "._-".contains(c) => c,
        _ => '_',
    };
    name.chars().map(plain).collect()
}

/// Whether a place is in the body or a message.
fn in_body(place: &str) -> bool {
    let outside = ["host", "path", "query", "header", "cookie", "referrer"];
    !outside.iter().any(|known| place.starts_with(known))
}

/// Values that a name has anywhere in a run's records.
fn values_of(name: &str, run: &Run) -> BTreeSet<String> {
    let mut values = BTreeSet::new();
    for exchange in &run.exchanges {
        let cookies = exchange.cookies.iter();
        values.extend(
            cookies
                .filter(|cookie| cookie.name == name)
                .map(|cookie| cookie.value.clone()),
        );
        let headers = exchange
            .request_headers
            .iter()
            .chain(exchange.response_headers.iter());
        let named = headers.filter(|(header, _)| header.eq_ignore_ascii_case(name));
        values.extend(named.map(|(_, value)| value.clone()));
    }
    for event in &run.events {
        let parameters = event.parameters.iter();
        values.extend(
            parameters
                .filter(|p| p.key == name)
                .map(|p| p.value.clone()),
        );
        let signals = event.identity.iter();
        values.extend(
            signals
                .filter(|s| s.signal == name)
                .map(|s| s.value.clone()),
        );
        let data = event.user_data.iter();
        values.extend(
            data.filter(|datum| datum.key == name)
                .map(|datum| datum.value.clone()),
        );
    }
    values.remove("");
    values
}

fn no_canary(name: &str, canaries: &[CanaryRecord]) -> RedactError {
    let names: Vec<&str> = canaries.iter().map(|canary| canary.name.as_str()).collect();
    RedactError::NotThere(format!(
        "there is no canary `{name}`; there are {}",
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        }
    ))
}
