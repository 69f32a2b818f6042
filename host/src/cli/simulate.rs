//! `pinhole simulate`, and starting an emulated board.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::{Result, miette};
use pinhole_boards::board::{Board, Emulated};
use pinhole_boards::device::{CameraKind, Device as _};
use pinhole_boards::emulator::{EmulatedBoard, emulator};
use pinhole_boards::firmware::{Firmware, Origin};
use pinhole_core::inference::Inference;
use pinhole_core::photos::decode;
use pinhole_shared::link::Report;
use pinhole_train::runs::Trained;
use serde::Serialize;

use super::choice::{Choice as _, choice};
use super::model_and_photos::ModelAndPhotos;
use super::output::{answer, answered_class, detail, json, name, note, say, shows_log, spinner};

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
    if !camera.sees(trained.model.model().input().color) {
        return Err(miette!(
            help = "take another camera (--camera photos, or arducam-mini), or train with --color gray",
            "the camera {} gives gray pictures, and {} sees colors",
            camera.name(),
            trained.model_path.display()
        ));
    }
    // Before anything is said to start: it may be missing, and a private copy tells its steps.
    emulator()?;
    // cargo shows its own progress where this builds it.
    describe(board, &Firmware::of(board)?);
    let waiting = spinner("starting the emulated board");
    let board = EmulatedBoard::start_model(board, &trained.model, &trained.model_path, camera, move |line| {
        if log {
            note(&line.to_string());
        }
    });
    waiting.finish_and_clear();
    Ok(board?)
}

/// Says where firmware comes from, if that is asked for.
pub(super) fn describe(board: Board, firmware: &Firmware) {
    let origin = match firmware.origin() {
        Origin::Prebuilt => "prebuilt, inside this program".to_owned(),
        Origin::Built(path) => format!("built from source: {}", path.display()),
    };
    detail(&format!("firmware of {}: {}, {origin}", board.name(), firmware.short_digest()));
}

/// `pinhole simulate`.
#[derive(Debug, Args)]
pub(super) struct Simulate {
    #[command(flatten)]
    on: ModelAndPhotos,
    /// Board to run on
    #[arg(long, value_parser = choice::<Emulated>(), default_value = Emulated::default().name())]
    board: Emulated,
    /// Camera that the board has
    #[arg(long, value_parser = choice::<CameraKind>(), default_value = CameraKind::default().name())]
    camera: CameraKind,
    /// Show the device's log
    #[arg(long)]
    log: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
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
        let trained = self.on.trained()?;
        let photos = self.on.paths(trained.model.model().input())?;
        let mut board = start_board_with(self.board.0, self.camera, &trained, shows_log(self.log))?;
        if !self.json {
            let identity = board.identity();
            say!("emulated board {}, kernel {}", identity.board, identity.kernel);
        }
        let model = trained.model.model();
        let names: Vec<&str> = model.class_names().collect();
        let mut all = Vec::with_capacity(photos.len());
        for path in photos {
            let picture = decode::read(&path)?.for_color(model.input().color);
            board.show(picture)?;
            let Inference { decision, verdict, .. } = board.capture(Report::Decision)?;
            if !self.json {
                say!("{}: {}", path.display(), answer(&names, decision, verdict));
            }
            let (class, answer) = (name(&names, decision.class).to_owned(), answered_class(&names, verdict));
            all.push(Simulated { path, class, probability: decision.probability.to_f64(), answer });
        }
        if self.json {
            json(&all)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
