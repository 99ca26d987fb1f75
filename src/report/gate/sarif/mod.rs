//! As SARIF 2.1.0 (OASIS): what code scanning reads. A result stands on the line of the policy, since locations must be
//! files of the repository, and has the request in `webRequest`. What was not looked at is a notification, never a result.

mod rules;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use data_encoding::HEXLOWER;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use self::rules::{NEW, Rule, STALE, id_of, rules};
use super::{claim_words, contradictions, fate, page, rule_words, signals, violations, whom};
use crate::leak::doubt_of_run;
use crate::model::{ClaimVerdict, Effect, RuleMatch, RuleOutcome, ToolRecord};
use crate::policy::{Flow, Gate, GateCode, Judged};
use crate::report::visible;

/// What a URI's path may not hold as it is.
const NO_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Result {
    rule_id: String,
    rule_index: usize,
    kind: &'static str,
    level: &'static str,
    message: Value,
    locations: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Value>,
    partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    web_request: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_state: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Value>,
    properties: Value,
}

/// Writes the report.
///
/// # Errors
/// If it cannot be written.
pub fn render(gate: &Gate<'_>, out: &mut dyn Write) -> io::Result<()> {
    let rules = rules(gate);
    let results = results(gate, &rules);
    let tool = ToolRecord::this();
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": tool.name,
                "version": tool.version,
                "semanticVersion": tool.version,
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": gate.code() != GateCode::Inconclusive && gate.incomparable.is_none(),
                "toolExecutionNotifications": notifications(gate),
            }],
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &log)?;
    writeln!(out)
}

fn results(gate: &Gate<'_>, rules: &[Rule]) -> Vec<Result> {
    let mut results = Vec::new();
    let index = |id: &str| {
        rules
            .iter()
            .position(|rule| rule.id == id)
            .unwrap_or_default()
    };
    for summary in gate.rules() {
        let id = id_of(gate, summary.policy, &summary.rule.id);
        let place = location(&summary.policy.path, summary.rule.line, summary.rule.column);
        let level = summary.rule.severity.as_str();
        let found = violations(&summary);
        if summary.outcome == RuleOutcome::Violated && found.is_empty() {
            results.push(Result {
                rule_index: index(&id),
                kind: "fail",
                level,
                message: json!({ "text": format!("{}: {}.", summary.rule.id, rule_words(&summary)) }),
                locations: vec![place.clone()],
                related_locations: Vec::new(),
                partial_fingerprints: fingerprint(&id, "required"),
                web_request: None,
                baseline_state: None,
                suppressions: Vec::new(),
                properties: json!({}),
                rule_id: id.clone(),
            });
        }
        for of in found {
            let reason = summary.rule.reason.as_deref().unwrap_or(&summary.rule.asks);
            results.push(result(
                gate,
                of,
                &id,
                index(&id),
                level,
                reason,
                place.clone(),
            ));
        }
    }
    for summary in gate.claims() {
        let id = id_of(gate, summary.policy, &summary.claim.id);
        let place = location(
            &summary.policy.path,
            summary.claim.line,
            summary.claim.column,
        );
        for of in contradictions(&summary) {
            let says = format!(
                "contradicts “{}” ({})",
                summary.claim.says, summary.claim.source
            );
            let mut result = result(gate, of, &id, index(&id), "error", &says, place.clone());
            // A claim is about what is, and nobody accepts that away.
            result.suppressions.clear();
            results.push(result);
        }
    }
    let Some((path, compared)) = &gate.baseline else {
        return results;
    };
    for flow in &compared.new {
        let is_its =
            |own: &Flow| own.found.flow == flow.found.flow && own.found.url == flow.found.url;
        let run = gate.runs.iter().find(|run| run.flows.iter().any(is_its));
        let Some(run) = run else { continue };
        let scenario = &run.record.scenario.path;
        let place = match flow.found.step_line {
            Some(line) if !scenario.is_empty() => location(Path::new(scenario), line, 1),
            _ => location(path, 1, 1),
        };
        let reason = "the baseline does not have it, and no rule allows it";
        results.push(result(
            gate,
            (run, &flow.found),
            NEW,
            index(NEW),
            "error",
            reason,
            place,
        ));
    }
    for line in &compared.stale {
        let text = std::format!(
            "The baseline lists what is no longer told: '{}'.",
            line.replace('\t', " ")
        );
        results.push(Result {
            rule_id: STALE.to_owned(),
            rule_index: index(STALE),
            kind: "fail",
            level: "error",
            message: json!({ "text": text }),
            locations: vec![location(path, 1, 1)],
            related_locations: Vec::new(),
            partial_fingerprints: fingerprint(STALE, line),
            web_request: None,
            baseline_state: Some("absent"),
            suppressions: Vec::new(),
            properties: json!({ "flow": line }),
        });
    }
    results
}

fn result(
    gate: &Gate<'_>,
    (run, found): (&Judged<'_>, &RuleMatch),
    id: &str,
    index: usize,
    level: &'static str,
    reason: &str,
    place: Value,
) -> Result {
    let event = found.event.as_deref().unwrap_or("a request");
    let mut text = format!("On {}, {event} went to {}", page(run, found), whom(found));
    if let Some(fate) = fate(found) {
        text += &format!(" ({fate})");
    }
    if !found.told.is_empty() {
        text += &format!(". It told: {}", found.told.join("; "));
    }
    text += &format!(". {reason}.");
    // In a message, brackets before parentheses are a link, and a page may choose its text.
    let text = visible(&text).replace("](", "] (");
    let accepted = gate.accepts(found);
    let known = gate
        .baseline
        .as_ref()
        .map(|_| if accepted { "unchanged" } else { "new" });
    let suppression = json!({ "kind": "external", "justification": "listed in the baseline" });
    Result {
        rule_id: id.to_owned(),
        rule_index: index,
        kind: "fail",
        level,
        message: json!({ "text": text }),
        locations: vec![place],
        related_locations: step(run, found).into_iter().collect(),
        partial_fingerprints: fingerprint(id, &found.flow),
        web_request: web_request(run, found),
        baseline_state: known,
        suppressions: if accepted {
            vec![suppression]
        } else {
            Vec::new()
        },
        properties: json!({
            "page": found.page,
            "recipient": found.recipient,
            "told": found.told,
            "identity": signals(found),
            "exchanges": found.exchanges,
            "events": found.events,
            "sent": found.sent,
            "outcome": found.outcome,
            "consent": found.consent,
            "flow": found.flow,
            "journey": run.title,
            "bundle": run.source,
        }),
    }
}

/// The step of the scenario that caused it.
fn step(run: &Judged<'_>, found: &RuleMatch) -> Option<Value> {
    let record = &run.record;
    let number = found.step?;
    let step = record
        .journey
        .steps
        .iter()
        .find(|step| step.number == number)?;
    if record.scenario.path.is_empty() {
        return None;
    }
    let mut place = location(Path::new(&record.scenario.path), step.line, 1);
    place["id"] = json!(1);
    place["message"] = json!({ "text": format!("Step {number}: {}", step.what) });
    Some(place)
}

/// The first of the requests, as it was sent.
fn web_request(run: &Judged<'_>, found: &RuleMatch) -> Option<Value> {
    let shown = run.shown_headers(found)?;
    let mut headers = Map::new();
    for (name, value) in shown.iter() {
        headers.insert(name.clone(), Value::from(value.as_str()));
    }
    let protocol = found.url.split("://").next().unwrap_or("https");
    Some(json!({
        "protocol": protocol,
        "method": found.method,
        "target": found.url,
        "headers": headers,
    }))
}

/// What could not be looked at: it is no finding, and no pass.
fn notifications(gate: &Gate<'_>) -> Vec<Value> {
    let mut notifications = Vec::new();
    if let Some(why) = &gate.incomparable {
        let text = format!("the baseline was not compared: {why}");
        notifications.push(json!({ "level": "error", "message": { "text": text } }));
    }
    for run in gate.unjudged_runs() {
        for (name, verdict) in run.verdicts.all() {
            let text = format!(
                "{}: {name} is {}: {}",
                run.title,
                verdict.outcome.as_str(),
                verdict.why
            );
            notifications.push(json!({ "level": "warning", "message": { "text": text } }));
        }
    }
    for (title, why) in &gate.missing {
        let text = format!("{title}: {why}");
        notifications.push(json!({ "level": "error", "message": { "text": text } }));
    }
    for run in &gate.runs {
        if let Some(why) = doubt_of_run(&run.record) {
            let text = format!("{}: {why}", run.title);
            notifications.push(json!({ "level": "error", "message": { "text": text } }));
        }
    }
    for summary in gate.rules() {
        if summary.outcome.is_open() && summary.rule.effect != Effect::Allow {
            let text = format!(
                "{} is {}: {}",
                summary.rule.id,
                summary.outcome.as_str(),
                rule_words(&summary)
            );
            notifications.push(json!({
                "level": "warning",
                "message": { "text": text },
                "locations": [location(&summary.policy.path, summary.rule.line, summary.rule.column)],
            }));
        }
    }
    for summary in gate.claims() {
        if summary.verdict == ClaimVerdict::NotTestable {
            let text = format!(
                "{} is not testable here: {}",
                summary.claim.id,
                claim_words(&summary)
            );
            notifications.push(json!({
                "level": "note",
                "message": { "text": text },
                "locations": [location(&summary.policy.path, summary.claim.line, summary.claim.column)],
            }));
        }
    }
    notifications
}

fn location(file: &Path, line: u64, column: u64) -> Value {
    json!({ "physicalLocation": {
        "artifactLocation": { "uri": uri(file) },
        "region": { "startLine": line.max(1), "startColumn": column.max(1) },
    } })
}

/// A path from the repository's root is a relative reference; any other a `file:` URI.
fn uri(file: &Path) -> String {
    let text = file.to_string_lossy().replace('\\', "/");
    let encoded =
        utf8_percent_encode(text.strip_prefix("./").unwrap_or(&text), NO_PATH).to_string();
    match file.is_absolute() {
        true => format!("file://{encoded}"),
        // A colon in the first segment would make a scheme of it.
        false => encoded.replace(':', "%3A"),
    }
}

/// The same for every run that tells the same.
fn fingerprint(id: &str, flow: &str) -> BTreeMap<&'static str, String> {
    let digest = HEXLOWER.encode(&Sha256::digest(format!("{id}\n{flow}")));
    BTreeMap::from([("pixelwitnessFlow/v1", digest)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_relative_references() {
        assert_eq!(uri(Path::new("./a b/c#.yaml")), "a%20b/c%23.yaml");
        assert_eq!(uri(Path::new("c:d.yaml")), "c%3Ad.yaml");
        assert_eq!(uri(Path::new("/tmp/ü.yaml")), "file:///tmp/%C3%BC.yaml");
    }
}
