//! `pinhole simulate` and `pinhole prove`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::Result;
use pinhole_shared::link::Report;
use serde::Serialize;

use super::output::{answer, answered_class, json, name, note, progress, say, spinner, warn};
use crate::board::{Board, Emulated};
use crate::device::CameraKind;
use crate::emulator::EmulatedBoard;
use crate::inference::Inference;
use crate::photos::{self, decode};
use crate::prove::{Proof, prove};
use crate::run_folder::{self, Trained};

/// What both commands take.
#[derive(Debug, Args)]
pub(super) struct Target {
    /// A .pinhole file, or a run folder of `pinhole train` (default: the model that ships with Pinhole)
    #[arg(required_unless_present = "more_photos")]
    model: Option<PathBuf>,
    /// Photos, or folders of photos
    #[arg(required_unless_present = "more_photos")]
    photos: Vec<PathBuf>,
    /// Photos, or a folder of photos; repeatable
    #[arg(long = "photos", value_name = "PHOTOS")]
    more_photos: Vec<PathBuf>,
    /// Board to run on
    #[arg(long, value_enum, default_value_t)]
    pub(super) board: Emulated,
    /// Camera that the board has
    #[arg(long, value_enum, default_value_t)]
    pub(super) camera: CameraKind,
    /// Take only so many of the photos, evenly spread over them
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Show the device's log
    #[arg(long)]
    log: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Target {
    /// The model, from where it is said to be.
    pub(super) fn trained(&self) -> Result<Trained> {
        Ok(match &self.model {
            Some(model) => run_folder::open(model)?,
            None => run_folder::shipped(),
        })
    }

    /// The photos the board can take. All are read here, before a board is started, and again when it is their turn.
    pub(super) fn photos(&self, trained: &Trained) -> Result<Vec<PathBuf>> {
        let all: Vec<PathBuf> = self.photos.iter().chain(&self.more_photos).cloned().collect();
        let (photos, warnings) = photos::read_unlabeled(&all, trained.model.model().input_side())?;
        warn(&warnings);
        let paths: Vec<PathBuf> = photos.into_iter().map(|photo| photo.path).collect();
        let Some(limit) = self.limit.map(|limit| limit as usize).filter(|&limit| limit < paths.len()) else {
            return Ok(paths);
        };
        Ok((0..limit).map(|i| paths[i * paths.len() / limit].clone()).collect())
    }

    fn start(&self, trained: &Trained) -> Result<EmulatedBoard> {
        start_board_with(self.board.0, self.camera, trained, self.log)
    }
}

/// Builds and starts an emulated board with photos for a camera, saying so.
pub(super) fn start_board(board: Board, trained: &Trained, log: bool) -> Result<EmulatedBoard> {
    start_board_with(board, CameraKind::Photos, trained, log)
}

/// Builds and starts an emulated board, saying so.
pub(super) fn start_board_with(
    board: Board,
    camera: CameraKind,
    trained: &Trained,
    log: bool,
) -> Result<EmulatedBoard> {
    let waiting = spinner("starting the emulated board (the first time, its firmware is built: a minute or so)");
    let board = EmulatedBoard::start_model(board, &trained.model, &trained.model_path, camera, move |line| {
        if log {
            note(&line.to_string());
        }
    });
    waiting.finish_and_clear();
    Ok(board?)
}

/// `pinhole simulate`.
#[derive(Debug, Args)]
pub(super) struct Simulate {
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Serialize)]
struct Simulated {
    path: PathBuf,
    /// The likeliest class.
    class: String,
    probability: f64,
    /// The class the board answered; `None`: unknown.
    answer: Option<String>,
}

impl Simulate {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let trained = self.target.trained()?;
        let photos = self.target.photos(&trained)?;
        let mut board = self.target.start(&trained)?;
        if !self.target.json {
            let identity = board.identity();
            say!("emulated board {}, kernel {}", identity.board, identity.kernel);
        }
        let model = trained.model.model();
        let names: Vec<&str> = model.class_names().collect();
        let mut all = Vec::with_capacity(photos.len());
        for path in photos {
            let Inference { decision, verdict, .. } =
                board.capture(decode::read(&path)?.to_gray(), Report::Decision)?;
            if !self.target.json {
                say!("{}: {}", path.display(), answer(&names, decision, verdict));
            }
            let (class, answer) = (name(&names, decision.class).to_owned(), answered_class(&names, verdict));
            all.push(Simulated { path, class, probability: decision.probability.to_f64(), answer });
        }
        if self.target.json {
            json(&all)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// `pinhole prove`.
#[derive(Debug, Args)]
pub(super) struct Prove {
    #[command(flatten)]
    target: Target,
}

impl Prove {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let trained = self.target.trained()?;
        let photos = self.target.photos(&trained)?;
        let mut board = self.target.start(&trained)?;
        let proof = prove_with_progress(&trained, &mut board, &photos)?;
        if self.target.json {
            json(&proof)?;
        } else {
            print_proof(&proof);
        }
        Ok(if proof.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Proves with a progress bar.
pub(super) fn prove_with_progress(trained: &Trained, board: &mut EmulatedBoard, photos: &[PathBuf]) -> Result<Proof> {
    let bar = progress(photos.len() as u64, "proving");
    let proof = prove(&trained.model, board, photos, || bar.inc(1))?;
    bar.finish_and_clear();
    Ok(proof)
}

/// Prints the first difference, if any, and the verdict.
pub(super) fn print_proof(proof: &Proof) {
    if let Some(first) = &proof.first {
        let value = |value: Option<i64>| value.map_or("nothing".to_owned(), |value| value.to_string());
        say!(
            "first mismatch: {}, {}, index {}: host {}, board {}",
            first.photo.display(),
            first.place,
            first.index,
            value(first.host),
            value(first.board)
        );
    }
    say!("{}", proof.verdict());
}
