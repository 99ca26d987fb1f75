//! An exchange in the making.

use data_encoding::BASE64;
use serde_json::value::RawValue;

use crate::model::{BodyState, Cookie, Exchange, Moment, Outcome, Pool, Remote, Source};

use super::cdp::{AssociatedCookie, Request, Response, header_list};

/// What is known of one hop so far.
#[derive(Debug)]
pub(super) struct Draft {
    pub exchange: Exchange,
    /// CDP's Network request id, shared by the hops of a redirect chain.
    pub network_id: Option<String>,
    /// The session that told of it in the Network domain.
    pub session: Option<String>,
    /// When the first message about it came.
    pub seen: Moment,
    /// Until it is written out.
    pub body: Option<Vec<u8>>,
    /// It was written out as settled.
    pub settled: bool,
    /// Whether its cookies and true headers come in an ExtraInfo event; null until the browser tells.
    pub extra_info: Option<bool>,
    pub extra_info_seen: bool,
}

impl Draft {
    pub fn new(
        number: usize,
        request: &Request,
        first_party: &str,
        at: Moment,
        told_by: Source,
        pool: &mut Pool,
    ) -> Draft {
        let id = format!("x{number:04}");
        let mut exchange = Exchange::begun(id, &request.url, &request.method, first_party);
        exchange.time = Some(at);
        exchange.request_headers = pool.headers(header_list(&request.headers));
        exchange.facts.request_headers = Some(told_by);
        if request.has_post_data {
            exchange.body_state = BodyState::Unavailable;
        }
        Draft {
            exchange,
            network_id: None,
            session: None,
            seen: at,
            body: None,
            settled: false,
            extra_info: None,
            extra_info_seen: false,
        }
    }

    pub fn saw(&mut self, source: Source) {
        self.exchange.saw(source);
    }

    pub fn seen_by(&self, source: Source) -> bool {
        self.exchange.sources.contains(&source)
    }

    pub fn set_resource_type(&mut self, cdp: &str) {
        if !cdp.is_empty() {
            self.exchange.resource_type = cdp.to_ascii_lowercase();
        }
    }

    pub fn set_initiator(&mut self, initiator: Option<&RawValue>, pool: &mut Pool) {
        if let Some(initiator) = initiator.filter(|raw| raw.get().starts_with('{')) {
            self.exchange.initiator = pool.json(initiator);
        }
    }

    /// Takes the body from a request's own entries. Fetch's entries were byte-exact in every measurement but for
    /// files on disk and Blobs, whose entries are empty; `postData` is corrupt for binary and is not used.
    pub fn take_body(&mut self, request: &Request, told_by: Source) {
        if !request.has_post_data && request.post_data_entries.is_none() {
            return;
        }
        if self.exchange.body_state == BodyState::None {
            self.exchange.body_state = BodyState::Unavailable;
        }
        if let Some(body) = body_of(request) {
            self.set_body(body, told_by);
        }
    }

    /// The first complete body stays: it is the one that was paused on its way out.
    pub fn set_body(&mut self, body: Vec<u8>, told_by: Source) {
        if self.exchange.body_state != BodyState::Complete {
            self.exchange.facts.body = Some(told_by);
            self.exchange.body_state = BodyState::Complete;
            self.exchange.body_size = Some(body.len() as u64);
            self.body = Some(body);
        }
    }

    pub fn take_response(&mut self, response: &Response, pool: &mut Pool) {
        let exchange = &mut self.exchange;
        exchange.status = Some(response.status);
        exchange.facts.response = Some(Source::Network);
        if !self.extra_info_seen || exchange.response_headers.is_empty() {
            exchange.response_headers = pool.headers(header_list(&response.headers));
        }
        if let (Some(ip), Some(port)) = (&response.remote_ip_address, response.remote_port)
            && !ip.is_empty()
        {
            exchange.remote = Some(Remote {
                ip: ip.trim_matches(['[', ']']).to_owned(),
                port,
                certificate_sha256: None,
            });
        }
        if response.from_disk_cache || response.from_prefetch_cache || response.from_service_worker
        {
            exchange.sent = Some(false);
        }
    }

    /// Target id and type of the session that told.
    pub fn set_target(&mut self, target: Option<(String, String)>) {
        if let Some((target, kind)) = target {
            self.exchange.target = Some(target);
            self.exchange.target_type = Some(kind);
        }
    }

    pub fn take_cookies(&mut self, cookies: Vec<AssociatedCookie>) {
        self.exchange.facts.cookies = Some(Source::Network);
        self.exchange.cookies = cookies
            .into_iter()
            .map(|associated| Cookie {
                name: associated.cookie.name,
                value: associated.cookie.value,
                sent: associated.blocked_reasons.is_empty(),
                withheld: (!associated.blocked_reasons.is_empty())
                    .then(|| associated.blocked_reasons.join(",")),
            })
            .collect();
    }

    pub fn end(&mut self, outcome: Outcome, error: Option<String>) {
        if self.exchange.outcome != Outcome::Contained {
            self.exchange.outcome = outcome;
            self.exchange.error = error;
        }
    }
}

/// The body that stands in a request's own entries, if all of it does.
pub(super) fn body_of(request: &Request) -> Option<Vec<u8>> {
    let entries = request.post_data_entries.as_ref()?;
    if entries.is_empty() {
        return None;
    }
    let mut body = Vec::new();
    for entry in entries {
        body.extend_from_slice(&decode_base64(entry.bytes.as_deref()?)?);
    }
    Some(body)
}

pub(super) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.as_bytes()).ok()
}
