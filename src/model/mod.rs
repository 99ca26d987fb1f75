//! Plain data that every other room speaks: what was sent ([`Exchange`]), what it meant
//! ([`TrackerEvent`]), and how the run that saw it went ([`RunRecord`]). Knows no other room.

mod event;
mod exchange;
mod moment;
mod recipient;
mod run;

pub use event::{
    EventClass, EventKind, IdentitySignal, Parameter, Place, Strength, TrackerEvent, Transport,
    UserDatum, ValueForm,
};
pub use exchange::{
    BodyState, Cookie, Exchange, Outcome, Party, Remote, Source, WebSocketFrame, registrable_domain,
};
pub use moment::Moment;
pub use recipient::recipient;
pub use run::{
    BrowserRecord, CanaryRecord, Counts, JourneyRecord, JourneyState, NetLogRecord, Problem,
    RunRecord, ScenarioRecord, StepRecord, StepState, ToolRecord,
};
