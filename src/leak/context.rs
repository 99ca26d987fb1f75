//! What pages are about, in what was told of them. An observation, the topic that it matches and the legal category that
//! it may be are three things, and never one.

use serde_json::Value;

use super::coding::class;
use super::decoders;
use crate::model::{Candidate, Observation, TopicMatch, TrackerEvent};

/// Texts of one request that are looked at.
const MOST_TEXTS: usize = 4096;

/// What an event told of the page: its address, where the visitor came from, and every string of the custom data
/// (titles, button texts, the names of form fields, the targets of links).
pub fn told(event: &TrackerEvent) -> Vec<Observation> {
    let mut told = Vec::new();
    let mut take = |place: &str, text: &str| {
        if !text.is_empty() && told.len() < MOST_TEXTS {
            told.push(Observation {
                place: place.to_owned(),
                text: text.to_owned(),
            });
        }
    };
    if let Some(url) = &event.page_url {
        take("page address", url);
    }
    if let Some(url) = &event.referrer {
        take("referrer", url);
    }
    for (key, value) in &event.custom_data {
        strings(&format!("cd[{key}]"), value, &mut take);
    }
    told
}

fn strings(path: &str, value: &Value, take: &mut impl FnMut(&str, &str)) {
    match value {
        Value::String(text) => take(path, text),
        Value::Array(values) => values.iter().for_each(|value| strings(path, value, take)),
        Value::Object(map) => map
            .iter()
            .for_each(|(key, value)| strings(&format!("{path}.{key}"), value, take)),
        _ => {}
    }
}

/// What a request that no decoder reads may tell of the page: its values, as they stand and out of Base64.
pub fn told_by_request(values: Vec<(String, Vec<u8>)>) -> Vec<Observation> {
    let mut told = Vec::new();
    for (place, value) in values {
        if value.len() < 3 || told.len() >= MOST_TEXTS {
            continue;
        }
        let symbols = value
            .iter()
            .all(|byte| class::OF[usize::from(*byte)] & class::BASE64 != 0);
        if symbols
            && value.len() >= 16
            && let Some((bytes, _)) = decoders::base64(&value)
            && let Ok(text) = String::from_utf8(bytes)
        {
            told.push(Observation {
                place: format!("{place} ← base64"),
                text,
            });
        }
        if let Ok(text) = String::from_utf8(value) {
            told.push(Observation { place, text });
        }
    }
    told
}

/// Whether it is the address of a page of the site.
pub fn is_page(told: &Observation, origin: &str) -> bool {
    matches!(told.place.as_str(), "page address" | "referrer")
        || told
            .text
            .strip_prefix(origin)
            .is_some_and(|path| path.len() > 1)
}

/// The first of the topics whose words stand in a text, one after the other, as whole words, their endings aside.
pub fn topics_in(text: &str, topics: &[String]) -> Vec<TopicMatch> {
    if topics.is_empty() {
        return Vec::new();
    }
    let unescaped = decoders::percent(text.as_bytes());
    let unescaped = unescaped.as_deref().map(String::from_utf8_lossy);
    let words = words(unescaped.as_deref().unwrap_or(text));
    let mut found = Vec::new();
    for topic in topics {
        let wanted = self::words(topic);
        if wanted.is_empty() {
            continue;
        }
        let stands = |at: &[String]| {
            at.iter()
                .zip(&wanted)
                .all(|(word, wanted)| is_form_of(word, wanted))
        };
        if let Some(at) = words.windows(wanted.len()).find(|at| stands(at)) {
            found.push(TopicMatch {
                topic: topic.clone(),
                matched: at.join(" "),
                rule: "topics of the scenario".to_owned(),
            });
        }
    }
    found
}

/// `offences` is a form of `offence`; `therapeutic` is none of `rape`.
fn is_form_of(word: &str, wanted: &str) -> bool {
    word.strip_prefix(wanted)
        .is_some_and(|ending| matches!(ending, "" | "s" | "es" | "d" | "ed" | "ing" | "er" | "ers"))
}

/// In lower case, at everything that is no letter or digit, and where a capital follows a small letter.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut small = false;
    for c in text.chars() {
        let ends = !c.is_alphanumeric() || (small && c.is_uppercase());
        if ends && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        small = c.is_lowercase();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

const SPECIAL: &str = "dpv:SpecialCategoryPersonalData";
const SENSITIVE: &str = "dpv:SensitivePersonalData";

/// Words of topics, what of law they may touch, and the category that would be. The categories are the W3C Data Privacy
/// Vocabulary's; what they rest on is in the GDPR.
const CATEGORIES: [(&str, &[&str], &str); 6] = [
    (
        "health, GDPR Art. 9(1)",
        &[
            "health",
            "medical",
            "condition",
            "symptom",
            "diagnosis",
            "pregnancy",
            "abortion",
            "hiv",
            "cancer",
            "depression",
            "suicide",
            "disability",
            "addiction",
            "contraception",
            "treatment",
            "clinic",
            "patient",
            "illness",
            "disease",
            "hospital",
            "therapy",
        ],
        SPECIAL,
    ),
    (
        "sex life, GDPR Art. 9(1)",
        &["sexual", "rape", "sex", "gay", "lesbian", "transgender"],
        SPECIAL,
    ),
    (
        "religion or belief, GDPR Art. 9(1)",
        &["religion", "church", "mosque", "synagogue", "faith"],
        SPECIAL,
    ),
    (
        "political opinion or union, GDPR Art. 9(1)",
        &["political", "party", "union"],
        SPECIAL,
    ),
    (
        "origin, GDPR Art. 9(1)",
        &["ethnic", "race", "racial", "hate"],
        SPECIAL,
    ),
    (
        "offences, GDPR Art. 10",
        &[
            "offence",
            "offense",
            "crime",
            "assault",
            "abuse",
            "stalking",
            "fraud",
            "victim",
            "burglary",
            "theft",
            "violence",
            "harassment",
            "trafficking",
            "robbery",
            "arrest",
        ],
        SENSITIVE,
    ),
];

/// What a topic may be in law.
pub fn candidate(topic: &TopicMatch) -> Option<Candidate> {
    let words = words(&topic.topic);
    CATEGORIES.iter().find_map(|(what, stems, category)| {
        let word = words
            .iter()
            .find(|word| stems.iter().any(|stem| is_form_of(word, stem)))?;
        Some(Candidate {
            category: (*category).to_owned(),
            because: format!("the topic has the word “{word}” ({what})"),
            status: "for legal review".to_owned(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(text: &str, topics: &[&str]) -> Vec<String> {
        let topics: Vec<String> = topics.iter().map(|topic| (*topic).to_owned()).collect();
        topics_in(text, &topics)
            .into_iter()
            .map(|found| found.matched)
            .collect()
    }

    #[test]
    fn a_topic_is_words_not_letters() {
        let address = "https://www.police.example/report/sexual-offences/?a=b";
        assert_eq!(topics(address, &["sexual offence"]), ["sexual offences"]);
        assert_eq!(
            topics("Report%20a%20Sexual%2BOffence", &["sexual offence"]),
            ["sexual offence"]
        );
        assert_eq!(
            topics("clickedSexualOffence", &["sexual offence"]),
            ["sexual offence"]
        );
        assert_eq!(topics("/therapeutic/grapes/", &["rape"]), [""; 0]);
        assert_eq!(topics("/advice/rape/", &["rape", "stalking"]), ["rape"]);
    }

    #[test]
    fn a_category_is_a_candidate_and_says_why() {
        let found = topics_in("rape", &["rape".to_owned()]);
        let candidate = candidate(&found[0]).unwrap();
        assert_eq!(candidate.category, "dpv:SpecialCategoryPersonalData");
        assert_eq!(candidate.status, "for legal review");
        let careers = topics_in("careers", &["careers".to_owned()]);
        assert_eq!(super::candidate(&careers[0]), None);
    }
}
