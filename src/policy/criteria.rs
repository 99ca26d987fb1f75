//! The keys that a rule may give: the one registration that reading, `docs/rules.md` and the schema follow from.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::condition::{Condition, Told};
use super::glob::{NameGlob, PageGlob};
use crate::decode::DECODERS;
use crate::model::{EventClass, EventKind, Outcome, companies_of_product, recipients};

/// What is wrong with a value, and what to do about it.
pub type Wrong = (String, String);

/// A key of `deny`, `allow` and `require`.
#[derive(Debug, Clone, Copy)]
pub struct Criterion {
    pub key: &'static str,
    /// What it takes, in a few words.
    pub takes: &'static str,
    pub about: &'static str,
    /// As it is written in a policy.
    pub example: &'static str,
    /// The values that there are; nothing where any text may be one.
    pub values: Option<fn() -> Vec<String>>,
    read: fn(&str) -> Result<Condition, Wrong>,
}

/// Every key: to add one, give it a [`Condition`] and name it here.
pub const CRITERIA: &[Criterion] = &[
    Criterion {
        key: "page",
        takes: "globs of pages",
        about: "The request was made on such a page of the site, or tells its address. `/report/**` is held against the path, on every host of the site; `https://forms.police.example/**` against the whole address.",
        example: "page: [\"/\", \"/careers/**\"]",
        values: None,
        read: |text| PageGlob::new(text).map(Condition::Page),
    },
    Criterion {
        key: "recipient",
        takes: "companies",
        about: "Company that is told, as in the evidence's `recipient`. One that is not known has a `host`.",
        example: "recipient: Meta",
        values: Some(companies),
        read: |text| one_of(text, "recipient", companies(), true).map(Condition::Recipient),
    },
    Criterion {
        key: "host",
        takes: "hosts, `*` for any part",
        about: "Host that the request goes to; a domain is all its hosts.",
        example: "host: \"*.tracker.example\"",
        values: None,
        read: host,
    },
    Criterion {
        key: "vendor",
        takes: "decoders",
        about: "Decoder that reads the request.",
        example: "vendor: meta_pixel",
        values: Some(vendors),
        read: |text| one_of(text, "vendor", vendors(), false).map(Condition::Vendor),
    },
    Criterion {
        key: "event",
        takes: "names of events, `*` for any part",
        about: "Name of the event, as the evidence's `event_name`.",
        example: "event: [PageView, SubscribedButtonClick]",
        values: None,
        read: |text| NameGlob::new(text, false).map(Condition::Event),
    },
    Criterion {
        key: "event_class",
        takes: "classes",
        about: "Whether the event is one of Meta's standard events, one that its library sends by itself, or the site's own.",
        example: "event_class: automatic",
        values: Some(|| {
            names(&[
                EventClass::Standard,
                EventClass::Automatic,
                EventClass::Custom,
            ])
        }),
        read: |text| enumerated("event_class", text).map(Condition::EventClass),
    },
    Criterion {
        key: "kind",
        takes: "kinds",
        about: "What kind of request it is: an `event`, the tracker's `library`, its `config`…",
        example: "kind: event",
        values: Some(|| {
            names(&[
                EventKind::Event,
                EventKind::Config,
                EventKind::Library,
                EventKind::Gateway,
                EventKind::IdentitySync,
                EventKind::Telemetry,
                EventKind::Topics,
            ])
        }),
        read: |text| enumerated("kind", text).map(Condition::Kind),
    },
    Criterion {
        key: "parameter",
        takes: "names of parameters, `*` for any part",
        about: "Something stands there: a parameter by its key, an advanced-matching value (`udff[em]`), a signal (`cookie:c_user`); of a request that no decoder reads, what stands in its query. With `verdict` or `field`, that very thing stands there.",
        example: "parameter: \"cd[*]\"",
        values: None,
        read: |text| NameGlob::new(text, false).map(Condition::Parameter),
    },
    Criterion {
        key: "field",
        takes: "fields or canaries of the scenario, `*` for any part",
        about: "What was typed into such a field, by its selector or by the canary's name, is in the request.",
        example: "field: \"#what-happened\"",
        values: None,
        read: |text| NameGlob::new(text, false).map(Condition::Field),
    },
    Criterion {
        key: "verdict",
        takes: "verdicts",
        about: "The request carries what was typed, tells what a page is about, or ties either to a person or a browser.",
        example: "verdict: typed_value",
        values: Some(verdicts),
        read: |text| {
            let name = one_of(text, "verdict", verdicts(), false)?;
            let told = Told::ALL.into_iter().find(|told| told.as_str() == name);
            told.map(Condition::Verdict)
                .ok_or_else(|| (String::new(), String::new()))
        },
    },
    Criterion {
        key: "consent",
        takes: "states",
        about: "How the consent banner had been answered by then.",
        example: "consent: [unanswered, reject]",
        values: Some(consents),
        read: |text| one_of(text, "consent", consents(), false).map(Condition::Consent),
    },
    Criterion {
        key: "step",
        takes: "numbers of steps, or `first-last`",
        about: "Step of the scenario during which the request was made, counted from 1.",
        example: "step: [3, 5-7]",
        values: None,
        read: step,
    },
    Criterion {
        key: "outcome",
        takes: "outcomes",
        about: "What became of the request. Without it an attempt counts, whatever became of it.",
        example: "outcome: completed",
        values: Some(|| {
            names(&[
                Outcome::Completed,
                Outcome::Failed,
                Outcome::Blocked,
                Outcome::Contained,
                Outcome::Pending,
            ])
        }),
        read: |text| enumerated("outcome", text).map(Condition::Outcome),
    },
    Criterion {
        key: "banner",
        takes: "`present`",
        about: "Only in `require`: a consent banner is recognised. The journey must look for one (`consent: reject` or `accept`).",
        example: "banner: present",
        values: Some(|| vec!["present".to_owned()]),
        read: |text| {
            one_of(text, "banner", vec!["present".to_owned()], false).map(|_| Condition::Banner)
        },
    },
];

impl Criterion {
    /// # Errors
    /// What is wrong with the value, and what to do.
    pub fn read(&self, text: &str) -> Result<Condition, Wrong> {
        (self.read)(text)
    }
}

/// The criterion of a key.
///
/// # Errors
/// What is wrong, with the nearest key.
pub fn criterion(key: &str) -> Result<&'static Criterion, Wrong> {
    let found = CRITERIA.iter().find(|criterion| criterion.key == key);
    found.ok_or_else(|| {
        let keys: Vec<String> = CRITERIA.iter().map(|c| c.key.to_owned()).collect();
        let message = format!("a rule cannot ask for `{key}`");
        (message, nearest_or_all(key, &keys))
    })
}

fn companies() -> Vec<String> {
    recipients().into_iter().map(str::to_owned).collect()
}

fn vendors() -> Vec<String> {
    let vendors = DECODERS.iter().map(|decoder| decoder.vendor().to_owned());
    vendors.collect()
}

fn verdicts() -> Vec<String> {
    Told::ALL
        .iter()
        .map(|told| told.as_str().to_owned())
        .collect()
}

fn consents() -> Vec<String> {
    ["unanswered", "reject", "accept"]
        .map(str::to_owned)
        .to_vec()
}

/// The words that records have for them.
fn names<T: serde::Serialize>(values: &[T]) -> Vec<String> {
    let names = values
        .iter()
        .filter_map(|value| match serde_json::to_value(value) {
            Ok(Value::String(name)) => Some(name),
            _ => None,
        });
    names.collect()
}

fn one_of(text: &str, key: &str, known: Vec<String>, any_case: bool) -> Result<String, Wrong> {
    let is_it = |name: &&String| **name == text || (any_case && name.eq_ignore_ascii_case(text));
    if let Some(name) = known.iter().find(is_it) {
        return Ok(name.clone());
    }
    let message = match key {
        "recipient" => format!("no recipient `{text}` is known"),
        _ => format!("`{text}` is no {key}"),
    };
    let products = companies_of_product(text);
    let mut help = match &products[..] {
        [company] if key == "recipient" && text.len() >= 4 => format!("did you mean `{company}`?"),
        _ => nearest_or_all(text, &known),
    };
    if key == "recipient" {
        help += " A company that is not known has a `host`.";
    }
    Err((message, help))
}

/// A value of an enumeration that records have.
fn enumerated<T: DeserializeOwned>(key: &str, text: &str) -> Result<T, Wrong> {
    serde_json::from_value(Value::from(text)).map_err(|_| {
        let criterion = CRITERIA.iter().find(|criterion| criterion.key == key);
        let known = criterion
            .and_then(|criterion| criterion.values)
            .map(|values| values());
        let help = nearest_or_all(text, &known.unwrap_or_default());
        (format!("`{text}` is no {key}"), help)
    })
}

/// `did you mean …?`, or what there is.
pub fn nearest_or_all(text: &str, known: &[String]) -> String {
    let lower = text.to_lowercase();
    let mut near: Vec<(usize, &str)> = known
        .iter()
        .map(|name| {
            let name_lower = name.to_lowercase();
            let distance = strsim::damerau_levenshtein(&lower, &name_lower);
            let begins = name_lower.starts_with(&lower) || lower.starts_with(&name_lower);
            (
                if begins { distance.min(1) } else { distance },
                name.as_str(),
            )
        })
        .filter(|(distance, name)| *distance <= 1.max(name.len() / 3))
        .collect();
    near.sort_unstable();
    near.truncate(3);
    match &near[..] {
        [] if known.is_empty() => "there are none".to_owned(),
        [] if known.len() > 20 => "docs/rules.md lists those that there are.".to_owned(),
        [] => format!("there are: {}", known.join(", ")),
        near => {
            let near: Vec<String> = near.iter().map(|(_, name)| format!("`{name}`")).collect();
            format!("did you mean {}?", near.join(" or "))
        }
    }
}

fn host(text: &str) -> Result<Condition, Wrong> {
    if text.contains(['/', ':', ' ']) || text.is_empty() {
        let message = format!("`{text}` is no host");
        let help = "write it without scheme, port and path, as in `www.facebook.com` or `*.tracker.example`";
        return Err((message, help.to_owned()));
    }
    NameGlob::new(text, true).map(Condition::Host)
}

fn step(text: &str) -> Result<Condition, Wrong> {
    let number = |text: &str| text.trim().parse::<u32>().ok().filter(|number| *number > 0);
    let range = match text.split_once('-') {
        Some((first, last)) => number(first).zip(number(last)),
        None => number(text).map(|step| (step, step)),
    };
    match range {
        Some((first, last)) if first <= last => Ok(Condition::Step(first, last)),
        _ => Err((
            format!("`{text}` is no step"),
            "steps are counted from 1, as in `3` or `5-7`".to_owned(),
        )),
    }
}
