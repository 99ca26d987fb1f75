//! The places of a request: address, headers, cookies, body, messages.

use data_encoding::BASE64;

use super::across::{split, together};
use super::decoders;
use super::gather::Keys;
use super::normal::SHORTEST;
use super::reader::{At, Gathered, Reader};
use super::search::{Extent, Hit};
use super::structure::{MOST_PIECES, Shape, shape};
use crate::decode::multipart_parts;
use crate::model::{Exchange, UrlParts, count};

/// Leaks of one request that are listed: each has the whole of its URL.
const MOST_HITS: usize = 64;

/// Every kind of place, for what was searched.
pub const PLACES: [&str; 12] = [
    "host",
    "path",
    "query",
    "referrer",
    "cookies",
    "other headers",
    "form",
    "multipart",
    "JSON, and JSON in JSON",
    "text",
    "binary bodies",
    "WebSocket messages",
];

/// A request, and its body where it has one.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    pub exchange: &'a Exchange,
    pub body: Option<&'a [u8]>,
}

/// What was found in one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Id of the exchange, where something was not searched.
    pub exchange: String,
    pub hits: Vec<Hit>,
    /// What may be a few keys of something typed, with those of other requests.
    pub keys: Vec<Keys>,
    /// Values that were looked through.
    pub values: usize,
    /// What was not searched, in words.
    pub unsearched: Vec<String>,
}

/// Requests that were searched and in which nothing was found.
#[derive(Debug, Clone, Copy, Default)]
pub struct Others {
    pub told: u64,
    /// To the site itself.
    pub own: u64,
    /// Values that were looked through.
    pub values: u64,
}

impl Reader<'_> {
    /// The values of a request, each with its place.
    pub fn values(&mut self, sent: Sent<'_>) -> Vec<(String, Vec<u8>)> {
        self.here = Gathered {
            listed: Some(Vec::new()),
            ..Gathered::default()
        };
        self.take_apart(sent);
        self.here.listed.take().unwrap_or_default()
    }

    /// Looks through a request.
    pub fn read(&mut self, sent: Sent<'_>) -> Found {
        let exchange = sent.exchange;
        self.here = Gathered::default();
        self.take_apart(sent);
        self.across_parts();
        let Gathered {
            hits,
            keys,
            values,
            cut,
            ..
        } = std::mem::take(&mut self.here);
        let mut unsearched = Vec::new();
        if cut {
            unsearched.push("it decodes to more than is looked through".to_owned());
        }
        if hits.len() > MOST_HITS {
            unsearched.push(format!(
                "it holds {} that are not listed",
                count(hits.len() - MOST_HITS, "more leak")
            ));
        }
        let mut hits = hits;
        hits.truncate(MOST_HITS);
        let coding = exchange
            .request_header("content-encoding")
            .unwrap_or_default();
        if sent.body.is_some() && matches!(coding.trim(), "br" | "zstd") {
            unsearched.push(format!(
                "its body is compressed with {coding}, which is not undone"
            ));
        }
        Found {
            exchange: if unsearched.is_empty() {
                String::new()
            } else {
                exchange.id.clone()
            },
            hits,
            keys,
            values,
            unsearched,
        }
    }

    fn take_apart(&mut self, sent: Sent<'_>) {
        let Sent { exchange, body } = sent;
        let frames: usize = exchange
            .frames
            .iter()
            .map(|frame| frame.payload_base64.len())
            .sum();
        self.allow(exchange.url.len() + body.map_or(0, <[u8]>::len) + frames);
        self.url(&exchange.url);
        let mut content_type = "";
        for (name, value) in exchange.request_headers.iter() {
            // What the URL says already, or what is looked through as what it is.
            match () {
                () if name.starts_with(':') || name.eq_ignore_ascii_case("host") => {}
                () if name.eq_ignore_ascii_case("referer") => self.referrer(value),
                () if name.eq_ignore_ascii_case("cookie") => {
                    if exchange.cookies.is_empty() {
                        self.cookie_header(value);
                    }
                }
                () => {
                    if name.eq_ignore_ascii_case("content-type") {
                        content_type = value;
                    }
                    self.part(
                        "header",
                        name.as_bytes(),
                        value.as_bytes(),
                        At::from(0, value.len()),
                    );
                }
            }
        }
        for cookie in exchange.cookies.iter().filter(|cookie| cookie.sent) {
            let value = cookie.value.as_bytes();
            if cookie.name.len() >= SHORTEST {
                self.plain_part("cookie name", b"", cookie.name.as_bytes(), At::NOWHERE);
            }
            self.part(
                "cookie",
                cookie.name.as_bytes(),
                value,
                At::from(0, value.len()),
            );
        }
        if let Some(body) = body {
            self.body(body, content_type);
        }
        let sent = exchange
            .frames
            .iter()
            .filter(|frame| frame.direction == "sent");
        for (number, frame) in sent.enumerate() {
            if let Ok(payload) = BASE64.decode(frame.payload_base64.as_bytes()) {
                let name = format!("[{number}]");
                // A socket may stay open for hours.
                self.allow(payload.len());
                self.in_part("websocket", name.as_bytes(), |reader| {
                    reader.structured(&payload, 0, At::from(0, payload.len()));
                });
            }
        }
    }

    fn url(&mut self, url: &str) {
        let Some(parts) = UrlParts::of(url) else {
            return self.plain_part("url", b"", url.as_bytes(), At::from(0, url.len()));
        };
        let at = |part: &str| {
            let start = part.as_ptr() as usize - url.as_ptr() as usize;
            At::from(start, start + part.len())
        };
        for label in parts
            .host
            .split('.')
            .filter(|label| label.len() >= SHORTEST)
        {
            self.plain_part("host", b"", label.as_bytes(), at(label));
        }
        for (number, segment) in parts
            .path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .enumerate()
        {
            if segment.len() < 3 {
                continue;
            }
            let name = format!("[{number}]");
            match decoders::percent(segment.as_bytes()) {
                Some(text) => self.part("path", name.as_bytes(), &text, at(segment).decoded()),
                None => self.part("path", name.as_bytes(), segment.as_bytes(), at(segment)),
            }
        }
        self.whole_path(parts.path, at(parts.path));
        if let Some(query) = parts.query {
            self.pairs("query", query.as_bytes(), 0, at(query));
        }
    }

    /// Base64 may hold slashes: a path that looks like some is looked at whole, too.
    fn whole_path(&mut self, path: &str, at: At) {
        let has = |is: fn(&u8) -> bool| path.bytes().any(|byte| is(&byte));
        let like = path.len() >= 24
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_lowercase)
            && has(u8::is_ascii_digit);
        if !like || path.matches('/').count() < 2 {
            return;
        }
        let before = self.here.hits.len();
        self.plain_part(
            "path",
            b"",
            path.trim_start_matches('/').as_bytes(),
            at.decoded(),
        );
        self.only_new_since(before);
    }

    /// Leaves out, of what was found since, what had been found whole before.
    fn only_new_since(&mut self, before: usize) {
        let hits = &self.here.hits[..before];
        let whole = hits
            .iter()
            .filter(|hit| hit.extent == Extent::Whole && !hit.suspected);
        let known: Vec<usize> = whole.map(|hit| hit.canary).collect();
        let mut index = 0;
        self.here.hits.retain(|hit| {
            index += 1;
            index <= before || !known.contains(&hit.canary)
        });
    }

    /// As the address that it is; a browser never sends a fragment in it.
    fn referrer(&mut self, value: &str) {
        self.in_part("referer", b"", |reader| {
            let text = value.as_bytes();
            match memchr::memchr(b'?', text) {
                Some(_) => reader.structured(text, 0, At::from(0, text.len())),
                None => match decoders::percent(text) {
                    Some(text) => {
                        reader.plain_part("address", b"", &text, At::from(0, value.len()).decoded())
                    }
                    None => reader.plain_part("address", b"", text, At::from(0, text.len())),
                },
            }
        });
    }

    fn cookie_header(&mut self, header: &str) {
        let mut start = 0;
        for pair in header.split(';') {
            let (name, value) = pair.split_once('=').unwrap_or(("", pair));
            let from = start + pair.len() - value.len();
            let at = At::from(from, from + value.len());
            self.part("cookie", name.trim().as_bytes(), value.as_bytes(), at);
            start += pair.len() + 1;
        }
    }

    fn body(&mut self, body: &[u8], content_type: &str) {
        let is_multipart = content_type
            .trim_start()
            .to_ascii_lowercase()
            .starts_with("multipart/");
        if is_multipart && let Some(parts) = multipart_parts(body, content_type) {
            for part in parts.parts {
                let start = part.value.as_ptr() as usize - body.as_ptr() as usize;
                let at = At::from(start, start + part.value.len());
                self.part("multipart", part.name.as_bytes(), part.value, at);
                self.plain_part(
                    "multipart head",
                    part.name.as_bytes(),
                    part.head,
                    At::NOWHERE,
                );
            }
            for outside in parts.outside {
                self.plain_part("multipart outside parts", b"", outside, At::NOWHERE);
            }
            return;
        }
        let at = At::from(0, body.len());
        match shape(body) {
            // Batches have a form in each line.
            Shape::Form if memchr::memchr(b'\n', body).is_some() => {
                let mut start = 0;
                for line in body.split(|byte| *byte == b'\n') {
                    let text = line.trim_ascii_end();
                    let at = At::from(start, start + text.len());
                    self.pairs("form", text, 0, at);
                    start += line.len() + 1;
                }
            }
            Shape::Form => self.pairs("form", body, 0, at),
            Shape::Json => self.structured(body, 0, at),
            Shape::Address | Shape::Plain => self.part("body", b"", body, at),
        }
    }

    /// What stands in several values of one request.
    fn across_parts(&mut self) {
        let mut pieces = std::mem::take(&mut self.here.pieces);
        pieces.truncate(MOST_PIECES);
        let hits = split(self.search, &pieces, &self.here.hits);
        self.here.hits.extend(hits);
        let numbered = std::mem::take(&mut self.here.numbered);
        for (place, bytes, count) in together(&numbered) {
            let before = self.here.hits.len();
            self.joined(&place, &bytes, count);
            self.only_new_since(before);
        }
    }
}
