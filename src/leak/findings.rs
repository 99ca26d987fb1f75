//! The three verdicts of a run: what was found, what it rests on, and what was searched.

use std::collections::HashSet;

use super::evidence::{Contexts, identities};
use super::sightings::{Sightings, counts};
use super::{Reader, Search, Sent, Sought};
use crate::model::{
    AuditVerdict, Certainty, Controls, Exchange, Findings, IdentityLink, JourneyState, Leak,
    PageContext, Party, RunRecord, Searched, Submission, TrackerEvent, Verdict, VerdictOutcome,
    Verdicts, count,
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

/// Whether any canary left. `typed` are those that the journey typed.
pub(super) fn typed_value(
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
