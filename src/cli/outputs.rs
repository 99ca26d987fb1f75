//! Files that are asked for besides the bundle: made before anything runs, so that it is known that they can be.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueHint};
use tempfile::NamedTempFile;

use super::{exit, talk};
use crate::bundle::{folder_of, read_body, write_whole};
use crate::model::Exchange;
use crate::report;
use crate::run::{Run, page_alone};

#[derive(Debug, Clone, Default, Args)]
pub struct OutputArgs {
    /// Write the report as one page that opens anywhere; of several journeys, side by side. What is there is replaced
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub html: Option<PathBuf>,
    /// Write the traffic as HAR 1.2; of one journey. What is there is replaced
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub har: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Html,
    Har,
}

/// Files that wait for what they are to hold.
#[derive(Debug, Default)]
pub struct Outputs {
    files: Vec<(PathBuf, NamedTempFile, Kind)>,
}

impl Outputs {
    /// `journeys` are to be made. Says what is wrong, and gives the exit code for it.
    pub fn open(args: &OutputArgs, journeys: usize) -> Result<Outputs, u8> {
        if args.har.is_some() && journeys > 1 {
            talk::error(
                &format!("`--har` takes one journey, and {journeys} are to be made"),
                Some("each bundle has its own, as data/traffic.har"),
            );
            return Err(exit::BAD_INPUT);
        }
        let mut files = Vec::new();
        for (path, kind) in [(&args.html, Kind::Html), (&args.har, Kind::Har)] {
            let Some(path) = path else { continue };
            let file = NamedTempFile::new_in(folder_of(path)).map_err(|error| {
                talk::error(
                    &format!("failed to write `{}`: {error}", path.display()),
                    Some("is its folder there?"),
                );
                exit::BAD_INPUT
            })?;
            files.push((path.clone(), file, kind));
        }
        Ok(Outputs { files })
    }

    /// Writes them, of these bundles. Gives the exit code.
    pub fn close(self, bundles: &[PathBuf]) -> u8 {
        if self.files.is_empty() {
            return exit::OK;
        }
        let mut code = exit::OK;
        let mut loaded = Vec::new();
        for bundle in bundles {
            match Run::load(bundle) {
                Ok(run) => loaded.push(run),
                Err(error) => {
                    talk::error(&error.to_string(), None);
                    code = exit::INCONCLUSIVE;
                }
            }
        }
        let runs: Vec<&Run> = loaded.iter().collect();
        for (path, file, kind) in self.files {
            if runs.is_empty() {
                talk::warning(
                    &format!("`{}` was not written: no journey was made", path.display()),
                    None,
                );
                continue;
            }
            if let Err(error) = write_whole(file, &path, |out| write(kind, &runs, out)) {
                talk::error(
                    &format!("failed to write `{}`: {error}", path.display()),
                    None,
                );
                code = exit::INCONCLUSIVE;
            }
        }
        code
    }
}

fn write(kind: Kind, runs: &[&Run], out: &mut dyn Write) -> io::Result<()> {
    match kind {
        Kind::Html => page_alone(runs, out),
        // Of one: it was asked for of no more.
        Kind::Har => runs.iter().try_for_each(|run| {
            let body = |exchange: &Exchange| read_body(&run.bundle, exchange);
            report::har::render(&run.record, &run.exchanges, &body, out)
        }),
    }
}
