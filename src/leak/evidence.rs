//! What the verdicts on the pages and on the person rest on: what pages are about, and who it was tied to.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::context::{candidate, tells_page, told, told_by_request, topics_in};
use super::findings::Case;
use super::sightings::{consent, counts, host};
use crate::model::{
    Exchange, IdentityLink, Observation, PageContext, RunRecord, Strength, TopicMatch,
};

/// Observations, each once for each that was told, in the order in which they were first told.
#[derive(Default)]
pub(super) struct Contexts {
    pub list: Vec<PageContext>,
    index: HashMap<(String, String, String, String), usize>,
}

impl Contexts {
    pub fn of_events(&mut self, case: Case<'_>) {
        let exchanges: HashMap<&str, &Exchange> = case
            .exchanges
            .iter()
            .map(|exchange| (exchange.id.as_str(), exchange))
            .collect();
        for event in case.events {
            let Some(exchange) = exchanges.get(event.exchange.as_str()) else {
                continue;
            };
            for observation in told(event) {
                self.observe(
                    case.record,
                    exchange,
                    Some(&event.recipient),
                    observation,
                    false,
                );
            }
        }
    }

    pub fn of_request(&mut self, case: Case<'_>, exchange: &Exchange, body: Option<&[u8]>) {
        for observation in told_by_request(exchange, body) {
            let anyway = !tells_page(&observation, &case.record.scenario.origin);
            self.observe(case.record, exchange, None, observation, anyway);
        }
    }

    /// With topics, what matches one; without, all that is surely of a page.
    fn observe(
        &mut self,
        record: &RunRecord,
        exchange: &Exchange,
        recipient: Option<&str>,
        observation: Observation,
        only_topics: bool,
    ) {
        let topics = topics_in(&observation.text, &record.scenario.topics);
        let topics: Vec<Option<TopicMatch>> = if record.scenario.topics.is_empty() && !only_topics {
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
                if known.exchanges.last() != Some(&exchange.id) {
                    known.exchanges.push(exchange.id.clone());
                }
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

/// Signals that tie what was told to a person or a browser, the strongest first; and the number of events that had some
/// and told nothing that is looked for. `told` has the exchanges that did.
pub(super) fn identities(case: Case<'_>, told: &HashSet<&str>) -> (Vec<IdentityLink>, usize) {
    let mut others = 0;
    let exchanges: HashMap<&str, &Exchange> = case
        .exchanges
        .iter()
        .map(|exchange| (exchange.id.as_str(), exchange))
        .collect();
    let mut links: BTreeMap<(Strength, &str, &str, &str), IdentityLink> = BTreeMap::new();
    for event in case.events {
        let Some(exchange) = exchanges.get(event.exchange.as_str()) else {
            continue;
        };
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
    (links, others)
}
