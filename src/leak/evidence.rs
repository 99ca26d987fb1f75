//! What the verdicts on the pages and on the person rest on: what pages are about, and who it was tied to.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::context::{candidate, is_page, told, told_by_request, topics_in};
use super::findings::{Case, Tracker, goes_to_others};
use super::sightings::{consent, counts, host};
use super::{Reader, Sent};
use crate::model::{
    Exchange, IdentityLink, Observation, PageContext, RunRecord, Strength, TopicMatch,
};

/// Observations that are listed: more than any journey has pages.
const MOST_CONTEXTS: usize = 2000;

/// Observations, each once for each that was told, in the order in which they were first told.
#[derive(Default)]
pub(super) struct Contexts {
    pub list: Vec<PageContext>,
    index: HashMap<(String, String, String, String), usize>,
}

impl Contexts {
    /// `trackers` has the exchanges that a decoder reads.
    pub fn of_events(&mut self, case: Case<'_>, trackers: &HashMap<&str, Tracker>) {
        let exchanges: HashMap<&str, &Exchange> = case
            .exchanges
            .iter()
            .map(|exchange| (exchange.id.as_str(), exchange))
            .collect();
        for event in case.events {
            let Some(exchange) = exchanges.get(event.exchange.as_str()) else {
                continue;
            };
            if !goes_to_others(exchange, trackers) {
                continue;
            }
            for observation in told(event) {
                self.observe(case.record, exchange, Some(&event.recipient), observation);
            }
        }
    }

    pub fn of_request(&mut self, case: Case<'_>, reader: &mut Reader<'_>, sent: Sent<'_>) {
        for observation in told_by_request(reader.values(sent)) {
            self.observe(case.record, sent.exchange, None, observation);
        }
    }

    /// With topics, what matches one; without, all that is surely of a page.
    fn observe(
        &mut self,
        record: &RunRecord,
        exchange: &Exchange,
        recipient: Option<&str>,
        observation: Observation,
    ) {
        let topics = topics_in(&observation.text, &record.scenario.topics);
        let topics: Vec<Option<TopicMatch>> = if record.scenario.topics.is_empty()
            && is_page(&observation, &record.scenario.origin)
        {
            vec![None]
        } else {
            topics.into_iter().map(Some).collect()
        };
        for topic in topics {
            let host = host(exchange);
            let key = (
                host.clone(),
                observation.place.clone(),
                observation.text.clone(),
                topic
                    .as_ref()
                    .map(|topic| topic.topic.clone())
                    .unwrap_or_default(),
            );
            if let Some(&known) = self.index.get(&key) {
                let known = &mut self.list[known];
                // One that left says more than one that did not.
                if !counts(known.sent, known.outcome) && counts(exchange.sent, exchange.outcome) {
                    known.url.clone_from(&exchange.url);
                    known.step = exchange.step;
                    known.sent = exchange.sent;
                    known.outcome = exchange.outcome;
                    known.consent = consent(record, exchange.time);
                    known.exchanges.insert(0, exchange.id.clone());
                } else if known.exchanges.last() != Some(&exchange.id) {
                    known.exchanges.push(exchange.id.clone());
                }
                continue;
            }
            if self.list.len() >= MOST_CONTEXTS {
                continue;
            }
            self.index.insert(key, self.list.len());
            self.list.push(PageContext {
                id: format!("p{:04}", self.list.len() + 1),
                candidate: topic.as_ref().and_then(candidate),
                observation: observation.clone(),
                topic,
                recipient: recipient
                    .map(str::to_owned)
                    .or_else(|| exchange.recipient.clone()),
                host,
                exchanges: vec![exchange.id.clone()],
                url: exchange.url.clone(),
                step: exchange.step,
                sent: exchange.sent,
                outcome: exchange.outcome,
                consent: consent(record, exchange.time),
            });
        }
    }
}

/// What ties what was told to a person or a browser.
pub(super) struct Linked {
    /// The strongest first.
    pub links: Vec<IdentityLink>,
    /// Events that had signals, and told nothing that is looked for.
    pub others: usize,
    /// Requests that told it, and that no decoder reads.
    pub undecoded: usize,
}

/// `told` has the exchanges that told something that is looked for.
pub(super) fn identities(case: Case<'_>, told: &HashSet<&str>) -> Linked {
    let mut others = 0;
    let mut undecoded = told.clone();
    let exchanges: HashMap<&str, &Exchange> = case
        .exchanges
        .iter()
        .map(|exchange| (exchange.id.as_str(), exchange))
        .collect();
    undecoded.retain(|id| {
        let exchange = exchanges.get(id);
        exchange.is_some_and(|exchange| counts(exchange.sent, exchange.outcome))
    });
    let mut links: BTreeMap<(Strength, &str, &str, &str), IdentityLink> = BTreeMap::new();
    for event in case.events {
        let Some(exchange) = exchanges.get(event.exchange.as_str()) else {
            continue;
        };
        undecoded.remove(exchange.id.as_str());
        let strong = || {
            event
                .identity
                .iter()
                .filter(|identity| identity.strength <= Strength::Browser)
        };
        if !counts(exchange.sent, exchange.outcome) {
            continue;
        }
        if !told.contains(exchange.id.as_str()) {
            others += usize::from(strong().next().is_some());
            continue;
        }
        for identity in strong() {
            let key = (
                identity.strength,
                identity.signal.as_str(),
                identity.value.as_str(),
                &*event.recipient,
            );
            let link = links.entry(key).or_insert_with(|| IdentityLink {
                id: String::new(),
                signal: identity.signal.clone(),
                value: identity.value.clone(),
                strength: identity.strength,
                planted: case
                    .record
                    .canaries
                    .iter()
                    .any(|canary| canary.value == identity.value),
                recipient: event.recipient.to_string(),
                events: Vec::new(),
                exchanges: Vec::new(),
                url: exchange.url.clone(),
                sent: exchange.sent,
                consent: consent(case.record, exchange.time),
            });
            link.events.push(event.id.clone());
            if link.exchanges.last() != Some(&exchange.id) {
                link.exchanges.push(exchange.id.clone());
            }
        }
    }
    let mut links: Vec<IdentityLink> = links.into_values().collect();
    for (number, link) in (1..).zip(&mut links) {
        link.id = format!("i{number:04}");
    }
    Linked {
        links,
        others,
        undecoded: undecoded.len(),
    }
}
