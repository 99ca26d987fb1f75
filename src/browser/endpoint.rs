//! Where a browser elsewhere is driven.

use std::fmt::{self, Display};
use std::str::FromStr;

use url::Url;

/// The WebSocket of a browser's DevTools: `ws://127.0.0.1:9222/devtools/browser/…`, or a grid's or a pool's, which may hold
/// what logs in to it. So it is shown without: with its host and port alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// All of it.
    pub fn url(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Endpoint, String> {
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        match url.scheme() {
            "ws" | "wss" if url.has_host() => Ok(Endpoint(url)),
            "http" | "https" => Err(
                "expected the WebSocket's address, `ws://…`; a browser tells its own under /json/version, as webSocketDebuggerUrl"
                    .to_owned(),
            ),
            _ => Err("expected `ws://HOST:PORT/…` or `wss://…`".to_owned()),
        }
    }
}

impl Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.host_str().unwrap_or_default();
        write!(f, "{}://{host}", self.0.scheme())?;
        match self.0.port() {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_logs_in_is_not_shown() {
        let pool: Endpoint = "wss://me:secret@pool.example/chromium?token=secret"
            .parse()
            .unwrap();
        assert_eq!(pool.to_string(), "wss://pool.example");
        assert_eq!(format!("{pool:?}"), "Endpoint(wss://pool.example)");
        assert!(pool.url().contains("secret"));
        let own: Endpoint = "ws://127.0.0.1:9222/devtools/browser/f00".parse().unwrap();
        assert_eq!(own.to_string(), "ws://127.0.0.1:9222");
        for text in ["http://127.0.0.1:9222", "127.0.0.1:9222", "ws://", "x"] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }
}
