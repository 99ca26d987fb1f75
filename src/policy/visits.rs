//! Where the visitor was, in which step, and how the banner had been answered by then: the proof that a rule had something
//! to look at.

use std::collections::{BTreeMap, BTreeSet};

use super::view::View;
use crate::leak::consent_at;
use crate::model::{Exchange, Moment, Outcome, Reached, StepState};

/// Where the visitor was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// Without query and fragment.
    pub page: String,
    /// Nothing where there are no steps.
    pub step: Option<u32>,
    /// `accept`, `reject`, `unanswered`, `unknown`.
    pub consent: String,
}

/// Each page once, with its steps and states, of the visits that count.
pub fn reached(visits: &[Visit], counts: impl Fn(&Visit) -> bool) -> Vec<Reached> {
    let mut pages: Vec<Reached> = Vec::new();
    for visit in visits.iter().filter(|visit| counts(visit)) {
        let known = pages.iter().position(|reached| reached.page == visit.page);
        let at = known.unwrap_or_else(|| {
            pages.push(Reached {
                page: visit.page.clone(),
                steps: Vec::new(),
                consent: Vec::new(),
            });
            pages.len() - 1
        });
        let reached = &mut pages[at];
        reached.steps.extend(visit.step);
        reached.steps.sort_unstable();
        reached.steps.dedup();
        if !reached.consent.contains(&visit.consent) {
            reached.consent.push(visit.consent.clone());
            reached.consent.sort_unstable();
        }
    }
    pages
}

/// A page that was opened.
#[derive(Debug)]
pub struct Opened {
    /// Nothing for one that is not the site's.
    pub page: Option<String>,
    pub time: Option<Moment>,
    pub step: Option<u32>,
    /// Of the exchange, in their order; nothing where a step came to it.
    pub place: Option<usize>,
}

impl Opened {
    pub fn is_before(&self, exchange: &Exchange, place: usize) -> bool {
        match (self.place, self.time, exchange.time) {
            (Some(own), ..) => own < place,
            (None, Some(own), Some(other)) => own <= other,
            _ => false,
        }
    }
}

/// Whether it is the page itself: no frame's document, and nothing that is fetched ahead.
fn is_main_document(exchange: &Exchange) -> bool {
    let ahead = |name| {
        exchange
            .request_header(name)
            .is_some_and(|purpose| purpose.contains("prefetch") || purpose.contains("prerender"))
    };
    exchange.resource_type == "document"
        && !is_in_frame(exchange)
        && !is_workers(exchange)
        && !ahead("sec-purpose")
        && !ahead("purpose")
        && exchange
            .request_header("sec-fetch-dest")
            .is_none_or(|destination| destination == "document")
}

/// Whether it is of a frame in a page: CDP gives the main frame the target's id.
pub fn is_in_frame(exchange: &Exchange) -> bool {
    let (frame, target) = (exchange.frame.as_ref(), exchange.target.as_ref());
    frame
        .zip(target)
        .is_some_and(|(frame, target)| frame != target)
}

/// Whether a worker made it.
pub fn is_workers(exchange: &Exchange) -> bool {
    let kind = exchange.target_type.as_deref();
    kind.is_some_and(|kind| kind.contains("worker"))
}

impl View<'_> {
    /// When which page of the site was opened or come to; nothing where the visitor was on somebody else's.
    pub(super) fn open_pages(&self) -> Vec<Opened> {
        let record = self.traffic.record;
        let mut refused: BTreeMap<String, bool> = BTreeMap::new();
        let mut opened = Vec::new();
        for (place, exchange) in self.traffic.exchanges.iter().enumerate() {
            if !is_main_document(exchange) {
                continue;
            }
            let answered = exchange
                .status
                .is_some_and(|status| matches!(status, 200..300 | 304));
            let answered = answered && exchange.outcome != Outcome::Contained;
            let page = self.own_page(&exchange.url);
            if let Some(page) = &page {
                *refused.entry(page.clone()).or_insert(true) &= !answered;
            }
            if answered {
                opened.push(Opened {
                    page,
                    time: exchange.time,
                    step: exchange.step,
                    place: Some(place),
                });
            }
        }
        for step in &record.journey.steps {
            if let Some(page) = step.page.as_deref()
                && step.state == StepState::Done
            {
                opened.push(Opened {
                    page: self.own_page(page),
                    time: step.ended,
                    step: Some(step.number),
                    place: None,
                });
            }
        }
        let is_refused = |page: &String| refused.get(page).copied().unwrap_or(false);
        opened.retain(|opened| !opened.page.as_ref().is_some_and(is_refused));
        opened
    }

    /// Where the visitor was, in which step, and how the banner had been answered by then. In a run that is where a step
    /// ended, or began: what was merely fetched ahead, or shown in a frame, was not looked at.
    pub(super) fn visits(&self, opened: &[Opened]) -> Vec<Visit> {
        let record = self.traffic.record;
        let steps = &record.journey.steps;
        let come_to: BTreeSet<&str> = opened
            .iter()
            .filter(|opened| opened.place.is_none())
            .filter_map(|opened| opened.page.as_deref())
            .collect();
        let mut visits = Vec::new();
        let mut visit = |page: &str, step: Option<u32>, time: Option<Moment>| {
            let visit = Visit {
                page: page.to_owned(),
                step,
                consent: consent_at(record, time),
            };
            if !visits.contains(&visit) {
                visits.push(visit);
            }
        };
        for opened in opened {
            if let Some(page) = &opened.page
                && (steps.is_empty() || come_to.contains(page.as_str()))
            {
                visit(page, opened.step, opened.time);
            }
        }
        // A step that stays on its page is done on that of the step before; and a banner may be answered there.
        let mut before: Option<String> = None;
        for step in steps
            .iter()
            .take_while(|step| step.state == StepState::Done)
        {
            if let Some(page) = before.as_deref().filter(|page| come_to.contains(page)) {
                visit(page, Some(step.number), step.started);
            }
            let after = step.page.as_deref().and_then(|page| self.own_page(page));
            before = after.or(before);
        }
        visits
    }
}
