//! `pinhole capture`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::{Result, miette};
use pinhole_boards::board_camera::BoardCamera;
use pinhole_boards::probe::DebugProbes;
use pinhole_train::runs::Trained;
use pinhole_train::runs::bundled;

use super::model_and_photos::{ModelAndPhotos, open};
use super::output::{json, shows_log};
use super::target::OnBoard;
use super::terminal::Terminal;
use super::values::at_least;
use crate::app::board::{BoardTarget, Photos};
use crate::app::capture::{capture, check_label, folder};

/// `pinhole capture`.
#[derive(Debug, Args)]
pub(super) struct CaptureCommand {
    // Model: a real board runs it; for an emulated board it gives the input's size. Photos: shown to an emulated
    // board's camera in turn, again and again.
    #[command(flatten)]
    what: ModelAndPhotos,
    /// Folder to write to. Pictures go into its subfolder of the label's name, where `pinhole train` looks for them
    #[arg(long, value_name = "FOLDER", required_unless_present = "model")]
    out: Option<PathBuf>,
    /// Class of what the camera sees; names the subfolder
    #[arg(long)]
    label: String,
    /// Number of pictures to take
    #[arg(long, default_value_t = 20, value_parser = at_least::<u32>(1))]
    count: u32,
    /// The model, as it was given before it had a place of its own.
    #[arg(long = "model", value_name = "MODEL", hide = true)]
    option_model: Option<PathBuf>,
    #[command(flatten)]
    on: OnBoard,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl CaptureCommand {
    pub(super) fn run(&self, debug_probes: &DebugProbes) -> Result<ExitCode> {
        check_label(&self.label)?;
        let (out, what) = self.places()?;
        let target = self.on.target();
        target.check(if what.has_photos() { Photos::BeforeTheCamera } else { Photos::Elsewhere })?;
        let folder = folder(&out, &self.label)?;
        let mut terminal = Terminal::new().with_log(shows_log(false)).with_json(self.json);
        let mut camera = self.camera(debug_probes, &target, &what, &mut terminal)?;
        let all = capture(&mut camera, &folder, &self.label, self.count, &mut terminal)?;
        if self.json {
            json(&all)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Returns the folder to write, model and photos. Before --out existed, the folder was the first path, and photos
    /// came with --photos.
    fn places(&self) -> Result<(PathBuf, ModelAndPhotos)> {
        match &self.out {
            Some(out) => Ok((out.clone(), self.what.clone())),
            None => self.what.split_folder().ok_or_else(|| {
                miette!(
                    help =
                        format!("give a folder: pinhole capture [MODEL] [PHOTOS] --label {} --out FOLDER", self.label),
                    "--out is missing: the folder to write pictures to"
                )
            }),
        }
    }

    fn camera(
        &self,
        debug_probes: &DebugProbes,
        target: &BoardTarget,
        what: &ModelAndPhotos,
        terminal: &mut Terminal,
    ) -> Result<BoardCamera> {
        let named = match &self.option_model {
            Some(model) => Some(open(model)?),
            None => what.model()?,
        };
        let trained = match named {
            Some(trained) => trained,
            // A real board may run any model.
            None if !target.board.is_emulated() => {
                let device = target.connection.open(debug_probes, target.board, terminal)?;
                return Ok(BoardCamera::new(Box::new(device)));
            }
            None => bundled::default_model(),
        };
        let photos = before_camera(target, what, &trained)?;
        Ok(target.camera(debug_probes, &trained, photos, terminal)?)
    }
}

/// Returns the photos for an emulated board's camera; none for a real board.
pub(super) fn before_camera(target: &BoardTarget, what: &ModelAndPhotos, trained: &Trained) -> Result<Vec<PathBuf>> {
    if target.board.is_emulated() { what.paths(trained.model.model().input()) } else { Ok(Vec::new()) }
}
