//! The network log's lines: their shape, and which of them matter.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// `phase` of an event that has an end; 2 is the end, 0 an event without one.
pub(super) const BEGIN: u32 = 1;
pub(super) const END: u32 = 2;

#[derive(Deserialize)]
struct Constants {
    #[serde(rename = "logEventTypes")]
    event_types: HashMap<String, u32>,
    /// Added to an event's time it gives milliseconds since the Unix epoch.
    #[serde(rename = "timeTickOffset", default)]
    time_tick_offset: Value,
}

#[derive(Deserialize)]
struct FirstLine {
    constants: Constants,
}

#[derive(Deserialize)]
pub(super) struct Event<'a> {
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    pub phase: u32,
    pub source: EventSource,
    #[serde(borrow, default)]
    time: &'a str,
    #[serde(rename = "type")]
    pub kind: u32,
}

#[derive(Deserialize)]
pub(super) struct EventSource {
    pub id: u64,
}

#[derive(Deserialize)]
pub(super) struct Alive {
    pub traffic_annotation: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct StartJob {
    pub url: String,
    pub method: String,
    #[serde(default)]
    pub initiator: String,
    #[serde(default)]
    pub network_isolation_key: String,
}

#[derive(Deserialize)]
pub(super) struct HttpHeaders {
    #[serde(default)]
    pub headers: Vec<String>,
    /// HTTP/1.1's request line, with its end.
    #[serde(default)]
    pub line: String,
    /// HTTP/2's, where a session tells.
    #[serde(default)]
    pub stream_id: u32,
    /// Nothing follows on the stream.
    #[serde(default)]
    pub fin: bool,
}

#[derive(Deserialize)]
pub(super) struct Address {
    pub address: Option<String>,
    pub remote_address: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Host {
    pub host: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct NetError {
    pub net_error: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct Dependency {
    pub source_dependency: Dependent,
}

#[derive(Deserialize)]
pub(super) struct Dependent {
    pub id: u64,
}

#[derive(Deserialize)]
struct Bytes<'a> {
    /// Base64.
    #[serde(borrow)]
    bytes: Option<&'a str>,
}

#[derive(Deserialize)]
pub(super) struct Certificates {
    /// PEM, the host's own first.
    #[serde(default)]
    pub certificates: Vec<String>,
}

impl Event<'_> {
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_str(self.params?.get()).ok()
    }

    /// What went over a connection, or was read.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        let params = self.read::<Bytes>()?;
        data_encoding::BASE64.decode(params.bytes?.as_bytes()).ok()
    }

    /// Header lines, as they are on the connection.
    pub fn headers(&self) -> Option<HttpHeaders> {
        let mut params = self.read::<HttpHeaders>()?;
        params.line = unescaped(params.line);
        params.headers = params.headers.into_iter().map(unescaped).collect();
        Some(params)
    }

    /// Milliseconds of the log's own clock.
    pub fn time(&self) -> Option<i64> {
        self.time.parse().ok()
    }
}

/// Names the events that matter, and what each is called in Chromium's source.
macro_rules! kinds {
    ($($field:ident = $name:literal,)*) => {
        /// The events that matter, by the numbers of this log.
        #[derive(Debug, Default)]
        pub(super) struct Kinds { $(pub $field: Option<u32>,)* all: Vec<u32> }

        impl Kinds {
            fn named(types: &HashMap<String, u32>) -> Kinds {
                let mut kinds = Kinds { $($field: types.get($name).copied(),)* all: Vec::new() };
                kinds.all = [$(kinds.$field,)*].into_iter().flatten().collect();
                kinds
            }

            /// An event that this browser does not know, and without which nothing can be said.
            fn lacking(&self) -> Option<&'static str> {
                let needed = [
                    "REQUEST_ALIVE",
                    "URL_REQUEST_START_JOB",
                    "HTTP_TRANSACTION_SEND_REQUEST_HEADERS",
                    "HTTP_TRANSACTION_HTTP2_SEND_REQUEST_HEADERS",
                    "HTTP_TRANSACTION_READ_RESPONSE_HEADERS",
                    "HTTP2_SESSION_INITIALIZED",
                    "HTTP2_SESSION_SEND_HEADERS",
                    "SOCKET_BYTES_SENT",
                    "SSL_SOCKET_BYTES_SENT",
                    "SSL_CONNECT",
                ];
                let known = [$(($name, self.$field),)*];
                needed.into_iter().find(|needed| {
                    known.iter().any(|(name, number)| name == needed && number.is_none())
                })
            }
        }
    };
}

kinds! {
    alive = "REQUEST_ALIVE",
    start_job = "URL_REQUEST_START_JOB",
    http1_headers = "HTTP_TRANSACTION_SEND_REQUEST_HEADERS",
    http2_headers = "HTTP_TRANSACTION_HTTP2_SEND_REQUEST_HEADERS",
    http3_headers = "HTTP_TRANSACTION_QUIC_SEND_REQUEST_HEADERS",
    restart = "HTTP_TRANSACTION_RESTART_AFTER_ERROR",
    response = "HTTP_TRANSACTION_READ_RESPONSE_HEADERS",
    failed = "FAILED",
    filtered_bytes = "URL_REQUEST_JOB_FILTERED_BYTES_READ",
    session = "HTTP2_SESSION_INITIALIZED",
    session_headers = "HTTP2_SESSION_SEND_HEADERS",
    tcp_attempt = "TCP_CONNECT_ATTEMPT",
    tcp_connect = "TCP_CONNECT",
    ssl_connect = "SSL_CONNECT",
    certificates = "SSL_CERTIFICATES_RECEIVED",
    bytes_sent = "SOCKET_BYTES_SENT",
    ssl_bytes_sent = "SSL_SOCKET_BYTES_SENT",
    udp_connect = "UDP_CONNECT",
    udp_sent = "UDP_BYTES_SENT",
    dns = "HOST_RESOLVER_MANAGER_JOB",
}

/// Chromium writes a text with bytes that are no ASCII after this mark, and each such byte, and each percent sign, as
/// `%XX` (`NetLogStringValue` in net/log/net_log_values.cc).
const ESCAPED: &str = "%ESCAPED:\u{200b} ";

fn unescaped(text: String) -> String {
    match text.strip_prefix(ESCAPED) {
        Some(escaped) => percent_encoding::percent_decode_str(escaped)
            .decode_utf8_lossy()
            .into_owned(),
        None => text,
    }
}

/// What a log's first line tells: the numbers of its events, and how far its clock is from the wall's.
pub(super) fn first_line(line: &[u8]) -> std::io::Result<(Kinds, Option<i64>)> {
    let mut text = trim(line).to_vec();
    text.push(b'}');
    let first: FirstLine = serde_json::from_slice(&text)
        .map_err(|_| std::io::Error::new(std::io::ErrorKind::InvalidData, "no network log"))?;
    let offset = match &first.constants.time_tick_offset {
        Value::String(text) => text.parse().ok(),
        number => number.as_i64(),
    };
    let kinds = Kinds::named(&first.constants.event_types);
    match kinds.lacking() {
        Some(name) => Err(std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            format!("this browser's log does not name {name}: what it says cannot be understood"),
        )),
        None => Ok((kinds, offset)),
    }
}

impl Kinds {
    /// Looks at the type alone, which stands last on a line: most lines are of no matter here.
    pub fn matters(&self, line: &[u8]) -> bool {
        let Some(digits) = line.strip_suffix(b"}") else {
            return false;
        };
        let start = digits
            .iter()
            .rposition(|byte| !byte.is_ascii_digit())
            .map_or(0, |at| at + 1);
        let kind = std::str::from_utf8(&digits[start..])
            .ok()
            .and_then(|digits| digits.parse().ok());
        // Without a number the order of keys has changed: let the parser decide.
        kind.is_none_or(|kind| self.all.contains(&kind))
    }
}

pub(super) fn trim(line: &[u8]) -> &[u8] {
    let line = line.trim_ascii();
    line.strip_suffix(b",").unwrap_or(line)
}
