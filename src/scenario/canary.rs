//! Canaries: values that exist nowhere else, typed so that they can be recognised wherever they go.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// What kind of value a canary is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CanaryKind {
    Email,
    Phone,
    Name,
    Text,
    Date,
    Postcode,
    Number,
}

impl CanaryKind {
    pub const ALL: [CanaryKind; 7] = [
        CanaryKind::Email,
        CanaryKind::Phone,
        CanaryKind::Name,
        CanaryKind::Text,
        CanaryKind::Date,
        CanaryKind::Postcode,
        CanaryKind::Number,
    ];

    /// By its name.
    pub fn of(name: &str) -> Option<CanaryKind> {
        CanaryKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            CanaryKind::Email => "email",
            CanaryKind::Phone => "phone",
            CanaryKind::Name => "name",
            CanaryKind::Text => "text",
            CanaryKind::Date => "date",
            CanaryKind::Postcode => "postcode",
            CanaryKind::Number => "number",
        }
    }
}

/// A canary with its value for this run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary {
    pub name: String,
    pub kind: CanaryKind,
    pub value: String,
}

/// What a run's canaries are derived from: the same seed gives the same values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed([u8; 32]);

impl Seed {
    /// From the system's random source.
    ///
    /// # Errors
    /// Where there is none.
    pub fn fresh() -> Result<Seed, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Seed(bytes))
    }

    pub fn from_bytes(bytes: [u8; 32]) -> Seed {
        Seed(bytes)
    }

    /// From what a person says: 64 hex digits as a run's record has them, or any other text.
    pub fn from_text(text: &str) -> Seed {
        let bytes = HEXLOWER.decode(text.as_bytes()).ok();
        let bytes: Option<[u8; 32]> = bytes.and_then(|bytes| bytes.try_into().ok());
        Seed(bytes.unwrap_or_else(|| Sha256::digest(text.as_bytes()).into()))
    }

    /// As a run's record has it.
    pub fn hex(&self) -> String {
        HEXLOWER.encode(&self.0)
    }

    /// Another, that follows from this one.
    pub fn other(&self) -> Seed {
        let mut hash = Sha256::new();
        hash.update(b"other");
        hash.update(self.0);
        Seed(hash.finalize().into())
    }

    /// The canaries of those names and kinds, no two of the same value.
    pub fn canaries<'a>(
        &self,
        wanted: impl Iterator<Item = (&'a String, &'a CanaryKind)>,
    ) -> Vec<Canary> {
        let mut canaries: Vec<Canary> = Vec::new();
        for (name, kind) in wanted {
            let mut canary = self.canary(name, *kind);
            // Of a thousand phone numbers two may well be the same.
            let mut tries = 1;
            while tries < 10_000 && canaries.iter().any(|other| other.value == canary.value) {
                let again = self.canary(&format!("{name} {tries}"), *kind);
                canary.value = again.value;
                tries += 1;
            }
            canaries.push(canary);
        }
        canaries
    }

    /// The value of the canary of that name.
    pub fn canary(&self, name: &str, kind: CanaryKind) -> Canary {
        let mut digits = Stream::new(&self.0, name);
        let value = match kind {
            // Capitals, a dot and a tag, so that a recipient's normalisation shows.
            CanaryKind::Email => format!(
                "{}.{}+{}@example.com",
                capitalised(&digits.letters(7)),
                capitalised(&digits.letters(6)),
                digits.letters(5)
            ),
            // Reserved by Ofcom for fiction: 07700 900000–900999.
            CanaryKind::Phone => format!("07700900{:03}", digits.below(1000)),
            CanaryKind::Name => capitalised(&digits.letters(9)),
            // What exists nowhere else comes first, so that its beginning can be told from other texts.
            CanaryKind::Text => format!(
                "{} and {} wrote this as a test, nothing happened to {}.",
                capitalised(&digits.letters(8)),
                capitalised(&digits.letters(8)),
                capitalised(&digits.letters(10))
            ),
            CanaryKind::Date => format!(
                "{}-{:02}-{:02}",
                1950 + digits.below(50),
                1 + digits.below(12),
                1 + digits.below(28)
            ),
            // The area ZZ is not in use.
            CanaryKind::Postcode => format!(
                "ZZ{} {}{}",
                1 + digits.below(99),
                digits.below(10),
                digits.letters(2).to_uppercase()
            ),
            CanaryKind::Number => {
                (0..12)
                    .map(|_| digits.below(9) + 1)
                    .fold(String::new(), |mut number, digit| {
                        number.push_str(&digit.to_string());
                        number
                    })
            }
        };
        Canary {
            name: name.to_owned(),
            kind,
            value,
        }
    }

    /// A number of that many digits, the first of which is fixed: for planted account ids.
    pub fn digits(&self, name: &str, first: &str, length: usize) -> String {
        let mut stream = Stream::new(&self.0, name);
        let mut number = first.to_owned();
        while number.len() < length {
            number.push_str(&stream.below(10).to_string());
        }
        number
    }

    /// Lower-case letters: for planted opaque cookies.
    pub fn letters(&self, name: &str, length: usize) -> String {
        Stream::new(&self.0, name).letters(length)
    }
}

/// A stream of numbers that follows from a seed and a name (SHA-256 in counter mode).
struct Stream {
    key: Sha256,
    counter: u64,
    block: Vec<u8>,
}

impl Stream {
    fn new(seed: &[u8], name: &str) -> Stream {
        let mut key = Sha256::new();
        key.update(seed);
        key.update(name.as_bytes());
        Stream {
            key,
            counter: 0,
            block: Vec::new(),
        }
    }

    fn below(&mut self, limit: u64) -> u64 {
        if self.block.len() < 4 {
            let mut hash = self.key.clone();
            hash.update(self.counter.to_le_bytes());
            self.counter += 1;
            self.block.extend_from_slice(&hash.finalize());
        }
        let word = self
            .block
            .drain(..4)
            .fold(0u64, |word, byte| word << 8 | u64::from(byte));
        word % limit
    }

    fn letters(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| char::from(b'a' + self.below(26) as u8))
            .collect()
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// Replaces each `{{name}}` by what `value` gives for it.
///
/// # Errors
/// The first name for which there is no value.
pub fn substitute<'a>(
    template: &str,
    value: impl Fn(&str) -> Option<&'a str>,
) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else {
            break;
        };
        text.push_str(before);
        text.push_str(value(name.trim()).ok_or_else(|| name.trim().to_owned())?);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

/// What a template names to be taken from the environment begins with this: `{{env:SITE_PASSWORD}}`.
pub const ENVIRONMENT: &str = "env:";

/// What a template names, in order.
pub fn placeholders(template: &str) -> Vec<&str> {
    let after = template.split("{{").skip(1);
    let named = after.filter_map(|rest| rest.split_once("}}"));
    named.map(|(name, _)| name.trim()).collect()
}

/// The first canary that a template names and that is not defined.
pub(super) fn undefined(template: &str, defined: &BTreeMap<String, CanaryKind>) -> Option<String> {
    let is_known = |name: &str| name.starts_with(ENVIRONMENT) || defined.contains_key(name);
    substitute(template, |name| is_known(name).then_some("")).err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_values_and_another_gives_others() {
        let one = Seed::from_bytes([1; 32]);
        let two = Seed::from_bytes([2; 32]);
        let email = one.canary("email", CanaryKind::Email).value;
        assert_eq!(email, one.canary("email", CanaryKind::Email).value);
        assert_ne!(email, two.canary("email", CanaryKind::Email).value);
        assert_ne!(email, one.canary("other", CanaryKind::Email).value);
        assert!(email.ends_with("@example.com") && email.contains('+') && email.contains('.'));
        let phone = one.canary("phone", CanaryKind::Phone).value;
        assert!(phone.starts_with("07700900") && phone.len() == 11);
        let names: Vec<(String, CanaryKind)> = (0..500)
            .map(|n| (format!("phone{n}"), CanaryKind::Phone))
            .collect();
        let phones = one.canaries(names.iter().map(|(name, kind)| (name, kind)));
        let values: std::collections::HashSet<&str> =
            phones.iter().map(|phone| phone.value.as_str()).collect();
        assert_eq!(values.len(), 500, "no two phones are the same");
        assert_eq!(Seed::from_text(&one.hex()), one);
        assert_eq!(Seed::from_text("a case"), Seed::from_text("a case"));
        assert_ne!(Seed::from_text("a case"), Seed::from_text("another"));
        assert_ne!(one.other(), one);
        assert_eq!(one.digits("c_user", "10", 15).len(), 15);
        assert_eq!(one.canary("n", CanaryKind::Number).value.len(), 12);
    }

    #[test]
    fn substitution_names_what_is_missing() {
        let value = |name: &str| (name == "email").then_some("a@example.com");
        assert_eq!(
            substitute("to {{ email }}!", value).unwrap(),
            "to a@example.com!"
        );
        assert_eq!(substitute("{{phone}}", value).unwrap_err(), "phone");
        assert_eq!(substitute("{{ open", value).unwrap(), "{{ open");
    }
}
