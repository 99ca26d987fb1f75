//! Writes the edition: records without the values, files that stay, the original's tag manifest.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use data_encoding::HEXLOWER;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{RedactError, Redaction, Wanted, listed};
use crate::bundle::bag::{
    DECLARATION, INFO, INSTRUCTIONS, MANIFEST, SIGNATURE, STAMP, TAG_MANIFEST,
};
use crate::bundle::{BundleWriter, read_body};
use crate::leak::{Reader, Search, Sent, Sought};
use crate::model::{Exchange, TrackerEvent};
use crate::report;
use crate::run::Run;
use crate::run::secrets::{empty_exchange, without_query};

/// What takes the place of a value that cannot be disclosed one by one.
pub(super) const GONE: &str = "[redacted]";

impl Redaction {
    pub fn write(&mut self, run: &Run, out: &Path, wanted: &Wanted) -> Result<(), RedactError> {
        // What the values' own forms do not reach, as a value in pieces: then all of that request goes.
        let exchanges: Vec<Exchange> = run.exchanges.iter().map(|x| self.exchange(x)).collect();
        let holding: BTreeSet<String> = self.still_there(&exchanges, run).0.into_iter().collect();
        self.record.emptied.extend(holding.iter().cloned());
        self.remove_bodies_of(run, &holding);
        let exchanges: Vec<Exchange> = run.exchanges.iter().map(|x| self.exchange(x)).collect();
        let events = run.events.iter().map(|event| self.event(event));
        let events: Vec<TrackerEvent> = events.collect::<Option<_>>().ok_or_else(lost)?;
        if let (_, Some(error)) = self.still_there(&exchanges, run) {
            return Err(error);
        }
        let scenario = fs::read(run.bundle.join("data/scenario.yaml")).unwrap_or_default();
        let scenario = String::from_utf8_lossy(&self.scrub.bytes(&scenario)).into_owned();
        let bundle = BundleWriter::create(out, &scenario)?;
        self.files(run, &bundle, wanted)?;
        let mut record = self.scrub.record(&run.record).ok_or_else(lost)?;
        record.sources_left_out = Some(
            "this is a redacted edition, and the original's browser messages and network log are not in it".to_owned(),
        );
        for step in &mut record.journey.steps {
            let pointed = step.pointed.as_mut().map(|pointed| &mut pointed.screenshot);
            for picture in [Some(&mut step.screenshot), pointed].into_iter().flatten() {
                if picture
                    .as_ref()
                    .is_some_and(|path| self.gone.contains(path))
                {
                    *picture = None;
                }
            }
        }
        record.redaction = Some(self.record.clone());
        let digest = |bytes: &[u8]| HEXLOWER.encode(&Sha256::digest(bytes));
        record.scenario.sha256 = digest(scenario.as_bytes());
        if let (Some(policy), Ok(text)) =
            (&mut record.policy, fs::read(out.join("data/policy.yaml")))
        {
            policy.sha256 = digest(&text);
        }
        let mut findings = self.scrub.record(&run.findings).ok_or_else(lost)?;
        let searched = run.findings.searched.canaries.iter();
        for (canary, original) in findings.searched.canaries.iter_mut().zip(searched) {
            let goes = |sought: &Sought| sought.value == original.value;
            if self.sought.iter().any(goes) {
                canary.forms = vec![GONE.to_owned()];
            }
        }
        let mut value = serde_json::to_value(&findings).unwrap_or_default();
        self.empty_findings(&mut value);
        findings = serde_json::from_value(value)
            .map_err(|error| RedactError::Failed(error.to_string()))?;
        bundle.records(&exchanges, &events)?;
        bundle.replace("traffic.har", |file| {
            let body = |exchange: &Exchange| read_body(bundle.root(), exchange);
            report::har::render(&record, &exchanges, &body, file)
        })?;
        bundle.findings(&findings)?;
        bundle.run(&record)?;
        let edition = Run {
            bundle: out.to_owned(),
            record,
            exchanges,
            events,
            findings,
        };
        edition.write_page(&bundle)?;
        self.nothing_left(out)?;
        bundle.close(&edition.about())?;
        Ok(())
    }

    /// Files of the original that stay as they are, and its manifests.
    fn files(
        &mut self,
        run: &Run,
        bundle: &BundleWriter,
        wanted: &Wanted,
    ) -> Result<(), RedactError> {
        let failed = |error: std::io::Error| RedactError::Failed(error.to_string());
        let copy = |from: &Path, to: &Path| -> Result<(), RedactError> {
            if let Some(folder) = to.parent() {
                fs::create_dir_all(folder).map_err(failed)?;
            }
            fs::copy(from, to).map(|_| ()).map_err(failed)
        };
        let data = run.bundle.join("data");
        if let Ok(policy) = fs::read(data.join("policy.yaml")) {
            bundle.replace("policy.yaml", |file| {
                file.write_all(&self.scrub.bytes(&policy))
            })?;
        }
        for name in ["cdp.jsonl", "netlog.json.gz"] {
            if data.join(name).is_file() {
                self.gone.insert(format!("data/{name}"));
            }
        }
        for folder in ["bodies", "certificates", "screenshots"] {
            for path in listed(&data.join(folder)).map_err(failed)? {
                let name = path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                let relative = format!("data/{folder}/{name}");
                if folder == "screenshots" && !wanted.keep_screenshots {
                    self.gone.insert(relative);
                } else if !self.gone.contains(&relative) {
                    copy(&path, &bundle.root().join(&relative))?;
                }
            }
        }
        let tags: &[&str] = match wanted.with_manifest {
            true => &[DECLARATION, INFO, INSTRUCTIONS, MANIFEST],
            false => &[],
        };
        for name in tags.iter().chain(&[TAG_MANIFEST, SIGNATURE, STAMP]) {
            let from = run.bundle.join(name);
            if from.is_file() {
                copy(&from, &bundle.root().join("data/original").join(name))?;
            }
        }
        // A body's name is its digest, by which a short one could be found by trying.
        let (bodies, others): (Vec<&String>, Vec<&String>) = self
            .gone
            .iter()
            .partition(|path| path.starts_with("data/bodies/"));
        self.record.bodies = bodies.len() as u64;
        self.record.removed = others.into_iter().cloned().collect();
        Ok(())
    }

    fn exchange(&self, exchange: &Exchange) -> Exchange {
        let mut clean = self.scrub.exchange(exchange);
        if self.record.emptied.contains(&exchange.id) {
            empty_exchange(&mut clean, GONE);
        }
        let gone = |path: &String| self.gone.contains(path);
        if clean.body_path.as_ref().is_some_and(gone) {
            (clean.body_path, clean.body_sha256) = (None, None);
        }
        if clean
            .response_body
            .as_ref()
            .is_some_and(|body| gone(&body.path))
        {
            clean.response_body = None;
        }
        clean
    }

    fn event(&self, event: &TrackerEvent) -> Option<TrackerEvent> {
        let mut clean = self.scrub.record(event)?;
        if self.record.emptied.contains(&event.exchange) {
            clean.url = without_query(&clean.url, GONE);
            for parameter in &mut clean.parameters {
                parameter.value = GONE.to_owned();
                parameter.decoded = None;
            }
            clean
                .user_data
                .iter_mut()
                .for_each(|datum| datum.value = GONE.to_owned());
            clean
                .identity
                .iter_mut()
                .for_each(|signal| signal.value = GONE.to_owned());
            clean
                .custom_data
                .values_mut()
                .for_each(|value| *value = Value::from(GONE));
            for address in [&mut clean.page_url, &mut clean.referrer] {
                *address = address.as_deref().map(|url| without_query(url, GONE));
            }
            for id in [&mut clean.event_id, &mut clean.fbp, &mut clean.fbc] {
                *id = id.as_ref().map(|_| GONE.to_owned());
            }
        }
        Some(clean)
    }

    /// Takes what is said of exchanges that are emptied out of the findings: names of what was told stay, values go.
    fn empty_findings(&self, value: &mut Value) {
        let is_emptied = |id: &Value| {
            let mut emptied = self.record.emptied.iter();
            id.as_str()
                .is_some_and(|id| emptied.any(|known| known == id))
        };
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.empty_findings(item)),
            Value::Object(map) => {
                let one = map.get("exchange").is_some_and(is_emptied);
                let any = map.get("exchanges").and_then(Value::as_array);
                if one || any.is_some_and(|ids| ids.iter().any(is_emptied)) {
                    let fields = map.iter_mut();
                    let values = fields.filter(|(key, _)| !NAMES.contains(&key.as_str()));
                    values.for_each(|(_, value)| without_values(value));
                } else {
                    map.values_mut()
                        .for_each(|value| self.empty_findings(value));
                }
            }
            _ => {}
        }
    }

    /// Exchanges in which something of what goes is still found, and the first of them as an error.
    fn still_there(&self, exchanges: &[Exchange], run: &Run) -> (Vec<String>, Option<RedactError>) {
        let search = Search::new(self.sought.clone());
        let mut reader = Reader::new(&search);
        let mut found = Vec::new();
        let mut error = None;
        for exchange in exchanges {
            let body = read_body(&run.bundle, exchange);
            let sent = Sent {
                exchange,
                body: body.as_deref(),
            };
            if let Some(hit) = reader.read(sent).hits.first() {
                found.push(exchange.id.clone());
                error.get_or_insert(RedactError::StillThere {
                    name: self.sought[hit.canary].name.clone(),
                    exchange: exchange.id.clone(),
                    place: hit.place.clone(),
                });
            }
        }
        (found, error)
    }

    /// Looks into every file that was written.
    fn nothing_left(&self, out: &Path) -> Result<(), RedactError> {
        let failed = |error: std::io::Error| RedactError::Failed(error.to_string());
        let search = Search::new(self.sought.clone());
        let mut reader = Reader::new(&search);
        let carrier = Exchange::begun(String::new(), "https://edition.invalid/", "POST", "");
        for folder in ["", "bodies", "original"] {
            for path in listed(&out.join("data").join(folder)).map_err(failed)? {
                let bytes = fs::read(&path).map_err(failed)?;
                let still_there = |name: &str, place: &str| RedactError::StillThere {
                    name: name.to_owned(),
                    exchange: path.display().to_string(),
                    place: place.to_owned(),
                };
                if self.scrub.is_in(&bytes) {
                    return Err(still_there("what was to go", "its text"));
                }
                // Each record as if it were sent: then it is taken apart as everything is.
                for line in bytes.split(|byte| *byte == b'\n') {
                    let sent = Sent {
                        exchange: &carrier,
                        body: Some(line),
                    };
                    if let Some(hit) = reader.read(sent).hits.first() {
                        return Err(still_there(&self.sought[hit.canary].name, &hit.place));
                    }
                }
            }
        }
        Ok(())
    }
}

fn lost() -> RedactError {
    RedactError::Failed("a record would be none without what is to go".to_owned())
}

/// Fields of findings that say what was told, to whom, when and how, and not the value.
const NAMES: [&str; 26] = [
    "id",
    "canary",
    "kind",
    "fields",
    "certainty",
    "extent",
    "recipient",
    "host",
    "party",
    "exchange",
    "exchanges",
    "method",
    "place",
    "chain",
    "sent",
    "outcome",
    "submission",
    "consent",
    "flow",
    "page_from",
    "event",
    "events",
    "time",
    "vendor",
    "strength",
    "signal",
];

/// An address loses its query; `name = value` its value; any other text is gone.
fn without_values(value: &mut Value) {
    match value {
        Value::String(text) => {
            *text = match text.split_once(" = ") {
                _ if text.starts_with("http") => without_query(text, GONE),
                Some((name, _)) => format!("{name} = {GONE}"),
                None if text.contains(" ← ") => std::mem::take(text),
                None => GONE.to_owned(),
            };
        }
        Value::Array(items) => items.iter_mut().for_each(without_values),
        Value::Object(map) => map.values_mut().for_each(without_values),
        _ => {}
    }
}
