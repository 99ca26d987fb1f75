//! GitHub's workflow commands: an annotation a rule, on the line of the policy.
//!
//! GitHub shows ten errors and ten warnings of a step, and the full table is in the step's summary ([`super::markdown`]).

use std::io::{self, Write};
use std::path::Path;

use super::{claim_words, contradictions, page, rule_words, violations};
use crate::model::{ClaimVerdict, Effect, RuleOutcome, Severity};
use crate::policy::Gate;
use crate::report::visible;

/// Annotations of one level that GitHub shows for a step.
const MOST: usize = 10;

struct Annotation<'g> {
    level: &'static str,
    file: &'g Path,
    line: u64,
    title: String,
    message: String,
}

/// Writes the annotations; what GitHub would not show is in the last of its level.
///
/// # Errors
/// If it cannot be written.
pub fn render(gate: &Gate<'_>, out: &mut dyn Write) -> io::Result<()> {
    let annotations = annotations(gate);
    for level in ["error", "warning", "notice"] {
        let of_level: Vec<_> = annotations
            .iter()
            .filter(|annotation| annotation.level == level)
            .collect();
        let shown = if of_level.len() > MOST {
            MOST - 1
        } else {
            of_level.len()
        };
        for annotation in &of_level[..shown] {
            write(annotation, out)?;
        }
        if let Some(first) = of_level.get(shown) {
            let titles: Vec<&str> = of_level[shown..].iter().map(|a| a.title.as_str()).collect();
            write(
                &Annotation {
                    level,
                    file: first.file,
                    line: first.line,
                    title: format!("and {} more", titles.len()),
                    message: titles.join("; "),
                },
                out,
            )?;
        }
    }
    Ok(())
}

fn annotations<'g>(gate: &'g Gate<'_>) -> Vec<Annotation<'g>> {
    let mut annotations = Vec::new();
    for summary in gate.rules() {
        if summary.rule.effect == Effect::Allow {
            continue;
        }
        let level = match (summary.outcome, summary.accepted, summary.rule.severity) {
            (RuleOutcome::Passed, ..) | (_, true, _) => continue,
            (RuleOutcome::Violated, _, Severity::Error) => "error",
            (RuleOutcome::Violated, _, Severity::Note) => "notice",
            _ => "warning",
        };
        let mut message = rule_words(&summary);
        if let Some(reason) = &summary.rule.reason {
            message += &format!("\n{reason}");
        }
        for (run, found) in violations(&summary).iter().take(8) {
            let event = found.event.as_deref().unwrap_or("a request");
            message += &format!("\n{}: {event}: {}", page(run, found), found.told.join("; "));
        }
        annotations.push(Annotation {
            level,
            file: &summary.policy.path,
            line: summary.rule.line,
            title: format!("{}: {}", summary.outcome.as_str(), summary.rule.id),
            message,
        });
    }
    for summary in gate.claims() {
        let level = match summary.verdict {
            ClaimVerdict::Contradicted => "error",
            _ if summary.is_open() => "warning",
            _ => continue,
        };
        let mut message = format!(
            "“{}” ({})\n{}",
            summary.claim.says,
            summary.claim.source,
            claim_words(&summary)
        );
        for (run, found) in contradictions(&summary).iter().take(8) {
            message += &format!("\n{}: {}", page(run, found), found.told.join("; "));
        }
        annotations.push(Annotation {
            level,
            file: &summary.policy.path,
            line: summary.claim.line,
            title: format!("{}: {}", summary.verdict.as_str(), summary.claim.id),
            message,
        });
    }
    if let Some((path, compared)) = &gate.baseline {
        let mut add = |title: &str, lines: Vec<String>| {
            if !lines.is_empty() {
                annotations.push(Annotation {
                    level: "error",
                    file: path,
                    line: 1,
                    title: title.to_owned(),
                    message: lines.join("\n"),
                });
            }
        };
        let new = compared
            .new
            .iter()
            .map(|flow| format!("+{}", flow.found.flow));
        add("told, and not in the baseline", new.collect());
        let stale = compared.stale.iter().map(|line| format!("-{line}"));
        add("stale in the baseline: no longer told", stale.collect());
    }
    annotations
}

fn write(annotation: &Annotation<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "::{} file={},line={},title={}::{}",
        annotation.level,
        property(&annotation.file.display().to_string()),
        annotation.line,
        property(&annotation.title),
        data(&annotation.message),
    )
}

/// What a command's data may hold, by the runner's own rules; and nothing that a terminal would obey.
fn data(text: &str) -> String {
    visible(text).replace('%', "%25").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
