//! A board's firmware, and what goes into its flash.
//!
//! | module | what happens there |
//! |---|---|
//! | `toolchain` | what builds the firmware |
//! | `build` | source -> ELF |
//! | `packed` | model file -> the bytes that go into a board's flash |
//! | `system` | programs of this machine, and Debian's packages |

mod build;
mod packed;
pub(crate) mod system;
mod toolchain;

use std::io;
use std::path::PathBuf;

use crate::board::Board;
use crate::budget::{Exceeded, Misfits};
use crate::model_file::PackError;

pub use build::Firmware;
pub use packed::packed_for;
pub use system::InstallError;

/// Why there is no firmware for a board, or a model does not go with it.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum FirmwareError {
    /// Debian's packages could not be installed.
    #[error("Debian packages that building the firmware needs could not be installed")]
    #[diagnostic(help("install them by hand, then try again"))]
    Install(#[source] InstallError),
    /// cargo could not be started.
    #[error("{program} could not be started")]
    Program {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// Nothing on this machine builds for the board.
    #[error("no Rust toolchain on this machine builds for {target}")]
    #[diagnostic(help("run: {command}"))]
    NoToolchain {
        /// The board's target.
        target: &'static str,
        /// What to run.
        command: String,
    },
    /// The firmware's source is not there.
    #[error("the firmware's source is not at {}", folder.display())]
    #[diagnostic(help("firmware is built from source: run Pinhole from a checkout of its repository"))]
    NoSource {
        /// Where it should be.
        folder: PathBuf,
    },
    /// The firmware could not be built.
    #[error("the firmware could not be built:\n{output}")]
    #[diagnostic(help("run `cargo build --release` in {} to see all of it", folder.display()))]
    Build {
        /// The firmware's workspace.
        folder: PathBuf,
        /// The end of cargo's output.
        output: String,
    },
    /// The firmware's file cannot be read, or has no log table.
    #[error("the firmware at {} cannot be read: {reason}", path.display())]
    #[diagnostic(help("delete it, so that it is built anew"))]
    Elf {
        /// The ELF file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The firmware takes more than the board's budget.
    #[error("the firmware of the board {} is over its budget: {exceeded}", board.name())]
    #[diagnostic(help("make it smaller, or allow it more in the board's file"))]
    Budget {
        /// The board.
        board: Board,
        /// What it takes too much of.
        exceeded: Exceeded,
    },
    /// The model cannot be packed for the board's kernel.
    #[error("the model {} cannot be packed for the board", path.display())]
    #[diagnostic(help("make it anew with `pinhole quantize`"))]
    Pack {
        /// The model file.
        path: PathBuf,
        /// Why.
        source: PackError,
    },
    /// The model takes more than the board has.
    #[error("the model {} does not fit the board {}: {misfits}", path.display(), board.name())]
    #[diagnostic(help(
        "{}; `pinhole inspect {} --board {}` shows what it takes",
        misfits.advice(), path.display(), board.name()
    ))]
    DoesNotFit {
        /// The model file.
        path: PathBuf,
        /// The board.
        board: Board,
        /// What it takes more of.
        misfits: Misfits,
    },
}
