//! Requests and answers as HTTP/1.1 has them on the wire, whatever version carried them: WARC knows no other.

use hyper::StatusCode;
use url::Url;

use crate::model::{Exchange, UrlParts};

/// Request line and headers. `length` is that of the body that follows, if there is one.
pub(super) fn request_head(exchange: &Exchange, length: Option<usize>) -> String {
    let parts = UrlParts::of(&exchange.url);
    let path = parts.map_or("", |parts| parts.path);
    let mut head = format!("{} ", printable(&exchange.method));
    if !path.starts_with('/') {
        head.push('/');
    }
    head.push_str(&printable(path));
    if let Some(query) = parts.and_then(|parts| parts.query) {
        head.push('?');
        head.push_str(&printable(query));
    }
    head.push_str(" HTTP/1.1\r\n");
    if exchange.request_header("host").is_none() {
        let named = exchange.request_header(":authority").map(str::to_owned);
        if let Some(host) = named.or_else(|| host(&exchange.url)) {
            field(&mut head, "host", &host);
        }
    }
    fields(
        &mut head,
        &exchange.request_headers,
        &["transfer-encoding"],
        length,
    );
    head
}

/// Status line and headers. The content codings are undone in the body: what said so is kept under another name, as
/// crawlers do it.
pub(super) fn response_head(exchange: &Exchange, status: u16, length: Option<usize>) -> String {
    let reason = StatusCode::from_u16(status).ok();
    let reason = reason.and_then(|status| status.canonical_reason());
    let mut head = format!("HTTP/1.1 {status} {}\r\n", reason.unwrap_or_default());
    let undone = ["content-encoding", "transfer-encoding"];
    fields(&mut head, &exchange.response_headers, &undone, length);
    head
}

/// Whether an answer has a body: RFC 9112, section 6.3.
pub(super) fn has_body(method: &str, status: u16) -> bool {
    method != "HEAD" && !matches!(status, 100..=199 | 204 | 304)
}

/// An address (or a method) as it may stand in a line: what would end it is escaped.
pub(super) fn printable(url: &str) -> String {
    let mut text = String::with_capacity(url.len());
    for byte in url.bytes() {
        match byte {
            b'!'..=b'~' => text.push(char::from(byte)),
            byte => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// The headers and the empty line. `undone` are names of headers that are no longer true.
fn fields(head: &mut String, headers: &[(String, String)], undone: &[&str], length: Option<usize>) {
    let mut told = false;
    for (name, value) in headers {
        let lower = name.to_ascii_lowercase();
        let right = length.is_none_or(|length| value.trim().parse() == Ok(length));
        if lower == "content-length" && right && !told {
            told = true;
            field(head, name, value);
        } else if lower == "content-length" || undone.contains(&lower.as_str()) {
            field(head, &format!("x-archive-orig-{name}"), value);
        } else if !name.starts_with(':') {
            field(head, name, value);
        }
    }
    if let Some(length) = length.filter(|_| !told) {
        field(head, "content-length", &length.to_string());
    }
    head.push_str("\r\n");
}

/// A line for each value: CDP puts those of one name into one, with line feeds between them.
fn field(head: &mut String, name: &str, value: &str) {
    let name: String = name.chars().filter(char::is_ascii_graphic).collect();
    for value in value.split('\n') {
        let value: String = value
            .chars()
            .filter(|c| *c == '\t' || !c.is_control())
            .collect();
        head.push_str(&format!("{name}: {}\r\n", value.trim()));
    }
}

fn host(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(url: &str, headers: &[(&str, &str)]) -> Exchange {
        let mut exchange = Exchange::begun("x0001".to_owned(), url, "GET", "a.example");
        let headers: Vec<_> = headers
            .iter()
            .map(|(n, v)| (n.to_string(), v.to_string()))
            .collect();
        exchange.request_headers = headers.clone().into();
        exchange.response_headers = headers.into();
        exchange
    }

    #[test]
    fn a_request_says_where_it_goes_and_no_more_than_was_sent() {
        let sent = exchange(
            "https://a.example:8443?b=/ c",
            &[(":path", "/"), ("accept", "*/*")],
        );
        assert_eq!(
            request_head(&sent, None),
            "GET /?b=/%20c HTTP/1.1\r\nhost: a.example:8443\r\naccept: */*\r\n\r\n"
        );
        let sent = exchange(
            "https://a.example/x",
            &[("Host", "b.example"), ("Content-Length", "9")],
        );
        assert_eq!(
            request_head(&sent, Some(3)),
            "GET /x HTTP/1.1\r\nHost: b.example\r\nx-archive-orig-Content-Length: 9\r\ncontent-length: 3\r\n\r\n"
        );
    }

    #[test]
    fn an_answer_tells_of_its_body_as_it_stands() {
        let got = exchange(
            "https://a.example/",
            &[
                ("content-encoding", "br"),
                ("content-length", "5"),
                ("set-cookie", "a=1\nb=2\r"),
            ],
        );
        assert_eq!(
            response_head(&got, 404, Some(7)),
            "HTTP/1.1 404 Not Found\r\nx-archive-orig-content-encoding: br\r\nx-archive-orig-content-length: 5\r\n\
             set-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 7\r\n\r\n"
        );
        let got = exchange("https://a.example/", &[("content-length", "5")]);
        assert_eq!(
            response_head(&got, 304, None),
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n"
        );
    }
}
