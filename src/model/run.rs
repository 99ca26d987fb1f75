//! How a run went: `data/run.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Moment, Origin};

/// The bundle's format that is written, and the newest that is understood.
pub const FORMAT: u32 = 1;

/// The run, from the tool that made it to the counts of what it saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunRecord {
    /// Version of the bundle's format; [`FORMAT`] is what this program writes. 0 in bundles from before it was counted.
    #[serde(default)]
    pub format: u32,
    pub tool: ToolRecord,
    /// The machine that it ran on.
    #[serde(default)]
    pub host: HostRecord,
    pub browser: Option<BrowserRecord>,
    pub scenario: ScenarioRecord,
    /// What the run is held against; null where there is none.
    #[serde(default)]
    pub policy: Option<PolicyRecord>,
    pub started: Moment,
    /// Null while the run goes on, and for ever if it was killed.
    pub finished: Option<Moment>,
    #[serde(default)]
    pub clocks: ClocksRecord,
    /// The options that the run was started with, by their names on the command line.
    pub options: Value,
    /// Unique values that were typed or planted, so that they can be recognised.
    pub canaries: Vec<CanaryRecord>,
    pub journey: JourneyRecord,
    /// How each consent banner was answered; empty if none was to be.
    #[serde(default)]
    pub consent: Vec<ConsentRecord>,
    /// The cookies that play a logged-in visitor.
    #[serde(default)]
    pub identity: Vec<IdentityRecord>,
    #[serde(default)]
    pub containment: ContainmentRecord,
    /// Variables of the environment whose values were typed, and are written down nowhere.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Why `data/cdp.jsonl` and `data/netlog.json.gz` are not in the bundle; null where they are.
    #[serde(default)]
    pub sources_left_out: Option<String>,
    /// What was taken out of this edition; null in an original.
    #[serde(default)]
    pub redaction: Option<RedactionRecord>,
    pub audit: AuditRecord,
    pub counts: Counts,
    /// What went wrong or could not be established. Empty is good.
    pub problems: Vec<Problem>,
}

impl RunRecord {
    /// Whether something that must not be written down was sent: a real visitor's cookies, or what was typed from the
    /// environment.
    pub fn has_secrets(&self) -> bool {
        !self.secrets.is_empty() || self.identity.iter().any(|cookie| cookie.secret)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolRecord {
    pub name: String,
    pub version: String,
    /// `linux-x86_64`.
    pub platform: String,
    /// The commit that it was built from; `-dirty-` and a digest of what else was in the tree after it, if there was more. Null where it was not built
    /// from a checkout.
    #[serde(default)]
    pub commit: Option<String>,
    /// The container image that it ran in, as `PIXELWITNESS_IMAGE` names it.
    #[serde(default)]
    pub image: Option<String>,
}

impl ToolRecord {
    /// Whether it is this build: what that makes of the same sources is the same.
    pub fn is_this(&self) -> bool {
        let this = ToolRecord::this();
        (&this.version, &this.commit) == (&self.version, &self.commit)
    }

    /// This build.
    pub fn this() -> ToolRecord {
        ToolRecord {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            platform: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
            commit: option_env!("PIXELWITNESS_COMMIT")
                .filter(|commit| !commit.is_empty())
                .map(str::to_owned),
            image: std::env::var("PIXELWITNESS_IMAGE")
                .ok()
                .filter(|image| !image.is_empty()),
        }
    }
}

/// The machine that a run was made on, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostRecord {
    /// As `/etc/os-release` names it.
    pub system: Option<String>,
    /// As `/proc/sys/kernel/osrelease` has it.
    pub kernel: Option<String>,
    pub cpus: u32,
    /// IANA name of the zone that local times are in.
    pub time_zone: Option<String>,
    /// Name servers of `/etc/resolv.conf`, in order.
    pub resolvers: Vec<String>,
    /// The address that sites saw. Nothing here can know it without asking somebody; `PIXELWITNESS_EGRESS` says it.
    pub egress: Option<String>,
}

/// Clocks beside the machine's own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClocksRecord {
    /// Seconds from `started` to `finished` by the clock that nobody can set; what the wall clock says differs where it
    /// was set meanwhile.
    pub monotonic: Option<f64>,
    /// What servers' `Date` headers say of the wall clock, a host each.
    pub servers: Vec<ServerClock>,
}

/// A server's clock beside ours. A `Date` header has whole seconds, and was written between the request and the answer: each
/// answer bounds the offset, and all of them together more closely.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerClock {
    pub host: String,
    /// Answers that were counted: from the network, and no store on the way had kept them.
    pub answers: u32,
    /// The server's clock is ahead of ours by at least this much; milliseconds, negative if it is behind.
    pub at_least: i64,
    /// And by at most this much. Less than `at_least`: the host's machines do not agree among themselves.
    pub at_most: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrowserRecord {
    pub path: String,
    /// As the browser says it (`Chrome/156.0.8078.79`).
    pub version: String,
    pub flags: Vec<String>,
    /// What the profile was when the run began.
    #[serde(default)]
    pub profile: String,
    /// The user agent that pages were shown.
    pub user_agent: String,
    /// True if pages could see that the browser is automated.
    pub declared_automation: bool,
    /// Where it ran, if that was elsewhere: host and port of its WebSocket. Then it had no network log for us, and what was
    /// really sent is not known.
    #[serde(default)]
    pub elsewhere: Option<String>,
    /// Null where it is not known.
    pub sandbox: Option<bool>,
    /// Why there was no sandbox.
    pub sandbox_reason: Option<String>,
    /// The kernel would have ended it in the moment in which the run's process ended. Otherwise what was paused is let go if
    /// that is killed, and may reach the site.
    #[serde(default)]
    pub killed_with_run: bool,
    /// `allow` or `block`; `unknown` where it is not ours to set.
    pub third_party_cookies: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioRecord {
    pub title: String,
    pub path: String,
    /// Of the exact bytes, kept in `data/scenario.yaml`.
    pub sha256: String,
    pub origin: String,
    /// What the scenario says may be sensitive about the pages.
    pub topics: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyRecord {
    /// As it was given.
    pub path: String,
    /// Of the exact bytes, kept in `data/policy.yaml`.
    pub sha256: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CanaryRecord {
    pub name: String,
    /// `email`, `phone`, `text`… or `cookie` for a planted one.
    pub kind: String,
    pub value: String,
    /// Steps that typed it, counted from 1.
    pub typed_in: Vec<u32>,
    /// Fields that they typed it into, as the scenario names them.
    #[serde(default)]
    pub typed_into: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JourneyRecord {
    pub state: JourneyState,
    pub steps: Vec<StepRecord>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JourneyState {
    Running,
    Completed,
    /// A step could not be done.
    Failed,
    /// The browser, or the connection to it, ended before the journey did; or it never came up.
    BrowserLost,
    /// The person stopped it.
    Interrupted,
    TimedOut,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepRecord {
    /// Counted from 1.
    pub number: u32,
    /// `click`.
    pub kind: String,
    /// `click "text/Report"`: as a person would say it; canaries by name.
    pub what: String,
    /// Line of the scenario.
    pub line: u64,
    pub state: StepState,
    pub started: Option<Moment>,
    pub ended: Option<Moment>,
    /// The page's address after the step.
    pub page: Option<String>,
    /// What a visitor saw after the step, which is what they saw before the next; relative to the bundle.
    #[serde(default)]
    pub screenshot: Option<String>,
    /// What the visitor pointed at: clicked, hovered over or typed into; null where there was nothing of the kind.
    #[serde(default)]
    pub pointed: Option<PointedRecord>,
    pub problem: Option<String>,
    /// Things worth knowing that were no failure.
    pub notes: Vec<String>,
}

/// An element that the visitor pointed at. Both areas are from the corner of what is seen of the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PointedRecord {
    pub element: Area,
    /// What the picture shows of it: all that is seen, or a band across around the element.
    pub shown: Area,
    /// What the visitor saw then: the last step's picture, or one of its own where the page may look otherwise by now; relative
    /// to the bundle. Null: no picture was to be had.
    pub screenshot: Option<String>,
}

/// In CSS pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Area {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Area {
    /// To the hundredth: it reads back as it was written.
    pub fn new(x: f64, y: f64, width: f64, height: f64) -> Area {
        let [x, y, width, height] =
            [x, y, width, height].map(|length| (length * 100.0).round() / 100.0);
        Area {
            x,
            y,
            width,
            height,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    NotReached,
    Done,
    Failed,
}

/// One try to answer a consent banner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentRecord {
    /// The step that it came after, or that it was.
    pub step: u32,
    /// `reject` or `accept`.
    pub answer: String,
    /// Where it was looked for.
    pub page: String,
    pub outcome: ConsentOutcome,
    /// The platform that it was recognised as, `by its words`, or `the scenario's`.
    pub banner: Option<String>,
    /// What was clicked, in order.
    pub clicks: Vec<String>,
    /// When the last click was made: what was told from then on was told after the answer.
    pub answered: Option<Moment>,
    pub why: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsentOutcome {
    /// It was clicked, and went.
    Answered,
    /// None was recognised.
    NoBanner,
    /// It was recognised, and could not be answered, or did not go.
    Failed,
}

/// A cookie that was planted, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityRecord {
    pub name: String,
    pub domain: String,
    /// Its value is not written down.
    pub secret: bool,
    /// Requests that carried it.
    pub sent: u64,
    /// Requests that the browser kept it back from.
    pub withheld: u64,
    /// Why it did, in CDP's words, each once.
    pub reasons: Vec<String>,
}

/// What was kept from leaving.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContainmentRecord {
    /// `all-but-reports`, `all`, `first-party` or `none`.
    pub deliver: String,
    /// Address of the sink on this machine that took what cannot be stopped in the browser.
    pub sink: Option<String>,
    /// Requests that were kept from leaving.
    pub contained: u64,
    /// Of these, those that went to the sink.
    pub sunk: u64,
    /// From when on how much was contained of what may file a report; each until the next.
    #[serde(default)]
    pub guarded: Vec<Guarded>,
    /// Requests that left although they were not to: empty is good.
    pub slipped: Vec<String>,
}

/// From when on how much is contained of what may file a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Guarded {
    pub from: Moment,
    /// `changes`: what changes something; `submitting`: pages and reads by script too.
    pub what: String,
    /// Host that the form names as its action.
    pub action_host: Option<String>,
}

/// What was taken out of an edition that is shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedactionRecord {
    /// SHA-256 of the original's tag manifest, which is kept in `data/original/`.
    pub original: String,
    /// Values that were taken out wherever they stood, each by its mark `[redacted:NAME:DIGEST]`.
    pub values: Vec<RedactedValue>,
    /// Files of the original that are not in this edition, without its bodies, whose names are their digests.
    pub removed: Vec<String>,
    /// How many of its bodies are not.
    pub bodies: u64,
    /// Exchanges of which the query, headers, cookies, body and messages were taken out altogether, by id.
    pub emptied: Vec<String>,
}

/// A value that can be disclosed later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedactedValue {
    pub name: String,
    /// `base64url(sha256(base64url([salt, name, value])))` (RFC 9901, 4.2.3).
    pub digest: String,
}

/// What was recorded, held against Chromium's own network log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditRecord {
    pub verdict: AuditVerdict,
    /// Why the verdict is not `complete`; empty if it is.
    pub reasons: Vec<String>,
    /// The log's end is missing; what stands before it was used.
    pub truncated: bool,
    /// Requests that the network log shows as sent.
    pub sent: u64,
    /// Of these, those in `exchanges.jsonl`.
    pub recorded: u64,
    /// Of these, those that CDP told of too.
    pub matched: u64,
    /// Requests that one source alone has.
    pub in_one_source: Vec<Residual>,
    pub bodies: BodyAudit,
    /// Every address that a connection was opened to, or a UDP packet sent to.
    pub addresses: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditVerdict {
    /// Every request that was sent is recorded, from both sides, with its exact body.
    Complete,
    /// Every request that was sent is recorded with its exact body; some are known from one source alone.
    CompleteWithListedResiduals,
    /// Something that was sent, or may have been, is not recorded as it was.
    Incomplete,
    /// There is no network log to hold the record against.
    #[default]
    AuditUnavailable,
    /// It is no run, but a file by another tool: what that missed is unknown, and is not counted against it.
    OfFile,
}

impl AuditVerdict {
    /// As a person reads it.
    pub fn as_str(self) -> &'static str {
        match self {
            AuditVerdict::Complete => "complete",
            AuditVerdict::CompleteWithListedResiduals => "complete with listed residuals",
            AuditVerdict::Incomplete => "incomplete",
            AuditVerdict::AuditUnavailable => "audit unavailable",
            AuditVerdict::OfFile => "a file by another tool",
        }
    }
}

/// A request that one source alone has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Residual {
    /// Id of the exchange that was made of it.
    pub exchange: String,
    pub method: String,
    pub url: String,
    pub seen_by: Residue,
    pub origin: Origin,
    /// What is known of why the other side does not have it.
    pub note: String,
}

/// Which side a residual was seen by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Residue {
    /// The network log has it as sent, CDP does not have it.
    NetLog,
    /// CDP tells of an answer from the network, and the log does not have the request.
    Cdp,
}

/// How request bodies compare.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BodyAudit {
    /// Bodies that both CDP and the log have in full.
    pub compared: u64,
    /// Of these, the equal ones. Of the others the log's was kept: it is what was sent.
    pub equal: u64,
    /// Bodies that the log alone has in full.
    pub from_log: u64,
    /// Bodies of which only a part was sent, since the connection or the page gave up: that part is kept.
    pub cut: u64,
    /// Bodies of sent requests of which it is not known what was sent.
    pub missing: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    pub exchanges: u64,
    pub third_party: u64,
    pub contained: u64,
    /// Tracker events, deliveries of the same event counted once.
    pub events: u64,
}

/// Something that went wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// `journey`, `capture` or `containment`: failures of these are different things.
    pub area: String,
    pub message: String,
    pub help: Option<String>,
}
