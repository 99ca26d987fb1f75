//! Which sessions there are, and what each is sent when it attaches.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

/// Request bodies up to this many bytes come with the Network domain's events; the Fetch domain tells all.
const MAX_POST_DATA: u64 = 64 * 1024;

/// The sessions of the capture client, by session id.
#[derive(Debug, Default)]
pub struct Targets {
    sessions: HashMap<String, Session>,
    /// What pages and frames are sent besides, before they run.
    besides: Setup,
    attached: u64,
}

#[derive(Debug, Clone)]
pub struct Session {
    pub target: String,
    /// CDP's target type: `tab`, `page`, `iframe`, `worker`…
    pub kind: String,
    /// A page that is rendered before anybody goes there.
    prerendered: bool,
    /// The session it was attached through.
    parent: Option<String>,
    /// Counts from 1 in the order of attaching.
    number: u64,
    /// Set-up commands that were not answered yet.
    waiting: usize,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attached {
    pub session_id: String,
    pub target_info: TargetInfo,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetInfo {
    pub target_id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub subtype: Option<String>,
}

/// What a new session is sent, in this order and without awaiting one by one: a paused service worker never answers
/// before it runs.
pub type Setup = Vec<(&'static str, Value)>;

/// Auto-attach through tabs on the browser session: attached straight to a page, prerendering is switched off.
pub fn auto_attach_browser() -> Value {
    json!({
        "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true,
        "filter": [
            {"type": "browser", "exclude": true}, {"type": "browser_ui", "exclude": true},
            {"type": "page", "exclude": true}, {}
        ],
    })
}

/// Of what a target starts in turn.
pub fn auto_attach_child() -> Value {
    json!({
        "autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true,
        "filter": [{"type": "browser_ui", "exclude": true}, {}],
    })
}

impl Targets {
    /// Pages and frames are sent these, too, before they run.
    pub fn besides(besides: Setup) -> Targets {
        Targets {
            besides,
            ..Targets::default()
        }
    }

    /// Takes in `Target.attachedToTarget` and says what to send to the new session. A tab is resumed later, when its
    /// page has been told what to do ([`Targets::tab_of`]).
    pub fn attach(&mut self, attached: &Attached, parent: Option<&str>) -> Setup {
        let kind = attached.target_info.kind.as_str();
        let mut setup: Setup = Vec::new();
        if kind != "tab" {
            setup.push((
                "Network.enable",
                // Answers are not asked for here: the network log has those that are wanted.
                json!({"maxPostDataSize": MAX_POST_DATA, "maxTotalBufferSize": 1, "maxResourceBufferSize": 1}),
            ));
        }
        if !matches!(kind, "tab" | "browser") {
            // So that the script behind an image, or behind a promise, is told: they load when it is done.
            setup.push(("Debugger.enable", json!({})));
            setup.push(("Debugger.setSkipAllPauses", json!({"skip": true})));
            setup.push(("Debugger.setAsyncCallStackDepth", json!({"maxDepth": 8})));
        }
        if matches!(kind, "page" | "iframe") {
            setup.push(("Page.enable", json!({})));
            setup.push(("Page.setLifecycleEventsEnabled", json!({"enabled": true})));
            setup.push(("Network.enableReportingApi", json!({"enable": true})));
            setup.push(("Inspector.enable", json!({})));
        }
        if matches!(kind, "page" | "iframe") {
            setup.extend(self.besides.iter().cloned());
        }
        setup.push(("Target.setAutoAttach", auto_attach_child()));
        if kind != "tab" {
            setup.push(("Runtime.runIfWaitingForDebugger", json!({})));
        }
        self.attached += 1;
        self.sessions.insert(
            attached.session_id.clone(),
            Session {
                target: attached.target_info.target_id.clone(),
                kind: kind.to_owned(),
                prerendered: attached.target_info.subtype.as_deref() == Some("prerender"),
                number: self.attached,
                parent: parent.map(str::to_owned),
                waiting: setup.len(),
            },
        );
        setup
    }

    /// The tab's session through which a page's was attached: to be resumed once the page's commands are on their
    /// way. Not when they are answered: a new tab that a link opens has no renderer to answer before it is resumed.
    pub fn tab_of(&self, session_id: &str) -> Option<&str> {
        let page = self.sessions.get(session_id)?;
        let tab = page.parent.as_deref()?;
        let is_tab = self.sessions.get(tab)?.kind == "tab" && page.kind == "page";
        is_tab.then_some(tab)
    }

    /// One set-up command of a session was answered. When it was the last one: the session.
    pub fn answered(&mut self, session_id: &str) -> Option<Session> {
        let session = self.sessions.get_mut(session_id)?;
        session.waiting = session.waiting.saturating_sub(1);
        if session.waiting > 0 || session.kind == "tab" {
            return None;
        }
        Some(session.clone())
    }

    pub fn detach(&mut self, session_id: &str) -> Option<Session> {
        self.sessions.remove(session_id)
    }

    pub fn session(&self, session_id: &str) -> Option<&Session> {
        self.sessions.get(session_id)
    }

    /// The session of the target of a page, or of a frame that has a process of its own.
    pub fn session_of(&self, target: &str) -> Option<&str> {
        self.sessions
            .iter()
            .filter(|(_, session)| matches!(session.kind.as_str(), "page" | "iframe"))
            .find(|(_, session)| session.target == target)
            .map(|(id, _)| id.as_str())
    }

    /// The target of the page that a session is of, or is a frame of.
    pub fn tab_target<'a>(&'a self, session: &'a Session) -> &'a str {
        let mut page = session;
        while page.kind != "page" {
            match page.parent.as_ref().and_then(|id| self.sessions.get(id)) {
                Some(parent) => page = parent,
                None => break,
            }
        }
        &page.target
    }

    /// Targets of the tabs that a person sees, in the order in which they were opened.
    pub fn tabs(&self) -> Vec<String> {
        let mut tabs: Vec<&Session> = self
            .pages()
            .map(|(_, session)| session)
            .filter(|session| !session.prerendered)
            .collect();
        tabs.sort_by_key(|session| session.number);
        tabs.iter().map(|session| session.target.clone()).collect()
    }

    /// Targets of the frames of a page that have a process of their own, in the order in which they came.
    pub fn frames(&self, page: &str) -> Vec<String> {
        let of_page = |session: &Session| {
            let mut parent = session.parent.as_deref();
            while let Some(above) = parent.and_then(|id| self.sessions.get(id)) {
                if above.target == page {
                    return true;
                }
                parent = above.parent.as_deref();
            }
            false
        };
        let mut frames: Vec<&Session> = self
            .sessions
            .values()
            .filter(|session| session.kind == "iframe" && of_page(session))
            .collect();
        frames.sort_by_key(|session| session.number);
        frames
            .iter()
            .map(|session| session.target.clone())
            .collect()
    }

    /// Sessions of pages, which are what a person sees as tabs.
    pub fn pages(&self) -> impl Iterator<Item = (&str, &Session)> {
        self.sessions
            .iter()
            .filter(|(_, session)| session.kind == "page")
            .map(|(id, session)| (id.as_str(), session))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attached(session: &str, target: &str, kind: &str) -> Attached {
        serde_json::from_value(json!({
            "sessionId": session, "waitingForDebugger": true,
            "targetInfo": {"targetId": target, "type": kind, "url": "", "title": ""},
        }))
        .unwrap()
    }

    #[test]
    fn a_tab_is_resumed_only_when_its_page_was_told_what_to_do() {
        let mut targets = Targets::default();
        let tab = targets.attach(&attached("S1", "T1", "tab"), None);
        assert_eq!(tab.len(), 1, "a tab is only asked to attach to its page");
        assert!(targets.answered("S1").is_none());
        let page = targets.attach(&attached("S2", "T2", "page"), Some("S1"));
        assert_eq!(
            page.first().map(|(method, _)| *method),
            Some("Network.enable")
        );
        assert_eq!(
            page.last().map(|(method, _)| *method),
            Some("Runtime.runIfWaitingForDebugger")
        );
        for _ in 1..page.len() {
            assert!(targets.answered("S2").is_none());
        }
        assert_eq!(targets.tab_of("S2"), Some("S1"));
        assert_eq!(targets.tab_of("S1"), None);
        assert_eq!(targets.answered("S2").unwrap().target, "T2");
        assert_eq!(targets.pages().count(), 1);
        assert!(targets.detach("S2").is_some());
        assert_eq!(targets.pages().count(), 0);
    }
}
