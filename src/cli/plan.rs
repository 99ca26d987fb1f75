//! Which journeys a command makes: each scenario, once for each answer to consent banners, and again for each repeat.

use std::path::{Path, PathBuf};

use super::{exit, talk};
use crate::model::Moment;
use crate::scenario::{Consent, Scenario};

/// One journey to make.
#[derive(Debug, Clone)]
pub struct Planned<'a> {
    pub scenario: &'a Scenario,
    /// The scenario's place among those that were given.
    pub number: usize,
    pub consent: Option<Consent>,
    /// Counted from 1.
    pub repeat: u32,
    pub out: PathBuf,
}

impl Planned<'_> {
    /// What tells it from the others of its command.
    pub fn title(&self, repeats: u32) -> String {
        let mut title = self.scenario.title.clone();
        if let Some(consent) = self.consent {
            title += &format!(" (consent: {})", consent.as_str());
        }
        if repeats > 1 {
            title += &format!(" [{} of {repeats}]", self.repeat);
        }
        title
    }
}

/// All journeys, repeats of the same one after the other.
///
/// # Errors
/// The exit code, where two would write to the same place: that was said.
pub fn plan<'a>(
    scenarios: &'a [Scenario],
    consents: &[Consent],
    repeats: u32,
    out: Option<&Path>,
) -> Result<Vec<Planned<'a>>, u8> {
    let consents: Vec<Option<Consent>> = if consents.is_empty() {
        vec![None]
    } else {
        consents.iter().copied().map(Some).collect()
    };
    let alone = scenarios.len() * consents.len() * repeats as usize == 1;
    let mut planned: Vec<Planned> = Vec::new();
    for (number, scenario) in scenarios.iter().enumerate() {
        for consent in &consents {
            for repeat in 1..=repeats {
                let mut name = scenario.name();
                if let Some(consent) = consent.filter(|_| consents.len() > 1) {
                    name += &format!("-{}", consent.as_str());
                }
                if repeats > 1 {
                    name += &format!("-{repeat}");
                }
                let out = match out {
                    Some(out) if alone => out.to_owned(),
                    Some(out) => out.join(&name),
                    None => default_out(&name),
                };
                if planned.iter().any(|other| other.out == out) {
                    talk::error(
                        &format!("two scenarios would write to `{}`", out.display()),
                        Some("give their files different names, or run them apart"),
                    );
                    return Err(exit::BAD_INPUT);
                }
                planned.push(Planned {
                    scenario,
                    number,
                    consent: *consent,
                    repeat,
                    out,
                });
            }
        }
    }
    Ok(planned)
}

/// `evidence/<name>-<UTC time>`
pub fn default_out(name: &str) -> PathBuf {
    PathBuf::from("evidence").join(format!("{name}-{}", Moment::now().compact()))
}
