//! After the browser is gone: reads its network log, settles what was sent, decodes, writes the final records.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::time::Instant;

use super::again::replay;
use super::clocks;
use super::containment;
use super::judge::apply_policy;
use super::record::problem;
use super::secrets;
use super::{Run, RunError};
use crate::browser::OWN_HOSTS;
use crate::bundle::{BundleWriter, read_body};
use crate::capture::{Assembler, Circumstances, KeepBody, NetLog, attribute, audit, mask_exchange};
use crate::decode::decode_all;
use crate::leak::{Case, findings};
use crate::model::{
    AuditRecord, AuditVerdict, Counts, Exchange, Moment, Origin, Outcome, Party, RunRecord,
    TrackerEvent, UrlParts, is_library,
};

use crate::report;

/// Reads the network log that lies in the bundle, settles what was sent, decodes, and writes the final records. `began`:
/// when the run did, by the clock that nobody can set.
pub(super) fn finish(
    bundle: BundleWriter,
    mut record: RunRecord,
    assembler: Option<Assembler>,
    first_party: &str,
    began: Option<Instant>,
) -> Result<Run, RunError> {
    // Without the capture's own account, its journal has it.
    let assembler = match assembler {
        Some(assembler) => Ok(assembler),
        None => replay(&bundle.journal_path(), first_party),
    };
    let captured = assembler.is_ok();
    let mut certificates = Ok(());
    let (exchanges, audit) = match assembler {
        Ok(assembler) => {
            // Reading the log and compressing it take as long as each other, and need nothing of each other.
            let (established, kept) = std::thread::scope(|scope| {
                let kept = scope.spawn(|| bundle.compress_net_log());
                let log = net_log_of(&record, || bundle.net_log());
                let log = read_log(log, is_library, &mut |sha256, bytes| {
                    bundle.keep_body(sha256, bytes)
                });
                if let Ok(log) = &log {
                    certificates = bundle.certificates(&log.certificates);
                }
                let sink = sink_of(&record);
                (establish(log, assembler, first_party, sink), kept.join())
            });
            if let Ok(kept) = kept {
                kept?;
                bundle.drop_raw_net_log()?;
            }
            established
        }
        Err(why) => (
            Vec::new(),
            AuditRecord {
                verdict: AuditVerdict::AuditUnavailable,
                reasons: vec![format!("the browser's messages cannot be read: {why}")],
                ..AuditRecord::default()
            },
        ),
    };
    certificates?;
    derive(&mut record, audit, &exchanges, first_party);
    let exchanges = match bundle.scrub() {
        Some(scrub) => {
            record = scrub.record(&record).unwrap_or(record);
            let mut exchanges = scrub.exchanges(exchanges);
            let emptied = secrets::empty(&bundle, &mut exchanges);
            if emptied > 0 {
                let message = format!(
                    "{} held a secret in a form that could not be taken out, and {} emptied",
                    report::count(emptied, "request"),
                    if emptied == 1 { "was" } else { "were" },
                );
                problem(&mut record, "capture", message, None);
            }
            exchanges
        }
        None => exchanges,
    };
    let events = decode_all(&exchanges, |exchange| read_body(bundle.root(), exchange));
    record.counts = counts(&exchanges, &events);
    let body = |exchange: &Exchange| read_body(bundle.root(), exchange);
    let mut findings = findings(
        Case {
            record: &record,
            exchanges: &exchanges,
            events: &events,
        },
        body,
    );
    apply_policy(bundle.root(), &record, &exchanges, &events, &mut findings);
    record.finished = Some(Moment::now());
    record.clocks.monotonic = began.map(|began| began.elapsed().as_millis() as f64 / 1000.0);
    // What was written as it happened stays as it is where there is nothing better.
    if captured {
        bundle.records(&exchanges, &events)?;
        bundle.replace("traffic.har", |file| {
            let mut har = Vec::new();
            report::har::render(&record, &exchanges, &body, &mut har)?;
            // What stands decoded in it stood encoded in the records.
            let clean = bundle.scrub().map(|scrub| scrub.bytes(&har));
            file.write_all(clean.as_deref().unwrap_or(&har))
        })?;
    }
    bundle.findings(&findings)?;
    bundle.run(&record)?;
    let run = Run {
        bundle: bundle.root().to_owned(),
        record,
        exchanges,
        events,
        findings,
    };
    run.seal(bundle)?;
    Ok(run)
}

/// Fills in what the record says of the exchanges.
pub(super) fn derive(
    record: &mut RunRecord,
    audit: AuditRecord,
    exchanges: &[Exchange],
    first_party: &str,
) {
    record.clocks.servers = clocks::servers(exchanges);
    containment::judge(record, exchanges, first_party);
    judge(record, audit);
    account_for_identity(record, exchanges);
}

pub(super) fn counts(exchanges: &[Exchange], events: &[TrackerEvent]) -> Counts {
    Counts {
        exchanges: exchanges.len() as u64,
        third_party: count(exchanges, |exchange| exchange.party == Party::Third),
        contained: count(exchanges, |exchange| exchange.outcome == Outcome::Contained),
        events: events.iter().filter(|event| event.tells()).count() as u64,
    }
}

/// Reads a network log. Request bodies are handed to `keep`, and the answers to URLs that are wanted.
pub(super) fn read_log(
    log: io::Result<impl Read>,
    wanted: fn(&str) -> bool,
    keep: &mut KeepBody,
) -> io::Result<NetLog> {
    log.and_then(|log| NetLog::read_answers(log, wanted, keep))
}

/// A browser elsewhere has no network log for us.
pub(super) fn net_log_of<R>(
    record: &RunRecord,
    open: impl FnOnce() -> io::Result<R>,
) -> io::Result<R> {
    match record.options["connect"].as_str() {
        Some(_) => Err(io::Error::other(
            "the browser ran elsewhere (`--connect`), and keeps none for us",
        )),
        None => open(),
    }
}

/// What a journal and a network log come to.
pub(super) fn establish(
    log: io::Result<NetLog>,
    assembler: Assembler,
    first_party: &str,
    sink: Option<SocketAddr>,
) -> (Vec<Exchange>, AuditRecord) {
    let steps = assembler.steps().to_vec();
    let unreadable = assembler.unreadable().to_vec();
    let tabs_left = assembler.tabs_left();
    let not_known_whose = assembler.not_known_whose();
    let mut exchanges = assembler.finish();
    let record = match log {
        Ok(log) => audit(
            &mut exchanges,
            &log,
            &Circumstances {
                first_party,
                steps: &steps,
                unreadable: &unreadable,
                tabs_left,
            },
        ),
        Err(error) => {
            exchanges
                .iter_mut()
                .for_each(|exchange| exchange.sent = None);
            AuditRecord {
                verdict: AuditVerdict::AuditUnavailable,
                reasons: vec![format!("the network log is not available: {error}")],
                ..AuditRecord::default()
            }
        }
    };
    let mut record = record;
    if not_known_whose > 0 {
        let requests = report::count(not_known_whose, "request");
        record.reasons.push(format!(
            "others used the browser too, and of {requests} it was never known whose: not recorded"
        ));
    }
    exchanges.iter_mut().for_each(mask_exchange);
    mark_kept_off(&mut exchanges);
    if let Some(sink) = sink {
        containment::mark_sunk(&mut exchanges, sink);
    }
    attribute(&mut exchanges);
    (exchanges, record)
}

/// A page that asks one of the hosts that are kept off the wire did not fail by itself.
fn mark_kept_off(exchanges: &mut [Exchange]) {
    for exchange in exchanges {
        let host = url::Url::parse(&exchange.url).ok();
        let host = host
            .as_ref()
            .and_then(|url| url.host_str())
            .unwrap_or_default();
        if exchange.outcome == Outcome::Failed
            && exchange.sent != Some(true)
            && OWN_HOSTS.contains(&host)
        {
            exchange.outcome = Outcome::Blocked;
            // No page is known to have asked: a spelling dictionary is the browser's own doing.
            if exchange.target.is_none() && exchange.document_url.is_none() {
                exchange.origin = Origin::Browser;
            }
            exchange.error = Some(format!(
                "{host} is kept off the wire, since the browser asks it for itself"
            ));
        }
    }
}

/// Puts the audit into the record, and what follows from it.
fn judge(record: &mut RunRecord, audit: AuditRecord) {
    let what = match audit.verdict {
        AuditVerdict::Incomplete => Some("the record is not complete"),
        AuditVerdict::AuditUnavailable => Some("what was really sent is unknown"),
        AuditVerdict::Complete
        | AuditVerdict::CompleteWithListedResiduals
        | AuditVerdict::OfFile => None,
    };
    if let Some(what) = what {
        let first = audit.reasons.iter().take(3).map(String::as_str);
        let mut message = format!("{what}: {}", first.collect::<Vec<_>>().join("; "));
        if audit.reasons.len() > 3 {
            message += &format!("; and {} more", audit.reasons.len() - 3);
        }
        let help = "`audit` in run.json lists everything; what was recorded is in the bundle";
        problem(record, "capture", message, Some(help.to_owned()));
    }
    record.audit = audit;
}

/// The sink that a run used, if any.
pub(super) fn sink_of(record: &RunRecord) -> Option<SocketAddr> {
    record.containment.sink.as_ref()?.parse().ok()
}

/// Which requests carried the planted cookies, and why the others did not.
fn account_for_identity(record: &mut RunRecord, exchanges: &[Exchange]) {
    for planted in &mut record.identity {
        (planted.sent, planted.withheld) = (0, 0);
        planted.reasons.clear();
        for exchange in exchanges {
            let host = UrlParts::of(&exchange.url).map_or("", |parts| parts.host);
            let domain = planted.domain.trim_start_matches('.');
            let for_host = host == domain
                || host
                    .strip_suffix(domain)
                    .is_some_and(|rest| rest.ends_with('.'));
            let cookie = exchange
                .cookies
                .iter()
                .find(|cookie| cookie.name == planted.name);
            match cookie.filter(|_| for_host) {
                Some(cookie) if cookie.sent => planted.sent += 1,
                Some(cookie) => {
                    planted.withheld += 1;
                    if let Some(why) = &cookie.withheld
                        && !planted.reasons.contains(why)
                    {
                        planted.reasons.push(why.clone());
                    }
                }
                None => {}
            }
        }
    }
}

fn count(exchanges: &[Exchange], which: impl Fn(&Exchange) -> bool) -> u64 {
    exchanges.iter().filter(|exchange| which(exchange)).count() as u64
}
