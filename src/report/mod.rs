//! Reports: one file a format. Pure: `render(&Run, &mut dyn Write)`; no clock, no browser, no network.

pub mod audit;
pub mod decoded;
pub mod gallery;
pub mod har;
pub mod terminal;
