//! Commands of Pinhole's repository: `cargo xtask --help`.

mod firmware;

use std::process::ExitCode;

use clap::Parser;
use miette::Result;

/// Commands of Pinhole's repository, for those who work on it.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", arg_required_else_help = true)]
enum Command {
    /// Build the firmware of all boards, and write what ships prebuilt to data/firmware
    Firmware(firmware::Firmware),
}

fn main() -> Result<ExitCode> {
    match Command::parse() {
        Command::Firmware(command) => command.run(),
    }
}
