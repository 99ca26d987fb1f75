//! What a browser sends to log in, kept out of everything that is written: values of `Authorization` and
//! `Proxy-Authorization` (RFC 9110, 11.6.2 and 11.7.2). Pure.
//!
//! They stand in the browser's messages as JSON, in its network log as text and once more in the bytes of connections. What
//! takes their place has their length there, so that the log's parts still fit each other.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};

use aho_corasick::AhoCorasick;
use data_encoding::BASE64;
use serde_json::Value;

use crate::model::{Exchange, Headers};

/// Keys under which the browser's messages and its network log have the text of a head, or its lines.
const HEADS: [&str; 3] = ["headers", "headersText", "requestHeadersText"];

/// What stands in records.
const MARK: &str = "[secret authorization]";

/// With these bytes a client begins to speak HTTP/2 (RFC 9113, 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HTTP2_FRAME_HEADER: usize = 9;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;

pub fn is_credential(header: &str) -> bool {
    header.eq_ignore_ascii_case("authorization")
        || header.eq_ignore_ascii_case("proxy-authorization")
}

/// Takes credentials out of an exchange.
pub fn mask_exchange(exchange: &mut Exchange) {
    let known = exchange.request_headers.iter();
    if !known.clone().any(|(name, _)| is_credential(name)) {
        return;
    }
    let masked = known.map(|(name, value)| match is_credential(name) {
        true => (name.clone(), MARK.to_owned()),
        false => (name.clone(), value.clone()),
    });
    exchange.request_headers = Headers::from(masked.collect::<Vec<_>>());
}

/// Finds texts in which credentials may stand.
#[derive(Debug)]
pub struct Credentials(AhoCorasick);

impl Credentials {
    /// # Errors
    /// Never: the one word that is looked for is a word.
    pub fn new() -> io::Result<Credentials> {
        let finder = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(["authorization"]);
        finder.map(Credentials).map_err(io::Error::other)
    }

    /// A message of the browser's without credentials; nothing, if there are none in it.
    pub fn mask_message(&self, text: &str) -> Option<String> {
        if !self.0.is_match(text) {
            return None;
        }
        let mut message: Value = serde_json::from_str(text).ok()?;
        self.mask(&mut message).then(|| message.to_string())
    }

    /// Whether a network log holds any: its text says so, whatever its bytes are.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn are_in(&self, log: impl BufRead) -> io::Result<bool> {
        for line in log.split(b'\n') {
            let line = line?;
            if self.0.is_match(&line) && self.mask_line(&line, &mut HashMap::new()).is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Copies a network log without credentials.
    ///
    /// # Errors
    /// If it cannot be read or written.
    pub fn copy_masked(&self, log: impl BufRead, out: &mut dyn Write) -> io::Result<()> {
        let mut sockets = HashMap::new();
        for line in log.split(b'\n') {
            let line = line?;
            match self.mask_line(&line, &mut sockets) {
                Some(masked) => out.write_all(masked.as_bytes())?,
                None => out.write_all(&line)?,
            }
            out.write_all(b"\n")?;
        }
        Ok(())
    }

    /// An event without credentials; nothing, if it has none. (The log's first line, its constants, is no event.)
    fn mask_line(&self, line: &[u8], sockets: &mut HashMap<u64, Outgoing>) -> Option<String> {
        let holds_bytes = memchr::memmem::find(line, br#""bytes":""#).is_some();
        if !holds_bytes && !self.0.is_match(line) {
            return None;
        }
        let trimmed = line.trim_ascii();
        // The list's end may stand on its last event's line.
        let (event, end) = [&b","[..], b"]}", b"]"]
            .into_iter()
            .find_map(|end| Some((trimmed.strip_suffix(end)?, end)))
            .filter(|(event, _)| event.ends_with(b"}"))
            .unwrap_or((trimmed, b""));
        let mut event: Value = serde_json::from_slice(event).ok()?;
        event.get("source")?;
        let mut masked = self.mask(&mut event);
        if let Some(bytes) = event["params"]["bytes"].as_str()
            && let Ok(mut bytes) = BASE64.decode(bytes.as_bytes())
        {
            let socket = event["source"]["id"].as_u64()?;
            if self.mask_bytes(sockets.entry(socket).or_default(), &mut bytes) {
                event["params"]["bytes"] = BASE64.encode(&bytes).into();
                masked = true;
            }
        }
        masked.then(|| format!("{event}{}", String::from_utf8_lossy(end)))
    }

    /// Takes credentials out of a JSON value: `{"Authorization": "…"}`, and the texts of heads with a line
    /// `Authorization: …`. Other texts are left alone: a body may hold such a line, and is nobody's credential.
    fn mask(&self, value: &mut Value) -> bool {
        match value {
            Value::Object(map) => {
                let mut masked = false;
                for (key, value) in map.iter_mut() {
                    masked |= match value {
                        Value::String(text) if HEADS.contains(&key.as_str()) => {
                            self.mask_text(text)
                        }
                        Value::Array(lines) if HEADS.contains(&key.as_str()) => lines
                            .iter_mut()
                            .map(|line| match line {
                                Value::String(text) => self.mask_text(text),
                                _ => false,
                            })
                            .fold(false, std::ops::BitOr::bitor),
                        Value::String(text) if is_credential(key) => {
                            let was_masked = text == MARK;
                            *text = MARK.to_owned();
                            !was_masked
                        }
                        other => self.mask(other),
                    };
                }
                masked
            }
            Value::Array(items) => items
                .iter_mut()
                .map(|item| self.mask(item))
                .fold(false, std::ops::BitOr::bitor),
            _ => false,
        }
    }

    fn mask_text(&self, text: &mut String) -> bool {
        let mut bytes = std::mem::take(text).into_bytes();
        let masked = self.mask_lines(&mut bytes, &mut false);
        *text = String::from_utf8_lossy(&bytes).into_owned();
        masked
    }

    /// Overwrites what follows `authorization:` to the line's end, wherever such a line begins. `goes_on`: the value goes on in
    /// the next bytes.
    fn mask_lines(&self, bytes: &mut [u8], goes_on: &mut bool) -> bool {
        let mut masked = false;
        let mut overwrite = |bytes: &mut [u8], from: usize| {
            let end = memchr::memchr2(b'\r', b'\n', &bytes[from..]);
            let to = end.map_or(bytes.len(), |end| from + end);
            masked |= bytes[from..to].iter().any(|byte| *byte != b'*');
            bytes[from..to].fill(b'*');
            end.is_none()
        };
        if *goes_on {
            *goes_on = overwrite(bytes, 0);
        }
        let ends: Vec<usize> = self.0.find_iter(&*bytes).map(|found| found.end()).collect();
        for end in ends {
            let value = bytes[end..]
                .strip_prefix(b": ")
                .or(bytes[end..].strip_prefix(b":"));
            if let Some(value) = value {
                let from = bytes.len() - value.len();
                *goes_on = overwrite(bytes, from);
            }
        }
        masked
    }

    /// What a connection sends next: header lines of HTTP/1.1, and all header blocks of HTTP/2, which are compressed over the
    /// whole connection (RFC 7541).
    fn mask_bytes(&self, outgoing: &mut Outgoing, bytes: &mut [u8]) -> bool {
        let mut at = 0;
        if !outgoing.began {
            outgoing.began = true;
            if bytes.starts_with(HTTP2_PREFACE) {
                outgoing.http2 = Some(Frame::default());
                at = HTTP2_PREFACE.len();
            }
        }
        match &mut outgoing.http2 {
            Some(frame) => frame.mask(&mut bytes[at..]),
            None => {
                // A head begins with a request line, and ends with an empty one; what follows is a body.
                let line = bytes
                    .split(|byte| *byte == b'\n')
                    .next()
                    .unwrap_or_default();
                if memchr::memmem::find(line, b" HTTP/1.").is_some() {
                    outgoing.in_head = true;
                }
                if !outgoing.in_head {
                    return false;
                }
                let end = memchr::memmem::find(bytes, b"\r\n\r\n");
                outgoing.in_head = end.is_none();
                let head = end.unwrap_or(bytes.len());
                let masked = self.mask_lines(&mut bytes[..head], &mut outgoing.goes_on);
                outgoing.goes_on &= outgoing.in_head;
                masked
            }
        }
    }
}

/// A connection's outgoing side.
#[derive(Debug, Default)]
struct Outgoing {
    began: bool,
    /// Of HTTP/1.1: the head of a request goes on.
    in_head: bool,
    /// A value goes on in the next bytes.
    goes_on: bool,
    http2: Option<Frame>,
}

/// The HTTP/2 frame that is being sent.
#[derive(Debug, Default)]
struct Frame {
    header: Vec<u8>,
    left: usize,
}

impl Frame {
    fn mask(&mut self, bytes: &mut [u8]) -> bool {
        let mut masked = false;
        let mut at = 0;
        while at < bytes.len() {
            if self.left == 0 {
                self.header.push(bytes[at]);
                at += 1;
                if let [a, b, c, ..] = self.header[..]
                    && self.header.len() == HTTP2_FRAME_HEADER
                {
                    self.left = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                    if self.left == 0 {
                        self.header.clear();
                    }
                }
                continue;
            }
            let end = bytes.len().min(at + self.left);
            if matches!(self.header[3], HEADERS | CONTINUATION) {
                bytes[at..end].fill(0);
                masked = true;
            }
            self.left -= end - at;
            at = end;
            if self.left == 0 {
                self.header.clear();
            }
        }
        masked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_lose_their_credentials_and_nothing_else() {
        let credentials = Credentials::new().unwrap();
        let text = r#"{"method":"Network.requestWillBeSent","params":{"n":1.50,"request":{"headers":{"Authorization":"Bearer abc","Accept":"*/*"},"url":"https://a.example/"}}}"#;
        let masked = credentials.mask_message(text).unwrap();
        assert_eq!(
            masked,
            text.replace("Bearer abc", MARK).replace("1.50", "1.5")
        );
        for text in [
            r#"{"headers":{"Access-Control-Request-Headers":"authorization"}}"#,
            r#"{"headers":{"Accept":"*/*"}}"#,
            r#"{"url":"https://a.example/authorization"}"#,
            // A page's own text, as it may be in a body.
            r#"{"request":{"postData":"a\nAuthorization: hello there\n"}}"#,
        ] {
            assert_eq!(credentials.mask_message(text), None, "{text}");
        }
        let text = "GET / HTTP/1.1\r\nAuthorization: Basic eA==\r\nHost: a\r\n\r\n";
        let masked = credentials
            .mask_message(&serde_json::json!({ "headersText": text }).to_string())
            .unwrap();
        assert!(
            !masked.contains("eA==") && masked.contains("Host: a"),
            "{masked}"
        );
    }

    #[test]
    fn a_log_is_masked_in_its_text_and_in_its_bytes_with_their_length() {
        let credentials = Credentials::new().unwrap();
        let event = |id: u64, bytes: &[u8]| {
            let bytes = BASE64.encode(bytes);
            format!(
                r#"{{"params":{{"byte_count":9,"bytes":"{bytes}"}},"phase":0,"source":{{"id":{id},"type":8}},"time":"1","type":9}},"#
            )
        };
        let mut http2 = HTTP2_PREFACE.to_vec();
        // SETTINGS, empty; HEADERS of four bytes on stream 1; DATA of three.
        http2.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
        http2.extend([0, 0, 4, 1, 4, 0, 0, 0, 1, 9, 8, 7, 6]);
        http2.extend([0, 0, 3, 0, 1, 0, 0, 0, 1, b'a', b'b', b'c']);
        let text = r#"{"params":{"headers":["Host: a","Authorization: Bearer secret-1"],"line":"GET / HTTP/1.1\r\n"},"phase":0,"source":{"id":1,"type":1},"time":"1","type":2},"#;
        let log = [
            r#"{"constants":{"authorization":1},"#,
            r#""events": ["#,
            text,
            // The value of one head in two pieces.
            &event(3, b"GET / HTTP/1.1\r\nHost: a\r\nauthorization: Bearer sec"),
            &event(
                3,
                b"ret-1\r\nAccept: x\r\n\r\nAuthorization: none, in a body",
            ),
            &event(4, &http2[..40]),
            &event(4, &http2[40..]),
            r#"{"phase":2,"source":{"id":1,"type":1},"time":"2","type":8}]}"#,
        ]
        .join("\n");
        assert!(credentials.are_in(log.as_bytes()).unwrap());
        let mut masked = Vec::new();
        credentials
            .copy_masked(log.as_bytes(), &mut masked)
            .unwrap();
        let masked = String::from_utf8(masked).unwrap();
        let lines: Vec<&str> = masked.lines().collect();
        assert_eq!(lines.len(), 8);
        assert!(
            lines[2].contains("Authorization: ***************\""),
            "{}",
            lines[2]
        );
        let bytes = |line: &str| {
            let event: Value = serde_json::from_str(line.trim_end_matches(',')).unwrap();
            BASE64
                .decode(event["params"]["bytes"].as_str().unwrap().as_bytes())
                .unwrap()
        };
        let head = [bytes(lines[3]), bytes(lines[4])].concat();
        assert_eq!(
            String::from_utf8(head).unwrap(),
            "GET / HTTP/1.1\r\nHost: a\r\nauthorization: ***************\r\nAccept: x\r\n\r\nAuthorization: none, in a body"
        );
        let sent = [bytes(lines[5]), bytes(lines[6])].concat();
        assert_eq!(sent.len(), http2.len());
        let block = HTTP2_PREFACE.len() + 18;
        assert_eq!(sent[block..block + 4], [0; 4]);
        assert_eq!(sent[..block], http2[..block]);
        assert_eq!(sent[block + 4..], http2[block + 4..]);
        assert_eq!(lines[7], log.lines().nth(7).unwrap());
        // Masked once, there is nothing more to mask.
        assert!(!credentials.are_in(masked.as_bytes()).unwrap());
    }
}
