//! What is to be taken out of a bundle, in every form that was sent.

use std::collections::BTreeSet;
use std::fs;

use super::edition::GONE;
use super::{RedactError, Redaction, Wanted, listed};
use crate::bundle::disclosure::{Disclosure, mark_name};
use crate::bundle::{SHORTEST_SECRET, Scrub, read_body, timestamp};
use crate::leak::{Reader, Search, Sent, Sought};
use crate::model::{CanaryRecord, RedactedValue, RedactionRecord, UrlParts};
use crate::run::Run;
use crate::scenario::Scenario;

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
        for (name, value) in &wanted.values {
            if value.len() >= SHORTEST_SECRET && !stands_in(value, run) {
                return Err(RedactError::NotThere(format!(
                    "the value of `{name}` stands nowhere in the bundle"
                )));
            }
            values.push((name.clone(), value.clone()));
        }
        for (name, value) in &values[sought.len()..] {
            sought.push(Sought::text(name, value));
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
        let mut holding = sent_forms(run, &search, &sought, &mut values);
        let mut disclosures = Vec::new();
        for (name, value) in &values {
            let disclosure = Disclosure::fresh(&mark_name(name), value)
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
        let others = self::others(run, wanted, &sought)?;
        let others = others.iter().map(|value| (GONE, value.as_str()));
        let scrub = Scrub::marking(pairs.chain(forms).chain(others))
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
                bodies: 0,
                emptied: wanted.exchanges.clone(),
            },
            disclosures,
            scrub,
            sought,
            gone: BTreeSet::new(),
        };
        redaction.remove_holding_bodies(run)?;
        holding.extend(wanted.exchanges.iter().cloned());
        redaction.remove_bodies_of(run, &holding);
        Ok(redaction)
    }

    /// Bodies in which what goes stands as it is, of requests and of answers: whole, since what stands around a value is a format
    /// that would break.
    fn remove_holding_bodies(&mut self, run: &Run) -> Result<(), RedactError> {
        let failed = |error: std::io::Error| RedactError::Failed(error.to_string());
        for path in listed(&run.bundle.join("data/bodies")).map_err(failed)? {
            if self.scrub.is_in(&fs::read(&path).map_err(failed)?) {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                self.gone.insert(format!("data/bodies/{name}"));
            }
        }
        Ok(())
    }

    /// Bodies of these requests, whatever stands in them.
    pub fn remove_bodies_of(&mut self, run: &Run, ids: &BTreeSet<String>) {
        let of_these = run
            .exchanges
            .iter()
            .filter(|exchange| ids.contains(&exchange.id));
        let paths = of_these.filter_map(|exchange| exchange.body_path.clone());
        self.gone.extend(paths);
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

/// Whether a place is in the body or a message.
fn in_body(place: &str) -> bool {
    let outside = ["host", "path", "query", "header", "cookie", "referrer"];
    !outside.iter().any(|known| place.starts_with(known))
}

/// What goes and is not disclosed: what the canaries follow from, and what others say of the address of a request that goes.
fn others(run: &Run, wanted: &Wanted, sought: &[Sought]) -> Result<Vec<String>, RedactError> {
    let mut others = Vec::new();
    let is_sought = |value: &String| sought.iter().any(|sought| sought.value == *value);
    if run
        .record
        .canaries
        .iter()
        .any(|canary| is_sought(&canary.value))
    {
        let scenario = Scenario::load(&run.bundle.join("data/scenario.yaml")).ok();
        let seeds = [
            run.record.options["seed"].as_str().map(str::to_owned),
            scenario.and_then(|scenario| scenario.seed),
        ];
        others.extend(seeds.into_iter().flatten());
        if let Some(short) = others.iter().find(|seed| seed.len() < SHORTEST_SECRET) {
            return Err(RedactError::Short {
                name: "the seed, from which canaries follow,".to_owned(),
                length: short.len(),
            });
        }
    }
    for exchange in &run.exchanges {
        if wanted.exchanges.contains(&exchange.id) {
            let query = exchange.url.split_once('?').map(|(_, query)| query);
            others.extend(query.map(str::to_owned));
            let values = UrlParts::of(&exchange.url).and_then(|parts| parts.query);
            let values = form_urlencoded::parse(values.unwrap_or_default().as_bytes());
            // A short or common one stands in much that is not meant.
            let values = values.map(|(_, value)| value.into_owned());
            others.extend(values.filter(|value| value.len() >= 12));
        }
    }
    Ok(others)
}

/// Whether a value stands anywhere in the records of a run.
fn stands_in(value: &str, run: &Run) -> bool {
    let Some(finder) = Scrub::marking([("", value)]) else {
        return false;
    };
    let records = [
        "run.json",
        "exchanges.jsonl",
        "evidence.jsonl",
        "findings.json",
        "scenario.yaml",
    ];
    let bodies = run
        .exchanges
        .iter()
        .filter_map(|exchange| read_body(&run.bundle, exchange));
    records
        .iter()
        .filter_map(|name| fs::read(run.bundle.join("data").join(name)).ok())
        .chain(bodies)
        .any(|bytes| finder.is_in(&bytes))
}

/// Values that a name has anywhere in a run's records: of cookies and headers, sent and answered, of parameters in addresses and
/// bodies, of signals.
fn values_of(name: &str, run: &Run) -> BTreeSet<String> {
    let mut values = BTreeSet::new();
    let search = Search::new(Vec::new());
    let mut reader = Reader::new(&search);
    for exchange in &run.exchanges {
        let cookies = exchange.cookies.iter();
        let cookies = cookies.filter(|cookie| cookie.name == name);
        values.extend(cookies.map(|cookie| cookie.value.clone()));
        let headers = exchange
            .request_headers
            .iter()
            .chain(exchange.response_headers.iter());
        for (header, value) in headers {
            if header.eq_ignore_ascii_case(name) {
                values.insert(value.clone());
            }
            if header.eq_ignore_ascii_case("set-cookie")
                && let Some((cookie, rest)) = value.split_once('=')
                && cookie == name
            {
                values.extend(rest.split(';').next().map(str::to_owned));
            }
        }
        let query = UrlParts::of(&exchange.url).and_then(|parts| parts.query);
        let query = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let query = query.filter(|(key, _)| key == name);
        values.extend(query.map(|(_, value)| value.into_owned()));
        let body = read_body(&run.bundle, exchange);
        let sent = Sent {
            exchange,
            body: body.as_deref(),
        };
        for (place, value) in reader.values(sent) {
            let named = place
                .split_once(':')
                .is_some_and(|(_, path)| path == name || path.rsplit('.').next() == Some(name));
            if named {
                values.extend(String::from_utf8(value));
            }
        }
    }
    for event in &run.events {
        let parameters = event.parameters.iter();
        let parameters = parameters.filter(|parameter| parameter.key == name);
        values.extend(parameters.map(|parameter| parameter.value.clone()));
        let signals = event.identity.iter();
        let signals = signals.filter(|signal| signal.signal == name);
        values.extend(signals.map(|signal| signal.value.clone()));
        let data = event.user_data.iter().filter(|datum| datum.key == name);
        values.extend(data.map(|datum| datum.value.clone()));
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
