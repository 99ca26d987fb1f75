//! The HTTPS server: accepts connections, logs every request, and answers by host.

use std::collections::HashMap;
use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use hyper::Request;
use hyper::body::{Body as _, Incoming};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::LazyConfigAcceptor;

use super::access_log::{AccessLog, LogEntry, SocketMessage};
use super::gallery::{self, Answer, Gallery};
use super::reports::{FiledReport, ReportBook};
use crate::loopback::{Identity, LoopbackError};

use super::{
    Build, PIXEL_EVENT_HOST, PIXEL_LIBRARY_HOST, SAFE_HOST, SITE_HOST, meta, replica, site, trials,
};

const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
const STOP_LIMIT: Duration = Duration::from_secs(1);
const HEAD_LIMIT: usize = 1024 * 1024;
/// Far above any pixel event or report form.
const BODY_LIMIT: usize = 8 * 1024 * 1024;

/// A running demo site on loopback. Dropping it stops it without waiting; [`DemoServer::stop`] waits.
#[expect(
    missing_debug_implementations,
    reason = "a running server has nothing to print"
)]
pub struct DemoServer {
    addr: SocketAddr,
    spki_sha256_base64: String,
    hosts: Arc<Hosts>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl DemoServer {
    /// Serves `build` on a free port of 127.0.0.1. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`LoopbackError`] if no socket can be opened or the certificates can't be made.
    pub async fn start(build: Build) -> Result<DemoServer, LoopbackError> {
        DemoServer::start_on(build, 0).await
    }

    /// As [`DemoServer::start`], on a given port; 0 means any free one.
    ///
    /// # Errors
    /// [`LoopbackError::Listen`] if the port is taken, else as for [`DemoServer::start`].
    pub async fn start_on(build: Build, port: u16) -> Result<DemoServer, LoopbackError> {
        DemoServer::start_at(build, SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
    }

    /// As [`DemoServer::start`], on an address of this machine: who reaches that reaches the site.
    ///
    /// # Errors
    /// [`LoopbackError::Listen`] if it cannot be listened on, else as for [`DemoServer::start`].
    pub async fn start_at(build: Build, wanted: SocketAddr) -> Result<DemoServer, LoopbackError> {
        let identity = Identity::new(SITE_HOST)?;
        let listen_error = |source| LoopbackError::Listen {
            addr: wanted,
            source,
        };
        let listener = TcpListener::bind(wanted).await.map_err(listen_error)?;
        let addr = listener.local_addr().map_err(listen_error)?;

        let hosts = Arc::new(Hosts::new(build));
        let (stop, stopping) = watch::channel(false);
        let spki_sha256_base64 = identity.spki_sha256_base64.clone();
        let accepting = tokio::spawn(accept(
            listener,
            Arc::new(identity),
            Arc::clone(&hosts),
            stopping,
        ));
        tracing::debug!(%addr, ?build, "demo site is up");
        Ok(DemoServer {
            addr,
            spki_sha256_base64,
            hosts,
            stop,
            accepting,
        })
    }

    /// Where all hosts are served: 127.0.0.1 and the port.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The pin of the server's key for Chromium's `--ignore-certificate-errors-spki-list`: standard base64 of the
    /// SHA-256 of the SubjectPublicKeyInfo. The same for every host, and new at each start.
    pub fn spki_sha256_base64(&self) -> &str {
        &self.spki_sha256_base64
    }

    /// Every request received so far, in order of arrival.
    pub fn access_log(&self) -> Vec<LogEntry> {
        self.hosts.log.snapshot()
    }

    /// Every WebSocket message received so far, in order of arrival.
    pub fn socket_messages(&self) -> Vec<SocketMessage> {
        self.hosts.log.messages()
    }

    /// Every report form that was really delivered so far, in order of arrival.
    pub fn filed_reports(&self) -> Vec<FiledReport> {
        self.hosts.reports.snapshot()
    }

    /// Stops accepting, lets open requests finish, and closes all connections within about a second.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.accepting.await {
            tracing::debug!(%error, "the demo site's accept loop ended badly");
        }
    }
}

async fn accept(
    listener: TcpListener,
    identity: Arc<Identity>,
    hosts: Arc<Hosts>,
    mut stopping: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // An error means that the DemoServer was dropped: stop as well.
            _ = stopping.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&identity), Arc::clone(&hosts), stopping.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection to the demo site");
                    sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    drop(listener);
    let finished = async { while connections.join_next().await.is_some() {} };
    if timeout(STOP_LIMIT, finished).await.is_err() {
        connections.shutdown().await;
    }
}

async fn serve(
    stream: TcpStream,
    identity: Arc<Identity>,
    hosts: Arc<Hosts>,
    mut stopping: watch::Receiver<bool>,
) {
    // Small answers on loopback: waiting to fill a packet only slows a journey.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "could not set TCP_NODELAY");
    }
    let handshake = tokio::select! {
        handshake = timeout(HANDSHAKE_LIMIT, shake_hands(stream, &identity)) => handshake,
        _ = stopping.changed() => return,
    };
    let stream = match handshake {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => return tracing::debug!("TLS handshake took too long"),
    };

    // Pixels are known to put all they have into the query.
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().max_buf_size(HEAD_LIMIT);
    builder.http2().max_header_list_size(HEAD_LIMIT as u32);
    let service = service_fn(|request| {
        let hosts = Arc::clone(&hosts);
        async move { hosts.answer_and_log(request).await }
    });
    let mut connection =
        pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection to the demo site broke off");
    }
}

/// Which protocols a connection offers depends on the host that it is for.
async fn shake_hands(
    stream: TcpStream,
    identity: &Identity,
) -> std::io::Result<tokio_rustls::server::TlsStream<TcpStream>> {
    let hello = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
    let http1_only = hello
        .client_hello()
        .server_name()
        .is_some_and(gallery::speaks_http1_only);
    let config = if http1_only {
        &identity.http1_config
    } else {
        &identity.config
    };
    hello.into_stream(Arc::clone(config)).await
}

/// A request that is to get no answer at all: its connection is closed.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer")]
struct NoAnswer;

/// What is served, by host, and what has arrived.
struct Hosts {
    log: Arc<AccessLog>,
    gallery: Gallery,
    reports: Arc<ReportBook>,
    site: Router,
    pixel_library: Router,
    pixel_events: Router,
    safe: Router,
    replicas: HashMap<&'static str, Router>,
}

impl Hosts {
    fn new(build: Build) -> Hosts {
        let reports = Arc::new(ReportBook::default());
        Hosts {
            log: Arc::default(),
            gallery: Gallery::default(),
            site: site::router(build, Arc::clone(&reports)),
            replicas: replica::routers(build, &reports).into_iter().collect(),
            reports,
            pixel_library: meta::library_router(),
            pixel_events: meta::event_router(),
            safe: site::safe_router(),
        }
    }

    /// Reads the whole request, answers it, and logs both before the answer goes out: a client that has seen an
    /// answer finds its request in the log.
    async fn answer_and_log(&self, request: Request<Incoming>) -> Result<Response, NoAnswer> {
        let (mut parts, incoming) = request.into_parts();
        let (body, read) = read_body(incoming).await;
        let host = requested_host(&parts.uri, &parts.headers);
        let mut entry = log_entry(&parts, host.clone(), body.clone());

        let trial = match read {
            Ok(()) => trials::answer(&parts, &body, &self.reports),
            Err(_) => None,
        };
        let response = match read {
            Ok(()) if trial.is_some() => trial.unwrap_or_default(),
            Ok(()) if Gallery::plays(&host_name(&host)) => {
                let log_with = |mut entry: LogEntry, status: u16| {
                    entry.status = status;
                    self.log.push(entry);
                };
                match self.gallery.answer(&host_name(&host), &mut parts) {
                    Answer::Respond(response) => response,
                    Answer::Pixels(asked) => asked.answer(&self.gallery.tallies),
                    Answer::Wait(awaited) => awaited.wait(&self.log).await,
                    Answer::Hang => {
                        log_with(entry, 0);
                        return std::future::pending().await;
                    }
                    Answer::Reset => {
                        log_with(entry, 0);
                        return Err(NoAnswer);
                    }
                    Answer::Upgrade(response, upgrade) => {
                        let (url, log) = (entry.url(), Arc::clone(&self.log));
                        log_with(entry, response.status().as_u16());
                        tokio::spawn(async move { gallery::speak(upgrade, url, &log).await });
                        return Ok(response);
                    }
                }
            }
            Ok(()) => {
                self.answer(&host, Request::from_parts(parts, Body::from(body)))
                    .await
            }
            Err(status) => status.into_response(),
        };
        entry.status = response.status().as_u16();
        self.log.push(entry);
        Ok(response)
    }

    async fn answer(&self, host: &str, request: Request<Body>) -> Response {
        let name = host_name(host);
        let router = match name.as_str() {
            SITE_HOST => &self.site,
            PIXEL_LIBRARY_HOST => &self.pixel_library,
            PIXEL_EVENT_HOST => &self.pixel_events,
            SAFE_HOST => &self.safe,
            other => match self.replicas.get(other) {
                Some(replica) => replica,
                None => return (StatusCode::NOT_FOUND, "no such host here\n").into_response(),
            },
        };
        match TowerToHyperService::new(router.clone()).call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// Reads a request body to its end. What came is returned in any case, with the status to answer if it is not whole.
async fn read_body(mut incoming: Incoming) -> (Vec<u8>, Result<(), StatusCode>) {
    let mut body = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut incoming).poll_frame(cx)).await {
        match frame.map(|frame| frame.into_data()) {
            Ok(Ok(data)) => body.extend_from_slice(&data),
            Ok(Err(_trailers)) => {}
            Err(error) => {
                tracing::debug!(%error, "a request body broke off");
                return (body, Err(StatusCode::BAD_REQUEST));
            }
        }
        if body.len() > BODY_LIMIT {
            return (body, Err(StatusCode::PAYLOAD_TOO_LARGE));
        }
    }
    (body, Ok(()))
}

/// `:authority` (or an absolute request target), else the `Host` header, as received.
fn requested_host(uri: &Uri, headers: &HeaderMap) -> String {
    match uri.authority() {
        Some(authority) => authority.to_string(),
        None => headers
            .get(header::HOST)
            .map(|value| lossy(value.as_bytes()))
            .unwrap_or_default(),
    }
}

/// The name in a `Host` value: no port, no final dot, lower case.
fn host_name(host: &str) -> String {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn log_entry(parts: &Parts, host: String, body: Vec<u8>) -> LogEntry {
    LogEntry {
        // The log gives the number and the time.
        seq: 0,
        time: String::new(),
        host,
        method: parts.method.to_string(),
        target: parts
            .uri
            .path_and_query()
            .map_or_else(|| "/".to_owned(), ToString::to_string),
        http_version: format!("{:?}", parts.version),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), lossy(value.as_bytes())))
            .collect(),
        body,
        status: 0,
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn status(
        hosts: &Hosts,
        host: &str,
        method: &str,
        target: &str,
    ) -> Result<StatusCode, axum::http::Error> {
        let request = Request::builder()
            .method(method)
            .uri(target)
            .body(Body::empty())?;
        Ok(hosts.answer(host, request).await.status())
    }

    #[tokio::test]
    async fn each_host_answers_for_itself() -> Result<(), Box<dyn std::error::Error>> {
        let hosts = Hosts::new(Build::Leaky);
        for (host, method, target, expected) in [
            (SITE_HOST, "GET", "/", 200),
            (SITE_HOST, "GET", "/tr/", 404),
            (PIXEL_EVENT_HOST, "GET", "/tr/?id=1&ev=PageView", 200),
            (PIXEL_EVENT_HOST, "POST", "/tr/", 200),
            ("WWW.Facebook.com:443", "GET", "/tr?id=1&noscript=1", 200),
            (PIXEL_EVENT_HOST, "GET", "/report/", 404),
            (PIXEL_LIBRARY_HOST, "GET", "/en_US/fbevents.js", 200),
            (
                PIXEL_LIBRARY_HOST,
                "GET",
                "/signals/config/123456789012345?v=2.9.324",
                200,
            ),
            (PIXEL_LIBRARY_HOST, "GET", "/signals/config/nonsense", 404),
            (SAFE_HOST, "GET", "/", 200),
            ("unknown.example", "GET", "/", 404),
            ("", "GET", "/", 404),
        ] {
            assert_eq!(
                status(&hosts, host, method, target).await?,
                expected,
                "{method} {host}{target}"
            );
        }
        Ok(())
    }

    #[test]
    fn host_names_are_compared_without_port_dot_and_case() {
        assert_eq!(
            host_name("WWW.Weather.example.:8443"),
            "www.weather.example"
        );
        assert_eq!(host_name("[::1]:443"), "[::1]");
        assert_eq!(host_name("[::1]"), "[::1]");
    }

    #[tokio::test]
    async fn stops_at_once_when_idle_connections_are_open() -> Result<(), Box<dyn std::error::Error>>
    {
        let server = DemoServer::start(Build::Fixed).await?;
        let _idle = TcpStream::connect(server.addr()).await?;
        timeout(STOP_LIMIT * 2, server.stop()).await?;
        Ok(())
    }
}
