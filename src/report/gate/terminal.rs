//! In a terminal: what is refused, by which line of the policy, and what was told on which page.

use std::io::{self, Write};
use std::path::Path;

use super::{
    NOT_TRUE, claim_words, conclusion, contradictions, fate, page, rule_words, verdict, violations,
    whom,
};
use crate::model::{ClaimVerdict, PageFrom, RuleOutcome, count};
use crate::policy::{Gate, GateCode};
use crate::report::terminal::{Style, cut, one_line, wrapped};

/// Pages of one rule that are shown; the others are in the JSON.
const MOST_PAGES: usize = 12;
/// Things told on one page that are shown.
const MOST_TOLD: usize = 6;
/// Where what belongs to a rule begins.
const INDENT: &str = "                ";

/// Writes what came of the policies and the baseline; nothing if there are none.
///
/// # Errors
/// If it cannot be written.
pub fn render(gate: &Gate<'_>, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let style = Style { colour };
    for run in gate.unjudged_runs() {
        writeln!(out, "\n{}", style.bold(&one_line(&run.title)))?;
        for (name, verdict) in run.verdicts.all() {
            let line = format!("{name}: {}: {}", verdict.outcome.as_str(), verdict.why);
            for line in wrapped(&one_line(&line), 110) {
                writeln!(out, "  {line}")?;
            }
        }
    }
    let mut policy: Option<&Path> = None;
    for summary in &gate.rules() {
        if policy != Some(&summary.policy.path) {
            policy = Some(&summary.policy.path);
            let heading = format!("Policy: {}", summary.policy.path.display());
            writeln!(out, "\n{}", style.bold(&heading))?;
        }
        let label = match (summary.outcome, summary.accepted) {
            (RuleOutcome::Violated, true) => "accepted",
            (outcome, _) => outcome.as_str(),
        };
        let padded = format!("{label:<12}");
        let painted = match label {
            "violated" => style.bad(&padded),
            "passed" => style.good(&padded),
            "accepted" => style.dim(&padded),
            _ => style.bold(&padded),
        };
        let severity = match summary.rule.severity.as_str() {
            "error" => String::new(),
            severity => format!(", {severity}"),
        };
        let place = format!(
            "({}, line {}{severity})",
            summary.rule.effect.as_str(),
            summary.rule.line
        );
        writeln!(
            out,
            "  {painted}  {} {}",
            style.bold(&summary.rule.id),
            style.dim(&place)
        )?;
        if let Some(reason) = &summary.rule.reason {
            paragraph(reason, out)?;
        }
        paragraph(&rule_words(summary), out)?;
        flows(gate, &violations(summary), &style, out)?;
    }
    let claims = gate.claims();
    if !claims.is_empty() {
        writeln!(out, "\n{}", style.bold("Claims:"))?;
    }
    for summary in &claims {
        let label = verdict(summary);
        let painted = match summary.verdict {
            ClaimVerdict::Contradicted => style.bad(label),
            ClaimVerdict::NotContradicted => style.good(label),
            ClaimVerdict::NotTestable => style.bold(label),
        };
        let claim = summary.claim;
        let place = format!("(line {})", claim.line);
        writeln!(
            out,
            "  {painted}: {} {}",
            style.bold(&claim.id),
            style.dim(&place)
        )?;
        let says = format!("“{}” ({})", one_line(&claim.says), one_line(&claim.source));
        paragraph(&says, out)?;
        paragraph(&claim_words(summary), out)?;
        flows(gate, &contradictions(summary), &style, out)?;
    }
    if claims
        .iter()
        .any(|claim| claim.verdict == ClaimVerdict::NotContradicted)
    {
        paragraph(NOT_TRUE, out)?;
    }
    baseline(gate, &style, out)?;
    let conclusion = conclusion(gate);
    let painted = match gate.code() {
        GateCode::Clean => style.good(&conclusion),
        GateCode::Refused | GateCode::Stale => style.bad(&conclusion),
        GateCode::Inconclusive => style.bold(&conclusion),
    };
    writeln!(out, "\nGate {painted}")
}

fn paragraph(text: &str, out: &mut dyn Write) -> io::Result<()> {
    for part in text.lines() {
        for line in wrapped(&one_line(part), 96) {
            writeln!(out, "{INDENT}{line}")?;
        }
    }
    Ok(())
}

/// Page by page: the events, what they told, and what names the visitor.
fn flows(
    gate: &Gate<'_>,
    flows: &[super::Of<'_>],
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut pages: Vec<(String, Vec<&super::Of<'_>>)> = Vec::new();
    for of in flows {
        let page = page(of.0, of.1);
        match pages.iter_mut().find(|(known, _)| *known == page) {
            Some((_, list)) => list.push(of),
            None => pages.push((page, vec![of])),
        }
    }
    for (page, flows) in pages.iter().take(MOST_PAGES) {
        let mut events: Vec<String> = Vec::new();
        let mut told: Vec<&str> = Vec::new();
        let mut signals: Vec<&str> = Vec::new();
        let mut requests: Vec<&str> = Vec::new();
        for (_, found) in flows {
            let mut event = match &found.event {
                Some(event) => event.clone(),
                None => whom(found),
            };
            for mark in [fate(found), gate.accepts(found).then_some("accepted")]
                .into_iter()
                .flatten()
            {
                event += &format!(" [{mark}]");
            }
            if let Some(from @ (PageFrom::Referrer | PageFrom::OpenPage)) = found.page_from {
                event += &format!(" ({})", from.as_str());
            }
            add(&mut events, event);
            requests.extend(found.exchanges.iter().map(String::as_str));
            found.told.iter().for_each(|words| add(&mut told, words));
            super::signals(found)
                .into_iter()
                .for_each(|name| add(&mut signals, name));
        }
        // What was typed first.
        told.sort_by_key(|words| !words.contains(" ← "));
        writeln!(out, "{INDENT}  {}", style.bold(&cut(page)))?;
        for line in wrapped(&one_line(&events.join(", ")), 90) {
            writeln!(out, "{INDENT}    {line}")?;
        }
        for words in told.iter().take(MOST_TOLD) {
            writeln!(out, "{INDENT}    told: {}", cut(words))?;
        }
        if told.len() > MOST_TOLD {
            writeln!(out, "{INDENT}    and {} more", told.len() - MOST_TOLD)?;
        }
        if !signals.is_empty() {
            writeln!(out, "{INDENT}    with: {}", cut(&signals.join(", ")))?;
        }
        let mut ids = requests[..requests.len().min(6)].join(", ");
        if requests.len() > 6 {
            ids += &format!(" and {} more", requests.len() - 6);
        }
        writeln!(out, "{INDENT}    {}", style.dim(&one_line(&ids)))?;
    }
    if pages.len() > MOST_PAGES {
        let more = count(pages.len() - MOST_PAGES, "more page");
        writeln!(out, "{INDENT}  and {more} (`--json` has all)")?;
    }
    Ok(())
}

fn add<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// As `diff` shows it.
fn baseline(gate: &Gate<'_>, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let Some((path, compared)) = &gate.baseline else {
        return Ok(());
    };
    let heading = format!("Baseline: {}", path.display());
    writeln!(out, "\n{}", style.bold(&heading))?;
    if compared.new.is_empty() && compared.stale.is_empty() {
        let listed = count(compared.accepted.len(), "flow");
        writeln!(out, "  {} told, as listed; nothing new", listed)?;
    }
    for flow in &compared.new {
        writeln!(out, "{}", style.bad(&format!("+{}", flow.found.flow)))?;
    }
    for line in &compared.stale {
        writeln!(out, "{}", style.good(&format!("-{line}")))?;
    }
    if let Some(why) = &compared.unfinished {
        writeln!(
            out,
            "  Nothing is called stale, since not everything is known: {}",
            one_line(why)
        )?;
    }
    Ok(())
}
