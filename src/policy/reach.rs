//! Whether there was anything to look at, and everything was: without that nothing passes.

use std::collections::BTreeSet;

use super::condition::{Condition, Matcher, Told};
use super::glob::PageGlob;
use super::matches::Matches;
use super::view::{View, bare};
use super::visits::{Visit, reached};
use crate::leak::{doubt_of_run, limit_of_search};
use crate::model::{Reached, RuleOutcome, StepState, VerdictOutcome, count};

/// What a rule looks at, and the run reached.
pub struct Reach {
    pub pages: Vec<Reached>,
    /// Globs that match none of them.
    pub globs: Vec<String>,
    /// Why there is nothing to look at.
    pub nothing: Option<String>,
}

impl Reach {
    pub fn of(matcher: &Matcher, view: &View<'_>) -> Reach {
        let globs: Vec<_> = matcher.pages().collect();
        let on_page = |visit: &Visit| {
            globs.is_empty() || globs.iter().any(|glob| view.covers(glob, &visit.page))
        };
        let is_missing = |glob: &&&PageGlob| {
            let mut visits = view.visits.iter();
            !visits.any(|visit| view.covers(glob, &visit.page))
        };
        let mut missing: Vec<String> = globs
            .iter()
            .filter(is_missing)
            .map(|glob| glob.as_str().to_owned())
            .collect();
        missing.extend(not_typed(matcher, view));
        let states = wanted(matcher, |condition| match condition {
            Condition::Consent(state) => Some(state.clone()),
            _ => None,
        });
        let in_state = |visit: &Visit| {
            states
                .as_ref()
                .is_none_or(|states| states.contains(&visit.consent))
        };
        let ranges = wanted(matcher, |condition| match condition {
            Condition::Step(first, last) => Some(*first..=*last),
            _ => None,
        });
        let wants = |step: u32| {
            let ranges = ranges.as_ref();
            ranges.is_none_or(|ranges| ranges.iter().any(|range| range.contains(&step)))
        };
        let in_step = |visit: &Visit| ranges.is_none() || visit.step.is_some_and(wants);
        // All in one visit: a page in one step and an answer in another prove nothing.
        let pages = reached(&view.visits, |visit| {
            on_page(visit) && in_state(visit) && in_step(visit)
        });
        let any = |counts: &dyn Fn(&Visit) -> bool| view.visits.iter().any(counts);
        let steps = &view.traffic.record.journey.steps;
        let done = steps
            .iter()
            .any(|step| step.state == StepState::Done && wants(step.number));
        let nothing = if !pages.is_empty() {
            None
        } else if !any(&on_page) {
            Some(match globs.first() {
                Some(_) => no_page(matcher, view),
                None => "no page of the site was reached".to_owned(),
            })
        } else if ranges.is_some() && !done {
            Some(no_step(view))
        } else if let Some(states) = states
            .as_ref()
            .filter(|_| !any(&|visit| on_page(visit) && in_state(visit)))
        {
            let unknown = view.visits.iter().all(|visit| visit.consent == "unknown");
            Some(match unknown {
                true => "a file does not say how the banner had been answered".to_owned(),
                false => format!(
                    "the banner was not in the state `{}` on any such page",
                    states.join("` or `")
                ),
            })
        } else {
            Some("no such page was open in that step and that state of the banner".to_owned())
        };
        Reach {
            pages,
            globs: missing,
            nothing,
        }
    }
}

/// What it means that nothing matched, where nothing should.
pub fn nothing_matched(
    matcher: &Matcher,
    view: &View<'_>,
    matches: &Matches,
    reach: &Reach,
) -> (RuleOutcome, String) {
    if !matches.list.is_empty() {
        let why = format!("merely suspected: {}", matches.words());
        return (RuleOutcome::Inconclusive, why);
    }
    if let Some(why) = reach.nothing.clone().or_else(|| untested(matcher, view)) {
        let doubt = doubt_of_run(view.traffic.record);
        let doubt = doubt.map(|doubt| format!(" ({doubt})")).unwrap_or_default();
        return (RuleOutcome::Unreachable, why + &doubt);
    }
    if let Some(doubt) = doubt(matcher, view).or_else(|| unread_body(matcher, view)) {
        return (
            RuleOutcome::Inconclusive,
            format!("nothing matches, but {doubt}"),
        );
    }
    (RuleOutcome::Passed, proof(view, reach))
}

/// `nothing matches in 12 requests to others; looked at on 3 pages: /report/, …`
fn proof(view: &View<'_>, reach: &Reach) -> String {
    let mut pages: Vec<String> = reach
        .pages
        .iter()
        .map(|page| view.short(&page.page).to_owned())
        .collect();
    let all = pages.len();
    pages.truncate(5);
    if all > 5 {
        pages.push(format!("and {} more", all - 5));
    }
    let mut text = format!(
        "nothing matches in {} to others; reached: {}",
        count(view.requests.len(), "request"),
        pages.join(", ")
    );
    if !reach.globs.is_empty() {
        text += &format!("; not reached: {}", reach.globs.join(", "));
    }
    text
}

/// Why nothing found does not mean that there was nothing.
fn doubt(matcher: &Matcher, view: &View<'_>) -> Option<String> {
    if let Some(doubt) = doubt_of_run(view.traffic.record) {
        return Some(doubt);
    }
    let verdicts = &view.traffic.findings.verdicts;
    asked(matcher).find_map(|told| {
        let verdict = told.of(verdicts);
        let limit = limit_of_search(&view.traffic.findings.searched);
        match verdict.outcome {
            VerdictOutcome::Inconclusive => Some(format!(
                "{} is inconclusive: {}",
                told.as_str(),
                verdict.why
            )),
            _ => limit,
        }
    })
}

/// The verdicts that it asks for: what was typed into a field is a typed value, too.
fn asked(matcher: &Matcher) -> impl Iterator<Item = Told> {
    let field = matcher.fields().next().map(|_| Told::TypedValue);
    matcher.verdicts().chain(field)
}

/// A verdict that was never tested is nothing to look at.
fn untested(matcher: &Matcher, view: &View<'_>) -> Option<String> {
    let verdicts = &view.traffic.findings.verdicts;
    let typed = asked(matcher).any(|told| told == Told::TypedValue);
    if verdicts.typed_value.outcome == VerdictOutcome::NotTested && typed {
        return Some("the journey typed nothing that could be recognised".to_owned());
    }
    let known = typed_into(view);
    let mut fields = matcher.fields().peekable();
    fields.peek()?;
    let any = fields.any(|field| known.iter().any(|known| field.matches(known)));
    (!any).then(|| {
        let asked: Vec<&str> = matcher.fields().map(|field| field.as_str()).collect();
        format!(
            "nothing was typed into `{}`; there are: {}",
            asked.join("` or `"),
            known.join(", ")
        )
    })
}

/// Fields that the matcher names, and that nothing was typed into.
fn not_typed(matcher: &Matcher, view: &View<'_>) -> Vec<String> {
    let known = typed_into(view);
    matcher
        .fields()
        .filter(|field| !known.iter().any(|known| field.matches(known)))
        .map(|field| format!("field {}", field.as_str()))
        .collect()
}

/// Fields, and names of canaries, that something was typed into.
fn typed_into<'v>(view: &'v View<'_>) -> Vec<&'v str> {
    let record = view.traffic.record;
    let canaries = record.canaries.iter();
    let typed =
        canaries.filter(|canary| !canary.typed_in.is_empty() || record.journey.steps.is_empty());
    typed
        .flat_map(|canary| {
            let fields = canary.typed_into.iter().map(String::as_str);
            fields.chain([canary.name.as_str()])
        })
        .collect()
}

/// What cannot be read of requests that the matcher is about: a parameter may stand in a body that no decoder knows.
fn unread_body(matcher: &Matcher, view: &View<'_>) -> Option<String> {
    let asks = matcher
        .conditions()
        .any(|condition| matches!(condition, Condition::Parameter(_)));
    let request = view.requests.iter().find(|request| {
        asks && request.event.is_none()
            && request.exchange.body_size.unwrap_or(0) > 0
            && matcher.met_but_for_what(view, request)
    })?;
    let (id, host) = (&request.exchange.id, request.host());
    Some(format!(
        "{id} to {host} has a body that no decoder reads, and parameters may stand in it"
    ))
}

/// What a key asks for; nothing where it is not given.
fn wanted<T>(matcher: &Matcher, which: impl Fn(&Condition) -> Option<T>) -> Option<Vec<T>> {
    let wanted: Vec<T> = matcher.conditions().filter_map(which).collect();
    (!wanted.is_empty()).then_some(wanted)
}

fn no_page(matcher: &Matcher, view: &View<'_>) -> String {
    let globs: Vec<&str> = matcher.pages().map(|glob| glob.as_str()).collect();
    let refused: BTreeSet<String> = view
        .traffic
        .exchanges
        .iter()
        .filter(|exchange| exchange.resource_type == "document")
        .filter_map(|exchange| Some((bare(&exchange.url), exchange.status?)))
        .filter(|(page, status)| {
            *status >= 400 && matcher.pages().any(|glob| view.covers(glob, page))
        })
        .map(|(page, status)| format!("{page} answered with status {status}"))
        .collect();
    let why = match refused.first() {
        Some(refused) => format!(": {refused}"),
        None => String::new(),
    };
    format!(
        "no page that was reached matches `{}`{why}",
        globs.join("` or `")
    )
}

fn no_step(view: &View<'_>) -> String {
    match view.traffic.record.journey.steps.len() {
        0 => "there are no steps in a file".to_owned(),
        steps => format!(
            "the step was not done; the scenario has {}",
            count(steps, "step")
        ),
    }
}
