//! Runs side by side: before a fix and after it, or with other answers to the consent banner. What is the same in all is said
//! once; what differs stands in columns.

use std::collections::BTreeMap;

use super::compare::{Group, Row, Seen, compare};
use super::course::{Line, Tone, headline};
use super::words::{chain_and_extent, question};
use crate::leak::{doubt_of_run, is_found};
use crate::model::{ClaimVerdict, RuleOutcome, Verdict};
use crate::policy::{Fingerprint, Gate, difference};
use crate::run::Run;

/// Runs, in the order in which they were given.
#[derive(Debug)]
pub(super) struct Comparison<'a> {
    pub(super) sides: Vec<Side<'a>>,
    /// The three verdicts by name, of each side.
    pub(super) verdicts: Vec<(&'static str, Vec<&'a Verdict>)>,
    pub(super) claims: Vec<Judgements<'a, ClaimVerdict>>,
    pub(super) rules: Vec<Judgements<'a, RuleOutcome>>,
    /// What was typed and left, each way once.
    pub(super) ways: Vec<Way<'a>>,
    /// Events by recipient and page.
    pub(super) rows: Vec<Row>,
    /// Flows that one of two sides alone has: `-` the first, `+` the second. Only of two.
    pub(super) flows: Vec<(char, String)>,
    /// What the sides were not made alike in, in words.
    pub(super) made_otherwise: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Side<'a> {
    pub(super) run: &'a Run,
    /// `A`, `B`…
    pub(super) letter: String,
    /// As the command had it.
    pub(super) name: String,
    /// What tells it from the others, in a sentence.
    pub(super) told: Vec<Line>,
    /// Why not everything is known of it.
    pub(super) doubt: Option<String>,
}

/// A claim or a rule by its id, and what came of it on each side; nothing where it was not held against it.
#[derive(Debug)]
pub(super) struct Judgements<'a, T> {
    pub(super) id: &'a str,
    pub(super) says: &'a str,
    pub(super) outcomes: Vec<Option<T>>,
}

/// A way in which something typed left.
#[derive(Debug)]
pub(super) struct Way<'a> {
    pub(super) to: &'a str,
    pub(super) canary: &'a str,
    pub(super) chain: String,
    /// How often on each side; nothing where that is not known.
    pub(super) times: Vec<Option<usize>>,
}

impl<'a> Comparison<'a> {
    /// `runs` are not empty.
    pub(super) fn of(runs: &'a [&'a Run]) -> Comparison<'a> {
        let sides: Vec<Side<'_>> = runs.iter().enumerate().map(side).collect();
        let verdicts = ["typed_value", "page_context", "identity_link"];
        let verdicts = verdicts.into_iter().map(|name| {
            let of = runs.iter().filter_map(|run| {
                let all = run.findings.verdicts.all();
                all.into_iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, verdict)| verdict)
            });
            (name, of.collect())
        });
        let claims = side_by_side(runs, |run| {
            let claims = run.findings.claims.iter();
            claims
                .map(|claim| (&*claim.id, &*claim.says, claim.verdict))
                .collect()
        });
        let rules = side_by_side(runs, |run| {
            let rules = run.findings.rules.iter();
            rules
                .map(|rule| {
                    (
                        &*rule.id,
                        rule.reason.as_deref().unwrap_or(""),
                        rule.outcome,
                    )
                })
                .collect()
        });
        let seen: Vec<Seen> = runs.iter().map(|run| Seen::of(run)).collect();
        let groups: Vec<Group<'_>> = seen
            .iter()
            .map(|seen| Group {
                consent: None,
                runs: vec![seen],
            })
            .collect();
        Comparison {
            sides,
            verdicts: verdicts.collect(),
            claims,
            rules,
            ways: ways(runs),
            rows: compare(&groups),
            flows: match runs {
                [old, new] => {
                    let told =
                        |run: &'a Run| Gate::of_one(run.bundle.clone(), run.traffic()).told();
                    let (old, new) = (told(old), told(new));
                    let lines = difference(&old.flows, &new.flows);
                    lines
                        .into_iter()
                        .map(|(sign, line)| (sign, line.to_owned()))
                        .collect()
                }
                _ => Vec::new(),
            },
            made_otherwise: made_otherwise(runs),
        }
    }

    /// What differs between the sides, in a sentence each; nothing where they are alike in it.
    pub(super) fn differences(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for (name, verdicts) in &self.verdicts {
            let outcomes: Vec<&str> = verdicts
                .iter()
                .map(|verdict| verdict.outcome.as_str())
                .collect();
            self.differs(&mut lines, question(name), &outcomes);
        }
        for claim in &self.claims {
            let outcomes: Vec<&str> = claim.outcomes.iter().map(|v| claim_word(*v)).collect();
            self.differs(&mut lines, &format!("The claim {}:", claim.id), &outcomes);
        }
        for rule in &self.rules {
            let outcomes: Vec<&str> = rule.outcomes.iter().map(|v| rule_word(*v)).collect();
            self.differs(&mut lines, &format!("The rule {}:", rule.id), &outcomes);
        }
        lines
    }

    fn differs(&self, lines: &mut Vec<Line>, what: &str, outcomes: &[&str]) {
        if outcomes
            .iter()
            .all(|outcome| Some(outcome) == outcomes.first())
        {
            return;
        }
        let each = self.sides.iter().zip(outcomes);
        let each: Vec<String> = each
            .map(|(side, outcome)| format!("{outcome} in {}", side.letter))
            .collect();
        lines.push(Line::new(
            Tone::Plain,
            format!("{what} {}", each.join(", ")),
        ));
    }
}

pub(super) fn claim_word(verdict: Option<ClaimVerdict>) -> &'static str {
    verdict.map_or("not held against it", ClaimVerdict::as_str)
}

pub(super) fn rule_word(outcome: Option<RuleOutcome>) -> &'static str {
    outcome.map_or("not held against it", RuleOutcome::as_str)
}

fn side<'a>((number, run): (usize, &&'a Run)) -> Side<'a> {
    Side {
        run,
        letter: letter(number),
        name: run.bundle.display().to_string(),
        told: headline(run),
        doubt: doubt_of_run(&run.record),
    }
}

/// `A` to `Z`, then numbers.
fn letter(number: usize) -> String {
    match u8::try_from(number) {
        Ok(small @ 0..26) => char::from(b'A' + small).to_string(),
        _ => (number + 1).to_string(),
    }
}

/// Findings of all sides by their ids, in the order in which they first come.
fn side_by_side<'a, T: Copy>(
    runs: &[&'a Run],
    of: impl Fn(&'a Run) -> Vec<(&'a str, &'a str, T)>,
) -> Vec<Judgements<'a, T>> {
    let mut all: Vec<Judgements<'a, T>> = Vec::new();
    for (side, run) in runs.iter().enumerate() {
        for (id, says, outcome) in of(run) {
            let at = all.iter().position(|known| known.id == id);
            let at = at.unwrap_or_else(|| {
                all.push(Judgements {
                    id,
                    says,
                    outcomes: vec![None; runs.len()],
                });
                all.len() - 1
            });
            all[at].outcomes[side] = Some(outcome);
        }
    }
    all
}

fn ways<'a>(runs: &[&'a Run]) -> Vec<Way<'a>> {
    let mut ways: BTreeMap<(&str, &str, String), Vec<usize>> = BTreeMap::new();
    for (side, run) in runs.iter().enumerate() {
        for leak in run.findings.leaks.iter().filter(|leak| is_found(leak)) {
            let to = leak.recipient.as_deref().unwrap_or(&leak.host);
            let times = ways
                .entry((to, &leak.canary, chain_and_extent(leak)))
                .or_insert_with(|| vec![0; runs.len()]);
            times[side] += 1;
        }
    }
    let known = |(run, times): (&&Run, usize)| match times {
        0 if doubt_of_run(&run.record).is_some() => None,
        times => Some(times),
    };
    let ways = ways.into_iter().map(|((to, canary, chain), times)| Way {
        to,
        canary,
        chain,
        times: runs.iter().zip(times).map(known).collect(),
    });
    ways.collect()
}

/// What differs beside the site: the first side beside each other one.
fn made_otherwise(runs: &[&Run]) -> Vec<String> {
    let Some((first, others)) = runs.split_first() else {
        return Vec::new();
    };
    let first = Fingerprint::of([&first.record]);
    let mut differs = Vec::new();
    for (number, other) in others.iter().enumerate() {
        for what in first.differs(&Fingerprint::of([&other.record])) {
            let line = match others.len() {
                1 => what,
                _ => format!("{}: {what}", letter(number + 1)),
            };
            differs.push(line);
        }
    }
    differs
}
