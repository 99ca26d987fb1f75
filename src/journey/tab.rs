//! A tab that is driven: finds elements, moves the pointer, clicks.

use std::time::{Duration, Instant};

use chromiumoxide::cdp::browser_protocol::accessibility::QueryAxTreeParams;
use chromiumoxide::cdp::browser_protocol::dom::{
    BackendNodeId, ResolveNodeParams, SetFileInputFilesParams,
};
use chromiumoxide::cdp::browser_protocol::input::{
    DispatchMouseEventParams, DispatchMouseEventType, MouseButton,
};
use chromiumoxide::cdp::browser_protocol::page::{BringToFrontParams, CreateIsolatedWorldParams};
use chromiumoxide::cdp::browser_protocol::target::CreateTargetParams;
use chromiumoxide::cdp::js_protocol::runtime::{
    CallArgument, CallFunctionOnParams, EvaluateParams, ExecutionContextId, RemoteObjectId,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::capture::{Capture, PageState, RemoteError};
use crate::scenario::{Selector, Selectors};

use super::{Page, StepError};

const FIND: &str = include_str!("script.js");
/// Between two looks at a page that is not there yet.
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// A tab and where its pointer is.
#[derive(Debug)]
pub struct Tab {
    pub page: Page,
    pub state: watch::Receiver<PageState>,
    target: String,
    /// Our isolated world, and which of the tab's documents it belongs to.
    world: Option<(u64, ExecutionContextId)>,
    pointer: (f64, f64),
}

/// An element that a person could click.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
    /// Host that the element's form sends to.
    pub action: Option<String>,
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

/// What an element is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    Present,
    Visible,
    /// To be clicked: visible, enabled, at rest and not covered.
    Point,
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
        let target = opened.target_id.inner().clone();
        let state = capture.page(&target).await?;
        capture.page_ready(&target, limit).await?;
        Ok(Tab {
            page: Page::new(capture, Some(&target), limit),
            state,
            target,
            world: None,
            pointer: (0.0, 0.0),
        })
    }

    /// Address of the document that is there.
    pub fn url(&self) -> String {
        self.state.borrow().url.clone()
    }

    /// Waits until an element is there and fit for what it is wanted for.
    ///
    /// # Errors
    /// What stood in the way when the time was up.
    pub async fn locate(
        &mut self,
        selectors: &Selectors,
        want: Want,
        deadline: Instant,
    ) -> Result<Point, StepError> {
        let began = Instant::now();
        if want == Want::Point {
            self.bring_to_front().await?;
        }
        // The last look must end before the step's own limit does, so that it can say what it saw.
        let deadline = deadline
            .checked_sub(Duration::from_millis(200))
            .unwrap_or(deadline);
        loop {
            let found = match self.look(selectors, want).await {
                // The document went away while we looked: look again in the next one.
                Err(StepError::Browser(error)) if is_gone(&error) => Found::Missing {},
                Err(error) => return Err(error),
                Ok(found) => found,
            };
            let selector = || selectors.to_string();
            let waited = began.elapsed();
            let error = match found {
                Found::Ok { x, y, action } => return Ok(Point { x, y, action }),
                Found::Invalid { why } => {
                    return Err(StepError::BadSelector {
                        selector: selector(),
                        why,
                    });
                }
                Found::Missing {} => StepError::NotFound {
                    selector: selector(),
                    page: self.url(),
                    waited,
                },
                Found::Hidden { what } => not_reachable(selector(), what, "cannot be seen", waited),
                Found::Disabled { what } => not_reachable(selector(), what, "is disabled", waited),
                Found::Moving { what } => {
                    not_reachable(selector(), what, "does not stop moving", waited)
                }
                Found::Covered { what, by } => {
                    let why = format!("is covered by {by}");
                    not_reachable(selector(), what, &why, waited)
                }
            };
            if self.state.borrow().crashed {
                return Err(StepError::Crashed);
            }
            if Instant::now() >= deadline {
                return Err(error);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
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

    async fn look(&mut self, selectors: &Selectors, want: Want) -> Result<Found, StepError> {
        let mut pairs = Vec::new();
        for selector in selectors.iter() {
            pairs.push(match selector {
                Selector::Css(css) => json!(["css", css]),
                Selector::Text(text) => json!(["text", text]),
                Selector::XPath(path) => json!(["xpath", path]),
                Selector::Pierce(css) => json!(["pierce", css]),
                Selector::Aria { name, role } => {
                    self.resolve_aria(name, role.as_deref()).await?;
                    json!(["resolved", name])
                }
            });
        }
        let want = match want {
            Want::Present => "present",
            Want::Visible => "visible",
            Want::Point => "point",
        };
        let found = self.call(FIND, &[Value::Array(pairs), want.into()]).await?;
        serde_json::from_value(found)
            .map_err(|error| StepError::Browser(RemoteError::Unreadable(error.to_string())))
    }

    /// Leaves the element with that accessible name in the isolated world, or nothing.
    async fn resolve_aria(&mut self, name: &str, role: Option<&str>) -> Result<(), StepError> {
        let context = self.context().await?;
        let document = self
            .page
            .execute(EvaluateParams {
                context_id: Some(context),
                ..EvaluateParams::new("document")
            })
            .await?;
        let mut query = QueryAxTreeParams::builder().accessible_name(name);
        if let Some(role) = role {
            query = query.role(role);
        }
        if let Some(object_id) = document.result.object_id {
            query = query.object_id(object_id);
        }
        let nodes = self.page.execute(query.build()).await?.nodes;
        let node = nodes
            .into_iter()
            .filter(|node| !node.ignored)
            .find_map(|node| node.backend_dom_node_id);
        match node {
            Some(node) => {
                let object = self.resolve(node, context).await?;
                let keep = "function () { globalThis.pixelwitnessResolved = \
                    this.nodeType === Node.TEXT_NODE ? this.parentElement : this; }";
                let call = CallFunctionOnParams {
                    object_id: Some(object),
                    ..CallFunctionOnParams::new(keep)
                };
                self.page.execute(call).await?;
            }
            None => {
                self.call(
                    "function () { globalThis.pixelwitnessResolved = null; }",
                    &[],
                )
                .await?;
            }
        }
        Ok(())
    }

    async fn resolve(
        &self,
        node: BackendNodeId,
        context: ExecutionContextId,
    ) -> Result<RemoteObjectId, StepError> {
        let resolve = ResolveNodeParams::builder()
            .backend_node_id(node)
            .execution_context_id(context)
            .build();
        let object = self.page.execute(resolve).await?.object;
        object.object_id.ok_or_else(element_gone)
    }

    /// Calls a function in our isolated world, and gives its result by value.
    ///
    /// # Errors
    /// If the browser refuses, or the function threw.
    pub async fn call(&mut self, function: &str, arguments: &[Value]) -> Result<Value, StepError> {
        let context = self.context().await?;
        let arguments = arguments
            .iter()
            .map(|value| CallArgument::builder().value(value.clone()).build())
            .collect();
        let call = CallFunctionOnParams {
            arguments: Some(arguments),
            execution_context_id: Some(context),
            return_by_value: Some(true),
            await_promise: Some(true),
            ..CallFunctionOnParams::new(function)
        };
        let returned = self.page.execute(call).await?;
        match returned.exception_details {
            Some(exception) => Err(StepError::Browser(RemoteError::Refused(
                exception.to_string(),
            ))),
            None => Ok(returned.result.value.unwrap_or(Value::Null)),
        }
    }

    async fn context(&mut self) -> Result<ExecutionContextId, StepError> {
        let committed = self.state.borrow().committed;
        match self.world {
            Some((document, context)) if document == committed => Ok(context),
            _ => {
                let world = CreateIsolatedWorldParams {
                    world_name: Some("pixelwitness".into()),
                    ..CreateIsolatedWorldParams::new(self.target.clone())
                };
                let context = self.page.execute(world).await?.execution_context_id;
                self.world = Some((committed, context));
                Ok(context)
            }
        }
    }

    /// Puts a file into the file field that was found last.
    ///
    /// # Errors
    /// If the browser refuses.
    pub async fn choose_file(&mut self, path: &std::path::Path) -> Result<(), StepError> {
        let find = EvaluateParams {
            context_id: Some(self.context().await?),
            ..EvaluateParams::new("globalThis.pixelwitnessElement")
        };
        let found = self.page.execute(find).await?.result.object_id;
        let choose = SetFileInputFilesParams {
            object_id: Some(found.ok_or_else(element_gone)?),
            ..SetFileInputFilesParams::new(vec![path.display().to_string()])
        };
        self.page.execute(choose).await?;
        Ok(())
    }

    /// Moves the pointer there and clicks, as a hand does.
    ///
    /// # Errors
    /// If the browser refuses.
    pub async fn click_at(&mut self, point: &Point) -> Result<(), StepError> {
        let (from_x, from_y) = self.pointer;
        for part in [0.5, 1.0] {
            let x = from_x + (point.x - from_x) * part;
            let y = from_y + (point.y - from_y) * part;
            self.page
                .execute(DispatchMouseEventParams::new(
                    DispatchMouseEventType::MouseMoved,
                    x,
                    y,
                ))
                .await?;
        }
        self.pointer = (point.x, point.y);
        for kind in [
            DispatchMouseEventType::MousePressed,
            DispatchMouseEventType::MouseReleased,
        ] {
            let pressed = kind == DispatchMouseEventType::MousePressed;
            let event = DispatchMouseEventParams {
                button: Some(MouseButton::Left),
                buttons: Some(i64::from(pressed)),
                click_count: Some(1),
                ..DispatchMouseEventParams::new(kind, point.x, point.y)
            };
            self.page.execute(event).await?;
        }
        Ok(())
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
        if self.state.borrow().begun == before.begun {
            return Ok(true);
        }
        let (committed, stopped) = (before.committed, before.stopped);
        self.wait_until(deadline, |page| {
            let loaded = page.committed > committed && page.loaded == page.document;
            loaded || page.stopped > stopped
        })
        .await
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

fn element_gone() -> StepError {
    StepError::Browser(RemoteError::Refused("Could not find node".to_owned()))
}

fn not_reachable(selector: String, what: String, why: &str, waited: Duration) -> StepError {
    StepError::NotReachable {
        selector,
        what,
        why: why.to_owned(),
        waited,
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
    ]
    .iter()
    .any(|known| text.contains(known))
}
