//! Which journeys a command makes: each scenario, once for each answer to consent banners, and again for each repeat; and
//! the share of them that falls to this machine.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::model::{PlanRecord, ShardRecord};
use crate::scenario::{Consent, Scenario};

/// One journey to make.
#[derive(Debug, Clone)]
pub struct Planned {
    pub scenario: Arc<Scenario>,
    /// The scenario's place among those that were given.
    pub number: usize,
    pub consent: Option<Consent>,
    /// Counted from 1.
    pub repeat: u32,
    /// What tells it from the others of its command, for people.
    pub title: String,
    /// The same, for folders: unique, with `/` between its parts.
    pub name: String,
}

/// All journeys that this machine makes, and what they are a share of.
#[derive(Debug, Clone)]
pub struct Plan {
    pub journeys: Vec<Planned>,
    pub whole: PlanRecord,
    pub shard: Option<Shard>,
}

/// Two journeys would write to the same place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("two scenarios would write to `{0}`")]
pub struct Clash(pub String);

/// A share of the journeys: the `index`th of `of`, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    pub index: u32,
    pub of: u32,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let numbers = text.split_once('/');
        let numbers = numbers.and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((index, of)) if (1..=of).contains(&index) => Ok(Shard { index, of }),
            Some((index, of)) => Err(format!(
                "share {index} of {of} does not exist: they are counted from 1 to {of}"
            )),
            None => Err("expected `I/N`, as in `1/4` for the first of four".to_owned()),
        }
    }
}

impl From<Shard> for ShardRecord {
    fn from(shard: Shard) -> ShardRecord {
        ShardRecord {
            index: shard.index,
            of: shard.of,
        }
    }
}

impl Plan {
    /// All journeys, repeats of the same one after the other; or the share of them that is asked for. They are dealt out in
    /// the order of their names, so that every machine that is given the same scenarios, in whatever order, knows its own,
    /// and no share has more than one journey more than another.
    ///
    /// `scenarios` come each with the name of its bundle.
    ///
    /// # Errors
    /// If two would write to the same place.
    pub fn new(
        scenarios: &[(PathBuf, Arc<Scenario>)],
        consents: &[Consent],
        repeats: u32,
        shard: Option<Shard>,
    ) -> Result<Plan, Clash> {
        let consents: Vec<Option<Consent>> = match consents {
            [] => vec![None],
            consents => consents.iter().copied().map(Some).collect(),
        };
        let mut journeys: Vec<Planned> = Vec::new();
        for (number, (name, scenario)) in scenarios.iter().enumerate() {
            for consent in &consents {
                for repeat in 1..=repeats {
                    let mut name = joined(name);
                    let mut title = scenario.title.clone();
                    if let Some(consent) = consent {
                        title += &format!(" (consent: {})", consent.as_str());
                        if consents.len() > 1 {
                            name += &format!("-{}", consent.as_str());
                        }
                    }
                    if repeats > 1 {
                        title += &format!(" [{repeat} of {repeats}]");
                        name += &format!("-{repeat}");
                    }
                    journeys.push(Planned {
                        scenario: Arc::clone(scenario),
                        number,
                        consent: *consent,
                        repeat,
                        title,
                        name,
                    });
                }
            }
        }
        let mut seen = HashSet::new();
        for planned in &journeys {
            // Two that differ in case alone are one to some file systems.
            if !seen.insert(planned.name.to_lowercase()) {
                return Err(Clash(planned.name.clone()));
            }
        }
        // Beside a bundle its controls may lie.
        let controls =
            |name: &str| CONTROLS.map(|control| control_of(&name.to_lowercase(), control));
        let names = journeys.iter().flat_map(|planned| controls(&planned.name));
        if let Some(name) = names.into_iter().find(|name| seen.contains(name)) {
            return Err(Clash(name));
        }
        // A bundle in another one would be a file that it does not list.
        let parents = journeys.iter().map(|planned| Path::new(&planned.name));
        let mut parents = parents.flat_map(|name| name.ancestors().skip(1));
        let inside =
            parents.find(|parent| seen.contains(&*parent.to_string_lossy().to_lowercase()));
        if let Some(inside) = inside {
            return Err(Clash(inside.display().to_string()));
        }
        let mut by_name: Vec<usize> = (0..journeys.len()).collect();
        by_name.sort_by(|one, other| journeys[*one].name.cmp(&journeys[*other].name));
        let whole = PlanRecord {
            journeys: journeys.len() as u64,
            sha256: Some(digest(by_name.iter().map(|number| &journeys[*number]))),
        };
        if let Some(shard) = shard {
            let own: HashSet<usize> = (0..)
                .zip(&by_name)
                .filter(|(place, _): &(u32, _)| place % shard.of == shard.index - 1)
                .map(|(_, number)| *number)
                .collect();
            let mut number = 0..;
            journeys.retain(|_| number.next().is_some_and(|number| own.contains(&number)));
        }
        Ok(Plan {
            journeys,
            whole,
            shard,
        })
    }
}

/// The ends of the names of a journey's controls.
pub const CONTROLS: [&str; 3] = ["other-canaries", "nothing-typed", "again"];

/// `report` → `report-control-again`
pub fn control_of(name: &str, control: &str) -> String {
    format!("{name}-control-{control}")
}

fn joined(name: &Path) -> String {
    let parts = name.components().filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_string_lossy()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}

fn digest<'p>(journeys: impl Iterator<Item = &'p Planned>) -> String {
    let mut digest = Sha256::new();
    for planned in journeys {
        let consent = planned.consent.unwrap_or(planned.scenario.consent);
        let line = format!(
            "{}\t{}\t{}\n",
            planned.name,
            planned.scenario.sha256(),
            consent.as_str()
        );
        digest.update(line);
    }
    HEXLOWER.encode(&digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scenario(title: &str) -> Arc<Scenario> {
        let text = format!(
            "title: {title}\norigin: https://www.police.example\nsteps:\n  - navigate: /\n"
        );
        Arc::new(Scenario::parse(Path::new("x.yaml"), text).unwrap())
    }

    fn plan(names: &[String], repeats: u32, shard: Option<Shard>) -> Plan {
        let scenarios: Vec<_> = names
            .iter()
            .map(|name| (PathBuf::from(name), scenario("x")))
            .collect();
        Plan::new(&scenarios, &[], repeats, shard).unwrap()
    }

    #[test]
    fn journeys_have_names_that_tell_them_apart() {
        let scenarios = [
            (PathBuf::from("met/report"), scenario("Report")),
            (PathBuf::from("nhs/report"), scenario("Report")),
        ];
        let consents = [Consent::Ignore, Consent::Accept];
        let plan = Plan::new(&scenarios, &consents, 2, None).unwrap();
        assert_eq!(plan.journeys.len(), 8);
        assert_eq!(plan.whole.journeys, 8);
        assert_eq!(plan.journeys[3].name, "met/report-accept-2");
        assert_eq!(plan.journeys[3].title, "Report (consent: accept) [2 of 2]");
        let twice = [scenarios[0].clone(), scenarios[0].clone()];
        let clash = Plan::new(&twice, &[], 1, None).unwrap_err();
        assert_eq!(clash, Clash("met/report".to_owned()));
        let control = [
            scenarios[0].clone(),
            (
                PathBuf::from("met/report-control-again"),
                scenario("Report"),
            ),
        ];
        assert!(Plan::new(&control, &[], 1, None).is_err());
        let inside = [
            scenarios[0].clone(),
            (PathBuf::from("met"), scenario("Report")),
        ];
        let clash = Plan::new(&inside, &[], 1, None).unwrap_err();
        assert_eq!(clash, Clash("met".to_owned()));
    }

    #[test]
    fn another_scenario_is_another_plan() {
        let with = |title| {
            let scenarios = [(PathBuf::from("report"), scenario(title))];
            Plan::new(&scenarios, &[], 1, None).unwrap().whole
        };
        assert_ne!(with("one"), with("another"));
    }

    #[test]
    fn shares_are_written_as_two_numbers() {
        assert_eq!("2/3".parse(), Ok(Shard { index: 2, of: 3 }));
        for text in ["0/3", "4/3", "0/0", "1", "/", "a/b", "1/3/5", "-1/3"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_journey_is_in_one_share_whatever_the_order(
            names in proptest::collection::btree_set("[a-z]{1,6}", 1..20),
            repeats in 1..4u32,
            of in 1..9u32,
            seed in any::<u64>(),
        ) {
            let names: Vec<String> = names.into_iter().collect();
            let mut shuffled = names.clone();
            shuffled.sort_by_key(|name| {
                name.bytes().fold(seed, |hash, byte| {
                    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
                })
            });
            let whole = plan(&names, repeats, None);
            let mut dealt: Vec<String> = Vec::new();
            let mut sizes = Vec::new();
            for index in 1..=of {
                let shard = Some(Shard { index, of });
                let own = |plan: Plan| -> Vec<String> {
                    let mut names: Vec<String> =
                        plan.journeys.into_iter().map(|planned| planned.name).collect();
                    names.sort();
                    names
                };
                let share = plan(&names, repeats, shard);
                prop_assert_eq!(&share.whole, &whole.whole);
                let share = own(share);
                prop_assert_eq!(&share, &own(plan(&shuffled, repeats, shard)));
                sizes.push(share.len());
                dealt.extend(share);
            }
            dealt.sort();
            let mut all: Vec<String> =
                whole.journeys.into_iter().map(|planned| planned.name).collect();
            all.sort();
            prop_assert_eq!(dealt, all);
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
        }
    }
}
