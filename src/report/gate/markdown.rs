//! As Markdown, for a step's summary, a merge request or an article's appendix.

use std::io::{self, Write};

use super::{
    NOT_TRUE, claim_words, conclusion, contradictions, fate, ids, page, rule_words, signals,
    verdict, violations, whom,
};
use crate::model::{ClaimVerdict, RuleOutcome};
use crate::policy::Gate;
use crate::report::visible;

/// Writes the report.
///
/// # Errors
/// If it cannot be written.
pub fn render(gate: &Gate<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "## pixelwitness: {}\n", text(&conclusion(gate)))?;
    writeln!(
        out,
        "| journey | pages reached | events told | bundle |\n|---|---|---|---|"
    )?;
    for run in &gate.runs {
        writeln!(
            out,
            "| {} | {} | {} | {} |",
            text(&run.title),
            run.reached.len(),
            run.record.counts.events,
            code(&run.source.display().to_string()),
        )?;
    }
    for (title, why) in &gate.missing {
        writeln!(out, "| {} | not made: {} | - | - |", text(title), text(why))?;
    }
    let rules = gate.rules();
    if !rules.is_empty() {
        writeln!(
            out,
            "\n### Rules\n\n| outcome | rule | what was found, or what proves that it was looked for |\n|---|---|---|"
        )?;
    }
    for summary in &rules {
        let (mark, label) = match (summary.outcome, summary.accepted) {
            (RuleOutcome::Violated, true) => ("➖", "accepted by the baseline"),
            (RuleOutcome::Violated, false) => ("❌", "violated"),
            (RuleOutcome::Passed, _) => ("✅", "passed"),
            (outcome, _) => ("❔", outcome.as_str()),
        };
        let severity = match summary.rule.severity.as_str() {
            _ if summary.outcome == RuleOutcome::Passed => String::new(),
            "error" => String::new(),
            severity => format!(" ({severity})"),
        };
        let place = format!("{}:{}", summary.policy.path.display(), summary.rule.line);
        let reason = summary.rule.reason.as_deref().map(text).unwrap_or_default();
        writeln!(
            out,
            "| {mark} {label}{severity} | {}<br>{reason}<br>{} | {} |",
            code(&summary.rule.id),
            code(&place),
            lines(&rule_words(summary)),
        )?;
    }
    for summary in &rules {
        flows(
            &format!("{} is violated by", code(&summary.rule.id)),
            &violations(summary),
            out,
        )?;
    }
    let claims = gate.claims();
    if !claims.is_empty() {
        writeln!(out, "\n### Claims")?;
    }
    for summary in &claims {
        let mark = match summary.verdict {
            ClaimVerdict::Contradicted => "❌",
            ClaimVerdict::NotContradicted => "➖",
            ClaimVerdict::NotTestable => "❔",
        };
        writeln!(
            out,
            "\n> {}\n> — {}\n\n{mark} **{}**: {}",
            text(&summary.claim.says),
            text(&summary.claim.source),
            verdict(summary),
            lines(&claim_words(summary)),
        )?;
        flows(
            &format!("{} is contradicted by", code(&summary.claim.id)),
            &contradictions(summary),
            out,
        )?;
    }
    if claims
        .iter()
        .any(|claim| claim.verdict == ClaimVerdict::NotContradicted)
    {
        writeln!(out, "\n{NOT_TRUE}")?;
    }
    baseline(gate, out)
}

fn flows(heading: &str, flows: &[super::Of<'_>], out: &mut dyn Write) -> io::Result<()> {
    if flows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n<details><summary>{heading}</summary>\n")?;
    writeln!(
        out,
        "| page | to | event | told | requests |\n|---|---|---|---|---|"
    )?;
    for (run, found) in flows {
        let mut told: Vec<String> = found.told.iter().map(|told| code(told)).collect();
        let names: Vec<String> = signals(found).into_iter().map(code).collect();
        if !names.is_empty() {
            told.push(format!("with {}", names.join(", ")));
        }
        let fate = fate(found)
            .map(|fate| format!("<br>{fate}"))
            .unwrap_or_default();
        writeln!(
            out,
            "| {} | {} | {} | {} | {}{fate} |",
            code(&page(run, found)),
            text(&whom(found)),
            code(found.event.as_deref().unwrap_or("-")),
            told.join("<br>"),
            text(&ids(found)),
        )?;
    }
    writeln!(out, "\n</details>")
}

fn baseline(gate: &Gate<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Some((path, compared)) = &gate.baseline else {
        return Ok(());
    };
    writeln!(
        out,
        "\n### Baseline {}\n",
        code(&path.display().to_string())
    )?;
    if compared.new.is_empty() && compared.stale.is_empty() {
        writeln!(
            out,
            "Nothing new, nothing stale: {} flows as listed.",
            compared.accepted.len()
        )?;
    } else {
        writeln!(out, "````diff")?;
        for flow in &compared.new {
            writeln!(out, "+{}", plain(&flow.found.flow))?;
        }
        for line in &compared.stale {
            writeln!(out, "-{}", plain(line))?;
        }
        writeln!(out, "````")?;
    }
    if let Some(why) = &compared.unfinished {
        writeln!(
            out,
            "\nNothing is called stale, since not everything is known: {}",
            text(why)
        )?;
    }
    Ok(())
}

/// Without what would end a line.
fn plain(value: &str) -> String {
    visible(value).replace('\n', " ").replace("````", "'''")
}

/// Text of a page, which may be anything, as text in a table.
fn text(value: &str) -> String {
    let mut escaped = String::new();
    for c in plain(value).chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '!' | '~' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '@' => escaped.push_str("&#64;"),
            '\t' => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    unlinked(&escaped)
}

/// An address that a page chose is nothing to be clicked.
fn unlinked(escaped: &str) -> String {
    escaped
        .replace("://", "&#58;//")
        .replace("www.", "www&#46;")
}

/// Several lines of it, in one cell.
fn lines(value: &str) -> String {
    value.lines().map(text).collect::<Vec<_>>().join("<br>")
}

/// The same, word for word.
fn code(value: &str) -> String {
    let mut escaped = String::new();
    for c in plain(value).chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '|' => escaped.push_str("&#124;"),
            '`' => escaped.push_str("&#96;"),
            '*' => escaped.push_str("&#42;"),
            '_' => escaped.push_str("&#95;"),
            '[' => escaped.push_str("&#91;"),
            ']' => escaped.push_str("&#93;"),
            '@' => escaped.push_str("&#64;"),
            '\\' => escaped.push_str("&#92;"),
            c => escaped.push(c),
        }
    }
    format!("<code>{}</code>", unlinked(&escaped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pages_say_stays_text() {
        assert_eq!(
            text("a|b\n<img src=x> `c` @d"),
            "a\\|b &lt;img src=x&gt; \\`c\\` &#64;d"
        );
        assert_eq!(code("<b>|`*"), "<code>&lt;b&gt;&#124;&#96;&#42;</code>");
        assert_eq!(plain("````\u{1b}[31m"), "''' [31m");
    }
}
