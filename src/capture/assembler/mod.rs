//! Turns CDP events into exchanges. Pure: no browser, no clock, no disk.
//!
//! The traps that live here: the same request is told by two domains in either order; the hops of a redirect share
//! one id; ExtraInfo can come before the request it belongs to; requests made while a page goes away are known to
//! the Fetch domain alone, sometimes without the id that would join them.

mod answer;
mod cdp;
mod document;
mod draft;
mod socket;

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::model::{BodyState, Exchange, Moment, Outcome, Pool, Source, without_fragment};

use self::cdp::{
    ById, FrameNavigated, Request, RequestExtraInfo, RequestPaused, RequestWillBeSent,
};
use self::document::Documents;
use self::draft::{Draft, body_of, decode_base64};
use super::{JournalLine, Mark, journal::Incoming};

/// Why a request failed that its page gave up.
pub(super) const CANCELLED: &str = "cancelled by the page";

/// Two domains tell of the same request within this time.
const JOIN_WITHIN_MS: u64 = 2000;

/// A request body, to be kept under its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Hex.
    pub sha256: String,
    pub bytes: Vec<u8>,
}

/// What the assembler gives as soon as it is known.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    Body(Body),
    /// An exchange that has come to an end, as far as CDP tells.
    Settled(Box<Exchange>),
}

/// Builds exchanges from a journal.
#[derive(Debug)]
pub struct Assembler {
    first_party: String,
    step: Option<u32>,
    /// When steps began and ended.
    steps: Vec<(Moment, Option<u32>)>,
    drafts: Vec<Draft>,
    /// Method and URL → drafts, in order.
    by_request: HashMap<String, Vec<usize>>,
    /// Network request id → its hops, in order.
    hops: HashMap<String, Vec<usize>>,
    /// Fetch request id → hop.
    fetches: HashMap<String, usize>,
    /// ExtraInfo that came before its request.
    early: HashMap<String, Vec<RequestExtraInfo>>,
    /// Target id → its type.
    kinds: HashMap<String, String>,
    /// Session id → target id and type.
    sessions: HashMap<String, (String, String)>,
    documents: Documents,
    /// Frame id → target id, as far as seen.
    frames: HashMap<String, String>,
    /// Messages that could not be read, by method.
    unreadable: Vec<String>,
    tabs_left: u64,
    not_known_whose: u64,
    pool: Pool,
    output: Vec<Output>,
}

impl Assembler {
    /// `first_party` is the registrable domain of the scenario's origin.
    pub fn new(first_party: &str) -> Assembler {
        Assembler {
            first_party: first_party.to_owned(),
            step: None,
            steps: Vec::new(),
            drafts: Vec::new(),
            by_request: HashMap::new(),
            hops: HashMap::new(),
            fetches: HashMap::new(),
            early: HashMap::new(),
            kinds: HashMap::new(),
            sessions: HashMap::new(),
            documents: Documents::default(),
            frames: HashMap::new(),
            unreadable: Vec::new(),
            tabs_left: 0,
            not_known_whose: 0,
            pool: Pool::default(),
            output: Vec::new(),
        }
    }

    /// Takes in a line of a journal.
    ///
    /// # Errors
    /// If the line holds no journal entry.
    pub fn line(&mut self, line: &str) -> Result<(), serde_json::Error> {
        let line: JournalLine = serde_json::from_str(line)?;
        if let Some(mark) = line.mark {
            self.mark(line.at, &mark);
        }
        if let Some(cdp) = line.cdp {
            let message: Incoming = serde_json::from_str(cdp.get())?;
            if let (Some(method), Some(params)) = (&message.method, message.params) {
                self.event(line.at, message.session.as_deref(), method, params);
            }
        }
        Ok(())
    }

    /// Takes in what was done meanwhile.
    pub fn mark(&mut self, at: Moment, mark: &Mark) {
        match mark {
            Mark::Step(step) => {
                self.step = *step;
                self.steps.push((at, *step));
            }
            Mark::Contained { fetch_id, why } => {
                if let Some(&index) = self.fetches.get(fetch_id) {
                    let draft = &mut self.drafts[index];
                    draft.exchange.outcome = Outcome::Contained;
                    draft.exchange.error = Some(why.clone());
                    self.settle(index);
                }
            }
            Mark::PostData { network_id, base64 } => {
                let body = base64.as_deref().and_then(decode_base64);
                let hops = self.hops.get(network_id).cloned().unwrap_or_default();
                for index in hops {
                    // A redirect that kept the method sent the same body again; one that did not sent none.
                    let draft = &mut self.drafts[index];
                    if let (Some(body), BodyState::Unavailable) = (&body, draft.exchange.body_state)
                    {
                        draft.set_body(body.clone(), Source::Network);
                        self.flush_body(index);
                    }
                }
            }
            Mark::TabsLeft(tabs) => self.tabs_left = *tabs,
            Mark::NotKnownWhose(requests) => self.not_known_whose = *requests,
            Mark::Closing => {}
        }
    }

    /// Takes in a CDP event.
    pub fn event(&mut self, at: Moment, session: Option<&str>, method: &str, params: &RawValue) {
        let read = match method {
            "Fetch.requestPaused" => self.with(params, |it, event| it.request_paused(at, event)),
            "Network.requestWillBeSent" => self.with(params, |it, event| {
                it.request_will_be_sent(at, session, event)
            }),
            "Network.requestWillBeSentExtraInfo" => self
                .with(params, |it, event: RequestExtraInfo| {
                    it.request_extra_info(event)
                }),
            "Network.responseReceived" => {
                self.with(params, |it, event| it.response_received(at, session, event))
            }
            "Network.responseReceivedExtraInfo" => self.with(params, Self::response_extra_info),
            "Network.requestServedFromCache" => self.with(params, |it, event: ById| {
                if let Some(index) = it.last_hop(&event.request_id) {
                    it.drafts[index].exchange.sent = Some(false);
                }
            }),
            "Network.loadingFinished" => self.with(params, |it, event: ById| {
                if let Some(index) = it.last_hop(&event.request_id) {
                    it.drafts[index].end(Outcome::Completed, None);
                    it.settle(index);
                }
            }),
            "Network.loadingFailed" => self.with(params, Self::loading_failed),
            "Target.attachedToTarget" => {
                self.with(params, |it, event: super::targets::Attached| {
                    let target = (event.target_info.target_id, event.target_info.kind);
                    it.kinds.insert(target.0.clone(), target.1.clone());
                    it.sessions.insert(event.session_id, target);
                })
            }
            "Page.frameNavigated" => self.with(params, |it, event: FrameNavigated| {
                it.documents.committed(at, event.frame.id, event.frame.url);
            }),
            _ if method.starts_with("Network.webSocket") => {
                self.web_socket(at, session, method, params)
            }
            _ => return,
        };
        if let Err(error) = read {
            tracing::warn!(method, %error, "an event of the browser could not be read");
            self.unreadable.push(format!("{method}: {error}"));
        }
    }

    /// Whether a request is known to have a body that no event has told yet, by its Network request id.
    pub fn lacks_body(&self, network_id: &str) -> bool {
        let hops = self.hops.get(network_id);
        hops.into_iter()
            .flatten()
            .any(|&index| self.drafts[index].exchange.body_state == BodyState::Unavailable)
    }

    /// Whether the Fetch domain has told of a request, by its Network request id.
    pub fn was_paused(&self, network_id: &str) -> bool {
        let hop = self.hops.get(network_id).and_then(|hops| hops.last());
        hop.is_some_and(|&index| self.drafts[index].seen_by(Source::Fetch))
    }

    /// What has become known since the last call.
    pub fn take_output(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.output)
    }

    /// Events that could not be read, each with why.
    pub fn unreadable(&self) -> &[String] {
        &self.unreadable
    }

    /// Tabs that were still open when the browser was told to exit.
    pub fn tabs_left(&self) -> u64 {
        self.tabs_left
    }

    /// Requests in a browser that others use too, of which it was never known whose they were.
    pub fn not_known_whose(&self) -> u64 {
        self.not_known_whose
    }

    /// Notes a message that was no message.
    pub fn could_not_read(&mut self, what: String) {
        self.unreadable.push(what);
    }

    /// When steps began and ended, in order.
    pub fn steps(&self) -> &[(Moment, Option<u32>)] {
        &self.steps
    }

    /// Every exchange, in the order in which they were first seen.
    pub fn finish(mut self) -> Vec<Exchange> {
        self.find_documents();
        self.drafts
            .into_iter()
            .map(|draft| draft.exchange)
            .collect()
    }

    fn with<'a, T: Deserialize<'a>>(
        &mut self,
        params: &'a RawValue,
        take: impl FnOnce(&mut Self, T),
    ) -> Result<(), serde_json::Error> {
        take(self, serde_json::from_str(params.get())?);
        Ok(())
    }

    fn request_paused(&mut self, at: Moment, event: RequestPaused) {
        if !leaves(&event.request.url) {
            return;
        }
        if event.response_status_code.is_some() || event.response_error_reason.is_some() {
            self.response_paused(event);
            return;
        }
        let index = self
            .open_hop(
                at,
                event.network_id.as_deref(),
                event.frame_id.as_deref(),
                &event.request,
                Source::Fetch,
            )
            .unwrap_or_else(|| self.new_draft(at, &event.request, Source::Fetch));
        if let Some(network_id) = &event.network_id {
            self.join(network_id, index);
        }
        self.fetches.insert(event.request_id, index);
        // A page's, and a foreign frame's, id is its main frame's.
        let target = event.frame_id.as_ref().map(|frame| {
            let target = self.frames.get(frame).unwrap_or(frame).clone();
            (self.kinds.get(&target).cloned(), target)
        });
        let draft = &mut self.drafts[index];
        // The Fetch domain calls `fetch()` an XHR, whichever of the two tells first.
        if !draft.seen_by(Source::Network) {
            draft.set_resource_type(&event.resource_type);
        }
        draft.saw(Source::Fetch);
        draft.take_body(&event.request, Source::Fetch);
        if draft.exchange.frame.is_none() {
            draft.exchange.frame = event.frame_id;
        }
        // A worker's request names its page's frame, and the worker itself has told of it, or will.
        if draft.exchange.target.is_none()
            && let Some((kind, target)) = target
        {
            draft.exchange.target = Some(target);
            draft.exchange.target_type = kind;
        }
        self.flush_body(index);
    }

    fn request_will_be_sent(
        &mut self,
        at: Moment,
        session: Option<&str>,
        event: RequestWillBeSent,
    ) {
        if !leaves(&event.request.url) {
            return;
        }
        let previous = self.last_network_hop(&event.request_id);
        let target = session
            .and_then(|session| self.sessions.get(session))
            .cloned();
        // A second session tells of it too: a service worker attaches twice.
        if let Some(told) = previous.map(|previous| &self.drafts[previous])
            && told.session.as_deref() != session
            && told.exchange.url == without_fragment(&event.request.url)
        {
            return;
        }
        if let (Some(previous), Some(response)) = (previous, &event.redirect_response) {
            let draft = &mut self.drafts[previous];
            draft.take_response(response, &mut self.pool);
            draft.extra_info = Some(event.redirect_has_extra_info);
            draft.end(Outcome::Completed, None);
            self.settle(previous);
        } else if previous.is_some() && event.redirect_response.is_none() {
            return;
        }
        let index = self
            .open_hop(
                at,
                Some(&event.request_id),
                event.frame_id.as_deref(),
                &event.request,
                Source::Network,
            )
            .unwrap_or_else(|| self.new_draft(at, &event.request, Source::Network));
        self.join(&event.request_id, index);
        if let (Some(frame), Some((target, kind))) = (&event.frame_id, &target)
            && matches!(kind.as_str(), "page" | "iframe")
        {
            self.frames.insert(frame.clone(), target.clone());
        }
        let redirected_from = previous.map(|previous| self.drafts[previous].exchange.id.clone());
        let draft = &mut self.drafts[index];
        draft.saw(Source::Network);
        draft.session = session.map(str::to_owned);
        draft.set_resource_type(&event.resource_type);
        draft.set_initiator(event.initiator.as_deref(), &mut self.pool);
        draft.take_body(&event.request, Source::Network);
        draft.exchange.redirected_from = redirected_from;
        if !event.document_url.is_empty() {
            draft.exchange.document_url = Some(without_fragment(&event.document_url).to_owned());
        }
        if let Some(wall_time) = event.wall_time {
            draft.exchange.time = Some(Moment::from_seconds(wall_time));
        }
        draft.exchange.frame = event.frame_id.or(draft.exchange.frame.take());
        draft.set_target(target);
        self.flush_body(index);
        for early in self.early.remove(&event.request_id).unwrap_or_default() {
            self.request_extra_info(early);
        }
    }

    /// The hop that another domain has told of already and this one has not. Where an id is missing on either side,
    /// the same request is known by URL, method and body, close in time.
    fn open_hop(
        &self,
        at: Moment,
        network_id: Option<&str>,
        frame: Option<&str>,
        request: &Request,
        by: Source,
    ) -> Option<usize> {
        let url = without_fragment(&request.url);
        let fits = |draft: &Draft| {
            !draft.seen_by(by)
                // Two frames may ask for the same at the same time.
                && (frame.is_none()
                    || draft.exchange.frame.is_none()
                    || draft.exchange.frame.as_deref() == frame)
                && draft.exchange.url == url
                && draft.exchange.method == request.method
        };
        let by_id = network_id.and_then(|id| {
            let hops = self.hops.get(id)?;
            hops.iter()
                .copied()
                .find(|&index| fits(&self.drafts[index]))
        });
        by_id.or_else(|| {
            let body = body_of(request).as_deref().map(digest);
            let same = self.by_request.get(&key(&request.method, url))?;
            same.iter()
                .rev()
                .copied()
                // They stand in order of time: what is older cannot be it.
                .take_while(|&index| {
                    self.drafts[index].seen.millis().abs_diff(at.millis()) < JOIN_WITHIN_MS
                })
                .find(|&index| {
                    let draft = &self.drafts[index];
                    (network_id.is_none() || draft.network_id.is_none())
                        && fits(draft)
                        && draft.exchange.body_sha256 == body
                })
        })
    }

    fn new_draft(&mut self, at: Moment, request: &Request, told_by: Source) -> usize {
        let number = self.drafts.len() + 1;
        let mut draft = Draft::new(
            number,
            request,
            &self.first_party,
            at,
            told_by,
            &mut self.pool,
        );
        draft.exchange.step = self.step;
        let key = key(&draft.exchange.method, &draft.exchange.url);
        self.by_request.entry(key).or_default().push(number - 1);
        self.drafts.push(draft);
        self.drafts.len() - 1
    }

    fn join(&mut self, network_id: &str, index: usize) {
        let hops = self.hops.entry(network_id.to_owned()).or_default();
        if !hops.contains(&index) {
            hops.push(index);
        }
        self.drafts[index].network_id = Some(network_id.to_owned());
    }

    /// The hop that answers now belong to: the last one that the Network domain told of.
    fn last_network_hop(&self, network_id: &str) -> Option<usize> {
        let hops = self.hops.get(network_id)?;
        hops.iter()
            .rev()
            .copied()
            .find(|&index| self.drafts[index].seen_by(Source::Network))
    }

    fn last_hop(&self, network_id: &str) -> Option<usize> {
        self.last_network_hop(network_id)
            .or_else(|| self.hops.get(network_id)?.last().copied())
    }

    fn flush_body(&mut self, index: usize) {
        let draft = &mut self.drafts[index];
        if let Some(bytes) = draft.body.take() {
            let sha256 = digest(&bytes);
            draft.exchange.body_path = Some(format!("data/bodies/{sha256}"));
            draft.exchange.body_sha256 = Some(sha256.clone());
            self.output.push(Output::Body(Body { sha256, bytes }));
        }
    }

    fn settle(&mut self, index: usize) {
        let draft = &mut self.drafts[index];
        if !draft.settled {
            draft.settled = true;
            self.output
                .push(Output::Settled(Box::new(draft.exchange.clone())));
        }
    }
}

fn key(method: &str, url: &str) -> String {
    format!("{method} {url}")
}

fn digest(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

/// Whether a URL is one that leaves the browser at all.
fn leaves(url: &str) -> bool {
    ["http:", "https:", "ws:", "wss:"]
        .iter()
        .any(|scheme| url.starts_with(scheme))
}

#[cfg(test)]
mod tests;
