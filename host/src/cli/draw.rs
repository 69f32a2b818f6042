//! `pinhole draw`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::{Result, miette};
use pinhole_core::artifacts::{create_folder, write_files};
use pinhole_core::synthetic::{SHIPPED_SEED, Set, drawings, encode_jpeg};

use super::output::say;
use super::values::at_least;

/// `pinhole draw`.
#[derive(Debug, Args)]
pub(super) struct Draw {
    /// Folder to write train/ and validation/ to
    #[arg(long, value_name = "FOLDER", required_unless_present = "earlier_out")]
    out: Option<PathBuf>,
    /// The folder, as it was given before --out.
    #[arg(hide = true, value_name = "FOLDER", conflicts_with = "out")]
    earlier_out: Option<PathBuf>,
    /// Seed of the pictures; the default gives those of `pinhole demo`
    #[arg(long, default_value_t = SHIPPED_SEED, value_parser = at_least::<u64>(0))]
    seed: u64,
    /// Number of training pictures per class
    #[arg(long, default_value_t = 13, value_name = "COUNT", value_parser = at_least::<usize>(0))]
    train: usize,
    /// Number of validation pictures per class
    #[arg(long, default_value_t = 7, value_name = "COUNT", value_parser = at_least::<usize>(0))]
    validation: usize,
}

impl Draw {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let out = self.out.as_ref().or(self.earlier_out.as_ref()).ok_or_else(|| miette!("--out is missing"))?;
        for (name, set, count) in [("train", Set::Train, self.train), ("validation", Set::Validation, self.validation)]
        {
            let folder = out.join(name);
            create_folder(&folder)?;
            let pictures = drawings(self.seed, count, set);
            let files = pictures.iter().map(|drawing| (&drawing.file_name, encode_jpeg(&drawing.picture)));
            write_files(&folder, &files.collect::<Vec<_>>())?;
            say!("{} synthetic pictures in {}", 2 * count, folder.display());
        }
        Ok(ExitCode::SUCCESS)
    }
}
