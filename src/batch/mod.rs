//! Many journeys in one command: which ones, dealt into shares, each into a bundle of its own; the index that says what came
//! of each; going on where a batch was cut short; and shares put together again.
//!
//! - `find`: the scenarios of files and folders.
//! - `plan`: every journey of a command, by name, and the share of it that this machine makes.
//! - `index`: `index.json`, written anew after each journey; `entry`: what it says of one.
//! - `resume`: what lies in a batch's folder already: done, cut short, or of something else.
//! - `merge`: several batches, and bundles, put into one folder.

mod entry;
mod find;
mod index;
mod merge;
mod plan;
mod resume;

pub use entry::{entry, exit_code, says_otherwise, unfinished};
pub use find::{Found, NotFound, find};
pub use index::{Batch, BatchError, INDEX, bundles_in, may_be_begun, may_be_resumed, read_index};
pub use merge::{Gathered, MergeError, Source, copy, gather, whole};
pub use plan::{CONTROLS, Clash, Plan, Planned, Shard, control_of};
pub use resume::{Lying, ResumeError, Wanted, leftover_controls, look};
