//! What a policy makes of a run: `rules` and `claims` in `data/findings.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Outcome;

/// What came of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleFinding {
    pub id: String,
    pub effect: Effect,
    pub severity: Severity,
    pub reason: Option<String>,
    /// Line of the policy, counted from 1.
    pub line: u64,
    pub outcome: RuleOutcome,
    /// In words: what was found, or what proves that it was looked for, or what keeps it from being known.
    pub why: String,
    /// Pages that were reached, and that the rule looks at: without one nothing passes.
    pub reached: Vec<Reached>,
    /// Of the rule's globs, those that match no page that was reached.
    pub not_reached: Vec<String>,
    /// What matches: of a deny its violations, of a require what it asks for, of an allow what it allows.
    pub matches: Vec<RuleMatch>,
    /// What it would match, but for an allow that names it under `except`; with that allow's id.
    pub excepted: Vec<Excepted>,
}

/// What came of one claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimFinding {
    pub id: String,
    pub says: String,
    pub source: String,
    /// Line of the policy, counted from 1.
    pub line: u64,
    pub verdict: ClaimVerdict,
    pub why: String,
    /// True if it is the policy that says so, and not this run's doing.
    pub by_policy: bool,
    /// There was something to look at, and what it comes to is not known.
    pub doubtful: bool,
    pub reached: Vec<Reached>,
    pub not_reached: Vec<String>,
    /// What contradicts it.
    pub matches: Vec<RuleMatch>,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    Deny,
    Allow,
    Require,
}

impl Effect {
    pub fn as_str(self) -> &'static str {
        match self {
            Effect::Deny => "deny",
            Effect::Allow => "allow",
            Effect::Require => "require",
        }
    }
}

/// What a violation of the rule means for the exit code: `error` counts, the others are reported. SARIF's levels.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    #[default]
    Error,
    Warning,
    Note,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// The gravest first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RuleOutcome {
    Violated,
    /// Nothing was found, and not all that was sent is known or could be searched.
    Inconclusive,
    Passed,
    /// The run reached nothing that the rule looks at.
    Unreachable,
}

impl RuleOutcome {
    pub fn as_str(self) -> &'static str {
        match self {
            RuleOutcome::Violated => "violated",
            RuleOutcome::Inconclusive => "inconclusive",
            RuleOutcome::Passed => "passed",
            RuleOutcome::Unreachable => "unreachable",
        }
    }

    /// Neither violated nor passed: what it looks at was not reached, or not all of that is known.
    pub fn is_open(self) -> bool {
        matches!(self, RuleOutcome::Inconclusive | RuleOutcome::Unreachable)
    }
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ClaimVerdict {
    Contradicted,
    NotContradicted,
    NotTestable,
}

impl ClaimVerdict {
    /// As a person reads it.
    pub fn as_str(self) -> &'static str {
        match self {
            ClaimVerdict::Contradicted => "contradicted",
            ClaimVerdict::NotContradicted => "not contradicted by this run",
            ClaimVerdict::NotTestable => "not testable here",
        }
    }
}

/// A page that was reached: the proof that it was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reached {
    /// Without query and fragment.
    pub page: String,
    /// Steps during which it was open; empty where there are no steps.
    pub steps: Vec<u32>,
    /// How the banner had been answered by then: `accept`, `reject`, `unanswered`.
    pub consent: Vec<String>,
}

/// Requests that came to the same, as a baseline has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleMatch {
    /// The baseline's line: page template, recipient, endpoint, event, fields, verdicts, with tabs between them.
    pub flow: String,
    /// The page that matched, without query and fragment; null where none is known.
    pub page: Option<String>,
    /// How it is known to belong to that page.
    pub page_from: Option<PageFrom>,
    pub recipient: Option<String>,
    pub host: String,
    /// The event's name, where a decoder reads it.
    pub event: Option<String>,
    /// What was told, in words: `cd[buttonText] = Report a sexual offence`, `form:udff[em] ← sha256 ← lower ← email`.
    pub told: Vec<String>,
    /// What ties it to a person or a browser: `cookie:c_user = 100000000000001`.
    pub identity: Vec<String>,
    pub method: String,
    /// Complete, of the first of the requests.
    pub url: String,
    pub step: Option<u32>,
    /// Line of the scenario where that step stands.
    pub step_line: Option<u64>,
    pub consent: String,
    pub sent: Option<bool>,
    pub outcome: Outcome,
    /// Ids of the requests, in order.
    pub exchanges: Vec<String>,
    /// Ids of their evidence records.
    pub events: Vec<String>,
    /// Nothing of this certainty violates anything: it may be chance.
    pub suspected: bool,
}

/// How a request is known to belong to a page.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PageFrom {
    /// It was made by that page.
    Document,
    /// It names the page as the one that the event happened on.
    PageAddress,
    /// It names the page as where the visitor came from.
    Referrer,
    /// Somebody else's frame or a worker made it while that page was open.
    OpenPage,
}

impl PageFrom {
    /// As a person reads it.
    pub fn as_str(self) -> &'static str {
        match self {
            PageFrom::Document => "made on it",
            PageFrom::PageAddress => "named as the page",
            PageFrom::Referrer => "named as where the visitor came from",
            PageFrom::OpenPage => "made while it was open",
        }
    }
}

/// What an exception lets through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Excepted {
    /// Id of the allow.
    pub by: String,
    pub flow: String,
    /// Ids of the requests, in order.
    pub exchanges: Vec<String>,
}
