//! The journey of a run: step after step, with consent banners answered and reports kept from being filed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chromiumoxide::cdp::browser_protocol::browser::GetVersionParams;

use super::record::problem;
use super::{RunEvent, RunOptions, Typing, typed_secrets};
use crate::browser::Launched;
use crate::bundle::RecordWriter;
use crate::capture::{Capture, Containment, Deliver, Guard};
use crate::journey::{
    Context, Page, Planted, StepError, Tabs, answer_consent, picture_after_step, plant,
};
use crate::model::{
    BrowserRecord, CanaryRecord, ConsentOutcome, IdentityRecord, Moment, RunRecord, StepState,
};
use crate::scenario::{Consent, ConsentAnswer, GuardFrom, Scenario, Step, StepKind};

/// How long a page may take to show its consent banner once it is there.
const BANNER_COMES_WITHIN: Duration = Duration::from_millis(2500);

/// How a journey came to its end.
pub(super) enum JourneyEnd {
    Completed,
    Failed,
    Interrupted,
    Lost,
    TimedOut,
}

#[expect(
    clippy::too_many_arguments,
    reason = "each is one thing that the journey needs, and used once"
)]
pub(super) async fn replay(
    scenario: &Scenario,
    options: &RunOptions,
    record: &mut RunRecord,
    record_writer: &RecordWriter,
    launched: &Launched,
    capture: &Capture,
    cookies: &[Planted],
    tell: &(dyn Fn(RunEvent) + Sync),
) -> JourneyEnd {
    let first_party = scenario.first_party();
    let mut containment = Containment::new(&first_party, options.deliver);
    let prepared = prepare(scenario, options, record, launched, capture, cookies);
    let (browser, mut tabs) = match prepared.await {
        Ok(prepared) => prepared,
        Err(error) => {
            let message = format!("failed to prepare the browser: {error}");
            problem(record, "journey", message, Some(error.help().to_owned()));
            return match capture.tabs().await {
                Ok(_) => JourneyEnd::Failed,
                Err(_) => JourneyEnd::Lost,
            };
        }
    };
    if capture.contain(containment.clone()).await.is_err() {
        return JourneyEnd::Lost;
    }
    let mut canaries: BTreeMap<String, String> = record
        .canaries
        .iter()
        .map(|canary| (canary.name.clone(), canary.value.clone()))
        .collect();
    canaries.extend(typed_secrets(scenario).unwrap_or_default());
    let consent = options.consent.unwrap_or(scenario.consent);
    let guard_from = guard_from(scenario, options.deliver);
    let pictures = options.out.join("data/screenshots");
    // The document that a banner was last looked for in.
    let mut looked_in = None;
    for (number, step) in (1u32..).zip(&scenario.steps) {
        tell(RunEvent::Step {
            number,
            total: scenario.steps.len(),
            what: step.kind.to_string(),
        });
        capture.step(Some(number));
        let contained = match capture.contained().await {
            Ok(contained) => contained,
            Err(_) => return JourneyEnd::Lost,
        };
        let contained_before = *contained.borrow();
        if guard_from.is_some_and(|from| number >= from) && containment.guard == Guard::Off {
            containment.guard = Guard::Changes;
            if capture.contain(containment.clone()).await.is_err() {
                return JourneyEnd::Lost;
            }
            guarded(record, &containment);
        }
        let limit = step.kind.timeout().unwrap_or(options.step_timeout);
        let started = Moment::now();
        let mut context = Context {
            tabs: &mut tabs,
            capture,
            browser: &browser,
            origin: &scenario.origin,
            canaries: &canaries,
            seed: &options.seed,
            scenario_folder: scenario.folder(),
            pictures: &pictures,
            takes_pictures: options.screenshots,
            consent_selectors: &scenario.consent_selectors,
            consent_rules: options.consent_rules.as_deref(),
            containment: &mut containment,
            number,
            frame: None,
            deadline: Instant::now() + limit,
            limit,
            notes: Vec::new(),
            planted: Vec::new(),
            consents: Vec::new(),
            guarded: Vec::new(),
            pointed: None,
            waited: false,
        };
        let left_empty = options.typing == Typing::Nothing && types_canary(step, record);
        let mut done = if left_empty {
            context
                .notes
                .push("a control: the field was left as it is".to_owned());
            Ok(())
        } else {
            context.run(step).await
        };
        if done.is_ok()
            && let Some(answer) = consent.answer()
        {
            let answered = record
                .consent
                .iter()
                .any(|record| record.outcome == ConsentOutcome::Answered);
            done = banner(&mut context, answer, answered, &mut looked_in).await;
        }
        let mut notes = std::mem::take(&mut context.notes);
        let planted = std::mem::take(&mut context.planted);
        let pointed = context.pointed.take();
        record.consent.append(&mut context.consents);
        record.containment.guarded.append(&mut context.guarded);
        let kept = contained.borrow().may_be_reports - contained_before.may_be_reports;
        if kept > 0 && guard_from.is_some() {
            notes.push(format!(
                "{} that may file a report {} kept from being delivered: the scenario has typed something, and no `submit` step says which click sends it",
                crate::report::count(kept as usize, "request"),
                if kept == 1 { "was" } else { "were" },
            ));
        }
        note_planted(record, &planted);
        let mut picture = None;
        if options.screenshots {
            let taken = picture_after_step(tabs.current(), &pictures, number).await;
            picture = taken.unwrap_or_else(|why| {
                notes.push(format!("no picture was taken after it: {why}"));
                None
            });
        }
        let state = &mut record.journey.steps[number as usize - 1];
        state.started = Some(started);
        state.ended = Some(Moment::now());
        state.page = Some(tabs.current().url()).filter(|url| !url.is_empty());
        state.notes = notes;
        state.screenshot = picture;
        state.pointed = pointed;
        match done {
            Ok(()) => {
                state.state = StepState::Done;
                if let StepKind::Change(change) = &step.kind
                    && !left_empty
                {
                    for canary in &mut record.canaries {
                        if change.names(&canary.name) {
                            canary.typed_in.push(number);
                            let field = change.selector.to_string();
                            if !canary.typed_into.contains(&field) {
                                canary.typed_into.push(field);
                            }
                        }
                    }
                }
            }
            Err(error) => {
                return fail(scenario, step, number, error, &mut tabs, capture, record).await;
            }
        }
        // If we are killed, what was done up to here is known. (That the disk is full is said where the records are written.)
        if let Err(error) = record_writer.write(record) {
            tracing::warn!(%error, "the run's record could not be written after a step");
        }
    }
    unanswered(consent, record);
    JourneyEnd::Completed
}

/// Whether what a step types holds a canary.
fn types_canary(step: &Step, record: &RunRecord) -> bool {
    match &step.kind {
        StepKind::Change(change) => record
            .canaries
            .iter()
            .any(|canary| change.names(&canary.name)),
        _ => false,
    }
}

/// From which step on requests that may file a report are kept, whatever `submit` steps there are: a scenario that
/// types, and does not say which click sends what was typed, must not file it by accident.
fn guard_from(scenario: &Scenario, deliver: Deliver) -> Option<u32> {
    if deliver == Deliver::All || scenario.guards_from() == GuardFrom::Submit {
        return None;
    }
    let first = scenario.steps.iter().position(|step| step.kind.types())?;
    u32::try_from(first + 1).ok()
}

/// Answers the banner of a page that the journey has come to.
async fn banner(
    context: &mut Context<'_>,
    answer: ConsentAnswer,
    answered: bool,
    looked_in: &mut Option<String>,
) -> Result<(), StepError> {
    let (document, url) = {
        let page = context.tab().state.borrow();
        (page.document.clone(), page.url.clone())
    };
    if !url.starts_with("http") || document == *looked_in || context.tab().is_gone() {
        return Ok(());
    }
    *looked_in = document;
    // Once it was answered, it is not waited for; it may come back all the same.
    let wait = if answered {
        Duration::ZERO
    } else {
        BANNER_COMES_WITHIN
    };
    let found = answer_consent(context, answer, Instant::now() + wait).await?;
    if found.outcome != ConsentOutcome::NoBanner || !answered {
        context.consents.push(found);
    }
    // The answer may have loaded the page anew.
    looked_in.clone_from(&context.tab().state.borrow().document);
    Ok(())
}

/// What was to be answered and could not be says nothing about a visitor who did.
fn unanswered(consent: Consent, record: &mut RunRecord) {
    let Some(answer) = consent.answer() else {
        return;
    };
    let answer = answer.as_str();
    let help = "say what to click under `consent_selectors`, or use `--consent ignore`".to_owned();
    let failed = record
        .consent
        .iter()
        .find(|record| record.outcome == ConsentOutcome::Failed);
    let message = match failed {
        Some(failed) => format!(
            "the consent banner on {} ({}) could not be answered with `{answer}`: {}",
            failed.page,
            failed.banner.as_deref().unwrap_or("unknown"),
            failed.why.as_deref().unwrap_or("it did not go"),
        ),
        None if record
            .consent
            .iter()
            .any(|record| record.outcome == ConsentOutcome::Answered) =>
        {
            return;
        }
        None => format!(
            "no consent banner was recognised on any page, so nothing can be said about a visitor who answers `{answer}`"
        ),
    };
    problem(record, "consent", message, Some(help));
}

/// Notes from when on what is contained.
pub(super) fn guarded(record: &mut RunRecord, containment: &Containment) {
    record
        .containment
        .guarded
        .push(containment.guarded_from(Moment::now()));
}

async fn fail(
    scenario: &Scenario,
    step: &Step,
    number: u32,
    mut error: StepError,
    tabs: &mut Tabs,
    capture: &Capture,
    record: &mut RunRecord,
) -> JourneyEnd {
    // Without a browser every step fails, and for no reason of its own.
    if tabs.current().is_gone() && !matches!(error, StepError::Crashed) {
        let gone = tokio::time::timeout(Duration::from_secs(2), capture.lost());
        if gone.await.is_ok() {
            return JourneyEnd::Lost;
        }
        error = StepError::TabClosed;
    }
    let state = &mut record.journey.steps[number as usize - 1];
    state.state = StepState::Failed;
    state.problem = Some(error.to_string());
    let message = format!(
        "{}:{}: step {number} ({}) failed: {error}",
        scenario.path.display(),
        step.line,
        step.kind.name(),
    );
    problem(record, "journey", message, Some(error.help().to_owned()));
    JourneyEnd::Failed
}

/// Plants the identity, opens the tab.
async fn prepare(
    scenario: &Scenario,
    options: &RunOptions,
    record: &mut RunRecord,
    launched: &Launched,
    capture: &Capture,
    cookies: &[Planted],
) -> Result<(Page, Tabs), StepError> {
    let limit = options.timeout + options.step_timeout;
    let browser = Page::new(capture, None, limit);
    // The tab is opened meanwhile; the cookies are there before it goes anywhere.
    let (version, planted, tabs) = tokio::join!(
        browser.execute(GetVersionParams::default()),
        plant(&browser, cookies),
        Tabs::open(capture, limit),
    );
    let version = version?;
    let elsewhere = options.connect.as_ref().map(ToString::to_string);
    let ours = elsewhere.is_none();
    record.browser = Some(BrowserRecord {
        path: match ours {
            true => options.browser.display().to_string(),
            false => String::new(),
        },
        version: version.product,
        flags: launched.flags.clone(),
        profile: match ours {
            true => "new, and deleted afterwards",
            false => "a browser context of its own, deleted afterwards",
        }
        .to_owned(),
        user_agent: match ours || options.declare_automation {
            true => version.user_agent,
            // As the capture has it presented.
            false => version.user_agent.replace("HeadlessChrome", "Chrome"),
        },
        declared_automation: options.declare_automation,
        sandbox: launched.sandbox,
        sandbox_reason: launched.sandbox_reason.clone(),
        killed_with_run: launched.killed_with_us,
        third_party_cookies: match ours {
            true => scenario.third_party_cookies.as_str(),
            false => "unknown",
        }
        .to_owned(),
        elsewhere,
    });
    // Those that were to be, whatever became of it.
    note_planted(record, cookies);
    planted?;
    Ok((browser, tabs?))
}

fn note_planted(record: &mut RunRecord, planted: &[Planted]) {
    for cookie in planted {
        record.identity.push(IdentityRecord {
            name: cookie.name.clone(),
            domain: cookie.domain.clone(),
            secret: cookie.secret,
            sent: 0,
            withheld: 0,
            reasons: Vec::new(),
        });
        if !cookie.secret {
            record.canaries.push(CanaryRecord {
                name: format!("cookie:{}", cookie.name),
                kind: "cookie".to_owned(),
                value: cookie.value.clone(),
                typed_in: Vec::new(),
                typed_into: Vec::new(),
            });
        }
    }
}
