//! Records of a WARC/1.1 file, each a gzip member of its own.

use std::io::{self, Write};
use std::net::IpAddr;

use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::{DATA, http, sha256, software};
use crate::model::{BodyState, Exchange, Moment, RunRecord};

const STANDARD: &str =
    "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/";

/// A record: its own headers, and the block that they are about.
pub(super) struct Record {
    kind: &'static str,
    id: String,
    date: Moment,
    /// Those that not every record has.
    headers: Vec<(&'static str, String)>,
    content_type: &'static str,
    block: Vec<u8>,
}

/// What the file is, and what it leaves out.
pub(super) fn info(run: &RunRecord, all: usize, left_out: usize) -> Record {
    let browser = run.browser.as_ref();
    let agent = browser.map(|browser| browser.user_agent.clone());
    let version = browser.map(|browser| browser.version.clone());
    let description = format!(
        "What a browser sent and got on {} in a recorded run. Heads are written as HTTP/1.1 whatever version carried \
         them, with the status's standard reason; content codings are undone.",
        run.scenario.origin,
    );
    let left_out = format!("{left_out} (not sent, or not known to have been sent)");
    let fields = [
        ("software", software(run)),
        ("format", "WARC File Format 1.1".to_owned()),
        ("conformsTo", STANDARD.to_owned()),
        ("isPartOf", run.scenario.title.clone()),
        ("http-header-user-agent", agent.unwrap_or_default()),
        ("browser", version.unwrap_or_default()),
        ("description", description),
        ("exchanges", all.to_string()),
        ("exchanges-without-record", left_out),
    ];
    let mut block = String::new();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        let value = value.replace(char::is_control, " ");
        block.push_str(&format!("{name}: {value}\r\n"));
    }
    let headers = vec![("WARC-Filename", DATA.to_owned())];
    let content_type = "application/warc-fields";
    Record::new(
        "warcinfo",
        "",
        run.started,
        headers,
        content_type,
        block.into_bytes(),
    )
}

/// The answer; nothing where there was none. Without its body it is told as cut.
pub(super) fn response(exchange: &Exchange, date: Moment, body: Option<&[u8]>) -> Option<Record> {
    let status = exchange.status?;
    let has_body = http::has_body(&exchange.method, status);
    let body = body.filter(|_| has_body);
    let payload = body.unwrap_or_default();
    let head = http::response_head(exchange, status, has_body.then_some(payload.len()));
    let empty = exchange
        .response_headers
        .iter()
        .any(|(name, value)| name.eq_ignore_ascii_case("content-length") && value.trim() == "0");
    let cut = has_body && body.is_none() && !empty;
    let headers = headers(exchange, payload, cut);
    let content_type = "application/http; msgtype=response";
    let block = [head.as_bytes(), payload].concat();
    Some(Record::new(
        "response",
        &exchange.id,
        date,
        headers,
        content_type,
        block,
    ))
}

/// The request, told to belong to its answer.
pub(super) fn request(
    exchange: &Exchange,
    date: Moment,
    body: Option<&[u8]>,
    answer: Option<&Record>,
) -> Record {
    let cut = match exchange.body_state {
        BodyState::None => false,
        BodyState::Complete => body.is_none(),
        BodyState::Truncated | BodyState::Unavailable => true,
    };
    let payload = body.unwrap_or_default();
    let length = (cut || body.is_some()).then_some(payload.len());
    let head = http::request_head(exchange, length);
    let mut headers = headers(exchange, payload, cut);
    if let Some(answer) = answer {
        headers.push(("WARC-Concurrent-To", answer.urn()));
    }
    let content_type = "application/http; msgtype=request";
    let block = [head.as_bytes(), payload].concat();
    Record::new("request", &exchange.id, date, headers, content_type, block)
}

fn headers(exchange: &Exchange, payload: &[u8], cut: bool) -> Vec<(&'static str, String)> {
    let mut headers = vec![("WARC-Target-URI", http::printable(&exchange.url))];
    let ip = exchange
        .remote
        .as_ref()
        .map(|remote| remote.ip.trim_matches(['[', ']']));
    if let Some(ip) = ip.filter(|ip| ip.parse::<IpAddr>().is_ok()) {
        headers.push(("WARC-IP-Address", ip.to_owned()));
    }
    headers.push(("WARC-Payload-Digest", sha256(payload)));
    if cut {
        headers.push(("WARC-Truncated", "unspecified".to_owned()));
    }
    headers
}

impl Record {
    /// `exchange` tells records apart that are alike in everything else.
    fn new(
        kind: &'static str,
        exchange: &str,
        date: Moment,
        headers: Vec<(&'static str, String)>,
        content_type: &'static str,
        block: Vec<u8>,
    ) -> Record {
        let mut digest = Sha256::new();
        digest.update(format!("{kind} {exchange} {date}\n"));
        for (name, value) in &headers {
            digest.update(format!("{name}: {value}\n"));
        }
        digest.update(&block);
        Record {
            kind,
            id: uuid(&digest.finalize()),
            date,
            headers,
            content_type,
            block,
        }
    }

    /// A UUID, made from what the record holds: the same run has the same ones.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// A header's value; the names are those of the standard.
    pub(super) fn header(&self, wanted: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(name, _)| *name == wanted)
            .map(|(_, value)| value.as_str())
    }

    fn urn(&self) -> String {
        format!("<urn:uuid:{}>", self.id)
    }

    pub(super) fn gzip(&self) -> io::Result<Vec<u8>> {
        let mut head = format!(
            "WARC/1.1\r\nWARC-Type: {}\r\nWARC-Record-ID: {}\r\nWARC-Date: {}\r\n",
            self.kind,
            self.urn(),
            self.date,
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!(
            "WARC-Block-Digest: {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
            sha256(&self.block),
            self.content_type,
            self.block.len(),
        ));
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(head.as_bytes())?;
        gzip.write_all(&self.block)?;
        gzip.write_all(b"\r\n\r\n")?;
        gzip.finish()
    }
}

/// Of version 8 (RFC 9562): its bits are what its maker likes.
fn uuid(digest: &[u8]) -> String {
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    id[6] = id[6] & 0x0f | 0x80;
    id[8] = id[8] & 0x3f | 0x80;
    let hex = HEXLOWER.encode(&id);
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}
