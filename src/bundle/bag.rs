//! The bag around the evidence (BagIt 1.0, RFC 8493): what is sealed, and whether a sealed bag is as it was.

mod check;
mod manifest;
mod seal;

pub use check::{Bag, Fault, Problem, check, info, tag_files_hold};
pub use check::{read, stays_inside};
pub use manifest::listed;
pub(super) use seal::begin;
pub use seal::{has_own_instructions, is_sealed, may_be_opened, open_again, seal, tag_digest};

/// Says that a folder is a bag.
pub const DECLARATION: &str = "bagit.txt";
/// What the bag is, by whom and when.
pub const INFO: &str = "bag-info.txt";
/// How to check it without this program.
pub const INSTRUCTIONS: &str = "VERIFY.md";
/// Digests of the payload.
pub const MANIFEST: &str = "manifest-sha256.txt";
/// Digests of the four above: it is written last, and is what is signed and time-stamped.
pub const TAG_MANIFEST: &str = "tagmanifest-sha256.txt";
/// An SSH signature of the tag manifest.
pub const SIGNATURE: &str = "tagmanifest-sha256.txt.sig";
/// A request for a time stamp of the tag manifest (RFC 3161), and an authority's answer.
pub const STAMP_REQUEST: &str = "tagmanifest-sha256.txt.tsq";
pub const STAMP: &str = "tagmanifest-sha256.txt.tsr";

/// Held by whoever writes, and gone when the bag is sealed.
pub const LOCK: &str = "run.lock";

/// The files that the tag manifest lists, in its order.
const TAGS: [&str; 4] = [INSTRUCTIONS, INFO, DECLARATION, MANIFEST];
/// Those that come after it, and that it cannot list.
const AFTER: [&str; 4] = [TAG_MANIFEST, SIGNATURE, STAMP_REQUEST, STAMP];

/// The element of `bag-info.txt` that counts the format's versions.
const FORMAT_ELEMENT: &str = "Pixelwitness-Bundle-Version";
