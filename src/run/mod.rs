//! One run, from a scenario to a bundle: launches, watches, replays, reconciles, keeps. Ties the rooms together.

mod again;
mod archive;
mod clocks;
mod containment;
mod file;
mod finish;
mod host;
mod journey;
mod judge;
mod record;
mod recorder;
mod redact;
mod secrets;
mod verify;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use url::Url;

pub use self::again::{AuditError, Audited, audit_bundle};
pub use self::archive::archive;
pub use self::file::{AboutFile, FileError, of_file};
use self::finish::finish;
use self::journey::JourneyEnd;
use self::judge::apply_policy;
use self::record::{begin_record, problem};
pub use self::redact::{RedactError, Redacted, Wanted, places, redact};
pub use self::verify::{Check, Proof, Trust, Verification, VerifyError, verify};
use crate::browser::{BrowserError, ConnectTo, Launch, Launched};
use crate::bundle::{self, BundleError, BundleWriter, ReadError, RecordWriter, Scrub, read_body};
use crate::capture::{Assembler, Capture, Containment, Deliver, Guard, Output, Quiet, Told, Watch};
use crate::consent::Rules;
use crate::journey::{IdentityError, Planted, RECORD, cookies_of};
use crate::leak::{self, Case, Side};
use crate::loopback::{LoopbackError, Sink};
use crate::model::{Exchange, Findings, JourneyState, Moment, RunRecord, TrackerEvent};
use crate::policy::{Policy, Traffic};
use crate::report::records;
use crate::scenario::{
    Canary, CanaryKind, Consent, ENVIRONMENT, Recording, Scenario, Seed, ThirdPartyCookies,
};

/// Nothing new in this time: the journey's last requests are out.
const SETTLE_QUIET: Duration = Duration::from_secs(1);

/// How long a browser may take to exit whose window was closed.
const WINDOW_CLOSES_WITHIN: Duration = Duration::from_secs(3);

/// How often it is looked whether a person has closed the last tab.
const LOOK_FOR_TABS: Duration = Duration::from_millis(500);

/// How long the tabs' goodbye traffic may keep quiet before it counts as over: as `--settle` asks, within these.
const GOODBYE_QUIET: (Duration, Duration) = (Duration::from_millis(60), Duration::from_millis(250));

/// How a scenario is to be run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Where the bundle goes; it must not exist, or be empty.
    pub out: PathBuf,
    pub browser: PathBuf,
    pub browser_args: Vec<String>,
    pub connect_to: Vec<ConnectTo>,
    pub insecure: bool,
    /// Base64 SHA-256 digests of public keys to trust besides the authorities.
    pub trusted_keys: Vec<String>,
    pub headed: bool,
    pub no_sandbox: bool,
    pub declare_automation: bool,
    /// For the whole journey.
    pub timeout: Duration,
    pub step_timeout: Duration,
    /// After the last step, wait for quiet at most this long.
    pub settle: Duration,
    pub seed: Seed,
    pub typing: Typing,
    /// What may really leave.
    pub deliver: Deliver,
    /// What is done about consent banners, if it is not what the scenario says.
    pub consent: Option<Consent>,
    /// Rules for banners that we do not recognise ourselves.
    pub consent_rules: Option<Arc<Rules>>,
    /// The origin that the scenario's was replaced by, for the record.
    pub base_url: Option<Url>,
    /// What the run is held against, for its bundle.
    pub policy: Option<Arc<Policy>>,
    /// Whether a picture is taken of what the visitor sees after each step.
    pub screenshots: bool,
}

/// What is typed where the scenario has a canary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Typing {
    #[default]
    AsWritten,
    /// Canaries of other values: a control.
    OtherCanaries,
    /// The field is left as it is: a control.
    Nothing,
}

impl Typing {
    pub fn as_str(self) -> &'static str {
        match self {
            Typing::AsWritten => "as_written",
            Typing::OtherCanaries => "other_canaries",
            Typing::Nothing => "nothing",
        }
    }

    /// The canaries that follow from a seed; planted cookies stay what they are.
    fn canaries(self, seed: &Seed, wanted: &BTreeMap<String, CanaryKind>) -> Vec<Canary> {
        let own = seed.canaries(wanted.iter());
        if self != Typing::OtherCanaries {
            return own;
        }
        // All of them others: of a thousand phone numbers one may come again.
        let is_other = |canaries: &[Canary]| {
            canaries
                .iter()
                .all(|canary| own.iter().all(|own| own.value != canary.value))
        };
        let mut seed = seed.other();
        let mut others = seed.canaries(wanted.iter());
        for _ in 0..1000 {
            if is_other(&others) {
                break;
            }
            seed = seed.other();
            others = seed.canaries(wanted.iter());
        }
        others
    }
}

/// What a run tells while it goes on.
#[derive(Debug)]
pub enum RunEvent<'a> {
    Step {
        number: u32,
        total: usize,
        what: String,
    },
    Told(&'a TrackerEvent),
    /// So many steps were recorded.
    Recorded(usize),
    Settling,
}

/// A finished run: what is in its bundle, in memory.
#[derive(Debug)]
pub struct Run {
    pub bundle: PathBuf,
    pub record: RunRecord,
    pub exchanges: Vec<Exchange>,
    pub events: Vec<TrackerEvent>,
    pub findings: Findings,
}

impl Run {
    /// Reads a run back from its bundle. What a run that was cut short had no time to find is looked for now.
    ///
    /// # Errors
    /// If it is no bundle, or something in it cannot be read.
    pub fn load(root: &Path) -> Result<Run, ReadError> {
        let kept = bundle::read(root)?;
        let findings = kept.findings.unwrap_or_else(|| {
            let case = Case {
                record: &kept.record,
                exchanges: &kept.exchanges,
                events: &kept.events,
            };
            leak::findings(case, |exchange| read_body(root, exchange))
        });
        let mut record = kept.record;
        if record.finished.is_none() {
            record.counts = finish::counts(&kept.exchanges, &kept.events);
        }
        Ok(Run {
            bundle: root.to_owned(),
            record,
            exchanges: kept.exchanges,
            events: kept.events,
            findings,
        })
    }

    /// As policies look at it.
    pub fn traffic(&self) -> Traffic<'_> {
        Traffic {
            record: &self.record,
            exchanges: &self.exchanges,
            events: &self.events,
            findings: &self.findings,
        }
    }

    /// Takes in what other journeys say of it, and writes that down in its bundle.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn control(&mut self, again: &Run, others: &Run, nothing: &Run) -> Result<(), BundleError> {
        let controls = {
            let sides = [&*self, again, others, nothing].map(|run| {
                let body = |exchange: &Exchange| read_body(&run.bundle, exchange);
                (run, body, run.bundle.display().to_string())
            });
            let [ours, again, others, nothing] = sides.each_ref().map(|(run, body, bundle)| Side {
                case: run.case(),
                findings: &run.findings,
                body,
                bundle,
            });
            leak::controls(ours, again, others, nothing)
        };
        leak::control(&mut self.findings, &self.record, controls);
        apply_policy(
            &self.bundle,
            &self.record,
            &self.exchanges,
            &self.events,
            &mut self.findings,
        );
        let bundle = BundleWriter::open(&self.bundle)?;
        bundle.findings(&self.findings)?;
        bundle.close(&self.about())
    }

    /// What `bag-info.txt` says of it.
    fn about(&self) -> Vec<(&'static str, String)> {
        about(&self.record, self.evidence_digest())
    }

    /// Of the evidence without what differs from run to run, to be compared by telephone; see [`records`].
    pub fn evidence_digest(&self) -> String {
        records::digest(self.traffic())
    }

    fn case(&self) -> Case<'_> {
        Case {
            record: &self.record,
            exchanges: &self.exchanges,
            events: &self.events,
        }
    }
}

/// What `bag-info.txt` says of a run.
fn about(record: &RunRecord, digest: String) -> Vec<(&'static str, String)> {
    let scenario = &record.scenario;
    vec![
        ("External-Identifier", record.started.compact()),
        (
            "External-Description",
            format!("{} ({})", scenario.title, scenario.origin),
        ),
        ("Pixelwitness-Evidence-Digest", digest),
    ]
}

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error(transparent)]
    Browser(#[from] BrowserError),
    #[error("failed to make a sink for what must not leave: {0}")]
    Sink(#[from] LoopbackError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error("the scenario types `{{{{env:{0}}}}}`, and {0} is not set, or empty")]
    NoSecret(String),
}

impl RunError {
    pub fn help(&self) -> String {
        match self {
            RunError::Bundle(error) => error.help().to_owned(),
            RunError::Browser(error) => error.help(),
            RunError::Sink(_) => "may this process listen on 127.0.0.1?".to_owned(),
            RunError::NoSecret(name) => {
                format!("set it for this command: `{name}=… pixelwitness run …`")
            }
            RunError::Identity(_) => {
                "export the cookies again, as `cookies.txt` or as JSON".to_owned()
            }
        }
    }
}

/// Replays a scenario and keeps the evidence. `cancel` turns true when the person has had enough; what was recorded up
/// to then is kept, and said to be partial.
///
/// # Errors
/// [`RunError`], where no bundle could be made or no browser could be started. A journey that fails on its way is no
/// error here: it is in the record.
pub async fn run(
    scenario: &Scenario,
    options: &RunOptions,
    cancel: watch::Receiver<bool>,
    tell: &(dyn Fn(RunEvent) + Sync),
) -> Result<Run, RunError> {
    run_with(scenario, options, cancel, tell, None).await
}

/// Opens a page, leaves it to a person, and keeps what they do as a scenario and what was sent meanwhile as evidence.
/// It ends when the person has closed the window, or `cancel` turns true.
///
/// # Errors
/// As for [`run()`].
pub async fn record(
    scenario: &Scenario,
    options: &RunOptions,
    cancel: watch::Receiver<bool>,
    tell: &(dyn Fn(RunEvent) + Sync),
    recording: &Mutex<Recording>,
) -> Result<Run, RunError> {
    run_with(scenario, options, cancel, tell, Some(recording)).await
}

/// What is typed from the environment, by the name that the scenario gives it (`env:SITE_PASSWORD`).
fn typed_secrets(scenario: &Scenario) -> Result<BTreeMap<String, String>, RunError> {
    let mut secrets = BTreeMap::new();
    for name in scenario.secrets() {
        let variable = name.trim_start_matches(ENVIRONMENT);
        match std::env::var(variable) {
            Ok(value) if !value.is_empty() => secrets.insert(name.to_owned(), value),
            _ => return Err(RunError::NoSecret(variable.to_owned())),
        };
    }
    Ok(secrets)
}

async fn run_with(
    scenario: &Scenario,
    options: &RunOptions,
    cancel: watch::Receiver<bool>,
    tell: &(dyn Fn(RunEvent) + Sync),
    recording: Option<&Mutex<Recording>>,
) -> Result<Run, RunError> {
    let began = Instant::now();
    let cookies = cookies_of(&scenario.identities(), scenario.folder(), &options.seed)?;
    // Those that a step plants later are secrets from the beginning.
    let all = cookies_of(&scenario.all_identities(), scenario.folder(), &options.seed)?;
    let typed = typed_secrets(scenario)?;
    let secrets = all.iter().filter(|cookie| cookie.secret);
    let secrets = secrets.map(|cookie| (cookie.name.as_str(), cookie.value.as_str()));
    let secrets = secrets.chain(
        typed
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    let mut bundle = BundleWriter::create(&options.out, &scenario.text)?;
    let mut record = begin_record(scenario, options);
    if let Some(scrub) = Scrub::new(secrets) {
        bundle.keep_out(scrub)?;
        let why = "a real visitor's cookies were used, or a secret typed, and the browser's messages and its network log would hold it";
        record.sources_left_out = Some(why.to_owned());
        record.secrets = typed.keys().cloned().collect();
    }
    if let Some(policy) = &options.policy {
        bundle.policy(&policy.text)?;
    }
    let first_party = scenario.first_party();
    let sink = match options.deliver.keeps_third_parties_out() {
        true => Some(Sink::start().await?),
        false => None,
    };
    record.containment.sink = sink.as_ref().map(|sink| sink.addr().to_string());
    bundle.run(&record)?;
    let launch = Launch {
        executable: options.browser.clone(),
        connect_to: options.connect_to.clone(),
        insecure: options.insecure,
        trusted_keys: options
            .trusted_keys
            .iter()
            .cloned()
            .chain(
                sink.as_ref()
                    .map(|sink| sink.spki_sha256_base64().to_owned()),
            )
            .collect(),
        block_third_party_cookies: scenario.third_party_cookies == ThirdPartyCookies::Block,
        headed: options.headed,
        no_sandbox: options.no_sandbox,
        declare_automation: options.declare_automation,
        extra_args: options.browser_args.clone(),
        only: sink.as_ref().map(|sink| (first_party.clone(), sink.addr())),
        // In the bundle from the first moment, so that it is there even if we are not.
        net_log: bundle.raw_net_log(),
    };
    let mut launched = match launch.start().await {
        Ok(launched) => launched,
        Err(error) => {
            record.journey.state = JourneyState::Failed;
            record.finished = Some(Moment::now());
            problem(
                &mut record,
                "journey",
                error.to_string(),
                Some(error.help()),
            );
            bundle.run(&record)?;
            return Err(error.into());
        }
    };

    let journal = Box::new(bundle.journal()?);
    let record_writer = bundle.record_writer();
    let (outputs, receiver) = mpsc::unbounded_channel();
    let recorder = recorder::Recorder::new(bundle, receiver);
    let recorded = async {
        let watched = watch_journey(
            scenario,
            options,
            &mut record,
            &record_writer,
            &mut launched,
            &first_party,
            &cookies,
            journal,
            outputs,
            cancel,
            tell,
            recording,
        )
        .await;
        launched.wait().await;
        watched
    };
    // The recorder ends when the capture has let go of its end of the channel.
    let (assembler, kept) = tokio::join!(recorded, recorder.run(tell));
    let bundle = kept?;
    if let Some(recording) = recording {
        let recording = recording.lock().unwrap_or_else(PoisonError::into_inner);
        let recorded = recording.scenario(&scenario.path);
        bundle.replace("scenario.yaml", |file| {
            file.write_all(recorded.text.as_bytes())
        })?;
        record.scenario.sha256 = recorded.sha256();
    }
    finish(bundle, record, assembler, &first_party, Some(began))
}

/// Everything that happens while the browser runs. Gives what the capture has seen, if there was a capture.
#[expect(
    clippy::too_many_arguments,
    reason = "each is one thing that the journey needs, and used once"
)]
async fn watch_journey(
    scenario: &Scenario,
    options: &RunOptions,
    record: &mut RunRecord,
    record_writer: &RecordWriter,
    launched: &mut Launched,
    first_party: &str,
    cookies: &[Planted],
    journal: Box<std::fs::File>,
    outputs: mpsc::UnboundedSender<Output>,
    mut cancel: watch::Receiver<bool>,
    tell: &(dyn Fn(RunEvent) + Sync),
    recording: Option<&Mutex<Recording>>,
) -> Option<Assembler> {
    let (told, mut done) = mpsc::unbounded_channel();
    let watching = recording.map(|_| Watch {
        script: RECORD,
        told,
    });
    let started = Capture::start(
        &launched.web_socket,
        first_party,
        journal,
        outputs,
        watching,
    )
    .await;
    let capture = match started {
        Ok(capture) => capture,
        Err(error) => {
            record.journey.state = JourneyState::Failed;
            problem(record, "capture", error.to_string(), None);
            launched.kill().await;
            return None;
        }
    };
    let began = Instant::now();
    let journey = async {
        let end = journey::replay(
            scenario,
            options,
            record,
            record_writer,
            launched,
            &capture,
            cookies,
            tell,
        )
        .await;
        match recording {
            Some(recording) if matches!(end, JourneyEnd::Completed) => {
                by_hand(&capture, recording, &mut done, tell).await;
                end
            }
            _ => end,
        }
    };
    let end = tokio::select! {
        end = journey => end,
        () = cancelled(&mut cancel) => JourneyEnd::Interrupted,
        () = capture.lost() => JourneyEnd::Lost,
        () = tokio::time::sleep_until((began + options.timeout).into()) => JourneyEnd::TimedOut,
    };
    capture.step(None);
    // A recording ends when the person has had enough; that they closed the window is how most do it.
    let end = match end {
        JourneyEnd::Interrupted if recording.is_some() => JourneyEnd::Completed,
        // A browser that is not on its way out must not go on with nobody to contain anything.
        JourneyEnd::Lost
            if recording.is_some() && launched.leaves_within(WINDOW_CLOSES_WITHIN).await =>
        {
            JourneyEnd::Completed
        }
        end => end,
    };
    // Pages may save on leaving what was written in them.
    let typed = |step: &crate::scenario::Step| step.kind.types();
    let typed = recording.is_some() || scenario.steps.iter().any(typed);
    if typed && options.deliver != Deliver::All {
        let containment = Containment {
            guard: Guard::Changes,
            ..Containment::new(first_party, options.deliver)
        };
        if capture.contain(containment.clone()).await.is_ok() {
            journey::guarded(record, &containment);
        }
    }
    match end {
        JourneyEnd::Completed => {
            record.journey.state = JourneyState::Completed;
            tell(RunEvent::Settling);
            let settle = Quiet {
                quiet: SETTLE_QUIET.min(options.settle),
                limit: options.settle,
                page: false,
            };
            tokio::select! {
                _ = capture.quiet(settle) => {}
                () = cancelled(&mut cancel) => {}
            }
        }
        JourneyEnd::Failed => record.journey.state = JourneyState::Failed,
        JourneyEnd::Lost => {
            // Whichever of the two ended: a browser that nobody watches must not go on.
            launched.kill().await;
            record.journey.state = JourneyState::Failed;
            let message =
                "the browser, or the connection to it, ended before the journey did".to_owned();
            let help = "what it had told up to then is in the bundle; run it again".to_owned();
            problem(record, "journey", message, Some(help));
        }
        JourneyEnd::Interrupted => {
            record.journey.state = JourneyState::Interrupted;
            let message = "the run was stopped before the journey's end".to_owned();
            problem(
                record,
                "journey",
                message,
                Some("what is in the bundle is partial".into()),
            );
        }
        JourneyEnd::TimedOut => {
            record.journey.state = JourneyState::TimedOut;
            let message = format!(
                "the journey was not done within {} s",
                options.timeout.as_secs()
            );
            problem(record, "journey", message, Some("raise `--timeout`".into()));
        }
    }
    match capture
        .finish(options.settle.clamp(GOODBYE_QUIET.0, GOODBYE_QUIET.1))
        .await
    {
        Ok(assembler) => Some(assembler),
        Err(error) => {
            launched.kill().await;
            problem(record, "capture", error.to_string(), None);
            None
        }
    }
}

/// Takes in what the person does, until the last tab is closed.
async fn by_hand(
    capture: &Capture,
    recording: &Mutex<Recording>,
    done: &mut mpsc::UnboundedReceiver<Told>,
    tell: &(dyn Fn(RunEvent) + Sync),
) {
    loop {
        let told = tokio::time::timeout(LOOK_FOR_TABS, done.recv()).await;
        match told {
            Ok(Some(told)) => {
                let number = {
                    let mut recording = recording.lock().unwrap_or_else(PoisonError::into_inner);
                    recording.take(&told.target, &told.payload);
                    recording.len()
                };
                tell(RunEvent::Recorded(number));
            }
            Ok(None) => return,
            Err(_) => match capture.tabs().await {
                Ok(tabs) if tabs.is_empty() => return,
                Err(_) => return,
                Ok(_) => {}
            },
        }
    }
}

/// Returns when the person has had enough; never, if nobody is left who could say so.
async fn cancelled(cancel: &mut watch::Receiver<bool>) {
    if cancel.wait_for(|cancelled| *cancelled).await.is_err() {
        std::future::pending::<()>().await;
    }
}
