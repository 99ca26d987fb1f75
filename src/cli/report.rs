//! `pixelwitness report`: renders a bundle again, or in another format.

use std::io::{self, BufWriter, Seek, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::{exit, talk};
use crate::bundle::{read_body, write_file};
use crate::model::Exchange;
use crate::report;
use crate::run::Run;

#[derive(Debug, Args)]
#[command(after_help = "\
  pixelwitness report evidence/report-20261124T090000Z      # the summary, as after the run
  pixelwitness report evidence/… --format csv -o events.csv     # for a spreadsheet
  pixelwitness report evidence/… --format har -o traffic.har    # for developer tools
  pixelwitness report evidence/… --format wacz -o pages.wacz    # for web archives

Of a run that was cut short, what it had written is rendered. JUnit, SARIF and Markdown hold a
bundle against a policy: `pixelwitness check`.

Exit codes: 0 rendered, 2 it is no bundle or cannot be read, 3 the file cannot be written.")]
pub struct ReportArgs {
    /// The folder that a run was written to
    #[arg(value_name = "BUNDLE", value_hint = ValueHint::DirPath)]
    bundle: PathBuf,
    #[arg(long, value_enum, default_value = "terminal")]
    format: Format,
    /// Where it goes; it must not be there yet [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The summary, in words
    Terminal,
    /// One page for everybody: opens anywhere, without network
    Html,
    /// HAR 1.2: every request, as browsers' developer tools read it
    Har,
    /// A web archive (WACZ 1.1.1): every request that went over the network, with its body, and every answer as the page got it
    Wacz,
    /// Evidence records for a spreadsheet, a row each
    Csv,
}

pub fn report(args: &ReportArgs) -> u8 {
    let run = match Run::load(&args.bundle) {
        Ok(run) => run,
        Err(error) => {
            talk::error(&error.to_string(), Some(error.help()));
            return exit::BAD_INPUT;
        }
    };
    if run.record.finished.is_none() {
        talk::warning(
            "the run was cut short: this is what it had written",
            Some("`pixelwitness audit` completes its records as far as that goes"),
        );
    }
    match write(args, &run) {
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

fn write(args: &ReportArgs, run: &Run) -> io::Result<()> {
    let Some(path) = &args.output else {
        let mut out = BufWriter::new(io::stdout().lock());
        render(args.format, run, talk::colour_on_stdout(), &mut out)?;
        return out.flush();
    };
    if path.exists() {
        return Err(io::Error::other(
            "it is there already, and nothing is overwritten",
        ));
    }
    write_file(path, |out| render(args.format, run, false, out))
}

fn render(format: Format, run: &Run, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let body = |exchange: &Exchange| read_body(&run.bundle, exchange);
    match format {
        Format::Terminal => report::terminal::render(run, colour, out),
        Format::Html => crate::run::page(run, false, out),
        Format::Har => report::har::render(&run.record, &run.exchanges, &body, out),
        Format::Csv => report::csv::render(&run.events, out),
        Format::Wacz => {
            // A ZIP is not written from one end to the other.
            let mut archive = tempfile::tempfile()?;
            crate::run::archive(run, &archive)?;
            archive.rewind()?;
            io::copy(&mut archive, out).map(|_| ())
        }
    }
}
