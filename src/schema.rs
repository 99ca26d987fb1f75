//! JSON Schemas (draft 2020-12) of what people write and of what is written: made from the types, and for policies from the
//! registry of keys. `schemas/` holds them; editors complete by them.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::model::{Exchange, Findings, Index, RunRecord, Severity, TrackerEvent};
use crate::policy::CRITERIA;
use crate::scenario::Scenario;

/// A schema by its name on the command line.
#[derive(Debug, Clone, Copy)]
pub struct Named {
    pub name: &'static str,
    pub about: &'static str,
    make: fn() -> Value,
}

/// Every schema: to add one, name it here.
pub const SCHEMAS: &[Named] = &[
    Named {
        name: "scenario",
        about: "A journey, as people write it in YAML.",
        make: || Scenario::schema(generator()).to_value(),
    },
    Named {
        name: "policy",
        about: "Rules and claims, as people write them in YAML.",
        make: policy,
    },
    Named {
        name: "evidence",
        about: "An evidence record: a line of data/evidence.jsonl, or of what `decode` prints.",
        make: of::<TrackerEvent>,
    },
    Named {
        name: "run",
        about: "How a run went: data/run.json.",
        make: of::<RunRecord>,
    },
    Named {
        name: "exchanges",
        about: "A request: a line of data/exchanges.jsonl.",
        make: of::<Exchange>,
    },
    Named {
        name: "findings",
        about: "What was found: data/findings.json.",
        make: of::<Findings>,
    },
    Named {
        name: "index",
        about: "What came of a batch of journeys: index.json.",
        make: of::<Index>,
    },
];

impl Named {
    /// As its file is written.
    pub fn text(&self) -> String {
        let mut schema = (self.make)();
        if let Some(schema) = schema.as_object_mut() {
            schema.insert(
                "title".to_owned(),
                format!("pixelwitness {}", self.name).into(),
            );
            schema.insert("description".to_owned(), self.about.into());
        }
        format!("{schema:#}\n")
    }
}

/// Of what is read and written alike, so that every key that is always written is required.
fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().into_generator()
}

fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// One of them, or a list; `values` are all that there are.
fn texts(values: Option<Vec<String>>, numbers: bool) -> Value {
    let mut one = Map::new();
    match values {
        Some(values) => one.insert("enum".to_owned(), values.into()),
        None if numbers => one.insert("type".to_owned(), json!(["string", "integer"])),
        None => one.insert("type".to_owned(), "string".into()),
    };
    json!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
}

fn policy() -> Value {
    let matcher = |effect: &str| {
        let mut keys = Map::new();
        for criterion in CRITERIA {
            if criterion.key == "banner" && effect != "require" {
                continue;
            }
            let mut schema = texts(
                criterion.values.map(|values| values()),
                criterion.key == "step",
            );
            schema["description"] = criterion.about.into();
            keys.insert(criterion.key.to_owned(), schema);
        }
        json!({ "type": "object", "properties": keys, "additionalProperties": false, "minProperties": 1 })
    };
    let id = json!({
        "type": "string", "pattern": "^[A-Za-z0-9._-]+$",
        "description": "Reports and suppressions name it; no two rules or claims have the same.",
    });
    let severities = [Severity::Error, Severity::Warning, Severity::Note];
    let severities: Vec<&str> = severities
        .iter()
        .map(|severity| severity.as_str())
        .collect();
    let text = |about: &str| json!({ "type": "string", "description": about });
    let rule = json!({
        "type": "object",
        "properties": {
            "id": id,
            "deny": { "$ref": "#/$defs/deny", "description": "No request may match." },
            "allow": { "$ref": "#/$defs/allow", "description": "What matches needs no line in a baseline; with `except`, it is taken out of these denies." },
            "require": { "$ref": "#/$defs/require", "description": "A request must match, or a banner be there, where the page is reached." },
            "except": { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" }, "minItems": 1 }], "description": "Ids of the denies that an allow is an exception to." },
            "severity": { "enum": severities, "description": "`error` counts for the exit code, the others are reported." },
            "reason": text("Why; reports say it."),
            "until": { "type": "string", "format": "date", "description": "Last day of an exception, in UTC." },
        },
        "required": ["id"],
        "oneOf": [{ "required": ["deny"] }, { "required": ["allow"] }, { "required": ["require"] }],
        "additionalProperties": false,
    });
    let claim = json!({
        "type": "object",
        "properties": {
            "id": id,
            "says": text("What was claimed, quoted or paraphrased."),
            "source": text("Who said it, and when."),
            "deny": { "$ref": "#/$defs/deny", "description": "What would contradict it." },
            "not_testable": text("Why no traffic could contradict it."),
        },
        "required": ["id", "says", "source"],
        "oneOf": [{ "required": ["deny"] }, { "required": ["not_testable"] }],
        "additionalProperties": false,
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "",
        "description": "",
        "type": "object",
        "properties": {
            "rules": { "type": "array", "items": { "$ref": "#/$defs/rule" } },
            "claims": { "type": "array", "items": { "$ref": "#/$defs/claim" } },
        },
        "additionalProperties": false,
        "minProperties": 1,
        "$defs": {
            "rule": rule, "claim": claim,
            "deny": matcher("deny"), "allow": matcher("allow"), "require": matcher("require"),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `PIXELWITNESS_BLESS=1 cargo test schemas` writes them anew.
    #[test]
    fn schemas_are_those_of_the_types() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
        for schema in SCHEMAS {
            let path = folder.join(format!("{}.schema.json", schema.name));
            let text = schema.text();
            if std::env::var_os("PIXELWITNESS_BLESS").is_some() {
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(&path, &text).unwrap();
            }
            let kept = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(kept == text, "{} is not what the types say", path.display());
        }
    }
}
