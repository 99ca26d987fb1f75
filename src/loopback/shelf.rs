//! A page and the files that it links to, for one person on this machine.
//!
//! Other users of the machine can connect to a port on loopback, and pages in the browser can make it do so: the address holds
//! a secret, only requests that name this very host are answered (against DNS rebinding), and what a file holds is never run.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use data_encoding::BASE64URL_NOPAD;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::LoopbackError;

/// Serves until it is stopped.
#[derive(Debug)]
pub struct Shelf {
    address: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Where a file lies that a link leads to; nothing where it leads to none that may be shown.
pub type Find = Box<dyn Fn(&str) -> Option<PathBuf> + Send + Sync>;

struct Shown {
    page: Vec<u8>,
    find: Find,
    /// Before every path.
    secret: String,
    /// What a request has to name as its host.
    host: String,
}

impl Shelf {
    /// Serves a page (HTML), and files by the paths in its links.
    ///
    /// # Errors
    /// If there is no port, or there are no random numbers.
    pub async fn start(page: Vec<u8>, find: Find) -> Result<Shelf, LoopbackError> {
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let failed = |source| LoopbackError::Listen { addr, source };
        let listener = TcpListener::bind(addr).await.map_err(failed)?;
        let host = listener.local_addr().map_err(failed)?.to_string();
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| failed(error.into()))?;
        let secret = format!("/{}/", BASE64URL_NOPAD.encode(&random));
        let address = format!("http://{host}{secret}");
        let shown = Arc::new(Shown {
            page,
            find,
            secret,
            host,
        });
        let router = Router::new().fallback(answer).with_state(shown);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let serve = axum::serve(listener, router).with_graceful_shutdown(async {
                let _ = stopped.await;
            });
            if let Err(error) = serve.await {
                tracing::debug!(%error, "serving a bundle ended");
            }
        });
        Ok(Shelf {
            address,
            stop,
            task,
        })
    }

    /// Where the page is.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Answers nothing any more.
    pub fn stop(self) {
        let _ = self.stop.send(());
        self.task.abort();
    }
}

async fn answer(State(shown): State<Arc<Shown>>, request: Request) -> Response {
    let named = request.headers().get(header::HOST);
    let asked = request.uri().path().strip_prefix(&shown.secret);
    let is_ours = named.is_some_and(|host| host.as_bytes() == shown.host.as_bytes());
    let (Some(path), true) = (asked, is_ours) else {
        return refused(StatusCode::NOT_FOUND);
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return refused(StatusCode::METHOD_NOT_ALLOWED);
    }
    if path.is_empty() {
        return with(shown.page.clone(), "text/html; charset=utf-8", None);
    }
    let file = (shown.find)(path);
    let read = match file {
        Some(file) => tokio::fs::read(file).await.ok(),
        None => None,
    };
    match read {
        None => refused(StatusCode::NOT_FOUND),
        Some(bytes) if path.ends_with(".png") => with(bytes, "image/png", Some("sandbox")),
        // Whatever it holds is shown as text, and nothing in it is done.
        Some(bytes) if std::str::from_utf8(&bytes).is_ok() => {
            with(bytes, "text/plain; charset=utf-8", Some("sandbox"))
        }
        Some(bytes) => with(bytes, "application/octet-stream", Some("sandbox")),
    }
}

fn refused(status: StatusCode) -> Response {
    let mut response = with(Vec::new(), "text/plain", None);
    *response.status_mut() = status;
    response
}

fn with(bytes: Vec<u8>, kind: &'static str, policy: Option<&'static str>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(policy) = policy {
        let value = HeaderValue::from_static(policy);
        headers.insert(header::CONTENT_SECURITY_POLICY, value);
    }
    if kind == "application/octet-stream" {
        let value = HeaderValue::from_static("attachment");
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}
