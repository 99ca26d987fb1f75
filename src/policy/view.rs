//! A run as rules look at it: the requests to others, with the pages that each belongs to and what it told; and the pages
//! that were reached, which are the proof that a rule had something to look at.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::condition::Told;
use super::glob::PageGlob;
use crate::leak::{Case, consent_at, goes_to_others, trackers};
use crate::model::{
    Certainty, Exchange, Findings, Moment, Origin, Outcome, PageFrom, Party, Reached, RunRecord,
    StepState, TrackerEvent, UrlParts, registrable_domain, without_fragment,
};

/// A run, or a file, with what was found in it.
#[derive(Debug, Clone, Copy)]
pub struct Traffic<'a> {
    pub record: &'a RunRecord,
    pub exchanges: &'a [Exchange],
    pub events: &'a [TrackerEvent],
    pub findings: &'a Findings,
}

/// A request to somebody else, once for each event in it.
#[derive(Debug)]
pub struct Request<'a> {
    pub exchange: &'a Exchange,
    pub event: Option<&'a TrackerEvent>,
    /// Without query and fragment: what the request is said to belong to comes first.
    pub pages: Vec<(String, PageFrom)>,
    pub facts: Vec<Fact>,
    pub consent: String,
}

/// One thing that a request told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Where it stood: `form:udff[em]`, `cd[buttonText]`, `cookie:c_user`.
    pub name: String,
    /// In words.
    pub words: String,
    /// The verdict that it is evidence of.
    pub told: Option<Told>,
    /// Fields that it was typed into, and the canary's name.
    pub fields: Vec<String>,
    /// It may be chance.
    pub suspected: bool,
}

/// See the module.
#[derive(Debug)]
pub struct View<'a> {
    pub traffic: Traffic<'a>,
    pub requests: Vec<Request<'a>>,
    pub reached: Vec<Reached>,
    /// Registrable domain of the site.
    site: String,
}

impl Request<'_> {
    /// The company that was told, where it is known.
    pub fn recipient(&self) -> Option<&str> {
        let event = self.event.map(|event| &*event.recipient);
        event
            .filter(|recipient| !recipient.is_empty())
            .or(self.exchange.recipient.as_deref())
    }

    pub fn host(&self) -> &str {
        UrlParts::of(&self.exchange.url).map_or("", |parts| parts.host)
    }
}

impl<'a> View<'a> {
    pub fn new(traffic: Traffic<'a>) -> View<'a> {
        let origin = UrlParts::of(&traffic.record.scenario.origin);
        let site = registrable_domain(origin.map_or("", |parts| parts.host)).to_owned();
        let mut view = View {
            traffic,
            requests: Vec::new(),
            reached: Vec::new(),
            site,
        };
        let open = view.open_pages();
        view.reached = view.reached(&open);
        view.requests = view.requests(&open);
        view
    }

    /// Whether a glob covers a page.
    pub fn covers(&self, glob: &PageGlob, page: &str) -> bool {
        glob.matches(page, self.is_own(page))
    }

    fn is_own(&self, url: &str) -> bool {
        UrlParts::of(url)
            .is_some_and(|parts| registrable_domain(&parts.host.to_lowercase()) == self.site)
    }

    /// An address as a page of the site, without query and fragment.
    fn own_page(&self, url: &str) -> Option<String> {
        let http = url.starts_with("https://") || url.starts_with("http://");
        (http && self.is_own(url)).then(|| bare(url))
    }

    /// When which page of the site was opened or come to, in order.
    fn open_pages(&self) -> Vec<Opened> {
        let record = self.traffic.record;
        let mut refused: BTreeMap<String, bool> = BTreeMap::new();
        let mut opened = Vec::new();
        for (place, exchange) in self.traffic.exchanges.iter().enumerate() {
            let is_page = exchange.resource_type == "document" && exchange.party == Party::First;
            if let Some(page) = self.own_page(&exchange.url).filter(|_| is_page) {
                let answered = exchange
                    .status
                    .is_some_and(|status| matches!(status, 200..300 | 304));
                let answered = answered && exchange.outcome != Outcome::Contained;
                let refused = refused.entry(page.clone()).or_insert(true);
                *refused &= !answered;
                if answered {
                    opened.push(Opened::of(page, exchange, place));
                }
            }
        }
        for step in &record.journey.steps {
            if let Some(page) = step.page.as_deref().and_then(|page| self.own_page(page))
                && step.state == StepState::Done
            {
                opened.push(Opened {
                    page,
                    time: step.ended,
                    step: Some(step.number),
                    place: None,
                });
            }
        }
        for (place, exchange) in self.traffic.exchanges.iter().enumerate() {
            let document = exchange.document_url.as_deref();
            if let Some(page) = document.and_then(|url| self.own_page(url))
                && exchange.resource_type != "document"
                && !is_workers(exchange)
            {
                opened.push(Opened::of(page, exchange, place));
            }
        }
        opened.retain(|opened| !refused.get(&opened.page).copied().unwrap_or(false));
        opened
    }

    fn reached(&self, opened: &[Opened]) -> Vec<Reached> {
        let record = self.traffic.record;
        let mut pages: Vec<(&str, BTreeSet<u32>, BTreeSet<String>)> = Vec::new();
        let mut index: HashMap<&str, usize> = HashMap::new();
        for opened in opened {
            let at = *index.entry(&opened.page).or_insert_with(|| {
                pages.push((&opened.page, BTreeSet::new(), BTreeSet::new()));
                pages.len() - 1
            });
            pages[at].1.extend(opened.step);
            pages[at].2.insert(consent_at(record, opened.time));
        }
        // A step that stays on its page is done on that of the step before; and a banner may be answered there.
        let mut before: Option<String> = None;
        for step in &record.journey.steps {
            if step.state != StepState::Done {
                break;
            }
            if let Some(at) = before.as_deref().and_then(|page| index.get(page)) {
                pages[*at].1.insert(step.number);
                pages[*at].2.insert(consent_at(record, step.started));
            }
            let after = step.page.as_deref().and_then(|page| self.own_page(page));
            before = after.or(before);
        }
        pages
            .into_iter()
            .map(|(page, steps, consent)| Reached {
                page: page.to_owned(),
                steps: steps.into_iter().collect(),
                consent: consent.into_iter().collect(),
            })
            .collect()
    }

    fn requests(&self, opened: &[Opened]) -> Vec<Request<'a>> {
        let Traffic {
            record,
            exchanges,
            events,
            ..
        } = self.traffic;
        let case = Case {
            record,
            exchanges,
            events,
        };
        let trackers = trackers(case);
        let mut of_exchange: HashMap<&str, Vec<&TrackerEvent>> = HashMap::new();
        for event in events {
            of_exchange.entry(&event.exchange).or_default().push(event);
        }
        let mut facts = self.facts();
        let mut requests = Vec::new();
        for (place, exchange) in exchanges.iter().enumerate() {
            if !goes_to_others(exchange, &trackers) || exchange.origin == Origin::Browser {
                continue;
            }
            let found = facts.remove(exchange.id.as_str()).unwrap_or_default();
            let events = of_exchange.get(exchange.id.as_str());
            let each: Vec<Option<&TrackerEvent>> = match events {
                Some(events) => events.iter().copied().map(Some).collect(),
                None => vec![None],
            };
            for event in each {
                let mut facts = found.clone();
                parameters(exchange, event, &mut facts);
                requests.push(Request {
                    exchange,
                    event,
                    pages: self.pages(exchange, event, place, opened),
                    facts,
                    consent: consent_at(record, exchange.time),
                });
            }
        }
        requests
    }

    /// The pages that a request belongs to.
    fn pages(
        &self,
        exchange: &Exchange,
        event: Option<&TrackerEvent>,
        place: usize,
        opened: &[Opened],
    ) -> Vec<(String, PageFrom)> {
        let mut pages: Vec<(String, PageFrom)> = Vec::new();
        let mut add = |page: Option<String>, from: PageFrom| {
            if let Some(page) = page
                && !pages.iter().any(|(known, _)| *known == page)
            {
                pages.push((page, from));
            }
        };
        let own = |url: &str| self.own_page(url);
        // Of a worker it is its script, which is no page.
        let document = exchange.document_url.as_deref();
        let document = document.filter(|_| !is_workers(exchange));
        add(document.and_then(own), PageFrom::Document);
        if document.is_none() {
            // Cut to the origin it says nothing of the page; and a worker names its script.
            let referer = exchange.request_header("referer");
            let is_page = |path: &str| path.len() > 1 && !path.ends_with(".js");
            let whole =
                referer.filter(|url| UrlParts::of(url).is_some_and(|url| is_page(url.path)));
            add(whole.and_then(own), PageFrom::Document);
        }
        let page_url = event.and_then(|event| event.page_url.as_deref());
        add(page_url.and_then(own), PageFrom::PageAddress);
        let referrer = event.and_then(|event| event.referrer.as_deref());
        let referrer = referrer.and_then(own);
        if document.is_none_or(|url| !self.is_own(url)) && page_url.and_then(own).is_none() {
            let before = opened
                .iter()
                .filter(|opened| opened.is_before(exchange, place));
            let last = before.max_by_key(|opened| (opened.time, opened.place));
            add(last.map(|opened| opened.page.clone()), PageFrom::OpenPage);
            add(self.shown_by_script(exchange), PageFrom::OpenPage);
        }
        // Last: it is not where it happened.
        add(referrer, PageFrom::Referrer);
        pages
    }

    /// The page that a script showed in the exchange's step: when exactly is not known.
    fn shown_by_script(&self, exchange: &Exchange) -> Option<String> {
        let steps = &self.traffic.record.journey.steps;
        let step = steps
            .iter()
            .find(|step| Some(step.number) == exchange.step)?;
        let page = self.own_page(step.page.as_deref()?)?;
        let mut exchanges = self.traffic.exchanges.iter();
        let opened = exchanges.any(|other| {
            other.resource_type == "document" && self.own_page(&other.url).as_ref() == Some(&page)
        });
        (!opened && step.state == StepState::Done).then_some(page)
    }

    /// What was found, by exchange.
    fn facts(&self) -> HashMap<&'a str, Vec<Fact>> {
        let findings = self.traffic.findings;
        let mut facts: HashMap<&str, Vec<Fact>> = HashMap::new();
        for leak in &findings.leaks {
            if leak.certainty == Certainty::Refuted || leak.kind == "cookie" {
                continue;
            }
            let mut fields = leak.fields.clone();
            fields.push(leak.canary.clone());
            facts.entry(&leak.exchange).or_default().push(Fact {
                name: leak.place.clone(),
                words: leak.chain.clone(),
                told: Some(Told::TypedValue),
                fields,
                suspected: leak.certainty == Certainty::Suspected,
            });
        }
        for context in &findings.contexts {
            let observation = &context.observation;
            for exchange in &context.exchanges {
                facts.entry(exchange).or_default().push(Fact {
                    name: observation.place.clone(),
                    words: format!("{} = {}", observation.place, observation.text),
                    told: Some(Told::PageContext),
                    fields: Vec::new(),
                    suspected: false,
                });
            }
        }
        for link in &findings.identities {
            for exchange in &link.exchanges {
                facts.entry(exchange).or_default().push(Fact {
                    name: link.signal.clone(),
                    words: format!("{} = {}", link.signal, link.value),
                    told: Some(Told::IdentityLink),
                    fields: Vec::new(),
                    suspected: false,
                });
            }
        }
        facts
    }
}

/// A page of the site that was opened, or made a request.
#[derive(Debug)]
struct Opened {
    page: String,
    time: Option<Moment>,
    step: Option<u32>,
    /// Of the exchange, in their order; nothing where a step came to it.
    place: Option<usize>,
}

impl Opened {
    fn of(page: String, exchange: &Exchange, place: usize) -> Opened {
        Opened {
            page,
            time: exchange.time,
            step: exchange.step,
            place: Some(place),
        }
    }

    fn is_before(&self, exchange: &Exchange, place: usize) -> bool {
        match (self.place, self.time, exchange.time) {
            (Some(own), ..) => own < place,
            (None, Some(own), Some(other)) => own <= other,
            _ => false,
        }
    }
}

fn is_workers(exchange: &Exchange) -> bool {
    let kind = exchange.target_type.as_deref();
    kind.is_some_and(|kind| kind.contains("worker"))
}

/// The parameters of a request, as facts of their own.
fn parameters(exchange: &Exchange, event: Option<&TrackerEvent>, facts: &mut Vec<Fact>) {
    let mut add = |name: String, value: &str| {
        facts.push(Fact {
            words: format!("{name} = {value}"),
            name,
            told: None,
            fields: Vec::new(),
            suspected: false,
        });
    };
    match event {
        Some(event) => {
            for parameter in &event.parameters {
                add(parameter.key.clone(), &parameter.value);
            }
            for signal in &event.identity {
                if !event
                    .parameters
                    .iter()
                    .any(|known| known.key == signal.signal)
                {
                    add(signal.signal.clone(), &signal.value);
                }
            }
        }
        None => {
            let query = UrlParts::of(&exchange.url).and_then(|parts| parts.query);
            for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
                add(name.into_owned(), &value);
            }
        }
    }
}

/// Without query and fragment.
pub fn bare(url: &str) -> String {
    let url = without_fragment(url);
    url.split('?').next().unwrap_or(url).to_owned()
}
