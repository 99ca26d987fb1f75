//! What stands in a bundle: whether it can be read, fits together, and follows from what the browser said.

use std::path::Path;

use super::references::references;
use super::restated::restated;
use super::seals::original;
use super::{Proof, Trust, Verification};
use crate::bundle::{self, ReadError, bag};
use crate::model::{AuditVerdict, JourneyState, RunRecord, ToolRecord, count};
use crate::policy::Traffic;
use crate::report::records;
use crate::run::{AuditError, Audited, DIGEST_ELEMENT, audit_bundle};

/// What stands in it: whether it can be read, fits together, and follows from what the browser said.
pub(super) fn contents(root: &Path, trust: Trust<'_>, all: &mut Verification) {
    let kept = match bundle::read(root) {
        Ok(kept) => kept,
        Err(error) => {
            let file = match &error {
                ReadError::NoBundle { .. } => "data/run.json".to_owned(),
                ReadError::Read { path, .. } | ReadError::Broken { path, .. } => {
                    let inside = path.strip_prefix(root).unwrap_or(path);
                    inside.display().to_string()
                }
            };
            all.add_of("records", Proof::Failed, error.to_string(), vec![file]);
            return;
        }
    };
    let finished = kept.record.finished.is_some() && bag::is_sealed(root);
    let says = format!(
        "{} and {} are as their schemas say{}",
        count(kept.exchanges.len(), "exchange"),
        count(kept.events.len(), "evidence record"),
        if finished {
            ""
        } else {
            ", as far as the run came"
        },
    );
    all.add("records", Proof::Proven, says);
    if let Some(findings) = &kept.findings {
        all.evidence_digest = Some(records::digest(Traffic {
            record: &kept.record,
            exchanges: &kept.exchanges,
            events: &kept.events,
            findings,
        }));
    }
    if !finished {
        let says = match &kept.record.sources_left_out {
            Some(_) => {
                "the run was cut short, and what its records could be completed from is not kept"
            }
            None => {
                "the run was cut short: `pixelwitness audit` completes its records from what it had written"
            }
        };
        all.add("references", Proof::Incomplete, says.to_owned());
        all.record = Some(kept.record);
        return;
    }
    let broken = references(root, &kept);
    if broken.is_empty() {
        let says = "every reference leads to a record or a file, and every body has the digest that names it";
        all.add("references", Proof::Proven, says.to_owned());
    }
    for (file, what) in broken {
        all.add_of(
            "references",
            Proof::Failed,
            format!("`{file}`: {what}"),
            vec![file],
        );
    }
    if let Some(redaction) = &kept.record.redaction {
        original(root, redaction, trust, all);
    }
    // A redacted edition has neither the canaries nor the seed.
    if kept.record.redaction.is_none() {
        for what in restated(root, &kept.record) {
            let says = format!("`data/run.json`: {what}");
            all.add_of(
                "references",
                Proof::Failed,
                says,
                vec!["data/run.json".to_owned()],
            );
        }
    }
    info(root, &kept.record, all);
    ended(&kept.record, all);
    recomputed(root, &kept.record, all);
    all.record = Some(kept.record);
}

/// Whether `bag-info.txt` says of the run what the run says, and the instructions are those of this program.
fn info(root: &Path, record: &RunRecord, all: &mut Verification) {
    let said = bag::info(root);
    let same = record.tool.is_this();
    let digest = all.evidence_digest.clone().unwrap_or_default();
    for (name, value) in crate::run::about(record, digest) {
        // Folded and put together again, white space is one space.
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        if !said
            .iter()
            .any(|(known, there)| *known == name && *there == value)
        {
            // Another version may take other things into the digest.
            let outcome = match same || name != DIGEST_ELEMENT {
                true => Proof::Failed,
                false => Proof::Inconclusive,
            };
            let says = format!(
                "`{}` does not say what the records come to: {name}",
                bag::INFO
            );
            all.add_of("references", outcome, says, vec![bag::INFO.to_owned()]);
        }
    }
    if same && !bag::has_own_instructions(root) {
        let says = format!("`{}` is not what this program writes", bag::INSTRUCTIONS);
        all.add_of(
            "references",
            Proof::Failed,
            says,
            vec![bag::INSTRUCTIONS.to_owned()],
        );
    }
}

/// What the run says itself that it lacks.
fn ended(record: &RunRecord, all: &mut Verification) {
    let state = match record.journey.state {
        JourneyState::Completed => None,
        JourneyState::Failed => Some("a step could not be done"),
        JourneyState::BrowserLost => Some("the browser ended before it"),
        JourneyState::Running | JourneyState::Interrupted => Some("it was stopped"),
        JourneyState::TimedOut => Some("its time was up"),
    };
    if let Some(why) = state {
        let says = format!("that the journey was made to its end: {why}");
        all.add("journey", Proof::NotProven, says);
    }
    let capture = match record.audit.verdict {
        AuditVerdict::Complete | AuditVerdict::CompleteWithListedResiduals => None,
        verdict => Some(verdict.as_str()),
    };
    if let Some(verdict) = capture {
        let says = format!("that all that was sent is recorded: the audit says {verdict}");
        all.add("capture", Proof::NotProven, says);
    }
}

/// Makes the records anew from the browser's messages and its network log.
fn recomputed(root: &Path, record: &RunRecord, all: &mut Verification) {
    let name = "recomputed";
    let there = ["data/cdp.jsonl", "data/netlog.json.gz"]
        .iter()
        .any(|name| root.join(name).exists());
    if let Some(why) = record.sources_left_out.as_ref().filter(|_| !there) {
        let has_reason = record.redaction.is_some() || record.has_secrets();
        if !has_reason {
            let says = "`data/run.json` says that the browser's messages and its network log were left out, and neither secrets nor a redaction are why";
            let files = vec!["data/run.json".to_owned()];
            return all.add_of(name, Proof::Failed, says.to_owned(), files);
        }
        let says = format!("that the records follow from what the browser said: {why}");
        return all.add(name, Proof::NotProven, says);
    }
    match audit_bundle(root) {
        Ok(Audited::Confirmed(record)) => {
            let says = match record.audit.verdict {
                AuditVerdict::AuditUnavailable => {
                    "records and findings follow from the browser's own messages; its network log was not to be had"
                }
                _ => {
                    "records, findings and counts follow from the browser's own messages and its network log"
                }
            };
            all.add(name, Proof::Proven, says.to_owned());
            let says = "what only the run could know, and is taken as it says: its clock, the browser and how it was started, how each step went, the pictures";
            all.add("taken_as_said", Proof::NotProven, says.to_owned());
        }
        Ok(Audited::Differs(files, _)) => {
            if record.tool.is_this() {
                let says = format!(
                    "not what the browser's messages and its network log come to: {}",
                    files.join(", ")
                );
                all.add_of(name, Proof::Failed, says, files);
            } else {
                let this = ToolRecord::this();
                let made_by = record.tool.commit.as_deref().unwrap_or("an unknown commit");
                let says = format!(
                    "{} {} ({made_by}) made it, and this version ({}) comes to something else in {}: that version can tell whether the versions are why",
                    record.tool.name,
                    record.tool.version,
                    this.commit.as_deref().unwrap_or(&this.version),
                    files.join(", "),
                );
                all.add_of(name, Proof::Inconclusive, says, files);
            }
        }
        Ok(Audited::Completed(_)) => {}
        Err(error) => {
            let file = match &error {
                AuditError::Unreadable { path, .. } => path
                    .strip_prefix(root)
                    .unwrap_or(path)
                    .display()
                    .to_string(),
                AuditError::Scenario(_) => "data/scenario.yaml".to_owned(),
                AuditError::Run(_) => "data".to_owned(),
            };
            all.add_of(name, Proof::Failed, error.to_string(), vec![file]);
        }
    }
}
