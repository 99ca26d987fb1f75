//! Chromium's own network log: what really was put on a connection.
//!
//! Its format is no stable interface, so it is read tolerantly: a line at a time, by the names that the log itself
//! gives its numbers, and a log that was cut off gives what stands before the cut.

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, Read};

use serde::Deserialize;
use serde_json::value::RawValue;

/// What the log tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetLog {
    /// One per redirect hop, in the order in which they began.
    pub requests: Vec<NetLogRequest>,
    /// Every `address:port` that a TCP connection was opened to, or a UDP packet sent to.
    pub addresses: BTreeSet<String>,
    /// Host names for which a look-up was begun, by whichever resolver.
    pub lookups: BTreeSet<String>,
    /// The end is missing.
    pub truncated: bool,
}

/// A request as the network stack saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetLogRequest {
    /// Without the fragment.
    pub url: String,
    pub method: String,
    /// Headers as put on the connection; null if it never was.
    pub sent: Option<Vec<(String, String)>>,
    pub status: Option<u16>,
    pub response_headers: Vec<(String, String)>,
    /// A `net::` error number, negative.
    pub error: Option<i64>,
}

/// `phase` of an event that has an end; 2 is the end, 0 an event without one.
const BEGIN: u32 = 1;

#[derive(Deserialize)]
struct Constants {
    #[serde(rename = "logEventTypes")]
    event_types: HashMap<String, u32>,
}

#[derive(Deserialize)]
struct FirstLine {
    constants: Constants,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    phase: u32,
    source: EventSource,
    #[serde(rename = "type")]
    kind: u32,
}

#[derive(Deserialize)]
struct EventSource {
    id: u64,
}

#[derive(Deserialize)]
struct StartJob {
    url: String,
    method: String,
}

#[derive(Deserialize)]
struct Headers {
    #[serde(default)]
    headers: Vec<String>,
}

#[derive(Deserialize)]
struct Address {
    address: Option<String>,
}

#[derive(Deserialize)]
struct Host {
    host: Option<String>,
}

#[derive(Deserialize)]
struct NetError {
    net_error: Option<i64>,
}

/// The events that matter, by the numbers of this log.
struct Kinds {
    start_job: Option<u32>,
    http1_headers: Option<u32>,
    http2_headers: Option<u32>,
    http3_headers: Option<u32>,
    response: Option<u32>,
    failed: Option<u32>,
    tcp_connect: Option<u32>,
    udp_connect: Option<u32>,
    udp_sent: Option<u32>,
    dns: Option<u32>,
}

impl NetLog {
    /// Reads a log.
    ///
    /// # Errors
    /// If it cannot be read, or is no network log at all.
    pub fn read(log: impl Read) -> std::io::Result<NetLog> {
        let mut log = std::io::BufReader::with_capacity(1 << 16, log);
        let mut line = Vec::new();
        log.read_until(b'\n', &mut line)?;
        let kinds = Kinds::of(&line)?;
        let mut net_log = NetLog {
            truncated: true,
            ..NetLog::default()
        };
        // Source id → its current hop.
        let mut current: HashMap<u64, usize> = HashMap::new();
        let mut udp: HashMap<u64, String> = HashMap::new();
        loop {
            line.clear();
            if log.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let text = trim(&line);
            // The list of events is closed on its last line, or on a line of its own.
            let closed = text.strip_suffix(b"]").or_else(|| text.strip_suffix(b"]}"));
            let text = closed.unwrap_or(text);
            if text.first() == Some(&b'{')
                && kinds.matters(text)
                // A line cut off in the middle is the log's end, not an error.
                && let Ok(event) = serde_json::from_slice::<Event>(text)
            {
                net_log.take(&kinds, &event, &mut current, &mut udp);
            }
            if closed.is_some() {
                net_log.truncated = false;
                break;
            }
        }
        Ok(net_log)
    }

    fn take(
        &mut self,
        kinds: &Kinds,
        event: &Event,
        current: &mut HashMap<u64, usize>,
        udp: &mut HashMap<u64, String>,
    ) {
        let kind = Some(event.kind);
        if kind == kinds.start_job {
            if let Some(start) = event.read::<StartJob>() {
                let url = start.url.split('#').next().unwrap_or_default().to_owned();
                current.insert(event.source.id, self.requests.len());
                self.requests.push(NetLogRequest {
                    url,
                    method: start.method,
                    sent: None,
                    status: None,
                    response_headers: Vec::new(),
                    error: None,
                });
            }
        } else if kind == kinds.tcp_connect {
            self.addresses
                .extend(event.read::<Address>().and_then(|params| params.address));
        } else if kind == kinds.udp_connect {
            if let Some(address) = event.read::<Address>().and_then(|params| params.address) {
                udp.insert(event.source.id, address);
            }
        } else if kind == kinds.udp_sent {
            // Chromium "connects" UDP sockets to learn of routes, and sends nothing: only packets count.
            self.addresses.extend(udp.get(&event.source.id).cloned());
        } else if kind == kinds.dns {
            // Told at a job's begin, with the host, and at its end, without.
            if event.phase == BEGIN {
                let host = event.read::<Host>().and_then(|params| params.host);
                self.lookups
                    .insert(host.unwrap_or_else(|| "(not named)".to_owned()));
            }
        } else if let Some(&index) = current.get(&event.source.id) {
            let request = &mut self.requests[index];
            if kind == kinds.http1_headers
                || kind == kinds.http2_headers
                || kind == kinds.http3_headers
            {
                if let Some(params) = event.read::<Headers>() {
                    request.sent = Some(split_headers(&params.headers));
                }
            } else if kind == kinds.response {
                if let Some(params) = event.read::<Headers>() {
                    request.status = params.headers.first().and_then(|line| status(line));
                    request.response_headers =
                        split_headers(params.headers.get(1..).unwrap_or_default());
                }
            } else if kind == kinds.failed {
                request.error = event.read::<NetError>().and_then(|params| params.net_error);
            }
        }
    }
}

impl Event<'_> {
    fn read<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_str(self.params?.get()).ok()
    }
}

impl Kinds {
    fn of(first_line: &[u8]) -> std::io::Result<Kinds> {
        let not_a_log = || std::io::Error::new(std::io::ErrorKind::InvalidData, "no network log");
        let mut text = trim(first_line).to_vec();
        text.push(b'}');
        let first: FirstLine = serde_json::from_slice(&text).map_err(|_| not_a_log())?;
        let number = |name: &str| first.constants.event_types.get(name).copied();
        Ok(Kinds {
            start_job: number("URL_REQUEST_START_JOB"),
            http1_headers: number("HTTP_TRANSACTION_SEND_REQUEST_HEADERS"),
            http2_headers: number("HTTP_TRANSACTION_HTTP2_SEND_REQUEST_HEADERS"),
            http3_headers: number("HTTP_TRANSACTION_QUIC_SEND_REQUEST_HEADERS"),
            response: number("HTTP_TRANSACTION_READ_RESPONSE_HEADERS"),
            failed: number("FAILED"),
            tcp_connect: number("TCP_CONNECT_ATTEMPT"),
            udp_connect: number("UDP_CONNECT"),
            udp_sent: number("UDP_BYTES_SENT"),
            dns: number("HOST_RESOLVER_MANAGER_JOB"),
        })
    }

    /// Looks at the type alone, which stands last on a line: most lines are bytes that nobody asks for here.
    fn matters(&self, line: &[u8]) -> bool {
        let Some(digits) = line.strip_suffix(b"}") else {
            return false;
        };
        let start = digits
            .iter()
            .rposition(|byte| !byte.is_ascii_digit())
            .map_or(0, |at| at + 1);
        let Some(kind) = std::str::from_utf8(&digits[start..])
            .ok()
            .and_then(|digits| digits.parse().ok())
        else {
            // The order of keys has changed: let the parser decide.
            return true;
        };
        [
            self.start_job,
            self.http1_headers,
            self.http2_headers,
            self.http3_headers,
            self.response,
            self.failed,
            self.tcp_connect,
            self.udp_connect,
            self.udp_sent,
            self.dns,
        ]
        .contains(&Some(kind))
    }
}

fn trim(line: &[u8]) -> &[u8] {
    let line = line.trim_ascii();
    line.strip_suffix(b",").unwrap_or(line)
}

/// `"Name: value"` each. HTTP/2's pseudo-headers begin with a colon and are left out: they repeat method and URL.
fn split_headers(lines: &[String]) -> Vec<(String, String)> {
    lines
        .iter()
        .filter(|line| !line.starts_with(':'))
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim_start().to_owned()))
        .collect()
}

/// `HTTP/1.1 200 OK`
fn status(line: &str) -> Option<u16> {
    line.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = r#"{"constants":{"logEventTypes":{"URL_REQUEST_START_JOB":1,"HTTP_TRANSACTION_SEND_REQUEST_HEADERS":2,"HTTP_TRANSACTION_READ_RESPONSE_HEADERS":3,"TCP_CONNECT_ATTEMPT":4,"UDP_CONNECT":5,"UDP_BYTES_SENT":6,"HTTP_TRANSACTION_HTTP2_SEND_REQUEST_HEADERS":7,"SSL_SOCKET_BYTES_SENT":9,"HOST_RESOLVER_MANAGER_JOB":12}},
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
        let log = NetLog::read(cut.as_bytes()).unwrap();
        assert!(log.truncated);
        assert_eq!(log.requests.len(), 2);
        let first = &log.requests[0];
        assert_eq!(
            (first.url.as_str(), first.status),
            ("https://a.example/x", Some(302))
        );
        assert_eq!(first.response_headers, [("location".into(), "/y".into())]);
        assert_eq!(
            first.sent.as_ref().unwrap()[1],
            ("cookie".into(), "c_user=1; fr=2".into())
        );
        assert_eq!(
            log.requests[1].sent.as_ref().unwrap(),
            &[("cookie".to_owned(), "q=1".to_owned())]
        );
        assert_eq!(log.addresses.iter().collect::<Vec<_>>(), ["127.0.0.1:8443"]);
        assert_eq!(
            log.lookups.iter().collect::<Vec<_>>(),
            ["https://c.example"]
        );
        for end in ["],\n\"polledData\": {}}\n", "]}\n"] {
            // The last event of the list, which Chromium closes on the same line.
            let last = r#"{"phase":2,"source":{"id":1,"type":1},"time":"9","type":8}"#;
            let whole = NetLog::read(format!("{LOG}{last}{end}").as_bytes()).unwrap();
            assert!(!whole.truncated);
            assert_eq!(whole.requests, log.requests);
        }
    }

    #[test]
    fn what_is_no_log_is_an_error() {
        assert!(NetLog::read(&b"<html>"[..]).is_err());
        assert!(NetLog::read(&b""[..]).is_err());
    }
}
