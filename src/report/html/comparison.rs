//! Runs side by side, as a page.

use std::io::{self, Write};

use askama::Template;

use super::Shell;
use super::summary::{Sentence, VerdictView, claim_tone, rule_tone};
use super::text::Text;
use crate::report::comparison::{Comparison, Judgements, claim_word, rule_word};
use crate::report::course;
use crate::run::Run;

/// Writes what differs between runs, and what each told.
///
/// # Errors
/// If it cannot be written.
pub fn render(runs: &[&Run], out: &mut dyn Write) -> io::Result<()> {
    let comparison = Comparison::of(runs);
    let columns = comparison.sides.len();
    let page = Page {
        shell: Shell::new(),
        sides: comparison
            .sides
            .iter()
            .map(|side| {
                let record = &side.run.record;
                Side {
                    letter: &side.letter,
                    name: Text::new(&*side.name),
                    title: Text::new(&*record.scenario.title),
                    origin: Text::new(&*record.scenario.origin),
                    started: record.started.to_string(),
                    consent: Text::new(
                        record.options["consent"]
                            .as_str()
                            .unwrap_or("unknown")
                            .to_owned(),
                    ),
                    told: side.told.iter().map(Sentence::of).collect(),
                    journey: course::journey(side.run).into(),
                    doubt: side.doubt.as_deref().map(Text::new),
                    digest: side.run.evidence_digest(),
                }
            })
            .collect(),
        differences: comparison.differences().iter().map(Sentence::of).collect(),
        made_otherwise: comparison
            .made_otherwise
            .iter()
            .map(|what| Text::new(&**what))
            .collect(),
        verdicts: comparison
            .verdicts
            .iter()
            .map(|(name, verdicts)| {
                let views = verdicts
                    .iter()
                    .map(|verdict| VerdictView::new(name, verdict));
                views.collect()
            })
            .collect(),
        judged: [
            judged("Claims", &comparison.claims, |verdict| {
                (claim_word(verdict), verdict.map_or("plain", claim_tone))
            }),
            judged("Rules", &comparison.rules, |outcome| {
                (rule_word(outcome), outcome.map_or("plain", rule_tone))
            }),
        ],
        ways: comparison
            .ways
            .iter()
            .map(|way| Line {
                what: vec![
                    Text::new(way.to),
                    Text::new(way.canary),
                    Text::new(&*way.chain),
                ],
                cells: way
                    .times
                    .iter()
                    .map(|times| times.map_or("unknown".to_owned(), |times| times.to_string()))
                    .collect(),
            })
            .collect(),
        rows: comparison
            .rows
            .iter()
            .map(|row| Line {
                what: vec![
                    Text::new(&*row.recipient),
                    Text::new(match row.page.is_empty() {
                        true => "unknown",
                        false => &row.page,
                    }),
                    Text::new(&*row.event),
                ],
                cells: row
                    .told
                    .iter()
                    .map(|told| match (told.of_runs, told.after) {
                        (0, _) => "unknown: the journey was not completed".to_owned(),
                        (_, 0) => told.before.to_string(),
                        (_, after) => {
                            format!(
                                "{} before the banner's answer, {after} after it",
                                told.before
                            )
                        }
                    })
                    .collect(),
            })
            .collect(),
        flows: comparison
            .flows
            .iter()
            .map(|(sign, flow)| {
                let side = usize::from(*sign == '+');
                let parts = flow.split('\t').map(Text::new).collect();
                (comparison.sides[side].letter.as_str(), parts)
            })
            .collect(),
        columns,
    };
    page.write_into(out)
}

fn judged<'a, T: Copy>(
    heading: &'static str,
    judged: &'a [Judgements<'a, T>],
    word: impl Fn(Option<T>) -> (&'static str, &'static str),
) -> (&'static str, Vec<Judged<'a>>) {
    let judged = judged.iter().map(|of| Judged {
        id: Text::new(of.id),
        says: Text::new(of.says),
        outcomes: of.outcomes.iter().map(|outcome| word(*outcome)).collect(),
    });
    (heading, judged.collect())
}

#[derive(Template)]
#[template(path = "html_comparison.html")]
struct Page<'a> {
    shell: Shell,
    sides: Vec<Side<'a>>,
    differences: Vec<Sentence>,
    made_otherwise: Vec<Text<'a>>,
    verdicts: Vec<Vec<VerdictView<'a>>>,
    judged: [(&'static str, Vec<Judged<'a>>); 2],
    ways: Vec<Line<'a>>,
    rows: Vec<Line<'a>>,
    flows: Vec<(&'a str, Vec<Text<'a>>)>,
    columns: usize,
}

struct Side<'a> {
    letter: &'a str,
    name: Text<'a>,
    title: Text<'a>,
    origin: Text<'a>,
    started: String,
    consent: Text<'a>,
    told: Vec<Sentence>,
    journey: Sentence,
    doubt: Option<Text<'a>>,
    digest: String,
}

/// A claim or a rule, and its outcome on each side with the class of its colour.
struct Judged<'a> {
    id: Text<'a>,
    says: Text<'a>,
    outcomes: Vec<(&'static str, &'static str)>,
}

/// A row of a table: what it is of, and a cell for each side.
struct Line<'a> {
    what: Vec<Text<'a>>,
    cells: Vec<String>,
}
