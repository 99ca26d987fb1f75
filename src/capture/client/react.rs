//! What is done about each thing that the browser says.

use std::io::Write;
use std::time::Instant;

use serde_json::json;
use serde_json::value::RawValue;

use super::CaptureError;
use super::protocol::{Detached, Failure, OfRequest, Paused, PausedRequest, PostData, WillBeSent};
use super::remote::RemoteError;
use super::share::{Share, Whose};
use super::worker::{Pending, Worker};
use crate::capture::containment::{self, Guard};
use crate::capture::journal::{Incoming, Mark};
use crate::capture::targets::{Attached, auto_attach_child};
use crate::model::Moment;

impl Worker {
    pub(super) async fn message(&mut self, text: &str) -> Result<(), CaptureError> {
        let message: Incoming = match serde_json::from_str(text) {
            Ok(message) => message,
            Err(error) => {
                tracing::warn!(%error, "a message of the browser could not be read");
                self.assembler.could_not_read(error.to_string());
                return Ok(());
            }
        };
        if let Some(id) = message.id {
            return self.answer(id, &message).await;
        }
        let (Some(method), Some(params)) = (message.method.as_deref(), message.params) else {
            return Ok(());
        };
        // Told for every chunk of every answer, or every script, and no fact about a request is in it.
        if method == "Network.dataReceived" || method.starts_with("Debugger.") {
            return Ok(());
        }
        if method.starts_with("Runtime.") {
            self.onlooker_told(method, message.session.as_deref(), params);
            return Ok(());
        }
        let session = message.session.as_deref();
        if let Some(share) = &mut self.share {
            match share.whose(session, method, params) {
                Whose::Ours => self.decide().await?,
                Whose::Others => return self.of_others(method, params).await,
                Whose::Unknown => {
                    share.hold(text);
                    return Ok(());
                }
            }
        }
        self.record(text, session, method, params).await
    }

    /// Takes in what is ours.
    async fn record(
        &mut self,
        text: &str,
        session: Option<&str>,
        method: &str,
        params: &RawValue,
    ) -> Result<(), CaptureError> {
        let at = Moment::now();
        self.write_message(at, text)?;
        self.assembler.event(at, session, method, params);
        self.react(session, method, params).await?;
        self.forward()
    }

    /// Lets what belongs to others go on at once, and learns what is theirs: of a frame of theirs nothing else tells.
    async fn of_others(&mut self, method: &str, params: &RawValue) -> Result<(), CaptureError> {
        match method {
            "Target.attachedToTarget" => {
                let Ok(attached) = serde_json::from_str::<Attached>(params.get()) else {
                    return Ok(());
                };
                let session = attached.session_id.as_str();
                if matches!(&*attached.target_info.kind, "page" | "iframe") {
                    self.send(Some(session), "Page.enable", json!({})).await?;
                }
                let children = auto_attach_child();
                self.send(Some(session), "Target.setAutoAttach", children)
                    .await?;
                self.send(Some(session), "Runtime.runIfWaitingForDebugger", json!({}))
                    .await?;
            }
            "Target.detachedFromTarget" => {
                if let (Some(share), Ok(event)) = (
                    &mut self.share,
                    serde_json::from_str::<Detached>(params.get()),
                ) {
                    share.forget(&event.session_id);
                }
            }
            "Fetch.requestPaused" => {
                if let Ok(paused) = serde_json::from_str::<Paused>(params.get()) {
                    let id = json!({"requestId": paused.request_id});
                    self.send(None, "Fetch.continueRequest", id).await?;
                }
            }
            "Fetch.authRequired" => {
                if let Ok(asked) = serde_json::from_str::<OfRequest>(params.get()) {
                    let default = json!({"requestId": asked.request_id,
                        "authChallengeResponse": {"response": "Default"}});
                    self.send(None, "Fetch.continueWithAuth", default).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Looks again at requests that were held back until it is known whose they are. What may be a report is answered in
    /// place even if that is never known: no report is worth a gap.
    pub(super) async fn decide(&mut self) -> Result<(), CaptureError> {
        let decided = self.share.as_mut().map(Share::decided);
        for (text, whose) in decided.unwrap_or_default() {
            let Ok(message) = serde_json::from_str::<Incoming>(&text) else {
                continue;
            };
            let (Some(method), Some(params)) = (message.method.as_deref(), message.params) else {
                continue;
            };
            let paused = serde_json::from_str::<Paused>(params.get()).ok();
            let is_report = |paused: &Paused| {
                let answer = self.answer_to(paused);
                answer.is_some_and(|answer| answer.may_be_report)
            };
            match whose {
                Whose::Others => self.of_others(method, params).await?,
                Whose::Unknown if !paused.as_ref().is_some_and(is_report) => {
                    if let Some(share) = &mut self.share {
                        share.never_known += 1;
                    }
                    self.of_others(method, params).await?;
                }
                Whose::Ours | Whose::Unknown => {
                    Box::pin(self.record(&text, None, method, params)).await?;
                }
            }
        }
        Ok(())
    }

    /// What a person does, and types, is for the scenario, and not for the evidence.
    fn onlooker_told(&mut self, method: &str, session: Option<&str>, params: &RawValue) {
        let session = session.and_then(|session| self.targets.session(session));
        let (Some(watch), Some(session)) = (&self.watch, session) else {
            return;
        };
        if method != "Runtime.bindingCalled" {
            return;
        }
        watch.take(self.targets.tab_target(session), params.get());
        // Before anything else is looked at: what the person sends next may be a report.
        if let Some(containment) = &mut self.containment
            && containment.guard == Guard::Off
        {
            containment.guard = Guard::Changes;
        }
    }

    async fn react(
        &mut self,
        session: Option<&str>,
        method: &str,
        params: &RawValue,
    ) -> Result<(), CaptureError> {
        match method {
            "Fetch.requestPaused" => {
                if let Ok(paused) = serde_json::from_str::<Paused>(params.get()) {
                    self.paused(paused).await?;
                }
            }
            "Network.requestWillBeSent" => {
                self.last_request = Instant::now();
                let Ok(event) = serde_json::from_str::<WillBeSent>(params.get()) else {
                    return Ok(());
                };
                self.page_load.begin(event.request_id.clone(), &event.kind);
                if event.request.has_post_data && self.assembler.lacks_body(&event.request_id) {
                    let paused = self.assembler.was_paused(&event.request_id);
                    let session = session.map(str::to_owned);
                    self.bodies.insert(event.request_id.clone(), session);
                    if paused {
                        self.ask_for_body(&event.request_id).await?;
                    }
                }
            }
            // The Fetch domain tells bodies exactly and at once, but for files and Blobs: then it is asked for, as it
            // is for requests that were not paused, while the browser still has it.
            "Network.responseReceived" | "Network.loadingFailed" | "Network.loadingFinished" => {
                if let Ok(event) = serde_json::from_str::<OfRequest>(params.get()) {
                    if method != "Network.responseReceived" {
                        self.page_load.end(&event.request_id);
                    }
                    if method != "Network.loadingFinished" && !self.bodies.is_empty() {
                        self.ask_for_body(&event.request_id).await?;
                    }
                }
            }
            "Target.attachedToTarget" => {
                if let Ok(attached) = serde_json::from_str::<Attached>(params.get()) {
                    self.attached(&attached, session).await?;
                }
            }
            "Target.detachedFromTarget" => {
                if let Ok(event) = serde_json::from_str::<Detached>(params.get())
                    && let Some(session) = self.targets.detach(&event.session_id)
                {
                    self.no_answer_from(&event.session_id);
                    if session.kind != "page" {
                        return Ok(());
                    }
                    self.ready.remove(&session.target);
                    self.pages.remove(&session.target);
                    self.ready_waiters
                        .retain(|(target, _)| *target != session.target);
                    self.closed.insert(session.target);
                    if let Some(closing) = &mut self.closing {
                        closing.tab_gone = Instant::now();
                    }
                }
            }
            "Inspector.targetCrashed" => {
                self.tell_page(session, method, params);
                self.no_answer_from(session.unwrap_or_default());
            }
            // Nobody is there to give a password, and the request would wait for one.
            "Fetch.authRequired" => {
                if let Ok(asked) = serde_json::from_str::<OfRequest>(params.get()) {
                    let cancel = json!({"requestId": asked.request_id,
                        "authChallengeResponse": {"response": "CancelAuth"}});
                    self.send(None, "Fetch.continueWithAuth", cancel).await?;
                }
            }
            // Nobody is there to press a button, and an open dialog holds everything up. A person who is recorded is.
            "Page.javascriptDialogOpening" if self.watch.is_none() => {
                self.send(
                    session,
                    "Page.handleJavaScriptDialog",
                    json!({"accept": true}),
                )
                .await?;
            }
            _ => self.tell_page(session, method, params),
        }
        Ok(())
    }

    /// Nobody will answer the commands of a session any more: dropping their replies says so.
    fn no_answer_from(&mut self, session_id: &str) {
        self.pending.retain(
            |_, pending| !matches!(pending, Pending::Call(Some(session), _) if session == session_id),
        );
    }

    /// Keeps the state of the page that a session belongs to.
    fn tell_page(&mut self, session: Option<&str>, method: &str, params: &RawValue) {
        let target = session
            .and_then(|session| self.targets.session(session))
            .map(|session| session.target.clone());
        if let Some(target) = target
            && let Some(page) = self.pages.get(&target)
        {
            page.send_if_modified(|page| page.take(&target, method, params));
        }
    }

    /// Asks for a request's body, if it is still wanted.
    async fn ask_for_body(&mut self, network_id: &str) -> Result<(), CaptureError> {
        let Some(session) = self.bodies.remove(network_id) else {
            return Ok(());
        };
        if self.assembler.lacks_body(network_id) {
            let params = json!({"requestId": network_id});
            let id = self
                .send(session.as_deref(), "Network.getRequestPostData", params)
                .await?;
            self.pending
                .insert(id, Pending::PostData(network_id.to_owned()));
        }
        Ok(())
    }

    async fn paused(&mut self, paused: Paused) -> Result<(), CaptureError> {
        self.last_request = Instant::now();
        if let Some(network_id) = &paused.network_id {
            self.ask_for_body(network_id).await?;
        }
        let answered =
            paused.response_status_code.is_some() || paused.response_error_reason.is_some();
        if !answered {
            self.note_asked(&paused.request);
        }
        let answer = self.answer_to(&paused);
        // What is let go is on the disk first: whatever happens to us then, it is recorded.
        self.journal.flush()?;
        if let Some(answer) = answer {
            let fulfilled = answer.fulfill(&paused.request_id);
            self.mark(Mark::Contained {
                fetch_id: paused.request_id,
                why: answer.why,
            })?;
            self.send(None, "Fetch.fulfillRequest", fulfilled).await?;
            // A report that is sent by GET carries it in the query.
            if answer.may_be_report && paused.request.url.contains('?') {
                self.kept.insert(place_of(&paused.request.url).to_owned());
            }
            self.contained.send_modify(|contained| {
                contained.reports += u64::from(answer.report);
                contained.may_be_reports += u64::from(answer.may_be_report);
                contained.all += 1;
            });
            return Ok(());
        }
        self.send(
            None,
            "Fetch.continueRequest",
            json!({"requestId": &paused.request_id}),
        )
        .await?;
        if answered {
            self.unanswered.remove(&paused.request_id);
        } else if self.closing.is_some() {
            self.unanswered.insert(paused.request_id);
        }
        Ok(())
    }

    /// What a paused request is answered with in place, if it must not leave.
    fn answer_to(&self, paused: &Paused) -> Option<containment::Answer> {
        let answered =
            paused.response_status_code.is_some() || paused.response_error_reason.is_some();
        let containment = self.containment.as_ref().filter(|_| !answered)?;
        let frame = paused.frame_id.as_ref();
        let header = |wanted: &str| {
            let mut headers = paused.request.headers.iter();
            headers
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .and_then(|(_, value)| value.as_str())
        };
        containment.decide(containment::Paused {
            url: &paused.request.url,
            method: &paused.request.method,
            resource_type: &paused.resource_type,
            main_frame: frame.is_some_and(|frame| self.pages.contains_key(frame)),
            origin: header("origin"),
            accept: header("accept"),
            asks_for: header("access-control-request-headers"),
            again: self.kept.contains(place_of(&paused.request.url)),
        })
    }

    fn note_asked(&mut self, request: &PausedRequest) {
        /// Enough to see what a click led to.
        const MOST: usize = 20;
        const LONGEST: usize = 120;
        let url = &request.url;
        let end = url
            .char_indices()
            .nth(LONGEST)
            .map_or(url.len(), |(end, _)| end);
        let more = if end < url.len() { "…" } else { "" };
        self.asked
            .push_back(format!("{} {}{more}", request.method, &url[..end]));
        if self.asked.len() > MOST {
            self.asked.pop_front();
        }
    }

    async fn attached(
        &mut self,
        attached: &Attached,
        parent: Option<&str>,
    ) -> Result<(), CaptureError> {
        if attached.target_info.kind == "page" && self.closing.is_none() {
            self.closed.remove(&attached.target_info.target_id);
            self.pages
                .entry(attached.target_info.target_id.clone())
                .or_default();
        }
        for (method, params) in self.targets.attach(attached, parent) {
            let id = self
                .send(Some(&attached.session_id), method, params)
                .await?;
            self.pending
                .insert(id, Pending::Setup(attached.session_id.clone()));
        }
        if let Some(tab) = self.targets.tab_of(&attached.session_id).map(str::to_owned) {
            self.send(Some(&tab), "Runtime.runIfWaitingForDebugger", json!({}))
                .await?;
        }
        Ok(())
    }

    async fn answer(&mut self, id: u64, message: &Incoming<'_>) -> Result<(), CaptureError> {
        if let Some(error) = message.error {
            tracing::debug!(id, error = error.get(), "the browser refused a command");
        }
        self.given_up |= self.giving_up == Some(id);
        match self.pending.remove(&id) {
            Some(Pending::Setup(session_id)) => {
                if let Some(session) = self.targets.answered(&session_id)
                    && session.kind == "page"
                {
                    for (target, reply) in std::mem::take(&mut self.ready_waiters) {
                        if target == session.target {
                            let _ = reply.send(());
                        } else {
                            self.ready_waiters.push((target, reply));
                        }
                    }
                    self.ready.insert(session.target);
                }
            }
            Some(Pending::Call(_, reply)) => {
                let answer = match (message.error, message.result) {
                    (Some(error), _) => Err(RemoteError::Refused(refusal(error))),
                    (None, Some(result)) => Ok(result.get().to_owned()),
                    (None, None) => Ok("{}".to_owned()),
                };
                let _ = reply.send(answer);
            }
            Some(Pending::PostData(network_id)) => {
                let data = message
                    .result
                    .and_then(|result| serde_json::from_str::<PostData>(result.get()).ok());
                let base64 = data.map(|data| {
                    if data.base64_encoded {
                        data.post_data
                    } else {
                        data_encoding::BASE64.encode(data.post_data.as_bytes())
                    }
                });
                self.mark(Mark::PostData { network_id, base64 })?;
            }
            None => {}
        }
        Ok(())
    }
}

/// An address without its query.
fn place_of(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

/// `Error -32000: Cannot find context with specified id`
fn refusal(error: &RawValue) -> String {
    match serde_json::from_str::<Failure>(error.get()) {
        Ok(failure) => format!("Error {}: {}", failure.code, failure.message),
        Err(_) => error.get().to_owned(),
    }
}
