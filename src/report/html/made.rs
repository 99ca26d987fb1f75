//! How the run was made and held against Chromium's own account, what was looked for, and what the report does not know.

use serde_json::Value;

use super::text::Text;
use crate::model::{Moment, RunRecord};
use crate::report::words::side;
use crate::run::Run;

/// Names and what stands beside them.
pub(super) type Facts<'a> = Vec<(&'static str, Text<'a>)>;

const UNKNOWN: &str = "unknown";

/// The tool, the browser, the machine.
pub(super) fn made(run: &Run) -> Facts<'_> {
    let record = &run.record;
    let tool = &record.tool;
    let mut facts: Facts<'_> = Vec::new();
    let commit = tool.commit.as_deref().unwrap_or(UNKNOWN);
    let text = format!(
        "{} {}, commit {commit}, {}",
        tool.name, tool.version, tool.platform
    );
    facts.push(("Made by", Text::new(text)));
    if let Some(image) = &tool.image {
        facts.push(("In the image", Text::new(&**image)));
    }
    facts.push(("Begun", Text::new(record.started.to_string())));
    let finished = record.finished.as_ref().map(Moment::to_string);
    let finished = finished.unwrap_or_else(|| "never: the run was cut short".to_owned());
    facts.push(("Ended", Text::new(finished)));
    facts.push(("Scenario", Text::new(&*record.scenario.path)));
    facts.push(("Scenario's SHA-256", Text::new(&*record.scenario.sha256)));
    if let Some(policy) = &record.policy {
        facts.push(("Policy", Text::new(&*policy.path)));
        facts.push(("Policy's SHA-256", Text::new(&*policy.sha256)));
    }
    match &record.browser {
        None => facts.push(("Browser", Text::new(UNKNOWN))),
        Some(browser) => {
            facts.push(("Browser", Text::new(&*browser.version)));
            facts.push(("Shown to pages as", Text::new(&*browser.user_agent)));
            let seen = match browser.declared_automation {
                true => "yes",
                false => "no: pages met an ordinary Chrome of that version",
            };
            facts.push(("Pages could see the automation", Text::new(seen)));
            let sandbox = match (&browser.sandbox, &browser.sandbox_reason) {
                (Some(true), _) => "on".to_owned(),
                (Some(false), Some(why)) => format!("off: {why}"),
                (Some(false), None) => "off".to_owned(),
                (None, _) => UNKNOWN.to_owned(),
            };
            facts.push(("Browser's sandbox", Text::new(sandbox)));
            facts.push((
                "Third-party cookies",
                Text::new(&*browser.third_party_cookies),
            ));
            if let Some(elsewhere) = &browser.elsewhere {
                facts.push(("It ran elsewhere", Text::new(&**elsewhere)));
            }
            facts.push(("Flags", Text::new(browser.flags.join("\n"))));
        }
    }
    let host = &record.host;
    let or_unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| UNKNOWN.to_owned());
    let machine = format!(
        "{}, kernel {}, {} processors, time zone {}",
        or_unknown(&host.system),
        or_unknown(&host.kernel),
        host.cpus,
        or_unknown(&host.time_zone)
    );
    facts.push(("Machine", Text::new(machine)));
    facts.push((
        "Address that sites saw",
        Text::new(or_unknown(&host.egress)),
    ));
    let options = match &record.options {
        Value::Object(options) => {
            let lines = options
                .iter()
                .map(|(name, value)| format!("{name}: {value}"));
            lines.collect::<Vec<_>>().join("\n")
        }
        other => other.to_string(),
    };
    facts.push(("Options", Text::new(options)));
    facts
}

/// A value that was typed or planted.
#[derive(Debug)]
pub(super) struct Canary<'a> {
    pub(super) name: Text<'a>,
    pub(super) kind: Text<'a>,
    pub(super) value: Text<'a>,
    pub(super) typed: String,
}

pub(super) fn canaries(record: &RunRecord) -> Vec<Canary<'_>> {
    let canaries = record.canaries.iter().map(|canary| {
        let steps: Vec<String> = canary.typed_in.iter().map(u32::to_string).collect();
        Canary {
            name: Text::new(&*canary.name),
            kind: Text::new(&*canary.kind),
            value: Text::new(&*canary.value),
            typed: match (canary.kind.as_str(), steps.is_empty()) {
                ("cookie", _) => "planted as a cookie".to_owned(),
                (_, true) => "never typed".to_owned(),
                (_, false) => format!("in {} {}", plural(&steps), steps.join(", ")),
            },
        }
    });
    canaries.collect()
}

fn plural(steps: &[String]) -> &'static str {
    match steps.len() {
        1 => "step",
        _ => "steps",
    }
}

/// Requests that one source alone has.
#[derive(Debug)]
pub(super) struct Lone<'a> {
    pub(super) exchange: Text<'a>,
    pub(super) side: &'static str,
    pub(super) request: Text<'a>,
    pub(super) note: Text<'a>,
}

pub(super) fn lone(record: &RunRecord) -> Vec<Lone<'_>> {
    let lone = record.audit.in_one_source.iter().map(|residual| Lone {
        exchange: Text::new(&*residual.exchange),
        side: side(residual.seen_by),
        request: Text::new(format!("{} {}", residual.method, residual.url)),
        note: Text::new(&*residual.note),
    });
    lone.collect()
}

/// What was looked for, how and where.
pub(super) fn searched(run: &Run) -> Facts<'_> {
    let searched = &run.findings.searched;
    let values: Vec<String> = searched
        .canaries
        .iter()
        .map(|canary| {
            format!(
                "{} ({}): {}",
                canary.name,
                canary.kind,
                canary.forms.join(" | ")
            )
        })
        .collect();
    let transforms = &searched.transforms;
    let exchanges = &searched.exchanges;
    let mut facts: Facts<'_> = Vec::new();
    let list = |items: &[String]| match items.is_empty() {
        true => "none".to_owned(),
        false => items.join(", "),
    };
    facts.push((
        "Values, and the forms that they were looked for in",
        Text::new(match values.is_empty() {
            true => "none: nothing was typed".to_owned(),
            false => values.join("\n"),
        }),
    ));
    let text = format!(
        "{} texts as they stand, {} digests made beforehand ({}); undone where they are met, {} on top of each other: {}",
        transforms.texts,
        transforms.digests,
        list(&transforms.algorithms),
        transforms.depth,
        list(&transforms.encodings),
    );
    facts.push(("How", Text::new(text)));
    let text = format!(
        "{} values in {} requests to third parties and {} to the site itself; places: {}",
        exchanges.values,
        exchanges.told,
        exchanges.own,
        list(&searched.places),
    );
    facts.push(("Where", Text::new(text)));
    facts.push(("Topics", Text::new(list(&searched.topics))));
    facts
}
