//! `pinhole simulate`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::Result;
use pinhole_boards::board::Emulated;
use pinhole_boards::device::{CameraKind, InferenceDevice as _};
use pinhole_core::inference::Inference;
use pinhole_core::photos::decode;
use pinhole_shared::link::Report;
use serde::Serialize;

use super::choice::{Choice as _, choice};
use super::model_and_photos::ModelAndPhotos;
use super::output::{answer, answered_class, json, name, say, shows_log};
use super::terminal::Terminal;
use crate::app::board::start_board;

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
    #[serde(serialize_with = "pinhole_core::path_text::serialize")]
    path: PathBuf,
    /// The most likely class.
    class: String,
    probability: f64,
    /// The class that the board answered; `None` for "unknown".
    answer: Option<String>,
}

impl Simulate {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let trained = self.on.trained()?;
        let photos = self.on.paths(trained.model.model().input())?;
        let mut terminal = Terminal::new().with_log(shows_log(self.log));
        let mut board = start_board(self.board.0, self.camera, &trained, &mut terminal)?;
        if !self.json {
            let identity = board.identity();
            say!("emulated board {}, kernel {}", identity.board, identity.kernel);
        }
        let model = trained.model.model();
        let names: Vec<&str> = model.class_names().collect();
        let mut all = Vec::with_capacity(photos.len());
        for path in photos {
            let picture = decode::read_for(&path, model.input())?;
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
