//! Commands of Pinhole's repository: `cargo xtask --help`.

mod firmware;
mod release;
mod windows;

use std::process::ExitCode;

use clap::Parser;
use miette::Result;

/// Commands of Pinhole's repository, for those who work on it.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", arg_required_else_help = true)]
enum Command {
    /// Build the firmware of all boards, and write what ships prebuilt to data/firmware
    Firmware(firmware::Firmware),
    /// Write an archive to give away: the program, its documents, the licenses and a list of all that is in it
    Release(release::Release),
    /// Compile the program for Windows, and run it under wine
    Windows(windows::Windows),
}

fn main() -> Result<ExitCode> {
    match Command::parse() {
        Command::Firmware(command) => command.run(),
        Command::Release(command) => command.run(),
        Command::Windows(command) => command.run(),
    }
}
