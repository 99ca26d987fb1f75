//! Parses arguments, calls the command line's room, returns its exit code; nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    pixelwitness::cli::main()
}
