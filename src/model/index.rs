//! What came of the journeys of a batch: `index.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Counts, JourneyState, Moment, ToolRecord, VerdictOutcome};

/// The index's format that is written, and the newest that is understood.
pub const INDEX_FORMAT: u32 = 1;

/// A batch: its journeys, and what came of each. Written anew after every journey, so that it is never more than one behind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Index {
    pub format: u32,
    pub tool: ToolRecord,
    pub plan: PlanRecord,
    /// The share of the plan that this is; null where it is all of it.
    pub shard: Option<ShardRecord>,
    pub started: Moment,
    /// Null while the batch goes on, and for ever if it was killed.
    pub finished: Option<Moment>,
    /// What the command came to; null until then.
    pub exit_code: Option<u8>,
    /// In the plan's order.
    pub journeys: Vec<IndexEntry>,
    /// Bundles of attempts that did not come to their end, or were not as they had been sealed: kept, and made again.
    pub set_aside: Vec<SetAside>,
}

/// All journeys that were asked for, over all shares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanRecord {
    pub journeys: u64,
    /// Digest of their names and scenarios: the same in every share of one plan. Null where bundles were gathered without.
    pub sha256: Option<String>,
}

/// One of the shares that a plan was dealt into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShardRecord {
    /// Counted from 1.
    pub index: u32,
    pub of: u32,
}

/// One journey.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IndexEntry {
    /// Unique in the batch; also where its bundle is, seen from the index.
    pub name: String,
    pub title: String,
    /// Path of the scenario, as the command had it.
    pub scenario: String,
    pub scenario_sha256: String,
    /// The answer to consent banners that was asked for; null: the scenario's own.
    pub consent: Option<String>,
    pub state: EntryState,
    /// The bundle, relative to the index; null where there is none.
    pub bundle: Option<String>,
    /// Digest of its `manifest-sha256.txt`, and by that of every file that was recorded.
    pub manifest_sha256: Option<String>,
    /// To compare by telephone; the same for journeys that told the same.
    pub evidence_digest: Option<String>,
    /// What it adds to the batch's: 1 something was found in it, 3 not everything is known of it; null until it was made,
    /// and by a baseline until all were.
    pub exit_code: Option<u8>,
    pub started: Option<Moment>,
    pub finished: Option<Moment>,
    pub steps: u32,
    pub steps_done: u32,
    pub counts: Counts,
    pub verdicts: Option<VerdictOutcomes>,
    /// Ids of rules that are violated, by severity `error`.
    pub violated: Vec<String>,
    /// Ids of claims that are contradicted.
    pub contradicted: Vec<String>,
    /// What went wrong, or could not be established. Empty is good.
    pub problems: Vec<String>,
}

/// How far a journey came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryState {
    /// It was not begun, or its end was not seen.
    Waiting,
    Completed,
    /// A step could not be done.
    Failed,
    /// The browser, or the connection to it, ended first.
    BrowserLost,
    /// The person stopped it.
    Interrupted,
    TimedOut,
    /// There is no bundle, or none that could be finished.
    NotMade,
}

/// The three verdicts, without their reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerdictOutcomes {
    pub typed_value: VerdictOutcome,
    pub page_context: VerdictOutcome,
    pub identity_link: VerdictOutcome,
}

/// A bundle that does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetAside {
    /// The journey's.
    pub name: String,
    /// Relative to the index.
    pub bundle: String,
    pub why: String,
}

impl EntryState {
    pub fn as_str(self) -> &'static str {
        match self {
            EntryState::Waiting => "waiting",
            EntryState::Completed => "completed",
            EntryState::Failed => "failed",
            EntryState::BrowserLost => "browser_lost",
            EntryState::Interrupted => "interrupted",
            EntryState::TimedOut => "timed_out",
            EntryState::NotMade => "not_made",
        }
    }

    /// Whether there is a result that making the journey again would only repeat: it came to its end, or a step of it could
    /// not be done, or its time was up. A browser that was lost, and a person who stopped it, say nothing of the site.
    pub fn is_settled(self) -> bool {
        matches!(
            self,
            EntryState::Completed | EntryState::Failed | EntryState::TimedOut
        )
    }
}

impl IndexEntry {
    /// It is to be made again: what came of it before counts no more.
    pub fn undo(&mut self) {
        self.state = EntryState::Waiting;
        self.bundle = None;
        self.manifest_sha256 = None;
        self.evidence_digest = None;
        self.exit_code = None;
        self.started = None;
        self.finished = None;
        self.steps_done = 0;
        self.counts = Counts::default();
        self.verdicts = None;
        self.violated.clear();
        self.contradicted.clear();
        self.problems.clear();
    }
}

impl From<JourneyState> for EntryState {
    fn from(state: JourneyState) -> EntryState {
        match state {
            JourneyState::Running => EntryState::Waiting,
            JourneyState::Completed => EntryState::Completed,
            JourneyState::Failed => EntryState::Failed,
            JourneyState::BrowserLost => EntryState::BrowserLost,
            JourneyState::Interrupted => EntryState::Interrupted,
            JourneyState::TimedOut => EntryState::TimedOut,
        }
    }
}

impl VerdictOutcomes {
    /// By name, in the order in which they are told.
    pub fn all(self) -> [(&'static str, VerdictOutcome); 3] {
        [
            ("typed_value", self.typed_value),
            ("page_context", self.page_context),
            ("identity_link", self.identity_link),
        ]
    }
}
