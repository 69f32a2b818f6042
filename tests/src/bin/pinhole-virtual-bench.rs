//! `pinhole` with the virtual probes of [`pinhole_tests::virtual_board`] instead of those on USB: test equipment.

use std::process::ExitCode;

fn main() -> ExitCode {
    pinhole::cli::run_with(&pinhole_tests::virtual_board::bench())
}
