//! After the browser is gone: reads its network log, settles what was sent, decodes, writes the final records.

use super::record::problem;
use super::{Run, RunError};
use crate::browser::OWN_HOSTS;
use crate::bundle::BundleWriter;
use crate::capture::{Assembler, Circumstances, NetLog, attribute, audit};
use crate::decode::decode_all;
use crate::model::{
    AuditRecord, AuditVerdict, Counts, EventKind, Exchange, Moment, Outcome, Party, RunRecord,
};

/// Reads the network log that lies in the bundle, settles what was sent, decodes, and writes the final records.
pub(super) fn finish(
    bundle: BundleWriter,
    mut record: RunRecord,
    assembler: Option<Assembler>,
    first_party: &str,
) -> Result<Run, RunError> {
    let captured = assembler.is_some();
    let assembler = assembler.unwrap_or_else(|| Assembler::new(first_party));
    let (exchanges, audit) = establish(&bundle, assembler, first_party)?;
    judge(&mut record, &exchanges, audit);
    let events = decode_all(&exchanges, |exchange| bundle.read_body(exchange));
    record.counts = Counts {
        exchanges: exchanges.len() as u64,
        third_party: count(&exchanges, |exchange| exchange.party == Party::Third),
        contained: count(&exchanges, |exchange| {
            exchange.outcome == Outcome::Contained
        }),
        events: events
            .iter()
            .filter(|event| event.kind == EventKind::Event && event.duplicate_of.is_none())
            .count() as u64,
    };
    record.finished = Some(Moment::now());
    // Without the capture's own account, what was written as it happened stays as it is.
    if captured {
        bundle.records(&exchanges, &events)?;
    }
    bundle.run(&record)?;
    Ok(Run {
        bundle: bundle.root().to_owned(),
        record,
        exchanges,
        events,
    })
}

/// What the journal and the network log of a bundle come to. Bodies that the log alone has are kept in the bundle.
pub(super) fn establish(
    bundle: &BundleWriter,
    assembler: Assembler,
    first_party: &str,
) -> Result<(Vec<Exchange>, AuditRecord), RunError> {
    let steps = assembler.steps().to_vec();
    let unreadable = assembler.unreadable().to_vec();
    let mut exchanges = assembler.finish();
    // Reading the log and compressing it take as long as each other, and need nothing of each other.
    let (read, kept) = std::thread::scope(|scope| {
        let kept = scope.spawn(|| bundle.compress_net_log());
        let read = bundle
            .open_net_log()
            .and_then(|log| NetLog::read(log, &mut bundle.body_keeper()));
        (read, kept.join())
    });
    let record = match read {
        Ok(log) => audit(
            &mut exchanges,
            &log,
            &Circumstances {
                first_party,
                steps: &steps,
                unreadable: &unreadable,
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
    if let Ok(kept) = kept {
        kept?;
        bundle.drop_raw_net_log()?;
    }
    mark_kept_off(&mut exchanges);
    attribute(&mut exchanges);
    Ok((exchanges, record))
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
            exchange.error = Some(format!(
                "{host} is kept off the wire, since the browser asks it for itself"
            ));
        }
    }
}

/// Puts the audit into the record, and what follows from it.
fn judge(record: &mut RunRecord, exchanges: &[Exchange], audit: AuditRecord) {
    let what = match audit.verdict {
        AuditVerdict::Incomplete => Some("the record is not complete"),
        AuditVerdict::AuditUnavailable => Some("what was really sent is unknown"),
        AuditVerdict::Complete | AuditVerdict::CompleteWithListedResiduals => None,
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
    let delivered: Vec<&str> = exchanges
        .iter()
        .filter(|exchange| exchange.outcome == Outcome::Contained && exchange.sent != Some(false))
        .map(|exchange| exchange.url.as_str())
        .collect();
    if !delivered.is_empty() {
        let message = format!(
            "a contained request may have been delivered: {}",
            delivered.join(", ")
        );
        problem(record, "containment", message, None);
    }
}

fn count(exchanges: &[Exchange], which: impl Fn(&Exchange) -> bool) -> u64 {
    exchanges.iter().filter(|exchange| which(exchange)).count() as u64
}
