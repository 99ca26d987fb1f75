//! What matches, flow by flow.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::condition::{Met, Told};
use super::file::Policy;
use super::view::{Fact, Request, View};
use crate::model::{Effect, Outcome, PageFrom, RuleMatch, Strength, UrlParts, count};

/// Things told that a match lists; a page tells a few.
const MOST_TOLD: usize = 12;

/// What matches, flow by flow.
#[derive(Default)]
pub struct Matches {
    pub list: Vec<RuleMatch>,
    /// Where each stands, by flow, page and whether it is merely suspected.
    index: HashMap<(String, Option<String>, bool), usize>,
}

impl Matches {
    pub fn add(&mut self, view: &View<'_>, request: &Request<'_>, met: &Met<'_>) {
        let exchange = request.exchange;
        let suspected = !met.facts.is_empty() && met.facts.iter().all(|fact| fact.suspected);
        let flow = request.flow.clone();
        let (told, identity) = told(request, met);
        let page = met.page.map(|(page, _)| page.to_owned());
        let key = (flow.clone(), page.clone(), suspected);
        let known = self.index.get(&key).and_then(|at| self.list.get_mut(*at));
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
        self.index.insert(key, self.list.len());
        self.list.push(RuleMatch {
            flow,
            page,
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
    pub fn sure(&self) -> bool {
        self.list.iter().any(|found| !found.suspected)
    }

    /// `Meta was told of 2 pages, in 12 requests: /report/, /report/sexual-offence/`
    pub fn words(&self) -> String {
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
        let cached = self
            .list
            .iter()
            .filter(|found| found.outcome == Outcome::Completed && found.sent == Some(false));
        let cached: usize = cached.map(|found| found.exchanges.len()).sum();
        let mut requests = count(requests, "request");
        if cached > 0 {
            requests += &format!(" ({cached} answered from the browser's cache)");
        }
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
    // Whom it names, whether or not it told what is looked for.
    let of_event = request.event.iter().flat_map(|event| &event.identity);
    let of_event = of_event.filter(|signal| signal.strength <= Strength::Browser);
    extend(
        &mut signals,
        of_event.map(|signal| format!("{} = {}", signal.signal, signal.value)),
    );
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
            not_allowed.insert(request.flow.as_str());
        }
        let page = request
            .pages
            .first()
            .map(|(page, from)| (page.as_str(), *from));
        let facts = Vec::new();
        matches.add(view, request, &Met { page, facts });
    }
    let flows = matches.list.into_iter().map(|found| Flow {
        allowed: !not_allowed.contains(found.flow.as_str()),
        found,
    });
    flows.collect()
}
