//! pixelwitness answers one question: *when a person does this on that site, who is told what about them?*
//!
//! It replays a scripted journey in a real Chromium, records every request that leaves, decodes what went to Meta and
//! to others, and keeps evidence that a stranger can verify.
//!
//! ```text
//! scenario.yaml ─▶ scenario ─▶ journey ──drives──▶ browser (Chromium)
//!                                 │                    │ CDP events, every target
//!                                 │ step marks         ▼
//!                                 └───────────────▶ capture ─▶ Exchange (one per request hop)
//!                          a HAR by any tool ─────▶ intake ─────▶│
//!                                         decode ─▶ TrackerEvent ◀┘   leak ─▶ what was typed, what it was about
//!                                                               │
//!                                                    policy ─▶ what is denied, what is claimed
//!                                                               │
//!                                                   bundle ─▶ report
//! ```
//!
//! One direction, no way back. Everything from [`model::Exchange`] on is pure: no browser, no clock, no network. So a
//! recorded run and a live journey decode to the same records.
//!
//! | room | what lives there |
//! |---|---|
//! | [`model`] | plain data; knows no other room |
//! | [`scenario`] | YAML → [`scenario::Scenario`], with the place of every error |
//! | [`browser`] | find, install, launch Chromium; nothing about trackers |
//! | [`journey`] | runs steps, one file a kind |
//! | [`consent`] | rules for consent banners that others keep, fetched on request |
//! | [`capture`] | attaches to everything; turns CDP events into exchanges; audits them with the network log |
//! | [`decode`] | one file a vendor |
//! | [`intake`] | requests out of HARs and JSON Lines that other tools made |
//! | [`loopback`] | what is served on this machine: certificates, a sink for what must not leave |
//! | [`leak`] | recognises typed values and topics |
//! | [`policy`] | rules and claims, and baselines of what is told |
//! | [`bundle`] | the evidence on disk |
//! | [`run`] | ties the rooms together: one run |
//! | [`batch`] | many runs in one command: which, dealt into shares, gone on with, put together; their index |
//! | [`report`] | one file a format |
//! | [`schema`] | JSON Schemas of all that is written and read |
//! | [`demo`] | the embedded demo site, a fictional police force |
//! | [`cli`] | one file a subcommand; the only room that may print or exit |

pub mod batch;
pub mod browser;
pub mod bundle;
pub mod capture;
pub mod cli;
pub mod consent;
pub mod decode;
pub mod demo;
pub mod intake;
pub mod journey;
pub mod leak;
pub mod loopback;
pub mod model;
pub mod policy;
pub mod report;
pub mod run;
pub mod scenario;
pub mod schema;
