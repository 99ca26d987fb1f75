//! One request, what became of it, and where each fact about it came from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Headers, JsonText, Moment, recipient};

/// One request that a page (or the browser for it) made: one per redirect hop.
/// HAR calls this an entry. A line of `data/exchanges.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// `x0042`, in the order in which the requests were first seen.
    #[schemars(extend("x-volatile" = true))]
    pub id: String,
    /// Complete and untouched, as sent; without the fragment, which is never sent.
    pub url: String,
    pub method: String,
    /// CDP's resource type in lower case (`document`, `image`, `ping`…).
    pub resource_type: String,
    pub party: Party,
    /// The company behind the host, where it is known.
    pub recipient: Option<String>,
    pub outcome: Outcome,
    /// What the network log says, not what was intended; null where it could not be established.
    pub sent: Option<bool>,
    /// Why it failed, was blocked or was contained.
    pub error: Option<String>,
    pub status: Option<u16>,
    pub time: Option<Moment>,
    /// The step of the scenario during which it was made, counted from 1; null outside any step.
    #[schemars(extend("x-volatile" = true))]
    pub step: Option<u32>,
    #[schemars(extend("x-volatile" = true))]
    pub target: Option<String>,
    #[schemars(extend("x-volatile" = true))]
    pub frame: Option<String>,
    /// CDP's `Network.Initiator`, as received; an empty object where the browser did not tell.
    pub initiator: JsonText,
    /// The exchange whose answer redirected to this one.
    #[schemars(extend("x-volatile" = true))]
    pub redirected_from: Option<String>,
    pub request_headers: Headers,
    pub response_headers: Headers,
    pub cookies: Vec<Cookie>,
    pub body_state: BodyState,
    pub body_sha256: Option<String>,
    /// Bytes.
    pub body_size: Option<u64>,
    /// Relative to the bundle.
    pub body_path: Option<String>,
    /// WebSocket messages.
    pub frames: Vec<WebSocketFrame>,
    pub remote: Option<Remote>,
    pub sources: Vec<Source>,
    /// CDP's type of the target in lower case (`page`, `iframe`, `worker`, `service_worker`…).
    pub target_type: Option<String>,
    /// Address of the document (or worker) that made it, where the browser tells or it can be known.
    pub document_url: Option<String>,
    /// What caused it, the nearest cause first: scripts, what loaded them, at last the document.
    pub initiator_chain: Vec<String>,
    /// Whose doing it is.
    pub origin: Origin,
    /// Which source each fact was taken from.
    pub facts: Facts,
    /// The answer's body, kept for recipients' own scripts.
    pub response_body: Option<ResponseBody>,
    /// When the answer's head had come, where the network log tells.
    #[serde(default)]
    pub answered: Option<Moment>,
}

/// Which source facts were taken from; null where there is no such fact.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    pub request_headers: Option<Source>,
    pub cookies: Option<Source>,
    pub body: Option<Source>,
    /// Status and headers of the answer.
    pub response: Option<Source>,
    /// WebSocket messages.
    pub frames: Option<Source>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResponseBody {
    /// Hex, of the body as the page got it: content codings undone.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// Relative to the bundle.
    pub path: String,
}

/// Whose doing a request is.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A page's, its workers', or the visitor's.
    #[default]
    Page,
    /// The Reporting API or Network Error Logging: the browser sends what a site asked for.
    Reporting,
    /// The browser looks whether a service worker's script has changed.
    ServiceWorkerUpdate,
    /// The browser's own.
    Browser,
}

impl Exchange {
    /// A request of which no more is known than that it was begun. `first_party` is the registrable domain of the
    /// scenario's origin.
    pub fn begun(id: String, url: &str, method: &str, first_party: &str) -> Exchange {
        let url = without_fragment(url);
        let host = UrlParts::of(url).map_or("", |parts| parts.host);
        Exchange {
            id,
            url: url.to_owned(),
            method: method.to_owned(),
            resource_type: "other".to_owned(),
            party: Party::of(host, first_party),
            recipient: recipient(host).map(str::to_owned),
            outcome: Outcome::Pending,
            sent: None,
            error: None,
            status: None,
            time: None,
            step: None,
            target: None,
            frame: None,
            initiator: JsonText::default(),
            redirected_from: None,
            request_headers: Headers::default(),
            response_headers: Headers::default(),
            cookies: Vec::new(),
            body_state: BodyState::None,
            body_sha256: None,
            body_size: None,
            body_path: None,
            frames: Vec::new(),
            remote: None,
            sources: Vec::new(),
            target_type: None,
            document_url: None,
            initiator_chain: Vec::new(),
            origin: Origin::Page,
            facts: Facts::default(),
            response_body: None,
            answered: None,
        }
    }

    /// Notes that a source told of it.
    pub fn saw(&mut self, source: Source) {
        if !self.sources.contains(&source) {
            self.sources.push(source);
            self.sources.sort();
        }
    }

    /// The value of the first request header of that name, whatever its case.
    pub fn request_header(&self, name: &str) -> Option<&str> {
        self.request_headers.first(name)
    }

    /// The value of the first header of that name in the answer, whatever its case.
    pub fn response_header(&self, name: &str) -> Option<&str> {
        self.response_headers.first(name)
    }
}

/// The parts of a URL, borrowed and untouched: a parser would encode them anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UrlParts<'a> {
    /// Without port and user; in the case in which it was written.
    pub host: &'a str,
    /// From the first slash to the query.
    pub path: &'a str,
    /// Without the question mark; nothing where there is none.
    pub query: Option<&'a str>,
}

impl<'a> UrlParts<'a> {
    /// Nothing if it is no URL with a host.
    pub fn of(url: &'a str) -> Option<UrlParts<'a>> {
        let (scheme, rest) = url.split_once("://")?;
        if scheme.is_empty() || !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let rest = without_fragment(rest);
        let end = rest.find(['/', '?', '\\']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let host = authority.rsplit_once('@').map_or(authority, |(_, h)| h);
        let host = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        (!host.is_empty()).then_some(UrlParts { host, path, query })
    }
}

/// A URL as it is sent: the fragment never is.
pub fn without_fragment(url: &str) -> &str {
    url.split_once('#').map_or(url, |(url, _fragment)| url)
}

/// Whose host it is, by registrable domain, seen from the scenario's origin.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    First,
    Third,
}

impl Party {
    /// `first` is the scenario's origin's registrable domain, `host` the request's host.
    pub fn of(host: &str, first: &str) -> Party {
        if registrable_domain(host) == first {
            Party::First
        } else {
            Party::Third
        }
    }
}

/// The registrable domain ("eTLD+1") by the public suffix list; the host itself where there is none
/// (an IP address, `localhost`, a bare suffix).
pub fn registrable_domain(host: &str) -> &str {
    if host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[') {
        return host;
    }
    psl::domain_str(host).unwrap_or(host)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Completed,
    Failed,
    /// The browser refused to send it (mixed content, a content security policy…).
    Blocked,
    /// Recorded and answered in place: it never left.
    Contained,
    /// No end was seen before the run ended.
    Pending,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BodyState {
    /// The request had no body.
    None,
    Complete,
    Truncated,
    /// There was a body, and it could not be had.
    Unavailable,
}

/// A cookie that the browser held for the request's host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cookie {
    pub name: String,
    pub value: String,
    pub sent: bool,
    /// CDP's `blockedReasons`, joined by a comma, where the browser kept it back.
    pub withheld: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebSocketFrame {
    /// `sent` or `received`.
    pub direction: String,
    pub opcode: u8,
    pub payload_base64: String,
    pub time: Option<Moment>,
}

/// The other end of the connection that carried the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remote {
    pub ip: String,
    #[schemars(extend("x-volatile" = true))]
    pub port: u16,
    pub certificate_sha256: Option<String>,
}

/// Where facts about an exchange came from.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// CDP's Network domain, of the target that made the request.
    Network,
    /// CDP's Fetch domain, on the browser session.
    Fetch,
    /// Chromium's own network log.
    NetLog,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_without_being_changed() {
        let parts =
            UrlParts::of("https://user@WWW.facebook.com:443/tr/?id=1&dl=a/b?c#part").unwrap();
        assert_eq!(
            (parts.host, parts.path, parts.query),
            ("WWW.facebook.com", "/tr/", Some("id=1&dl=a/b?c"))
        );
        let parts = UrlParts::of("https://facebook.com?x").unwrap();
        assert_eq!(
            (parts.host, parts.path, parts.query),
            ("facebook.com", "", Some("x"))
        );
        let parts = UrlParts::of("http://[::1]:8080/").unwrap();
        assert_eq!(parts.host, "[::1]");
        for url in ["", "data:text/plain,x", "https://", "about:blank", "://x/"] {
            assert_eq!(UrlParts::of(url), None, "{url}");
        }
    }

    #[test]
    fn party_goes_by_registrable_domain_not_by_ending() {
        let first = registrable_domain("www.northgate.police.example");
        assert_eq!(first, "police.example");
        assert_eq!(Party::of("forms.police.example", first), Party::First);
        assert_eq!(Party::of("notpolice.example", first), Party::Third);
        assert_eq!(registrable_domain("www.met.police.uk"), "met.police.uk");
        assert_eq!(registrable_domain("127.0.0.1"), "127.0.0.1");
        assert_eq!(registrable_domain("[::1]"), "[::1]");
        assert_eq!(registrable_domain("localhost"), "localhost");
    }
}
