//! Writes the edition: records without the values, files that stay, the original's manifests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{RedactError, Redaction, Wanted, listed};
use crate::bundle::bag::{
    DECLARATION, INFO, INSTRUCTIONS, MANIFEST, SIGNATURE, STAMP, TAG_MANIFEST,
};
use crate::bundle::{BundleWriter, read_body};
use crate::leak::{Reader, Search, Sent};
use crate::model::{Exchange, Headers, TrackerEvent};
use crate::report;
use crate::run::Run;

/// What takes the place of a value that cannot be disclosed one by one.
const GONE: &str = "[redacted]";

impl Redaction {
    pub fn write(&mut self, run: &Run, out: &Path, wanted: &Wanted) -> Result<(), RedactError> {
        // What the values' own forms do not reach, as a value in pieces: then all of that request goes.
        let exchanges: Vec<Exchange> = run.exchanges.iter().map(|x| self.exchange(x)).collect();
        let holding: BTreeSet<String> = self.still_there(&exchanges, run).0.into_iter().collect();
        self.record.emptied.extend(holding.iter().cloned());
        self.remove_bodies(run, &holding);
        let exchanges: Vec<Exchange> = run.exchanges.iter().map(|x| self.exchange(x)).collect();
        let events: Vec<TrackerEvent> = run.events.iter().map(|event| self.event(event)).collect();
        if let (_, Some(error)) = self.still_there(&exchanges, run) {
            return Err(error);
        }
        let scenario = fs::read(run.bundle.join("data/scenario.yaml")).unwrap_or_default();
        let scenario = String::from_utf8_lossy(&self.scrub.bytes(&scenario)).into_owned();
        let bundle = BundleWriter::create(out, &scenario)?;
        self.files(run, &bundle, wanted)?;
        let mut record = self.scrub.record(&run.record);
        // From the seed the canaries follow.
        let canary_goes = self.sought.iter().any(|sought| {
            let mut canaries = run.record.canaries.iter();
            canaries.any(|canary| canary.value == sought.value)
        });
        if canary_goes && let Some(seed) = record.options.get_mut("seed") {
            *seed = "[redacted]".into();
        }
        record.sources_left_out = Some(
            "this is a redacted edition, and the original's browser messages and network log are not in it".to_owned(),
        );
        for step in &mut record.journey.steps {
            let gone = step
                .screenshot
                .as_ref()
                .is_some_and(|path| self.record.removed.contains(path));
            if gone {
                step.screenshot = None;
            }
        }
        record.redaction = Some(self.record.clone());
        let mut findings = self.scrub.record(&run.findings);
        for canary in &mut findings.searched.canaries {
            if self.sought.iter().any(|sought| sought.name == canary.name) {
                canary.forms = vec![GONE.to_owned()];
            }
        }
        for leak in &mut findings.leaks {
            if self.record.emptied.contains(&leak.exchange) {
                (leak.value, leak.shell) = (GONE.to_owned(), None);
                leak.url = without_query(&leak.url);
            }
        }
        bundle.records(&exchanges, &events)?;
        bundle.replace("traffic.har", |file| {
            let body = |exchange: &Exchange| read_body(bundle.root(), exchange);
            report::har::render(&record, &exchanges, &body, file)
        })?;
        bundle.findings(&findings)?;
        bundle.run(&record)?;
        self.nothing_left(out)?;
        let edition = Run {
            bundle: out.to_owned(),
            record,
            exchanges,
            events,
            findings,
        };
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
                self.record.removed.push(format!("data/{name}"));
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
                let goes = match folder {
                    "screenshots" => !wanted.keep_screenshots,
                    "bodies" => {
                        self.record.removed.contains(&relative)
                            || fs::read(&path).is_ok_and(|body| self.scrub.is_in(&body))
                    }
                    _ => false,
                };
                if !goes {
                    copy(&path, &bundle.root().join(&relative))?;
                } else if !self.record.removed.contains(&relative) {
                    self.record.removed.push(relative);
                }
            }
        }
        for name in [
            DECLARATION,
            INFO,
            INSTRUCTIONS,
            MANIFEST,
            TAG_MANIFEST,
            SIGNATURE,
            STAMP,
        ] {
            let from = run.bundle.join(name);
            if from.is_file() {
                copy(&from, &bundle.root().join("data/original").join(name))?;
            }
        }
        self.record.removed.sort();
        Ok(())
    }

    fn exchange(&self, exchange: &Exchange) -> Exchange {
        let mut clean = self.scrub.exchange(exchange);
        if self.record.emptied.contains(&exchange.id) {
            clean.url = without_query(&clean.url);
            for headers in [&mut clean.request_headers, &mut clean.response_headers] {
                let emptied = headers
                    .iter()
                    .map(|(name, _)| (name.clone(), GONE.to_owned()));
                *headers = Headers::from(emptied.collect::<Vec<_>>());
            }
            clean
                .cookies
                .iter_mut()
                .for_each(|cookie| cookie.value = GONE.to_owned());
            clean.frames.clear();
            clean.document_url = clean.document_url.as_deref().map(without_query);
        }
        let gone = |path: &String| self.record.removed.contains(path);
        if clean.body_path.as_ref().is_some_and(gone) {
            clean.body_path = None;
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

    fn event(&self, event: &TrackerEvent) -> TrackerEvent {
        let mut clean = self.scrub.record(event);
        if self.record.emptied.contains(&event.exchange) {
            clean.url = without_query(&clean.url);
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
                *address = address.as_deref().map(without_query);
            }
            for id in [&mut clean.event_id, &mut clean.fbp, &mut clean.fbc] {
                *id = id.as_ref().map(|_| GONE.to_owned());
            }
        }
        clean
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
        for folder in ["", "bodies"] {
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

fn without_query(url: &str) -> String {
    match url.split_once('?') {
        Some((address, _)) => format!("{address}?{GONE}"),
        None => url.to_owned(),
    }
}
