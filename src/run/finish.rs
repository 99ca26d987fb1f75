//! After the browser is gone: reads its network log, settles what was sent, decodes, writes the final records.

use std::io::Read;
use std::net::SocketAddr;

use super::again::replay;
use super::containment;
use super::judge::apply_policy;
use super::record::problem;
use super::{Run, RunError};
use crate::browser::OWN_HOSTS;
use crate::bundle::{BundleWriter, read_body};
use crate::capture::{Assembler, Circumstances, KeepBody, NetLog, attribute, audit};
use crate::decode::decode_all;
use crate::leak::{Case, findings};
use crate::model::{
    AuditRecord, AuditVerdict, Counts, Exchange, Moment, Origin, Outcome, Party, RunRecord,
    UrlParts,
};

use crate::report;

/// Reads the network log that lies in the bundle, settles what was sent, decodes, and writes the final records.
pub(super) fn finish(
    bundle: BundleWriter,
    mut record: RunRecord,
    assembler: Option<Assembler>,
    first_party: &str,
) -> Result<Run, RunError> {
    // Without the capture's own account, its journal has it.
    let assembler = match assembler {
        Some(assembler) => Ok(assembler),
        None => replay(&bundle.journal_path(), first_party),
    };
    let captured = assembler.is_ok();
    let (exchanges, audit) = match assembler {
        Ok(assembler) => {
            // Reading the log and compressing it take as long as each other, and need nothing of each other.
            let (established, kept) = std::thread::scope(|scope| {
                let kept = scope.spawn(|| bundle.compress_net_log());
                let log = bundle.net_log();
                let mut keep = |sha256: &str, bytes: &[u8]| bundle.keep_body(sha256, bytes);
                let sink = sink_of(&record);
                (
                    establish(log, &mut keep, assembler, first_party, sink),
                    kept.join(),
                )
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
    containment::judge(&mut record, &exchanges, first_party);
    judge(&mut record, audit);
    account_for_identity(&mut record, &exchanges);
    let exchanges = match bundle.scrub() {
        Some(scrub) => {
            record = scrub.record(&record);
            scrub.exchanges(exchanges)
        }
        None => exchanges,
    };
    let events = decode_all(&exchanges, |exchange| read_body(bundle.root(), exchange));
    record.counts = Counts {
        exchanges: exchanges.len() as u64,
        third_party: count(&exchanges, |exchange| exchange.party == Party::Third),
        contained: count(&exchanges, |exchange| {
            exchange.outcome == Outcome::Contained
        }),
        events: events.iter().filter(|event| event.tells()).count() as u64,
    };
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
    // What was written as it happened stays as it is where there is nothing better.
    if captured {
        bundle.records(&exchanges, &events)?;
        bundle.replace("traffic.har", |file| {
            report::har::render(&record, &exchanges, &body, file)
        })?;
    }
    bundle.findings(&findings)?;
    bundle.run(&record)?;
    let root = bundle.root().to_owned();
    bundle.close();
    Ok(Run {
        bundle: root,
        record,
        exchanges,
        events,
        findings,
    })
}

/// What a journal and a network log come to.
pub(super) fn establish(
    log: std::io::Result<impl Read>,
    keep: &mut KeepBody,
    assembler: Assembler,
    first_party: &str,
    sink: Option<SocketAddr>,
) -> (Vec<Exchange>, AuditRecord) {
    let steps = assembler.steps().to_vec();
    let unreadable = assembler.unreadable().to_vec();
    let tabs_left = assembler.tabs_left();
    let mut exchanges = assembler.finish();
    let read = log.and_then(|log| NetLog::read(log, keep));
    let record = match read {
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
