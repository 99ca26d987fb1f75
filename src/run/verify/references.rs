//! Whether what a bundle's records name is there.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use data_encoding::HEXLOWER;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::bundle::{Kept, bag, inside};
use crate::capture::certificate_digest;
use crate::model::Exchange;

/// What lies in `data/` itself.
const FILES: [&str; 9] = [
    "run.json",
    "scenario.yaml",
    "policy.yaml",
    "exchanges.jsonl",
    "evidence.jsonl",
    "findings.json",
    "traffic.har",
    "cdp.jsonl",
    "netlog.json.gz",
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
    files(root, kept, &mut broken);
    strangers(root, &mut broken);
    broken
}

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

/// Files that records name, with their digests where they have one.
fn files(root: &Path, kept: &Kept, broken: &mut Vec<(String, String)>) {
    let record = &kept.record;
    let mut named: Vec<(&str, &str)> = Vec::new();
    for exchange in &kept.exchanges {
        if let (Some(path), Some(sha256)) = (&exchange.body_path, &exchange.body_sha256) {
            named.push((path, sha256));
        }
        if let Some(body) = &exchange.response_body {
            named.push((&body.path, &body.sha256));
        }
    }
    named.push(("data/scenario.yaml", &record.scenario.sha256));
    if let Some(policy) = &record.policy {
        named.push(("data/policy.yaml", &policy.sha256));
    }
    named.sort_unstable();
    named.dedup();
    for (path, sha256) in named {
        match inside(root, path).map(fs::read) {
            Some(Ok(bytes)) => {
                let same = HEXLOWER.encode(&Sha256::digest(&bytes)) == sha256;
                // A real visitor's secrets are not in what is kept, and the digest is of what was sent.
                let scrubbed =
                    record.has_secrets() && memchr::memmem::find(&bytes, b"[secret ").is_some();
                if !same && !scrubbed {
                    broken.push((
                        path.to_owned(),
                        "is not what its record says: its digest is another".to_owned(),
                    ));
                }
            }
            _ => broken.push((
                path.to_owned(),
                "is named by a record, and is not there".to_owned(),
            )),
        }
    }
    for step in &record.journey.steps {
        if let Some(path) = &step.screenshot
            && inside(root, path).is_none()
        {
            broken.push((
                path.clone(),
                format!(
                    "is the picture after step {}, and is not there",
                    step.number
                ),
            ));
        }
    }
    for exchange in &kept.exchanges {
        let certificate = exchange
            .remote
            .as_ref()
            .and_then(|remote| remote.certificate_sha256.as_ref());
        if let Some(sha256) = certificate {
            let path = format!("data/certificates/{sha256}.pem");
            let chain = fs::read_to_string(root.join(&path)).unwrap_or_default();
            let is_it = certificate_digest(&chain).as_ref() == Some(sha256);
            if !is_it && !broken.iter().any(|(known, _)| *known == path) {
                let what = format!("is not the certificate that {} came over", exchange.id);
                broken.push((path, what));
            }
        }
    }
}

/// Files that nothing in a bundle is known to be.
fn strangers(root: &Path, broken: &mut Vec<(String, String)>) {
    for (path, sha256) in bag::listed(root) {
        let parts: Vec<&str> = path.split('/').collect();
        let known = match parts[..] {
            ["data", name] => FILES.contains(&name),
            // Under its own digest a body is what it is; one that secrets were taken out of has another.
            ["data", "bodies", name] => {
                name == sha256
                    || fs::read(root.join(&path))
                        .is_ok_and(|body| memchr::memmem::find(&body, b"[secret ").is_some())
            }
            ["data", "certificates", name] => name.ends_with(".pem"),
            ["data", "screenshots", name] => name.ends_with(".png"),
            ["data", "original", name] => ORIGINAL.contains(&name),
            _ => false,
        };
        if !known {
            broken.push((path, "is nothing that a bundle holds".to_owned()));
        }
    }
}
