//! Rules on what may be told, and claims about what is: held against a run, or a file of any tool. Pure.
//!
//! A policy ([`Policy`]) asks by keys ([`CRITERIA`]) for requests to others as a [`View`] has them; [`judge`] says what came
//! of each rule and claim. `docs/policy.md` has the words and the precedence, `docs/rules.md`, made from [`CRITERIA`], the keys.

mod baseline;
mod claim;
mod condition;
mod criteria;
mod file;
mod flow;
mod gate;
mod glob;
mod judge;
mod matches;
mod reach;
mod reference;
mod view;
mod visits;
mod yaml;

pub use baseline::{Baseline, Compared, Fingerprint, difference};
pub use criteria::{CRITERIA, Criterion};
pub use file::{Claim, ClaimTest, Policy, Rule};
pub use gate::{ClaimSummary, Gate, GateCode, Judged, RuleSummary};
pub use judge::judge;
pub use matches::{Flow, flows};
pub use reference::reference;
pub use view::{Traffic, View};
pub use visits::is_in_frame;
