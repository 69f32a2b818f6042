//! `pinhole draw`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::Result;

use super::output::say;
use crate::draw::{SHIPPED_SEED, Set, drawings, encode_jpeg};
use crate::run_folder::{create_folder, write_file};

/// `pinhole draw`.
#[derive(Debug, Args)]
pub(super) struct Draw {
    /// Folder to write: train/ and validation/ in it
    out: PathBuf,
    /// Seed of the pictures; the default draws those that ship in data/
    #[arg(long, default_value_t = SHIPPED_SEED)]
    seed: u64,
    /// Training pictures of each class
    #[arg(long, default_value_t = 13)]
    train: usize,
    /// Validation pictures of each class
    #[arg(long, default_value_t = 7)]
    validation: usize,
}

impl Draw {
    pub(super) fn run(&self) -> Result<ExitCode> {
        for (name, set, count) in [("train", Set::Train, self.train), ("validation", Set::Validation, self.validation)]
        {
            let folder = self.out.join(name);
            create_folder(&folder)?;
            for drawing in drawings(self.seed, count, set) {
                write_file(&folder.join(&drawing.file_name), &encode_jpeg(&drawing.picture))?;
            }
            say!("{} drawn pictures in {}", 2 * count, folder.display());
        }
        Ok(ExitCode::SUCCESS)
    }
}
