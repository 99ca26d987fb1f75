//! What is told today, as text that reads well in a diff: a line a flow, without values and times.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use super::matches::Flow;
use crate::model::{RunRecord, ToolRecord};
use crate::scenario::{Diagnostic, Scenario};

const FIRST_LINE: &str = "# pixelwitness baseline 1";
const COLUMNS: usize = 6;

/// What must be the same for a comparison to mean something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// `pixelwitness 0.1.0`
    pub tool: String,
    /// `Chrome/156`, the major version; `-` for files of other tools.
    pub browser: String,
    /// Name, beginning of the digest, and how it was replayed.
    pub scenarios: BTreeSet<String>,
}

/// What is told, and by what it was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline {
    pub fingerprint: Fingerprint,
    pub flows: BTreeSet<String>,
}

/// A baseline held against what was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// Neither listed nor allowed.
    pub new: Vec<Flow>,
    /// Listed, and not told in any run.
    pub stale: Vec<String>,
    /// Listed and told.
    pub accepted: BTreeSet<String>,
    /// Why nothing can be called stale.
    pub unfinished: Option<String>,
}

impl Fingerprint {
    pub fn of<'a>(runs: impl IntoIterator<Item = &'a RunRecord>) -> Fingerprint {
        let tool = ToolRecord::this();
        let mut fingerprint = Fingerprint {
            tool: format!("{} {}", tool.name, tool.version),
            browser: "-".to_owned(),
            scenarios: BTreeSet::new(),
        };
        for record in runs {
            if let Some(browser) = &record.browser {
                let major = browser.version.split('.').next();
                fingerprint.browser = major.unwrap_or_default().to_owned();
            }
            let scenario = &record.scenario;
            if scenario.sha256.is_empty() {
                let line = format!("a file of the site {}", scenario.origin);
                fingerprint.scenarios.insert(line);
                continue;
            }
            let option = |name: &str| record.options[name].as_str().unwrap_or("-").to_owned();
            let (consent, deliver) = (option("consent"), option("deliver"));
            let path = Path::new(&scenario.path);
            let line = scenario_line(path, &scenario.sha256, &consent, &deliver);
            fingerprint.scenarios.insert(line);
        }
        fingerprint
    }

    /// What is known before anything runs: each scenario, with the answer to banners and what is delivered.
    pub fn planned<'a>(
        runs: impl IntoIterator<Item = (&'a Scenario, &'a str, &'a str)>,
    ) -> Fingerprint {
        let lines = runs.into_iter().map(|(scenario, consent, deliver)| {
            scenario_line(&scenario.path, &scenario.sha256(), consent, deliver)
        });
        Fingerprint {
            scenarios: lines.collect(),
            ..Fingerprint::of([])
        }
    }

    /// What is not the same, in words; nothing if all is.
    pub fn differs(&self, now: &Fingerprint) -> Vec<String> {
        let mut differs = Vec::new();
        for (what, own, other) in [
            ("tool", &self.tool, &now.tool),
            ("browser", &self.browser, &now.browser),
        ] {
            if own != other {
                differs.push(format!("{what}: was {own}, is {other}"));
            }
        }
        let gone = self.scenarios.difference(&now.scenarios);
        differs.extend(gone.map(|scenario| format!("scenario: was {scenario}")));
        let new = now.scenarios.difference(&self.scenarios);
        differs.extend(new.map(|scenario| format!("scenario: is {scenario}")));
        differs
    }
}

fn scenario_line(path: &Path, sha256: &str, consent: &str, deliver: &str) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let digest = sha256.get(..12).unwrap_or_default();
    format!("{name} {digest} consent={consent} deliver={deliver}")
}

impl Baseline {
    /// What all these runs told, but for what a rule allows.
    pub fn of(fingerprint: Fingerprint, flows: &[Flow]) -> Baseline {
        let listed = flows.iter().filter(|flow| !flow.allowed);
        Baseline {
            fingerprint,
            flows: listed.map(|flow| flow.found.flow.clone()).collect(),
        }
    }

    /// Reads a baseline from disk.
    ///
    /// # Errors
    /// A [`Diagnostic`] that says what to do, with the line where there is one.
    pub fn load(path: &Path) -> Result<Baseline, Box<Diagnostic>> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Diagnostic::of_file(
                path,
                format!("the baseline cannot be read: {error}"),
                "`--update-baseline` writes one of what is told today",
            )
        })?;
        Baseline::parse(path, &text)
    }

    /// Parses a baseline; `path` is only used to name it.
    ///
    /// # Errors
    /// As [`Baseline::load`].
    pub fn parse(path: &Path, text: &str) -> Result<Baseline, Box<Diagnostic>> {
        // Some editors put a sign before the first line that nobody sees.
        let text = text.trim_start_matches('\u{feff}');
        let first = text.lines().next().map(str::trim_end).unwrap_or_default();
        if first != FIRST_LINE && !first.starts_with("<<<<<<<") {
            let help = format!("its first line is `{FIRST_LINE}`; `--update-baseline` writes one");
            return Err(Diagnostic::on_line(
                path,
                text,
                1,
                "this is no baseline",
                help,
            ));
        }
        let mut baseline = Baseline::default();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim_end_matches(['\r', ' ']);
            if let Some(comment) = line.strip_prefix('#') {
                if let Some((key, value)) = comment.trim().split_once(": ") {
                    match key {
                        "tool" => baseline.fingerprint.tool = value.to_owned(),
                        "browser" => baseline.fingerprint.browser = value.to_owned(),
                        "scenario" => {
                            baseline.fingerprint.scenarios.insert(value.to_owned());
                        }
                        _ => {}
                    }
                }
                continue;
            }
            if line.is_empty() {
                continue;
            }
            if line.starts_with(['<', '=', '>']) {
                let help = "two versions of the file were merged: keep the lines of both that are meant, or write it anew with `--update-baseline`";
                return Err(Diagnostic::on_line(
                    path,
                    text,
                    number,
                    "a conflict of two versions stands here",
                    help,
                ));
            }
            let columns = line.split('\t').count();
            if columns != COLUMNS {
                let message = format!(
                    "expected {COLUMNS} columns with a tab between them, and there are {columns}"
                );
                let help = "page template, recipient, endpoint, event, fields, verdicts; an editor may have made spaces of tabs";
                return Err(Diagnostic::on_line(path, text, number, message, help));
            }
            if !baseline.flows.insert(line.to_owned()) {
                let help = "remove one of them";
                return Err(Diagnostic::on_line(
                    path,
                    text,
                    number,
                    "this line stands here twice",
                    help,
                ));
            }
        }
        Ok(baseline)
    }

    /// The file.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{FIRST_LINE}\n\
             # What is told, and accepted: a line a flow, without values and times. Review a change as you review code.\n\
             # Columns, with tabs between them: page template, recipient, endpoint, event, fields, verdicts.\n\
             # `--update-baseline` writes this file anew. It means nothing for another tool, browser or scenario than:\n"
        );
        let fingerprint = &self.fingerprint;
        let _ = writeln!(text, "# tool: {}", fingerprint.tool);
        let _ = writeln!(text, "# browser: {}", fingerprint.browser);
        for scenario in &fingerprint.scenarios {
            let _ = writeln!(text, "# scenario: {scenario}");
        }
        for flow in &self.flows {
            text.push_str(flow);
            text.push('\n');
        }
        text
    }

    /// Held against what was told. `unfinished` says why something that was not told may still be.
    pub fn compare(&self, flows: &[Flow], unfinished: Option<String>) -> Compared {
        let told: BTreeSet<&str> = flows.iter().map(|flow| flow.found.flow.as_str()).collect();
        let mut new: Vec<Flow> = Vec::new();
        let mut seen = BTreeSet::new();
        for flow in flows {
            let listed = self.flows.contains(&flow.found.flow);
            if !flow.allowed && !listed && seen.insert(&flow.found.flow) {
                new.push(flow.clone());
            }
        }
        Compared {
            new,
            stale: match &unfinished {
                Some(_) => Vec::new(),
                None => {
                    let stale = self
                        .flows
                        .iter()
                        .filter(|line| !told.contains(line.as_str()));
                    stale.cloned().collect()
                }
            },
            accepted: self
                .flows
                .iter()
                .filter(|line| told.contains(line.as_str()))
                .cloned()
                .collect(),
            unfinished,
        }
    }
}

/// What the newer has and the older has not as `+`, and the other way round as `-`, in order.
pub fn difference<'a>(
    old: &'a BTreeSet<String>,
    new: &'a BTreeSet<String>,
) -> Vec<(char, &'a str)> {
    let all: BTreeSet<&String> = old.union(new).collect();
    all.into_iter()
        .filter_map(|line| match (old.contains(line), new.contains(line)) {
            (true, false) => Some(('-', line.as_str())),
            (false, true) => Some(('+', line.as_str())),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> Baseline {
        Baseline {
            fingerprint: Fingerprint {
                tool: "pixelwitness 0.1.0".to_owned(),
                browser: "Chrome/156".to_owned(),
                scenarios: BTreeSet::from(["a.yaml 00 consent=ignore deliver=all".to_owned()]),
            },
            flows: BTreeSet::from(["/\tMeta\twww.facebook.com/tr/\tPageView\t-\t-".to_owned()]),
        }
    }

    #[test]
    fn what_is_written_is_read_back_whatever_ends_its_lines() {
        let path = Path::new("told.baseline");
        let text = told().text();
        assert_eq!(Baseline::parse(path, &text).unwrap(), told());
        let windows = text.replace('\n', "\r\n");
        assert_eq!(Baseline::parse(path, &windows).unwrap(), told());
        let marked = format!("\u{feff}{text}");
        assert_eq!(Baseline::parse(path, &marked).unwrap(), told());
    }

    #[test]
    fn a_broken_file_says_where_and_what_to_do() {
        let text = told().text();
        for (text, line, message) in [
            (String::new(), 1, "this is no baseline"),
            ("rules: []\n".to_owned(), 1, "this is no baseline"),
            (
                format!("{text}<<<<<<< HEAD\n"),
                9,
                "a conflict of two versions stands here",
            ),
            (format!("{text}/a Meta x y - -\n"), 9, "expected 6 columns"),
            (
                format!("{text}/\tMeta\twww.facebook.com/tr/\tPageView\t-\t-\n"),
                9,
                "this line stands here twice",
            ),
            (
                format!("<<<<<<< HEAD\n{text}"),
                1,
                "a conflict of two versions stands here",
            ),
        ] {
            let error = Baseline::parse(Path::new("told.baseline"), &text).unwrap_err();
            assert!(error.message.starts_with(message), "{}", error.message);
            assert_eq!(error.at, Some((line, 1)), "{text}");
            assert!(!error.help.is_empty());
        }
    }

    #[test]
    fn what_is_not_the_same_is_named() {
        let mut other = told().fingerprint;
        assert_eq!(told().fingerprint.differs(&other), Vec::<String>::new());
        other.browser = "Chrome/157".to_owned();
        other.scenarios = BTreeSet::from(["b.yaml 01 consent=ignore deliver=all".to_owned()]);
        assert_eq!(
            told().fingerprint.differs(&other),
            [
                "browser: was Chrome/156, is Chrome/157",
                "scenario: was a.yaml 00 consent=ignore deliver=all",
                "scenario: is b.yaml 01 consent=ignore deliver=all",
            ]
        );
    }
}
