//! The report of a run as a page, made of what its bundle holds.

use std::fs;
use std::io::{self, Write};

use super::Run;
use crate::bundle::{inside, read_body};
use crate::report::html;

/// Pixels of width that pictures are reduced to: in the bundle, where the pictures themselves lie beside the page, and in a page
/// that stands alone.
const BESIDE: u32 = 400;
const ALONE: u32 = 960;

/// Writes the page that stands alone: of a run, or of several side by side.
///
/// # Errors
/// If it cannot be written.
pub fn page_alone(runs: &[&Run], out: &mut dyn Write) -> io::Result<()> {
    match runs {
        [run] => page(run, false, out),
        runs => html::render_comparison(runs, out),
    }
}

/// Writes the report of a run as a page. `beside`: it will lie in the bundle's `data/`, and links to the files there.
///
/// # Errors
/// If it cannot be written.
pub fn page(run: &Run, beside: bool, out: &mut dyn Write) -> io::Result<()> {
    let sources = html::Sources {
        body: &|exchange| read_body(&run.bundle, exchange),
        picture: &|path| fs::read(inside(&run.bundle, path)?).ok(),
        width: if beside { BESIDE } else { ALONE },
        beside,
    };
    html::render(run, &sources, out)
}
