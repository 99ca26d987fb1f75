//! What an editor reads first: the whole in a few sentences, the verdicts, the claims and rules.

use super::text::Text;
use super::told::MOST_LINKS;
use crate::model::{ClaimVerdict, RuleMatch, RuleOutcome, UrlParts, Verdict, VerdictOutcome};
use crate::report::course::{self, Line, Tone};
use crate::report::words::{doubt, question};
use crate::run::Run;

/// A sentence in its colour.
#[derive(Debug)]
pub(super) struct Sentence {
    pub(super) tone: &'static str,
    pub(super) text: Text<'static>,
}

impl Sentence {
    pub(super) fn of(line: &Line) -> Sentence {
        Sentence {
            tone: tone(line.tone),
            text: Text::new(line.text.clone()),
        }
    }
}

impl From<Line> for Sentence {
    fn from(line: Line) -> Sentence {
        Sentence::of(&line)
    }
}

pub(super) fn tone(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Unsure => "unsure",
    }
}

/// The whole in a few sentences.
pub(super) fn headline(run: &Run) -> Vec<Sentence> {
    let lines = course::headline(run).into_iter();
    lines.map(Sentence::from).collect()
}

/// One of the three verdicts.
#[derive(Debug)]
pub(super) struct VerdictView<'a> {
    pub(super) name: &'static str,
    pub(super) question: &'static str,
    pub(super) answer: &'static str,
    pub(super) tone: &'static str,
    pub(super) why: Text<'a>,
}

pub(super) fn verdicts(run: &Run) -> Vec<VerdictView<'_>> {
    let all = run.findings.verdicts.all();
    all.into_iter()
        .map(|(name, verdict)| VerdictView::new(name, verdict))
        .collect()
}

impl<'a> VerdictView<'a> {
    pub(super) fn new(name: &'static str, verdict: &'a Verdict) -> VerdictView<'a> {
        VerdictView {
            name,
            question: question(name),
            answer: verdict.outcome.as_str(),
            tone: match verdict.outcome {
                VerdictOutcome::Found => "bad",
                VerdictOutcome::NotFound => "good",
                VerdictOutcome::Inconclusive | VerdictOutcome::NotTested => "unsure",
            },
            why: Text::new(&*verdict.why),
        }
    }
}

/// A claim or a rule, and what came of it.
#[derive(Debug)]
pub(super) struct Judgement<'a> {
    pub(super) id: Text<'a>,
    pub(super) outcome: &'static str,
    pub(super) tone: &'static str,
    /// What was said, or what the rule is for.
    pub(super) says: Text<'a>,
    /// Who said it.
    pub(super) source: Text<'a>,
    pub(super) why: Text<'a>,
    pub(super) line: u64,
    pub(super) flows: Vec<FlowView<'a>>,
}

/// Requests that came to the same.
#[derive(Debug)]
pub(super) struct FlowView<'a> {
    pub(super) page: Text<'a>,
    pub(super) whom: Text<'a>,
    pub(super) event: Text<'a>,
    pub(super) told: Vec<Text<'a>>,
    pub(super) identity: Vec<Text<'a>>,
    pub(super) fate: &'static str,
    pub(super) links: Vec<Text<'a>>,
    pub(super) more: usize,
}

pub(super) fn claims(run: &Run) -> Vec<Judgement<'_>> {
    let claims = run.findings.claims.iter().map(|claim| Judgement {
        id: Text::new(&*claim.id),
        outcome: claim.verdict.as_str(),
        tone: claim_tone(claim.verdict),
        says: Text::new(&*claim.says),
        source: Text::new(&*claim.source),
        why: Text::new(&*claim.why),
        line: claim.line,
        flows: flows(&claim.matches, claim.verdict == ClaimVerdict::Contradicted),
    });
    claims.collect()
}

/// "Not contradicted" is no praise: it is not green.
pub(super) fn claim_tone(verdict: ClaimVerdict) -> &'static str {
    match verdict {
        ClaimVerdict::Contradicted => "bad",
        ClaimVerdict::NotContradicted => "plain",
        ClaimVerdict::NotTestable => "unsure",
    }
}

pub(super) fn rules(run: &Run) -> Vec<Judgement<'_>> {
    let rules = run.findings.rules.iter().map(|rule| Judgement {
        id: Text::new(&*rule.id),
        outcome: rule.outcome.as_str(),
        tone: rule_tone(rule.outcome),
        says: Text::new(rule.reason.as_deref().unwrap_or("")),
        source: Text::new(format!(
            "{}, {}",
            rule.effect.as_str(),
            rule.severity.as_str()
        )),
        why: Text::new(&*rule.why),
        line: rule.line,
        flows: flows(&rule.matches, rule.outcome == RuleOutcome::Violated),
    });
    rules.collect()
}

pub(super) fn rule_tone(outcome: RuleOutcome) -> &'static str {
    match outcome {
        RuleOutcome::Violated => "bad",
        RuleOutcome::Passed => "good",
        RuleOutcome::Inconclusive | RuleOutcome::Unreachable => "unsure",
    }
}

fn flows(matches: &[RuleMatch], shown: bool) -> Vec<FlowView<'_>> {
    let matches = matches.iter().filter(|found| shown && !found.suspected);
    matches
        .map(|found| FlowView {
            page: Text::new(found.page.as_deref().unwrap_or("unknown")),
            whom: Text::new(found.recipient.as_deref().unwrap_or(&found.host)),
            event: match (&found.event, UrlParts::of(&found.url)) {
                (Some(event), _) => Text::new(&**event),
                // The tracker's script, or what no decoder reads.
                (None, Some(parts)) => Text::new(parts.path),
                (None, None) => Text::new("unknown"),
            },
            told: found.told.iter().map(|told| Text::new(&**told)).collect(),
            identity: found
                .identity
                .iter()
                .map(|words| Text::new(&**words))
                .collect(),
            fate: doubt(found.sent, found.outcome).unwrap_or(""),
            links: found
                .exchanges
                .iter()
                .take(MOST_LINKS)
                .map(|id| Text::new(&**id))
                .collect(),
            more: found.exchanges.len().saturating_sub(MOST_LINKS),
        })
        .collect()
}
