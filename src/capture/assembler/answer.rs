//! What became of a request: the headers really sent, the answer, the end.

use super::cdp::{
    LoadingFailed, RequestExtraInfo, RequestPaused, ResponseExtraInfo, ResponseReceived,
    header_list,
};
use super::{Assembler, CANCELLED};
use crate::model::{Moment, Outcome, Source};

impl Assembler {
    /// The response stage, asked for only while the journey ends: the end of requests whose page is gone.
    pub(super) fn response_paused(&mut self, event: RequestPaused) {
        let Some(&index) = self.fetches.get(&event.request_id) else {
            return;
        };
        let draft = &mut self.drafts[index];
        match event.response_status_code {
            Some(status) => {
                draft.exchange.status = Some(status);
                draft.exchange.facts.response = Some(Source::Fetch);
                if draft.exchange.response_headers.is_empty() {
                    let headers = event
                        .response_headers
                        .into_iter()
                        .map(|header| (header.name.to_ascii_lowercase(), header.value))
                        .collect();
                    draft.exchange.response_headers = self.pool.headers(headers);
                }
                draft.end(Outcome::Completed, None);
            }
            None => draft.end(Outcome::Failed, event.response_error_reason),
        }
        self.settle(index);
    }

    /// ExtraInfo belongs to the first hop that awaits one.
    pub(super) fn request_extra_info(&mut self, event: RequestExtraInfo) {
        let hop = self.hops.get(&event.request_id).and_then(|hops| {
            hops.iter().copied().find(|&index| {
                let draft = &self.drafts[index];
                draft.seen_by(Source::Network)
                    && !draft.extra_info_seen
                    && draft.extra_info != Some(false)
            })
        });
        let Some(index) = hop else {
            self.early
                .entry(event.request_id.clone())
                .or_default()
                .push(event);
            return;
        };
        let draft = &mut self.drafts[index];
        draft.extra_info_seen = true;
        draft.exchange.request_headers = self.pool.headers(header_list(&event.headers));
        draft.exchange.facts.request_headers = Some(Source::Network);
        draft.take_cookies(event.associated_cookies);
    }

    pub(super) fn response_received(
        &mut self,
        at: Moment,
        session: Option<&str>,
        event: ResponseReceived,
    ) {
        if let (Some(frame), "Document") = (&event.frame_id, event.resource_type.as_str()) {
            let url = event.response.url.clone();
            self.documents.answered(at, frame.clone(), url);
        }
        if let Some(index) = self.last_hop(&event.request_id) {
            if !self.drafts[index].seen_by(Source::Network) {
                // A new tab's first requests are made before its session is told of requests, and are told of then.
                let target = session.and_then(|session| self.sessions.get(session));
                let target = target.cloned();
                let document = self.hops.get(&event.loader_id).and_then(|hops| hops.last());
                let document = document.map(|&index| self.drafts[index].exchange.url.clone());
                let draft = &mut self.drafts[index];
                draft.set_target(target);
                draft.exchange.document_url = document;
            }
            let draft = &mut self.drafts[index];
            draft.take_response(&event.response, &mut self.pool);
            draft.extra_info = Some(event.has_extra_info);
        }
    }

    pub(super) fn response_extra_info(&mut self, event: ResponseExtraInfo) {
        // It names no hop; the status tells it from a redirect's.
        if let Some(index) = self.last_hop(&event.request_id) {
            let exchange = &mut self.drafts[index].exchange;
            if exchange.status.is_none() || exchange.status == event.status_code {
                exchange.response_headers = self.pool.headers(header_list(&event.headers));
            }
        }
    }

    pub(super) fn loading_failed(&mut self, event: LoadingFailed) {
        let Some(index) = self.last_hop(&event.request_id) else {
            return;
        };
        let (outcome, why) = if let Some(reason) = event.blocked_reason {
            (Outcome::Blocked, reason)
        } else if let Some(cors) = event.cors_error_status {
            (Outcome::Failed, format!("CORS: {}", cors.cors_error))
        } else if event.canceled && event.error_text.is_empty() {
            (Outcome::Failed, CANCELLED.to_owned())
        } else {
            (Outcome::Failed, event.error_text)
        };
        self.drafts[index].end(outcome, Some(why));
        self.settle(index);
    }
}
