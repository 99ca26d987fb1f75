//! Reports: one file a format. Pure: `render(&Run, &mut dyn Write)`; no clock, no browser, no network.

pub mod audit;
pub mod compare;
pub mod decoded;
pub mod gallery;
pub mod har;
pub mod looked_for;
pub mod terminal;

use std::fmt::Display;

/// `1 page`, `2 pages`.
pub(crate) fn count<N: Display + PartialEq + From<u8>>(number: N, what: &str) -> String {
    let plural = if number == N::from(1) { "" } else { "s" };
    format!("{number} {what}{plural}")
}
