//! What is served on this machine itself: certificates for any host, a sink for what must not leave, and bundles to whoever
//! looks at them.

mod shelf;
mod sink;
mod tls;

pub use shelf::{Find, Shelf};
pub use sink::Sink;
pub(crate) use tls::Identity;

/// Why nothing can be served here.
#[derive(Debug, thiserror::Error)]
pub enum LoopbackError {
    #[error("listen on {addr}")]
    Listen {
        /// The loopback address that was asked for; port 0 means "any free port".
        addr: std::net::SocketAddr,
        #[source]
        source: std::io::Error,
    },
    /// The key pair or a host's certificate could not be made.
    #[error("make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refused the key pair or the protocol versions.
    #[error("set up TLS")]
    Tls(#[from] rustls::Error),
}
