//! What was seen of the canaries, request by request, and what was searched up to then.

use super::algorithms::ALGORITHMS;
use super::coding::Coding;
use super::findings::typed_value;
use super::places::PLACES;
use super::tree::DEEPEST;
use super::{Extent, Found, Hit, Others, Search, Sought, Streams, chain, shell};
use crate::model::{
    AuditVerdict, ByteRange, CanaryRecord, Certainty, ConsentOutcome, ConsentRecord, Exchange,
    Leak, LeakExtent, Moment, Outcome, RunRecord, Searched, SearchedCanary, SearchedExchanges,
    Submission, Transforms, UrlParts, Verdict,
};

/// Requests of one run that are listed as not searched to the end.
const MOST_LISTED: usize = 20;

/// What leaves, or would have but for us: what the browser itself kept back told nobody.
pub(super) fn counts(sent: Option<bool>, outcome: Outcome) -> bool {
    match sent {
        Some(sent) => sent || outcome == Outcome::Contained,
        None => outcome != Outcome::Blocked,
    }
}

/// What was seen of the canaries, request by request.
#[derive(Debug)]
pub struct Sightings<'a> {
    search: &'a Search,
    /// Of the run that typed them, where there was one.
    record: Option<&'a RunRecord>,
    streams: Streams,
    pub leaks: Vec<Leak>,
    exchanges: SearchedExchanges,
    unsearched: Vec<String>,
}

impl<'a> Sightings<'a> {
    pub fn new(search: &'a Search, record: Option<&'a RunRecord>) -> Sightings<'a> {
        Sightings {
            search,
            record,
            streams: Streams::default(),
            leaks: Vec::new(),
            exchanges: SearchedExchanges::default(),
            unsearched: Vec::new(),
        }
    }

    /// A request to somebody else. Those of one run or file are taken in their order.
    pub fn told(&mut self, exchange: &Exchange, found: Found) {
        self.nothing_in(&found);
        let typed = self.streams.take(self.search, exchange, &found);
        for hit in &found.hits {
            self.add(exchange, hit);
        }
        for typed in typed {
            self.add(&typed.exchange, &typed.hit);
        }
    }

    /// There are no more requests.
    pub fn finish(&mut self) {
        for typed in self.streams.finish() {
            self.add(&typed.exchange, &typed.hit);
        }
    }

    fn add(&mut self, exchange: &Exchange, hit: &Hit) {
        let sought = &self.search.canaries()[hit.canary];
        // A planted cookie where cookies go is an identity, and told there.
        if sought.kind == "cookie" && hit.place.starts_with("cookie:") {
            return;
        }
        let id = format!("l{:04}", self.leaks.len() + 1);
        let leak = leak(id, self.record, sought, exchange, hit);
        self.leaks.push(leak);
    }

    /// A request to somebody else in which nothing was found.
    pub fn nothing_in(&mut self, found: &Found) {
        for what in &found.unsearched {
            self.unsearched(&found.exchange, what);
        }
        self.exchanges.told += 1;
        self.exchanges.values += found.values as u64;
    }

    /// Notes what was not searched of a request.
    pub fn unsearched(&mut self, exchange: &str, what: &str) {
        self.unsearched.push(format!("{exchange}: {what}"));
    }

    /// Requests in which nothing was found.
    pub fn others(&mut self, others: Others) {
        self.exchanges.told += others.told;
        self.exchanges.own += others.own;
        self.exchanges.values += others.values;
    }

    /// A request to the site itself.
    pub fn own(&mut self, found: &Found) {
        self.exchanges.own += 1;
        self.exchanges.values += found.values as u64;
        let typed =
            |hit: &Hit| !hit.suspected && self.search.canaries()[hit.canary].kind != "cookie";
        self.exchanges.own_holding += u64::from(found.hits.iter().any(typed));
    }

    /// What was looked for, how and where, up to now.
    pub fn searched(&self) -> Searched {
        let canaries = self.search.canaries().iter().enumerate();
        let canaries = canaries.map(|(number, sought)| SearchedCanary {
            name: sought.name.clone(),
            kind: sought.kind.clone(),
            value: sought.value.clone(),
            typed_in: typed(self.record, sought)
                .map(|canary| canary.typed_in.clone())
                .unwrap_or_default(),
            forms: self.search.forms_of(number),
        });
        let mut limits = self.unsearched.clone();
        if limits.len() > MOST_LISTED {
            limits.truncate(MOST_LISTED);
            limits.push(format!("and {} more", self.unsearched.len() - MOST_LISTED));
        }
        Searched {
            canaries: canaries.collect(),
            transforms: transforms(self.search),
            places: PLACES.iter().map(|place| (*place).to_owned()).collect(),
            exchanges: self.exchanges.clone(),
            limits,
            ..Searched::default()
        }
    }

    /// Whether any of what was looked for left. `doubt` says why nothing found would not mean that there was nothing.
    pub fn verdict(&self, doubt: Option<&str>) -> Verdict {
        let sought = self.search.canaries().iter();
        let names: Vec<&str> = sought.map(|sought| sought.name.as_str()).collect();
        typed_value(&self.leaks, &self.searched(), &names, doubt)
    }
}

fn typed<'a>(record: Option<&'a RunRecord>, sought: &Sought) -> Option<&'a CanaryRecord> {
    let mut canaries = record?.canaries.iter();
    canaries.find(|canary| canary.name == sought.name)
}

fn leak(
    id: String,
    record: Option<&RunRecord>,
    sought: &Sought,
    exchange: &Exchange,
    hit: &Hit,
) -> Leak {
    let canary = typed(record, sought);
    let shown = String::from_utf8_lossy(&hit.value);
    Leak {
        id,
        canary: sought.name.clone(),
        kind: sought.kind.clone(),
        fields: canary
            .map(|canary| canary.typed_into.clone())
            .unwrap_or_default(),
        typed_in: canary
            .map(|canary| canary.typed_in.clone())
            .unwrap_or_default(),
        certainty: if hit.suspected {
            Certainty::Suspected
        } else {
            Certainty::Found
        },
        extent: extent(hit.extent),
        recipient: exchange.recipient.clone(),
        host: host(exchange),
        party: exchange.party,
        exchange: exchange.id.clone(),
        method: exchange.method.clone(),
        url: exchange.url.clone(),
        place: hit.place.clone(),
        chain: chain(&hit.place, &hit.steps, &sought.kind),
        value: cut(&shown),
        range: hit.range.map(|range| ByteRange {
            start: range.start as u64,
            end: range.end as u64,
        }),
        shell: shell(&sought.value, hit),
        step: exchange.step,
        time: exchange.time,
        sent: exchange.sent,
        outcome: exchange.outcome,
        submission: record.map_or(Submission::Unknown, |record| submission(record, exchange)),
        consent: record.map_or_else(
            || "unknown".to_owned(),
            |record| consent(record, exchange.time),
        ),
    }
}

fn extent(extent: Extent) -> LeakExtent {
    match extent {
        Extent::Whole => LeakExtent::Whole,
        Extent::Part { characters, of } => LeakExtent::Part {
            characters: characters as u64,
            of: of as u64,
        },
        Extent::Split { pieces } => LeakExtent::Split {
            pieces: pieces as u64,
        },
        Extent::Keystrokes { values } => LeakExtent::Keystrokes {
            values: values as u64,
        },
    }
}

/// Longest value that a leak shows, in characters.
const SHOWN: usize = 512;

pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

pub(super) fn host(exchange: &Exchange) -> String {
    UrlParts::of(&exchange.url).map_or_else(String::new, |parts| parts.host.to_owned())
}

/// By the moment right before the click that sends the form, where it is known, else by the step that does.
fn submission(record: &RunRecord, exchange: &Exchange) -> Submission {
    let submits = record
        .journey
        .steps
        .iter()
        .filter(|step| step.kind == "submit");
    let Some(submit) = submits.map(|step| step.number).min() else {
        return Submission::Never;
    };
    let mut guarded = record.containment.guarded.iter();
    let click = guarded.find(|guarded| guarded.what == "submitting");
    if let (Some(click), Some(time)) = (click, exchange.time) {
        return match exchange.step {
            _ if time.millis() < click.from.millis() => Submission::Before,
            Some(step) if step > submit => Submission::After,
            _ => Submission::With,
        };
    }
    match exchange.step {
        Some(step) if step < submit => Submission::Before,
        Some(step) if step == submit => Submission::With,
        Some(_) => Submission::After,
        None => Submission::Unknown,
    }
}

/// How the consent banner had been answered by a time: `accept`, `reject`, `unanswered`; `unknown` in a file.
pub fn consent(record: &RunRecord, time: Option<Moment>) -> String {
    if record.audit.verdict == AuditVerdict::OfFile {
        return "unknown".to_owned();
    }
    let is_before = |consent: &&ConsentRecord| match (consent.answered, time) {
        (Some(answered), Some(time)) => answered.millis() <= time.millis(),
        _ => false,
    };
    let answered = record
        .consent
        .iter()
        .rfind(|consent| consent.outcome == ConsentOutcome::Answered && is_before(consent));
    answered.map_or_else(|| "unanswered".to_owned(), |consent| consent.answer.clone())
}

/// All transforms that are searched.
fn transforms(search: &Search) -> Transforms {
    let (texts, digests) = search.size();
    Transforms {
        texts: texts as u64,
        digests: digests as u64,
        algorithms: ALGORITHMS
            .iter()
            .map(|algorithm| algorithm.name.to_owned())
            .collect(),
        encodings: Coding::names().map(str::to_owned).collect(),
        depth: DEEPEST as u64,
    }
}
