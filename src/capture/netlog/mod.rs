//! Chromium's own network log: what really was put on a connection, byte for byte.
//!
//! Its format is no stable interface, so it is read tolerantly: a line at a time, by the names that the log itself
//! gives its numbers, and a log that was cut off gives what stands before the cut.

mod bytes;
mod events;
mod reader;
mod websocket;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Read};

use self::events::{Event, first_line, trim};
use self::reader::Reader;
pub use self::reader::certificate_digest;
use crate::model::{Headers, Moment, Origin, Remote, is_library};

/// Bytes of the longest line that is read: Chromium tells bytes in pieces, and its longest lines have far less.
const LONGEST_LINE: u64 = 256 << 20;

/// What the log tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetLog {
    /// One for each redirect hop, and for each time that a hop was sent again; in the order in which they began.
    pub requests: Vec<NetLogRequest>,
    /// Every `address:port` that a TCP connection was opened to, or a UDP packet sent to.
    pub addresses: BTreeSet<String>,
    /// Host names for which a look-up was begun, by whichever resolver.
    pub lookups: BTreeSet<String>,
    /// The chains that servers showed, PEM, each by the digest (hex) of the host's own certificate.
    pub certificates: BTreeMap<String, Vec<String>>,
    /// The end is missing.
    pub truncated: bool,
    /// How many heads and bodies connections carried that belong to no request that the log tells of.
    pub stray: u64,
    /// How many events that matter could not be read.
    pub unread: u64,
}

/// A request as the network stack saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetLogRequest {
    /// Without the fragment.
    pub url: String,
    pub method: String,
    pub origin: Origin,
    /// When it was begun.
    pub time: Option<Moment>,
    /// Headers as put on the connection; null if it never was.
    pub sent: Option<Headers>,
    /// The connection's bytes show it, and not the network stack's word alone.
    pub on_the_wire: bool,
    pub body: NetLogBody,
    /// WebSocket messages sent.
    pub messages: Vec<NetLogMessage>,
    pub status: Option<u16>,
    /// When the answer's head had come.
    pub answered: Option<Moment>,
    pub response_headers: Headers,
    /// The answer's body as the page got it, for those that were asked for.
    pub response_body: Option<KeptBody>,
    /// A `net::` error number, negative.
    pub error: Option<i64>,
    pub remote: Option<Remote>,
    /// The same request, in this list, that was sent before and came to nothing.
    pub again: Option<usize>,
}

/// A request body as the connection's bytes show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum NetLogBody {
    #[default]
    None,
    Whole(KeptBody),
    /// The connection or the log ended before the body did.
    Cut(KeptBody),
}

/// A body that was handed out, by its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptBody {
    /// Hex.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetLogMessage {
    pub time: Option<Moment>,
    /// 1 for text, 2 for bytes; 8 and above are the protocol's own.
    pub opcode: u8,
    pub payload: Vec<u8>,
}

/// Keeps a body under its digest (hex); an error ends the reading.
pub type KeepBody<'a> = dyn FnMut(&str, &[u8]) -> io::Result<()> + 'a;

impl NetLogRequest {
    /// One of which no more is known than that it was begun.
    pub fn begun(url: &str, method: &str, origin: Origin, time: Option<Moment>) -> NetLogRequest {
        NetLogRequest {
            url: url.to_owned(),
            method: method.to_owned(),
            origin,
            time,
            sent: None,
            on_the_wire: false,
            body: NetLogBody::None,
            messages: Vec::new(),
            status: None,
            answered: None,
            response_headers: Headers::default(),
            response_body: None,
            error: None,
            remote: None,
            again: None,
        }
    }
}

impl NetLog {
    /// Reads a log. Request bodies, and the answers to requests for recipients' own scripts, are handed to `keep`.
    ///
    /// # Errors
    /// If it cannot be read, or is no network log at all, or a body cannot be kept.
    pub fn read(log: impl Read, keep: &mut KeepBody) -> io::Result<NetLog> {
        NetLog::read_answers(log, is_library, keep)
    }

    /// The same; whether the answer to a URL is wanted is for the caller to say.
    ///
    /// # Errors
    /// As [`NetLog::read`].
    pub fn read_answers(
        log: impl Read,
        wanted: fn(&str) -> bool,
        keep: &mut KeepBody,
    ) -> io::Result<NetLog> {
        let mut log = io::BufReader::with_capacity(1 << 16, log);
        let mut line = Vec::new();
        (&mut log).take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        let (kinds, clock) = first_line(&line)?;
        let mut reader = Reader::new(kinds, clock, wanted, keep);
        loop {
            line.clear();
            if (&mut log).take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            if line.len() as u64 == LONGEST_LINE && !line.ends_with(b"\n") {
                let what = "a line of the network log has no end";
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            let text = trim(&line);
            // The list of events is closed on its last line, or on a line of its own. (A line that was cut off may end in
            // a bracket too: it is no event without it.)
            let closed = text
                .strip_suffix(b"]")
                .or_else(|| text.strip_suffix(b"]}"))
                .filter(|rest| rest.is_empty() || serde_json::from_slice::<Event>(rest).is_ok());
            let text = closed.unwrap_or(text);
            if text.first() == Some(&b'{') && (closed.is_some() || reader.matters(text)) {
                match serde_json::from_slice::<Event>(text) {
                    Ok(event) => reader.take(&event),
                    // A line cut off in the middle is the log's end, not an error.
                    Err(_) if !line.ends_with(b"\n") => {}
                    Err(_) => reader.unread(),
                }
            }
            if closed.is_some() {
                reader.ended();
                break;
            }
        }
        reader.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = r#"{"constants":{"logEventTypes":{"URL_REQUEST_START_JOB":1,"HTTP_TRANSACTION_SEND_REQUEST_HEADERS":2,"HTTP_TRANSACTION_READ_RESPONSE_HEADERS":3,"TCP_CONNECT_ATTEMPT":4,"UDP_CONNECT":5,"UDP_BYTES_SENT":6,"HTTP_TRANSACTION_HTTP2_SEND_REQUEST_HEADERS":7,"SSL_SOCKET_BYTES_SENT":9,"HOST_RESOLVER_MANAGER_JOB":12,"REQUEST_ALIVE":20,"HTTP2_SESSION_INITIALIZED":21,"HTTP2_SESSION_SEND_HEADERS":22,"SOCKET_BYTES_SENT":23,"SSL_CONNECT":24}},
"events": [
{"params":{"url":"https://a.example/x#frag","method":"GET"},"phase":1,"source":{"id":10,"type":1},"time":"1","type":1},
{"params":{"bytes":"AAAA"},"phase":0,"source":{"id":3,"type":8},"time":"1","type":9},
{"params":{"headers":["Host: a.example","Cookie: c_user=1; fr=2"],"line":"GET /x HTTP/1.1\r\n"},"phase":0,"source":{"id":10,"type":1},"time":"2","type":2},
{"params":{"headers":["HTTP/1.1 302 Found","Location: /y"]},"phase":0,"source":{"id":10,"type":1},"time":"3","type":3},
{"params":{"url":"https://a.example/y","method":"GET"},"phase":1,"source":{"id":10,"type":1},"time":"4","type":1},
{"params":{"headers":[":method: GET","cookie: q=1"]},"phase":0,"source":{"id":10,"type":1},"time":"5","type":7},
{"params":{"address":"127.0.0.1:8443"},"phase":1,"source":{"id":20,"type":8},"time":"4","type":4},
{"params":{"host":"https://c.example"},"phase":1,"source":{"id":30,"type":9},"time":"4","type":12},
{"phase":2,"source":{"id":30,"type":9},"time":"4","type":12},
{"params":{"address":"[2001:db8::1]:53"},"phase":1,"source":{"id":21,"type":8},"time":"4","type":5},
"#;

    #[test]
    fn hops_are_told_apart_and_a_cut_log_gives_what_stands_before_the_cut() {
        let cut = format!("{LOG}{{\"params\":{{\"url\":\"https://b.exam");
        let log = NetLog::read(cut.as_bytes(), &mut |_, _| Ok(())).unwrap();
        assert!(log.truncated);
        assert_eq!(log.requests.len(), 2);
        let first = &log.requests[0];
        assert_eq!(
            (first.url.as_str(), first.status),
            ("https://a.example/x", Some(302))
        );
        assert_eq!(*first.response_headers, [("location".into(), "/y".into())]);
        assert_eq!(
            first.sent.as_ref().unwrap()[1],
            ("cookie".into(), "c_user=1; fr=2".into())
        );
        assert_eq!(
            **log.requests[1].sent.as_ref().unwrap(),
            [("cookie".to_owned(), "q=1".to_owned())]
        );
        assert_eq!(log.addresses.iter().collect::<Vec<_>>(), ["127.0.0.1:8443"]);
        assert_eq!(
            log.lookups.iter().collect::<Vec<_>>(),
            ["https://c.example"]
        );
        for end in ["],\n\"polledData\": {}}\n", "]}\n"] {
            // The last event of the list, which Chromium closes on the same line.
            let last = r#"{"phase":2,"source":{"id":1,"type":1},"time":"9","type":8}"#;
            let whole =
                NetLog::read(format!("{LOG}{last}{end}").as_bytes(), &mut |_, _| Ok(())).unwrap();
            assert!(!whole.truncated);
            assert_eq!(whole.requests, log.requests);
        }
    }

    #[test]
    fn bytes_that_are_no_ascii_come_back() {
        let line = r#"{"params":{"headers":["%ESCAPED:\u200b Cookie: c_user=1; x=%C3%A4%25"],"line":"GET / HTTP/1.1\r\n"},"phase":0,"source":{"id":10,"type":1},"time":"6","type":2}"#;
        let start = r#"{"params":{"url":"https://a.example/","method":"GET"},"phase":1,"source":{"id":10,"type":1},"time":"5","type":1}"#;
        let log = NetLog::read(format!("{LOG}{start},\n{line}]").as_bytes(), &mut |_, _| {
            Ok(())
        })
        .unwrap();
        assert!(!log.truncated);
        let sent = log.requests[2].sent.as_ref().unwrap();
        assert_eq!(
            **sent,
            [("cookie".to_owned(), "c_user=1; x=\u{e4}%".to_owned())]
        );
    }

    #[test]
    fn a_log_that_is_not_understood_says_so() {
        let renamed = LOG.replace("HTTP2_SESSION_SEND_HEADERS", "HTTP2_SESSION_SENT");
        let error = NetLog::read(renamed.as_bytes(), &mut |_, _| Ok(())).unwrap_err();
        assert!(
            error.to_string().contains("HTTP2_SESSION_SEND_HEADERS"),
            "{error}"
        );
        let broken = format!(
            "{LOG}{}\n]",
            r#"{"params":{"url":7},"phase":1,"source":{"id":11,"type":1},"time":"7","type":1}"#
        );
        assert_eq!(
            NetLog::read(broken.as_bytes(), &mut |_, _| Ok(()))
                .unwrap()
                .unread,
            1
        );
        // A bracket at the end of a line that was cut off closes nothing.
        let cut = format!("{LOG}{}", r#"{"params":{"headers":["a: b"]"#);
        assert!(
            NetLog::read(cut.as_bytes(), &mut |_, _| Ok(()))
                .unwrap()
                .truncated
        );
    }

    #[test]
    fn what_is_no_log_is_an_error() {
        assert!(NetLog::read(&b"<html>"[..], &mut |_, _| Ok(())).is_err());
        assert!(NetLog::read(&b""[..], &mut |_, _| Ok(())).is_err());
    }
}
