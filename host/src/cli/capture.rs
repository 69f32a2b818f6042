//! `pinhole capture`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use image::{ExtendedColorType, ImageEncoder as _};
use miette::{IntoDiagnostic as _, Result, miette};
use pinhole_boards::board_camera::{BoardCamera, CaptureError, Frame};
use pinhole_boards::probe::Bench;
use pinhole_core::artifacts::{check_folder_place, create_folder, write_file};
use pinhole_shared::link::Report;
use pinhole_train::runs::bundled;
use serde::Serialize;

use super::model_and_photos::{ModelAndPhotos, open};
use super::output::{json, note, say, shows_log};
use super::target::{OnBoard, Photos};
use super::values::at_least;

/// `pinhole capture`.
#[derive(Debug, Args)]
pub(super) struct Capture {
    // The model: what a real board runs; of an emulated one it gives the input's size. The photos: what an emulated
    // board's camera looks at, one after the other and again.
    #[command(flatten)]
    what: ModelAndPhotos,
    /// Folder to collect in: pictures go into a folder of it that is named by the label, as `pinhole train` reads it
    #[arg(long, value_name = "FOLDER", required_unless_present = "model")]
    out: Option<PathBuf>,
    /// Class of what the camera looks at
    #[arg(long)]
    label: String,
    /// Pictures to take
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

#[derive(Debug, Serialize)]
struct Taken {
    path: PathBuf,
    /// The photo that was before an emulated board's camera.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<PathBuf>,
}

impl Capture {
    pub(super) fn run(&self, bench: &Bench) -> Result<ExitCode> {
        if self.label.is_empty() || Path::new(&self.label).file_name() != Some(self.label.as_ref()) {
            return Err(miette!(
                help = "give the name of a class, such as muffin",
                "--label {:?} names no folder",
                self.label
            ));
        }
        let (out, what) = self.places()?;
        self.on.check(if what.has_photos() { Photos::BeforeTheCamera } else { Photos::Elsewhere })?;
        let folder = out.join(&self.label);
        check_folder_place(&folder)?;
        let mut camera = self.camera(bench, &what)?;
        let side = camera.device().identity().input_side;
        create_folder(&folder)?;
        let mut all = Vec::with_capacity(self.count as usize);
        let mut number = 0;
        for _ in 0..self.count {
            let frame = capture(&mut camera)?;
            let pixels =
                frame.inference.stages.first().into_iter().flatten().map(|&pixel| pixel as u8).collect::<Vec<_>>();
            let path = free(&folder, &self.label, &mut number);
            write_file(&path, &png(&pixels, side)?)?;
            if !self.json {
                say!("{}", path.display());
            }
            all.push(Taken { path, of: frame.shown });
        }
        if self.json {
            json(&all)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// How often a picture is tried to be taken.
const TRIES: u32 = 4;

/// One picture; a fault of the camera or of the link is said, and tried again.
fn capture(camera: &mut BoardCamera) -> Result<Frame, CaptureError> {
    for _ in 1..TRIES {
        match camera.capture(Report::AllValues) {
            Err(error) if error.is_passing() => note(&format!("trying again: {error}")),
            result => return result,
        }
    }
    camera.capture(Report::AllValues)
}

impl Capture {
    /// The folder to write, model and photos. Before --out, the folder was the first path, and photos came with --photos.
    fn places(&self) -> Result<(PathBuf, ModelAndPhotos)> {
        match &self.out {
            Some(out) => Ok((out.clone(), self.what.clone())),
            None => self.what.split_folder().ok_or_else(|| {
                miette!(
                    help = format!("give it: pinhole capture [MODEL] [PHOTOS] --label {} --out FOLDER", self.label),
                    "--out is missing, the folder to collect pictures in"
                )
            }),
        }
    }

    fn camera(&self, bench: &Bench, what: &ModelAndPhotos) -> Result<BoardCamera> {
        let named = match &self.option_model {
            Some(model) => Some(open(model)?),
            None => what.model()?,
        };
        let trained = match named {
            Some(trained) => trained,
            // Whatever a real board runs will do.
            None if !self.on.board.is_emulated() => {
                let device = self.on.connection.open(bench, self.on.board, shows_log(false))?;
                return Ok(BoardCamera::new(Box::new(device)));
            }
            None => bundled::default_model(),
        };
        let photos = || what.paths(trained.model.model().input());
        self.on.camera(bench, &trained, photos, shows_log(false))
    }
}

/// The next name of which there is no file: what was captured before stays.
fn free(folder: &Path, label: &str, number: &mut u32) -> PathBuf {
    loop {
        *number += 1;
        let path = folder.join(format!("{label}-{number:04}.png"));
        if !path.exists() {
            return path;
        }
    }
}

/// What the network saw, gray or in color, as a PNG file: read again, its pixels are the same.
fn png(pixels: &[u8], side: u16) -> Result<Vec<u8>> {
    let is_gray = pixels.len() == usize::from(side) * usize::from(side);
    let color = if is_gray { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let mut bytes = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
    encoder.write_image(pixels, side.into(), side.into(), color).into_diagnostic()?;
    Ok(bytes)
}
