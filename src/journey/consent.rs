//! Answers consent banners, as a visitor does: with the pointer, on the banner's own buttons.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::capture::RemoteError;
use crate::model::{ConsentOutcome, ConsentRecord, Moment};
use crate::scenario::{ConsentAnswer, Selectors};

use super::frame::went_away;
use super::rules;
use super::{Context, Element, Frame, Press, StepError, Want};

const RECOGNISE: &str = include_str!("consent.js");

/// Between two looks for a banner.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// How many clicks an answer may take: choices are opened, unticked one by one, and saved.
const MOST_CLICKS: usize = 12;
/// So many looks without it, and it is gone.
const GONE: u32 = 3;
/// How long a banner may take to go, or to open its choices.
const GOES_WITHIN: Duration = Duration::from_secs(3);

#[derive(Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum Seen {
    None,
    Next {
        banner: String,
        what: String,
        label: String,
    },
    Stuck {
        banner: String,
        seen: Vec<String>,
    },
}

/// Waits for a banner until the deadline, and answers it. A banner that does not come, or cannot be answered, is no
/// error here: the record says so.
///
/// # Errors
/// If the page is lost.
pub async fn answer(
    context: &mut Context<'_>,
    answer: ConsentAnswer,
    deadline: Instant,
) -> Result<ConsentRecord, StepError> {
    let mut record = ConsentRecord {
        step: context.number,
        answer: answer.as_str().to_owned(),
        page: context.tab().url(),
        outcome: ConsentOutcome::NoBanner,
        banner: None,
        clicks: Vec::new(),
        answered: None,
        why: None,
    };
    let own: &[Selectors] = match answer {
        ConsentAnswer::Accept => &context.consent_selectors.accept,
        ConsentAnswer::Reject => &context.consent_selectors.reject,
    };
    if own.is_empty() {
        recognised(context, answer, deadline, &mut record).await?;
        if record.outcome != ConsentOutcome::Answered
            && record.clicks.is_empty()
            && let Some(installed) = context.consent_rules
        {
            rules::answer(context, installed, answer, &mut record).await?;
        }
    } else {
        let own = own.to_vec();
        as_told(context, &own, deadline, &mut record).await?;
    }
    Ok(record)
}

/// By the scenario's own selectors: each is clicked, in order.
async fn as_told(
    context: &mut Context<'_>,
    selectors: &[Selectors],
    deadline: Instant,
    record: &mut ConsentRecord,
) -> Result<(), StepError> {
    let kept = std::mem::replace(&mut context.deadline, deadline);
    let mut done = Ok(());
    for selector in selectors {
        match context.locate(selector, Want::POINT).await {
            Ok(element) => {
                record.banner = Some("the scenario's".to_owned());
                record.clicks.push(selector.to_string());
                record.outcome = ConsentOutcome::Answered;
                match click(context, &element, deadline).await {
                    Ok(clicked) => record.answered = Some(clicked),
                    Err(error) => {
                        done = Err(error);
                        break;
                    }
                }
            }
            Err(error @ (StepError::Crashed | StepError::Lost)) => {
                done = Err(error);
                break;
            }
            Err(error) => {
                if record.banner.is_some() {
                    record.outcome = ConsentOutcome::Failed;
                }
                record.why = Some(error.to_string());
                break;
            }
        }
    }
    context.deadline = kept;
    done
}

/// By what is known of banners.
async fn recognised(
    context: &mut Context<'_>,
    answer: ConsentAnswer,
    mut deadline: Instant,
    record: &mut ConsentRecord,
) -> Result<(), StepError> {
    let mut customised = false;
    // An answer was given, and not only a choice opened.
    let mut given = false;
    let mut gone = 0;
    loop {
        let look = look(context, answer, customised).await?;
        match look {
            Some((
                frame,
                Seen::Next {
                    banner,
                    what,
                    label,
                },
            )) => {
                if record.banner.is_none() {
                    // From here on it is the answer that takes time, and no longer the banner.
                    deadline = deadline.max(Instant::now() + GOES_WITHIN);
                }
                record.banner = Some(banner);
                gone = 0;
                if let Some(element) = fit(&frame).await? {
                    record.clicks.push(label);
                    customised |= what == "customise";
                    given = matches!(what.as_str(), "accept" | "reject" | "save");
                    record.outcome = ConsentOutcome::Failed;
                    record.why = Some(
                        if given {
                            "it did not go"
                        } else {
                            "its choices did not open"
                        }
                        .to_owned(),
                    );
                    record.answered = Some(click(context, &element, deadline).await?);
                    deadline = deadline.max(Instant::now() + GOES_WITHIN);
                    if record.clicks.len() > MOST_CLICKS {
                        return Ok(());
                    }
                } else {
                    record.outcome = ConsentOutcome::Failed;
                    record.why = Some(format!("`{label}` cannot be clicked"));
                }
            }
            Some((_, Seen::Stuck { banner, seen })) => {
                record.banner = Some(banner);
                record.outcome = ConsentOutcome::Failed;
                record.why = Some(format!(
                    "no way to {} was recognised among: {}",
                    answer.as_str(),
                    seen.join(", ")
                ));
            }
            // One look may fall between two states of a page.
            _ if record.banner.is_some() => {
                gone += 1;
                if given && gone >= GONE {
                    record.outcome = ConsentOutcome::Answered;
                    record.why = None;
                    return Ok(());
                }
            }
            _ => {}
        }
        if Instant::now() + LOOK_AGAIN >= deadline {
            return Ok(());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Looks for a banner in the page, then in its frames.
async fn look(
    context: &mut Context<'_>,
    answer: ConsentAnswer,
    customised: bool,
) -> Result<Option<(Frame, Seen)>, StepError> {
    let main = match context.tab().main_frame().await {
        Err(error) if went_away(&error) => return Ok(None),
        main => main?,
    };
    let capture = context.capture;
    let mut frames = vec![main.clone()];
    let below = context.tab().frames_below(&main, capture).await?;
    frames.extend(below.into_iter().map(|(_, frame)| frame));
    let arguments = [json!(answer.as_str()), json!(customised)];
    for frame in frames {
        let seen = match frame.call(RECOGNISE, &arguments).await {
            Err(error) if went_away(&error) => continue,
            seen => parsed(seen?)?,
        };
        if !matches!(seen, Seen::None) {
            return Ok(Some((frame, seen)));
        }
    }
    Ok(None)
}

fn parsed(seen: Value) -> Result<Seen, StepError> {
    serde_json::from_value(seen)
        .map_err(|error| StepError::Browser(RemoteError::Unreadable(error.to_string())))
}

/// The button that was recognised, if it can be clicked now.
async fn fit(frame: &Frame) -> Result<Option<Element>, StepError> {
    match frame.fit_resolved().await {
        Err(error) if went_away(&error) => Ok(None),
        fit => fit,
    }
}

/// Gives the moment of the click: what is told from then on is told after the answer.
async fn click(
    context: &mut Context<'_>,
    element: &Element,
    deadline: Instant,
) -> Result<Moment, StepError> {
    let before = context.tab().state.borrow().clone();
    context.tab().bring_to_front().await?;
    context.tab().move_to(element.x, element.y).await?;
    let clicked = Moment::now();
    context
        .tab()
        .click_at(element.x, element.y, Press::default())
        .await?;
    // Many sites load the page anew once they were answered.
    context.tab().settle(&before, deadline).await?;
    Ok(clicked)
}
