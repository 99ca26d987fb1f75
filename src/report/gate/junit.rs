//! As JUnit's XML: a suite is a journey, a case is a rule on a page. A violation is a `failure`; what could not be looked at
//! is an `error`, since it is no pass; what a baseline accepts is `skipped`.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{fate, ids, page, signals, whom};
use crate::leak::doubt_of_run;
use crate::model::{
    ClaimFinding, ClaimVerdict, Effect, RuleFinding, RuleMatch, RuleOutcome, Severity, Verdict,
    VerdictOutcome,
};
use crate::policy::{Gate, Judged};
use crate::report::visible;

/// Writes the report.
///
/// # Errors
/// If it cannot be written.
pub fn render(gate: &Gate<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut report = Report::new("pixelwitness");
    for run in &gate.runs {
        let mut suite = TestSuite::new(run.title.as_str());
        let case = TestCase::new("the journey", of_journey(run));
        suite.add_test_case(named(case, "journey"));
        let class = run.policy.map(|policy| policy.path.display().to_string());
        let class = class.unwrap_or_default();
        for finding in &run.rules {
            if finding.effect != Effect::Allow {
                rule(gate, run, finding, &class, &mut suite);
            }
        }
        for (name, verdict) in verdicts(gate, run) {
            let case = TestCase::new(format!("verdict {name}"), of_verdict(verdict));
            suite.add_test_case(named(case, "verdicts"));
        }
        for finding in &run.claims {
            let name = format!("claim {}", finding.id);
            let tested = |own: &ClaimFinding| {
                own.id == finding.id && own.verdict != ClaimVerdict::NotTestable
            };
            let elsewhere = others(gate, run).any(|other| other.claims.iter().any(tested));
            let case = TestCase::new(name, of_claim(run, finding, elsewhere));
            suite.add_test_case(named(case, &class));
        }
        suite.add_property(("source", run.source.display().to_string().as_str()));
        report.add_test_suite(suite);
    }
    if let Some(why) = &gate.incomparable {
        let mut suite = TestSuite::new("baseline");
        let case = TestCase::new("the comparison", error("not compared", why));
        suite.add_test_case(named(case, "baseline"));
        report.add_test_suite(suite);
    }
    for (title, why) in &gate.missing {
        let mut suite = TestSuite::new(title.as_str());
        let case = TestCase::new("the journey", error("not made", why));
        suite.add_test_case(named(case, "journey"));
        report.add_test_suite(suite);
    }
    if let Some((path, compared)) = &gate.baseline {
        let mut suite = TestSuite::new(format!("baseline {}", path.display()));
        for flow in &compared.new {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let message = "told, and neither in the baseline nor allowed by a rule";
            status.set_message(message).set_type("new");
            status.set_description(format!("+{}\n{}", flow.found.flow, flow.found.url));
            let case = TestCase::new(flow.found.flow.replace('\t', " "), status);
            suite.add_test_case(named(case, "baseline"));
        }
        for line in &compared.stale {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            let message = "no longer told: take the line out, or use --update-baseline";
            status.set_message(message).set_type("stale");
            status.set_description(format!("-{line}"));
            let case = TestCase::new(line.replace('\t', " "), status);
            suite.add_test_case(named(case, "baseline"));
        }
        if compared.new.is_empty() && compared.stale.is_empty() {
            let case = TestCase::new("nothing new, nothing stale", TestCaseStatus::success());
            suite.add_test_case(named(case, "baseline"));
        }
        report.add_test_suite(suite);
    }
    let text = report.to_string().map_err(io::Error::other)?;
    out.write_all(legal(&text).as_bytes())
}

/// Without what XML 1.0 has no place for, escaped or not: pages choose what they say.
fn legal(text: &str) -> String {
    visible(text).replace(['\u{fffe}', '\u{ffff}'], "")
}

/// The runs that are held against the same policy, this one too.
fn others<'g>(gate: &'g Gate<'_>, run: &Judged<'_>) -> impl Iterator<Item = &'g Judged<'g>> {
    run.policy
        .into_iter()
        .flat_map(|policy| gate.runs_of(policy))
}

fn named(mut case: TestCase, class: &str) -> TestCase {
    case.set_classname(class);
    case
}

fn of_journey(run: &Judged<'_>) -> TestCaseStatus {
    match doubt_of_run(&run.record) {
        None => TestCaseStatus::success(),
        Some(why) => error("incomplete", &why),
    }
}

/// Where nothing else says what counts, the verdicts do.
fn verdicts<'g>(gate: &Gate<'_>, run: &'g Judged<'_>) -> Vec<(&'static str, &'g Verdict)> {
    let mut unjudged = gate.unjudged_runs();
    match unjudged.any(|other| std::ptr::eq(other, run)) {
        true => run.verdicts.all().to_vec(),
        false => Vec::new(),
    }
}

fn of_verdict(verdict: &Verdict) -> TestCaseStatus {
    match verdict.outcome {
        VerdictOutcome::NotFound => TestCaseStatus::success(),
        VerdictOutcome::NotTested => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(verdict.why.as_str());
            status
        }
        VerdictOutcome::Inconclusive => error("inconclusive", &verdict.why),
        VerdictOutcome::Found => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(verdict.why.as_str()).set_type("found");
            status
        }
    }
}

fn error(kind: &str, why: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(why).set_type(kind);
    status
}

/// A case for each page that was reached or told; one where there was none.
fn rule(
    gate: &Gate<'_>,
    run: &Judged<'_>,
    finding: &RuleFinding,
    class: &str,
    suite: &mut TestSuite,
) {
    let mut pages: Vec<String> = Vec::new();
    let told = finding.matches.iter().map(|found| page(run, found));
    let reached = finding.reached.iter();
    let reached = reached.map(|reached| run.short(&reached.page).to_owned());
    let mut seen = HashSet::new();
    for page in told.chain(reached) {
        if seen.insert(page.clone()) {
            pages.push(page);
        }
    }
    let whole = finding.effect == Effect::Require || pages.is_empty();
    if whole {
        pages = vec![String::new()];
    }
    let looked = |own: &RuleFinding| {
        own.id == finding.id && matches!(own.outcome, RuleOutcome::Passed | RuleOutcome::Violated)
    };
    let elsewhere = others(gate, run).any(|other| other.rules.iter().any(looked));
    let mut by_page: HashMap<String, Vec<&RuleMatch>> = HashMap::new();
    for found in &finding.matches {
        let of = if whole {
            String::new()
        } else {
            page(run, found)
        };
        by_page.entry(of).or_default().push(found);
    }
    for of in pages {
        let matches = by_page.remove(&of).unwrap_or_default();
        let status = status(gate, run, finding, &matches, elsewhere);
        let mut case = TestCase::new(format!("{} {of}", finding.id).trim_end(), status);
        if finding.severity != Severity::Error && finding.outcome != RuleOutcome::Passed {
            let text = format!(
                "{}, of severity {}: {}",
                finding.outcome.as_str(),
                finding.severity.as_str(),
                finding.why
            );
            case.set_system_out(text);
        }
        suite.add_test_case(named(case, class));
    }
}

fn status(
    gate: &Gate<'_>,
    run: &Judged<'_>,
    finding: &RuleFinding,
    matches: &[&RuleMatch],
    elsewhere: bool,
) -> TestCaseStatus {
    // What does not fail the gate fails no case.
    if finding.severity != Severity::Error {
        return TestCaseStatus::success();
    }
    let sure: Vec<&&RuleMatch> = matches.iter().filter(|found| !found.suspected).collect();
    match finding.outcome {
        RuleOutcome::Passed => TestCaseStatus::success(),
        RuleOutcome::Violated if finding.effect == Effect::Deny && sure.is_empty() => {
            // Of this page nothing is certain: it is clean only if all of it is known.
            match doubt_of_run(&run.record) {
                Some(why) => error("inconclusive", &why),
                None if !matches.is_empty() => error("inconclusive", "merely suspected"),
                None => TestCaseStatus::success(),
            }
        }
        RuleOutcome::Violated
            if !sure.is_empty() && sure.iter().all(|found| gate.accepts(found)) =>
        {
            let mut status = TestCaseStatus::skipped();
            status.set_message("violated, and accepted by the baseline");
            status
        }
        RuleOutcome::Violated => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status
                .set_message(finding.why.as_str())
                .set_type("violated");
            let reason = finding.reason.as_deref().unwrap_or_default();
            let policy = run.policy.map(|policy| policy.path.display().to_string());
            let place = format!("{}:{}", policy.unwrap_or_default(), finding.line);
            status.set_description(format!("{reason}\n{place}\n\n{}", listing(run, matches)));
            status
        }
        RuleOutcome::Inconclusive => error("inconclusive", &finding.why),
        // Another journey got there.
        RuleOutcome::Unreachable if elsewhere => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("not reached in this journey: {}", finding.why));
            status
        }
        RuleOutcome::Unreachable => error("unreachable", &finding.why),
    }
}

fn of_claim(run: &Judged<'_>, finding: &ClaimFinding, elsewhere: bool) -> TestCaseStatus {
    match finding.verdict {
        ClaimVerdict::Contradicted => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status
                .set_message(finding.why.as_str())
                .set_type("contradicted");
            let matches: Vec<&RuleMatch> = finding.matches.iter().collect();
            let claim = format!("“{}” ({})", finding.says, finding.source);
            status.set_description(format!("{claim}\n\n{}", listing(run, &matches)));
            status
        }
        ClaimVerdict::NotContradicted => TestCaseStatus::success(),
        ClaimVerdict::NotTestable if finding.by_policy => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("not testable: {}", finding.why));
            status
        }
        ClaimVerdict::NotTestable if elsewhere && !finding.doubtful => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("not tested in this journey: {}", finding.why));
            status
        }
        ClaimVerdict::NotTestable => error("not testable here", &finding.why),
    }
}

fn listing(run: &Judged<'_>, matches: &[&RuleMatch]) -> String {
    let mut text = String::new();
    for found in matches {
        let event = found.event.as_deref().unwrap_or("a request");
        let fate = fate(found)
            .map(|fate| format!(" [{fate}]"))
            .unwrap_or_default();
        text += &format!("{}: {event} to {}{fate}\n", page(run, found), whom(found));
        for told in &found.told {
            text += &format!("  {told}\n");
        }
        let names = signals(found);
        if !names.is_empty() {
            text += &format!("  with {}\n", names.join(", "));
        }
        text += &format!("  {} {}\n  {}\n", found.method, found.url, ids(found));
    }
    text
}
