//! What arrived at the demo server, word for word.

use std::sync::{Mutex, PoisonError};

use serde::{Serialize, Serializer};

/// One request as the server received it.
///
/// Serialises as one JSON object with these fields; the body stands in `body_base64`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogEntry {
    /// Counts from 1, in the order in which requests were complete (head and body).
    pub seq: u64,
    /// When the request was complete: RFC 3339, UTC, milliseconds.
    pub time: String,
    /// `:authority` or `Host`, as received (with a port only if the client sent one); empty if there was none.
    pub host: String,
    pub method: String,
    /// Path and query, exactly as received.
    pub target: String,
    /// `HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`.
    pub http_version: String,
    /// Names in lower case; a name that came twice stands twice. HTTP/2 pseudo-headers are not repeated here.
    pub headers: Vec<(String, String)>,
    /// The request body. Where the client broke off in the middle: what came, and `status` is 400.
    #[serde(rename = "body_base64", serialize_with = "as_base64")]
    pub body: Vec<u8>,
    /// The status the server answered with.
    pub status: u16,
}

impl LogEntry {
    /// The address that was asked for: `https://` + host + path and query. A fragment never reaches a server.
    pub fn url(&self) -> String {
        format!("https://{}{}", self.host, self.target)
    }

    /// All cookies of the request in one line, `a=1; b=2`; empty if there were none.
    ///
    /// HTTP/2 allows one `cookie` header for each cookie (RFC 9113, 8.2.3), so they are joined here.
    pub fn cookie(&self) -> String {
        let cookies = self
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("cookie"));
        cookies
            .map(|(_, value)| value.as_str())
            .collect::<Vec<_>>()
            .join("; ")
    }
}

fn as_base64<S: Serializer>(body: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&data_encoding::BASE64.encode(body))
}

/// A WebSocket message as the server received it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SocketMessage {
    /// The address of the handshake, with `https`.
    pub url: String,
    /// 1 for text, 2 for bytes.
    pub opcode: u8,
    #[serde(rename = "payload_base64", serialize_with = "as_base64")]
    pub payload: Vec<u8>,
}

/// The log of one server. Shared by all its connections.
#[derive(Debug, Default)]
pub(super) struct AccessLog {
    entries: Mutex<Vec<LogEntry>>,
    messages: Mutex<Vec<SocketMessage>>,
}

impl AccessLog {
    /// Appends an entry. `seq` and `time` are set here, under the lock, so that both follow the order of the log.
    pub(super) fn push(&self, mut entry: LogEntry) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entry.seq = entries.len() as u64 + 1;
        entry.time = now();
        entries.push(entry);
    }

    pub(super) fn message(&self, message: SocketMessage) {
        self.messages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(message);
    }

    pub(super) fn messages(&self) -> Vec<SocketMessage> {
        self.messages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How many entries are of a kind.
    pub(super) fn count(&self, which: impl Fn(&LogEntry) -> bool) -> usize {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().filter(|entry| which(entry)).count()
    }

    pub(super) fn snapshot(&self) -> Vec<LogEntry> {
        self.entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The current time as RFC 3339 in UTC with milliseconds.
pub(super) fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> LogEntry {
        LogEntry {
            seq: 0,
            time: String::new(),
            host: "www.facebook.com".into(),
            method: "GET".into(),
            target: "/tr/?id=1&cd%5Bx%5D=%20&q=[raw]".into(),
            http_version: "HTTP/2.0".into(),
            headers: vec![
                ("cookie".into(), "c_user=1".into()),
                ("accept".into(), "image/*".into()),
                ("cookie".into(), "fr=2".into()),
            ],
            body: b"\x00\xffa".to_vec(),
            status: 200,
        }
    }

    #[test]
    fn url_is_host_and_target_untouched() {
        assert_eq!(
            entry().url(),
            "https://www.facebook.com/tr/?id=1&cd%5Bx%5D=%20&q=[raw]"
        );
    }

    #[test]
    fn cookies_split_by_http2_are_joined() {
        assert_eq!(entry().cookie(), "c_user=1; fr=2");
        assert_eq!(
            LogEntry {
                headers: vec![],
                ..entry()
            }
            .cookie(),
            ""
        );
    }

    #[test]
    fn the_body_is_serialised_as_base64() -> Result<(), serde_json::Error> {
        let json = serde_json::to_value(entry())?;
        assert_eq!(json["body_base64"], "AP9h");
        assert!(json.get("body").is_none());
        Ok(())
    }

    #[test]
    fn entries_are_numbered_in_order_and_timed_to_the_millisecond() {
        let log = AccessLog::default();
        log.push(entry());
        log.push(entry());
        let entries = log.snapshot();
        assert_eq!(
            entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(),
            [1, 2]
        );
        let time = &entries[0].time;
        assert_eq!(
            (time.len(), &time[19..20], &time[23..]),
            (24, ".", "Z"),
            "{time}"
        );
    }
}
