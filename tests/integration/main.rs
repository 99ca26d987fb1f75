//! Whole runs, in a real Chromium, against the demo site on loopback. A test that needs the browser fails without
//! one; the first of them installs it, as the README's command does.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test may stop where it fails, and says what it installs"
)]

mod action;
mod bad_input;
mod batch;
mod bundle;
mod cdp_logs;
mod cli;
mod commands;
mod common;
mod corpus;
mod decode;
mod demo;
mod failures;
mod gallery;
mod gate;
mod hostile;
mod identity;
mod killed;
mod leak_properties;
mod leaks;
mod open;
mod page;
mod page_hostile;
mod policy;
mod properties;
mod record;
mod recordings;
mod redacted;
mod shipped;
mod tamper;
mod trials;
mod viewer;
