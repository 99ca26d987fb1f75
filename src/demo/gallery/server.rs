//! Answers the gallery's requests: by channel, then by what the path asks for.

use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures::{SinkExt, StreamExt};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};
use url::form_urlencoded;

use super::super::access_log::{AccessLog, SocketMessage};
use super::pixels::{Asked, Tallies};
use super::{BASES, Channel, channels, hostile};

/// Between two looks at the log for what a page waits for.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Plays the gallery's hosts.
#[derive(Debug, Default)]
pub(in crate::demo) struct Gallery {
    pub tallies: Tallies,
}

/// What a request comes to.
pub(in crate::demo) enum Answer {
    Respond(Response),
    /// The connection is held and nothing is said.
    Hang,
    /// The connection is closed without a word.
    Reset,
    /// A WebSocket: this response, then messages on what becomes of the connection.
    Upgrade(Response, OnUpgrade),
    /// For benches.
    Pixels(Asked),
    /// After a request has come, or its time is over.
    Wait(Awaited),
}

/// `/arrived`: what a page waits for.
pub(in crate::demo) struct Awaited {
    method: String,
    url: String,
    count: usize,
    limit: Duration,
}

/// Whether a host's connections offer HTTP/1.1 alone.
pub(in crate::demo) fn speaks_http1_only(host: &str) -> bool {
    host == "legacy.stats.example"
}

impl Gallery {
    pub fn plays(host: &str) -> bool {
        BASES
            .iter()
            .any(|(_, base)| base.split_once("://").is_some_and(|(_, own)| own == host))
    }

    /// `host` is in lower case and without its port.
    pub fn answer(&self, host: &str, parts: &mut Parts) -> Answer {
        let path = parts.uri.path().to_owned();
        if let Some(asked) = Asked::of(&parts.uri) {
            return Answer::Pixels(asked);
        }
        if let Some(response) = hostile::answer(&parts.uri) {
            return Answer::Respond(response);
        }
        if path == "/arrived" {
            return Awaited::parse(&parts.uri).map_or_else(
                || Answer::Respond(StatusCode::BAD_REQUEST.into_response()),
                Answer::Wait,
            );
        }
        let found = path.strip_prefix("/g/").and_then(|rest| {
            let (name, path) = rest.split_once('/')?;
            let channel = channels().find(|channel| channel.name == name)?;
            Some((channel, path))
        });
        let Some((channel, path)) = found else {
            return Answer::Respond((StatusCode::NOT_FOUND, "no such channel\n").into_response());
        };
        let mut response = match path.split('/').next().unwrap_or_default() {
            "hang" => return Answer::Hang,
            "reset" => return Answer::Reset,
            "socket" => match upgrade(parts) {
                Some((response, upgrade)) => return Answer::Upgrade(response, upgrade),
                None => StatusCode::UPGRADE_REQUIRED.into_response(),
            },
            "redirect" => redirect(path, &parts.uri),
            "status" => status(path),
            _ if parts.method == Method::OPTIONS => StatusCode::NO_CONTENT.into_response(),
            "etag.js" if parts.headers.contains_key(header::IF_NONE_MATCH) => {
                StatusCode::NOT_MODIFIED.into_response()
            }
            _ => content(channel, path),
        };
        self.dress(channel, host, path, parts, &mut response);
        Answer::Respond(response)
    }

    /// Adds what every answer of the gallery carries: leave to be read, cookies, how long it may be kept.
    fn dress(
        &self,
        channel: &Channel,
        host: &str,
        path: &str,
        parts: &Parts,
        response: &mut Response,
    ) {
        let mut add = |name: &str, value: &str| {
            if let (Ok(name), Ok(value)) = (
                name.parse::<header::HeaderName>(),
                value.parse::<HeaderValue>(),
            ) {
                response.headers_mut().append(name, value);
            }
        };
        if let Some(origin) = parts
            .headers
            .get(header::ORIGIN)
            .and_then(|origin| origin.to_str().ok())
            && path != "refuse"
        {
            add("access-control-allow-origin", origin);
            add("access-control-allow-credentials", "true");
            add(
                "access-control-allow-methods",
                "GET, POST, PUT, PATCH, DELETE",
            );
            add("access-control-allow-headers", "content-type, x-own");
        }
        let keep = match path {
            "etag.js" => "no-cache",
            "kept.js" | "redirect/308" => "max-age=600",
            _ => "no-store",
        };
        add("cache-control", keep);
        if path == "etag.js" {
            add("etag", "\"1\"");
        }
        add("cross-origin-resource-policy", "cross-origin");
        add("vary", "origin");
        if path.is_empty() {
            for (name, value) in channel.headers {
                add(name, &channel.fill(value));
            }
        }
        let same_site = if host == super::GALLERY_HOST {
            "Lax"
        } else {
            "None"
        };
        add(
            "set-cookie",
            &format!("visitor=of-{host}; Path=/; Secure; SameSite={same_site}"),
        );
        // Differs from one channel to the next, so that cookies taken from the wrong request are noticed.
        add(
            "set-cookie",
            &format!(
                "last={}; Path=/; Secure; SameSite={same_site}",
                channel.name
            ),
        );
        if host.starts_with("measured.") {
            let endpoint = channel.fill("{L}/nel");
            add(
                "report-to",
                &format!(r#"{{"group":"nel","max_age":600,"endpoints":[{{"url":"{endpoint}"}}]}}"#),
            );
            add(
                "nel",
                r#"{"report_to":"nel","max_age":600,"success_fraction":1.0}"#,
            );
        }
    }
}

impl Awaited {
    /// `?channel=img&what=GET T/a.gif&limit=3000&count=1`
    fn parse(uri: &Uri) -> Option<Awaited> {
        let query: Vec<(String, String)> = form_urlencoded::parse(uri.query()?.as_bytes())
            .into_owned()
            .collect();
        let value = |key: &str| {
            query
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value.as_str())
        };
        let channel = value("channel")?;
        let channel = channels().find(|known| known.name == channel)?;
        let (method, place) = value("what")?.split_once(' ')?;
        Some(Awaited {
            method: method.to_owned(),
            url: channel.address(place)?,
            count: value("count")?.parse().ok()?,
            limit: Duration::from_millis(value("limit")?.parse().ok()?),
        })
    }

    pub async fn wait(&self, log: &AccessLog) -> Response {
        let came = async {
            while log.count(|entry| entry.method == self.method && is_at(&entry.url(), &self.url))
                < self.count
            {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        match tokio::time::timeout(self.limit, came).await {
            Ok(()) => "it came\n".into_response(),
            Err(_) => (StatusCode::GATEWAY_TIMEOUT, "it did not come\n").into_response(),
        }
    }
}

impl Channel {
    /// The address that `T/a.gif` stands for.
    pub(super) fn address(&self, place: &str) -> Option<String> {
        let (key, path) = place.split_once('/')?;
        Some(format!("{}/{path}", self.base(key)?))
    }
}

/// Whether a request went to an address; one that names no query stands for any.
pub(super) fn is_at(url: &str, address: &str) -> bool {
    url == address
        || !address.contains('?') && url.split_once('?').is_some_and(|(path, _)| path == address)
}

/// Speaks on a connection that has become a WebSocket: keeps each message, and says that it came.
pub(in crate::demo) async fn speak(upgrade: OnUpgrade, url: String, log: &AccessLog) {
    let Ok(connection) = upgrade.await else {
        return;
    };
    let config = Some(WebSocketConfig::default());
    let mut socket =
        WebSocketStream::from_raw_socket(TokioIo::new(connection), Role::Server, config).await;
    while let Some(Ok(message)) = socket.next().await {
        let (opcode, payload) = match message {
            Message::Text(text) => (1, text.as_bytes().to_vec()),
            Message::Binary(bytes) => (2, bytes.to_vec()),
            _ => continue,
        };
        log.message(SocketMessage {
            url: url.clone(),
            opcode,
            payload,
        });
        if socket.send(Message::text("it came")).await.is_err() {
            return;
        }
    }
}

fn upgrade(parts: &mut Parts) -> Option<(Response, OnUpgrade)> {
    let key = parts.headers.get(header::SEC_WEBSOCKET_KEY)?;
    let accept = derive_accept_key(key.as_bytes());
    let upgrade = parts.extensions.remove::<OnUpgrade>()?;
    let headers = [
        (header::CONNECTION, "upgrade".to_owned()),
        (header::UPGRADE, "websocket".to_owned()),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    Some((
        (StatusCode::SWITCHING_PROTOCOLS, headers).into_response(),
        upgrade,
    ))
}

fn code_at_the_end(path: &str) -> Option<StatusCode> {
    let code = path.rsplit('/').next()?.parse().ok()?;
    StatusCode::from_u16(code).ok()
}

/// `redirect/<status>?to=<address>`
fn redirect(path: &str, uri: &Uri) -> Response {
    let code = code_at_the_end(path);
    let to = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .find(|(key, _)| key == "to")
        .map(|(_, value)| value.into_owned());
    match (code, to) {
        (Some(code), Some(to)) => (code, [(header::LOCATION, to)]).into_response(),
        _ => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// `status/<status>`
fn status(path: &str) -> Response {
    let code = code_at_the_end(path).unwrap_or(StatusCode::BAD_REQUEST);
    if code == StatusCode::UNAUTHORIZED {
        return (
            code,
            [(header::WWW_AUTHENTICATE, "Basic realm=\"gallery\"")],
        )
            .into_response();
    }
    code.into_response()
}

fn content(channel: &Channel, path: &str) -> Response {
    let own = channel
        .files
        .iter()
        .find(|(name, _)| *name == path)
        .map(|(_, text)| channel.fill(text));
    let (kind, plain): (&str, &[u8]) = match path.rsplit('.').next().unwrap_or_default() {
        "" => {
            return (
                [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
                channel.page(),
            )
                .into_response();
        }
        "gif" => ("image/gif", super::super::meta::GIF),
        "svg" => (
            "image/svg+xml",
            b"<svg xmlns='http://www.w3.org/2000/svg'><g id='x'/></svg>",
        ),
        "js" => ("text/javascript; charset=utf-8", b"// nothing\n"),
        "css" => ("text/css; charset=utf-8", b""),
        "json" => ("application/json", b"{}"),
        "html" => (
            "text/html; charset=utf-8",
            b"<html class='done gone' lang='en'><title>Next</title><h1>Next</h1>",
        ),
        "vtt" => ("text/vtt", b"WEBVTT\n"),
        "webmanifest" => ("application/manifest+json", b"{\"name\":\"Gallery\"}"),
        "bin" => ("application/octet-stream", b"\x00\x01\x02"),
        "events" => ("text/event-stream", b"data: hello\n\n"),
        _ => ("text/plain; charset=utf-8", b"ok\n"),
    };
    let body = match own {
        Some(text) if kind.starts_with("text/html") => Body::from(format!(
            "<!doctype html><html class='done gone' lang='en'><title>Part</title>{text}"
        )),
        Some(text) => Body::from(text),
        None if kind.starts_with("text/html") => Body::from([b"<!doctype html>", plain].concat()),
        None => Body::from(plain),
    };
    ([(header::CONTENT_TYPE, kind)], body).into_response()
}
