//! A run as rules look at it: the requests to others, with the pages that each belongs to and what it told; and the pages
//! that were reached, which are the proof that a rule had something to look at.

use std::collections::HashMap;

use super::condition::Told;
use super::flow::flows;
use super::glob::PageGlob;
use super::visits::{Opened, Visit, is_in_frame, is_workers, reached};
use crate::leak::{Case, consent_at, goes_to_others, trackers};
use crate::model::{
    Certainty, Exchange, Findings, Origin, PageFrom, Reached, RunRecord, StepState, TrackerEvent,
    UrlParts, registrable_domain, without_fragment,
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
    /// Its line in a baseline.
    pub flow: String,
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

impl Fact {
    /// Whether what the other says stands here: it is the same, or the same address or text under its parameter's own name.
    pub fn holds(&self, other: &Fact) -> bool {
        let value = |fact: &Fact| {
            fact.words
                .split_once(" = ")
                .map(|(_, value)| value.to_owned())
        };
        self == other
            || (other.told == Some(Told::PageContext)
                && value(other).is_some()
                && value(other) == value(self))
    }
}

/// See the module.
#[derive(Debug)]
pub struct View<'a> {
    pub traffic: Traffic<'a>,
    pub requests: Vec<Request<'a>>,
    pub visits: Vec<Visit>,
    /// Registrable domain of the site.
    site: String,
}

/// A page as its path, where it is of that origin.
pub(super) fn short<'p>(origin: &str, page: &'p str) -> &'p str {
    let path = page.strip_prefix(origin);
    path.filter(|path| path.starts_with('/')).unwrap_or(page)
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
            visits: Vec::new(),
            site,
        };
        let open = view.open_pages();
        view.visits = view.visits(&open);
        view.requests = view.requests(&open);
        let flows: Vec<String> = flows(&view);
        for (request, flow) in view.requests.iter_mut().zip(flows) {
            request.flow = flow;
        }
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

    /// A page of the scenario's origin by its path; any other whole.
    pub fn short<'p>(&self, page: &'p str) -> &'p str {
        short(&self.traffic.record.scenario.origin, page)
    }

    /// Each page that was reached.
    pub fn reached(&self) -> Vec<Reached> {
        reached(&self.visits, |_| true)
    }

    /// An address as a page of the site, without query and fragment.
    pub(super) fn own_page(&self, url: &str) -> Option<String> {
        let http = url.starts_with("https://") || url.starts_with("http://");
        (http && self.is_own(url)).then(|| bare(url))
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
            // Of several events in one request each is told of what it says itself, where that can be told.
            let owned = |fact: &Fact, event: Option<&TrackerEvent>| {
                each.len() == 1
                    || event.is_some_and(|event| says(event, fact))
                    || !each.iter().flatten().any(|event| says(event, fact))
            };
            for event in each.iter().copied() {
                let own = found.iter().filter(|fact| owned(fact, event));
                let mut facts: Vec<Fact> = own.cloned().collect();
                parameters(exchange, event, &mut facts);
                requests.push(Request {
                    exchange,
                    event,
                    pages: self.pages(exchange, event, place, opened),
                    facts,
                    consent: consent_at(record, exchange.time),
                    flow: String::new(),
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
        let mut made_on = document.and_then(own);
        if document.is_none() {
            // Cut to the origin it says nothing of the page; and a worker names its script.
            let referer = exchange.request_header("referer");
            let is_page = |path: &str| path.len() > 1 && !path.ends_with(".js");
            let whole =
                referer.filter(|url| UrlParts::of(url).is_some_and(|url| is_page(url.path)));
            made_on = whole.and_then(own);
        }
        let page_url = event.and_then(|event| event.page_url.as_deref());
        let page_url = page_url.and_then(own);
        let referrer = event.and_then(|event| event.referrer.as_deref());
        let referrer = referrer.and_then(own);
        let settled = made_on.is_some() || page_url.is_some();
        add(made_on, PageFrom::Document);
        add(page_url, PageFrom::PageAddress);
        // A frame of the site's own stands on a page, too.
        if !settled || is_in_frame(exchange) {
            let before = opened
                .iter()
                .filter(|opened| opened.is_before(exchange, place));
            let last = before.max_by_key(|opened| (opened.time, opened.place));
            add(
                last.and_then(|opened| opened.page.clone()),
                PageFrom::OpenPage,
            );
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

/// Whether it is the event's own: it has such a parameter with that value, or names that page.
fn says(event: &TrackerEvent, fact: &Fact) -> bool {
    let bare = fact
        .name
        .split_once(':')
        .map_or(&*fact.name, |(_, bare)| bare);
    let value = fact.words.split_once(" = ").map(|(_, value)| value);
    let same = |text: Option<&str>| value.is_some() && text == value;
    same(event.page_url.as_deref())
        || same(event.referrer.as_deref())
        || event.parameters.iter().any(|parameter| {
            let named = parameter.key == bare || bare.ends_with(&format!(".{}", parameter.key));
            named && value.is_none_or(|value| parameter.value == value)
        })
        || event
            .custom_data
            .keys()
            .any(|key| bare == format!("cd[{key}]"))
        || event
            .identity
            .iter()
            .any(|signal| signal.signal == fact.name && same(Some(&signal.value)))
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
