//! A share of a browser that others use too: a browser context of our own, and what in that browser is ours. Nothing else is
//! recorded, kept, or held up for longer than it takes to know that it is not ours.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::protocol::Paused;
use crate::capture::journal::Incoming;

/// How long a paused request may wait until it is known whose it is. A worker's is told by its Network domain, which was
/// seen within 5 ms of the pause.
const KNOWN_WITHIN: Duration = Duration::from_millis(300);

/// How a browser elsewhere is used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sharing {
    /// Accept any certificate.
    pub insecure: bool,
    /// Let pages see that the browser is automated.
    pub declare_automation: bool,
}

/// Whose something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    Ours,
    Others,
    Unknown,
}

/// What was seen of the browser's targets, frames and requests, by whose they are.
#[derive(Debug, Default)]
pub(super) struct Share {
    /// Our browser context.
    pub(super) context: String,
    frames: HashSet<String>,
    requests: HashSet<String>,
    other_frames: HashSet<String>,
    /// Sessions of targets of others.
    other_sessions: HashSet<String>,
    /// Others were ever seen.
    others_seen: bool,
    /// Paused requests of which it is not known yet: as they came.
    undecided: VecDeque<(Instant, String)>,
    /// Requests of which it never was.
    pub(super) never_known: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfTarget {
    target_info: Option<Info>,
    session_id: Option<String>,
    target_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    target_id: String,
    browser_context_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfFrame {
    frame_id: Option<String>,
    request_id: Option<String>,
    frame: Option<Frame>,
}

#[derive(Deserialize)]
struct Frame {
    id: String,
}

impl Share {
    pub(super) fn new(context: String) -> Share {
        Share {
            context,
            ..Share::default()
        }
    }

    /// Whose an event is, and learns from it.
    pub(super) fn whose(
        &mut self,
        session: Option<&str>,
        method: &str,
        params: &RawValue,
    ) -> Whose {
        let others = session.is_some_and(|session| self.other_sessions.contains(session));
        if method.starts_with("Target.") {
            return self.target(others, method, params);
        }
        if session.is_some() {
            if matches!(
                method,
                "Page.frameAttached" | "Page.frameNavigated" | "Network.requestWillBeSent"
            ) && let Ok(of) = serde_json::from_str::<OfFrame>(params.get())
            {
                let frames = match others {
                    true => &mut self.other_frames,
                    false => &mut self.frames,
                };
                frames.extend(of.frame_id);
                frames.extend(of.frame.map(|frame| frame.id));
                if !others {
                    self.requests.extend(of.request_id);
                }
            }
            return match others {
                true => Whose::Others,
                false => Whose::Ours,
            };
        }
        match method {
            "Fetch.requestPaused" => serde_json::from_str::<Paused>(params.get())
                .map_or(Whose::Unknown, |paused| self.whose_request(&paused)),
            // Whoever's it is knows what to do.
            "Fetch.authRequired" => {
                let paused = serde_json::from_str::<Paused>(params.get());
                match paused.map(|paused| self.whose_request(&paused)) {
                    Ok(Whose::Ours) => Whose::Ours,
                    _ => Whose::Others,
                }
            }
            _ => Whose::Ours,
        }
    }

    fn target(&mut self, others: bool, method: &str, params: &RawValue) -> Whose {
        let Ok(of) = serde_json::from_str::<OfTarget>(params.get()) else {
            return Whose::Ours;
        };
        let others = match (&of.target_info, &of.session_id) {
            // What a target of others starts is theirs.
            _ if others => true,
            (Some(info), _) => info.browser_context_id.as_deref() != Some(&*self.context),
            (None, Some(session)) => self.other_sessions.contains(session),
            (None, None) => {
                let target = of.target_id.as_deref().unwrap_or_default();
                !self.frames.contains(target)
            }
        };
        if method == "Target.attachedToTarget" {
            // Pages and frames with a process of their own go by the same id as their frame.
            if let Some(info) = of.target_info {
                match others {
                    true => self.other_frames.insert(info.target_id),
                    false => self.frames.insert(info.target_id),
                };
            }
            if others {
                self.others_seen = true;
                self.other_sessions.extend(of.session_id.clone());
            }
        }
        match others {
            true => Whose::Others,
            false => Whose::Ours,
        }
    }

    pub(super) fn whose_request(&self, paused: &Paused) -> Whose {
        let frame = paused.frame_id.as_deref().unwrap_or_default();
        let request = paused.network_id.as_deref().unwrap_or_default();
        if self.frames.contains(frame) || self.requests.contains(request) {
            Whose::Ours
        } else if self.other_frames.contains(frame) {
            Whose::Others
        } else if !self.others_seen {
            // Nobody else is there.
            Whose::Ours
        } else {
            Whose::Unknown
        }
    }

    /// Holds a request back until it is known whose it is.
    pub(super) fn hold(&mut self, text: &str) {
        self.undecided
            .push_back((Instant::now() + KNOWN_WITHIN, text.to_owned()));
    }

    /// When the next one has waited for long enough.
    pub(super) fn next(&self) -> Option<Instant> {
        self.undecided.front().map(|(until, _)| *until)
    }

    /// Those that were held back, of which it is known by now, or that have waited for long enough: as they came.
    pub(super) fn decided(&mut self) -> Vec<(String, Whose)> {
        let now = Instant::now();
        let mut decided = Vec::new();
        for (until, text) in std::mem::take(&mut self.undecided) {
            let paused = serde_json::from_str::<Incoming>(&text).ok();
            let paused = paused.and_then(|message| {
                serde_json::from_str::<Paused>(message.params.map_or("", RawValue::get)).ok()
            });
            let whose = paused.map_or(Whose::Unknown, |paused| self.whose_request(&paused));
            if whose == Whose::Unknown && now < until {
                self.undecided.push_back((until, text));
            } else {
                decided.push((text, whose));
            }
        }
        decided
    }

    /// A session on a target of others has ended.
    pub(super) fn forget(&mut self, session: &str) {
        self.other_sessions.remove(session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn whose(share: &mut Share, session: Option<&str>, method: &str, params: &Value) -> Whose {
        let params = serde_json::value::to_raw_value(params).unwrap();
        share.whose(session, method, &params)
    }

    fn attached(session: &str, target: &str, context: &str) -> Value {
        json!({"sessionId": session, "waitingForDebugger": true, "targetInfo": {
            "targetId": target, "type": "page", "browserContextId": context,
        }})
    }

    fn paused(frame: Option<&str>, network: Option<&str>) -> Value {
        json!({"requestId": "interception-1", "frameId": frame, "networkId": network,
            "resourceType": "Fetch", "request": {"url": "https://x.example/", "method": "GET"}})
    }

    #[test]
    fn what_is_in_our_context_is_ours_and_nothing_else() {
        let mut share = Share::new("C1".to_owned());
        let attach = "Target.attachedToTarget";
        let request = "Fetch.requestPaused";
        assert_eq!(
            whose(&mut share, None, request, &paused(Some("F?"), None)),
            Whose::Ours,
            "nobody else is there"
        );
        assert_eq!(
            whose(&mut share, None, attach, &attached("S1", "F1", "C1")),
            Whose::Ours
        );
        assert_eq!(
            whose(&mut share, None, attach, &attached("S2", "F2", "C2")),
            Whose::Others
        );
        assert_eq!(
            whose(&mut share, Some("S2"), attach, &attached("S3", "F3", "C1")),
            Whose::Others,
            "what a target of others starts is theirs"
        );
        let frame = json!({"frameId": "F4", "parentFrameId": "F1"});
        assert_eq!(
            whose(&mut share, Some("S1"), "Page.frameAttached", &frame),
            Whose::Ours
        );
        let frame = json!({"frameId": "F5", "parentFrameId": "F2"});
        assert_eq!(
            whose(&mut share, Some("S2"), "Page.frameAttached", &frame),
            Whose::Others
        );
        let will_be_sent = json!({"requestId": "N1", "request": {}});
        whose(
            &mut share,
            Some("S1"),
            "Network.requestWillBeSent",
            &will_be_sent,
        );
        for (paused, expected) in [
            (paused(Some("F1"), None), Whose::Ours),
            (paused(Some("F4"), None), Whose::Ours),
            (paused(None, Some("N1")), Whose::Ours),
            (paused(Some("F2"), None), Whose::Others),
            (paused(Some("F5"), None), Whose::Others),
            (paused(Some("F9"), None), Whose::Unknown),
            (paused(None, None), Whose::Unknown),
        ] {
            assert_eq!(
                whose(&mut share, None, request, &paused),
                expected,
                "{paused}"
            );
        }
        let gone = json!({"targetId": "F2"});
        assert_eq!(
            whose(&mut share, None, "Target.targetDestroyed", &gone),
            Whose::Others
        );
        let detached = json!({"sessionId": "S2", "targetId": "F2"});
        let method = "Target.detachedFromTarget";
        assert_eq!(whose(&mut share, None, method, &detached), Whose::Others);
    }

    #[test]
    fn a_request_is_held_back_until_it_is_known_whose_it_is() {
        let mut share = Share::new("C1".to_owned());
        let attach = "Target.attachedToTarget";
        whose(&mut share, None, attach, &attached("S2", "F2", "C2"));
        let held = json!({"method": "Fetch.requestPaused", "params": paused(None, Some("N1"))});
        share.hold(&held.to_string());
        assert!(share.decided().is_empty());
        assert!(share.next().is_some());
        let will_be_sent = json!({"requestId": "N1", "request": {}});
        whose(
            &mut share,
            Some("S1"),
            "Network.requestWillBeSent",
            &will_be_sent,
        );
        assert_eq!(share.decided(), [(held.to_string(), Whose::Ours)]);
        assert!(share.next().is_none());
    }
}
