//! What a run found: `data/findings.json`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClaimFinding, Moment, Outcome, Party, RuleFinding, Strength};

/// The three verdicts, what they rest on, and what was searched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Findings {
    pub verdicts: Verdicts,
    /// What was typed and left: the evidence of `typed_value`.
    pub leaks: Vec<Leak>,
    /// What the pages are about, and was told: the evidence of `page_context`.
    pub contexts: Vec<PageContext>,
    /// What ties it to a person or a browser: the evidence of `identity_link`.
    pub identities: Vec<IdentityLink>,
    /// Outcomes of a policy's rules; empty without a policy.
    pub rules: Vec<RuleFinding>,
    /// Verdicts on claims; empty without a policy.
    pub claims: Vec<ClaimFinding>,
    pub searched: Searched,
    /// What other journeys say of it: null where none were made.
    pub controls: Option<Controls>,
}

/// The same journey with other canaries, with nothing typed, and as it was, once more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Controls {
    pub runs: Vec<ControlRun>,
    /// What they make of leaks that were suspected, by the leak's id.
    pub leaks: BTreeMap<String, Certainty>,
    /// Fields whose values follow what was typed, and cannot be decoded: suspected, never found.
    pub fields: Vec<SuspectedField>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ControlRun {
    /// `other_canaries`, `nothing`, or `as_written` for the same journey again.
    pub typing: String,
    /// Path of its bundle, as the command had it.
    pub bundle: String,
    /// Whether it came to its end, and all that it sent is known: if not, it says nothing.
    pub completed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuspectedField {
    pub recipient: Option<String>,
    pub host: String,
    pub path: String,
    /// `form:x`
    pub place: String,
    /// Id of an exchange that carried it.
    pub exchange: String,
    /// Complete.
    pub url: String,
    /// The value, the same whenever the same was typed; long ones are cut.
    pub value: String,
    /// What stood there with other canaries.
    pub with_other_canaries: Vec<String>,
    /// What stood there when nothing was typed.
    pub with_nothing_typed: Vec<String>,
}

/// Independent of each other, and never merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verdicts {
    /// Whether a canary left, in any form.
    pub typed_value: Verdict,
    /// Whether the page's address, title, button, field names or link target was told to a third party.
    pub page_context: Verdict,
    /// Whether a value that ties it to a person or a browser went with it: in a request that told a canary or a context.
    pub identity_link: Verdict,
}

impl Verdicts {
    /// By name, in the order in which they are told.
    pub fn all(&self) -> [(&'static str, &Verdict); 3] {
        [
            ("typed_value", &self.typed_value),
            ("page_context", &self.page_context),
            ("identity_link", &self.identity_link),
        ]
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    pub outcome: VerdictOutcome,
    /// What was found, or what was searched, in words.
    pub why: String,
    /// Ids of what it rests on, among `leaks`, `contexts` or `identities`.
    pub evidence: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerdictOutcome {
    Found,
    /// Not in this search set: `searched` says what that is.
    NotFound,
    /// Nothing was found, and not everything that was sent is known, or the journey did not come to its end.
    Inconclusive,
    /// There was nothing to look for: the journey typed no canary.
    NotTested,
}

impl VerdictOutcome {
    /// As a person reads it.
    pub fn as_str(self) -> &'static str {
        match self {
            VerdictOutcome::Found => "found",
            VerdictOutcome::NotFound => "not found",
            VerdictOutcome::Inconclusive => "inconclusive",
            VerdictOutcome::NotTested => "not tested",
        }
    }
}

/// Something typed that was told, and how it got there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Leak {
    /// `l0001`
    pub id: String,
    /// The canary's name.
    pub canary: String,
    /// The canary's kind.
    pub kind: String,
    /// Fields that it was typed into, as the scenario names them.
    pub fields: Vec<String>,
    /// Steps that typed it.
    pub typed_in: Vec<u32>,
    pub certainty: Certainty,
    pub extent: LeakExtent,
    /// Company behind the host, where it is known.
    pub recipient: Option<String>,
    pub host: String,
    /// `first` for a host of the site's own that plays a tracker's.
    pub party: Party,
    /// Id of the exchange.
    pub exchange: String,
    pub method: String,
    /// Complete.
    pub url: String,
    /// `form:udff[em]`
    pub place: String,
    /// `form:udff[em] ← sha256 ← lower ← email`: from what was sent back to what was typed.
    pub chain: String,
    /// What stood there, without the escapes of its place; long ones are cut.
    pub value: String,
    /// Bytes in the URL, the header's or cookie's value, the body or the message, where they are known.
    pub range: Option<ByteRange>,
    /// A line for a POSIX shell that goes the chain with standard tools; null where they cannot.
    pub shell: Option<String>,
    pub step: Option<u32>,
    pub time: Option<Moment>,
    /// As the exchange has it: null where it could not be established.
    pub sent: Option<bool>,
    pub outcome: Outcome,
    pub submission: Submission,
    /// How the consent banner had been answered by then: `accept`, `reject`, `unanswered`; `unknown` without a run.
    pub consent: String,
}

/// From `start` to before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ByteRange {
    pub start: u64,
    pub end: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    Found,
    /// It may be chance (a hash of 32 bits), or it cannot be decoded: never counted as found.
    Suspected,
    /// It was suspected, and other canaries changed it just so.
    Confirmed,
    /// It was suspected, and stood there just so when something else was typed, or nothing: it was chance.
    Refuted,
}

/// How much of a canary left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "what", deny_unknown_fields)]
pub enum LeakExtent {
    Whole,
    /// Its beginning alone, as it was typed up to then or cut off.
    Part {
        characters: u64,
        of: u64,
    },
    /// In pieces that stood in different parameters.
    Split {
        pieces: u64,
    },
    /// A few keys at a time.
    Keystrokes {
        values: u64,
    },
}

/// Whether the visitor had sent the form by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Submission {
    /// Typed, and not sent by the visitor.
    Before,
    /// During the step that sends it.
    With,
    After,
    /// The journey never sends it.
    Never,
    /// It is not known when the visitor sent it, if at all.
    Unknown,
}

/// Something that says what a page is about, and was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageContext {
    /// `p0001`
    pub id: String,
    /// What was told, word for word, and where it stood.
    pub observation: Observation,
    /// What of the scenario's topics that is; null where there are none to hold it against.
    pub topic: Option<TopicMatch>,
    /// What it may be in law: for legal review, never asserted.
    pub candidate: Option<Candidate>,
    pub recipient: Option<String>,
    pub host: String,
    /// Ids of the exchanges that told it, in order.
    pub exchanges: Vec<String>,
    /// Complete, of the first of them.
    pub url: String,
    /// Step of the first of them.
    pub step: Option<u32>,
    /// Whether the first of them left.
    pub sent: Option<bool>,
    pub outcome: Outcome,
    pub consent: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// `page address`, `referrer`, `cd[buttonText]`, `query:u`…
    pub place: String,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TopicMatch {
    /// As the scenario has it.
    pub topic: String,
    /// The words that matched.
    pub matched: String,
    /// Where the topic comes from.
    pub rule: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// A term of the W3C Data Privacy Vocabulary.
    pub category: String,
    pub because: String,
    /// `for legal review`
    pub status: String,
}

/// A value that ties what was told to a person or a browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityLink {
    /// `i0001`
    pub id: String,
    /// `cookie:c_user`, `udff[em]`, `fbp`…
    pub signal: String,
    pub value: String,
    pub strength: Strength,
    /// The value was planted for this run.
    pub planted: bool,
    pub recipient: String,
    /// Ids of the evidence records that it went with.
    pub events: Vec<String>,
    /// Ids of their exchanges.
    pub exchanges: Vec<String>,
    /// Complete, of the first of them.
    pub url: String,
    /// Whether the first of them left.
    pub sent: Option<bool>,
    pub consent: String,
}

/// What was looked for, how and where: what "not found" means.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Searched {
    pub canaries: Vec<SearchedCanary>,
    pub transforms: Transforms,
    pub places: Vec<String>,
    pub exchanges: SearchedExchanges,
    /// The scenario's topics, for `page_context`.
    pub topics: Vec<String>,
    /// Evidence records that were looked at, for `page_context` and `identity_link`.
    pub events: u64,
    /// What was not searched, and why: empty is good.
    pub limits: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchedCanary {
    pub name: String,
    pub kind: String,
    pub value: String,
    /// Empty if it was not typed, or that is not known.
    pub typed_in: Vec<u32>,
    /// As typed and normalised: each is looked for as it is, and hashed.
    pub forms: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transforms {
    /// Texts that are looked for as they stand.
    pub texts: u64,
    /// Digests that were made beforehand, chains of two included.
    pub digests: u64,
    pub algorithms: Vec<String>,
    /// What is undone where it is met.
    pub encodings: Vec<String>,
    /// Encodings on top of each other that are undone.
    pub depth: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchedExchanges {
    /// Requests to third parties, and to hosts of the site that play a tracker's.
    pub told: u64,
    /// Requests to the site itself; they are looked through too, and what they hold is no leak.
    pub own: u64,
    /// Of these, those that hold a canary: what the site was sent.
    pub own_holding: u64,
    /// Values that were looked through, in all of them.
    pub values: u64,
}
