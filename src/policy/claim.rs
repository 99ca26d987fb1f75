//! What comes of a claim: it is about what was told, so only what left contradicts it.

use super::condition::Matcher;
use super::file::{Claim, ClaimTest};
use super::matches::Matches;
use super::reach::{Reach, nothing_matched};
use super::view::{Request, View};
use crate::model::{ClaimFinding, ClaimVerdict, Outcome, RuleOutcome};

pub fn of_claim(claim: &Claim, view: &View<'_>) -> ClaimFinding {
    let mut finding = ClaimFinding {
        id: claim.id.clone(),
        says: claim.says.clone(),
        source: claim.source.clone(),
        line: claim.line,
        verdict: ClaimVerdict::NotTestable,
        why: String::new(),
        by_policy: false,
        doubtful: false,
        reached: Vec::new(),
        not_reached: Vec::new(),
        matches: Vec::new(),
    };
    let matcher = match &claim.test {
        ClaimTest::Deny { matcher, .. } => matcher,
        ClaimTest::NotTestable(why) => {
            finding.why.clone_from(why);
            finding.by_policy = true;
            return finding;
        }
    };
    let mut told = Matches::default();
    let mut perhaps = Matches::default();
    for request in &view.requests {
        if let Some(met) = matcher.met(view, request) {
            match left(request) {
                Some(true) => told.add(view, request, &met),
                Some(false) => {}
                None => perhaps.add(view, request, &met),
            }
        }
    }
    let reach = Reach::of(matcher, view);
    let (verdict, why) = if told.sure() {
        (ClaimVerdict::Contradicted, told.words())
    } else if !perhaps.list.is_empty() {
        let why = format!("it is unknown whether this left: {}", perhaps.words());
        finding.doubtful = true;
        (ClaimVerdict::NotTestable, why)
    } else {
        match nothing_matched(matcher, view, &told, &reach) {
            (RuleOutcome::Passed, why) => {
                let searched = searched(matcher, view);
                (ClaimVerdict::NotContradicted, why + &searched)
            }
            (outcome, why) => {
                finding.doubtful = outcome == RuleOutcome::Inconclusive;
                (ClaimVerdict::NotTestable, why)
            }
        }
    };
    if !told.sure() && told.list.is_empty() {
        told = perhaps;
    }
    ClaimFinding {
        verdict,
        why,
        reached: reach.pages,
        not_reached: reach.globs,
        matches: told.list,
        ..finding
    }
}

/// What was searched, where a claim is about what was told.
fn searched(matcher: &Matcher, view: &View<'_>) -> String {
    let verdicts = &view.traffic.findings.verdicts;
    let mut text = String::new();
    for told in matcher.verdicts() {
        text += &format!("; {}: {}", told.as_str(), told.of(verdicts).why);
    }
    text
}

/// Whether it left, or would have but for us; nothing where that is not known.
fn left(request: &Request<'_>) -> Option<bool> {
    let exchange = request.exchange;
    match (exchange.outcome, exchange.sent) {
        (Outcome::Contained, _) | (_, Some(true)) => Some(true),
        (Outcome::Blocked, _) | (_, Some(false)) => Some(false),
        (Outcome::Completed, None) => Some(true),
        (Outcome::Failed | Outcome::Pending, None) => None,
    }
}
