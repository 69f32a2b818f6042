//! `pinhole demo`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use include_dir::{Dir, include_dir};
use miette::Result;

use super::INTERRUPTED;
use super::output::{confusion, say, scores};
use super::prove::{print_proof, prove_with_progress};
use super::simulate::start_board;
use super::train::{Checkpoints, train_and_write};
use crate::board::Board;
use crate::photos;
use crate::quantize::ActivationBits;
use crate::recipe::{DEFAULT, Recipe};
use crate::run_folder::{self, create_folder, files, write_file};
use crate::train::Stopped;
use crate::workflow::Job;

/// The pictures that ship with Pinhole.
static DATA: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../data");

/// `pinhole demo`.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Folder to write: the drawn pictures and the run
    #[arg(long, default_value = "pinhole-demo")]
    out: PathBuf,
    /// Seed of the training
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Demo {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let [train, validation] = ["train", "validation"].map(|set| self.out.join("pictures").join(set));
        unpack("train", &train)?;
        unpack("validation", &validation)?;
        say!("1. pictures: 26 to train on and 14 to validate with, drawn, not photographed");
        say!("   {}", self.out.join("pictures").display());

        let run = self.out.join("run");
        let job = Job {
            photos: train.clone(),
            validation: Some(validation.clone()),
            recipe_name: DEFAULT.to_owned(),
            recipe: Recipe::find(DEFAULT)?,
            from: None,
            seed: self.seed,
            bits: ActivationBits::default(),
        };
        say!("2. training: {DEFAULT}, {} epochs, seed {}", job.recipe.training.epochs, job.seed);
        let finished = train_and_write(&job, &run, Checkpoints::None)?.finished;
        if finished.outcome.stopped == Stopped::Interrupted {
            return Ok(ExitCode::from(INTERRUPTED));
        }
        let best = finished.outcome.best;
        say!(
            "   best epoch {} of {}: validation loss {:.4}",
            best.epoch,
            finished.summary.epochs,
            best.validation_loss
        );
        let bytes = finished.model.bytes().len();
        say!("3. quantization: {bytes} bytes, checksum {:08x}", finished.summary.model_checksum);
        say!("4. evaluation on the validation pictures");
        scores(&finished.evaluation);
        confusion(&finished.evaluation);

        say!("5. proof: every picture through the host's engine and the emulated board's camera path");
        let trained = run_folder::open(&run)?;
        let mut board = start_board(Board::default(), &trained, false)?;
        say!("   emulated board {}, kernel {}", board.identity().board, board.identity().kernel);
        let (pictures, _) = photos::expand(&[train, validation])?;
        let proof = prove_with_progress(&trained, &mut board, &pictures)?;
        print_proof(&proof);
        say!("6. report: {}", run.join(files::REPORT).display());
        Ok(if proof.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Writes the shipped pictures of a set into a folder.
fn unpack(set: &str, folder: &Path) -> Result<()> {
    create_folder(folder)?;
    for file in DATA.get_dir(set).into_iter().flat_map(Dir::files) {
        if let Some(name) = file.path().file_name() {
            write_file(&folder.join(name), file.contents())?;
        }
    }
    Ok(())
}
