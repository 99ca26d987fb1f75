//! Who was told what: what was typed and left, what it was about, whom it names, who was asked.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::text::Text;
use crate::leak::is_found;
use crate::model::{Certainty, EventKind, Leak, Moment, Strength, Submission, VerdictOutcome};
use crate::report::compare::answered;
use crate::report::count;
use crate::report::words::{
    Fate, asked, chain_and_extent, is_planted, named, short, typed_in, untold, whom,
};
use crate::run::Run;

/// Requests of one thing that are linked to.
pub(super) const MOST_LINKS: usize = 12;

/// Something typed that left, each way in which it did once.
#[derive(Debug)]
pub(super) struct Way<'a> {
    pub(super) tone: &'static str,
    pub(super) heading: Text<'static>,
    pub(super) chain: Text<'a>,
    pub(super) value: Text<'a>,
    pub(super) shell: Text<'a>,
    pub(super) when: Text<'static>,
    pub(super) links: Vec<Text<'a>>,
    pub(super) more: usize,
    requests: HashSet<&'a str>,
    unsent: usize,
    fate: Fate,
    to: &'a str,
    leak: &'a Leak,
}

pub(super) fn ways(run: &Run) -> Vec<Way<'_>> {
    let mut ways: Vec<Way<'_>> = Vec::new();
    let mut found: BTreeMap<(&str, &str, String, &str, bool), usize> = BTreeMap::new();
    for leak in &run.findings.leaks {
        let to = leak.recipient.as_deref().unwrap_or(&leak.host);
        let chain = chain_and_extent(leak);
        let at = *found
            .entry((to, &leak.canary, chain.clone(), &leak.value, is_found(leak)))
            .or_insert_with(|| {
                ways.push(Way::new(to, chain, leak));
                ways.len() - 1
            });
        ways[at].take(leak);
    }
    ways.iter_mut().for_each(Way::close);
    ways
}

impl<'a> Way<'a> {
    fn new(to: &'a str, chain: String, leak: &'a Leak) -> Way<'a> {
        Way {
            tone: "",
            heading: Text::new(""),
            chain: Text::new(chain),
            value: Text::new(&*leak.value),
            shell: Text::new(leak.shell.as_deref().unwrap_or("")),
            when: Text::new(""),
            links: Vec::new(),
            more: 0,
            requests: HashSet::new(),
            unsent: 0,
            fate: Fate::default(),
            to,
            leak,
        }
    }

    fn take(&mut self, leak: &'a Leak) {
        if !self.requests.insert(&leak.exchange) {
            return;
        }
        self.unsent += usize::from(matches!(
            leak.submission,
            Submission::Before | Submission::Never
        ));
        self.fate.take(leak.sent);
        match self.links.len() {
            ..MOST_LINKS => self.links.push(Text::new(&*leak.exchange)),
            _ => self.more += 1,
        }
    }

    /// Says what became of it and when, now that all are taken.
    fn close(&mut self) {
        let Way { to, leak, .. } = *self;
        let perhaps = |what: &str| format!("{what}: “{}”, on its way to {to}", leak.canary);
        let (tone, heading) = match leak.certainty {
            Certainty::Refuted => ("plain", perhaps("Suspected, and refuted by other values")),
            _ if leak.kind == "cookie" => {
                let what = "A planted cookie's value stood elsewhere";
                ("unsure", perhaps(what))
            }
            _ if is_found(leak) => {
                let what = format!("what was typed as “{}”", leak.canary);
                let tone = if self.fate.left > 0 { "bad" } else { "unsure" };
                (tone, self.fate.says(to, &what))
            }
            _ => ("unsure", perhaps("Suspected, or kept back by the browser")),
        };
        self.tone = tone;
        self.heading = Text::new(heading);
        let typed = typed_in(leak, "Typed").map_or_else(String::new, |typed| typed + "; ");
        let times = self.requests.len();
        let mut when = format!(
            "{typed}in {}: {}",
            count(times, "request"),
            self.fate.in_numbers()
        );
        if self.unsent == times {
            when += "; when the visitor had typed it and not sent it";
        } else if self.unsent > 0 {
            when += &format!(
                "; {} of them when the visitor had typed it and not sent it",
                self.unsent
            );
        }
        when.push('.');
        self.when = Text::new(when);
    }
}

/// What the pages are about, as it was told: topic by topic.
#[derive(Debug)]
pub(super) struct Topic<'a> {
    /// What was told to whom, or would have been.
    pub(super) heading: Text<'a>,
    /// What it may be in law, for review.
    pub(super) category: Text<'a>,
    pub(super) told: Vec<(Text<'a>, Text<'a>, Text<'a>)>,
    pub(super) more: usize,
    fate: Fate,
}

pub(super) fn topics(run: &Run) -> Vec<Topic<'_>> {
    let mut topics: Vec<((&str, &str), Topic<'_>)> = Vec::new();
    for context in &run.findings.contexts {
        let Some(matched) = &context.topic else {
            continue;
        };
        let to = context.recipient.as_deref().unwrap_or(&context.host);
        let key = (to, matched.topic.as_str());
        let at = topics.iter().position(|(known, _)| *known == key);
        let at = at.unwrap_or_else(|| {
            let candidate = context.candidate.as_ref();
            topics.push((
                key,
                Topic {
                    heading: Text::new(""),
                    category: Text::new(candidate.map_or("", |candidate| &*candidate.category)),
                    told: Vec::new(),
                    more: 0,
                    fate: Fate::default(),
                },
            ));
            topics.len() - 1
        });
        let topic = &mut topics[at].1;
        topic.fate.take(context.sent);
        let first = context.exchanges.first().map_or("", String::as_str);
        let text = short(&context.observation.text, &run.record.scenario.origin);
        if topic.told.len() < MOST_LINKS {
            let place = Text::new(&*context.observation.place);
            topic.told.push((place, Text::new(text), Text::new(first)));
        } else {
            topic.more += 1;
        }
    }
    let topics = topics.into_iter().map(|((to, what), topic)| Topic {
        heading: Text::new(topic.fate.says(to, &format!("of “{what}”"))),
        ..topic
    });
    topics.collect()
}

/// A signal that names a person or a browser.
#[derive(Debug)]
pub(super) struct Named<'a> {
    pub(super) whom: &'static str,
    pub(super) tone: &'static str,
    pub(super) signal: Text<'a>,
    pub(super) value: Text<'a>,
    pub(super) events: usize,
    pub(super) planted: bool,
}

pub(super) fn named_by(run: &Run) -> Vec<Named<'_>> {
    let told = run.events.iter().filter(|event| event.tells());
    named(told)
        .into_iter()
        .map(|((strength, signal, value), events)| Named {
            whom: whom(strength),
            tone: match strength {
                Strength::Account | Strength::Person | Strength::SitePerson => "bad",
                _ => "plain",
            },
            signal: Text::new(signal),
            value: Text::new(value),
            events,
            planted: is_planted(run, value),
        })
        .collect()
}

/// Somebody who was asked for something.
#[derive(Debug)]
pub(super) struct Recipient<'a> {
    pub(super) name: Text<'a>,
    pub(super) requests: usize,
    pub(super) fate: Fate,
    pub(super) events: usize,
    pub(super) pages: usize,
    /// Events before a banner was answered, after it, and of which that is not known.
    pub(super) before: usize,
    pub(super) after: usize,
    pub(super) at_unknown_times: usize,
    /// A decoder reads what it is sent.
    pub(super) read: bool,
}

impl<'a> Recipient<'a> {
    fn new(name: &'a str) -> Recipient<'a> {
        Recipient {
            name: Text::new(name),
            requests: 0,
            fate: Fate::default(),
            events: 0,
            pages: 0,
            before: 0,
            after: 0,
            at_unknown_times: 0,
            read: false,
        }
    }
}

/// Third parties, and trackers on the site's own hosts: Meta first, then by the number of events and requests.
pub(super) fn recipients(run: &Run) -> Vec<Recipient<'_>> {
    let answered = answered(run);
    let mut all: BTreeMap<&str, Recipient<'_>> = BTreeMap::new();
    let mut times: HashMap<&str, Option<Moment>> = HashMap::new();
    for (name, exchange) in asked(run) {
        let recipient = all.entry(name).or_insert_with(|| Recipient::new(name));
        recipient.requests += 1;
        recipient.fate.take(exchange.sent);
        times.insert(&exchange.id, exchange.time);
    }
    let mut pages: HashSet<(&str, &str)> = HashSet::new();
    for event in &run.events {
        let name: &str = &event.recipient;
        let recipient = all.entry(name).or_insert_with(|| Recipient::new(name));
        recipient.read |= event.kind != EventKind::Unknown;
        if !event.tells() {
            continue;
        }
        recipient.events += 1;
        let time = event
            .time
            .or(times.get(event.exchange.as_str()).copied().flatten());
        match (answered, time) {
            (Some(answered), Some(time)) if time >= answered => recipient.after += 1,
            (Some(_), None) => recipient.at_unknown_times += 1,
            _ => recipient.before += 1,
        }
        let page = event
            .page_url
            .as_deref()
            .and_then(|page| page.split('#').next());
        if page.is_some_and(|page| pages.insert((name, page))) {
            recipient.pages += 1;
        }
    }
    let mut all: Vec<(&str, Recipient<'_>)> = all.into_iter().collect();
    all.sort_by_key(|(name, recipient)| {
        let by_number = (
            usize::MAX - recipient.events,
            usize::MAX - recipient.requests,
        );
        (*name != "Meta", by_number)
    });
    all.into_iter().map(|(_, recipient)| recipient).collect()
}

/// What it means that nothing of what was typed was found.
pub(super) fn nothing_typed(run: &Run) -> &'static str {
    match run.findings.verdicts.typed_value.outcome {
        VerdictOutcome::Found | VerdictOutcome::NotFound => {
            "Nothing of it was found on its way to anybody else."
        }
        VerdictOutcome::Inconclusive => {
            "Nothing of it was found, and not everything was looked at: the verdict says why."
        }
        VerdictOutcome::NotTested => "Nothing was typed that could be looked for.",
    }
}

/// Pages of the site of which Meta was told nothing. None: that could not be established.
pub(super) fn pages_untold(run: &Run) -> Option<Vec<Text<'_>>> {
    let pages = untold(run)?.into_iter();
    Some(
        pages
            .map(|page| Text::new(short(page, &run.record.scenario.origin)))
            .collect(),
    )
}
