//! Watches what a person does: a script of ours runs in every document, in a world of its own, and tells.

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// Our isolated world, and the function in it that tells us.
const WORLD: &str = "pixelwitness-record";
const BINDING: &str = "pixelwitnessRecorded";

/// Which script watches, and whom it tells. From the first thing that it tells on, what changes something at the site is
/// contained: trying a form out files no report.
#[derive(Debug, Clone)]
pub struct Watch {
    pub script: &'static str,
    pub told: mpsc::UnboundedSender<Told>,
}

/// Something that a person did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Of the page.
    pub target: String,
    /// What the script said of it.
    pub payload: String,
}

#[derive(Deserialize)]
struct BindingCalled {
    name: String,
    payload: String,
}

impl Watch {
    /// What a new page or frame is sent besides.
    pub(super) fn setup(&self) -> Vec<(&'static str, Value)> {
        vec![
            // Without it a world that is made later gets no binding.
            ("Runtime.enable", json!({})),
            (
                "Runtime.addBinding",
                json!({"name": BINDING, "executionContextName": WORLD}),
            ),
            (
                "Page.addScriptToEvaluateOnNewDocument",
                json!({"source": self.script, "worldName": WORLD, "runImmediately": true}),
            ),
        ]
    }

    /// Takes in `Runtime.bindingCalled`.
    pub(super) fn take(&self, target: &str, params: &str) {
        if let Ok(called) = serde_json::from_str::<BindingCalled>(params)
            && called.name == BINDING
        {
            let _ = self.told.send(Told {
                target: target.to_owned(),
                payload: called.payload,
            });
        }
    }
}
