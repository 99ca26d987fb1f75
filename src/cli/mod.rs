//! The command line: one file a subcommand. The only room that may print or exit.
#![expect(clippy::print_stderr, reason = "this room talks")]

mod audit;
mod batch;
mod browser;
mod check;
mod consent;
mod control;
mod decode;
mod demo;
mod diff;
mod explain;
mod gallery;
mod gate;
mod import;
mod init;
mod merge;
mod open;
mod options;
mod outputs;
mod progress;
mod record;
mod redact;
mod report;
mod results;
mod run;
mod scan;
mod schema;
mod sign;
mod talk;
mod timestamp;
mod verify;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

/// Exit codes. Where several apply: bad input before anything runs, then a finding beats an inconclusive run.
pub mod exit {
    /// Nothing was found.
    pub const OK: u8 = 0;
    /// A rule is violated, a claim contradicted, or something is told that a baseline does not have; without a policy, one
    /// of the three verdicts is `found`.
    pub const FOUND: u8 = 1;
    /// Bad input: usage, scenario, a file that cannot be decoded to its end. Nothing was run.
    pub const BAD_INPUT: u8 = 2;
    /// Inconclusive: the journey could not be completed, or the capture was incomplete (a bundle was written all the
    /// same), or requests in a file could not be read.
    pub const INCONCLUSIVE: u8 = 3;

    /// The one of two that counts.
    pub fn graver(one: u8, other: u8) -> u8 {
        [BAD_INPUT, FOUND, INCONCLUSIVE]
            .into_iter()
            .find(|code| [one, other].contains(code))
            .unwrap_or(OK)
    }

    /// As [`graver`], where something was run: what was found in it says more than a baseline that cannot be used.
    pub fn after_runs(one: u8, other: u8) -> u8 {
        match [one, other].contains(&FOUND) {
            true => FOUND,
            false => graver(one, other),
        }
    }
}

/// When a person does this on that site, who is told what about them?
///
/// Replays a scripted journey in a real Chromium, records every request that leaves, decodes what went to Meta
/// (Facebook) and to others, and keeps evidence that others can check. Decodes what other tools recorded, too.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Say more about what is going on (twice: everything); RUST_LOG chooses in detail
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Say only what went wrong: no progress, no summary; the exit code and the bundles tell the rest
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
}

const AFTER_HELP: &str = "\
Begin with `pixelwitness demo`: a police force that does not exist, and what its report form tells Meta.

Exit codes:
  0  the run was completed, and nothing was found (against the policy, where there is one)
  1  a rule of the policy is violated, a claim contradicted, or something is told that the baseline does not have;
     without a policy: what was typed left, a third party was told what the pages are about, or it was tied to a
     person or a browser (each verdict is in the summary and in findings.json)
  2  bad input: usage, scenario, policy, a file that cannot be decoded to its end; nothing was run; or a stale baseline
  3  inconclusive: nothing was found, and not everything was looked at, searched or known; the journey or the capture
     was not completed, a consent banner could not be answered as told, or something left that was to be contained (a bundle was
     written all the same); or requests in a file could not be read";

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch the embedded demo site leak, end to end
    Demo(demo::DemoArgs),
    /// Replay scenarios; write a bundle of evidence for each; print what was told to whom
    Run(run::RunArgs),
    /// Write a scenario and a policy for a site, commented, that run as they stand
    Init(init::InitArgs),
    /// Look at pages without a scenario: open, answer the consent banner as told, scroll, wait, list
    Scan(scan::ScanArgs),
    /// Click and type in a visible browser; what you do becomes a scenario, what was sent becomes evidence
    Record(record::RecordArgs),
    /// Turn a recording of the Chrome DevTools Recorder into a scenario
    Import(import::ImportArgs),
    /// Hold a bundle's records against its network log again; complete those of a run that was cut short
    Audit(audit::AuditArgs),
    /// Hold a bundle or a HAR against a policy or a baseline, offline
    Check(check::CheckArgs),
    /// Compare what two bundles or baselines tell, flow by flow
    Diff(diff::DiffArgs),
    /// Say what a bundle proves: unchanged, by whom, since when, whether its records follow from what the browser said
    Verify(verify::VerifyArgs),
    /// Put shares of a batch, and bundles made apart, into one folder with one index
    Merge(merge::MergeArgs),
    /// Sign bundles with an OpenSSH key
    Sign(sign::SignArgs),
    /// Have a time-stamping authority say that a bundle was there
    Timestamp(timestamp::TimestampArgs),
    /// Write an edition that can be shared: chosen values taken out wherever they stand, to be disclosed later one by one
    Redact(redact::RedactArgs),
    /// Show a value that was taken out of a redacted edition, or check one that was shown
    Disclose(redact::DiscloseArgs),
    /// Render a bundle again: as one page, on paper, as HAR, web archive or spreadsheet; or several side by side
    Report(report::ReportArgs),
    /// Show a bundle's report and its files in the browser
    Open(open::OpenArgs),
    /// Decode a HAR or JSON Lines that any tool made; print evidence records, a JSON object a line
    Decode(decode::DecodeArgs),
    /// Say what a parameter means, or what a request told
    Explain(explain::ExplainArgs),
    /// Print the JSON Schema of a file that people write, or that a bundle holds
    Schema(schema::SchemaArgs),
    /// Find or install rules for consent banners that are not recognised without
    #[command(subcommand)]
    Consent(consent::ConsentCommand),
    /// Find or install the browser
    #[command(subcommand)]
    Browser(browser::BrowserCommand),
}

/// Parses the arguments and does what they say.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(cli.verbose);
    if cli.quiet {
        talk::be_quiet();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(std::thread::available_parallelism().map_or(2, |cpus| cpus.get().max(2)))
        // One that was there is there when no other can be started, as where processes are limited.
        .thread_keep_alive(Duration::from_secs(24 * 3600))
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            talk::error(&format!("failed to start: {error}"), None);
            return ExitCode::from(exit::INCONCLUSIVE);
        }
    };
    let code = runtime.block_on(async {
        let _ = tokio::task::spawn_blocking(|| ()).await;
        match cli.command {
            Command::Demo(args) => demo::demo(args).await,
            Command::Run(args) => run::run(args).await,
            Command::Init(args) => init::init(&args),
            Command::Scan(args) => scan::scan(args).await,
            Command::Record(args) => record::record(args).await,
            Command::Import(args) => import::import(&args),
            Command::Audit(args) => audit::audit(args),
            Command::Check(args) => check::check(&args),
            Command::Diff(args) => diff::diff(&args),
            Command::Verify(args) => verify::verify(&args),
            Command::Merge(args) => merge::merge(&args),
            Command::Sign(args) => sign::sign(&args),
            Command::Timestamp(args) => timestamp::timestamp(&args).await,
            Command::Redact(args) => redact::redact(&args),
            Command::Disclose(args) => redact::disclose(&args),
            Command::Report(args) => report::report(&args).await,
            Command::Open(args) => open::open(&args).await,
            Command::Decode(args) => decode::decode(&args),
            Command::Explain(args) => explain::explain(&args),
            Command::Schema(args) => schema::schema(&args),
            Command::Consent(command) => consent::consent(command).await,
            Command::Browser(command) => browser::browser(command).await,
        }
    });
    runtime.shutdown_background();
    ExitCode::from(code)
}

fn start_log(verbose: u8) {
    use tracing_subscriber::EnvFilter;
    let default = match verbose {
        0 => "error",
        1 => "error,pixelwitness=info",
        _ => "warn,pixelwitness=trace,chromium=debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}
