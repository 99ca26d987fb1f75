//! `pixelwitness audit`: holds a bundle's records against its network log again.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use serde_json::json;

use super::{exit, talk};
use crate::model::{AuditRecord, AuditVerdict};
use crate::report;
use crate::run::{AuditError, Audited, audit_bundle};

#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is replayed and no browser is needed: the browser's messages (data/cdp.jsonl) and
Chromium's own network log (data/netlog.json.gz) are read again.

A run that was cut short (killed, or its machine went down) has no audit yet: this completes its
records from what it had written, and says what could still be established; one that lacks its
seal alone is sealed. A bundle that is complete is not changed.

Exit codes: 0 complete, and as the bundle says of itself; 2 no bundle; 3 incomplete, cut short, or
not as it says.")]
pub struct AuditArgs {
    /// The folder that the run was written to
    #[arg(value_name = "BUNDLE", value_hint = ValueHint::DirPath)]
    bundle: PathBuf,
    /// The audit as JSON on stdout, and nothing else there
    #[arg(long)]
    json: bool,
}

pub fn audit(args: AuditArgs) -> u8 {
    let (found, audit) = match audit_bundle(&args.bundle) {
        Ok(Audited::Confirmed(record)) => ("confirmed", record.audit),
        Ok(Audited::Differs(what, audit)) => {
            let message = format!(
                "the bundle is not what its journal and its network log come to: {}",
                what.join(", ")
            );
            let help = "something was changed after the run, or another version wrote it; what follows is what they come to";
            talk::error(&message, Some(help));
            ("differs", *audit)
        }
        Ok(Audited::Completed(run)) => {
            talk::note("the run was cut short: its records are completed as far as it had written");
            ("completed", run.record.audit)
        }
        Err(AuditError::Scenario(diagnostic)) => return talk::diagnostic(&diagnostic),
        Err(error) => {
            talk::error(&error.to_string(), Some(&error.help()));
            return exit::BAD_INPUT;
        }
    };
    let code = if found == "confirmed" && is_whole(&audit) {
        exit::OK
    } else {
        exit::INCONCLUSIVE
    };
    if args.json {
        let result =
            json!({ "exit_code": code, "bundle": args.bundle, "found": found, "audit": audit });
        talk::data(&format!("{result:#}"));
    } else {
        let mut stdout = std::io::stdout().lock();
        // A reader that has gone away, as `head` does, is no failure.
        let _ = report::audit::render(&audit, talk::colour_on_stdout(), &mut stdout)
            .and_then(|()| stdout.flush());
    }
    code
}

fn is_whole(audit: &AuditRecord) -> bool {
    matches!(
        audit.verdict,
        AuditVerdict::Complete | AuditVerdict::CompleteWithListedResiduals
    )
}
