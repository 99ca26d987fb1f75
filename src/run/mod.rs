//! One run, from a scenario to a bundle: launches, watches, replays, reconciles, keeps. Ties the rooms together.

mod again;
mod archive;
mod clocks;
mod containment;
mod error;
mod file;
mod finish;
mod host;
mod journey;
mod judge;
mod limits;
mod options;
mod page;
mod print;
mod record;
mod recorder;
mod redact;
mod secrets;
mod verify;
mod watch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::{mpsc, watch::Receiver};

pub use self::again::{AuditError, Audited, audit_bundle};
pub use self::archive::archive;
pub use self::error::RunError;
pub use self::file::{AboutFile, FileError, of_file};
use self::finish::finish;
use self::judge::apply_policy;
use self::limits::Limits;
pub use self::limits::is_of_limits;
pub use self::options::{RunOptions, Typing};
pub use self::page::{page, page_alone};
pub use self::print::{PrintError, print};
use self::record::{begin_record, problem};
pub use self::redact::{RedactError, Redacted, Wanted, places, redact};
pub use self::verify::{Check, Proof, Trust, Verification, VerifyError, verify};
use self::watch::watch_journey;
use crate::browser::{BrowserError, Launch, Launched};
use crate::bundle::{
    self, BundleError, BundleWriter, ReadError, SHORTEST_SECRET, Scrub, read_body,
};
use crate::capture::Assembler;
use crate::journey::cookies_of;
use crate::leak::{self, Case, Side};
use crate::loopback::Sink;
use crate::model::{Exchange, Findings, JourneyState, RunRecord, TrackerEvent};
use crate::policy::Traffic;
use crate::report::records;
use crate::scenario::{ENVIRONMENT, Recording, Scenario, ThirdPartyCookies};

/// What a run tells while it goes on.
#[derive(Debug)]
pub enum RunEvent<'a> {
    Step {
        number: u32,
        total: usize,
        what: String,
    },
    /// A request was recorded.
    Request,
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
        self.seal(bundle)
    }

    /// Writes the page that people look at, and seals the bundle: the last thing that is done to it.
    fn seal(&self, bundle: BundleWriter) -> Result<(), BundleError> {
        self.write_page(&bundle)?;
        bundle.close(&self.about())
    }

    fn write_page(&self, bundle: &BundleWriter) -> Result<(), BundleError> {
        let mut html = Vec::new();
        let rendered = page(self, true, &mut html);
        bundle.replace("report.html", |file| {
            // Of records and bodies from which secrets were taken out already.
            rendered?;
            file.write_all(&html)
        })
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

/// The element of `bag-info.txt` that has the digest of the evidence.
const DIGEST_ELEMENT: &str = "Pixelwitness-Evidence-Digest";

/// What `bag-info.txt` says of a run.
fn about(record: &RunRecord, digest: String) -> Vec<(&'static str, String)> {
    let scenario = &record.scenario;
    vec![
        ("External-Identifier", record.started.compact()),
        (
            "External-Description",
            format!("{} ({})", scenario.title, scenario.origin),
        ),
        (DIGEST_ELEMENT, digest),
    ]
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
    cancel: Receiver<bool>,
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
    cancel: Receiver<bool>,
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
            Ok(value) if value.len() >= SHORTEST_SECRET => secrets.insert(name.to_owned(), value),
            Ok(value) if !value.is_empty() => {
                return Err(RunError::ShortSecret(variable.to_owned(), SHORTEST_SECRET));
            }
            _ => return Err(RunError::NoSecret(variable.to_owned())),
        };
    }
    Ok(secrets)
}

/// What a scenario needs besides itself, before anything runs: files of cookies, and what it types from the environment.
///
/// # Errors
/// [`RunError`], if one of them is not there or not usable.
pub fn check(scenario: &Scenario, options: &RunOptions) -> Result<(), RunError> {
    cookies_of(&scenario.all_identities(), scenario.folder(), &options.seed)?;
    typed_secrets(scenario).map(drop)
}

async fn run_with(
    scenario: &Scenario,
    options: &RunOptions,
    cancel: Receiver<bool>,
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
    let before = Limits::now();
    let started = match &options.connect {
        Some(endpoint) => Ok(Launched::elsewhere(endpoint)),
        None => launch.start().await,
    };
    let mut launched = match started {
        Ok(launched) => launched,
        // What is no browser never will be one.
        Err(error @ BrowserError::NotRunnable { .. }) => return Err(error.into()),
        Err(error) => {
            record.journey.state = JourneyState::BrowserLost;
            let help = Some(error.help());
            problem(&mut record, "journey", error.to_string(), help);
            say_limits(&mut record, before);
            let nothing = Some(Assembler::new(&first_party));
            return seal_in_time(bundle, record, nothing, first_party, began).await;
        }
    };

    let journal = bundle.journal()?;
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
        say_limits(&mut record, before);
        if options.connect.is_some()
            && record.journey.state == JourneyState::BrowserLost
            && !record.containment.guarded.is_empty()
        {
            let message = "the connection to a browser elsewhere was lost while reports were kept from being filed: what its pages sent from then on was not contained";
            let help = "ask whoever runs the site whether something was filed";
            problem(
                &mut record,
                "containment",
                message.to_owned(),
                Some(help.to_owned()),
            );
        }
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
    seal_in_time(bundle, record, assembler, first_party, began).await
}

/// Says which limits of the container were reached since then: what was lost may have been lost by that.
fn say_limits(record: &mut RunRecord, before: Limits) {
    for (message, help) in Limits::now().reached_since(before) {
        problem(record, "journey", message, Some(help));
    }
}

/// As [`finish()`], and not where other journeys are driven: they would wait for it.
async fn seal_in_time(
    bundle: BundleWriter,
    record: RunRecord,
    assembler: Option<Assembler>,
    first_party: String,
    began: Instant,
) -> Result<Run, RunError> {
    let finishing = tokio::task::spawn_blocking(move || {
        finish(bundle, record, assembler, &first_party, Some(began))
    });
    match finishing.await {
        Ok(finished) => finished,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(RunError::Finish(error.to_string())),
        },
    }
}
