//! A frame of a tab, in whatever process it runs: looks for elements in it and calls functions on them.

use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::accessibility::{AxNode, QueryAxTreeParams};
use chromiumoxide::cdp::browser_protocol::dom::{
    BackendNodeId, GetFrameOwnerParams, ResolveNodeParams, SetFileInputFilesParams,
};
use chromiumoxide::cdp::browser_protocol::page::{
    CreateIsolatedWorldParams, FrameId, FrameTree, GetFrameTreeParams,
};
use chromiumoxide::cdp::js_protocol::runtime::{
    CallArgument, CallFunctionOnParams, EvaluateParams, ExecutionContextId, RemoteObjectId,
};
use serde_json::{Value, json};

use crate::capture::{Capture, RemoteError};
use crate::scenario::{Selector, SelectorPath};

use super::tab::is_gone;
use super::{Element, Page, StepError};

const FIND: &str = include_str!("find.js");
const OWNER: &str = include_str!("owner.js");

/// A frame of another process that is on its way out may never answer; it must not hold up the others for long.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// A frame, and how to speak to it.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Of the process that the frame runs in.
    page: Page,
    id: String,
    /// The frame that it stands in.
    parent: Option<Box<Frame>>,
    /// Our isolated world in it.
    context: ExecutionContextId,
}

impl Frame {
    /// The page's own frame. Its isolated world is made if there is none.
    ///
    /// # Errors
    /// If the browser refuses.
    pub(super) async fn main(page: &Page, target: &str) -> Result<Frame, StepError> {
        Frame::enter(page.clone(), target.to_owned(), None).await
    }

    async fn enter(page: Page, id: String, parent: Option<Box<Frame>>) -> Result<Frame, StepError> {
        let world = CreateIsolatedWorldParams {
            world_name: Some("pixelwitness".into()),
            ..CreateIsolatedWorldParams::new(id.clone())
        };
        let context = page.execute(world).await?.execution_context_id;
        Ok(Frame {
            page,
            id,
            parent,
            context,
        })
    }

    /// Every frame below the page's own, each after the one that it stands in, with its place: the index of each
    /// frame in its parent, by the order of the elements that show them.
    ///
    /// # Errors
    /// If the browser is gone. Frames that go away meanwhile are left out.
    pub(super) async fn below(
        main: &Frame,
        capture: &Capture,
        target: &str,
    ) -> Result<Vec<(Vec<usize>, Frame)>, StepError> {
        // Frame → its parent and who speaks to it.
        let mut known: Vec<(String, Option<String>, Page)> = Vec::new();
        // Without an answer from the page itself there is nothing to look at: its renderer may be dead.
        let tree = main.page.execute(GetFrameTreeParams::default()).await?;
        flatten(&tree.frame_tree, &main.page, &mut known);
        let mut sessions = Vec::new();
        for frame in capture.frames(target).await? {
            sessions.push(Page::new(capture, Some(&frame), ANSWERS_WITHIN));
        }
        for session in sessions {
            match session.execute(GetFrameTreeParams::default()).await {
                Ok(tree) => flatten(&tree.frame_tree, &session, &mut known),
                Err(error) => tracing::debug!(%error, "a frame went away"),
            }
        }
        let mut found: Vec<(Vec<usize>, Frame)> = Vec::new();
        let mut level = vec![(Vec::new(), main.clone())];
        while let Some((place, parent)) = level.pop() {
            let mut children = Vec::new();
            for (id, of, page) in &known {
                if of.as_deref() != Some(parent.id.as_str()) {
                    continue;
                }
                let owner = Box::new(parent.clone());
                match Frame::enter(page.clone(), id.clone(), Some(owner)).await {
                    Ok(child) => match child.index().await {
                        Ok(index) => children.push((index, child)),
                        Err(error) => tracing::debug!(%error, "a frame went away"),
                    },
                    Err(error) => tracing::debug!(%error, "a frame went away"),
                }
            }
            children.sort_by_key(|(index, _)| *index);
            for (position, (_, child)) in children.into_iter().enumerate() {
                let place: Vec<usize> = place.iter().copied().chain([position]).collect();
                level.insert(0, (place.clone(), child.clone()));
                found.push((place, child));
            }
        }
        Ok(found)
    }

    /// Looks for what a selector matches. `want` and the answer are find.js's.
    ///
    /// # Errors
    /// If the frame is gone, or the browser refuses.
    pub(super) async fn find(
        &self,
        path: &SelectorPath,
        want: Value,
        place: (Option<f64>, Option<f64>),
    ) -> Result<Value, StepError> {
        let mut parts = Vec::new();
        for (index, part) in path.parts().iter().enumerate() {
            parts.push(match part {
                Selector::Css(css) => json!(["css", css]),
                Selector::Text(text) => json!(["text", text]),
                Selector::XPath(path) => json!(["xpath", path]),
                Selector::Pierce(css) => json!(["pierce", css]),
                Selector::Aria { name, role } => {
                    if index + 1 == path.parts().len() {
                        self.resolve_aria(name, role.as_deref()).await?;
                        json!(["resolved", name])
                    } else {
                        // The accessibility tree is one for all shadow roots: the last name is looked for in it all.
                        continue;
                    }
                }
            });
        }
        let place = json!([place.0, place.1]);
        self.call(FIND, &[Value::Array(parts), want, place]).await
    }

    /// The element that was left in `pixelwitnessResolved`, if a person could click it now.
    ///
    /// # Errors
    /// If the frame is gone, or the browser refuses.
    pub(super) async fn fit_resolved(&self) -> Result<Option<Element>, StepError> {
        let path = json!([["resolved", ""]]);
        let found = self
            .call(FIND, &[path, json!("point"), json!([null, null])])
            .await?;
        let (Some(x), Some(y)) = (found["x"].as_f64(), found["y"].as_f64()) else {
            return Ok(None);
        };
        let point = self.on_page(x, y).await?;
        let (Some(x), Some(y)) = (point["x"].as_f64(), point["y"].as_f64()) else {
            return Ok(None);
        };
        Ok(Some(Element {
            frame: self.clone(),
            x,
            y,
            extent: None,
            action: None,
        }))
    }

    /// Leaves the elements with that accessible name in the isolated world.
    async fn resolve_aria(&self, name: &str, role: Option<&str>) -> Result<(), StepError> {
        /// Among so many of one name the one that is wanted is not told apart by more.
        const MOST: usize = 50;
        let mut query = QueryAxTreeParams::builder()
            .accessible_name(name)
            .object_id(self.object("document").await?);
        if let Some(role) = role {
            query = query.role(role);
        }
        let nodes = self.page.execute(query.build()).await?.nodes;
        self.call("function () { globalThis.pixelwitnessResolved = []; }", &[])
            .await?;
        let role = |node: &AxNode| {
            let role = node.role.as_ref().and_then(|role| role.value.as_ref());
            role.and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let mut nodes: Vec<(String, BackendNodeId)> = nodes
            .iter()
            .filter(|node| !node.ignored)
            .filter_map(|node| Some((role(node), node.backend_dom_node_id?)))
            .collect();
        // What has the name comes before the text and the label that give it.
        nodes.sort_by_key(|(role, _)| match role.as_str() {
            "LabelText" => 1,
            "StaticText" | "InlineTextBox" => 2,
            _ => 0,
        });
        for (_, node) in nodes.into_iter().take(MOST) {
            let keep = "function () { globalThis.pixelwitnessResolved.push(\
                this.nodeType === Node.TEXT_NODE ? this.parentElement : this); }";
            let object = self.resolve(node).await?;
            self.call_on(object, keep, &[]).await?;
        }
        Ok(())
    }

    async fn resolve(&self, node: BackendNodeId) -> Result<RemoteObjectId, StepError> {
        let resolve = ResolveNodeParams::builder()
            .backend_node_id(node)
            .execution_context_id(self.context)
            .build();
        let object = self.page.execute(resolve).await?.object;
        object.object_id.ok_or_else(element_gone)
    }

    async fn object(&self, expression: &str) -> Result<RemoteObjectId, StepError> {
        let evaluate = EvaluateParams {
            context_id: Some(self.context),
            ..EvaluateParams::new(expression)
        };
        let object = self.page.execute(evaluate).await?.result.object_id;
        object.ok_or_else(element_gone)
    }

    /// Calls a function in our isolated world, and gives its result by value.
    ///
    /// # Errors
    /// If the browser refuses, or the function threw.
    pub async fn call(&self, function: &str, arguments: &[Value]) -> Result<Value, StepError> {
        let call = CallFunctionOnParams {
            execution_context_id: Some(self.context),
            ..CallFunctionOnParams::new(function)
        };
        self.returned(call, arguments).await
    }

    async fn call_on(
        &self,
        object: RemoteObjectId,
        function: &str,
        arguments: &[Value],
    ) -> Result<Value, StepError> {
        let call = CallFunctionOnParams {
            object_id: Some(object),
            ..CallFunctionOnParams::new(function)
        };
        self.returned(call, arguments).await
    }

    async fn returned(
        &self,
        call: CallFunctionOnParams,
        arguments: &[Value],
    ) -> Result<Value, StepError> {
        let arguments = arguments
            .iter()
            .map(|value| CallArgument::builder().value(value.clone()).build())
            .collect();
        let call = CallFunctionOnParams {
            arguments: Some(arguments),
            return_by_value: Some(true),
            await_promise: Some(true),
            ..call
        };
        let returned = self.page.execute(call).await?;
        match returned.exception_details {
            Some(exception) => Err(StepError::Browser(RemoteError::Refused(
                exception.to_string(),
            ))),
            None => Ok(returned.result.value.unwrap_or(Value::Null)),
        }
    }

    /// Evaluates an expression as the page itself would, and says whether it is true; or the error that it throws.
    ///
    /// # Errors
    /// If the browser refuses.
    pub async fn evaluate(&self, expression: &str) -> Result<Result<bool, String>, StepError> {
        // In the frame's own world: the Recorder's expressions read what the page's scripts set.
        let mut evaluate = EvaluateParams {
            return_by_value: Some(true),
            await_promise: Some(true),
            ..EvaluateParams::new(format!("(async () => !!(await ({expression}\n)))()"))
        };
        if self.parent.is_some() {
            evaluate.context_id = Some(self.context);
        }
        let returned = self.page.execute(evaluate).await?;
        Ok(match returned.exception_details {
            Some(exception) => Err(exception
                .exception
                .and_then(|thrown| thrown.description)
                .unwrap_or(exception.text)),
            None => Ok(returned.result.value == Some(Value::Bool(true))),
        })
    }

    /// Runs a script in our isolated world.
    ///
    /// # Errors
    /// If the browser refuses, or the script threw.
    pub(super) async fn run_script(&self, script: &str) -> Result<(), StepError> {
        let evaluate = EvaluateParams {
            context_id: Some(self.context),
            ..EvaluateParams::new(script)
        };
        match self.page.execute(evaluate).await?.exception_details {
            Some(thrown) => Err(StepError::Browser(RemoteError::Refused(thrown.to_string()))),
            None => Ok(()),
        }
    }

    /// Puts a file into the file field that was found last.
    ///
    /// # Errors
    /// If the browser refuses.
    pub async fn choose_file(&self, path: &std::path::Path) -> Result<(), StepError> {
        let choose = SetFileInputFilesParams {
            object_id: Some(self.object("globalThis.pixelwitnessElement").await?),
            ..SetFileInputFilesParams::new(vec![path.display().to_string()])
        };
        self.page.execute(choose).await?;
        Ok(())
    }

    /// Where a point of this frame is on the page, or why it cannot be reached (find.js's states).
    ///
    /// # Errors
    /// If a frame on the way is gone.
    pub(super) async fn on_page(&self, x: f64, y: f64) -> Result<Value, StepError> {
        let mut point = json!({"state": "ok", "x": x, "y": y});
        let mut frame = self;
        while let Some(parent) = &frame.parent {
            let owner = frame.owner(parent).await?;
            let at = [point["x"].clone(), point["y"].clone()];
            point = parent.call_on(owner, OWNER, &at).await?;
            if point["state"] != "ok" {
                break;
            }
            frame = parent;
        }
        Ok(point)
    }

    /// The element that shows this frame.
    async fn owner(&self, parent: &Frame) -> Result<RemoteObjectId, StepError> {
        let owner = GetFrameOwnerParams::new(FrameId::new(self.id.clone()));
        let owner = parent.page.execute(owner).await?;
        parent.resolve(owner.backend_node_id).await
    }

    /// Which of the frames in its document this one is.
    async fn index(&self) -> Result<u64, StepError> {
        let Some(parent) = &self.parent else {
            return Ok(0);
        };
        let order = "function () {
            const all = (root) => [...root.querySelectorAll('*')].flatMap((element) =>
                [...(/^(IFRAME|FRAME)$/.test(element.tagName) ? [element] : []), ...(element.shadowRoot ? all(element.shadowRoot) : [])]);
            return all(document).indexOf(this); }";
        let owner = self.owner(parent).await?;
        let index = parent.call_on(owner, order, &[]).await?;
        // One in a closed shadow root is not found in the document, and comes last.
        Ok(index.as_u64().unwrap_or(u64::MAX))
    }

    /// Whether it is the page's own.
    pub fn is_main(&self) -> bool {
        self.parent.is_none()
    }
}

fn flatten(tree: &FrameTree, session: &Page, known: &mut Vec<(String, Option<String>, Page)>) {
    let id = tree.frame.id.inner().clone();
    // A frame with a process of its own may be named by the process that it left, too.
    if !known.iter().any(|(there, ..)| *there == id) {
        let parent = tree.frame.parent_id.as_ref();
        known.push((id, parent.map(|id| id.inner().clone()), session.clone()));
    }
    for child in tree.child_frames.iter().flatten() {
        flatten(child, session, known);
    }
}

/// Whether an error only says that the frame is no more.
pub(super) fn went_away(error: &StepError) -> bool {
    match error {
        StepError::Browser(RemoteError::Gone) => true,
        StepError::Browser(error) => is_gone(error) || is_silent(error),
        _ => false,
    }
}

/// It did not answer in time.
fn is_silent(error: &RemoteError) -> bool {
    error.to_string().starts_with("no answer to ")
}

fn element_gone() -> StepError {
    StepError::Browser(RemoteError::Refused("Could not find node".to_owned()))
}
