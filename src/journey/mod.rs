//! Replays the steps of a scenario: one file a kind of step under `steps/`.

mod consent;
mod error;
mod find;
mod frame;
mod identity;
mod keys;
mod page;
mod picture;
mod rules;
mod steps;
mod tab;
mod tabs;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use url::Url;

use crate::capture::{Capture, Containment, PageState, RemoteError};
use crate::consent::Rules;
use crate::model::{ConsentRecord, Guarded, PointedRecord};
use crate::scenario::{AssertedEvent, ConsentSelectors, Options, Seed, Step, StepKind};

pub use consent::answer as answer_consent;
pub use error::StepError;
pub use find::{Element, Want};
pub use frame::Frame;
pub use identity::{IdentityError, Planted, cookies_of, plant};
pub use page::Page;
pub use picture::after_step as picture_after_step;
pub use tab::{Press, Tab};
pub use tabs::Tabs;

/// Tells what a person does in a page, for [`crate::scenario::Recording`].
pub const RECORD: &str = include_str!("record.js");

/// How long past its deadline a step may take to say why it was not done.
const GRACE: Duration = Duration::from_secs(2);

/// What a step works with.
#[derive(Debug)]
pub struct Context<'a> {
    pub tabs: &'a mut Tabs,
    pub capture: &'a Capture,
    /// Takes commands for the browser as a whole.
    pub browser: &'a Page,
    pub origin: &'a Url,
    /// Canary name → value.
    pub canaries: &'a BTreeMap<String, String>,
    pub seed: &'a Seed,
    /// Folder of the scenario, from which it names files.
    pub scenario_folder: &'a Path,
    /// Where pictures are kept.
    pub pictures: &'a Path,
    /// Whether pictures are taken without being asked for.
    pub takes_pictures: bool,
    pub consent_selectors: &'a ConsentSelectors,
    /// Rules for banners that we do not recognise, if they are installed.
    pub consent_rules: Option<&'a Rules>,
    /// What must not leave; steps make it stricter.
    pub containment: &'a mut Containment,
    pub number: u32,
    /// The frame that the step names.
    pub frame: Option<Vec<usize>>,
    /// When the step has to be done.
    pub deadline: Instant,
    pub limit: Duration,
    /// Worth knowing, and no failure.
    pub notes: Vec<String>,
    pub planted: Vec<Planted>,
    pub consents: Vec<ConsentRecord>,
    pub guarded: Vec<Guarded>,
    pub pointed: Option<PointedRecord>,
    /// An element was not there at once, or not fit: the page has changed since the step began.
    pub waited: bool,
}

impl Context<'_> {
    /// The tab that the visitor looks at.
    pub fn tab(&mut self) -> &mut Tab {
        self.tabs.current()
    }

    /// Does one step; again, if it may be tried again.
    ///
    /// # Errors
    /// [`StepError`], which says what stood in the way.
    pub async fn run(&mut self, step: &Step) -> Result<(), StepError> {
        let options = step.kind.options();
        let mut tries = 0;
        loop {
            match self.once(step, &options).await {
                Err(error) if tries < options.retries && error.may_pass() => {
                    tries += 1;
                    self.notes.push(format!("tried again, since {error}"));
                    self.deadline = Instant::now() + self.limit;
                }
                done => return done,
            }
        }
    }

    async fn once(&mut self, step: &Step, options: &Options) -> Result<(), StepError> {
        let limit = self.limit;
        let deadline = self.deadline;
        self.frame = options.frame.clone();
        // The step itself keeps to its deadline and says what stood in the way; this ends one that cannot.
        let both = async {
            match self.selected(step, options).await {
                // A visitor whose tab closes by itself looks on in the one before.
                Err(error) if self.may_go_back(step, options) => {
                    tracing::debug!(%error, "the tab closed while it was waited for");
                    self.selected(step, options).await
                }
                done => done,
            }
        };
        let done = tokio::time::timeout_at((deadline + GRACE).into(), both);
        match done.await {
            Ok(Err(StepError::Browser(RemoteError::Gone))) if self.tab().state.borrow().crashed => {
                Err(StepError::Crashed)
            }
            Ok(done) => done,
            Err(_) => Err(StepError::TimedOut { limit }),
        }
    }

    /// Whether the tab is gone, and the step had done nothing but look for something in it.
    fn may_go_back(&mut self, step: &Step, options: &Options) -> bool {
        let looks = matches!(
            step.kind,
            StepKind::WaitForElement(_)
                | StepKind::WaitForExpression(_)
                | StepKind::Click(_)
                | StepKind::DoubleClick(_)
                | StepKind::Hover(_)
        );
        looks && options.target.is_none() && self.tab().is_gone() && self.tabs.any_left()
    }

    async fn selected(&mut self, step: &Step, options: &Options) -> Result<(), StepError> {
        if !matches!(step.kind, StepKind::Identity(_)) {
            // An address is typed into the tab that the journey began in, as long as it is there.
            let home = matches!(step.kind, StepKind::Navigate(_)) && !self.tabs.first_is_gone();
            let target = options.target.as_deref().or(home.then_some("main"));
            let note = self
                .tabs
                .select(self.capture, target, self.deadline)
                .await?;
            self.notes.extend(note);
        }
        let before = self.tab().state.borrow().clone();
        steps::run(&step.kind, self).await?;
        for event in &options.asserted_events {
            self.led(event, &before).await?;
        }
        Ok(())
    }

    /// Waits for the page that a step is said to lead to.
    async fn led(&mut self, event: &AssertedEvent, before: &PageState) -> Result<(), StepError> {
        let AssertedEvent::Navigation { url, .. } = event;
        let deadline = self.deadline;
        let (committed, address) = (before.committed, before.url.clone());
        let began = Instant::now();
        let led = self
            .tab()
            .wait_until(deadline, |page| {
                // Some pages only change their address.
                (page.committed > committed && page.loaded == page.document)
                    || page.committed == committed && page.url != address
                    || page.committed > committed && page.dom_content_loaded == page.document
            })
            .await?;
        let now = self.tab().url();
        if !led {
            return Err(StepError::NotLed {
                wanted: url.clone().unwrap_or_else(|| "another page".to_owned()),
                found: format!("the page is still {now}"),
                waited: began.elapsed(),
            });
        }
        if let Some(url) = url
            && *url != now
        {
            self.notes
                .push(format!("it led to {now}, where {url} was recorded"));
        }
        Ok(())
    }
}
