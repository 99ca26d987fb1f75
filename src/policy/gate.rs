//! Whether a deploy is let through: rules and claims over all runs of a command, and the baseline.

use std::collections::HashSet;
use std::path::PathBuf;

use super::baseline::{Baseline, Compared, Fingerprint};
use super::file::{Claim, Policy, Rule};
use super::judge::judge;
use super::matches::{Flow, flows};
use super::view::{Traffic, View, short};
use crate::leak::doubt_of_run;
use crate::model::{
    AuditRecord, ClaimFinding, ClaimVerdict, ClocksRecord, Effect, Headers, Reached, RuleFinding,
    RuleMatch, RuleOutcome, RunRecord, Severity, StepState, VerdictOutcome, Verdicts,
};

/// The runs of a command, each with the policy that it is held against.
#[derive(Debug, Default)]
pub struct Gate<'a> {
    pub runs: Vec<Judged<'a>>,
    /// Path of the baseline, and what came of comparing.
    pub baseline: Option<(PathBuf, Compared)>,
    /// Journeys of which nothing came, by title, and why.
    pub missing: Vec<(String, String)>,
    /// Why a baseline that was to be held against them could not be.
    pub incomparable: Option<String>,
}

/// Headers of a request that are shown.
const SHOWN_HEADERS: &[&str] = &[
    "accept",
    "accept-language",
    "content-type",
    "origin",
    "referer",
    "user-agent",
];

/// One run, with what came of it. Holds no more of its traffic than is shown, so that many can be held.
#[derive(Debug)]
pub struct Judged<'a> {
    /// What tells it from the others: the scenario's title, and which repeat it is.
    pub title: String,
    /// Its bundle, or the file, as the command had it.
    pub source: PathBuf,
    pub policy: Option<&'a Policy>,
    pub record: RunRecord,
    pub verdicts: Verdicts,
    /// The pages that were.
    pub reached: Vec<Reached>,
    /// Of the first request of each match and flow, by its id, the headers that may be shown.
    shown: Vec<(String, Headers)>,
    pub rules: Vec<RuleFinding>,
    pub claims: Vec<ClaimFinding>,
    pub flows: Vec<Flow>,
}

/// A rule over all runs that its policy is about.
#[derive(Debug)]
pub struct RuleSummary<'g> {
    pub policy: &'g Policy,
    pub rule: &'g Rule,
    pub outcome: RuleOutcome,
    /// Of each of these runs, in order.
    pub findings: Vec<(&'g Judged<'g>, &'g RuleFinding)>,
    /// Everything that violates it is in the baseline.
    pub accepted: bool,
}

/// A claim over all runs that its policy is about.
#[derive(Debug)]
pub struct ClaimSummary<'g> {
    pub policy: &'g Policy,
    pub claim: &'g Claim,
    pub verdict: ClaimVerdict,
    /// Of each of these runs, in order.
    pub findings: Vec<(&'g Judged<'g>, &'g ClaimFinding)>,
}

impl ClaimSummary<'_> {
    /// Whether it is for the runs' sake that it could not be tested.
    pub fn is_open(&self) -> bool {
        let mut findings = self.findings.iter();
        self.verdict == ClaimVerdict::NotTestable && findings.any(|(_, finding)| !finding.by_policy)
    }
}

/// What the exit code is to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GateCode {
    Clean,
    Inconclusive,
    /// The baseline has lines that nothing matches, or cannot be compared.
    Stale,
    Refused,
}

impl<'a> Judged<'a> {
    pub fn new(
        title: String,
        source: PathBuf,
        traffic: Traffic<'_>,
        policy: Option<&'a Policy>,
    ) -> Judged<'a> {
        let view = View::new(traffic);
        let (rules, claims) = policy
            .map(|policy| judge(policy, &view))
            .unwrap_or_default();
        let flows = flows(policy, &view);
        let matches = rules.iter().flat_map(|finding| &finding.matches);
        let matches = matches.chain(flows.iter().map(|flow| &flow.found));
        let shown: HashSet<&str> = matches
            .filter_map(|found| found.exchanges.first())
            .map(String::as_str)
            .collect();
        let exchanges = traffic.exchanges.iter();
        let shown = exchanges.filter(|exchange| shown.contains(&*exchange.id));
        let shown = shown.map(|exchange| {
            let headers = exchange.request_headers.iter();
            let headers = headers.filter(|(name, _)| {
                // A report that is uploaded has no place for secrets: these cannot be any.
                SHOWN_HEADERS.contains(&name.to_ascii_lowercase().as_str())
            });
            let headers: Vec<(String, String)> = headers.cloned().collect();
            (exchange.id.clone(), Headers::from(headers))
        });
        Judged {
            shown: shown.collect(),
            reached: view.reached(),
            record: slim(traffic.record),
            verdicts: traffic.findings.verdicts.clone(),
            flows,
            title,
            source,
            policy,
            rules,
            claims,
        }
    }

    /// A page as its path, where it is the site's own.
    pub fn short<'p>(&self, page: &'p str) -> &'p str {
        short(&self.record.scenario.origin, page)
    }

    /// Of the first request of a match or a flow, what may be shown.
    pub fn shown_headers(&self, found: &RuleMatch) -> Option<&Headers> {
        let id = found.exchanges.first()?;
        let mut shown = self.shown.iter();
        shown.find(|(of, _)| of == id).map(|(_, headers)| headers)
    }
}

/// Without what no gate asks for: lists of what was audited, planted and typed.
fn slim(record: &RunRecord) -> RunRecord {
    RunRecord {
        audit: AuditRecord {
            verdict: record.audit.verdict,
            ..AuditRecord::default()
        },
        canaries: Vec::new(),
        consent: Vec::new(),
        identity: Vec::new(),
        clocks: ClocksRecord::default(),
        ..record.clone()
    }
}

impl<'a> Gate<'a> {
    /// Of one run that is held against nothing: for what it told.
    pub fn of_one(source: PathBuf, traffic: Traffic<'_>) -> Gate<'a> {
        Gate {
            runs: vec![Judged::new(String::new(), source, traffic, None)],
            ..Gate::default()
        }
    }
}

impl Gate<'_> {
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.runs.iter().map(|run| &run.record))
    }

    /// Every flow of every run.
    pub fn flows(&self) -> Vec<Flow> {
        let flows = self.runs.iter().flat_map(|run| &run.flows);
        flows.cloned().collect()
    }

    /// What is told now, as a baseline.
    pub fn told(&self) -> Baseline {
        Baseline::of(self.fingerprint(), &self.flows())
    }

    /// Why not everything may have been seen that these runs would tell.
    pub fn unfinished(&self) -> Option<String> {
        if let Some((title, why)) = self.missing.first() {
            return Some(format!("{title}: {why}"));
        }
        let mut runs = self.runs.iter();
        runs.find_map(|run| {
            let record = &run.record;
            let undone = record
                .journey
                .steps
                .iter()
                .find(|step| step.state != StepState::Done);
            doubt_of_run(record)
                .or_else(|| undone.map(|step| format!("step {} was not done", step.number)))
        })
    }

    /// Holds the runs against a baseline.
    pub fn hold_against(&mut self, path: PathBuf, baseline: &Baseline) {
        let compared = baseline.compare(&self.flows(), self.unfinished());
        self.baseline = Some((path, compared));
    }

    /// Each policy once, in the order of the runs.
    pub fn policies(&self) -> Vec<&Policy> {
        let mut policies: Vec<&Policy> = Vec::new();
        for policy in self.runs.iter().filter_map(|run| run.policy) {
            if !policies.iter().any(|known| known.text == policy.text) {
                policies.push(policy);
            }
        }
        policies
    }

    /// The runs that are held against a policy.
    pub fn runs_of(&self, policy: &Policy) -> impl Iterator<Item = &Judged<'_>> {
        let is_its = |run: &&Judged<'_>| run.policy.is_some_and(|own| own.text == policy.text);
        self.runs.iter().filter(is_its)
    }

    pub fn rules(&self) -> Vec<RuleSummary<'_>> {
        let policies = self.policies().into_iter();
        let rules = policies.flat_map(|policy| {
            policy
                .rules
                .iter()
                .enumerate()
                .map(move |rule| (policy, rule))
        });
        let summaries = rules.map(|(policy, (number, rule))| {
            let findings: Vec<_> = self
                .runs_of(policy)
                .map(|run| (run, &run.rules[number]))
                .collect();
            let outcome = findings.iter().map(|(_, finding)| finding.outcome).min();
            let outcome = outcome.unwrap_or(RuleOutcome::Unreachable);
            let mut violating = findings
                .iter()
                .filter(|(_, finding)| finding.outcome == RuleOutcome::Violated);
            let accepted = outcome == RuleOutcome::Violated
                && violating.all(|(_, finding)| self.accepts_all(finding));
            RuleSummary {
                policy,
                rule,
                outcome,
                accepted,
                findings,
            }
        });
        summaries.collect()
    }

    pub fn claims(&self) -> Vec<ClaimSummary<'_>> {
        let policies = self.policies().into_iter();
        let claims = policies.flat_map(|policy| {
            policy
                .claims
                .iter()
                .enumerate()
                .map(move |claim| (policy, claim))
        });
        let summaries = claims.map(|(policy, (number, claim))| {
            let findings: Vec<_> = self
                .runs_of(policy)
                .map(|run| (run, &run.claims[number]))
                .collect();
            let verdict = findings.iter().map(|(_, finding)| finding.verdict).min();
            // Of one run it is not known; another that has nothing does not make it so.
            let doubtful = findings.iter().any(|(_, finding)| finding.doubtful);
            let verdict = match verdict {
                Some(ClaimVerdict::NotContradicted) if doubtful => Some(ClaimVerdict::NotTestable),
                verdict => verdict,
            };
            ClaimSummary {
                policy,
                claim,
                verdict: verdict.unwrap_or(ClaimVerdict::NotTestable),
                findings,
            }
        });
        summaries.collect()
    }

    /// Whether the baseline lists a flow.
    pub fn accepts(&self, found: &RuleMatch) -> bool {
        let compared = self.baseline.as_ref();
        compared.is_some_and(|(_, compared)| compared.accepted.contains(&found.flow))
    }

    /// Whether it lists all that is sure of a finding, and there is something.
    fn accepts_all(&self, finding: &RuleFinding) -> bool {
        let sure = finding.matches.iter().filter(|found| !found.suspected);
        let mut sure = sure.peekable();
        sure.peek().is_some() && sure.all(|found| self.accepts(found))
    }

    /// What the exit code is to say.
    pub fn code(&self) -> GateCode {
        let compared = self.baseline.as_ref().map(|(_, compared)| compared);
        let rules = self.rules();
        let claims = self.claims();
        let violated = rules.iter().any(|summary| {
            summary.rule.severity == Severity::Error
                && summary.outcome == RuleOutcome::Violated
                && !summary.accepted
        });
        let contradicted = claims
            .iter()
            .any(|summary| summary.verdict == ClaimVerdict::Contradicted);
        let new = compared.is_some_and(|compared| !compared.new.is_empty());
        let found = self.unjudged(VerdictOutcome::Found);
        if violated || contradicted || new || found {
            return GateCode::Refused;
        }
        if self.incomparable.is_some()
            || compared.is_some_and(|compared| !compared.stale.is_empty())
        {
            return GateCode::Stale;
        }
        let open = rules.iter().any(|summary| {
            summary.rule.severity == Severity::Error
                && summary.rule.effect != Effect::Allow
                && summary.outcome.is_open()
        });
        let untested = claims.iter().any(ClaimSummary::is_open);
        let doubtful = self.unjudged(VerdictOutcome::Inconclusive);
        let partial = self
            .runs
            .iter()
            .any(|run| doubt_of_run(&run.record).is_some());
        let missing = self.runs.is_empty() || !self.missing.is_empty();
        if open || untested || doubtful || partial || missing {
            GateCode::Inconclusive
        } else {
            GateCode::Clean
        }
    }

    /// What each of the runs adds to that, in order. What another run has looked at, this one need not have.
    pub fn codes(&self) -> Vec<GateCode> {
        let compared = self.baseline.as_ref().map(|(_, compared)| compared);
        let new = compared.into_iter().flat_map(|compared| &compared.new);
        let new: HashSet<&str> = new.map(|flow| flow.found.flow.as_str()).collect();
        let (rules, claims) = (self.rules(), self.claims());
        let rules = rules.iter().filter(|summary| summary.outcome.is_open());
        let rules: HashSet<(&str, &str)> = rules
            .map(|summary| (&*summary.policy.text, &*summary.rule.id))
            .collect();
        let claims = claims.iter().filter(|summary| summary.is_open());
        let claims: HashSet<(&str, &str)> = claims
            .map(|summary| (&*summary.policy.text, &*summary.claim.id))
            .collect();
        let nothing = self.baseline.is_none() && self.incomparable.is_none();
        let codes = self.runs.iter().map(|run| {
            let policy = run.policy.map_or("", |policy| &policy.text);
            let counts = |finding: &&RuleFinding| finding.severity == Severity::Error;
            let verdict = |outcome: VerdictOutcome| {
                let mut verdicts = run.verdicts.all().into_iter();
                nothing && run.policy.is_none() && verdicts.any(|(_, own)| own.outcome == outcome)
            };
            let violated = run.rules.iter().filter(counts).any(|finding| {
                finding.outcome == RuleOutcome::Violated && !self.accepts_all(finding)
            });
            let (mut claims_of, mut flows) = (run.claims.iter(), run.flows.iter());
            if violated
                || claims_of.any(|claim| claim.verdict == ClaimVerdict::Contradicted)
                || flows.any(|flow| new.contains(&*flow.found.flow))
                || verdict(VerdictOutcome::Found)
            {
                return GateCode::Refused;
            }
            let open = run.rules.iter().filter(counts).any(|finding| {
                finding.effect != Effect::Allow
                    && finding.outcome.is_open()
                    && rules.contains(&(policy, &*finding.id))
            });
            let untested = run.claims.iter().any(|claim| {
                claim.verdict == ClaimVerdict::NotTestable && claims.contains(&(policy, &*claim.id))
            });
            match open
                || untested
                || verdict(VerdictOutcome::Inconclusive)
                || doubt_of_run(&run.record).is_some()
            {
                true => GateCode::Inconclusive,
                false => GateCode::Clean,
            }
        });
        codes.collect()
    }

    /// Runs that are held against nothing: there the verdicts count.
    pub fn unjudged_runs(&self) -> impl Iterator<Item = &Judged<'_>> {
        let nothing = self.baseline.is_none() && self.incomparable.is_none();
        let runs = self.runs.iter();
        runs.filter(move |run| nothing && run.policy.is_none())
    }

    fn unjudged(&self, outcome: VerdictOutcome) -> bool {
        self.unjudged_runs().any(|run| {
            let verdicts = run.verdicts.all();
            verdicts
                .iter()
                .any(|(_, verdict)| verdict.outcome == outcome)
        })
    }
}
