//! What was typed and left, each way in which it was told once.

use std::io::{self, Write};

use super::{Style, cut};
use crate::leak::is_found;
use crate::model::{Certainty, Leak, Submission};
use crate::report::count;
use crate::report::words::{chain_and_extent, typed_in};

/// What was typed and left: how it looked, how it came about, and when.
pub(in crate::report) fn leak_lines(
    leaks: &[Leak],
    what: &str,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let told = leaks.iter().filter(|leak| is_found(leak));
    by_recipient(told, &format!("{what} was told to"), style, out)?;
    let planted = leaks.iter().filter(|leak| leak.kind == "cookie");
    by_recipient(
        planted,
        "A planted cookie's value stood elsewhere, told to",
        style,
        out,
    )?;
    let perhaps = leaks
        .iter()
        .filter(|leak| leak.kind != "cookie" && !is_found(leak));
    by_recipient(
        perhaps,
        "Suspected, or kept back by the browser, on its way to",
        style,
        out,
    )
}

fn by_recipient<'a>(
    leaks: impl Iterator<Item = &'a Leak>,
    heading: &str,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut told: Vec<(String, Vec<Line>)> = Vec::new();
    for leak in leaks {
        let to = leak.recipient.clone().unwrap_or_else(|| leak.host.clone());
        let at = told.iter().position(|(known, _)| *known == to);
        let at = at.unwrap_or_else(|| {
            told.push((to, Vec::new()));
            told.len() - 1
        });
        let lines = &mut told[at].1;
        let chain = chain_and_extent(leak);
        let same = |line: &&mut Line| line.chain == chain && line.leak.value == leak.value;
        match lines.iter_mut().find(same) {
            Some(line) => line.take(leak),
            None => lines.push(Line::new(chain, leak)),
        }
    }
    for (to, lines) in told {
        // What was kept from leaving was told to nobody.
        let heading = match lines.iter().all(|line| line.kept == line.times) {
            true => heading.replace("was told to", "did not leave, on its way to"),
            false => heading.to_owned(),
        };
        writeln!(out, "\n{}", style.bad(&format!("{heading} {to}:")))?;
        for line in lines {
            line.write(out)?;
        }
    }
    Ok(())
}

/// A way in which something was told, and how often.
struct Line<'a> {
    chain: String,
    leak: &'a Leak,
    times: usize,
    /// Of these, before the visitor sent anything.
    unsent: usize,
    /// Of these, kept from leaving.
    kept: usize,
}

impl<'a> Line<'a> {
    fn new(chain: String, leak: &'a Leak) -> Line<'a> {
        let mut line = Line {
            chain,
            leak,
            times: 0,
            unsent: 0,
            kept: 0,
        };
        line.take(leak);
        line
    }

    fn take(&mut self, leak: &Leak) {
        self.times += 1;
        self.unsent += usize::from(matches!(
            leak.submission,
            Submission::Before | Submission::Never
        ));
        self.kept += usize::from(leak.sent == Some(false));
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let Line { chain, leak, .. } = self;
        let doubt = match leak.certainty {
            Certainty::Suspected => "suspected: ",
            Certainty::Refuted => "suspected, and refuted by other canaries: ",
            Certainty::Found | Certainty::Confirmed => "",
        };
        writeln!(out, "  {doubt}{chain}")?;
        writeln!(out, "      sent as {}", cut(&leak.value))?;
        let typed = typed_in(leak, "typed").map_or_else(String::new, |typed| typed + ", ");
        let mut when = format!("{typed}told {}", count(self.times, "time"));
        if self.unsent == self.times {
            when += ", typed but not sent by the visitor";
        } else if self.unsent > 0 {
            when += &format!(
                ", {} of them typed but not sent by the visitor",
                self.unsent
            );
        }
        if self.kept > 0 {
            when += &format!(" ({} kept from leaving)", self.kept);
        }
        writeln!(out, "      {when}")?;
        if let Some(shell) = &leak.shell {
            writeln!(out, "      check: {}", shell)?;
        }
        Ok(())
    }
}
