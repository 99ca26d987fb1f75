//! A place for what must not leave and cannot be stopped in the browser: WebSockets, prefetches, network error
//! reports. It takes every connection, answers everything with nothing, and keeps nothing.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures::{SinkExt, StreamExt};
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::{Identity, LoopbackError};

const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// The first byte of a TLS handshake record (RFC 8446, 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// A running sink on loopback; dropped, it is gone.
#[derive(Debug)]
pub struct Sink {
    addr: SocketAddr,
    spki_sha256_base64: String,
    accepting: JoinHandle<()>,
}

impl Sink {
    /// Listens on a free port of 127.0.0.1. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`LoopbackError`] if no socket can be opened or the certificates can't be made.
    pub async fn start() -> Result<Sink, LoopbackError> {
        let identity = Identity::new("sink.example")?;
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let failed = |source| LoopbackError::Listen {
            addr: wanted,
            source,
        };
        let listener = TcpListener::bind(wanted).await.map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let acceptor = TlsAcceptor::from(Arc::clone(&identity.config));
        let accepting = tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        tokio::spawn(take(stream, acceptor.clone()));
                    }
                    Err(error) => {
                        tracing::debug!(%error, "the sink could not accept a connection");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            }
        });
        Ok(Sink {
            addr,
            spki_sha256_base64: identity.spki_sha256_base64.clone(),
            accepting,
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The pin of its key, for Chromium's `--ignore-certificate-errors-spki-list`.
    pub fn spki_sha256_base64(&self) -> &str {
        &self.spki_sha256_base64
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn take(stream: TcpStream, acceptor: TlsAcceptor) {
    let mut first = [0];
    let is_tls = match timeout(HANDSHAKE_LIMIT, stream.peek(&mut first)).await {
        Ok(Ok(1)) => first[0] == TLS_HANDSHAKE,
        // A connection that nobody speaks on, as preconnect makes them.
        _ => return,
    };
    if is_tls {
        match timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => serve(stream).await,
            _ => tracing::debug!("a TLS handshake with the sink failed"),
        }
    } else {
        serve(stream).await;
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let builder = auto::Builder::new(TokioExecutor::new());
    let service = service_fn(|request| async { Ok::<_, Infallible>(answer(request)) });
    let served = builder
        .serve_connection_with_upgrades(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the sink broke off");
    }
}

/// Nothing, in a form that any page can read.
fn answer(mut request: Request<Incoming>) -> Response {
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY).cloned();
    if let (Some(key), Some(upgrade)) = (key, request.extensions_mut().remove::<OnUpgrade>()) {
        tokio::spawn(swallow(upgrade));
        return respond(
            StatusCode::SWITCHING_PROTOCOLS,
            &[
                (header::CONNECTION, "upgrade"),
                (header::UPGRADE, "websocket"),
                (
                    header::SEC_WEBSOCKET_ACCEPT,
                    &derive_accept_key(key.as_bytes()),
                ),
            ],
        );
    }
    let sent = |name| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let origin = sent(header::ORIGIN).unwrap_or("*");
    let asked = sent(header::ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
    respond(
        StatusCode::NO_CONTENT,
        &[
            (header::CACHE_CONTROL, "no-store"),
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, origin),
            (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, asked),
            (
                header::ACCESS_CONTROL_ALLOW_METHODS,
                "GET, HEAD, POST, PUT, PATCH, DELETE",
            ),
        ],
    )
}

fn respond(status: StatusCode, headers: &[(header::HeaderName, &str)]) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Lets a page speak into a WebSocket until it has had enough. Each message is answered, as a page may wait for that.
async fn swallow(upgrade: OnUpgrade) {
    if let Ok(connection) = upgrade.await {
        let mut socket =
            WebSocketStream::from_raw_socket(TokioIo::new(connection), Role::Server, None).await;
        while let Some(Ok(message)) = socket.next().await {
            let spoken = message.is_text() || message.is_binary();
            if spoken && socket.send(Message::text("{}")).await.is_err() {
                return;
            }
        }
    }
}
