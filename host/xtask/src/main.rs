//! Commands of Pinhole's repository: `cargo xtask --help`.

mod counts;
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
    Firmware(firmware::FirmwareCommand),
    /// Count the bundled networks' instructions on the emulated boards, and write the table in docs/measurements.md anew
    Counts(counts::CountsCommand),
    /// Write a release archive: the program, its documents, the licenses and a list of all its packages
    Release(release::Release),
    /// Redraw README's picture, docs/pinhole.svg, from the bundled model and pictures
    Picture(picture::PictureCommand),
    /// Check that the program compiles for macOS, without linking or running it
    Macos(macos::Macos),
    /// Compile the program for Windows, and run it under wine
    Windows(windows::Windows),
}

fn main() -> Result<ExitCode> {
    match Command::parse() {
        Command::Firmware(command) => command.run(),
        Command::Counts(command) => command.run(),
        Command::Release(command) => command.run(),
        Command::Picture(command) => command.run(),
        Command::Macos(command) => command.run(),
        Command::Windows(command) => command.run(),
    }
}
