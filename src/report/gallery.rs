//! The gallery's table: channel, sent, recorded, body exact, cookies exact, source.

use std::io::{self, Write};

use crate::demo::gallery::Row;
use crate::model::Source;

/// # Errors
/// If it cannot be written.
pub fn render(rows: &[Row], colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let width = rows.iter().map(|row| row.channel.len()).max().unwrap_or(0);
    writeln!(
        out,
        "{:width$}  {:>4}  {:>8}  {:>10}  {:>13}  source",
        "channel", "sent", "recorded", "body exact", "cookies exact"
    )?;
    let (red, plain) = if colour {
        ("\x1b[31m", "\x1b[0m")
    } else {
        ("", "")
    };
    for row in rows {
        let (on, off) = if row.is_good() {
            ("", "")
        } else {
            (red, plain)
        };
        writeln!(
            out,
            "{on}{:width$}  {:>4}  {:>8}  {:>10}  {:>13}  {}{off}",
            row.channel,
            row.sent,
            row.recorded,
            row.body_exact,
            row.cookies_exact,
            sources(row),
        )?;
        for missing in &row.not_sent {
            match row.optional {
                Some(why) => writeln!(
                    out,
                    "{:width$}  not sent: {missing}: optional, since {why}",
                    ""
                )?,
                None => writeln!(out, "{:width$}  not sent: {missing}", "")?,
            }
        }
        for wrong in &row.wrong {
            writeln!(out, "{:width$}  {on}{wrong}{off}", "")?;
        }
    }
    let sum = |of: fn(&Row) -> usize| rows.iter().map(of).sum::<usize>();
    let sent = sum(|row| row.sent);
    writeln!(
        out,
        "\n{} channels. Arrived at the server: {sent}. Recorded: {}. Bodies exact: {}. Cookies exact: {}.",
        rows.iter().filter(|row| row.channel != "(other)").count(),
        share(sum(|row| row.recorded), sent),
        share(sum(|row| row.body_exact), sent),
        share(sum(|row| row.cookies_exact), sent),
    )?;
    writeln!(
        out,
        "Sources: N Network domain, F Fetch domain, L network log."
    )
}

fn sources(row: &Row) -> String {
    let letter = |source: &Source| match source {
        Source::Network => 'N',
        Source::Fetch => 'F',
        Source::NetLog => 'L',
    };
    row.sources.iter().map(letter).collect()
}

/// Rounded down: 100 % is said of all alone.
fn share(part: usize, whole: usize) -> String {
    let percent = (part * 1000).checked_div(whole).unwrap_or(0);
    format!("{part} ({}.{} %)", percent / 10, percent % 10)
}
