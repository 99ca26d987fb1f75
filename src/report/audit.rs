//! The audit: one line, and what it lists.

use std::io::{self, Write};

use super::words::{side, whose_doing};
use crate::model::{AuditRecord, AuditVerdict};

/// Longer lists are cut on the terminal; run.json has them whole.
const MOST: usize = 10;

/// # Errors
/// If it cannot be written.
pub fn render(audit: &AuditRecord, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let (red, green, plain) = if colour {
        ("\x1b[31m", "\x1b[32m", "\x1b[0m")
    } else {
        ("", "", "")
    };
    let on = match audit.verdict {
        AuditVerdict::Complete
        | AuditVerdict::CompleteWithListedResiduals
        | AuditVerdict::OfFile => green,
        AuditVerdict::Incomplete | AuditVerdict::AuditUnavailable => red,
    };
    write!(out, "Audit: {on}{}{plain}.", audit.verdict.as_str())?;
    if audit.verdict == AuditVerdict::AuditUnavailable {
        writeln!(out)?;
    } else {
        writeln!(out, " {}", sentence(audit))?;
    }
    for reason in audit.reasons.iter().take(MOST) {
        writeln!(out, "  {on}{reason}{plain}")?;
    }
    more(audit.reasons.len(), out)?;
    for residual in audit.in_one_source.iter().take(MOST) {
        let side = side(residual.seen_by);
        writeln!(
            out,
            "  {side}: {} {} {} ({}: {})",
            residual.exchange,
            residual.method,
            residual.url.chars().take(120).collect::<String>(),
            whose_doing(residual.origin),
            residual.note
        )?;
    }
    more(audit.in_one_source.len(), out)
}

/// The figures.
pub(super) fn sentence(audit: &AuditRecord) -> String {
    format!(
        "{} sent according to Chromium's network log; {} recorded, {} seen from both sides; {} of {} bodies compared are equal, {} known from the log alone.",
        requests(audit.sent),
        audit.recorded,
        audit.matched,
        audit.bodies.equal,
        audit.bodies.compared,
        audit.bodies.from_log,
    )
}

fn more(number: usize, out: &mut dyn Write) -> io::Result<()> {
    if number > MOST {
        writeln!(
            out,
            "  and {} more: `audit` in run.json has them all",
            number - MOST
        )?;
    }
    Ok(())
}

fn requests(number: u64) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} request{plural}")
}
