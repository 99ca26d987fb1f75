//! The rules that a report names: those of the policies, and what a baseline asks. With help for whoever meets one.

use serde::Serialize;
use serde_json::{Value, json};

use crate::model::Effect;
use crate::policy::{ClaimTest, Gate, Policy};

pub const NEW: &str = "baseline-new-flow";
pub const STALE: &str = "baseline-stale-line";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    short_description: Value,
    full_description: Value,
    help: Value,
    default_configuration: Value,
    properties: Value,
}

/// The id of a rule in the report: where there are several policies, with its policy's name before it.
pub fn id_of(gate: &Gate<'_>, policy: &Policy, id: &str) -> String {
    match gate.policies().len() {
        0 | 1 => id.to_owned(),
        _ => {
            let stem = policy
                .path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy();
            format!("{stem}/{id}")
        }
    }
}

pub fn rules(gate: &Gate<'_>) -> Vec<Rule> {
    let mut rules = Vec::new();
    for policy in gate.policies() {
        for rule in policy
            .rules
            .iter()
            .filter(|rule| rule.effect != Effect::Allow)
        {
            let what = match rule.effect {
                Effect::Require => format!("Required: {}", rule.asks),
                _ => format!("Not to be told: {}", rule.asks),
            };
            let reason = rule.reason.clone().unwrap_or_else(|| what.clone());
            let help = format!(
                "{reason}.\n\nThe rule `{}` of {} asks for `{}`.\n\nA violation is a request that the browser made, or tried to \
                 make. Its page, what it told and its id are in the message; the bundle has the request byte for byte. Take the \
                 tag off the page, or, if it may be told, change the policy: docs/policy.md has the precedence.",
                rule.id,
                policy.path.display(),
                rule.asks,
            );
            rules.push(descriptor(
                id_of(gate, policy, &rule.id),
                &what,
                &reason,
                &help,
                rule.severity.as_str(),
                rule.effect.as_str(),
            ));
        }
        for claim in &policy.claims {
            let what = format!("Claimed: {}", claim.says);
            let asks = match &claim.test {
                ClaimTest::Deny { asks, .. } => asks.as_str(),
                ClaimTest::NotTestable(why) => why.as_str(),
            };
            let help = format!(
                "“{}” ({})\n\nThe claim is contradicted by a request that told what it denies: `{asks}`. What a server tells by \
                 itself is invisible to a browser.",
                claim.says, claim.source,
            );
            let id = id_of(gate, policy, &claim.id);
            rules.push(descriptor(
                id,
                &what,
                &claim.source,
                &help,
                "error",
                "claim",
            ));
        }
    }
    if gate.baseline.is_some() {
        rules.push(descriptor(
            NEW.to_owned(),
            "Something is told that the baseline does not have",
            "A flow that nobody accepted",
            "A page tells somebody something that it did not tell when the baseline was written. Take it off the page; or \
             accept it with `--update-baseline`, and review the difference; or allow it by a rule.",
            "error",
            "baseline",
        ));
        rules.push(descriptor(
            STALE.to_owned(),
            "The baseline lists what is no longer told",
            "A line that nothing matches",
            "Nothing matches the line any more. Take it out, or write the file anew with `--update-baseline`, so that it is \
             noticed when it comes back.",
            "error",
            "baseline",
        ));
    }
    rules
}

fn descriptor(id: String, short: &str, full: &str, help: &str, level: &str, tag: &str) -> Rule {
    let sentence = |text: &str| {
        let text = text.trim();
        match text.ends_with(['.', '!', '?']) {
            true => text.to_owned(),
            false => format!("{text}."),
        }
    };
    Rule {
        // A name that merely repeats the id is none.
        name: Some(pascal(&id)).filter(|name| !name.eq_ignore_ascii_case(&id)),
        short_description: json!({ "text": sentence(short) }),
        full_description: json!({ "text": sentence(full) }),
        help: json!({ "text": help.replace('`', "'"), "markdown": help }),
        default_configuration: json!({ "level": level }),
        properties: json!({ "tags": ["privacy", tag] }),
        id,
    }
}

/// `no-meta-on-report` → `NoMetaOnReport`: a rule's name is an identifier.
fn pascal(id: &str) -> String {
    let words = id.split(|c: char| !c.is_ascii_alphanumeric());
    let words = words.map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_identifiers() {
        assert_eq!(pascal("no-meta_on.reports"), "NoMetaOnReports");
    }
}
