//! A policy as people write it: YAML, parsed into types at the edge, with a place for every error.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde_saphyr::{Location, Spanned};
use sha2::{Digest, Sha256};

use super::condition::{Condition, Matcher};
use super::criteria::{Wrong, criterion, nearest_or_all};
use super::yaml::{Asked, ClaimFile, PolicyFile, RuleFile, Texts};
use crate::decode::meta_pixel::own_events;
use crate::model::{Effect, Severity};
use crate::scenario::{Diagnostic, POLICY};

/// What may be told, and what was claimed.
#[derive(Debug, Clone)]
pub struct Policy {
    pub path: PathBuf,
    /// The exact bytes, for the bundle.
    pub text: String,
    pub rules: Vec<Rule>,
    pub claims: Vec<Claim>,
}

#[derive(Debug, Clone)]
pub struct Rule {
    pub id: String,
    pub effect: Effect,
    pub matcher: Matcher,
    /// The matcher, as it was written.
    pub asks: String,
    /// Denies that an allow is an exception to, by their ids.
    pub except: Vec<String>,
    pub severity: Severity,
    pub reason: Option<String>,
    /// The last day on which an exception counts.
    pub until: Option<Date>,
    /// Line and column of the policy, counted from 1.
    pub line: u64,
    pub column: u64,
}

#[derive(Debug, Clone)]
pub struct Claim {
    pub id: String,
    pub says: String,
    pub source: String,
    pub test: ClaimTest,
    pub line: u64,
    pub column: u64,
}

/// What could contradict a claim.
#[derive(Debug, Clone)]
pub enum ClaimTest {
    Deny {
        matcher: Matcher,
        asks: String,
    },
    /// Nothing that a browser sees, and why.
    NotTestable(String),
}

impl Policy {
    /// Reads a policy from disk. `today` is the day on which exceptions must not be past.
    ///
    /// # Errors
    /// A [`Diagnostic`] that names the file and, where there is one, line and column.
    pub fn load(path: &Path, today: Date) -> Result<Policy, Box<Diagnostic>> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Diagnostic::of_file(
                path,
                format!("the policy cannot be read: {error}"),
                "give the path of a policy in YAML; `pixelwitness init URL` writes one to begin with",
            )
        })?;
        Policy::parse(path, text, today)
    }

    /// Parses a policy; `path` is only used to name it.
    ///
    /// # Errors
    /// A [`Diagnostic`] with the line, what was expected, and what to do.
    pub fn parse(path: &Path, text: String, today: Date) -> Result<Policy, Box<Diagnostic>> {
        if text.trim().is_empty() {
            return Err(Diagnostic::of_file(path, POLICY.empty, POLICY.needs));
        }
        let file: PolicyFile = serde_saphyr::from_str(&text)
            .map_err(|error| Diagnostic::of_yaml(path, &text, &error, &POLICY))?;
        let reading = Reading {
            path,
            text: &text,
            today,
        };
        if file.rules.is_empty() && file.claims.is_empty() {
            return Err(Diagnostic::of_file(
                path,
                "the policy has neither rules nor claims",
                POLICY.needs,
            ));
        }
        let ids = file.rules.iter().map(|rule| &rule.value.id);
        let ids: Vec<&Spanned<String>> = ids
            .chain(file.claims.iter().map(|claim| &claim.value.id))
            .collect();
        reading.check_ids(&ids)?;
        let mut rules = Vec::new();
        let mut excepts = Vec::new();
        for rule in &file.rules {
            rules.push(reading.rule(rule)?);
            excepts.extend(rule.value.except.as_ref());
        }
        for except in excepts {
            reading.check_except(except, &rules)?;
        }
        let claims = file.claims.iter().map(|claim| reading.claim(claim));
        let claims = claims.collect::<Result<_, _>>()?;
        Ok(Policy {
            path: path.to_owned(),
            rules,
            claims,
            text,
        })
    }

    /// Hex SHA-256 of the exact bytes.
    pub fn sha256(&self) -> String {
        data_encoding::HEXLOWER.encode(&Sha256::digest(self.text.as_bytes()))
    }
}

struct Reading<'a> {
    path: &'a Path,
    text: &'a str,
    today: Date,
}

impl Reading<'_> {
    fn at(
        &self,
        place: Location,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Box<Diagnostic> {
        Diagnostic::at(self.path, self.text, place, message, help)
    }

    fn check_ids(&self, ids: &[&Spanned<String>]) -> Result<(), Box<Diagnostic>> {
        for (number, id) in ids.iter().enumerate() {
            let fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if id.value.is_empty() || !id.value.chars().all(fit) {
                return Err(self.at(
                    id.referenced,
                    format!("`{}` is no id", id.value),
                    "use letters, digits, `-`, `_` and `.`: reports and suppressions name it",
                ));
            }
            if let Some(other) = ids[..number].iter().find(|other| other.value == id.value) {
                return Err(self.at(
                    id.referenced,
                    format!("the id `{}` is given twice", id.value),
                    format!(
                        "it stands on line {} already; rules and claims have ids of their own",
                        other.referenced.line()
                    ),
                ));
            }
        }
        Ok(())
    }

    fn rule(&self, rule: &Spanned<RuleFile>) -> Result<Rule, Box<Diagnostic>> {
        let (place, rule) = (rule.referenced, &rule.value);
        let id = &rule.id.value;
        let effects = [
            (Effect::Deny, &rule.deny),
            (Effect::Allow, &rule.allow),
            (Effect::Require, &rule.require),
        ];
        let given: Vec<_> = effects
            .into_iter()
            .filter_map(|(effect, asked)| asked.as_ref().map(|asked| (effect, asked)))
            .collect();
        let [(effect, asked)] = given[..] else {
            let (message, help) = match given.len() {
                0 => ("does nothing", "give it `deny`, `allow` or `require`"),
                _ => ("does more than one thing", "make a rule of each"),
            };
            return Err(self.at(
                rule.id.referenced,
                format!("the rule `{id}` {message}"),
                help,
            ));
        };
        let (matcher, asks) = self.matcher(asked, effect == Effect::Require)?;
        let severity = match &rule.severity {
            None => Severity::Error,
            Some(given) if effect == Effect::Allow => {
                let message = "an allow is never violated, so it has no severity";
                return Err(self.at(given.referenced, message, "leave `severity` out"));
            }
            Some(given) => severity(&given.value)
                .map_err(|(message, help)| self.at(given.referenced, message, help))?,
        };
        if let Some(except) = &rule.except
            && effect != Effect::Allow
        {
            let message = format!(
                "only an allow is an exception to something, not a {}",
                effect.as_str()
            );
            let help = "write an `allow` that names this rule under `except`";
            return Err(self.at(except.referenced, message, help));
        }
        let until = match &rule.until {
            None => None,
            Some(until) if effect != Effect::Allow => {
                let message = format!("a {} does not end by itself", effect.as_str());
                let help = "only an allow has `until`; take the rule out when it no longer holds";
                return Err(self.at(until.referenced, message, help));
            }
            Some(until) => Some(self.until(until)?),
        };
        Ok(Rule {
            id: id.clone(),
            effect,
            matcher,
            asks,
            except: rule
                .except
                .as_ref()
                .map(|except| except.value.names())
                .unwrap_or_default(),
            severity,
            reason: rule.reason.clone(),
            until,
            line: place.line(),
            column: place.column(),
        })
    }

    fn until(&self, until: &Spanned<String>) -> Result<Date, Box<Diagnostic>> {
        let date: Date = until.value.trim().parse().map_err(|_| {
            let message = format!("`{}` is no day", until.value);
            self.at(until.referenced, message, "write it as in `2027-01-31`")
        })?;
        if date < self.today {
            let message = format!("the exception ended on {date}, and today is {}", self.today);
            let help = "take it out, or give it another day if it is still needed; `check --date` judges as of another day";
            return Err(self.at(until.referenced, message, help));
        }
        Ok(date)
    }

    fn check_except(&self, except: &Spanned<Texts>, rules: &[Rule]) -> Result<(), Box<Diagnostic>> {
        for (place, name) in &except.value.0 {
            let place = place.unwrap_or(except.referenced);
            match rules.iter().find(|rule| rule.id == *name) {
                Some(rule) if rule.effect == Effect::Deny => {}
                Some(rule) => {
                    let message =
                        format!("`{name}` is no deny: it says `{}`", rule.effect.as_str());
                    return Err(self.at(place, message, "an exception is made to a deny"));
                }
                None => {
                    let denies = rules.iter().filter(|rule| rule.effect == Effect::Deny);
                    let denies: Vec<String> = denies.map(|rule| rule.id.clone()).collect();
                    let message = format!("there is no deny `{name}`");
                    return Err(self.at(place, message, nearest_or_all(name, &denies)));
                }
            }
        }
        Ok(())
    }

    fn claim(&self, claim: &Spanned<ClaimFile>) -> Result<Claim, Box<Diagnostic>> {
        let (place, claim) = (claim.referenced, &claim.value);
        for (text, key, help) in [
            (&claim.says, "says", "quote or paraphrase what was claimed"),
            (&claim.source, "source", "who said it, and when"),
        ] {
            if text.value.trim().is_empty() {
                return Err(self.at(text.referenced, format!("`{key}` is empty"), help));
            }
        }
        let test = match (&claim.deny, &claim.not_testable) {
            (Some(asked), None) => {
                let (matcher, asks) = self.matcher(asked, false)?;
                ClaimTest::Deny { matcher, asks }
            }
            (None, Some(why)) if why.value.trim().is_empty() => {
                let help = "say what keeps traffic from contradicting it";
                return Err(self.at(why.referenced, "`not_testable` is empty", help));
            }
            (None, Some(why)) => ClaimTest::NotTestable(why.value.clone()),
            (Some(_), Some(why)) => {
                let message = "a claim is tested or not testable, and this is both";
                return Err(self.at(why.referenced, message, "leave one of the two out"));
            }
            (None, None) => {
                let message = format!("no rule can test the claim `{}`", claim.id.value);
                let help = "give it `deny` with what would contradict it, or say under `not_testable` why traffic cannot";
                return Err(self.at(claim.id.referenced, message, help));
            }
        };
        Ok(Claim {
            id: claim.id.value.clone(),
            says: claim.says.value.clone(),
            source: claim.source.value.clone(),
            test,
            line: place.line(),
            column: place.column(),
        })
    }

    fn matcher(
        &self,
        asked: &Spanned<Asked>,
        requires: bool,
    ) -> Result<(Matcher, String), Box<Diagnostic>> {
        let mut matcher = Matcher::default();
        let mut asks = Vec::new();
        for (key, texts) in &asked.value.0 {
            let criterion = criterion(&key.value)
                .map_err(|(message, help)| self.at(key.referenced, message, help))?;
            if texts.value.0.is_empty() {
                let message = format!("`{}` has an empty list, which nothing is in", key.value);
                return Err(self.at(
                    key.referenced,
                    message,
                    "leave the key out, or fill the list",
                ));
            }
            if criterion.key == "banner" && !requires {
                let message = "a banner cannot be denied or allowed";
                let help = "`banner` stands in `require`; a rule on what is told before it is answered has `consent: unanswered`";
                return Err(self.at(key.referenced, message, help));
            }
            let mut group = Vec::new();
            for (place, text) in &texts.value.0 {
                let place = place.unwrap_or(texts.referenced);
                let condition = criterion
                    .read(text)
                    .map_err(|(message, help)| self.at(place, message, help))?;
                group.push(condition);
            }
            matcher.add(group);
            asks.push(format!("{}: {}", key.value, texts.value.names().join(", ")));
        }
        if matcher.is_empty() {
            let message = "nothing is asked for, so this would be every request to anybody";
            let help = "name at least a `recipient`, a `page` or a `verdict`; for every third party, `host: \"*\"`";
            return Err(self.at(asked.referenced, message, help));
        }
        if matcher.wants_banner() {
            let other = asked
                .value
                .0
                .iter()
                .find(|(key, _)| !matches!(key.value.as_str(), "banner" | "page"));
            if let Some((key, _)) = other {
                let message = format!("a banner has no `{}`", key.value);
                return Err(self.at(
                    key.referenced,
                    message,
                    "with `banner` only `page` may stand",
                ));
            }
        }
        self.check_events(asked, &matcher)?;
        Ok((matcher, asks.join("; ")))
    }

    /// Names are as they are written: one that merely looks like Meta's own would never match, and its rule always pass.
    fn check_events(
        &self,
        asked: &Spanned<Asked>,
        matcher: &Matcher,
    ) -> Result<(), Box<Diagnostic>> {
        let of_meta = matcher.conditions().any(|condition| match condition {
            Condition::Recipient(recipient) => recipient == "Meta",
            Condition::Vendor(vendor) => vendor == "meta_pixel",
            _ => false,
        }) || !matcher.conditions().any(|condition| {
            matches!(
                condition,
                Condition::Recipient(_) | Condition::Vendor(_) | Condition::Host(_)
            )
        });
        let names = asked.value.0.iter().filter(|(key, _)| key.value == "event");
        for (place, text) in names.flat_map(|(_, texts)| &texts.value.0) {
            let same = |name: &&str| *name != text && name.eq_ignore_ascii_case(text);
            if of_meta && let Some(name) = own_events().find(same) {
                let place = place.unwrap_or(asked.referenced);
                let message = format!("Meta writes `{name}`, and `{text}` would never match it");
                let help = format!("write `{name}`; for an event of the site's own, `{text}*`");
                return Err(self.at(place, message, help));
            }
        }
        Ok(())
    }
}

fn severity(text: &str) -> Result<Severity, Wrong> {
    let known = [Severity::Error, Severity::Warning, Severity::Note];
    known
        .into_iter()
        .find(|severity| severity.as_str() == text)
        .ok_or_else(|| {
            let known = known.map(|severity| severity.as_str().to_owned());
            (
                format!("`{text}` is no severity"),
                nearest_or_all(text, &known),
            )
        })
}
