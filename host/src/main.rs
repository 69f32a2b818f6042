//! The `pinhole` command. Parsing and printing are in `pinhole::cli`, the work in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    pinhole::cli::run()
}
