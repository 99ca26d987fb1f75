//! x
use std::io::{self, Write};
use crate::run::Run;
pub fn render(run: &Run, _c: bool, out: &mut dyn Write) -> io::Result<()> { writeln!(out, "{:#?}", run.record) }
