//! What comes of each rule and each claim in one run.

use std::collections::BTreeSet;

use serde_json::Value;

use super::condition::{Condition, Matcher, Met, Told};
use super::file::{Claim, ClaimTest, Policy, Rule};
use super::flow::flow;
use super::view::{Fact, Request, View};
use crate::leak::{doubt_of_run, limit_of_search};
use crate::model::{
    ClaimFinding, ClaimVerdict, ConsentOutcome, Effect, Excepted, Outcome, PageFrom, Reached,
    RuleFinding, RuleMatch, RuleOutcome, StepState, UrlParts, VerdictOutcome, count,
};

/// Things told that a match lists; a page tells a few.
const MOST_TOLD: usize = 12;

/// What came of each rule and each claim, in the order of the policy.
pub fn judge(policy: &Policy, view: &View<'_>) -> (Vec<RuleFinding>, Vec<ClaimFinding>) {
    let rules = policy.rules.iter().map(|rule| of_rule(policy, rule, view));
    let claims = policy.claims.iter().map(|claim| of_claim(claim, view));
    (rules.collect(), claims.collect())
}

/// A flow of a run, as a baseline lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    pub found: RuleMatch,
    /// Every request of it is allowed by a rule, so it needs no line.
    pub allowed: bool,
}

/// Every flow of a run, in the order in which they were first seen.
pub fn flows(policy: Option<&Policy>, view: &View<'_>) -> Vec<Flow> {
    let mut matches = Matches::default();
    let mut not_allowed = BTreeSet::new();
    for request in &view.requests {
        let allows = policy.into_iter().flat_map(|policy| &policy.rules);
        let mut allows = allows.filter(|rule| rule.effect == Effect::Allow);
        if !allows.any(|allow| allow.matcher.covers(view, request)) {
            not_allowed.insert(flow(view, request));
        }
        let page = request
            .pages
            .first()
            .map(|(page, from)| (page.as_str(), *from));
        let facts = Vec::new();
        matches.add(view, request, &Met { page, facts });
    }
    let flows = matches.list.into_iter().map(|found| Flow {
        allowed: !not_allowed.contains(&found.flow),
        found,
    });
    flows.collect()
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
            Some(by) => except(&mut excepted, by, flow(view, request), request),
            None => matches.add(view, request, &met),
        }
    }
    let reach = Reach::of(&rule.matcher, view);
    let (outcome, why) = match rule.effect {
        Effect::Deny => outcome_of_deny(rule, view, &matches, &reach),
        Effect::Allow => outcome_of_allow(&matches, &reach),
        Effect::Require if rule.matcher.wants_banner() => outcome_of_banner(rule, view, &reach),
        Effect::Require => outcome_of_require(rule, view, &matches, &reach),
    };
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
    let allows = policy.rules.iter().filter(|allow| {
        allow.effect == Effect::Allow
            && allow.except.contains(&rule.id)
            && allow.matcher.covers(view, request)
    });
    let mut left: Vec<&Fact> = met.facts.clone();
    for allow in allows {
        if !allow.matcher.asks_what() || !rule.matcher.asks_what() {
            return Some(&allow.id);
        }
        // Both look at what was told: all that the deny is about must be allowed.
        let allowed = allow.matcher.facts(request);
        left.retain(|fact| !allowed.iter().any(|allowed| allowed.is_same(fact)));
        if left.is_empty() {
            return Some(&allow.id);
        }
    }
    None
}

impl Fact {
    /// Whether it is the same value at the same place, as evidence of whatever.
    fn is_same(&self, other: &Fact) -> bool {
        let bare = |name: &str| {
            name.split_once(':')
                .map_or(name.to_owned(), |(_, b)| b.to_owned())
        };
        self == other || (self.name == other.name || bare(&self.name) == bare(&other.name))
    }
}

fn except(excepted: &mut Vec<Excepted>, by: &str, flow: String, request: &Request<'_>) {
    let known = excepted
        .iter_mut()
        .find(|known| known.by == by && known.flow == flow);
    match known {
        Some(known) => known.exchanges.push(request.exchange.id.clone()),
        None => excepted.push(Excepted {
            by: by.to_owned(),
            flow,
            exchanges: vec![request.exchange.id.clone()],
        }),
    }
}

/// What a rule looks at, and the run reached.
struct Reach {
    pages: Vec<Reached>,
    /// Globs that match none of them.
    globs: Vec<String>,
    /// Why there is nothing to look at.
    nothing: Option<String>,
}

impl Reach {
    fn of(matcher: &Matcher, view: &View<'_>) -> Reach {
        let globs: Vec<_> = matcher.pages().collect();
        let all = || view.reached.iter();
        let on_page = |reached: &&Reached| {
            globs.is_empty() || globs.iter().any(|glob| view.covers(glob, &reached.page))
        };
        let missing = globs
            .iter()
            .filter(|glob| !all().any(|reached| view.covers(glob, &reached.page)))
            .map(|glob| glob.as_str().to_owned())
            .collect();
        let mut pages: Vec<Reached> = all().filter(on_page).cloned().collect();
        let mut nothing = None;
        if pages.is_empty() {
            nothing = Some(match globs.first() {
                Some(_) => no_page(matcher, view),
                None => "no page of the site was reached".to_owned(),
            });
        }
        let states = wanted(matcher, |condition| match condition {
            Condition::Consent(state) => Some(state.clone()),
            _ => None,
        });
        if let Some(states) = &states {
            pages.retain(|page| page.consent.iter().any(|state| states.contains(state)));
            if pages.is_empty() && nothing.is_none() {
                nothing = Some(format!(
                    "the banner was not in the state `{}` on any such page",
                    states.join("` or `")
                ));
            }
        }
        let steps = wanted(matcher, |condition| match condition {
            Condition::Step(first, last) => Some((*first, *last)),
            _ => None,
        });
        if let Some(ranges) = steps {
            let wants = |step: &u32| {
                ranges
                    .iter()
                    .any(|(first, last)| (first..=last).contains(&step))
            };
            let done = view.traffic.record.journey.steps.iter();
            let mut done = done.filter(|step| step.state == StepState::Done && wants(&step.number));
            if done.next().is_none() {
                nothing = nothing.or(Some(no_step(view)));
                pages.clear();
            }
            if nothing.is_none() {
                pages.retain(|page| page.steps.iter().any(wants));
                if pages.is_empty() {
                    nothing = Some("the step was not done on any such page".to_owned());
                }
            }
        }
        Reach {
            pages,
            globs: missing,
            nothing,
        }
    }
}

/// What a key asks for; nothing where it is not given.
fn wanted<T>(matcher: &Matcher, which: impl Fn(&Condition) -> Option<T>) -> Option<Vec<T>> {
    let wanted: Vec<T> = matcher.conditions().filter_map(which).collect();
    (!wanted.is_empty()).then_some(wanted)
}

fn no_page(matcher: &Matcher, view: &View<'_>) -> String {
    let globs: Vec<&str> = matcher.pages().map(|glob| glob.as_str()).collect();
    let refused: BTreeSet<String> = view
        .traffic
        .exchanges
        .iter()
        .filter(|exchange| exchange.resource_type == "document")
        .filter_map(|exchange| Some((super::view::bare(&exchange.url), exchange.status?)))
        .filter(|(page, status)| {
            *status >= 400 && matcher.pages().any(|glob| view.covers(glob, page))
        })
        .map(|(page, status)| format!("{page} answered with status {status}"))
        .collect();
    let why = match refused.first() {
        Some(refused) => format!(": {refused}"),
        None => String::new(),
    };
    format!(
        "no page that was reached matches `{}`{why}",
        globs.join("` or `")
    )
}

fn no_step(view: &View<'_>) -> String {
    match view.traffic.record.journey.steps.len() {
        0 => "there are no steps in a file".to_owned(),
        steps => format!(
            "the step was not done; the scenario has {}",
            count(steps, "step")
        ),
    }
}

/// Why nothing found does not mean that there was nothing.
fn doubt(matcher: &Matcher, view: &View<'_>) -> Option<String> {
    if let Some(doubt) = doubt_of_run(view.traffic.record) {
        return Some(doubt);
    }
    let verdicts = &view.traffic.findings.verdicts;
    matcher.verdicts().find_map(|told| {
        let verdict = match told {
            Told::TypedValue => &verdicts.typed_value,
            Told::PageContext => &verdicts.page_context,
            Told::IdentityLink => &verdicts.identity_link,
        };
        let limit = limit_of_search(&view.traffic.findings.searched);
        match verdict.outcome {
            VerdictOutcome::Inconclusive => Some(format!(
                "{} is inconclusive: {}",
                told.as_str(),
                verdict.why
            )),
            _ => limit,
        }
    })
}

/// A verdict that was never tested is nothing to look at.
fn untested(matcher: &Matcher, view: &View<'_>) -> Option<String> {
    let verdicts = &view.traffic.findings.verdicts;
    let typed = || matcher.verdicts().any(|told| told == Told::TypedValue);
    let field = || {
        matcher
            .conditions()
            .any(|condition| matches!(condition, Condition::Field(_)))
    };
    if verdicts.typed_value.outcome == VerdictOutcome::NotTested && (typed() || field()) {
        return Some("the journey typed nothing that could be recognised".to_owned());
    }
    let fields = wanted(matcher, |condition| match condition {
        Condition::Field(name) => Some(name.clone()),
        _ => None,
    })?;
    let canaries = view.traffic.record.canaries.iter();
    let typed = canaries.filter(|canary| {
        !canary.typed_in.is_empty() || view.traffic.record.journey.steps.is_empty()
    });
    let known: Vec<&str> = typed
        .flat_map(|canary| {
            canary
                .typed_into
                .iter()
                .map(String::as_str)
                .chain([canary.name.as_str()])
        })
        .collect();
    let any = known
        .iter()
        .any(|known| fields.iter().any(|field| field.matches(known)));
    (!any).then(|| {
        let asked: Vec<&str> = fields.iter().map(|field| field.as_str()).collect();
        format!(
            "nothing was typed into `{}`; there are: {}",
            asked.join("` or `"),
            known.join(", ")
        )
    })
}

fn outcome_of_deny(
    rule: &Rule,
    view: &View<'_>,
    matches: &Matches,
    reach: &Reach,
) -> (RuleOutcome, String) {
    if matches.sure() {
        return (RuleOutcome::Violated, matches.words());
    }
    nothing_matched(&rule.matcher, view, matches, reach)
}

/// What it means that nothing matched, where nothing should.
fn nothing_matched(
    matcher: &Matcher,
    view: &View<'_>,
    matches: &Matches,
    reach: &Reach,
) -> (RuleOutcome, String) {
    if !matches.list.is_empty() {
        let why = format!("merely suspected: {}", matches.words());
        return (RuleOutcome::Inconclusive, why);
    }
    if let Some(why) = reach.nothing.clone().or_else(|| untested(matcher, view)) {
        let doubt = doubt_of_run(view.traffic.record);
        let doubt = doubt.map(|doubt| format!(" ({doubt})")).unwrap_or_default();
        return (RuleOutcome::Unreachable, why + &doubt);
    }
    if let Some(doubt) = doubt(matcher, view) {
        return (
            RuleOutcome::Inconclusive,
            format!("nothing matches, but {doubt}"),
        );
    }
    (RuleOutcome::Passed, proof(view, reach))
}

/// `nothing matches in 12 requests to others; looked at on 3 pages: /report/, …`
fn proof(view: &View<'_>, reach: &Reach) -> String {
    let mut pages: Vec<String> = reach
        .pages
        .iter()
        .map(|page| short(view, &page.page))
        .collect();
    let all = pages.len();
    pages.truncate(5);
    if all > 5 {
        pages.push(format!("and {} more", all - 5));
    }
    let mut text = format!(
        "nothing matches in {} to others; reached: {}",
        count(view.requests.len(), "request"),
        pages.join(", ")
    );
    if !reach.globs.is_empty() {
        text += &format!("; not reached: {}", reach.globs.join(", "));
    }
    text
}

fn short(view: &View<'_>, page: &str) -> String {
    let path = page.strip_prefix(view.traffic.record.scenario.origin.as_str());
    path.filter(|path| path.starts_with('/'))
        .unwrap_or(page)
        .to_owned()
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

fn outcome_of_require(
    rule: &Rule,
    view: &View<'_>,
    matches: &Matches,
    reach: &Reach,
) -> (RuleOutcome, String) {
    if matches.sure() {
        return (RuleOutcome::Passed, matches.words());
    }
    match nothing_matched(&rule.matcher, view, matches, reach) {
        (RuleOutcome::Passed, _) => {
            let pages: Vec<String> = reach
                .pages
                .iter()
                .map(|page| short(view, &page.page))
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
        let page = short(view, &super::view::bare(&found.page));
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
    if let Some(doubt) = doubt_of_run(record)
        .filter(|_| record.journey.state != crate::model::JourneyState::Completed)
    {
        return (
            RuleOutcome::Inconclusive,
            format!("none was recognised, but {doubt}"),
        );
    }
    let page = short(view, &super::view::bare(&looked[0].page));
    (
        RuleOutcome::Violated,
        format!("no banner was recognised on {page}"),
    )
}

fn of_claim(claim: &Claim, view: &View<'_>) -> ClaimFinding {
    let mut finding = ClaimFinding {
        id: claim.id.clone(),
        says: claim.says.clone(),
        source: claim.source.clone(),
        line: claim.line,
        verdict: ClaimVerdict::NotTestable,
        why: String::new(),
        by_policy: false,
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
        (ClaimVerdict::NotTestable, why)
    } else {
        match nothing_matched(matcher, view, &told, &reach) {
            (RuleOutcome::Passed, why) => {
                let searched = searched(matcher, view);
                (ClaimVerdict::NotContradicted, why + &searched)
            }
            (_, why) => (ClaimVerdict::NotTestable, why),
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

/// What was searched, where a claim is about what was told; and what no browser sees.
fn searched(matcher: &Matcher, view: &View<'_>) -> String {
    let verdicts = &view.traffic.findings.verdicts;
    let of = |told| match told {
        Told::TypedValue => &verdicts.typed_value.why,
        Told::PageContext => &verdicts.page_context.why,
        Told::IdentityLink => &verdicts.identity_link.why,
    };
    let mut text = String::new();
    for told in matcher.verdicts() {
        text += &format!("; {}: {}", told.as_str(), of(told));
    }
    text + "; what a server tells by itself is invisible here"
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

/// What matches, flow by flow.
#[derive(Default)]
struct Matches {
    list: Vec<RuleMatch>,
}

impl Matches {
    fn add(&mut self, view: &View<'_>, request: &Request<'_>, met: &Met<'_>) {
        let exchange = request.exchange;
        let suspected = !met.facts.is_empty() && met.facts.iter().all(|fact| fact.suspected);
        let flow = flow(view, request);
        let (told, identity) = told(request, met);
        let known = self
            .list
            .iter_mut()
            .find(|known| known.flow == flow && known.suspected == suspected);
        if let Some(known) = known {
            if known.exchanges.last() != Some(&exchange.id) {
                known.exchanges.push(exchange.id.clone());
            }
            known
                .events
                .extend(request.event.map(|event| event.id.clone()));
            extend(&mut known.told, told);
            extend(&mut known.identity, identity);
            return;
        }
        let steps = &view.traffic.record.journey.steps;
        let step = exchange
            .step
            .and_then(|number| steps.iter().find(|step| step.number == number));
        self.list.push(RuleMatch {
            flow,
            page: met.page.map(|(page, _)| page.to_owned()),
            page_from: met.page.map(|(_, from)| from),
            recipient: request.recipient().map(str::to_owned),
            host: request.host().to_owned(),
            event: request.event.and_then(|event| event.event_name.clone()),
            told,
            identity,
            method: exchange.method.clone(),
            url: exchange.url.clone(),
            step: exchange.step,
            step_line: step.map(|step| step.line),
            consent: request.consent.clone(),
            sent: exchange.sent,
            outcome: exchange.outcome,
            exchanges: vec![exchange.id.clone()],
            events: request
                .event
                .map(|event| event.id.clone())
                .into_iter()
                .collect(),
            suspected,
        });
    }

    /// Whether something is more than suspected.
    fn sure(&self) -> bool {
        self.list.iter().any(|found| !found.suspected)
    }

    /// `Meta was told of 2 pages, in 12 requests: /report/, /report/sexual-offence/`
    fn words(&self) -> String {
        let mut pages: Vec<&str> = Vec::new();
        let mut recipients: Vec<&str> = Vec::new();
        for found in &self.list {
            let page = found.page.as_deref().and_then(UrlParts::of);
            if let Some(page) = page
                .map(|page| page.path)
                .filter(|page| !pages.contains(page))
            {
                pages.push(page);
            }
            let recipient = found.recipient.as_deref().unwrap_or(&found.host);
            if !recipients.contains(&recipient) {
                recipients.push(recipient);
            }
        }
        let requests: usize = self.list.iter().map(|found| found.exchanges.len()).sum();
        let requests = count(requests, "request");
        let to = recipients.join(", ");
        match &pages[..] {
            [] => format!("{requests} to {to}"),
            pages => format!("{requests} to {to}, on {}", pages.join(", ")),
        }
    }
}

/// What was told: what the rule asks for, else all that was found in the request, else its event. Then what ties it to a
/// person or a browser.
fn told(request: &Request<'_>, met: &Met<'_>) -> (Vec<String>, Vec<String>) {
    let is_identity = |fact: &&&Fact| fact.told == Some(Told::IdentityLink);
    let found: Vec<&Fact> = request
        .facts
        .iter()
        .filter(|fact| fact.told.is_some())
        .collect();
    let identity = found
        .iter()
        .filter(is_identity)
        .map(|fact| fact.words.clone());
    let mut told = Vec::new();
    let asked = met.facts.iter();
    let others = found
        .iter()
        .filter(|fact| !is_identity(fact) && met.facts.is_empty());
    extend(
        &mut told,
        asked.chain(others).map(|fact| fact.words.clone()),
    );
    if let Some(event) = request.event.filter(|_| met.facts.is_empty()) {
        if told.is_empty() {
            let page = event.page_url.iter();
            told.extend(page.map(|page| format!("page address = {page}")));
        }
        let user_data = event.user_data.iter();
        let user_data =
            user_data.map(|datum| (format!("{}[{}]", datum.source, datum.key), &datum.value));
        let custom_data = event
            .custom_data
            .iter()
            .filter_map(|(key, value)| match value {
                Value::String(text) => Some((format!("cd[{key}]"), text)),
                _ => None,
            });
        // What is in what was found already is not said again.
        let known = told.clone();
        let new = user_data.chain(custom_data).filter(|(name, value)| {
            !value.is_empty() && !known.iter().any(|words| words.contains(name.as_str()))
        });
        extend(
            &mut told,
            new.map(|(name, value)| format!("{name} = {value}")),
        );
    }
    if let Some((page, PageFrom::Referrer)) = met.page {
        extend(&mut told, [format!("referrer = {page}")]);
    }
    let mut signals = Vec::new();
    extend(&mut signals, identity);
    (told, signals)
}

/// Each once, and not too many.
fn extend(list: &mut Vec<String>, words: impl IntoIterator<Item = String>) {
    for words in words {
        if list.len() < MOST_TOLD && !list.contains(&words) {
            list.push(words);
        }
    }
}
