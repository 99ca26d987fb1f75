//! The gate of a command: its policies, its baseline, and the reports that it writes.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueHint};
use jiff::civil::Date;
use serde_json::Value;
use tempfile::NamedTempFile;

use super::{exit, talk};
use crate::batch::exit_code;
use crate::bundle::{folder_of, write_file, write_whole};
use crate::model::Moment;
use crate::policy::{Baseline, Fingerprint, Gate, GateCode, Judged, Policy, difference};
use crate::report::gate::{github, json, junit, markdown, sarif, terminal};
use crate::scenario::Scenario;

/// What a run is held against, and what is written of it.
#[derive(Debug, Clone, Default, Args)]
pub struct GateArgs {
    /// Hold it against a policy: what may be told, and what was claimed [default: the scenario's own, if it names one]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Gate")]
    pub policy: Option<PathBuf>,
    /// Refuse what is told and does not stand in this list of what is told today
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Gate")]
    pub baseline: Option<PathBuf>,
    /// Write the baseline anew, of what is told now
    #[arg(long, requires = "baseline", help_heading = "Gate")]
    pub update_baseline: bool,
    /// A report as JUnit's XML, for GitLab, Jenkins and others
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Gate")]
    pub junit: Option<PathBuf>,
    /// A report as SARIF 2.1.0, for code scanning
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Gate")]
    pub sarif: Option<PathBuf>,
    /// A report as Markdown
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Gate")]
    pub markdown: Option<PathBuf>,
    /// Annotations for GitHub Actions, and the step's summary
    #[arg(long, conflicts_with = "json", help_heading = "Gate")]
    pub github: bool,
}

/// What came of all.
pub struct Closed {
    /// The exit code.
    pub code: u8,
    /// What each run adds to it, in order.
    pub codes: Vec<u8>,
    pub json: Value,
}

/// How a report is written.
type Render = fn(&Gate<'_>, &mut dyn Write) -> std::io::Result<()>;

/// What was asked for, read and opened before anything runs.
#[derive(Debug)]
pub struct Gatekeeper {
    /// `--policy`, or else each scenario's own.
    policies: Vec<Arc<Policy>>,
    baseline: Option<(PathBuf, Option<Baseline>)>,
    update: bool,
    /// Each beside its place until it is whole, so that an older one is not lost for nothing.
    reports: Vec<(PathBuf, NamedTempFile, Render)>,
    github: Option<Fence>,
    /// Reports that nobody asked for, and that are written all the same.
    also: Vec<(PathBuf, Render)>,
}

/// Today, in UTC.
pub fn today() -> Date {
    Moment::now().date()
}

impl Gatekeeper {
    /// Reads the policies and the baseline, and opens the reports, so that what is wrong is said before anything runs.
    ///
    /// # Errors
    /// The exit code; what is wrong was said.
    pub fn open(
        args: &GateArgs,
        own: impl IntoIterator<Item = PathBuf>,
        today: Date,
    ) -> Result<Gatekeeper, u8> {
        let mut paths: Vec<PathBuf> = match &args.policy {
            Some(policy) => vec![policy.clone()],
            None => own.into_iter().collect(),
        };
        let mut seen = Vec::new();
        paths.retain(|path| {
            let new = !seen.contains(path);
            seen.push(path.clone());
            new
        });
        let mut bad = false;
        let mut policies = Vec::new();
        for path in &paths {
            match Policy::load(path, today) {
                Ok(policy) => policies.push(Arc::new(policy)),
                Err(diagnostic) => {
                    talk::diagnostic(&diagnostic);
                    bad = true;
                }
            }
        }
        let baseline = match &args.baseline {
            None => None,
            Some(path) if args.update_baseline && !path.exists() => Some((path.clone(), None)),
            Some(path) => match Baseline::load(path) {
                Ok(baseline) => Some((path.clone(), Some(baseline))),
                // It is written anew, whatever stands there.
                Err(diagnostic) if args.update_baseline => {
                    talk::warning(&diagnostic.message, Some("it is written anew"));
                    Some((path.clone(), None))
                }
                Err(diagnostic) => {
                    talk::diagnostic(&diagnostic);
                    bad = true;
                    None
                }
            },
        };
        let mut reports: Vec<(PathBuf, NamedTempFile, Render)> = Vec::new();
        let wanted: [(&Option<PathBuf>, Render); 3] = [
            (&args.junit, junit::render),
            (&args.sarif, sarif::render),
            (&args.markdown, markdown::render),
        ];
        for (path, render) in wanted {
            let Some(path) = path else { continue };
            if reports.iter().any(|(known, ..)| known == path) {
                let message = format!("two reports would be written to `{}`", path.display());
                talk::error(&message, Some("give each a file of its own"));
                bad = true;
                continue;
            }
            match NamedTempFile::new_in(folder_of(path)) {
                Ok(file) => reports.push((path.clone(), file, render)),
                Err(error) => {
                    talk::error(
                        &format!("failed to write `{}`: {error}", path.display()),
                        Some("is its folder there?"),
                    );
                    bad = true;
                }
            }
        }
        if bad {
            return Err(exit::BAD_INPUT);
        }
        Ok(Gatekeeper {
            policies,
            baseline,
            update: args.update_baseline,
            reports,
            github: args.github.then(Fence::raise),
            also: Vec::new(),
        })
    }

    /// Says what came of runs, and no more.
    pub fn unasked() -> Gatekeeper {
        Gatekeeper {
            policies: Vec::new(),
            baseline: None,
            update: false,
            reports: Vec::new(),
            github: None,
            also: Vec::new(),
        }
    }

    /// Writes JUnit's XML to that file besides, whatever is asked for.
    pub fn also_junit(&mut self, path: PathBuf) {
        self.also.push((path, junit::render));
    }

    /// The policy that a scenario is held against.
    pub fn policy_of(&self, args: &GateArgs, own: Option<&Path>) -> Option<Arc<Policy>> {
        let path = args.policy.as_deref().or(own)?;
        let mut policies = self.policies.iter();
        policies.find(|policy| policy.path == path).cloned()
    }

    /// Whether anything is held against anything, or a report is wanted.
    pub fn is_asked(&self) -> bool {
        !self.policies.is_empty()
            || self.baseline.is_some()
            || !self.reports.is_empty()
            || self.github.is_some()
    }

    /// Whether a run is judged by a baseline, if not by a policy.
    pub fn has_baseline(&self) -> bool {
        self.baseline.is_some()
    }

    /// What of the fingerprint is known before anything runs must fit already.
    ///
    /// # Errors
    /// The exit code; what does not fit was said.
    pub fn check_fingerprint(&self, planned: &Fingerprint) -> Result<(), u8> {
        let Some((path, Some(baseline))) = self.baseline.as_ref().filter(|_| !self.update) else {
            return Ok(());
        };
        let planned = Fingerprint {
            browser: baseline.fingerprint.browser.clone(),
            ..planned.clone()
        };
        let differs = baseline.fingerprint.differs(&planned);
        if differs.is_empty() {
            return Ok(());
        }
        say_changed(path, &differs);
        Err(exit::BAD_INPUT)
    }

    /// Holds the runs against the baseline, prints what came of all, and writes the reports. With `quiet` stdout is left
    /// alone, since it has JSON.
    pub fn close(
        mut self,
        runs: Vec<Judged<'_>>,
        missing: Vec<(String, String)>,
        quiet: bool,
    ) -> Closed {
        let mut gate = Gate {
            runs,
            missing,
            ..Gate::default()
        };
        let mut code = exit::OK;
        if let Some((path, baseline)) = self.baseline.take() {
            code = hold(&mut gate, path, baseline, self.update);
            if gate.baseline.is_none() && gate.incomparable.is_none() {
                gate.incomparable = Some("the baseline was not written".to_owned());
            }
        }
        let mut stdout = std::io::stdout().lock();
        if !quiet {
            // A reader that has gone away, as `head` does, is no failure.
            let _ = terminal::render(&gate, talk::colour_on_stdout(), &mut stdout)
                .and_then(|()| stdout.flush());
        }
        let reports = self.reports.into_iter().map(|(path, file, render)| {
            let written = write_whole(file, &path, |out| render(&gate, out));
            (path, written)
        });
        let also = self.also.into_iter().map(|(path, render)| {
            let written = write_file(&path, |out| render(&gate, out));
            (path, written)
        });
        for (path, written) in reports.chain(also) {
            if let Err(error) = written {
                talk::error(
                    &format!("failed to write `{}`: {error}", path.display()),
                    None,
                );
                code = exit::graver(code, exit::INCONCLUSIVE);
            }
        }
        if let Some(fence) = self.github {
            fence.fall();
            let written = github::render(&gate, &mut stdout);
            if let Err(error) = written.and_then(|()| summarise(&gate)) {
                talk::error(
                    &format!("failed to write the step's summary: {error}"),
                    None,
                );
                code = exit::graver(code, exit::INCONCLUSIVE);
            }
        }
        let own = match gate.code() {
            GateCode::Clean => exit::OK,
            GateCode::Inconclusive => exit::INCONCLUSIVE,
            // As was said when it could not be compared, or not be written.
            GateCode::Stale if gate.incomparable.is_some() => code,
            GateCode::Stale => exit::BAD_INPUT,
            GateCode::Refused => exit::FOUND,
        };
        Closed {
            code: exit::after_runs(own, code),
            codes: gate.codes().into_iter().map(exit_code).collect(),
            json: json::value(&gate),
        }
    }
}

/// Gives the exit code for a baseline that cannot be used, or not be written.
fn hold(gate: &mut Gate<'_>, path: PathBuf, baseline: Option<Baseline>, update: bool) -> u8 {
    if update {
        if let Some(why) = gate.unfinished() {
            talk::error(
                &format!("the baseline is not written, since not everything is known: {why}"),
                Some("a flow that was merely not seen would be taken for gone; run it again"),
            );
            return exit::INCONCLUSIVE;
        }
        let told = gate.told();
        let before = baseline.unwrap_or_default();
        let written = write_file(&path, |out| out.write_all(told.text().as_bytes()));
        if let Err(error) = written {
            talk::error(
                &format!("failed to write `{}`: {error}", path.display()),
                None,
            );
            return exit::INCONCLUSIVE;
        }
        let changes = difference(&before.flows, &told.flows);
        talk::note(&format!(
            "{}: {} written; {} new, {} gone; review it before you commit it",
            path.display(),
            crate::model::count(told.flows.len(), "flow"),
            changes.iter().filter(|(sign, _)| *sign == '+').count(),
            changes.iter().filter(|(sign, _)| *sign == '-').count(),
        ));
        for (sign, line) in changes {
            talk::plain(&format!("{sign}{line}"));
        }
        gate.hold_against(path, &told);
        return exit::OK;
    }
    let Some(baseline) = baseline else {
        return exit::BAD_INPUT;
    };
    let differs = baseline.fingerprint.differs(&gate.fingerprint());
    if !differs.is_empty() {
        say_changed(&path, &differs);
        gate.incomparable = Some(format!(
            "{} is of something else: {}",
            path.display(),
            differs.join("; ")
        ));
        return exit::BAD_INPUT;
    }
    gate.hold_against(path, &baseline);
    let new = gate
        .baseline
        .as_ref()
        .map_or(0, |(_, compared)| compared.new.len());
    if new > 0 {
        let flows = crate::model::count(new, "flow");
        talk::error(
            &format!("the baseline does not have {flows}, and no rule allows them"),
            Some(
                "take them off the page; or, if they may be, add the lines with `--update-baseline`, or allow them by a rule",
            ),
        );
    }
    let stale = gate
        .baseline
        .as_ref()
        .map_or(0, |(_, compared)| compared.stale.len());
    if stale > 0 {
        talk::error(
            &format!(
                "the baseline lists {} that nothing matches any more",
                crate::model::count(stale, "flow")
            ),
            Some(
                "take the lines out, or write it anew with `--update-baseline`, so that it is noticed when they come back",
            ),
        );
    }
    exit::OK
}

fn say_changed(path: &Path, differs: &[String]) {
    talk::error(
        &format!(
            "{}: the baseline is of something else: {}",
            path.display(),
            differs.join("; ")
        ),
        Some(
            "nothing is compared, since another tool, browser or scenario tells other things; run it with `--update-baseline`, and review the difference",
        ),
    );
}

/// Keeps the runner from taking what pages say for commands, from the first line that is printed on.
#[derive(Debug)]
struct Fence(String);

impl Fence {
    fn raise() -> Fence {
        let mut random = [0; 16];
        // Without random numbers the time has to do: a page would have to guess it to the nanosecond.
        if getrandom::fill(&mut random).is_err() {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            random = now.map_or(0, |now| now.as_nanos()).to_le_bytes();
        }
        let token = data_encoding::HEXLOWER.encode(&random);
        talk::data(&format!("::stop-commands::{token}"));
        Fence(token)
    }

    fn fall(self) {
        talk::data(&format!("::{}::", self.0));
    }
}

/// Where the runner keeps a step's summary; nowhere outside of one.
fn summarise(gate: &Gate<'_>) -> std::io::Result<()> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let mut file = File::options().create(true).append(true).open(path)?;
    markdown::render(gate, &mut file)
}

/// The policy that a scenario names, from its folder.
pub fn own_policy(scenario: &Scenario) -> Option<PathBuf> {
    let policy = scenario.policy.as_ref()?;
    Some(scenario.folder().join(&policy.value))
}
