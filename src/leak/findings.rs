//! The three verdicts of a run: what was found, what it rests on, and what was searched.

use std::collections::{HashMap, HashSet};

use super::evidence::{Contexts, Linked, identities};
use super::sightings::{Sightings, counts};
use super::{Reader, Search, Sent, Sought};
use crate::model::{
    AuditVerdict, Certainty, Confidence, Controls, EventKind, Exchange, Findings, JourneyState,
    Leak, PageContext, Party, RunRecord, Searched, Submission, TrackerEvent, Verdict,
    VerdictOutcome, Verdicts, count,
};

/// What a run, or a file, is searched for and in.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    pub record: &'a RunRecord,
    pub exchanges: &'a [Exchange],
    pub events: &'a [TrackerEvent],
}

/// The verdicts on a run. `body` gives an exchange's body.
pub fn findings(case: Case<'_>, body: impl Fn(&Exchange) -> Option<Vec<u8>>) -> Findings {
    let sought = case.record.canaries.iter().map(|canary| Sought {
        // What people have typed themselves may be a word like any other.
        rare: !is_file(case.record),
        ..Sought::from(canary)
    });
    let search = Search::new(sought.collect());
    let mut reader = Reader::new(&search);
    let mut sightings = Sightings::new(&search, Some(case.record));
    let trackers = trackers(case);
    let mut contexts = Contexts::default();
    for exchange in case.exchanges {
        let bytes = body(exchange);
        let sent = Sent {
            exchange,
            body: bytes.as_deref(),
        };
        let found = reader.read(sent);
        let tracker = trackers.get(exchange.id.as_str()).copied();
        if !goes_to_others(exchange, &trackers) {
            if tracker == Some(Tracker::Perhaps) && !found.hits.is_empty() {
                let what = "it looks like a tracker's on the site's own host, holds what was typed, and was not counted";
                sightings.unsearched(&exchange.id, what);
            }
            sightings.own(&found);
            continue;
        }
        sightings.told(exchange, found);
        if tracker.is_none() {
            contexts.of_request(case, &mut reader, sent);
        }
    }
    sightings.finish();
    contexts.of_events(case, &trackers);
    let certain = sightings
        .leaks
        .iter()
        .filter(|leak| is_found(leak))
        .map(|leak| leak.exchange.as_str());
    let of_contexts = contexts.list.iter().flat_map(|context| &context.exchanges);
    let told: HashSet<&str> = certain.chain(of_contexts.map(String::as_str)).collect();
    let linked = identities(case, &told);
    let mut searched = sightings.searched();
    searched.topics.clone_from(&case.record.scenario.topics);
    searched.events = case.events.len() as u64;
    let typed = typed_canaries(case.record);
    let doubt = doubt(case.record, &searched);
    Findings {
        verdicts: Verdicts {
            typed_value: typed_value(&sightings.leaks, &searched, &typed, doubt.as_deref()),
            page_context: page_context(&contexts.list, &searched, doubt.as_deref()),
            identity_link: identity_link(&linked, doubt.as_deref()),
        },
        leaks: sightings.leaks,
        contexts: contexts.list,
        identities: linked.links,
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
    let doubt = doubt(record, &findings.searched);
    let verdict = typed_value(
        &findings.leaks,
        &findings.searched,
        &typed_canaries(record),
        doubt.as_deref(),
    );
    findings.verdicts.typed_value = verdict;
    let confirmed = controls
        .leaks
        .values()
        .any(|certainty| *certainty == Certainty::Confirmed);
    if confirmed && findings.verdicts.identity_link.outcome == VerdictOutcome::NotFound {
        findings.verdicts.identity_link.outcome = VerdictOutcome::Inconclusive;
        findings.verdicts.identity_link.why +=
            "; but it was not searched in what the controls confirmed";
    }
    if !controls.fields.is_empty() {
        if findings.verdicts.typed_value.outcome == VerdictOutcome::NotFound {
            findings.verdicts.typed_value.outcome = VerdictOutcome::Inconclusive;
        }
        let suspected = count(controls.fields.len(), "field");
        findings.verdicts.typed_value.why +=
            &format!("; {suspected} of others' follow what is typed, and cannot be decoded");
    }
    findings.controls = Some(controls);
}

/// A file does not say what was typed when; what is looked for in it was.
fn is_file(record: &RunRecord) -> bool {
    record.audit.verdict == AuditVerdict::OfFile
}

fn typed_canaries(record: &RunRecord) -> Vec<&str> {
    let typed = record
        .canaries
        .iter()
        .filter(|canary| is_file(record) || !canary.typed_in.is_empty());
    typed.map(|canary| canary.name.as_str()).collect()
}

/// Why nothing found does not mean that there was nothing.
fn doubt(record: &RunRecord, searched: &Searched) -> Option<String> {
    doubt_of_run(record).or_else(|| limit_of_search(searched))
}

/// Why it is not known what all would have been told.
pub fn doubt_of_run(record: &RunRecord) -> Option<String> {
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
    let problem = record.problems.first();
    problem.map(|problem| problem.message.clone())
}

/// What was not searched.
pub fn limit_of_search(searched: &Searched) -> Option<String> {
    let limit = searched.limits.first()?;
    Some(format!("not everything was searched ({limit})"))
}

/// A tracker's part that a first-party host plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tracker {
    /// A script, or something that merely has the shape of an event.
    Perhaps,
    Sure,
}

/// Exchanges that a decoder reads. A script that a site keeps on its own host tells nobody anything.
pub fn trackers(case: Case<'_>) -> HashMap<&str, Tracker> {
    let mut trackers: HashMap<&str, Tracker> = HashMap::new();
    for event in case.events {
        let tells = matches!(event.kind, EventKind::Event | EventKind::Gateway);
        let tracker = match tells && event.confidence != Confidence::Low {
            true => Tracker::Sure,
            false => Tracker::Perhaps,
        };
        let known = trackers.entry(&event.exchange).or_insert(tracker);
        *known = tracker.max(*known);
    }
    trackers
}

/// Whether a request tells somebody else: it goes to a third party, or to a host of the site's own that plays a tracker's.
pub fn goes_to_others(exchange: &Exchange, trackers: &HashMap<&str, Tracker>) -> bool {
    exchange.party == Party::Third || trackers.get(exchange.id.as_str()) == Some(&Tracker::Sure)
}

/// A leak of what was typed that left, or would have but for us.
fn is_told(leak: &Leak) -> bool {
    leak.kind != "cookie" && counts(leak.sent, leak.outcome)
}

/// As [`is_told`], and it is no chance.
pub fn is_found(leak: &Leak) -> bool {
    matches!(leak.certainty, Certainty::Found | Certainty::Confirmed) && is_told(leak)
}

/// Whether any canary left. `typed` are those that the journey typed.
pub(super) fn typed_value(
    leaks: &[Leak],
    searched: &Searched,
    typed: &[&str],
    doubt: Option<&str>,
) -> Verdict {
    let found: Vec<&Leak> = leaks.iter().filter(|leak| is_found(leak)).collect();
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
        let kept = found.iter().filter(|leak| leak.sent == Some(false)).count();
        if kept > 0 {
            why += &format!(" ({kept} of them contained by us)");
        }
        if before > 0 {
            why += &format!("; {before} of them before the visitor sent anything");
        }
        return Verdict {
            outcome: VerdictOutcome::Found,
            why,
            evidence: found.iter().map(|leak| leak.id.clone()).collect(),
        };
    }
    let suspected = leaks
        .iter()
        .filter(|leak| leak.certainty == Certainty::Suspected && is_told(leak))
        .count();
    let has_canaries = searched
        .canaries
        .iter()
        .any(|canary| canary.kind != "cookie");
    if typed.is_empty() && suspected == 0 && (doubt.is_none() || !has_canaries) {
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
    if suspected > 0 {
        let suspected = format!(
            "{} may be what was typed, or chance (`--control` tells)",
            count(suspected, "value")
        );
        return nothing(what, Some(doubt.unwrap_or(&suspected)));
    }
    let limit = limit_of_search(searched);
    nothing(what, doubt.or(limit.as_deref()))
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

fn identity_link(linked: &Linked, doubt: Option<&str>) -> Verdict {
    if !linked.links.is_empty() {
        let mut signals: Vec<&str> = Vec::new();
        for identity in &linked.links {
            if !signals.contains(&identity.signal.as_str()) {
                signals.push(&identity.signal);
            }
        }
        let links = linked.links.iter();
        return Verdict {
            outcome: VerdictOutcome::Found,
            why: format!("went with it: {}", signals.join(", ")),
            evidence: links.map(|identity| identity.id.clone()).collect(),
        };
    }
    let mut what = "searched for signals of an account, a person, an ad click or a browser in every event that told what \
                    was typed or what the pages are about"
        .to_owned();
    if linked.others > 0 {
        what += &format!(
            "; {} of something else had some",
            count(linked.others, "event")
        );
    }
    let undecoded = format!(
        "{} that told it are read by no decoder",
        count(linked.undecoded, "request")
    );
    let undecoded = (linked.undecoded > 0).then_some(undecoded.as_str());
    nothing(what, doubt.or(undecoded))
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
