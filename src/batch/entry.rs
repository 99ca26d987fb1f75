//! What an index says of a journey, and whether that is what its bundle says.

use std::fs;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::plan::Planned;
use crate::model::{
    ClaimVerdict, Counts, EntryState, Index, IndexEntry, RuleOutcome, Severity, StepState,
    VerdictOutcomes, count,
};
use crate::policy::{Gate, GateCode, Judged};
use crate::run::Run;

impl Planned {
    /// A journey that was not made yet.
    pub fn waiting(&self) -> IndexEntry {
        IndexEntry {
            name: self.name.clone(),
            title: self.title.clone(),
            scenario: self.scenario.path.display().to_string(),
            scenario_sha256: self.scenario.sha256(),
            consent: self.consent.map(|consent| consent.as_str().to_owned()),
            state: EntryState::Waiting,
            bundle: None,
            manifest_sha256: None,
            evidence_digest: None,
            exit_code: None,
            started: None,
            finished: None,
            steps: self.scenario.steps.len() as u32,
            steps_done: 0,
            counts: Counts::default(),
            verdicts: None,
            violated: Vec::new(),
            contradicted: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// One of which nothing came that could be kept.
    pub fn not_made(&self, why: String) -> IndexEntry {
        IndexEntry {
            state: EntryState::NotMade,
            problems: vec![why],
            ..self.waiting()
        }
    }
}

/// What a bundle comes to by itself, and what was judged. By a baseline its exit code is known when all were made.
pub fn entry<'j>(
    name: &str,
    title: &str,
    run: &Run,
    bundle: String,
    judged: Judged<'j>,
    by_baseline: bool,
) -> (IndexEntry, Option<Judged<'j>>) {
    let record = &run.record;
    let violated = judged
        .rules
        .iter()
        .filter(|rule| rule.outcome == RuleOutcome::Violated && rule.severity == Severity::Error);
    let contradicted = judged
        .claims
        .iter()
        .filter(|claim| claim.verdict == ClaimVerdict::Contradicted);
    let done = record.journey.steps.iter();
    let verdicts = &run.findings.verdicts;
    let mut entry = IndexEntry {
        name: name.to_owned(),
        title: title.to_owned(),
        scenario: record.scenario.path.clone(),
        scenario_sha256: record.scenario.sha256.clone(),
        consent: None,
        state: record.journey.state.into(),
        bundle: Some(bundle),
        manifest_sha256: fs::read(run.bundle.join("manifest-sha256.txt"))
            .ok()
            .map(|manifest| HEXLOWER.encode(&Sha256::digest(manifest))),
        evidence_digest: Some(run.evidence_digest()),
        started: Some(record.started),
        finished: record.finished,
        steps: record.journey.steps.len() as u32,
        steps_done: done.filter(|step| step.state == StepState::Done).count() as u32,
        counts: record.counts.clone(),
        verdicts: Some(VerdictOutcomes {
            typed_value: verdicts.typed_value.outcome,
            page_context: verdicts.page_context.outcome,
            identity_link: verdicts.identity_link.outcome,
        }),
        violated: violated.map(|rule| rule.id.clone()).collect(),
        contradicted: contradicted.map(|claim| claim.id.clone()).collect(),
        problems: record
            .problems
            .iter()
            .map(|problem| problem.message.clone())
            .collect(),
        exit_code: None,
    };
    let gate = Gate {
        runs: vec![judged],
        ..Gate::default()
    };
    if !by_baseline {
        entry.exit_code = gate.codes().pop().map(exit_code);
    }
    (entry, gate.runs.into_iter().next())
}

/// What an index says of a bundle that the bundle does not say. What its policy came to is taken as it is.
pub fn says_otherwise(entry: &IndexEntry, run: &Run) -> Option<&'static str> {
    let judged = Judged::new(String::new(), run.bundle.clone(), run.traffic(), None);
    let (own, _) = self::entry("", "", run, String::new(), judged, true);
    let differs = [
        (
            "manifest_sha256",
            entry.manifest_sha256 != own.manifest_sha256,
        ),
        (
            "evidence_digest",
            entry.evidence_digest != own.evidence_digest,
        ),
        (
            "scenario_sha256",
            entry.scenario_sha256 != own.scenario_sha256,
        ),
        ("state", entry.state != own.state),
        ("steps_done", entry.steps_done != own.steps_done),
        ("counts", entry.counts != own.counts),
        ("verdicts", entry.verdicts != own.verdicts),
        ("problems", entry.problems != own.problems),
    ];
    differs
        .iter()
        .find(|(_, differs)| *differs)
        .map(|(name, _)| *name)
}

/// Why not all of a batch's journeys are known, if so.
pub fn unfinished(index: &Index) -> Option<String> {
    let undone = index.journeys.iter();
    let undone = undone.filter(|entry| entry.bundle.is_none()).count();
    let listed = index.journeys.len() as u64;
    if undone > 0 {
        Some(format!("{} of it were not made", count(undone, "journey")))
    } else if index.finished.is_none() {
        Some("it did not come to its end".to_owned())
    } else if index.shard.is_none() && listed < index.plan.journeys {
        let all = count(index.plan.journeys, "journey");
        Some(format!("the plan has {all}, and {listed} are listed"))
    } else {
        None
    }
}

/// As exit codes are numbered.
pub fn exit_code(code: GateCode) -> u8 {
    match code {
        GateCode::Clean => 0,
        GateCode::Refused => 1,
        GateCode::Stale => 2,
        GateCode::Inconclusive => 3,
    }
}
