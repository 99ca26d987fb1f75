//! What a file was searched for, and where it was: after the table of what its requests told.

use std::io::{self, Write};

use super::terminal::{Style, leak_lines, verdict_line};
use crate::leak::Sightings;
use crate::model::Verdict;

/// Writes each leak, by who was told, and the verdict.
///
/// # Errors
/// If it cannot be written.
pub fn render(
    sightings: &Sightings<'_>,
    verdict: &Verdict,
    colour: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let style = Style { colour };
    leak_lines(&sightings.leaks, "What was looked for", &style, out)?;
    writeln!(out)?;
    verdict_line("typed_value", verdict, &style, out)?;
    for limit in sightings.searched().limits {
        writeln!(out, "  Not searched: {limit}")?;
    }
    Ok(())
}
