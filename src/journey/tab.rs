//! A tab that is driven: its pointer, its keys, and what it is doing.

use std::time::{Duration, Instant};

use chromiumoxide::cdp::browser_protocol::input::{
    DispatchMouseEventParams, DispatchMouseEventPointerType, DispatchMouseEventType, MouseButton,
};
use chromiumoxide::cdp::browser_protocol::page::BringToFrontParams;
use chromiumoxide::cdp::browser_protocol::target::CreateTargetParams;
use chromiumoxide::cdp::js_protocol::runtime::EvaluateParams;
use serde_json::json;
use tokio::sync::watch;

use crate::capture::{Capture, PageState, RemoteError};
use crate::scenario::{Button, Device};

use super::picture::Pictured;
use super::{Frame, Page, StepError};

/// How soon after a tap a second one makes it a double tap, and a little more.
const DOUBLE_TAP_WITHIN: Duration = Duration::from_millis(400);

/// A tab and where its pointer is.
#[derive(Debug)]
pub struct Tab {
    pub page: Page,
    pub state: watch::Receiver<PageState>,
    target: String,
    /// The page's own frame, and which of the tab's documents it belongs to.
    main: Option<(u64, Frame)>,
    pointer: (f64, f64),
    /// CDP's bits of the keys that are held.
    pub modifiers: i64,
    pub(super) pictured: Pictured,
}

/// How an element is clicked.
#[derive(Debug, Clone, Copy)]
pub struct Press {
    pub button: Button,
    pub device: Device,
    /// 2 for a double click.
    pub count: i64,
    pub hold: Duration,
}

impl Default for Press {
    fn default() -> Press {
        Press {
            button: Button::Primary,
            device: Device::Mouse,
            count: 1,
            hold: Duration::ZERO,
        }
    }
}

impl Tab {
    /// Opens an empty tab and waits until everything that it will send is watched. `limit` bounds each of its commands.
    ///
    /// # Errors
    /// If the browser is gone, or the tab is not ready in time.
    pub async fn open(capture: &Capture, limit: Duration) -> Result<Tab, StepError> {
        let opened = Page::new(capture, None, limit)
            .execute(CreateTargetParams::new("about:blank"))
            .await?;
        Tab::attach(capture, opened.target_id.inner(), limit).await
    }

    /// Takes over a tab that is there.
    ///
    /// # Errors
    /// If it is gone, or not ready in time.
    pub async fn attach(
        capture: &Capture,
        target: &str,
        limit: Duration,
    ) -> Result<Tab, StepError> {
        let state = capture.page(target).await?;
        capture.page_ready(target, limit).await?;
        Ok(Tab {
            page: Page::new(capture, Some(target), limit),
            state,
            target: target.to_owned(),
            main: None,
            pointer: (0.0, 0.0),
            modifiers: 0,
            pictured: Pictured::default(),
        })
    }

    pub fn target(&self) -> &str {
        &self.target
    }

    /// Address of the document that is there.
    pub fn url(&self) -> String {
        self.state.borrow().url.clone()
    }

    /// Whether it was closed.
    pub fn is_gone(&self) -> bool {
        self.state.has_changed().is_err()
    }

    /// Makes it the tab that the visitor looks at. One that stands behind another, which a page opened, draws no
    /// frames, never answers a click, and has no visibility to lose.
    ///
    /// # Errors
    /// If the browser refuses.
    pub async fn bring_to_front(&self) -> Result<(), StepError> {
        self.page.execute(BringToFrontParams::default()).await?;
        Ok(())
    }

    /// The page's own frame.
    ///
    /// # Errors
    /// If the browser refuses.
    pub async fn main_frame(&mut self) -> Result<Frame, StepError> {
        let committed = self.state.borrow().committed;
        match &self.main {
            Some((document, frame)) if *document == committed => Ok(frame.clone()),
            _ => {
                let frame = Frame::main(&self.page, &self.target).await?;
                self.main = Some((committed, frame.clone()));
                Ok(frame)
            }
        }
    }

    /// The frames below the page's own, with their places.
    ///
    /// # Errors
    /// If the browser is gone.
    pub async fn frames_below(
        &self,
        main: &Frame,
        capture: &Capture,
    ) -> Result<Vec<(Vec<usize>, Frame)>, StepError> {
        Frame::below(main, capture, &self.target).await
    }

    /// Moves the pointer there, as a hand does.
    ///
    /// # Errors
    /// If the browser refuses.
    pub async fn move_to(&mut self, x: f64, y: f64) -> Result<(), StepError> {
        let (from_x, from_y) = self.pointer;
        if (from_x, from_y) == (x, y) {
            return Ok(());
        }
        for part in [0.25, 0.5, 0.75, 1.0] {
            let event = DispatchMouseEventParams {
                modifiers: Some(self.modifiers),
                ..DispatchMouseEventParams::new(
                    DispatchMouseEventType::MouseMoved,
                    from_x + (x - from_x) * part,
                    from_y + (y - from_y) * part,
                )
            };
            self.page.execute(event).await?;
        }
        self.pointer = (x, y);
        Ok(())
    }

    /// Moves the pointer there and clicks, or taps.
    ///
    /// # Errors
    /// If the browser refuses.
    pub async fn click_at(&mut self, x: f64, y: f64, press: Press) -> Result<(), StepError> {
        if press.device == Device::Touch {
            return self.tap(x, y, press).await;
        }
        self.move_to(x, y).await?;
        let (button, bit) = match press.button {
            Button::Primary => (MouseButton::Left, 1),
            Button::Secondary => (MouseButton::Right, 2),
            Button::Auxiliary => (MouseButton::Middle, 4),
            Button::Back => (MouseButton::Back, 8),
            Button::Forward => (MouseButton::Forward, 16),
        };
        for count in 1..=press.count {
            for kind in [
                DispatchMouseEventType::MousePressed,
                DispatchMouseEventType::MouseReleased,
            ] {
                let pressed = kind == DispatchMouseEventType::MousePressed;
                let event = DispatchMouseEventParams {
                    modifiers: Some(self.modifiers),
                    button: Some(button.clone()),
                    buttons: Some(if pressed { bit } else { 0 }),
                    click_count: Some(count),
                    pointer_type: Some(match press.device {
                        Device::Pen => DispatchMouseEventPointerType::Pen,
                        _ => DispatchMouseEventPointerType::Mouse,
                    }),
                    ..DispatchMouseEventParams::new(kind, x, y)
                };
                self.input(event).await?;
                if pressed && !press.hold.is_zero() {
                    tokio::time::sleep(press.hold).await;
                }
            }
        }
        Ok(())
    }

    async fn tap(&mut self, x: f64, y: f64, press: Press) -> Result<(), StepError> {
        // By hand, since the typed command leaves out an empty list, and the browser wants it.
        for (kind, points) in [
            ("touchStart", json!([{"x": x, "y": y}])),
            ("touchEnd", json!([])),
        ] {
            let touch = json!({"type": kind, "touchPoints": points, "modifiers": self.modifiers});
            match self.page.call("Input.dispatchTouchEvent", touch).await {
                Ok(_) => {}
                Err(RemoteError::Gone) if self.is_gone() => {}
                Err(error) => return Err(error.into()),
            }
            tokio::time::sleep(press.hold).await;
        }
        // Only then is it no double tap; up to then the browser puts what hovers where it was tapped.
        tokio::time::sleep(DOUBLE_TAP_WITHIN).await;
        Ok(())
    }

    /// Gives an input event. A page that closes its own tab on it never answers.
    async fn input<C: chromiumoxide::Command>(&self, event: C) -> Result<(), StepError> {
        match self.page.execute(event).await {
            Ok(_) => Ok(()),
            Err(RemoteError::Gone) if self.is_gone() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until a navigation that an action may have begun is over. `before` is the state before the action.
    /// Returns false if the page was still loading when the time was up.
    ///
    /// # Errors
    /// If the renderer crashed or the browser is gone.
    pub async fn settle(
        &mut self,
        before: &PageState,
        deadline: Instant,
    ) -> Result<bool, StepError> {
        // A barrier: what the action began in the renderer is told before this is answered.
        let barrier = self.page.execute(EvaluateParams::new("0"));
        let _ = tokio::time::timeout(Duration::from_secs(1), barrier).await;
        // The action closed the tab: there is nothing to wait for.
        if self.is_gone() || self.state.borrow().begun == before.begun {
            return Ok(true);
        }
        let (committed, stopped) = (before.committed, before.stopped);
        let settled = self
            .wait_until(deadline, |page| {
                let loaded = page.committed > committed && page.loaded == page.document;
                loaded || page.stopped > stopped
            })
            .await;
        match settled {
            Err(StepError::Lost) if self.is_gone() => Ok(true),
            settled => settled,
        }
    }

    /// Waits until the page's state is as wanted. False: not before the deadline.
    ///
    /// # Errors
    /// If the renderer crashed or the browser is gone.
    pub async fn wait_until(
        &mut self,
        deadline: Instant,
        mut wanted: impl FnMut(&PageState) -> bool,
    ) -> Result<bool, StepError> {
        let deadline = deadline
            .checked_sub(Duration::from_millis(200))
            .unwrap_or(deadline);
        let change = self.state.wait_for(|page| page.crashed || wanted(page));
        match tokio::time::timeout_at(deadline.into(), change).await {
            Ok(Ok(page)) if page.crashed => Err(StepError::Crashed),
            Ok(Ok(_)) => Ok(true),
            Ok(Err(_)) => Err(StepError::Lost),
            Err(_) => Ok(false),
        }
    }
}

/// The document that was asked is no more.
pub(super) fn is_gone(error: &RemoteError) -> bool {
    let text = error.to_string();
    [
        "Cannot find context",
        "context was destroyed",
        "navigated or closed",
        "Could not find node",
        "uniqueContextId not found",
        "Could not find object",
        "No frame for given id",
        "Frame with the given id was not found",
        "Frame with the given frameId",
        "No node found for given backend id",
        "Node with given id does not belong",
        "Frame is being detached",
    ]
    .iter()
    .any(|known| text.contains(known))
}
