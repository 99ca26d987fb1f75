//! The evidence on disk: a BagIt 1.0 bag (RFC 8493), written from the run's first moment, a record at a time, so that a
//! run which is cut short leaves what it saw. The manifests come last, and say that it is whole.
//!
//! - `writer`: what a run writes while it goes on, and at its end.
//! - `bag`: the bag around it: the manifests, `bag-info.txt`, `VERIFY.md`; and whether a bag is as they say.
//! - `sign`, `timestamp`: who says so, and since when at the latest.
//! - `files`: how files are written whole, and which may be read; `read`: what stands in a bundle, back in memory.
//! - `scrub`: what must never be written, and what is taken out of an edition that is shared; `disclosure`: how that can be
//!   shown later all the same.
//!
//! Files of the payload: `data/run.json`, `scenario.yaml`, `policy.yaml`, `exchanges.jsonl`, `evidence.jsonl`,
//! `findings.json`, `traffic.har`, `bodies/<sha256>`, `certificates/<sha256>.pem`, `screenshots/<step>.png`, `cdp.jsonl` (the
//! browser's messages as they came), `netlog.json.gz` (Chromium's own network log).

pub mod bag;
pub mod disclosure;
mod files;
mod read;
mod scrub;
pub mod sign;
pub mod timestamp;
mod writer;

pub use files::{
    folder_of, inside, line, open_net_log, pretty, read_body, write_file, write_whole,
};
pub use read::{Kept, ReadError, read};
pub use scrub::{SHORTEST as SHORTEST_SECRET, Scrub};
pub use writer::{BundleError, BundleWriter, RecordWriter};
