//! The audit of a bundle that lies there: from its journal and its network log, without a browser.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::finish::{counts, derive, establish, finish, net_log_of, read_log, sink_of};
use super::judge::apply_policy;
use super::record::problem;
use super::{Run, RunError, page};
use crate::bundle::{BundleError, BundleWriter, bag, line, open_net_log, pretty, read_body};
use crate::capture::{Assembler, Body, Output};
use crate::decode::decode_all;
use crate::leak::{Case, control, findings};
use crate::model::{
    AuditRecord, Exchange, Findings, JourneyState, RunRecord, TrackerEvent, is_library,
    registrable_domain,
};
use crate::report;
use crate::scenario::{Diagnostic, Scenario};

/// What came of auditing a bundle.
#[derive(Debug)]
pub enum Audited {
    /// The run had come to its end, and says of itself what its journal and its log say.
    Confirmed(Box<RunRecord>),
    /// It says something else: the files that differ, and what its journal and its log come to.
    Differs(Vec<String>, Box<AuditRecord>),
    /// The run was cut short: its records were completed from what it had written.
    Completed(Box<Run>),
}

#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error("failed to read `{}`: {why}", path.display())]
    Unreadable { path: PathBuf, why: String },
    #[error("the bundle's scenario cannot be read")]
    Scenario(Box<Diagnostic>),
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Audits a bundle. One whose run was cut short is completed as far as it goes; of any other nothing is changed.
///
/// # Errors
/// [`AuditError`], if it is no bundle, or cannot be written to where that is needed.
pub fn audit_bundle(root: &Path) -> Result<Audited, AuditError> {
    let data = root.join("data");
    let unreadable = |name: &str, why: String| AuditError::Unreadable {
        path: data.join(name),
        why,
    };
    let text = fs::read(data.join("run.json"))
        .map_err(|error| unreadable("run.json", error.to_string()))?;
    let mut record: RunRecord =
        serde_json::from_slice(&text).map_err(|error| unreadable("run.json", error.to_string()))?;
    let (assembler, first_party) = evidence_of(root, &record)?;
    if record.finished.is_some() {
        let audited = compare(root, record, assembler, &first_party);
        // Killed between its last record and the seal, it lacks nothing but that.
        if matches!(audited, Audited::Confirmed(_)) && !bag::is_sealed(root) {
            let bundle = BundleWriter::open(root).map_err(RunError::Bundle)?;
            if let Ok(run) = Run::load(root) {
                run.seal(bundle).map_err(RunError::Bundle)?;
            }
        }
        return Ok(audited);
    }
    let bundle = BundleWriter::open(root).map_err(RunError::Bundle)?;
    wait_for_the_browser(&bundle.raw_net_log());
    // A body is written right after the message that it came in; a run that was killed between the two has it there alone.
    let journal = bundle.journal_path();
    if journal.exists() {
        let mut keep = |body: &Body| bundle.keep_body(&body.sha256, &body.bytes);
        replay_keeping(&journal, &first_party, &mut keep)
            .map_err(|why| AuditError::Unreadable { path: journal, why })?;
    }
    if record.journey.state == JourneyState::Running {
        record.journey.state = JourneyState::Interrupted;
    }
    let message = "the run was cut short: its records were completed later, from its journal and its network log";
    problem(&mut record, "journey", message.to_owned(), None);
    let run = finish(bundle, record, Some(assembler), &first_party, None)?;
    Ok(Audited::Completed(Box::new(run)))
}

/// What the journal of a bundle tells, and the registrable domain of the site.
pub(super) fn evidence_of(
    root: &Path,
    record: &RunRecord,
) -> Result<(Assembler, String), AuditError> {
    let data = root.join("data");
    let scenario = Scenario::load(&data.join("scenario.yaml")).map_err(AuditError::Scenario)?;
    // The origin that was replayed may be another than the scenario's (`--base-url`).
    let first_party = url::Url::parse(&record.scenario.origin)
        .map(|origin| registrable_domain(origin.host_str().unwrap_or_default()).to_owned())
        .unwrap_or_else(|_| scenario.first_party());
    let journal = data.join("cdp.jsonl");
    // Killed before there was a browser, a run has nothing to tell, which is no fault.
    if record.browser.is_none() && !journal.exists() {
        return Ok((Assembler::new(&first_party), first_party));
    }
    let replayed = match &record.sources_left_out {
        Some(why) if !journal.exists() => Err(format!("it is not kept: {why}")),
        _ => replay(&journal, &first_party),
    };
    let assembler = replayed.map_err(|why| AuditError::Unreadable { path: journal, why })?;
    Ok((assembler, first_party))
}

/// Holds every record of a run that has ended, and every body, against what its journal and its log come to. Writes
/// nothing.
fn compare(root: &Path, record: RunRecord, assembler: Assembler, first_party: &str) -> Audited {
    let log = net_log_of(&record, || open_net_log(root));
    let log = read_log(log, is_library, &mut |_, _| Ok(()));
    let certificates = log
        .as_ref()
        .map_or_else(|_| BTreeMap::new(), |log| log.certificates.clone());
    let (exchanges, audit) = establish(log, assembler, first_party, sink_of(&record));
    let body = |exchange: &Exchange| read_body(root, exchange);
    let events = decode_all(&exchanges, body);
    let mut differs = Vec::new();
    let mut hold = |path: &str, again: Vec<u8>| {
        if !fs::read(root.join(path)).is_ok_and(|there| there == again) {
            differs.push(path.to_owned());
        }
    };
    let again = derived_again(&record, audit.clone(), &exchanges, &events, first_party);
    hold("data/run.json", pretty(&again));
    hold(
        "data/exchanges.jsonl",
        exchanges.iter().flat_map(line).collect(),
    );
    hold(
        "data/evidence.jsonl",
        events.iter().flat_map(line).collect(),
    );
    let mut har = Vec::new();
    let rendered = report::har::render(&record, &exchanges, &body, &mut har);
    hold(
        "data/traffic.har",
        rendered.map(|()| har).unwrap_or_default(),
    );
    for (sha256, chain) in certificates {
        let path = format!("data/certificates/{sha256}.pem");
        hold(&path, chain.concat().into_bytes());
    }
    let mut findings = findings(
        Case {
            record: &record,
            exchanges: &exchanges,
            events: &events,
        },
        body,
    );
    // What other journeys said of it stands in their bundles, and is taken as it is.
    let kept = fs::read(root.join("data/findings.json")).ok();
    let kept = kept.and_then(|text| serde_json::from_slice::<Findings>(&text).ok());
    if let Some(controls) = kept.and_then(|kept| kept.controls) {
        control(&mut findings, &record, controls);
    }
    apply_policy(root, &record, &exchanges, &events, &mut findings);
    hold("data/findings.json", pretty(&findings));
    let run = Run {
        bundle: root.to_owned(),
        record,
        exchanges,
        events,
        findings,
    };
    // Older bundles have none.
    if root.join("data/report.html").exists() {
        let mut html = Vec::new();
        let rendered = page(&run, true, &mut html);
        hold(
            "data/report.html",
            rendered.map(|()| html).unwrap_or_default(),
        );
    }
    let referenced = run.exchanges.iter().filter_map(|exchange| {
        Some((exchange.body_path.as_ref()?, exchange.body_sha256.as_ref()?))
    });
    let answers = run.exchanges.iter().filter_map(|exchange| {
        let body = exchange.response_body.as_ref()?;
        Some((&body.path, &body.sha256))
    });
    for (path, sha256) in referenced.chain(answers) {
        let digest = fs::read(root.join(path)).map(|bytes| HEXLOWER.encode(&Sha256::digest(bytes)));
        if digest.ok().as_ref() != Some(sha256) && !differs.contains(path) {
            differs.push(path.clone());
        }
    }
    if differs.is_empty() {
        Audited::Confirmed(Box::new(run.record))
    } else {
        Audited::Differs(differs, Box::new(audit))
    }
}

/// The record as it follows from the exchanges, with what only the run itself can know taken as it is.
fn derived_again(
    record: &RunRecord,
    audit: AuditRecord,
    exchanges: &[Exchange],
    events: &[TrackerEvent],
    first_party: &str,
) -> RunRecord {
    let mut again = RunRecord {
        problems: Vec::new(),
        counts: counts(exchanges, events),
        ..record.clone()
    };
    derive(&mut again, audit, exchanges, first_party);
    // The journey's own problems stand among those that follow.
    let all_there = again
        .problems
        .iter()
        .all(|problem| record.problems.contains(problem));
    if all_there {
        again.problems.clone_from(&record.problems);
    }
    again
}

/// A browser that we left behind notices it, and is done with its log within a moment.
fn wait_for_the_browser(log: &Path) {
    let size = || fs::metadata(log).map(|file| file.len()).ok();
    let mut before = size();
    for _ in 0..20 {
        if before.is_none() {
            return;
        }
        std::thread::sleep(Duration::from_millis(500));
        let now = size();
        if now == before {
            return;
        }
        before = now;
    }
}

/// Turns a journal into what it tells. The last line may be cut off; any other must be whole.
pub(super) fn replay(journal: &Path, first_party: &str) -> Result<Assembler, String> {
    replay_keeping(journal, first_party, &mut |_| Ok(()))
}

/// The same; each request body that the journal holds is handed to `keep`.
fn replay_keeping(
    journal: &Path,
    first_party: &str,
    keep: &mut dyn FnMut(&Body) -> io::Result<()>,
) -> Result<Assembler, String> {
    let file = fs::File::open(journal).map_err(|error| error.to_string())?;
    let mut assembler = Assembler::new(first_party);
    let mut broken = None;
    for (number, line) in (1..).zip(BufReader::new(file).lines()) {
        if let Some(why) = broken {
            return Err(why);
        }
        let line = line.map_err(|error| error.to_string())?;
        if let Err(error) = assembler.line(&line) {
            broken = Some(format!("line {number}: {error}"));
        }
        for output in assembler.take_output() {
            if let Output::Body(body) = output {
                keep(&body).map_err(|error| error.to_string())?;
            }
        }
    }
    Ok(assembler)
}

impl AuditError {
    pub fn help(&self) -> String {
        match self {
            AuditError::Unreadable { path, .. } if path.ends_with("cdp.jsonl") => {
                "without the browser's messages nothing can be made anew; what was written up to then can be read"
                    .to_owned()
            }
            AuditError::Unreadable { .. } => {
                "a bundle is the folder that a run was written to; it holds `data/run.json`"
                    .to_owned()
            }
            AuditError::Scenario(_) => {
                "`data/scenario.yaml` should hold the exact bytes that were replayed".to_owned()
            }
            AuditError::Run(error) => error.help(),
        }
    }
}

impl From<BundleError> for AuditError {
    fn from(error: BundleError) -> AuditError {
        AuditError::Run(error.into())
    }
}
