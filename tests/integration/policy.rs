//! Rules and claims: a table of cases, each a policy, some traffic, and what is to come of it.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use pixelwitness::decode::decode_all;
use pixelwitness::leak::{Case, findings};
use pixelwitness::model::{BodyState, Exchange, Moment, Outcome, RunRecord};
use pixelwitness::policy::{Gate, GateCode, Judged, Policy, Traffic};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::common::root;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    policy: String,
    /// One run, or several.
    traffic: Vec<Made>,
    expect: Expected,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    exit: u8,
    #[serde(default)]
    rules: BTreeMap<String, String>,
    #[serde(default)]
    claims: BTreeMap<String, String>,
}

/// A run in a few words. Steps are counted from 1, and step n begins n seconds after the run.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Made {
    #[serde(default = "completed")]
    journey: String,
    #[serde(default = "complete")]
    audit: String,
    #[serde(default = "all_but_reports")]
    deliver: String,
    #[serde(default)]
    topics: Vec<String>,
    #[serde(default)]
    canaries: BTreeMap<String, MadeCanary>,
    #[serde(default)]
    consent: Vec<MadeConsent>,
    steps: Vec<MadeStep>,
    #[serde(default)]
    requests: Vec<MadeRequest>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct MadeCanary {
    kind: String,
    value: String,
    /// The field and the step; null if it was not typed.
    #[serde(default)]
    into: Option<String>,
    #[serde(default)]
    step: Option<u32>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct MadeConsent {
    step: u32,
    answer: String,
    outcome: String,
    page: String,
    /// Seconds after the run's beginning.
    #[serde(default)]
    at: Option<f64>,
}

/// A step that opens a page, or stays on one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct MadeStep {
    page: String,
    /// Of the page's own document; 0 if the step opens none.
    #[serde(default = "ok")]
    status: u16,
    #[serde(default = "done")]
    state: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct MadeRequest {
    url: String,
    step: u32,
    /// The page that made it: a path of the site, a whole address, or null.
    #[serde(default)]
    page: Option<String>,
    #[serde(default = "completed")]
    outcome: String,
    #[serde(default = "yes")]
    sent: Option<bool>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default = "form")]
    content_type: String,
    #[serde(default)]
    cookies: BTreeMap<String, String>,
    /// CDP's type of the target, if it is no page.
    #[serde(default)]
    target: Option<String>,
    #[serde(default = "image")]
    kind: String,
    /// Seconds after the run's beginning, if not in the middle of the step.
    #[serde(default)]
    at: Option<f64>,
}

fn completed() -> String {
    "completed".to_owned()
}
fn complete() -> String {
    "complete".to_owned()
}
fn all_but_reports() -> String {
    "all-but-reports".to_owned()
}
fn done() -> String {
    "done".to_owned()
}
fn form() -> String {
    "application/x-www-form-urlencoded".to_owned()
}
fn image() -> String {
    "image".to_owned()
}
fn ok() -> u16 {
    200
}
fn yes() -> Option<bool> {
    Some(true)
}

const SITE: &str = "https://www.police.example";

fn whole(page: &str) -> String {
    if page.starts_with('/') {
        format!("{SITE}{page}")
    } else {
        page.to_owned()
    }
}

fn moment(seconds: f64) -> Moment {
    Moment::from_seconds(1_790_000_000.0 + seconds)
}

/// What a bundle would hold.
struct Kept {
    record: RunRecord,
    exchanges: Vec<Exchange>,
    bodies: HashMap<String, Vec<u8>>,
}

fn keep(made: &Made) -> Kept {
    let steps: Vec<Value> = (1u32..)
        .zip(&made.steps)
        .map(|(number, step)| {
            json!({
                "number": number, "kind": "navigate", "what": format!("navigate {}", step.page),
                "line": 10 + number, "state": step.state,
                "started": moment(f64::from(number)), "ended": moment(f64::from(number) + 0.9),
                "page": whole(&step.page), "problem": null, "notes": [],
            })
        })
        .collect();
    let canaries: Vec<Value> = made
        .canaries
        .iter()
        .map(|(name, canary)| {
            json!({
                "name": name, "kind": canary.kind, "value": canary.value,
                "typed_in": canary.step.into_iter().collect::<Vec<_>>(),
                "typed_into": canary.into.iter().collect::<Vec<_>>(),
            })
        })
        .collect();
    let consent: Vec<Value> = made
        .consent
        .iter()
        .map(|consent| {
            json!({
                "step": consent.step, "answer": consent.answer, "page": whole(&consent.page),
                "outcome": consent.outcome, "banner": "OneTrust", "clicks": [],
                "answered": consent.at.map(moment), "why": null,
            })
        })
        .collect();
    let bodies_audit = json!({ "compared": 0, "equal": 0, "from_log": 0, "cut": 0, "missing": 0 });
    let record = serde_json::from_value(json!({
        "tool": { "name": "pixelwitness", "version": "0.1.0", "platform": "linux-x86_64" },
        "browser": null,
        "scenario": { "title": "Test", "path": "test.yaml", "sha256": "00", "origin": SITE, "topics": made.topics },
        "started": moment(0.0), "finished": moment(60.0),
        "options": { "consent": "ignore", "deliver": made.deliver },
        "canaries": canaries,
        "journey": { "state": made.journey, "steps": steps },
        "consent": consent,
        "containment": { "deliver": made.deliver, "sink": null, "contained": 0, "sunk": 0, "slipped": [] },
        "audit": {
            "verdict": made.audit, "reasons": [], "truncated": false, "sent": 0, "recorded": 0, "matched": 0,
            "in_one_source": [], "bodies": bodies_audit, "addresses": [],
        },
        "counts": { "exchanges": 0, "third_party": 0, "contained": 0, "events": 0 },
        "problems": [],
    }))
    .unwrap();
    let mut timed: Vec<(f64, Exchange, Option<Vec<u8>>)> = Vec::new();
    for (number, step) in (1u32..).zip(&made.steps) {
        if step.status == 0 || step.state != "done" {
            continue;
        }
        let at = f64::from(number) + 0.1;
        let mut exchange =
            Exchange::begun(String::new(), &whole(&step.page), "GET", "police.example");
        exchange.resource_type = "document".to_owned();
        exchange.target_type = Some("page".to_owned());
        exchange.outcome = Outcome::Completed;
        exchange.sent = Some(true);
        exchange.status = Some(step.status);
        exchange.step = Some(number);
        exchange.document_url = Some(whole(&step.page));
        timed.push((at, exchange, None));
    }
    for request in &made.requests {
        let at = request.at.unwrap_or(f64::from(request.step) + 0.5);
        let method = if request.body.is_some() {
            "POST"
        } else {
            "GET"
        };
        let mut exchange = Exchange::begun(String::new(), &request.url, method, "police.example");
        exchange.resource_type.clone_from(&request.kind);
        exchange.target_type = Some(request.target.clone().unwrap_or_else(|| "page".to_owned()));
        exchange.outcome = serde_json::from_value(request.outcome.clone().into()).unwrap();
        exchange.sent = request.sent;
        exchange.step = (request.step > 0).then_some(request.step);
        exchange.document_url = request.page.as_deref().map(whole);
        if request.body.is_some() {
            exchange.request_headers =
                vec![("content-type".to_owned(), request.content_type.clone())].into();
            exchange.body_state = BodyState::Complete;
            exchange.body_size = request.body.as_ref().map(|body| body.len() as u64);
        }
        let cookies = request.cookies.iter().map(
            |(name, value)| json!({ "name": name, "value": value, "sent": true, "withheld": null }),
        );
        exchange.cookies = serde_json::from_value(cookies.collect()).unwrap();
        timed.push((at, exchange, request.body.clone().map(String::into_bytes)));
    }
    timed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut bodies = HashMap::new();
    let mut exchanges = Vec::new();
    for (number, (at, mut exchange, body)) in (1..).zip(timed) {
        exchange.id = format!("x{number:04}");
        exchange.time = Some(moment(at));
        if let Some(body) = body {
            bodies.insert(exchange.id.clone(), body);
        }
        exchanges.push(exchange);
    }
    Kept {
        record,
        exchanges,
        bodies,
    }
}

fn table() -> Vec<(PathBuf, Row)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(root().join("tests/fixtures/policy/cases"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut rows = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let read: Vec<Row> =
            serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        rows.extend(read.into_iter().map(|row| (file.clone(), row)));
    }
    rows
}

/// The exit code, the outcomes of rules and claims, and why.
type Outcomes = (
    u8,
    BTreeMap<String, String>,
    BTreeMap<String, String>,
    String,
);

/// What comes of a row, in the words of the row.
fn outcome(row: &Row) -> Result<Outcomes, String> {
    let today = jiff::civil::date(2026, 11, 25);
    let policy = Policy::parse(Path::new("case.policy.yaml"), row.policy.clone(), today)
        .map_err(|error| error.render(false))?;
    let kept: Vec<Kept> = row.traffic.iter().map(keep).collect();
    let made: Vec<_> = kept
        .iter()
        .map(|kept| {
            let body = |exchange: &Exchange| kept.bodies.get(&exchange.id).cloned();
            let events = decode_all(&kept.exchanges, body);
            let case = Case {
                record: &kept.record,
                exchanges: &kept.exchanges,
                events: &events,
            };
            let findings = findings(case, body);
            (kept, events, findings)
        })
        .collect();
    let runs = made.iter().map(|(kept, events, findings)| {
        let traffic = Traffic {
            record: &kept.record,
            exchanges: &kept.exchanges,
            events,
            findings,
        };
        Judged::new("run".to_owned(), PathBuf::new(), traffic, Some(&policy))
    });
    let gate = Gate {
        runs: runs.collect(),
        ..Gate::default()
    };
    let exit = match gate.code() {
        GateCode::Clean => 0,
        GateCode::Refused => 1,
        GateCode::Stale => 2,
        GateCode::Inconclusive => 3,
    };
    let mut why = String::new();
    let mut rules = BTreeMap::new();
    for summary in gate.rules() {
        let outcome = serde_json::to_value(summary.outcome).unwrap();
        rules.insert(
            summary.rule.id.clone(),
            outcome.as_str().unwrap().to_owned(),
        );
        for (_, finding) in summary.findings {
            why += &format!("\n      {}: {}", finding.id, finding.why);
        }
    }
    let mut claims = BTreeMap::new();
    for summary in gate.claims() {
        let verdict = serde_json::to_value(summary.verdict).unwrap();
        claims.insert(
            summary.claim.id.clone(),
            verdict.as_str().unwrap().to_owned(),
        );
        for (_, finding) in summary.findings {
            why += &format!("\n      {}: {}", finding.id, finding.why);
        }
    }
    Ok((exit, rules, claims, why))
}

#[test]
fn every_case_of_the_table_holds() {
    let rows = table();
    assert!(rows.len() >= 80, "{} cases", rows.len());
    let mut names = std::collections::BTreeSet::new();
    let mut wrong = Vec::new();
    for (file, row) in &rows {
        assert!(
            names.insert(&row.name),
            "two cases are named `{}`",
            row.name
        );
        let place = format!("{}: {}", file.file_name().unwrap().display(), row.name);
        match outcome(row) {
            Err(error) => wrong.push(format!("{place}\n{error}")),
            Ok((exit, rules, claims, why)) => {
                let expected = &row.expect;
                if (exit, &rules, &claims) != (expected.exit, &expected.rules, &expected.claims) {
                    wrong.push(format!(
                        "{place}\n  expected {} {:?} {:?}\n  found    {exit} {rules:?} {claims:?}{why}",
                        expected.exit, expected.rules, expected.claims
                    ));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
}
