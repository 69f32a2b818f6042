//! `pinhole pack`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::{IntoDiagnostic as _, Result};

use super::output::say;
use crate::emulator::Board;
use crate::run_folder;

/// `pinhole pack`.
#[derive(Debug, Args)]
pub(super) struct Pack {
    /// A .pinhole file, or a run folder of `pinhole train`
    model: PathBuf,
    /// Board whose kernel it is for
    #[arg(long, value_enum, default_value_t)]
    board: Board,
    /// File to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Pack {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let trained = run_folder::open(&self.model)?;
        let packed = trained.model.packed(self.board.packing()).into_diagnostic()?;
        run_folder::write_file(&self.out, packed.bytes())?;
        say!("{}: {} bytes", self.out.display(), packed.bytes().len());
        Ok(ExitCode::SUCCESS)
    }
}
