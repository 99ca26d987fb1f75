//! Reports: one file a format. Pure: `render(&Run, &mut dyn Write)`; no clock, no browser, no network.

pub mod audit;
pub mod compare;
pub mod decoded;
pub mod gallery;
pub mod gate;
pub mod har;
pub mod looked_for;
pub mod terminal;

pub(crate) use crate::model::count;
