//! WebSockets, which the Network domain tells of in events of their own.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::model::{Moment, Outcome, Source, WebSocketFrame};

use super::cdp::{Request, header_list};
use super::{Assembler, leaves};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    request_id: String,
    url: String,
    initiator: Option<Box<RawValue>>,
}

/// Of a handshake's request or response.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Handshake {
    request_id: String,
    wall_time: Option<f64>,
    request: Option<Headers>,
    response: Option<Headers>,
}

#[derive(Deserialize)]
struct Headers {
    status: Option<u16>,
    #[serde(default)]
    headers: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FrameTold {
    request_id: String,
    response: Frame,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Frame {
    opcode: f64,
    /// Text as it is, everything else in Base64.
    payload_data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ended {
    request_id: String,
    error_message: Option<String>,
}

impl Assembler {
    pub(super) fn web_socket(
        &mut self,
        at: Moment,
        session: Option<&str>,
        method: &str,
        params: &RawValue,
    ) -> Result<(), serde_json::Error> {
        match method {
            "Network.webSocketCreated" => {
                self.with(params, |it, event| it.socket_created(at, session, event))
            }
            "Network.webSocketWillSendHandshakeRequest"
            | "Network.webSocketHandshakeResponseReceived" => {
                self.with(params, Self::socket_handshake)
            }
            "Network.webSocketFrameSent" => {
                self.with(params, |it, event| it.socket_frame(at, "sent", event))
            }
            "Network.webSocketFrameReceived" => {
                self.with(params, |it, event| it.socket_frame(at, "received", event))
            }
            "Network.webSocketFrameError" | "Network.webSocketClosed" => {
                self.with(params, Self::socket_ended)
            }
            _ => Ok(()),
        }
    }

    fn socket_created(&mut self, at: Moment, session: Option<&str>, event: Created) {
        if !leaves(&event.url) || self.last_network_hop(&event.request_id).is_some() {
            return;
        }
        let request = Request {
            url: event.url,
            method: "GET".to_owned(),
            headers: Map::new(),
            has_post_data: false,
            post_data_entries: None,
        };
        let index = self
            .open_hop(at, Some(&event.request_id), None, &request, Source::Network)
            .unwrap_or_else(|| self.new_draft(at, &request, Source::Network));
        self.join(&event.request_id, index);
        let target = session
            .and_then(|session| self.sessions.get(session))
            .cloned();
        let draft = &mut self.drafts[index];
        draft.saw(Source::Network);
        draft.set_resource_type("WebSocket");
        draft.set_initiator(event.initiator.as_deref(), &mut self.pool);
        draft.set_target(target);
    }

    fn socket_handshake(&mut self, event: Handshake) {
        let Some(index) = self.last_hop(&event.request_id) else {
            return;
        };
        let draft = &mut self.drafts[index];
        if let Some(request) = event.request {
            draft.exchange.request_headers = self.pool.headers(header_list(&request.headers));
        }
        if let Some(wall_time) = event.wall_time {
            draft.exchange.time = Some(Moment::from_seconds(wall_time));
        }
        if let Some(response) = event.response {
            draft.exchange.status = response.status;
            draft.exchange.response_headers = self.pool.headers(header_list(&response.headers));
            draft.exchange.facts.response = Some(Source::Network);
            draft.end(Outcome::Completed, None);
        }
    }

    fn socket_frame(&mut self, at: Moment, direction: &str, event: FrameTold) {
        let Some(index) = self.last_hop(&event.request_id) else {
            return;
        };
        let opcode = event.response.opcode as u8;
        let payload_base64 = if opcode == 1 {
            data_encoding::BASE64.encode(event.response.payload_data.as_bytes())
        } else {
            event.response.payload_data
        };
        let exchange = &mut self.drafts[index].exchange;
        exchange.facts.frames = Some(Source::Network);
        exchange.frames.push(WebSocketFrame {
            direction: direction.to_owned(),
            opcode,
            payload_base64,
            time: Some(at),
        });
    }

    fn socket_ended(&mut self, event: Ended) {
        let Some(index) = self.last_hop(&event.request_id) else {
            return;
        };
        let draft = &mut self.drafts[index];
        if draft.exchange.status.is_none() {
            let why = event
                .error_message
                .unwrap_or_else(|| "closed before it was open".to_owned());
            draft.end(Outcome::Failed, Some(why));
        }
        self.settle(index);
    }
}
