//! What comes of each rule and each claim in one run.

use super::claim::of_claim;
use super::condition::Met;
use super::file::{Policy, Rule};
use super::matches::Matches;
use super::reach::{Reach, nothing_matched};
use super::view::{Fact, Request, View, bare};
use crate::leak::doubt_of_run;
use crate::model::{
    ClaimFinding, ConsentOutcome, Effect, Excepted, JourneyState, RuleFinding, RuleOutcome, count,
};

/// What came of each rule and each claim, in the order of the policy.
pub fn judge(policy: &Policy, view: &View<'_>) -> (Vec<RuleFinding>, Vec<ClaimFinding>) {
    let rules = policy.rules.iter().map(|rule| of_rule(policy, rule, view));
    let claims = policy.claims.iter().map(|claim| of_claim(claim, view));
    (rules.collect(), claims.collect())
}

fn of_rule(policy: &Policy, rule: &Rule, view: &View<'_>) -> RuleFinding {
    let mut matches = Matches::default();
    let mut excepted: Vec<Excepted> = Vec::new();
    for request in &view.requests {
        let met = match rule.effect {
            Effect::Allow if !rule.matcher.covers(view, request) => None,
            _ => rule.matcher.met(view, request),
        };
        let Some(met) = met else { continue };
        match exception(policy, rule, view, request, &met) {
            Some(by) => except(&mut excepted, by, request),
            None => matches.add(view, request, &met),
        }
    }
    let reach = Reach::of(&rule.matcher, view);
    let (outcome, why) = match rule.effect {
        Effect::Deny if matches.sure() => (RuleOutcome::Violated, matches.words()),
        Effect::Deny => nothing_matched(&rule.matcher, view, &matches, &reach),
        Effect::Allow => outcome_of_allow(&matches, &reach),
        Effect::Require if rule.matcher.wants_banner() => outcome_of_banner(rule, view, &reach),
        Effect::Require if matches.sure() => (RuleOutcome::Passed, matches.words()),
        Effect::Require => outcome_of_require(rule, view, &matches, &reach),
    };
    let mut why = why;
    if !excepted.is_empty() && outcome == RuleOutcome::Passed {
        let requests: usize = excepted.iter().map(|one| one.exchanges.len()).sum();
        let mut by: Vec<&str> = excepted.iter().map(|one| one.by.as_str()).collect();
        by.dedup();
        why += &format!(
            "; {} excepted by {}",
            count(requests, "request"),
            by.join(", ")
        );
    }
    RuleFinding {
        id: rule.id.clone(),
        effect: rule.effect,
        severity: rule.severity,
        reason: rule.reason.clone(),
        line: rule.line,
        outcome,
        why,
        reached: reach.pages,
        not_reached: reach.globs,
        matches: matches.list,
        excepted,
    }
}

/// The allow that takes a request out of a deny, if there is one.
fn exception<'p>(
    policy: &'p Policy,
    rule: &Rule,
    view: &View<'_>,
    request: &Request<'_>,
    met: &Met<'_>,
) -> Option<&'p str> {
    if rule.effect != Effect::Deny {
        return None;
    }
    let allows = policy
        .rules
        .iter()
        .filter(|allow| allow.effect == Effect::Allow && allow.except.contains(&rule.id));
    let mut left: Vec<&Fact> = met.facts.clone();
    for allow in allows {
        if allow.matcher.covers(view, request) {
            return Some(&allow.id);
        }
        // Both look at what was told: all that the deny is about must be allowed, by one or by several.
        if rule.matcher.asks_what() && allow.matcher.covers_request(view, request) {
            let allowed = allow.matcher.facts(request);
            left.retain(|fact| !allowed.contains(fact));
            if left.is_empty() {
                return Some(&allow.id);
            }
        }
    }
    None
}

fn except(excepted: &mut Vec<Excepted>, by: &str, request: &Request<'_>) {
    let known = excepted
        .iter_mut()
        .find(|known| known.by == by && known.flow == request.flow);
    match known {
        Some(known) => known.exchanges.push(request.exchange.id.clone()),
        None => excepted.push(Excepted {
            by: by.to_owned(),
            flow: request.flow.clone(),
            exchanges: vec![request.exchange.id.clone()],
        }),
    }
}

fn outcome_of_allow(matches: &Matches, reach: &Reach) -> (RuleOutcome, String) {
    match &reach.nothing {
        Some(why) if matches.list.is_empty() => (RuleOutcome::Unreachable, why.clone()),
        _ => {
            let requests: usize = matches.list.iter().map(|found| found.exchanges.len()).sum();
            (
                RuleOutcome::Passed,
                format!("allows {}", count(requests, "request")),
            )
        }
    }
}

/// Of what nothing meets.
fn outcome_of_require(
    rule: &Rule,
    view: &View<'_>,
    matches: &Matches,
    reach: &Reach,
) -> (RuleOutcome, String) {
    match nothing_matched(&rule.matcher, view, matches, reach) {
        (RuleOutcome::Passed, _) => {
            let pages: Vec<String> = reach
                .pages
                .iter()
                .map(|page| view.short(&page.page).to_owned())
                .collect();
            let why = format!(
                "no request matches `{}`, and reached were: {}",
                rule.asks,
                pages.join(", ")
            );
            (RuleOutcome::Violated, why)
        }
        other => other,
    }
}

fn outcome_of_banner(rule: &Rule, view: &View<'_>, reach: &Reach) -> (RuleOutcome, String) {
    let record = view.traffic.record;
    let looked: Vec<_> = record
        .consent
        .iter()
        .filter(|consent| {
            let mut globs = rule.matcher.pages().peekable();
            globs.peek().is_none() || globs.any(|glob| view.covers(glob, &consent.page))
        })
        .collect();
    let found = looked
        .iter()
        .find(|consent| consent.outcome != ConsentOutcome::NoBanner);
    if let Some(found) = found {
        let banner = found.banner.as_deref().unwrap_or("a banner");
        let page = view.short(&bare(&found.page)).to_owned();
        return (
            RuleOutcome::Passed,
            format!("recognised on {page}: {banner}"),
        );
    }
    if let Some(why) = &reach.nothing {
        return (RuleOutcome::Unreachable, why.clone());
    }
    if looked.is_empty() {
        let why = "nobody looked for a banner there: the journey must answer one (`consent: reject` or `accept`)";
        return (RuleOutcome::Inconclusive, why.to_owned());
    }
    if let Some(doubt) =
        doubt_of_run(record).filter(|_| record.journey.state != JourneyState::Completed)
    {
        return (
            RuleOutcome::Inconclusive,
            format!("none was recognised, but {doubt}"),
        );
    }
    let page = view.short(&bare(&looked[0].page)).to_owned();
    (
        RuleOutcome::Violated,
        format!("no banner was recognised on {page}"),
    )
}
