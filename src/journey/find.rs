//! Waits for an element, in whichever frame it is, until a person could act on it.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::capture::RemoteError;
use crate::scenario::{Operator, Selectors, WaitForElement};

use super::frame::went_away;
use super::{Context, Frame, StepError};

/// Between two looks at a page that is not there yet.
const LOOK_AGAIN: Duration = Duration::from_millis(25);
/// The last look ends so much before the step's own limit, so that it can say what it saw.
const LAST_LOOK: Duration = Duration::from_millis(200);

/// An element that was found.
#[derive(Debug, Clone)]
pub struct Element {
    pub frame: Frame,
    /// Where it can be clicked, in the page's CSS pixels; zeros unless that was wanted.
    pub x: f64,
    pub y: f64,
    /// Its box: where its corner is from that point, and its size; unless that was wanted, or it is not known.
    pub extent: Option<[f64; 4]>,
    /// Host that the element's form sends to.
    pub action: Option<String>,
}

/// What an element is wanted for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Want {
    Present,
    Visible,
    /// To be clicked: visible, enabled, at rest and not covered; at a place from its corner, or where a person would.
    Point(Option<f64>, Option<f64>),
}

impl Want {
    /// Where a person would click it.
    pub const POINT: Want = Want::Point(None, None);
}

#[derive(Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum Found {
    Ok {
        #[serde(default)]
        x: f64,
        #[serde(default)]
        y: f64,
        #[serde(default)]
        action: Option<String>,
        #[serde(default, rename = "box")]
        extent: Option<[f64; 4]>,
    },
    Counted {
        matched: u64,
        fit: u64,
    },
    Missing {},
    Invalid {
        why: String,
    },
    Hidden {
        what: String,
    },
    Disabled {
        what: String,
    },
    Moving {
        what: String,
    },
    Covered {
        what: String,
        by: String,
    },
}

fn found(value: Value) -> Result<Found, StepError> {
    serde_json::from_value(value)
        .map_err(|error| StepError::Browser(RemoteError::Unreadable(error.to_string())))
}

impl Context<'_> {
    /// Waits until an element is there and fit for what it is wanted for.
    ///
    /// # Errors
    /// What stood in the way when the time was up.
    pub async fn locate(
        &mut self,
        selectors: &Selectors,
        want: Want,
    ) -> Result<Element, StepError> {
        let began = Instant::now();
        let deadline = self
            .deadline
            .checked_sub(LAST_LOOK)
            .unwrap_or(self.deadline);
        if matches!(want, Want::Point(..)) {
            self.tab().bring_to_front().await?;
        }
        loop {
            let found = match self.look(selectors, want).await {
                // The document went away while we looked: look again in the next one.
                Err(error) if went_away(&error) => Err(Found::Missing {}),
                found => found?,
            };
            let found = match found {
                Ok(element) => return Ok(element),
                Err(found) => found,
            };
            if self.tab().is_gone() {
                return Err(StepError::TabClosed);
            }
            if self.tab().state.borrow().crashed {
                return Err(StepError::Crashed);
            }
            let selector = selectors.to_string();
            let waited = began.elapsed();
            let not_reachable = |what: String, why: String| StepError::NotReachable {
                selector: selector.clone(),
                what,
                why,
                waited,
            };
            let error = match found {
                Found::Invalid { why } => return Err(StepError::BadSelector { selector, why }),
                Found::Hidden { what } => not_reachable(what, "cannot be seen".into()),
                Found::Disabled { what } => not_reachable(what, "is disabled".into()),
                Found::Moving { what } => not_reachable(what, "does not stop moving".into()),
                Found::Covered { what, by } => not_reachable(what, format!("is covered by {by}")),
                Found::Missing {} | Found::Ok { .. } | Found::Counted { .. } => {
                    StepError::NotFound {
                        page: self.tab().url(),
                        selector,
                        waited,
                    }
                }
            };
            self.waited = true;
            if Instant::now() >= deadline {
                return Err(error);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Finds an element and moves the pointer onto it: what the pointer leaves or comes to may have moved it, so that it
    /// is looked at once more before it is clicked.
    ///
    /// # Errors
    /// As for [`Context::locate`].
    pub async fn point_at(
        &mut self,
        selectors: &Selectors,
        want: Want,
    ) -> Result<Element, StepError> {
        /// Something that runs away for longer is not clicked.
        const TRIES: usize = 5;
        let mut element = self.locate(selectors, want).await?;
        for _ in 0..TRIES {
            self.tab().move_to(element.x, element.y).await?;
            self.look_where_it_points(&element).await;
            let now = self.locate(selectors, want).await?;
            let moved = (now.x - element.x).abs() > 1.0 || (now.y - element.y).abs() > 1.0;
            element = now;
            if !moved {
                break;
            }
        }
        self.point_out(&element);
        Ok(element)
    }

    /// One look, through the fallbacks and the frames: the first element that is fit, or why the first that matches
    /// is not.
    async fn look(
        &mut self,
        selectors: &Selectors,
        want: Want,
    ) -> Result<Result<Element, Found>, StepError> {
        let (wanted, place) = match want {
            Want::Present => ("present", (None, None)),
            Want::Visible => ("visible", (None, None)),
            Want::Point(x, y) => ("point", (x, y)),
        };
        let mut unfit = None;
        let main = self.tab().main_frame().await?;
        let mut frames = vec![(Vec::new(), main.clone())];
        let mut looked_below = false;
        let mut next = 0;
        loop {
            while let Some((at, frame)) = frames.get(next) {
                next += 1;
                if self.frame.as_ref().is_some_and(|wanted| wanted != at) {
                    continue;
                }
                for path in selectors.iter() {
                    let answer = match frame.find(path, wanted.into(), place).await {
                        Err(error) if !frame.is_main() && went_away(&error) => break,
                        answer => found(answer?)?,
                    };
                    match answer {
                        Found::Ok {
                            x,
                            y,
                            action,
                            extent,
                        } => {
                            let point = match want {
                                Want::Point(..) => found(frame.on_page(x, y).await?)?,
                                _ => Found::Ok {
                                    x,
                                    y,
                                    action: None,
                                    extent: None,
                                },
                            };
                            match point {
                                Found::Ok { x, y, .. } => {
                                    return Ok(Ok(Element {
                                        frame: frame.clone(),
                                        x,
                                        y,
                                        extent,
                                        action,
                                    }));
                                }
                                other => unfit = unfit.or(Some(other)),
                            }
                        }
                        Found::Missing {} => {}
                        Found::Invalid { why } => return Ok(Err(Found::Invalid { why })),
                        other => unfit = unfit.or(Some(other)),
                    }
                }
            }
            // What can be seen in the page itself comes first, and most journeys need no more.
            if looked_below || unfit.is_some() || self.frame.as_ref().is_some_and(Vec::is_empty) {
                return Ok(Err(unfit.unwrap_or(Found::Missing {})));
            }
            looked_below = true;
            let capture = self.capture;
            frames.extend(self.tab().frames_below(&main, capture).await?);
        }
    }

    /// Waits until as many elements match as are wanted.
    ///
    /// # Errors
    /// How many there were when the time was up.
    pub async fn count(&mut self, step: &WaitForElement) -> Result<(), StepError> {
        let began = Instant::now();
        let deadline = self
            .deadline
            .checked_sub(LAST_LOOK)
            .unwrap_or(self.deadline);
        let want = json!({
            "visible": step.visible, "properties": step.properties, "attributes": step.attributes,
        });
        let (operator, wanted) = match step.count {
            Some(count) => (step.operator, count),
            None => (Operator::AtLeast, 1),
        };
        loop {
            let (matched, fit) = match self.counted(&step.selector, &want).await {
                Err(error) if went_away(&error) => (0, 0),
                counted => counted?,
            };
            let enough = match operator {
                Operator::AtLeast => fit >= wanted,
                Operator::Exactly => fit == wanted,
                Operator::AtMost => fit <= wanted,
            };
            if enough {
                return Ok(());
            }
            if self.tab().is_gone() {
                return Err(StepError::TabClosed);
            }
            if self.tab().state.borrow().crashed {
                return Err(StepError::Crashed);
            }
            if Instant::now() >= deadline {
                let waited = began.elapsed();
                let selector = step.selector.to_string();
                return Err(if matched == 0 && operator != Operator::AtMost {
                    StepError::NotFound {
                        selector,
                        page: self.tab().url(),
                        waited,
                    }
                } else {
                    StepError::NotAsMany {
                        selector,
                        wanted: format!("{} {wanted}", operator.as_str()),
                        matched,
                        fit,
                        waited,
                    }
                });
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Over all frames: how many match the first fallback that matches any, and how many of these are as wanted.
    async fn counted(
        &mut self,
        selectors: &Selectors,
        want: &Value,
    ) -> Result<(u64, u64), StepError> {
        let main = self.tab().main_frame().await?;
        let mut frames = vec![(Vec::new(), main.clone())];
        let capture = self.capture;
        frames.extend(self.tab().frames_below(&main, capture).await?);
        let mut best = (0, 0);
        for path in selectors.iter() {
            let mut sum = (0, 0);
            for (at, frame) in &frames {
                if self.frame.as_ref().is_some_and(|wanted| wanted != at) {
                    continue;
                }
                match frame.find(path, want.clone(), (None, None)).await {
                    Err(error) if !frame.is_main() && went_away(&error) => {}
                    answer => match found(answer?)? {
                        Found::Counted { matched, fit } => sum = (sum.0 + matched, sum.1 + fit),
                        Found::Invalid { why } => {
                            return Err(StepError::BadSelector {
                                selector: path.to_string(),
                                why,
                            });
                        }
                        _ => {}
                    },
                }
            }
            if sum.1 > best.1 || best.0 == 0 {
                best = sum;
            }
        }
        Ok(best)
    }
}
