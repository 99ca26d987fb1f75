//! What a line of the timeline opens to: the decoded event, the request as it was sent, what caused it.

use std::borrow::Cow;

use askama::Template;
use data_encoding::HEXLOWER;
use serde_json::Value;

use super::entry::Entry;
use super::text::{Text, link};
use crate::leak::is_found;
use crate::model::{BodyState, Confidence, Exchange, Leak, Outcome, Place, Source, TrackerEvent};
use crate::report::count;
use crate::report::words::{chain_and_extent, whom};

/// Bytes of a body that is no text which are shown, as digits.
const BYTES_SHOWN: usize = 256;

/// What an entry opens to, as HTML. `body` is the request's, `beside` says whether the bundle's files are at hand.
///
/// # Errors
/// If it cannot be rendered.
pub(super) fn detail(
    entry: &Entry<'_>,
    body: Option<Vec<u8>>,
    beside: bool,
) -> askama::Result<String> {
    let exchange = entry.exchange;
    let detail = Detail {
        event: entry.event.map(EventView::new),
        leaks: entry.leaks.iter().map(|leak| LeakView::new(leak)).collect(),
        request: entry
            .is_first
            .then(|| RequestView::new(exchange, body, beside)),
        carried_by: Text::new(&*exchange.id),
    };
    detail.render()
}

#[derive(Template)]
#[template(path = "html_entry.html")]
struct Detail<'a> {
    event: Option<EventView<'a>>,
    leaks: Vec<LeakView<'a>>,
    request: Option<RequestView<'a>>,
    carried_by: Text<'a>,
}

/// A decoded event.
struct EventView<'a> {
    id: Text<'a>,
    name: Text<'a>,
    facts: Vec<(&'static str, Text<'a>)>,
    identity: Vec<(&'static str, Text<'a>, Text<'a>)>,
    parameters: Vec<ParameterView<'a>>,
    problems: Vec<Text<'a>>,
}

struct ParameterView<'a> {
    key: Text<'a>,
    value: Text<'a>,
    decoded: Text<'a>,
    meaning: Text<'a>,
    place: &'static str,
}

impl<'a> EventView<'a> {
    fn new(event: &'a TrackerEvent) -> EventView<'a> {
        let mut facts: Vec<(&'static str, Text<'a>)> = Vec::new();
        let mut add = |name, text: Option<Cow<'a, str>>| {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                facts.push((name, Text::new(text)));
            }
        };
        let told = |text: &'a Option<String>| text.as_deref().map(Cow::Borrowed);
        add("Pixel", told(&event.pixel_id));
        add("Page", told(&event.page_url));
        add("Came from", told(&event.referrer));
        add("Event id", told(&event.event_id));
        add(
            "The same as",
            event.duplicate_of.as_deref().map(Cow::Borrowed),
        );
        if event.confidence != Confidence::Certain {
            add(
                "Taken for it because",
                Some(Cow::Borrowed(&*event.confidence_reason)),
            );
        }
        EventView {
            id: Text::new(&*event.id),
            name: Text::new(event.event_name.as_deref().unwrap_or(event.kind.as_str())),
            facts,
            identity: event
                .identity
                .iter()
                .map(|signal| {
                    (
                        whom(signal.strength),
                        Text::new(&*signal.signal),
                        Text::new(&*signal.value),
                    )
                })
                .collect(),
            parameters: event
                .parameters
                .iter()
                .map(|parameter| ParameterView {
                    key: Text::new(&*parameter.key),
                    value: Text::new(&*parameter.value),
                    decoded: Text::new(match &parameter.decoded {
                        None => Cow::Borrowed(""),
                        Some(Value::String(text)) => Cow::Borrowed(&**text),
                        Some(other) => Cow::Owned(other.to_string()),
                    }),
                    meaning: Text::new(parameter.meaning.as_deref().unwrap_or("")),
                    place: match parameter.place {
                        Place::Query => "query",
                        Place::Form => "form",
                        Place::Multipart => "multipart",
                        Place::Json => "JSON",
                        Place::Header => "header",
                        Place::Path => "path",
                    },
                })
                .collect(),
            problems: event
                .problems
                .iter()
                .map(|text| Text::new(&**text))
                .collect(),
        }
    }
}

/// Something typed that stood in the request.
struct LeakView<'a> {
    heading: Text<'static>,
    chain: Text<'a>,
    value: Text<'a>,
    shell: Text<'a>,
}

impl<'a> LeakView<'a> {
    fn new(leak: &'a Leak) -> LeakView<'a> {
        LeakView {
            heading: Text::new(match is_found(leak) {
                true => format!("What was typed as “{}” ({})", leak.canary, leak.id),
                false => format!("Perhaps what was typed as “{}” ({})", leak.canary, leak.id),
            }),
            chain: Text::new(chain_and_extent(leak)),
            value: Text::new(&*leak.value),
            shell: Text::new(leak.shell.as_deref().unwrap_or("")),
        }
    }
}

/// The request as it was sent.
struct RequestView<'a> {
    id: Text<'a>,
    method: Text<'a>,
    url: Text<'a>,
    headers: Text<'a>,
    cookies: Vec<(Text<'a>, Text<'a>)>,
    withheld: Vec<(Text<'a>, Text<'a>)>,
    body: Text<'a>,
    /// What is known of the body in words.
    body_note: String,
    /// Where its bytes are: in the bundle, and from the report.
    body_path: Text<'a>,
    body_link: Option<String>,
    messages: Vec<Text<'a>>,
    fate: Text<'a>,
    initiators: Vec<Text<'a>>,
    /// A line for a shell that prints its records.
    find: Text<'a>,
    facts: Vec<(&'static str, Text<'a>)>,
}

impl<'a> RequestView<'a> {
    fn new(exchange: &'a Exchange, body: Option<Vec<u8>>, beside: bool) -> RequestView<'a> {
        let mut headers = String::new();
        for (name, value) in exchange.request_headers.iter() {
            if !headers.is_empty() {
                headers.push('\n');
            }
            headers += &format!("{name}: {}", value.replace('\n', "\\n"));
        }
        let (sent, kept): (Vec<_>, Vec<_>) = exchange.cookies.iter().partition(|c| c.sent);
        let (body, shown) = body_text(exchange, body);
        let size = exchange.body_size.map(|size| format!("{size} bytes"));
        let body_note = match exchange.body_state {
            BodyState::None => String::new(),
            BodyState::Complete => format!("{}{shown}", size.unwrap_or_default()),
            BodyState::Truncated => "only a part of it is known".to_owned(),
            BodyState::Unavailable => "there was one, and it could not be had: unknown".to_owned(),
        };
        let path = exchange.body_path.as_deref();
        RequestView {
            id: Text::new(&*exchange.id),
            method: Text::new(&*exchange.method),
            url: Text::new(&*exchange.url),
            headers: Text::new(headers),
            cookies: sent
                .iter()
                .map(|cookie| (Text::new(&*cookie.name), Text::new(&*cookie.value)))
                .collect(),
            withheld: kept
                .iter()
                .map(|cookie| {
                    let why = cookie.withheld.as_deref().unwrap_or("why is unknown");
                    (Text::new(&*cookie.name), Text::new(why))
                })
                .collect(),
            body,
            body_note,
            body_path: Text::new(path.unwrap_or("")),
            body_link: path.filter(|_| beside).and_then(link),
            messages: messages(exchange),
            fate: Text::new(fate(exchange)),
            initiators: exchange
                .initiator_chain
                .iter()
                .map(|url| Text::new(&**url))
                .collect(),
            find: Text::new(find(&exchange.id)),
            facts: facts(exchange),
        }
    }
}

/// Prints a request's records, as they stand in the bundle. Nothing for an id that no run gives: it would be a shell's to read.
fn find(id: &str) -> String {
    match id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        true => format!(
            "jq 'select(.id == \"{id}\" or .exchange == \"{id}\")' data/exchanges.jsonl data/evidence.jsonl"
        ),
        false => String::new(),
    }
}

/// The body as text, or its first bytes; and what is to be said of that.
fn body_text(exchange: &Exchange, body: Option<Vec<u8>>) -> (Text<'static>, &'static str) {
    let Some(body) = body.filter(|_| exchange.body_state != BodyState::None) else {
        let gone = match exchange.body_size {
            Some(1..) => "; it is not in this bundle",
            _ => "",
        };
        return (Text::new(""), gone);
    };
    match String::from_utf8(body) {
        Ok(text) => (Text::new(text), ""),
        Err(error) => {
            let bytes = error.into_bytes();
            let head = HEXLOWER.encode(&bytes[..bytes.len().min(BYTES_SHOWN)]);
            (
                Text::new(head),
                ", not text: its first bytes in hexadecimal digits",
            )
        }
    }
}

/// WebSocket messages that were sent.
fn messages(exchange: &Exchange) -> Vec<Text<'static>> {
    let sent = exchange
        .frames
        .iter()
        .filter(|frame| frame.direction == "sent");
    sent.map(|frame| {
        let bytes = data_encoding::BASE64.decode(frame.payload_base64.as_bytes());
        Text::new(match bytes.map(String::from_utf8) {
            Ok(Ok(text)) => text,
            _ => frame.payload_base64.clone(),
        })
    })
    .collect()
}

/// What became of it, in words.
fn fate(exchange: &Exchange) -> String {
    let left = match exchange.sent {
        Some(true) => "It left, as Chromium's network log says",
        Some(false) => "It did not leave",
        None => "Whether it left is unknown",
    };
    let what = match (exchange.outcome, exchange.status) {
        (Outcome::Completed, Some(status)) => format!("answered with {status}"),
        (Outcome::Completed, None) => "completed".to_owned(),
        (Outcome::Failed, _) => "failed".to_owned(),
        (Outcome::Blocked, _) => "blocked by the browser".to_owned(),
        (Outcome::Contained, _) => "contained: recorded, and answered in place".to_owned(),
        (Outcome::Pending, _) => "no answer was seen before the end".to_owned(),
    };
    match &exchange.error {
        Some(error) => format!("{left}; {what} ({error})."),
        None => format!("{left}; {what}."),
    }
}

fn facts(exchange: &Exchange) -> Vec<(&'static str, Text<'_>)> {
    let mut facts: Vec<(&'static str, Text<'_>)> = Vec::new();
    if let Some(time) = exchange.time {
        facts.push(("Time", Text::new(time.to_string())));
    }
    if let Some(page) = &exchange.document_url {
        facts.push(("Made by", Text::new(&**page)));
    }
    facts.push(("Kind", Text::new(&*exchange.resource_type)));
    if let Some(from) = &exchange.redirected_from {
        facts.push(("Redirected from", Text::new(&**from)));
    }
    if let Some(remote) = &exchange.remote {
        let mut line = format!("{} port {}", remote.ip, remote.port);
        if let Some(digest) = &remote.certificate_sha256 {
            line += &format!(", certificate SHA-256 {digest}");
        }
        facts.push(("Other end", Text::new(line)));
    }
    let sources: Vec<&str> = exchange
        .sources
        .iter()
        .map(|source| match source {
            Source::Network => "Network domain",
            Source::Fetch => "Fetch domain",
            Source::NetLog => "network log",
        })
        .collect();
    let sources = match sources.is_empty() {
        true => "unknown".to_owned(),
        false => format!(
            "{} ({})",
            count(sources.len(), "source"),
            sources.join(", ")
        ),
    };
    facts.push(("Seen by", Text::new(sources)));
    facts
}
