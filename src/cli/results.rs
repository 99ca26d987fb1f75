//! What came of runs: printed, compared, judged, and told by the exit code.

use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::json;

use super::gate::Gatekeeper;
use super::{exit, sign, talk};
use crate::bundle::sign::Signer;
use crate::model::{IndexEntry, JourneyState, VerdictOutcome};
use crate::policy::Judged;
use crate::report::{compare, terminal, visible};
use crate::run::{Run, RunError};
use crate::scenario::Consent;

/// Gathers what the runs gave, prints it, and knows the exit code.
pub struct Results {
    json: bool,
    /// Whether something found is told by the exit code.
    judge: bool,
    /// It is the baseline that says what counts.
    pub has_baseline: bool,
    /// A journey was made.
    ran: bool,
    /// Who signs each bundle.
    signer: Option<Signer>,
    gates: Vec<serde_json::Value>,
    /// For the JSON: each bundle, and who signed it. They are read again, since a thousand runs are more than is held at once.
    runs: Vec<(PathBuf, Option<String>)>,
    compared: Vec<serde_json::Value>,
    code: u8,
}

impl Results {
    pub fn new(json: bool, signer: Option<Signer>) -> Results {
        Results {
            json,
            signer,
            ran: false,
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
                self.raise(match nothing_ran {
                    true => exit::BAD_INPUT,
                    false => exit::INCONCLUSIVE,
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
        self.count(&run, signed);
        if !self.json && !talk::is_quiet() {
            let mut stdout = std::io::stdout().lock();
            let colour = talk::colour_on_stdout();
            // A reader that has gone away, as `head` does, is no failure of the run.
            let _ = terminal::render(&run, colour, &mut stdout).and_then(|()| stdout.flush());
        }
        Some(run)
    }

    /// Takes in a run that was there already: it counts as it did when it was made.
    pub fn take_kept(&mut self, run: &Run) {
        let mut signed = sign::signer_of(&run.bundle);
        // It was killed before it came to that.
        if let Some(signer) = self.signer.as_ref().filter(|_| signed.is_none()) {
            let code = sign::sign_bundle(signer, &run.bundle);
            signed = (code == exit::OK).then(|| signer.fingerprint());
            self.raise(code);
        }
        self.count(run, signed);
    }

    fn count(&mut self, run: &Run, signed: Option<String>) {
        self.ran = true;
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
            self.runs.push((run.bundle.clone(), signed));
        }
    }

    /// Puts side by side what belongs together: repeats, and other answers to the consent banner. `seen` are the runs of one
    /// scenario, each with the answer that was asked for.
    pub fn compare(&mut self, title: &str, seen: &[(Option<Consent>, &compare::Seen)]) {
        let mut groups: Vec<compare::Group> = Vec::new();
        for (consent, seen) in seen {
            let consent = consent.map(Consent::as_str);
            match groups.iter_mut().find(|group| group.consent == consent) {
                Some(group) => group.runs.push(seen),
                None => groups.push(compare::Group {
                    consent,
                    runs: vec![seen],
                }),
            }
        }
        if self.json {
            let names: Vec<Option<&str>> = groups.iter().map(|group| group.consent).collect();
            self.compared.push(json!({
                "scenario": title, "consent": names, "told": compare::compare(&groups),
            }));
        } else if !talk::is_quiet() {
            let mut stdout = std::io::stdout().lock();
            let _ = writeln!(stdout, "\n{}", visible(title))
                .and_then(|()| compare::render(&groups, &mut stdout))
                .and_then(|()| stdout.flush());
        }
    }

    /// Closes with a line for each journey.
    pub fn table(&self, journeys: &[&IndexEntry]) {
        if self.json || talk::is_quiet() || journeys.is_empty() {
            return;
        }
        let mut stdout = std::io::stdout().lock();
        let _ = terminal::table(journeys, talk::colour_on_stdout(), &mut stdout)
            .and_then(|()| stdout.flush());
    }

    /// What policies and a baseline make of the runs; gives what each run adds to the exit code.
    /// `missing` are journeys of which nothing came, and why.
    pub fn gate(
        &mut self,
        keeper: Gatekeeper,
        judged: Vec<Judged<'_>>,
        missing: Vec<(String, String)>,
    ) -> Vec<u8> {
        let quiet = self.json || talk::is_quiet();
        let closed = keeper.close(judged, missing, quiet);
        self.code = exit::after_runs(self.code, closed.code);
        self.gates.push(closed.json);
        closed.codes
    }

    /// In the JSON, the runs stand as these bundles do.
    pub fn in_order(&mut self, bundles: &[PathBuf]) {
        let place = |bundle: &PathBuf| bundles.iter().position(|other| other == bundle);
        self.runs.sort_by_key(|(bundle, _)| place(bundle));
    }

    /// As [`Results::gate`], where anything says what counts. Elsewhere it is the verdicts, and those were told; reports are
    /// written all the same.
    pub fn judge(
        &mut self,
        keeper: Gatekeeper,
        judged: Vec<Judged<'_>>,
        missing: Vec<(String, String)>,
    ) -> Vec<u8> {
        if keeper.is_asked() || judged.iter().any(|run| run.policy.is_some()) {
            self.gate(keeper, judged, missing)
        } else {
            keeper.close(judged, missing, true).codes
        }
    }

    /// As it is known up to now.
    pub fn code(&self) -> u8 {
        self.code
    }

    /// Something came about that has that exit code. Once something ran, what was found in it says more than what was wrong
    /// with the rest.
    pub fn raise(&mut self, code: u8) {
        self.code = match self.ran {
            true => exit::after_runs(self.code, code),
            false => exit::graver(self.code, code),
        };
    }

    pub fn finish(mut self) -> u8 {
        if self.json {
            let mut stdout = std::io::BufWriter::new(std::io::stdout().lock());
            // As above.
            let _ = self.write_json(&mut stdout).and_then(|()| stdout.flush());
        }
        self.code
    }

    fn write_json(&mut self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{{\n  \"runs\": [")?;
        let mut separator = "";
        for (bundle, signed) in std::mem::take(&mut self.runs) {
            let run = match Run::load(&bundle) {
                Ok(run) => run,
                Err(error) => {
                    talk::error(&error.to_string(), None);
                    self.raise(exit::INCONCLUSIVE);
                    continue;
                }
            };
            let value = json!({
                "bundle": bundle,
                "signed": signed,
                "run": run.record,
                "events": run.events,
                "findings": run.findings,
            });
            write!(out, "{separator}\n{value:#}")?;
            separator = ",";
        }
        let rest = json!({
            "exit_code": self.code, "compared": self.compared, "gates": self.gates,
        });
        let rest = format!("{rest:#}");
        writeln!(out, "\n  ],{}", rest.trim_start_matches('{'))
    }
}
