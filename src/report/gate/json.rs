//! As JSON: everything, for other programs.

use serde_json::{Value, json};

use crate::policy::{Flow, Gate};

/// Rules and claims with what came of them in each run, and the baseline.
pub fn value(gate: &Gate<'_>) -> Value {
    let rules: Vec<Value> = gate
        .rules()
        .iter()
        .map(|summary| {
            let runs = summary.findings.iter().map(|(run, finding)| {
                json!({ "run": run.title, "source": run.source, "finding": finding })
            });
            json!({
                "id": summary.rule.id,
                "policy": summary.policy.path,
                "line": summary.rule.line,
                "effect": summary.rule.effect,
                "asks": summary.rule.asks,
                "severity": summary.rule.severity,
                "reason": summary.rule.reason,
                "outcome": summary.outcome,
                "accepted_by_baseline": summary.accepted,
                "runs": runs.collect::<Vec<_>>(),
            })
        })
        .collect();
    let claims: Vec<Value> = gate
        .claims()
        .iter()
        .map(|summary| {
            let runs = summary.findings.iter().map(|(run, finding)| {
                json!({ "run": run.title, "source": run.source, "finding": finding })
            });
            json!({
                "id": summary.claim.id,
                "policy": summary.policy.path,
                "line": summary.claim.line,
                "says": summary.claim.says,
                "source": summary.claim.source,
                "verdict": summary.verdict,
                "runs": runs.collect::<Vec<_>>(),
            })
        })
        .collect();
    let baseline = gate.baseline.as_ref().map(|(path, compared)| {
        let new = compared.new.iter().map(|Flow { found, .. }| found);
        json!({
            "path": path,
            "new": new.collect::<Vec<_>>(),
            "stale": compared.stale,
            "accepted": compared.accepted,
            "nothing_called_stale_because": compared.unfinished,
        })
    });
    let policies = gate
        .policies()
        .into_iter()
        .map(|policy| json!({ "path": policy.path, "sha256": policy.sha256() }));
    let missing = gate
        .missing
        .iter()
        .map(|(title, why)| json!({ "run": title, "why": why }));
    json!({
        "missing": missing.collect::<Vec<_>>(),
        "conclusion": super::conclusion(gate),
        "policies": policies.collect::<Vec<_>>(),
        "rules": rules,
        "claims": claims,
        "baseline": baseline,
    })
}
