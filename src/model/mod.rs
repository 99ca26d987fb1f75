//! Plain data that every other room speaks: what was sent ([`Exchange`]), what it meant
//! ([`TrackerEvent`]), and how the run that saw it went ([`RunRecord`]). Knows no other room.

use std::fmt::Display;

mod event;
mod exchange;
mod findings;
mod har;
mod index;
mod moment;
mod recipient;
mod ruling;
mod run;
mod shared;

pub use event::{
    Confidence, EventClass, EventKind, IdentitySignal, Parameter, Place, Strength, TrackerEvent,
    Transport, UserDatum, ValueForm,
};
pub use exchange::{
    BodyState, Cookie, Exchange, Facts, Origin, Outcome, Party, Remote, ResponseBody, Source,
    UrlParts, WebSocketFrame, registrable_domain, without_fragment,
};
pub use findings::{
    ByteRange, Candidate, Certainty, ControlRun, Controls, Findings, IdentityLink, Leak,
    LeakExtent, Observation, PageContext, Searched, SearchedCanary, SearchedExchanges, Submission,
    SuspectedField, TopicMatch, Transforms, Verdict, VerdictOutcome, Verdicts,
};
pub use har::HarExtension;
pub use index::{
    EntryState, INDEX_FORMAT, Index, IndexEntry, PlanRecord, SetAside, ShardRecord, VerdictOutcomes,
};
pub use moment::Moment;
pub use recipient::{companies_of_product, is_library, recipient, recipients};
pub use ruling::{
    ClaimFinding, ClaimVerdict, Effect, Excepted, PageFrom, Reached, RuleFinding, RuleMatch,
    RuleOutcome, Severity,
};
pub use run::{
    Area, AuditRecord, AuditVerdict, BodyAudit, BrowserRecord, CanaryRecord, ClocksRecord,
    ConsentOutcome, ConsentRecord, ContainmentRecord, Counts, FORMAT, Guarded, HostRecord,
    IdentityRecord, JourneyRecord, JourneyState, PointedRecord, PolicyRecord, Problem,
    RedactedValue, RedactionRecord, Residual, Residue, RunRecord, ScenarioRecord, ServerClock,
    StepRecord, StepState, ToolRecord,
};
pub use shared::{Headers, JsonText, Pool};

/// `1 page`, `2 pages`.
pub(crate) fn count<N: Display + PartialEq + From<u8>>(number: N, what: &str) -> String {
    let plural = if number == N::from(1) { "" } else { "s" };
    format!("{number} {what}{plural}")
}
