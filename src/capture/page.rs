//! What a page is doing, from CDP's Page domain: for whoever waits for it.

use serde::Deserialize;
use serde_json::value::RawValue;

/// The state of a page's main frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageState {
    /// How many navigations of the main frame were begun, by whomever.
    pub begun: u64,
    /// The document that is there (CDP's loader id).
    pub document: Option<String>,
    /// The last document whose `DOMContentLoaded` fired.
    pub dom_content_loaded: Option<String>,
    /// The last document whose `load` fired.
    pub loaded: Option<String>,
    /// Address of the document that is there.
    pub url: String,
    /// How many times a document was committed.
    pub committed: u64,
    /// How many times loading came to an end, whether or not a document was committed.
    pub stopped: u64,
    /// The renderer died.
    pub crashed: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FrameEvent<'a> {
    frame_id: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Navigating<'a> {
    frame_id: &'a str,
    url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lifecycle<'a> {
    frame_id: &'a str,
    loader_id: String,
    name: &'a str,
}

#[derive(Deserialize)]
struct FrameNavigated {
    frame: Frame,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Frame {
    id: String,
    loader_id: String,
    url: String,
}

impl PageState {
    /// Takes in an event of the page's session; returns whether anything changed. The id of a page's main frame is
    /// its target's.
    pub fn take(&mut self, target: &str, method: &str, params: &RawValue) -> bool {
        match method {
            "Page.frameRequestedNavigation" | "Page.frameStartedNavigating" => {
                match serde_json::from_str::<Navigating>(params.get()) {
                    // `tel:` and `mailto:` links ask for a navigation too, and none follows.
                    Ok(event) if event.frame_id == target && event.url.starts_with("http") => {
                        self.begun += 1;
                        true
                    }
                    _ => false,
                }
            }
            "Page.frameStoppedLoading" => match serde_json::from_str::<FrameEvent>(params.get()) {
                Ok(event) if event.frame_id == target => {
                    self.stopped += 1;
                    true
                }
                _ => false,
            },
            "Page.frameNavigated" => match serde_json::from_str::<FrameNavigated>(params.get()) {
                Ok(event) if event.frame.id == target => {
                    self.document = Some(event.frame.loader_id);
                    self.url = event.frame.url;
                    self.committed += 1;
                    self.crashed = false;
                    true
                }
                _ => false,
            },
            // The same document under another address, as single-page sites do.
            "Page.navigatedWithinDocument" => {
                match serde_json::from_str::<Navigating>(params.get()) {
                    Ok(event) if event.frame_id == target => {
                        self.url = event.url;
                        true
                    }
                    _ => false,
                }
            }
            "Page.lifecycleEvent" => match serde_json::from_str::<Lifecycle>(params.get()) {
                Ok(event) if event.frame_id == target => {
                    match event.name {
                        "DOMContentLoaded" => self.dom_content_loaded = Some(event.loader_id),
                        "load" => self.loaded = Some(event.loader_id),
                        _ => return false,
                    }
                    true
                }
                _ => false,
            },
            "Inspector.targetCrashed" => {
                self.crashed = true;
                true
            }
            _ => false,
        }
    }
}
