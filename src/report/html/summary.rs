//! What an editor reads first: verdicts, claims, who was told, what was typed, whom it names.

use std::collections::{BTreeMap, HashSet};

use super::text::Text;
use crate::leak::is_found;
use crate::model::{
    Certainty, ClaimVerdict, EventKind, Leak, RuleMatch, RuleOutcome, Strength, Submission,
    TrackerEvent, Verdict, VerdictOutcome,
};
use crate::report::count;
use crate::report::course::{self, Line, Tone};
use crate::report::words::{
    chain_and_extent, doubt, is_planted, is_third_partys, named, question, recipient_of, short,
    untold, whom,
};
use crate::run::Run;

/// Requests of one flow that are linked to.
const MOST_LINKS: usize = 12;

/// A sentence in its colour.
#[derive(Debug)]
pub(super) struct Sentence {
    pub(super) tone: &'static str,
    pub(super) text: Text<'static>,
}

impl Sentence {
    pub(super) fn of(line: &Line) -> Sentence {
        Sentence {
            tone: tone(line.tone),
            text: Text::new(line.text.clone()),
        }
    }
}

impl From<Line> for Sentence {
    fn from(line: Line) -> Sentence {
        Sentence::of(&line)
    }
}

pub(super) fn tone(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Unsure => "unsure",
    }
}

/// The whole in a few sentences.
pub(super) fn headline(run: &Run) -> Vec<Sentence> {
    let told = run.events.iter().filter(|event| event.tells());
    let (meta, others): (Vec<&TrackerEvent>, Vec<&TrackerEvent>) =
        told.partition(|event| event.recipient == "Meta");
    let mut lines = Vec::new();
    if meta.is_empty() {
        lines.extend(course::told_nothing(run));
    } else {
        let pages: HashSet<&str> = meta
            .iter()
            .map(|event| event.page_url.as_deref().unwrap_or_default())
            .collect();
        let text = format!(
            "Meta was told of {}, in {}.",
            count(pages.len(), "page"),
            count(meta.len(), "event")
        );
        lines.push(Line::new(Tone::Bad, text));
        let doubtful = doubtful(run, &meta);
        if doubtful > 0 {
            let text = format!(
                "Of these, {} did not leave, or it is unknown: each is marked.",
                count(doubtful, "event")
            );
            lines.push(Line::new(Tone::Unsure, text));
        }
    }
    for (recipient, names) in course::others_told(&others) {
        let events: usize = names.iter().map(|(_, times)| times).sum();
        let text = format!("{recipient} was told {}.", count(events, "event"));
        lines.push(Line::new(Tone::Bad, text));
    }
    lines.into_iter().map(Sentence::from).collect()
}

fn doubtful(run: &Run, told: &[&TrackerEvent]) -> usize {
    let ids: HashSet<&str> = told.iter().map(|event| event.exchange.as_str()).collect();
    let unsent: HashSet<&str> = run
        .exchanges
        .iter()
        .filter(|exchange| ids.contains(exchange.id.as_str()))
        .filter(|exchange| doubt(exchange.sent, exchange.outcome).is_some())
        .map(|exchange| exchange.id.as_str())
        .collect();
    let doubtful = told
        .iter()
        .filter(|event| unsent.contains(event.exchange.as_str()));
    doubtful.count()
}

/// One of the three verdicts.
#[derive(Debug)]
pub(super) struct VerdictView<'a> {
    pub(super) name: &'static str,
    pub(super) question: &'static str,
    pub(super) answer: &'static str,
    pub(super) tone: &'static str,
    pub(super) why: Text<'a>,
}

pub(super) fn verdicts(run: &Run) -> Vec<VerdictView<'_>> {
    let all = run.findings.verdicts.all();
    all.into_iter()
        .map(|(name, verdict)| VerdictView::new(name, verdict))
        .collect()
}

impl<'a> VerdictView<'a> {
    pub(super) fn new(name: &'static str, verdict: &'a Verdict) -> VerdictView<'a> {
        VerdictView {
            name,
            question: question(name),
            answer: verdict.outcome.as_str(),
            tone: match verdict.outcome {
                VerdictOutcome::Found => "bad",
                VerdictOutcome::NotFound => "good",
                VerdictOutcome::Inconclusive | VerdictOutcome::NotTested => "unsure",
            },
            why: Text::new(&*verdict.why),
        }
    }
}

/// A claim or a rule, and what came of it.
#[derive(Debug)]
pub(super) struct Judgement<'a> {
    pub(super) id: Text<'a>,
    pub(super) outcome: &'static str,
    pub(super) tone: &'static str,
    /// What was said, or what the rule is for.
    pub(super) says: Text<'a>,
    /// Who said it.
    pub(super) source: Text<'a>,
    pub(super) why: Text<'a>,
    pub(super) line: u64,
    pub(super) flows: Vec<FlowView<'a>>,
}

/// Requests that came to the same.
#[derive(Debug)]
pub(super) struct FlowView<'a> {
    pub(super) page: Text<'a>,
    pub(super) whom: Text<'a>,
    pub(super) event: Text<'a>,
    pub(super) told: Vec<Text<'a>>,
    pub(super) identity: Vec<Text<'a>>,
    pub(super) fate: &'static str,
    pub(super) links: Vec<Text<'a>>,
    pub(super) more: usize,
}

pub(super) fn claims(run: &Run) -> Vec<Judgement<'_>> {
    let claims = run.findings.claims.iter().map(|claim| Judgement {
        id: Text::new(&*claim.id),
        outcome: claim.verdict.as_str(),
        tone: claim_tone(claim.verdict),
        says: Text::new(&*claim.says),
        source: Text::new(&*claim.source),
        why: Text::new(&*claim.why),
        line: claim.line,
        flows: flows(&claim.matches, claim.verdict == ClaimVerdict::Contradicted),
    });
    claims.collect()
}

/// "Not contradicted" is no praise: it is not green.
pub(super) fn claim_tone(verdict: ClaimVerdict) -> &'static str {
    match verdict {
        ClaimVerdict::Contradicted => "bad",
        ClaimVerdict::NotContradicted => "plain",
        ClaimVerdict::NotTestable => "unsure",
    }
}

pub(super) fn rules(run: &Run) -> Vec<Judgement<'_>> {
    let rules = run.findings.rules.iter().map(|rule| Judgement {
        id: Text::new(&*rule.id),
        outcome: rule.outcome.as_str(),
        tone: rule_tone(rule.outcome),
        says: Text::new(rule.reason.as_deref().unwrap_or("")),
        source: Text::new(format!(
            "{}, {}",
            rule.effect.as_str(),
            rule.severity.as_str()
        )),
        why: Text::new(&*rule.why),
        line: rule.line,
        flows: flows(&rule.matches, rule.outcome == RuleOutcome::Violated),
    });
    rules.collect()
}

pub(super) fn rule_tone(outcome: RuleOutcome) -> &'static str {
    match outcome {
        RuleOutcome::Violated => "bad",
        RuleOutcome::Passed => "good",
        RuleOutcome::Inconclusive | RuleOutcome::Unreachable => "unsure",
    }
}

fn flows(matches: &[RuleMatch], shown: bool) -> Vec<FlowView<'_>> {
    let matches = matches.iter().filter(|found| shown && !found.suspected);
    matches
        .map(|found| FlowView {
            page: Text::new(found.page.as_deref().unwrap_or("unknown")),
            whom: Text::new(found.recipient.as_deref().unwrap_or(&found.host)),
            event: Text::new(found.event.as_deref().unwrap_or("not decoded")),
            told: found.told.iter().map(|told| Text::new(&**told)).collect(),
            identity: found
                .identity
                .iter()
                .map(|words| Text::new(&**words))
                .collect(),
            fate: doubt(found.sent, found.outcome).unwrap_or(""),
            links: found
                .exchanges
                .iter()
                .take(MOST_LINKS)
                .map(|id| Text::new(&**id))
                .collect(),
            more: found.exchanges.len().saturating_sub(MOST_LINKS),
        })
        .collect()
}

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
    times: usize,
    unsent: usize,
    kept: usize,
    leak: &'a Leak,
}

pub(super) fn ways(run: &Run) -> Vec<Way<'_>> {
    let mut ways: Vec<Way<'_>> = Vec::new();
    let mut found: BTreeMap<(&str, String, &str), usize> = BTreeMap::new();
    for leak in &run.findings.leaks {
        let to = leak.recipient.as_deref().unwrap_or(&leak.host);
        let chain = chain_and_extent(leak);
        let at = *found
            .entry((to, chain.clone(), &leak.value))
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
    fn new(to: &str, chain: String, leak: &'a Leak) -> Way<'a> {
        let (tone, heading) = match leak.certainty {
            Certainty::Refuted => ("plain", "Suspected, and refuted by other values"),
            _ if leak.kind == "cookie" => ("unsure", "A planted cookie's value stood elsewhere"),
            _ if is_found(leak) => ("bad", "Told"),
            _ => ("unsure", "Suspected, or kept back by the browser"),
        };
        Way {
            tone,
            heading: Text::new(match tone {
                "bad" => format!("{to} was told what was typed as “{}”", leak.canary),
                _ => format!("{heading}: “{}”, on its way to {to}", leak.canary),
            }),
            chain: Text::new(chain),
            value: Text::new(&*leak.value),
            shell: Text::new(leak.shell.as_deref().unwrap_or("")),
            when: Text::new(""),
            links: Vec::new(),
            more: 0,
            times: 0,
            unsent: 0,
            kept: 0,
            leak,
        }
    }

    fn take(&mut self, leak: &'a Leak) {
        self.times += 1;
        self.unsent += usize::from(matches!(
            leak.submission,
            Submission::Before | Submission::Never
        ));
        self.kept += usize::from(leak.sent == Some(false));
        let is_known = self.links.iter().any(|link| link.raw() == leak.exchange);
        match self.links.len() {
            _ if is_known => {}
            ..MOST_LINKS => self.links.push(Text::new(&*leak.exchange)),
            _ => self.more += 1,
        }
    }

    /// Says when, now that all are taken.
    fn close(&mut self) {
        let steps: Vec<String> = self.leak.typed_in.iter().map(u32::to_string).collect();
        let typed = match (steps.as_slice(), self.leak.fields.join(", ")) {
            ([], _) => String::new(),
            ([step], field) => format!("Typed in step {step} ({field}); "),
            (steps, field) => format!("Typed in steps {} ({field}); ", steps.join(", ")),
        };
        let mut when = format!("{typed}told {}", count(self.times, "time"));
        if self.unsent == self.times {
            when += ", when the visitor had typed it and not sent it";
        } else if self.unsent > 0 {
            when += &format!(
                ", {} of them when the visitor had typed it and not sent it",
                self.unsent
            );
        }
        if self.kept > 0 {
            when += &format!(" ({} kept from leaving)", self.kept);
        }
        when.push('.');
        self.when = Text::new(when);
    }
}

/// What the pages are about, as it was told: topic by topic.
#[derive(Debug)]
pub(super) struct Topic<'a> {
    pub(super) topic: Text<'a>,
    pub(super) to: Text<'a>,
    /// What it may be in law, for review.
    pub(super) category: Text<'a>,
    pub(super) told: Vec<(Text<'a>, Text<'a>, Text<'a>)>,
    pub(super) more: usize,
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
                    topic: Text::new(&*matched.topic),
                    to: Text::new(to),
                    category: Text::new(candidate.map_or("", |candidate| &*candidate.category)),
                    told: Vec::new(),
                    more: 0,
                },
            ));
            topics.len() - 1
        });
        let topic = &mut topics[at].1;
        let first = context.exchanges.first().map_or("", String::as_str);
        let text = short(&context.observation.text, &run.record.scenario.origin);
        if topic.told.len() < MOST_LINKS {
            let place = Text::new(&*context.observation.place);
            topic.told.push((place, Text::new(text), Text::new(first)));
        } else {
            topic.more += 1;
        }
    }
    topics.into_iter().map(|(_, topic)| topic).collect()
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
    pub(super) sent: usize,
    pub(super) events: usize,
    pub(super) pages: usize,
    /// Events before a banner was answered, and after it.
    pub(super) before: usize,
    pub(super) after: usize,
    pub(super) read: bool,
}

/// Third parties, and trackers on the site's own hosts: Meta first, then by the number of events and requests.
pub(super) fn recipients(run: &Run) -> Vec<Recipient<'_>> {
    let answered = answered(run);
    let mut all: BTreeMap<&str, Recipient<'_>> = BTreeMap::new();
    fn entry<'a, 'r>(
        all: &'r mut BTreeMap<&'a str, Recipient<'a>>,
        name: &'a str,
    ) -> &'r mut Recipient<'a> {
        all.entry(name).or_insert_with(|| Recipient {
            name: Text::new(name),
            requests: 0,
            sent: 0,
            events: 0,
            pages: 0,
            before: 0,
            after: 0,
            read: false,
        })
    }
    for exchange in run.exchanges.iter().filter(|x| is_third_partys(x)) {
        let recipient = entry(&mut all, recipient_of(exchange));
        recipient.requests += 1;
        recipient.sent += usize::from(exchange.sent == Some(true));
    }
    let mut pages: HashSet<(&str, &str)> = HashSet::new();
    for event in &run.events {
        let recipient = entry(&mut all, &event.recipient);
        recipient.read |= event.kind != EventKind::Unknown;
        if !event.tells() {
            continue;
        }
        recipient.events += 1;
        match (answered, event.time) {
            (Some(answered), Some(time)) if time >= answered => recipient.after += 1,
            _ => recipient.before += 1,
        }
        let page = event.page_url.as_deref().unwrap_or_default();
        if pages.insert((&event.recipient, page)) {
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

/// When a consent banner was first answered.
pub(super) fn answered(run: &Run) -> Option<crate::model::Moment> {
    run.record.consent.iter().find_map(|record| record.answered)
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
