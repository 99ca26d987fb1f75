//! Sees every request that leaves the browser.
//!
//! No single channel of Chromium shows them all (measured: the Network domain 94 of 106, the Fetch domain on
//! the browser session 102, the network log 106), so three are joined:
//!
//! - [`Capture`] is the connection to the browser. It attaches to every target, pauses every request on the browser
//!   session, and writes each message as it came into a [journal](JournalLine). Whoever drives the browser does so
//!   over it ([`Remote`]).
//! - [`Assembler`] turns a journal into [`Exchange`](crate::model::Exchange)s. It is pure: a journal from disk
//!   gives the same exchanges as the live run.
//! - [`NetLog`] reads Chromium's own network log once the browser has exited, and [`audit()`] holds the record against
//!   it and settles what was really sent. [`attribute`] then says what caused each request.

mod assembler;
mod audit;
mod cause;
mod client;
mod containment;
mod credentials;
mod journal;
mod netlog;
mod page;
mod targets;

pub use assembler::{Assembler, Body, Output};
pub use audit::{Circumstances, audit};
pub use cause::attribute;
pub use client::{
    Capture, CaptureError, Contained, Quiet, Remote, RemoteError, Sharing, Told, Watch,
};
pub use containment::{Answer, Containment, Deliver, Guard};
pub use credentials::{Credentials, mask_exchange};
pub use journal::{Incoming, JournalLine, Mark};
pub use netlog::{
    KeepBody, KeptBody, NetLog, NetLogBody, NetLogMessage, NetLogRequest, certificate_digest,
};
pub use page::PageState;
