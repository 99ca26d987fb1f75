//! The three verdicts of a run: what was found, what it rests on, and what was searched.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::context::{candidate, tells_page, told, told_by_request, topics_in};
use super::decoders::Coding;
use super::digest::ALGORITHMS;
use super::places::PLACES;
use super::{Extent, Found, Hit, Others, Reader, Search, Sent, Sought, Streams, chain, shell};
use crate::model::{
    AuditVerdict, ByteRange, CanaryRecord, Certainty, ConsentOutcome, Controls, Exchange, Findings,
    IdentityLink, JourneyState, Leak, LeakExtent, Moment, Observation, Outcome, PageContext, Party,
    RunRecord, Searched, SearchedCanary, SearchedExchanges, Strength, Submission, TopicMatch,
    TrackerEvent, Transforms, UrlParts, Verdict, VerdictOutcome, Verdicts, count,
};

/// Requests of one run that are listed as not searched to the end.
const MOST_LISTED: usize = 20;

/// What a run, or a file, is searched for and in.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    pub record: &'a RunRecord,
    pub exchanges: &'a [Exchange],
    pub events: &'a [TrackerEvent],
}

/// The verdicts on a run. `body` gives an exchange's body.
pub fn findings(case: Case<'_>, body: impl Fn(&Exchange) -> Option<Vec<u8>>) -> Findings {
    let search = Search::new(case.record.canaries.iter().map(Sought::from).collect());
    let mut reader = Reader::new(&search);
    let mut sightings = Sightings::new(&search, Some(case.record));
    let trackers: HashSet<&str> = case
        .events
        .iter()
        .map(|event| event.exchange.as_str())
        .collect();
    let mut contexts = Contexts::default();
    for exchange in case.exchanges {
        let bytes = body(exchange);
        let found = reader.read(Sent {
            exchange,
            body: bytes.as_deref(),
        });
        let is_tracker = trackers.contains(exchange.id.as_str());
        if exchange.party == Party::First && !is_tracker {
            sightings.own(&found);
            continue;
        }
        sightings.told(exchange, found);
        if !is_tracker {
            contexts.of_request(case, exchange, bytes.as_deref());
        }
    }
    sightings.finish();
    contexts.of_events(case);
    let certain = sightings
        .leaks
        .iter()
        .filter(|leak| leak.certainty != Certainty::Suspected)
        .map(|leak| leak.exchange.as_str());
    let of_contexts = contexts.list.iter().flat_map(|context| &context.exchanges);
    let told: HashSet<&str> = certain.chain(of_contexts.map(String::as_str)).collect();
    let (identities, others) = identities(case, &told);
    let mut searched = sightings.searched();
    searched.topics.clone_from(&case.record.scenario.topics);
    searched.events = case.events.len() as u64;
    let typed = typed_canaries(case.record);
    let doubt = doubt(case.record);
    Findings {
        verdicts: Verdicts {
            typed_value: typed_value(&sightings.leaks, &searched, &typed, doubt.as_deref()),
            page_context: page_context(&contexts.list, &searched, doubt.as_deref()),
            identity_link: identity_link(&identities, others, doubt.as_deref()),
        },
        leaks: sightings.leaks,
        contexts: contexts.list,
        identities,
        rules: Vec::new(),
        claims: Vec::new(),
        searched,
        controls: None,
    }
}

/// Takes in what other journeys say: leaks that were suspected are confirmed or refuted, and the verdict follows.
pub fn control(findings: &mut Findings, record: &RunRecord, controls: Controls) {
    for leak in &mut findings.leaks {
        if let Some(certainty) = controls.leaks.get(&leak.id) {
            leak.certainty = *certainty;
        }
    }
    let doubt = doubt(record);
    let verdict = typed_value(
        &findings.leaks,
        &findings.searched,
        &typed_canaries(record),
        doubt.as_deref(),
    );
    findings.verdicts.typed_value = verdict;
    if !controls.fields.is_empty() {
        let suspected = count(controls.fields.len(), "field");
        findings.verdicts.typed_value.why +=
            &format!("; {suspected} of others' follow what is typed, and cannot be decoded");
    }
    findings.controls = Some(controls);
}

fn typed_canaries(record: &RunRecord) -> Vec<&str> {
    let typed = record
        .canaries
        .iter()
        .filter(|canary| !canary.typed_in.is_empty());
    typed.map(|canary| canary.name.as_str()).collect()
}

/// What leaves, or would have but for us: what the browser itself kept back told nobody.
pub(super) fn counts(sent: Option<bool>, outcome: Outcome) -> bool {
    sent != Some(false) || outcome == Outcome::Contained
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
    cut: Vec<String>,
}

impl<'a> Sightings<'a> {
    pub fn new(search: &'a Search, record: Option<&'a RunRecord>) -> Sightings<'a> {
        Sightings {
            search,
            record,
            streams: Streams::default(),
            leaks: Vec::new(),
            exchanges: SearchedExchanges::default(),
            cut: Vec::new(),
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
        if found.cut {
            self.cut.push(found.exchange.clone());
        }
        self.exchanges.told += 1;
        self.exchanges.values += found.values as u64;
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
        let mut limits: Vec<String> = self
            .cut
            .iter()
            .take(MOST_LISTED)
            .map(|id| {
                format!(
                    "{id} was not searched to its end: it decodes to more than is looked through"
                )
            })
            .collect();
        if self.cut.len() > MOST_LISTED {
            limits.push(format!("and {} more", self.cut.len() - MOST_LISTED));
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

    /// Whether any of what was looked for left.
    pub fn verdict(&self) -> Verdict {
        let sought = self.search.canaries().iter();
        let names: Vec<&str> = sought.map(|sought| sought.name.as_str()).collect();
        typed_value(&self.leaks, &self.searched(), &names, None)
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
        shell: shell(&sought.value, &hit.value, hit.whole, &hit.steps),
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

/// How the consent banner had been answered by then.
fn consent(record: &RunRecord, time: Option<Moment>) -> String {
    let answered = record
        .consent
        .iter()
        .filter(|consent| consent.outcome == ConsentOutcome::Answered)
        .filter(|consent| match (consent.answered, time) {
            (Some(answered), Some(time)) => answered.millis() <= time.millis(),
            _ => false,
        })
        .next_back();
    answered.map_or_else(|| "unanswered".to_owned(), |consent| consent.answer.clone())
}

/// Observations, each once for each that was told, in the order in which they were first told.
#[derive(Default)]
struct Contexts {
    list: Vec<PageContext>,
    index: HashMap<(String, String, String, String), usize>,
}

impl Contexts {
    fn of_events(&mut self, case: Case<'_>) {
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

    fn of_request(&mut self, case: Case<'_>, exchange: &Exchange, body: Option<&[u8]>) {
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
fn identities(case: Case<'_>, told: &HashSet<&str>) -> (Vec<IdentityLink>, usize) {
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

/// All transforms that are searched.
pub fn transforms(search: &Search) -> Transforms {
    let (texts, digests) = search.size();
    Transforms {
        texts: texts as u64,
        digests: digests as u64,
        algorithms: ALGORITHMS
            .iter()
            .map(|algorithm| algorithm.name.to_owned())
            .collect(),
        encodings: Coding::names().map(str::to_owned).collect(),
        depth: super::tree::DEEPEST as u64,
    }
}

/// Why nothing found does not mean that there was nothing.
fn doubt(record: &RunRecord) -> Option<String> {
    if record.journey.state != JourneyState::Completed {
        return Some("the journey did not come to its end".to_owned());
    }
    if matches!(
        record.audit.verdict,
        AuditVerdict::Incomplete | AuditVerdict::AuditUnavailable
    ) {
        return Some("not everything that was sent is known".to_owned());
    }
    if matches!(record.containment.deliver.as_str(), "first-party" | "none") {
        return Some("what goes to third parties was kept from leaving, and what they would have done is unknown".to_owned());
    }
    record
        .problems
        .first()
        .map(|problem| problem.message.clone())
}

fn typed_value(
    leaks: &[Leak],
    searched: &Searched,
    typed: &[&str],
    doubt: Option<&str>,
) -> Verdict {
    let found: Vec<&Leak> = leaks
        .iter()
        .filter(|leak| matches!(leak.certainty, Certainty::Found | Certainty::Confirmed))
        .filter(|leak| leak.kind != "cookie" && counts(leak.sent, leak.outcome))
        .collect();
    if !found.is_empty() {
        let names: HashSet<&str> = found.iter().map(|leak| leak.canary.as_str()).collect();
        let mut names: Vec<&str> = names.into_iter().collect();
        names.sort_unstable();
        let before = found
            .iter()
            .filter(|leak| matches!(leak.submission, Submission::Before | Submission::Never))
            .count();
        let mut why = format!(
            "{} left, in {}",
            names.join(", "),
            count(found.len(), "place")
        );
        if before > 0 {
            why += &format!("; {before} of them before the visitor sent anything");
        }
        return Verdict {
            outcome: VerdictOutcome::Found,
            why,
            evidence: found.iter().map(|leak| leak.id.clone()).collect(),
        };
    }
    if typed.is_empty() && doubt.is_none() {
        return Verdict {
            outcome: VerdictOutcome::NotTested,
            why: "the journey typed no canary".to_owned(),
            evidence: Vec::new(),
        };
    }
    let what = format!(
        "searched for {} ({} and {}) in {} of {} to others",
        if typed.is_empty() {
            "what would have been typed".to_owned()
        } else {
            typed.join(", ")
        },
        count(searched.transforms.texts as usize, "text"),
        count(searched.transforms.digests as usize, "digest"),
        count(searched.exchanges.values as usize, "value"),
        count(searched.exchanges.told as usize, "request"),
    );
    nothing(what, doubt)
}

fn page_context(contexts: &[PageContext], searched: &Searched, doubt: Option<&str>) -> Verdict {
    let found: Vec<&PageContext> = contexts
        .iter()
        .filter(|context| counts(context.sent, context.outcome))
        .collect();
    let evidence: Vec<String> = found.iter().map(|context| context.id.clone()).collect();
    if !found.is_empty() {
        let topics: HashSet<&str> = found
            .iter()
            .filter_map(|context| Some(context.topic.as_ref()?.topic.as_str()))
            .collect();
        let mut topics: Vec<&str> = topics.into_iter().collect();
        topics.sort_unstable();
        let why = if topics.is_empty() {
            format!(
                "pages were told, in {}; the scenario names no topics",
                count(found.len(), "way")
            )
        } else {
            format!("told of: {}", topics.join(", "))
        };
        return Verdict {
            outcome: VerdictOutcome::Found,
            why,
            evidence,
        };
    }
    let what = format!(
        "searched for {} in {} and {} to others",
        if searched.topics.is_empty() {
            "the pages' addresses".to_owned()
        } else {
            searched.topics.join(", ")
        },
        count(searched.events as usize, "event"),
        count(searched.exchanges.told as usize, "request"),
    );
    nothing(what, doubt)
}

fn identity_link(identities: &[IdentityLink], others: usize, doubt: Option<&str>) -> Verdict {
    if !identities.is_empty() {
        let mut signals: Vec<&str> = Vec::new();
        for identity in identities {
            if !signals.contains(&identity.signal.as_str()) {
                signals.push(&identity.signal);
            }
        }
        return Verdict {
            outcome: VerdictOutcome::Found,
            why: format!("went with it: {}", signals.join(", ")),
            evidence: identities
                .iter()
                .map(|identity| identity.id.clone())
                .collect(),
        };
    }
    let mut what = "searched for signals of an account, a person, an ad click or a browser in every request that told what \
                    was typed or what the pages are about"
        .to_owned();
    if others > 0 {
        what += &format!("; {} of something else had some", count(others, "event"));
    }
    nothing(what, doubt)
}

fn nothing(what: String, doubt: Option<&str>) -> Verdict {
    Verdict {
        outcome: if doubt.is_some() {
            VerdictOutcome::Inconclusive
        } else {
            VerdictOutcome::NotFound
        },
        why: match doubt {
            Some(doubt) => format!("{what}; but {doubt}"),
            None => what,
        },
        evidence: Vec::new(),
    }
}
