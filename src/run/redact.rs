//! An edition of a bundle that can be shared: chosen values are taken out wherever they stand, in whatever form, and chosen
//! bodies whole. The original's manifests and signature are kept in it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Run;
use crate::bundle::bag::{
    self, DECLARATION, INFO, INSTRUCTIONS, MANIFEST, SIGNATURE, STAMP, TAG_MANIFEST,
};
use crate::bundle::disclosure::{Disclosure, mark};
use crate::bundle::{
    BundleError, BundleWriter, ReadError, SHORTEST_SECRET, Scrub, read_body, timestamp,
};
use crate::leak::{Reader, Search, Sent, Sought};
use crate::model::{
    CanaryRecord, Exchange, Headers, RedactedValue, RedactionRecord, TrackerEvent, count,
};
use crate::report;

/// What is to be taken out.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Canaries by name, with every form of them that was sent.
    pub canaries: Vec<String>,
    /// Names of cookies, headers, parameters and signals: whatever values they have.
    pub fields: Vec<String>,
    /// Values, each with the name that its mark has.
    pub values: Vec<(String, String)>,
    /// Exchanges by id: body, query, headers, cookies and messages.
    pub exchanges: Vec<String>,
    /// Pictures stay; what is taken out may be seen in them.
    pub keep_screenshots: bool,
}

/// A redacted edition, and what discloses what was taken out.
#[derive(Debug)]
pub struct Redacted {
    pub record: RedactionRecord,
    pub disclosures: Vec<Disclosure>,
}

#[derive(Debug, thiserror::Error)]
pub enum RedactError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Write(#[from] BundleError),
    #[error("the original is not as it was sealed: `{path}` {what}")]
    NotWhole { path: String, what: String },
    #[error("{0}")]
    NotThere(String),
    #[error("the value of `{name}` has {} and is too short to be taken out wherever it stands", count(*length, "character"))]
    Short { name: String, length: usize },
    #[error("`{name}` is still found in {}, in {place}", exchange)]
    StillThere {
        name: String,
        exchange: String,
        place: String,
    },
    #[error("{0}")]
    Failed(String),
}

impl RedactError {
    pub fn help(&self) -> &'static str {
        match self {
            RedactError::Read(error) => error.help(),
            RedactError::Write(error) => error.help(),
            RedactError::NotWhole { .. } => {
                "`pixelwitness verify` says more; what is not whole is not shared"
            }
            RedactError::NotThere(_) => "is it spelled as in the bundle's records?",
            RedactError::Short { .. } => {
                "take out whole requests with `--exchange`; it would be part of too much else"
            }
            RedactError::StillThere { .. } => {
                "take that request out altogether with `--exchange`; nothing was written"
            }
            RedactError::Failed(_) => "nothing was written",
        }
    }
}

/// Writes a redacted edition of `root` to `out`, a new bag. Its own search is held against it before it is sealed: where
/// something of what was to go is still found, nothing is left there.
///
/// # Errors
/// [`RedactError`].
pub fn redact(root: &Path, out: &Path, wanted: &Wanted) -> Result<Redacted, RedactError> {
    let bag = bag::check(root).map_err(|error| RedactError::Failed(error.to_string()))?;
    if let Some(problem) = bag.problems.into_iter().next() {
        return Err(RedactError::NotWhole {
            path: problem.path,
            what: problem.what,
        });
    }
    let run = Run::load(root)?;
    let mut redaction = Redaction::plan(&run, wanted)?;
    redaction.write(&run, out, wanted).inspect_err(|error| {
        // What may still hold what was to go must not lie around; what was there before is not ours.
        if !matches!(error, RedactError::Write(BundleError::Exists(_))) {
            let _ = fs::remove_dir_all(out);
        }
    })?;
    Ok(Redacted {
        record: redaction.record,
        disclosures: redaction.disclosures,
    })
}

struct Redaction {
    disclosures: Vec<Disclosure>,
    scrub: Scrub,
    sought: Vec<Sought>,
    record: RedactionRecord,
}

impl Redaction {
    /// Gathers the values that go: those that are named, and what was sent of them in other forms.
    fn plan(run: &Run, wanted: &Wanted) -> Result<Redaction, RedactError> {
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
        // Hashes and codings of them tell them too: whoever has a guess can try it.
        let mut holding = BTreeSet::new();
        let search = Search::new(sought.clone());
        let mut reader = Reader::new(&search);
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
                let usable =
                    !hit.cut && form.len() >= SHORTEST_SECRET && !form.contains('\u{fffd}');
                if usable && !values.iter().any(|(_, value)| *value == form) {
                    values.push((format!("{name}-as-sent"), form));
                }
            }
        }
        let mut disclosures = Vec::new();
        for (name, value) in &values {
            let name: String = name
                .chars()
                .map(|c| {
                    if c.is_ascii_alphanumeric() || "._-".contains(c) {
                        c
                    } else {
                        '_'
                    }
                })
                .collect();
            let disclosure = Disclosure::fresh(&name, value)
                .map_err(|error| RedactError::Failed(error.to_string()))?;
            disclosures.push(disclosure);
        }
        let marks: Vec<String> = disclosures.iter().map(Disclosure::mark).collect();
        let pairs = marks.iter().zip(&values);
        let scrub = Scrub::marking(pairs.map(|(mark, (_, value))| (mark.as_str(), value.as_str())))
            .ok_or_else(|| RedactError::Failed("the values are too many".to_owned()))?;
        let digest = timestamp::digest(&run.bundle)
            .map_err(|error| RedactError::Failed(error.to_string()))?;
        Ok(Redaction {
            record: RedactionRecord {
                original: data_encoding::HEXLOWER.encode(&digest),
                values: disclosures
                    .iter()
                    .map(|disclosure| RedactedValue {
                        name: disclosure.name.clone(),
                        digest: disclosure.digest(),
                    })
                    .collect(),
                removed: Vec::new(),
                emptied: wanted.exchanges.clone(),
            },
            disclosures,
            scrub,
            sought,
        })
        .map(|mut redaction| {
            redaction.remove_bodies(run, &holding);
            redaction
        })
    }

    /// Bodies that hold what goes, or are of a request that goes: whole, since what stands around a value is a format that
    /// would break.
    fn remove_bodies(&mut self, run: &Run, holding: &BTreeSet<String>) {
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

    fn write(&mut self, run: &Run, out: &Path, wanted: &Wanted) -> Result<(), RedactError> {
        let mut exchanges: Vec<Exchange> = run.exchanges.iter().map(|x| self.exchange(x)).collect();
        let mut events: Vec<TrackerEvent> =
            run.events.iter().map(|event| self.event(event)).collect();
        // What the values' own forms did not reach, as a value in pieces: then all of that request goes.
        for exchange in self.still_there(&exchanges, run).0 {
            self.record.emptied.push(exchange);
        }
        exchanges = run.exchanges.iter().map(|x| self.exchange(x)).collect();
        events = if self.record.emptied.is_empty() {
            events
        } else {
            run.events.iter().map(|event| self.event(event)).collect()
        };
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
        for folder in ["", "bodies"] {
            for path in listed(&out.join("data").join(folder)).map_err(failed)? {
                if self.scrub.is_in(&fs::read(&path).map_err(failed)?) {
                    return Err(RedactError::StillThere {
                        name: "what was to go".to_owned(),
                        exchange: path.display().to_string(),
                        place: "its text".to_owned(),
                    });
                }
            }
        }
        Ok(())
    }
}

/// What takes the place of a value that cannot be disclosed one by one.
const GONE: &str = "[redacted]";

/// Whether a place is in the body or a message.
fn in_body(place: &str) -> bool {
    let outside = ["host", "path", "query", "header", "cookie", "referrer"];
    !outside.iter().any(|known| place.starts_with(known))
}

fn without_query(url: &str) -> String {
    match url.split_once('?') {
        Some((address, _)) => format!("{address}?{GONE}"),
        None => url.to_owned(),
    }
}

/// Files in a folder, by name; none where there is no folder.
fn listed(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
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

/// Where in a bundle the mark of a disclosure stands: files and how often.
///
/// # Errors
/// If a file cannot be read.
pub fn places(root: &Path, disclosure: &Disclosure) -> std::io::Result<Vec<(String, usize)>> {
    let mark = mark(&disclosure.name, &disclosure.digest());
    let finder = memchr::memmem::Finder::new(mark.as_bytes());
    let mut places = Vec::new();
    for path in listed(&root.join("data"))? {
        let times = finder.find_iter(&fs::read(&path)?).count();
        if times > 0 {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            places.push((format!("data/{name}"), times));
        }
    }
    Ok(places)
}
