//! Whether what a bundle's records name is there.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::bundle::{Kept, bag};
use crate::capture::certificate_digest;
use crate::model::{Exchange, RunRecord};

/// What lies in `data/` itself.
const FILES: [&str; 10] = [
    "run.json",
    "scenario.yaml",
    "policy.yaml",
    "exchanges.jsonl",
    "evidence.jsonl",
    "findings.json",
    "traffic.har",
    "cdp.jsonl",
    "netlog.json.gz",
    "report.html",
];

/// What lies in `data/original/` of a redacted edition.
const ORIGINAL: [&str; 7] = [
    bag::DECLARATION,
    bag::INFO,
    bag::INSTRUCTIONS,
    bag::MANIFEST,
    bag::TAG_MANIFEST,
    bag::SIGNATURE,
    bag::STAMP,
];

/// What does not lead anywhere: the file that it stands in, or that it names, and what is wrong.
pub(super) fn references(root: &Path, kept: &Kept) -> Vec<(String, String)> {
    let mut broken = Vec::new();
    let by_id: HashMap<&str, &Exchange> = kept
        .exchanges
        .iter()
        .map(|exchange| (exchange.id.as_str(), exchange))
        .collect();
    let events: HashSet<&str> = kept.events.iter().map(|event| event.id.as_str()).collect();
    let known = Known {
        exchanges: &by_id,
        events: &events,
    };
    if by_id.len() != kept.exchanges.len() {
        broken.push((
            "data/exchanges.jsonl".to_owned(),
            "two exchanges have one id".to_owned(),
        ));
    }
    if events.len() != kept.events.len() {
        broken.push((
            "data/evidence.jsonl".to_owned(),
            "two records have one id".to_owned(),
        ));
    }
    known.hold("data/exchanges.jsonl", &kept.exchanges, &mut broken);
    known.hold("data/evidence.jsonl", &kept.events, &mut broken);
    known.hold("data/findings.json", &kept.findings, &mut broken);
    known.hold("data/run.json", &kept.record.audit, &mut broken);
    let listed = bag::listed(root);
    files(root, kept, &listed, &mut broken);
    strangers(root, kept, &listed, &mut broken);
    broken
}

/// What the manifest lists: digests (hex) by path.
type Listed = BTreeMap<String, String>;

struct Known<'a> {
    exchanges: &'a HashMap<&'a str, &'a Exchange>,
    events: &'a HashSet<&'a str>,
}

impl Known<'_> {
    fn hold<T: Serialize>(&self, file: &str, record: &T, broken: &mut Vec<(String, String)>) {
        let value = serde_json::to_value(record).unwrap_or_default();
        self.look(file, &value, broken);
    }

    /// Every `exchange` names one, and a `url` beside it is that one's; every `duplicate_of` and `event` names a record.
    fn look(&self, file: &str, value: &Value, broken: &mut Vec<(String, String)>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.look(file, item, broken)),
            Value::Object(map) => {
                let text = |key: &str| map.get(key).and_then(Value::as_str);
                for key in ["exchange", "redirected_from"] {
                    let Some(id) = text(key) else { continue };
                    match self.exchanges.get(id) {
                        None => broken.push((
                            file.to_owned(),
                            format!("names the exchange {id}, and there is none"),
                        )),
                        Some(exchange) => {
                            let url = text("url").filter(|_| key == "exchange");
                            if url.is_some_and(|url| url != exchange.url) {
                                broken.push((
                                    file.to_owned(),
                                    format!("gives {id} another address than its exchange has"),
                                ));
                            }
                        }
                    }
                }
                if let Some(id) = text("duplicate_of")
                    && !self.events.contains(id)
                {
                    broken.push((
                        file.to_owned(),
                        format!("names the record {id}, and there is none"),
                    ));
                }
                map.values()
                    .for_each(|value| self.look(file, value, broken));
            }
            _ => {}
        }
    }
}

/// Files that records name, with their digests where they have one. The manifest was held against the files already: what it
/// lists is there, and has that digest.
fn files(root: &Path, kept: &Kept, listed: &Listed, broken: &mut Vec<(String, String)>) {
    let record = &kept.record;
    let mut named: BTreeSet<(&str, &str)> = BTreeSet::new();
    for exchange in &kept.exchanges {
        if let (Some(path), Some(sha256)) = (&exchange.body_path, &exchange.body_sha256) {
            named.insert((path, sha256));
        }
        if let Some(body) = &exchange.response_body {
            named.insert((&body.path, &body.sha256));
        }
    }
    named.insert(("data/scenario.yaml", &record.scenario.sha256));
    if let Some(policy) = &record.policy {
        named.insert(("data/policy.yaml", &policy.sha256));
    }
    for (path, sha256) in named {
        let what = match listed.get(path) {
            Some(there) if there == sha256 || is_scrubbed(root, path, record) => continue,
            Some(_) => "is not what its record says: its digest is another",
            None => "is named by a record, and is not there",
        };
        broken.push((path.to_owned(), what.to_owned()));
    }
    for step in &record.journey.steps {
        let pointed = step.pointed.as_ref();
        let pointed = pointed.and_then(|pointed| pointed.screenshot.as_ref());
        for path in step.screenshot.iter().chain(pointed) {
            if !listed.contains_key(path) {
                let what = format!("is a picture of step {}, and is not there", step.number);
                broken.push((path.clone(), what));
            }
        }
    }
    let mut certificates: BTreeMap<&str, &str> = BTreeMap::new();
    for exchange in &kept.exchanges {
        let remote = exchange.remote.as_ref();
        if let Some(sha256) = remote.and_then(|remote| remote.certificate_sha256.as_ref()) {
            certificates.entry(sha256).or_insert(&exchange.id);
        }
    }
    for (sha256, first) in certificates {
        let path = format!("data/certificates/{sha256}.pem");
        let chain = fs::read_to_string(root.join(&path)).unwrap_or_default();
        if certificate_digest(&chain).as_deref() != Some(sha256) {
            broken.push((
                path,
                format!("is not the certificate that {first} came over"),
            ));
        }
    }
}

/// Whether a body is one that a secret was taken out of: then its digest is that of what was sent.
fn is_scrubbed(root: &Path, path: &str, record: &RunRecord) -> bool {
    record.has_secrets()
        && fs::read(root.join(path))
            .is_ok_and(|bytes| memchr::memmem::find(&bytes, b"[secret ").is_some())
}

/// Files that nothing in a bundle is known to be.
fn strangers(root: &Path, kept: &Kept, listed: &Listed, broken: &mut Vec<(String, String)>) {
    for (path, sha256) in listed {
        let parts: Vec<&str> = path.split('/').collect();
        let known = match parts[..] {
            ["data", name] => FILES.contains(&name),
            // Under its own digest a body is what it is.
            ["data", "bodies", name] => name == sha256 || is_scrubbed(root, path, &kept.record),
            ["data", "certificates", name] => name.ends_with(".pem"),
            ["data", "screenshots", name] => name.ends_with(".png"),
            ["data", "original", name] => ORIGINAL.contains(&name),
            _ => false,
        };
        if !known {
            broken.push((path.clone(), "is nothing that a bundle holds".to_owned()));
        }
    }
}
