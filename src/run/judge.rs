//! What the policy in a bundle makes of its run.

use std::fs;
use std::path::Path;

use crate::model::{Exchange, Findings, RunRecord, TrackerEvent};
use crate::policy::{Policy, Traffic, View, judge};

/// Fills in the rules and claims of the findings, as of the day of the run; a run without a policy has none.
pub(super) fn apply_policy(
    root: &Path,
    record: &RunRecord,
    exchanges: &[Exchange],
    events: &[TrackerEvent],
    findings: &mut Findings,
) {
    let Some(of) = &record.policy else { return };
    let text = fs::read_to_string(root.join("data/policy.yaml")).unwrap_or_default();
    // It was read before the run began; another one lies there only if somebody put it there.
    let Ok(policy) = Policy::parse(Path::new(&of.path), text, record.started.date()) else {
        return;
    };
    let view = View::new(Traffic {
        record,
        exchanges,
        events,
        findings,
    });
    let (rules, claims) = judge(&policy, &view);
    findings.rules = rules;
    findings.claims = claims;
}
