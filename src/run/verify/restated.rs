//! What a run's record says of its scenario, held against the scenario itself: steps, canaries and what typed them, planted
//! cookies. Whoever strikes a canary from the record would otherwise have the leak search look for nothing.

use std::path::Path;

use crate::journey::cookies_of;
use crate::model::{CanaryRecord, RunRecord, StepState};
use crate::run::Typing;
use crate::scenario::{Identity, Scenario, Seed, StepKind};

/// What in `data/run.json` does not follow from `data/scenario.yaml`, in words.
pub(super) fn restated(root: &Path, record: &RunRecord) -> Vec<String> {
    let mut wrong = Vec::new();
    let Ok(mut scenario) = Scenario::load(&root.join("data/scenario.yaml")) else {
        return vec!["the scenario cannot be read".to_owned()];
    };
    let option = |name: &str| record.options.get(name).and_then(|value| value.as_str());
    if let Some(origin) = option("base_url").and_then(|url| url.parse().ok()) {
        scenario = scenario.rebased(&origin);
    }
    if scenario.origin.origin().ascii_serialization() != record.scenario.origin {
        wrong.push("the site is another than the scenario's".to_owned());
    }
    if scenario.topics != record.scenario.topics {
        wrong.push("the topics are not the scenario's".to_owned());
    }
    // A recording's scenario is what the person did; its journey was to open a page.
    let replayed = scenario.steps.len() == record.journey.steps.len();
    if replayed {
        for (step, told) in scenario.steps.iter().zip(&record.journey.steps) {
            let same = told.kind == step.kind.name()
                && told.what == step.kind.to_string()
                && told.line == step.line;
            if !same {
                wrong.push(format!("step {} is not the scenario's", told.number));
            }
        }
    }
    let (Some(seed), Some(typing)) = (option("seed"), option("typing").and_then(typing)) else {
        wrong.push("it does not say what the canaries follow from".to_owned());
        return wrong;
    };
    let seed = Seed::from_text(seed);
    let typed = record
        .canaries
        .iter()
        .filter(|canary| canary.kind != "cookie");
    let typed: Vec<&CanaryRecord> = typed.collect();
    let expected = typing.canaries(&seed, &scenario.canaries);
    let same = expected.len() == typed.len()
        && expected.iter().zip(&typed).all(|(canary, told)| {
            canary.name == told.name
                && canary.kind.as_str() == told.kind
                && canary.value == told.value
        });
    if !same {
        wrong.push("the canaries are not those that follow from the seed".to_owned());
    }
    if replayed && same {
        for told in &typed {
            let steps = (1u32..).zip(&scenario.steps).zip(&record.journey.steps);
            let typed_in = steps.filter_map(|((number, step), told_step)| match &step.kind {
                StepKind::Change(change)
                    if told_step.state == StepState::Done
                        && typing != Typing::Nothing
                        && change.names(&told.name) =>
                {
                    Some(number)
                }
                _ => None,
            });
            if !typed_in.eq(told.typed_in.iter().copied()) {
                wrong.push(format!("`{}` was typed in other steps", told.name));
            }
        }
    }
    wrong.extend(planted(&scenario, record, &seed));
    wrong
}

fn typing(name: &str) -> Option<Typing> {
    [Typing::AsWritten, Typing::OtherCanaries, Typing::Nothing]
        .into_iter()
        .find(|typing| typing.as_str() == name)
}

/// Cookies that play a visitor follow from the seed too; those of a file are secret, and not in the record.
fn planted(scenario: &Scenario, record: &RunRecord, seed: &Seed) -> Option<String> {
    let identities = scenario.identities();
    let of_file = |identity: &Identity| matches!(identity, Identity::Cookies(_));
    if record.browser.is_none() || identities.iter().any(of_file) {
        return None;
    }
    let expected = cookies_of(&identities, Path::new(""), seed).ok()?;
    let there = |name: &str, value: &str| {
        let name = format!("cookie:{name}");
        let mut canaries = record.canaries.iter();
        canaries.any(|canary| canary.name == name && canary.value == value)
    };
    expected
        .iter()
        .any(|cookie| !there(&cookie.name, &cookie.value))
        .then(|| "planted cookies are not those that follow from the seed".to_owned())
}
