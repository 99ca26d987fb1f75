//! What came of runs: printed, compared, judged, and told by the exit code.

use std::io::Write;

use serde_json::json;

use super::gate::Gatekeeper;
use super::plan::Planned;
use super::{exit, sign, talk};
use crate::bundle::sign::Signer;
use crate::model::{JourneyState, VerdictOutcome};
use crate::policy::Judged;
use crate::report::{compare, terminal, visible};
use crate::run::{Run, RunError};
use crate::scenario::{Consent, Scenario};

/// Gathers what the runs gave, prints it, and knows the exit code.
pub struct Results {
    json: bool,
    /// Whether something found is told by the exit code.
    judge: bool,
    /// It is the baseline that says what counts.
    pub has_baseline: bool,
    /// Who signs each bundle.
    signer: Option<Signer>,
    gates: Vec<serde_json::Value>,
    runs: Vec<serde_json::Value>,
    compared: Vec<serde_json::Value>,
    code: u8,
}

impl Results {
    pub fn new(json: bool, signer: Option<Signer>) -> Results {
        Results {
            json,
            signer,
            judge: true,
            has_baseline: false,
            gates: Vec::new(),
            runs: Vec::new(),
            compared: Vec::new(),
            code: exit::OK,
        }
    }

    /// Of a recording: it is made to have a scenario, and judged when that is replayed.
    pub fn of_recording(json: bool, signer: Option<Signer>) -> Results {
        Results {
            judge: false,
            ..Results::new(json, signer)
        }
    }

    /// Prints what came of a run, and gives it back.
    pub fn take(&mut self, run: Result<Run, RunError>) -> Option<Run> {
        let run = match run {
            Ok(run) => run,
            Err(error) => {
                talk::error(&error.to_string(), Some(&error.help()));
                let nothing_ran = matches!(
                    error,
                    RunError::Bundle(crate::bundle::BundleError::Exists(_))
                        | RunError::Browser(crate::browser::BrowserError::NotRunnable { .. })
                        | RunError::Identity(_)
                        | RunError::NoSecret(_)
                        | RunError::ShortSecret(..)
                );
                self.raise(if nothing_ran {
                    exit::BAD_INPUT
                } else {
                    exit::INCONCLUSIVE
                });
                return None;
            }
        };
        let mut signed = None;
        if let Some(signer) = &self.signer {
            let code = sign::sign_bundle(signer, &run.bundle);
            signed = (code == exit::OK).then(|| signer.fingerprint());
            self.raise(code);
        }
        for problem in &run.record.problems {
            talk::error(&problem.message, problem.help.as_deref());
        }
        if run.record.journey.state != JourneyState::Completed || !run.record.problems.is_empty() {
            self.raise(exit::INCONCLUSIVE);
        }
        // Where there is a policy or a baseline, it says what counts.
        if self.judge && run.record.policy.is_none() && !self.has_baseline {
            let verdicts = run.findings.verdicts.all();
            for (_, verdict) in verdicts {
                self.raise(match verdict.outcome {
                    VerdictOutcome::Found => exit::FOUND,
                    VerdictOutcome::Inconclusive => exit::INCONCLUSIVE,
                    VerdictOutcome::NotFound | VerdictOutcome::NotTested => exit::OK,
                });
            }
        }
        if self.json {
            self.runs.push(json!({
                "bundle": run.bundle,
                "signed": signed,
                "run": run.record,
                "events": run.events,
                "findings": run.findings,
            }));
        } else if !talk::is_quiet() {
            let mut stdout = std::io::stdout().lock();
            let colour = talk::colour_on_stdout();
            // A reader that has gone away, as `head` does, is no failure of the run.
            let _ = terminal::render(&run, colour, &mut stdout).and_then(|()| stdout.flush());
        }
        Some(run)
    }

    /// Puts side by side what belongs together: repeats, and other answers to the consent banner.
    pub fn compare(
        &mut self,
        done: &[(&Planned, Run)],
        scenarios: &[Scenario],
        repeats: u32,
        consents: &[Consent],
    ) {
        if repeats == 1 && consents.len() < 2 {
            return;
        }
        for (number, scenario) in scenarios.iter().enumerate() {
            let mut groups: Vec<compare::Group> = Vec::new();
            for (planned, run) in done.iter().filter(|(planned, _)| planned.number == number) {
                let consent = planned.consent.map(Consent::as_str);
                match groups.iter_mut().find(|group| group.consent == consent) {
                    Some(group) => group.runs.push(run),
                    None => groups.push(compare::Group {
                        consent,
                        runs: vec![run],
                    }),
                }
            }
            if self.json {
                let names: Vec<Option<&str>> = groups.iter().map(|group| group.consent).collect();
                self.compared.push(json!({
                    "scenario": scenario.title, "consent": names, "told": compare::compare(&groups),
                }));
            } else if !talk::is_quiet() {
                let mut stdout = std::io::stdout().lock();
                let _ = writeln!(stdout, "\n{}", visible(&scenario.title))
                    .and_then(|()| compare::render(&groups, &mut stdout))
                    .and_then(|()| stdout.flush());
            }
        }
    }

    /// Closes with a line for each run.
    pub fn table(&self, runs: Vec<(&str, &Run)>) {
        if self.json || talk::is_quiet() || runs.is_empty() {
            return;
        }
        let mut stdout = std::io::stdout().lock();
        let _ = terminal::table(&runs, talk::colour_on_stdout(), &mut stdout)
            .and_then(|()| stdout.flush());
    }

    /// What policies and a baseline make of the runs.
    /// `missing` are journeys of which nothing came, and why.
    pub fn gate(
        &mut self,
        keeper: Gatekeeper,
        judged: Vec<Judged<'_>>,
        missing: Vec<(String, String)>,
    ) {
        let quiet = self.json || talk::is_quiet();
        let (code, value) = keeper.close(judged, missing, quiet);
        self.code = exit::after_runs(self.code, code);
        self.gates.push(value);
    }

    /// Something came about that has that exit code.
    pub fn raise(&mut self, code: u8) {
        self.code = exit::graver(self.code, code);
    }

    pub fn finish(self) -> u8 {
        if self.json {
            talk::data(&format!(
                "{:#}",
                json!({
                    "exit_code": self.code, "runs": self.runs, "compared": self.compared, "gates": self.gates,
                })
            ));
        }
        self.code
    }
}
