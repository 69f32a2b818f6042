//! `pinhole demo`.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use miette::{Diagnostic as _, Result};
use pinhole_boards::board::Board;
use pinhole_boards::device::{CameraKind, InferenceDevice as _, PortableDevice};
use pinhole_boards::emulator::{self, EmulatorError};
use pinhole_boards::prove::{ProofInputs, prove};
use pinhole_core::artifacts::{create_folder, write_files};
use pinhole_core::data;
use pinhole_core::model_file::ModelFile;
use pinhole_core::photos::{self, Example, PhotoOptions};
use pinhole_core::recipe::DEFAULT;
use pinhole_train::quantize::ActivationBits;
use pinhole_train::runs::bundled;
use pinhole_train::runs::{self, Trained, files};
use pinhole_train::{Accelerator, Stopped};

use super::INTERRUPTED;
use super::output::{confusion, say, scores};
use super::prove::{print_proof, prove_with_progress};
use super::terminal::Terminal;
use super::values::at_least;
use crate::app::board::start_board;
use crate::app::train::{Checkpoints, EarlierRun, RecipeChanges, TrainRequest, train as train_job};

/// `pinhole demo`.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Folder to write the synthetic pictures and the run folder to. Those of an earlier demo are replaced
    #[arg(long, default_value = "pinhole-demo")]
    out: PathBuf,
    /// Seed of the training
    #[arg(long, default_value_t = 1, value_parser = at_least::<u64>(0))]
    seed: u64,
}

impl Demo {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let [train, validation] = ["train", "validation"].map(|set| self.out.join("pictures").join(set));
        unpack("train", &train)?;
        unpack("validation", &validation)?;
        say!("1. synthetic pictures: 26 for training and 14 for validation");
        say!("   {}", self.out.join("pictures").display());

        // The emulator is found, or its copy made, before any long work.
        let emulator = emulator::emulator().map(drop);

        let run = self.out.join("run");
        let (right, all) = right(&bundled::default_model().model, &validation)?;
        say!(
            "2. the bundled model {}, trained on photos, classifies {right} of {all} synthetic pictures correctly",
            bundled::DEFAULT
        );
        let job = self.request(&train, &validation, None).job(&mut Terminal::new())?;
        say!(
            "3. training continues from this model on the 26 pictures: at most {} epochs, seed {}",
            job.recipe.training.epochs,
            job.seed
        );
        // It holds the run of an earlier demo, if any.
        let earlier = EarlierRun::Replace;
        let finished = train_job(&job, &run, Checkpoints::None, earlier, &mut Terminal::new())?.finished;
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
        say!("4. quantization: {bytes} bytes, checksum {:08x}", finished.summary.model_checksum);
        say!("5. evaluation on the validation pictures");
        scores(&finished.evaluation);
        confusion(&finished.evaluation);
        let article = self.request(&train, &validation, Some(DEFAULT)).job(&mut ())?;
        let article = article.run(&article.load()?, |_| ControlFlow::Continue(()))?;
        say!(
            "   the article's network ({DEFAULT}), trained on the same pictures: int8 accuracy {:.4}",
            article.evaluation.int8.accuracy
        );

        let trained = runs::open(&run)?;
        let (pictures, _) = photos::expand(&[train, validation])?;
        let holds = match emulator {
            Ok(()) => prove_on_board(&trained, &pictures)?,
            Err(missing) => prove_without_board(&trained, &pictures, &missing)?,
        };
        say!("7. report: {}", run.join(files::REPORT).display());
        Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Demo {
    /// Returns the request of a training on the pictures, as `pinhole train` makes it.
    fn request(&self, train: &Path, validation: &Path, recipe: Option<&str>) -> TrainRequest {
        TrainRequest {
            options: PhotoOptions::default(),
            photos: train.to_owned(),
            validation: Some(validation.to_owned()),
            test: None,
            recipe: recipe.map(str::to_owned),
            from: None,
            freeze: false,
            board: None,
            changes: RecipeChanges::default(),
            seed: self.seed,
            bits: ActivationBits::default(),
            accelerator: Accelerator::Cpu,
        }
    }
}

/// Runs the proof on the emulated board.
fn prove_on_board(trained: &Trained, pictures: &[PathBuf]) -> Result<bool> {
    say!("6. proof: compare host and emulated board on every picture, through the board's camera path");
    let mut board = start_board(Board::default(), CameraKind::Photos, trained, &mut Terminal::new())?;
    say!("   emulated board {}, kernel {}", board.identity().board, board.identity().kernel);
    let proof = prove_with_progress(trained, &mut board, ProofInputs::Photos(pictures))?;
    print_proof(&proof);
    Ok(proof.holds())
}

/// Runs the proof without an emulator: with the packed model, and portable versions of the boards' kernels.
fn prove_without_board(trained: &Trained, pictures: &[PathBuf], missing: &EmulatorError) -> Result<bool> {
    say!("6. proof without an emulated board: {missing}");
    say!("   The host's engine and portable Rust versions of the boards' kernels run every picture, with the model");
    say!("   packed as it is for the boards' flash. This does not test firmware, assembly code and camera.");
    let (inputs, _) = photos::read_unlabeled(pictures, trained.model.model().input())?;
    let mut holds = true;
    for board in [Board::Qemu, Board::QemuM0plus] {
        let mut device = PortableDevice::new(&trained.model, board.packing())?;
        let proof = prove(&trained.model, &mut device, ProofInputs::Inputs(&inputs), || ())?;
        say!("   kernel for {}, portable:", board.declaration().core.name());
        print_proof(&proof);
        holds &= proof.holds();
    }
    if let Some(help) = missing.help() {
        say!("   To add the emulated board: {help}; then run this demo again.");
    }
    Ok(holds)
}

/// Returns the number of pictures in a folder that a model classifies correctly, and the number of all pictures.
fn right(model: &ModelFile, folder: &Path) -> Result<(usize, usize)> {
    let mut engine = model.engine();
    let classes: Vec<String> = engine.model().class_names().map(str::to_owned).collect();
    let pictures = photos::load(folder, engine.model().input(), Some(&classes))?.examples;
    let is_right = |picture: &&Example| engine.run(&picture.pixels).class == picture.class;
    Ok((pictures.iter().filter(is_right).count(), pictures.len()))
}

/// Writes the bundled pictures of a set into a folder.
fn unpack(set: &str, folder: &Path) -> Result<()> {
    create_folder(folder)?;
    Ok(write_files(folder, &data::pictures(set))?)
}
