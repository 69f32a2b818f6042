//! `pinhole pack`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::Result;
use pinhole_boards::board::Board;
use pinhole_boards::firmware::packed_for;
use pinhole_core::artifacts::write_model;
use pinhole_core::path_text::path_text;

use super::choice::choice;
use super::completions;
use super::model_and_photos::{MODEL, open};
use super::output::{json, say};

/// `pinhole pack`.
#[derive(Debug, Args)]
pub(super) struct Pack {
    #[arg(help = MODEL, add = completions::models())]
    model: PathBuf,
    /// Board to pack the model for
    #[arg(long, value_parser = choice::<Board>(), default_value = Board::default().name())]
    board: Board,
    /// File to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Pack {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let trained = open(&self.model)?;
        let packed = packed_for(self.board, &trained.model, &trained.model_path)?;
        write_model(&self.out, packed.bytes())?;
        let (bytes, checksum) = (packed.bytes().len(), format!("{:08x}", packed.model().checksum()));
        if self.json {
            json(&serde_json::json!({ "model": path_text(&self.out), "bytes": bytes, "checksum": checksum }))?;
        } else {
            say!("{}: {bytes} bytes, checksum {checksum}", self.out.display());
        }
        Ok(ExitCode::SUCCESS)
    }
}
