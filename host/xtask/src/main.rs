//! Commands of Pinhole's repository: `cargo xtask --help`.

mod cross;
mod firmware;
mod macos;
mod picture;
mod release;
mod windows;

use std::process::ExitCode;

use clap::Parser;
use miette::Result;

/// Commands of Pinhole's repository, for those who work on it.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", arg_required_else_help = true)]
enum Command {
    /// Build the firmware of all boards, and write it to data/firmware
    Firmware(firmware::Firmware),
    /// Write an archive to give away: the program, its documents, the licenses and a list of all that is in it
    Release(release::Release),
    /// Draw README's picture anew, from the bundled model and pictures: docs/pinhole.svg
    Picture(picture::Picture),
    /// Check that the program's sources compile for macOS; nothing is linked or run
    Macos(macos::Macos),
    /// Compile the program for Windows, and run it under wine
    Windows(windows::Windows),
}

fn main() -> Result<ExitCode> {
    match Command::parse() {
        Command::Firmware(command) => command.run(),
        Command::Release(command) => command.run(),
        Command::Picture(command) => command.run(),
        Command::Macos(command) => command.run(),
        Command::Windows(command) => command.run(),
    }
}
