//! `pixelwitness report`: renders a bundle again, or in another format; or several side by side.

use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum, ValueHint};

use super::check::own_policy;
use super::options::no_browser;
use super::{exit, talk};
use crate::browser;
use crate::bundle::{bag, read_body, write_file};
use crate::model::Exchange;
use crate::policy::{Gate, Judged, Policy};
use crate::report::{self, gate};
use crate::run::{Run, page_alone, print};

#[derive(Debug, Args)]
#[command(after_help = "\
  pixelwitness report evidence/report-20261124T090000Z          # the summary, as after the run
  pixelwitness report evidence/… --format html -o report.html   # one page that opens anywhere
  pixelwitness report evidence/… --format pdf -o report.pdf     # the same on paper (needs Chromium)
  pixelwitness report evidence/before evidence/after            # side by side
  pixelwitness report evidence/before evidence/after --format html -o fixed.html
  pixelwitness report evidence/… --format csv -o events.csv     # for a spreadsheet
  pixelwitness report evidence/… --format har -o traffic.har    # for developer tools
  pixelwitness report evidence/… --format wacz -o pages.wacz    # for web archives
  pixelwitness report evidence/… --format junit -o tests.xml    # or sarif, markdown: by its own policy

Every bundle holds its own page already, as data/report.html; `pixelwitness open` shows it with the
bundle's files. Of a run that was cut short, what it had written is rendered. `pixelwitness check`
holds bundles against another policy, or a baseline.

Exit codes: 0 rendered, 2 it is no bundle or cannot be read, or several cannot be rendered so,
3 the file cannot be written.")]
pub struct ReportArgs {
    /// Folders that runs were written to; several are put side by side
    #[arg(required = true, value_name = "BUNDLE", value_hint = ValueHint::DirPath)]
    bundles: Vec<PathBuf>,
    #[arg(long, value_enum, default_value = "terminal")]
    format: Format,
    /// Where it goes; it must not be there yet [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// The Chromium or Chrome that prints [default: the first one found]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::ExecutablePath)]
    browser: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The summary, in words
    Terminal,
    /// One page for everybody: opens anywhere, without network
    Html,
    /// The same page on paper, with the bundle's digest on each sheet
    Pdf,
    /// HAR 1.2: every request, as browsers' developer tools read it
    Har,
    /// A web archive (WACZ 1.1.1): every request that went over the network, with its body, and every answer as the page got it
    Wacz,
    /// Evidence records for a spreadsheet, a row each
    Csv,
    /// What came of the bundle's own policy, for CI systems
    Junit,
    /// The same as SARIF 2.1.0
    Sarif,
    /// The same as Markdown
    Markdown,
}

pub async fn report(args: &ReportArgs) -> u8 {
    let mut runs = Vec::new();
    for bundle in &args.bundles {
        match Run::load(bundle) {
            Ok(run) => runs.push(run),
            Err(error) => {
                talk::error(&error.to_string(), Some(error.help()));
                return exit::BAD_INPUT;
            }
        }
    }
    let several = runs.len() > 1;
    if several && matches!(args.format, Format::Har | Format::Wacz | Format::Csv) {
        talk::error(
            "only one bundle at a time can be rendered in that format",
            Some("several are put side by side as `terminal`, `html` or `pdf`"),
        );
        return exit::BAD_INPUT;
    }
    for run in runs.iter().filter(|run| run.record.finished.is_none()) {
        talk::warning(
            &format!(
                "{}: the run was cut short: this is what it had written",
                run.bundle.display()
            ),
            Some("`pixelwitness audit` completes its records as far as that goes"),
        );
    }
    let mut policies = Vec::new();
    if args.format.is_of_a_policy() {
        for run in &runs {
            match policy_of(run) {
                Ok(policy) => policies.push(policy),
                Err(code) => return code,
            }
        }
    }
    let pdf = match args.format {
        Format::Pdf => match print_all(args, &runs).await {
            Ok(pdf) => pdf,
            Err(code) => return code,
        },
        _ => Vec::new(),
    };
    let all: Vec<&Run> = runs.iter().collect();
    let [first, ..] = runs.as_slice() else {
        return exit::BAD_INPUT;
    };
    let render = |colour: bool, out: &mut dyn Write| match args.format {
        Format::Terminal if several => report::terminal::render_comparison(&all, colour, out),
        Format::Terminal => report::terminal::render(first, colour, out),
        Format::Html => page_alone(&all, out),
        Format::Pdf => out.write_all(&pdf),
        Format::Har => {
            let body = |exchange: &Exchange| read_body(&first.bundle, exchange);
            report::har::render(&first.record, &first.exchanges, &body, out)
        }
        Format::Csv => report::csv::render(&first.events, out),
        Format::Wacz => {
            // A ZIP is not written from one end to the other.
            let mut archive = tempfile::tempfile()?;
            crate::run::archive(first, &archive)?;
            archive.rewind()?;
            io::copy(&mut archive, out).map(|_| ())
        }
        Format::Junit => gate::junit::render(&judged(&runs, &policies), out),
        Format::Sarif => gate::sarif::render(&judged(&runs, &policies), out),
        Format::Markdown => gate::markdown::render(&judged(&runs, &policies), out),
    };
    match write(args.output.as_deref(), &render) {
        // A reader that has gone away, as `head` does, is no failure.
        Err(error) if args.output.is_none() && error.kind() == io::ErrorKind::BrokenPipe => {
            exit::OK
        }
        Err(error) => {
            let what = match &args.output {
                Some(path) => format!("failed to write `{}`: {error}", path.display()),
                None => format!("failed to render it: {error}"),
            };
            talk::error(&what, None);
            exit::INCONCLUSIVE
        }
        Ok(()) => exit::OK,
    }
}

impl Format {
    fn is_of_a_policy(self) -> bool {
        matches!(self, Format::Junit | Format::Sarif | Format::Markdown)
    }
}

/// The policy that a run was held against, as of its day; says what is wrong with it, and gives the exit code.
pub fn policy_of(run: &Run) -> Result<Option<Policy>, u8> {
    let Some(path) = own_policy(&run.bundle)? else {
        return Ok(None);
    };
    Policy::load(&path, run.record.started.date())
        .map(Some)
        .map_err(|diagnostic| talk::diagnostic(&diagnostic))
}

fn judged<'a>(runs: &'a [Run], policies: &'a [Option<Policy>]) -> Gate<'a> {
    let judged = runs.iter().zip(policies).map(|(run, policy)| {
        let title = run.record.scenario.title.clone();
        Judged::new(title, run.bundle.clone(), run.traffic(), policy.as_ref())
    });
    Gate {
        runs: judged.collect(),
        ..Gate::default()
    }
}

fn write(
    output: Option<&Path>,
    render: &dyn Fn(bool, &mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let Some(path) = output else {
        let mut out = BufWriter::new(io::stdout().lock());
        render(talk::colour_on_stdout(), &mut out)?;
        return out.flush();
    };
    if path.exists() {
        return Err(io::Error::other(
            "it is there already, and nothing is overwritten",
        ));
    }
    write_file(path, |out| render(false, out))
}

/// The page on paper. At the foot of each sheet stands the digest of each bundle's tag manifest, which stands for all its files.
async fn print_all(args: &ReportArgs, runs: &[Run]) -> Result<Vec<u8>, u8> {
    let browser = browser::find(args.browser.as_deref()).map_err(|error| no_browser(&error))?;
    let failed = |error: &dyn std::fmt::Display| {
        talk::error(&format!("failed to print it: {error}"), None);
        exit::INCONCLUSIVE
    };
    let folder = tempfile::tempdir().map_err(|error| failed(&error))?;
    let html = folder.path().join("report.html");
    let all: Vec<&Run> = runs.iter().collect();
    write_file(&html, |out| page_alone(&all, out)).map_err(|error| failed(&error))?;
    let digests: Vec<String> = runs
        .iter()
        .map(|run| match bag::tag_digest(&run.bundle) {
            Some(digest) => format!("SHA-256 of the bundle's tagmanifest-sha256.txt: {digest}"),
            None => "a bundle that is not sealed".to_owned(),
        })
        .collect();
    print(&html, browser, &digests.join(" · "))
        .await
        .map_err(|error| failed(&error))
}
