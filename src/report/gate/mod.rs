//! What came of a policy and a baseline, in the formats that people and CI systems read: one file each. Pure.

pub mod github;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod sarif;
pub mod terminal;

use std::collections::HashSet;

use super::count;
use crate::model::{ClaimVerdict, RuleMatch, RuleOutcome, Severity, UrlParts, VerdictOutcome};
use crate::policy::{ClaimSummary, Gate, GateCode, Judged, RuleSummary};

/// Requests of one flow that are listed by id.
const MOST_IDS: usize = 5;
/// Runs that are listed where each says something else.
const MOST_RUNS: usize = 4;

/// A match, and the run that it is of.
type Of<'g> = (&'g Judged<'g>, &'g RuleMatch);

/// What violates a rule (or, of a claim, contradicts it) for certain: each flow once, with the first run that has it.
fn certain<'g>(
    findings: impl IntoIterator<Item = (&'g Judged<'g>, &'g [RuleMatch])>,
) -> Vec<Of<'g>> {
    let mut flows: Vec<Of<'g>> = Vec::new();
    let mut seen = HashSet::new();
    for (run, matches) in findings {
        for found in matches.iter().filter(|found| !found.suspected) {
            if seen.insert((&found.flow, &found.page)) {
                flows.push((run, found));
            }
        }
    }
    flows
}

fn violations<'g>(summary: &RuleSummary<'g>) -> Vec<Of<'g>> {
    let violated = summary
        .findings
        .iter()
        .filter(|(_, finding)| finding.outcome == RuleOutcome::Violated);
    certain(violated.map(|(run, finding)| (*run, &finding.matches[..])))
}

fn contradictions<'g>(summary: &ClaimSummary<'g>) -> Vec<Of<'g>> {
    let contradicted = summary
        .findings
        .iter()
        .filter(|(_, finding)| finding.verdict == ClaimVerdict::Contradicted);
    certain(contradicted.map(|(run, finding)| (*run, &finding.matches[..])))
}

/// What is said of a rule over all runs: of the runs that decide its outcome, what each says, once; a line each.
fn rule_words(summary: &RuleSummary<'_>) -> String {
    let deciding = summary
        .findings
        .iter()
        .filter(|(_, finding)| finding.outcome == summary.outcome)
        .map(|(run, finding)| (*run, finding.why.as_str()));
    words(deciding.collect())
}

fn claim_words(summary: &ClaimSummary<'_>) -> String {
    let deciding = summary
        .findings
        .iter()
        .filter(|(_, finding)| finding.verdict == summary.verdict)
        .map(|(run, finding)| (*run, finding.why.as_str()));
    words(deciding.collect())
}

fn words(deciding: Vec<(&Judged<'_>, &str)>) -> String {
    let mut said: Vec<(Vec<&str>, &str)> = Vec::new();
    for (run, why) in deciding {
        match said.iter_mut().find(|(_, known)| *known == why) {
            Some((titles, _)) => titles.push(&run.title),
            None => said.push((vec![&run.title], why)),
        }
    }
    match &said[..] {
        [] => "no run was made".to_owned(),
        [(titles, why)] if titles.len() > 1 => format!("in each of {} runs: {why}", titles.len()),
        [(_, why)] => (*why).to_owned(),
        _ => {
            let mut each: Vec<String> = said
                .iter()
                .take(MOST_RUNS)
                .map(|(titles, why)| format!("{}: {why}", titles.join(", ")))
                .collect();
            if said.len() > MOST_RUNS {
                each.push(format!("and {} in other runs", said.len() - MOST_RUNS));
            }
            each.join("\n")
        }
    }
}

/// As a person reads it.
fn verdict(summary: &ClaimSummary<'_>) -> &'static str {
    match summary.verdict {
        ClaimVerdict::NotContradicted if summary.findings.len() > 1 => {
            "not contradicted by these runs"
        }
        verdict => verdict.as_str(),
    }
}

/// What is said below claims, since "not contradicted" is read as "true".
const NOT_TRUE: &str = "Not contradicted is not true: what a server tells by itself is invisible to a browser, and so is what the journeys did \
     not reach.";

/// The page of a match, as short as it is clear.
fn page(run: &Judged<'_>, found: &RuleMatch) -> String {
    let page = found.page.as_deref().map(|page| run.short(page));
    page.unwrap_or("an unknown page").to_owned()
}

/// `Meta (www.facebook.com/tr/)`
fn whom(found: &RuleMatch) -> String {
    let path = UrlParts::of(&found.url).map_or("", |parts| parts.path);
    match &found.recipient {
        Some(recipient) => format!("{recipient} ({}{path})", found.host),
        None => format!("{}{path}", found.host),
    }
}

/// `x0042, x0043 and 3 more`
fn ids(found: &RuleMatch) -> String {
    let shown = &found.exchanges[..found.exchanges.len().min(MOST_IDS)];
    let mut text = shown.join(", ");
    if found.exchanges.len() > MOST_IDS {
        text += &format!(" and {} more", found.exchanges.len() - MOST_IDS);
    }
    text
}

/// Names of what ties it to a person or a browser, without the values.
fn signals(found: &RuleMatch) -> Vec<&str> {
    let identity = found.identity.iter();
    identity
        .filter_map(|words| words.split(" = ").next())
        .collect()
}

/// What became of a request that did not simply leave.
fn fate(found: &RuleMatch) -> Option<&'static str> {
    use crate::model::Outcome;
    match (found.outcome, found.sent) {
        (Outcome::Blocked, _) => Some("blocked by the browser"),
        (Outcome::Contained, _) => Some("contained: it did not leave"),
        (Outcome::Failed, Some(true)) => Some("sent, without an answer"),
        (_, Some(true)) => None,
        (Outcome::Completed, Some(false)) => Some("from the browser's cache"),
        (_, Some(false)) => Some("it did not leave"),
        (Outcome::Completed, None) => None,
        (_, None) => Some("unknown whether it left"),
    }
}

/// One sentence on the whole: what the exit code says, and why.
fn conclusion(gate: &Gate<'_>) -> String {
    let rules = gate.rules();
    let counted = |outcome: RuleOutcome| {
        let rules = rules.iter().filter(|summary| {
            summary.rule.severity == Severity::Error
                && summary.rule.effect != crate::model::Effect::Allow
                && summary.outcome == outcome
                && !summary.accepted
        });
        rules.count()
    };
    let claims = gate.claims();
    let contradicted = claims
        .iter()
        .filter(|summary| summary.verdict == ClaimVerdict::Contradicted)
        .count();
    let mut parts: Vec<String> = Vec::new();
    for run in gate.unjudged_runs() {
        let verdicts = run.verdicts.all();
        for (name, verdict) in verdicts {
            let part = format!("{name} is {}", verdict.outcome.as_str());
            if verdict.outcome != VerdictOutcome::NotTested && !parts.contains(&part) {
                parts.push(part);
            }
        }
    }
    fn say(parts: &mut Vec<String>, number: usize, what: &str, rest: &str) {
        if number > 0 {
            parts.push(format!("{}{rest}", count(number, what)));
        }
    }
    say(
        &mut parts,
        counted(RuleOutcome::Violated),
        "rule",
        " violated",
    );
    say(&mut parts, contradicted, "claim", " contradicted");
    if let Some((_, compared)) = &gate.baseline {
        say(
            &mut parts,
            compared.new.len(),
            "flow",
            " that the baseline does not have",
        );
        say(
            &mut parts,
            compared.stale.len(),
            "stale line",
            " in the baseline",
        );
    }
    if let Some(why) = &gate.incomparable {
        parts.push(format!("the baseline was not compared: {why}"));
    }
    say(
        &mut parts,
        counted(RuleOutcome::Inconclusive),
        "rule",
        " inconclusive",
    );
    say(
        &mut parts,
        counted(RuleOutcome::Unreachable),
        "rule",
        " unreachable",
    );
    let untested = claims.iter().filter(|summary| summary.is_open());
    say(
        &mut parts,
        untested.count(),
        "claim",
        " not testable in this run",
    );
    let reported = rules.iter().filter(|summary| {
        summary.rule.severity != Severity::Error
            && summary.outcome == RuleOutcome::Violated
            && !summary.accepted
    });
    say(
        &mut parts,
        reported.count(),
        "rule",
        " of a lesser severity violated",
    );
    let accepted = rules.iter().filter(|summary| summary.accepted).count();
    say(
        &mut parts,
        accepted,
        "rule",
        " violated and accepted by the baseline",
    );
    if let Some(why) = gate.unfinished() {
        parts.push(format!("not everything is known: {why}"));
    }
    let (word, rest) = match gate.code() {
        GateCode::Clean => ("passed", "nothing was found against it"),
        GateCode::Refused => ("refused", ""),
        GateCode::Stale if gate.incomparable.is_some() => ("not compared", ""),
        GateCode::Stale => ("stale", ""),
        GateCode::Inconclusive => (
            "inconclusive",
            "nothing was found, and not all was looked at",
        ),
    };
    match &parts[..] {
        [] if rest.is_empty() => format!("{word}: one of the three verdicts is found"),
        [] => format!("{word}: {rest}"),
        parts => format!("{word}: {}", parts.join(", ")),
    }
}
