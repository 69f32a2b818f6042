//! `pinhole capture`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use image::{ExtendedColorType, ImageEncoder as _};
use miette::{IntoDiagnostic as _, Result, miette};
use pinhole_shared::link::Report;
use serde::Serialize;

use super::emulate::start_board_with;
use super::output::{json, say, warn};
use crate::board::Emulated;
use crate::device::CameraKind;
use crate::photos::{self, decode};
use crate::run_folder::{self, create_folder, write_file};

/// `pinhole capture`.
#[derive(Debug, Args)]
pub(super) struct Capture {
    /// Folder to collect in: pictures go into a folder of it that is named by the label, as `pinhole train` reads it
    out: PathBuf,
    /// Class of what the camera looks at
    #[arg(long)]
    label: String,
    /// Pictures to take
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// A .pinhole file, or a run folder of `pinhole train`: pictures are of its size (default: the model that ships)
    #[arg(long)]
    model: Option<PathBuf>,
    /// Board whose camera takes them
    #[arg(long, value_enum, default_value_t)]
    board: Emulated,
    /// Camera that the board has
    #[arg(long, value_enum, default_value_t)]
    camera: CameraKind,
    /// What an emulated board's camera looks at, one after the other and again: photos, or folders of photos
    #[arg(long, required = true, value_name = "PHOTOS")]
    photos: Vec<PathBuf>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Taken {
    path: PathBuf,
    of: PathBuf,
}

impl Capture {
    pub(super) fn run(&self) -> Result<ExitCode> {
        if self.label.is_empty() || Path::new(&self.label).file_name() != Some(self.label.as_ref()) {
            return Err(miette!(
                help = "give the name of a class, such as muffin",
                "--label {:?} names no folder",
                self.label
            ));
        }
        let trained = match &self.model {
            Some(model) => run_folder::open(model)?,
            None => run_folder::shipped(),
        };
        let side = trained.model.model().input_side();
        let (photos, warnings) = photos::read_unlabeled(&self.photos, side)?;
        warn(&warnings);
        if photos.is_empty() {
            return Err(miette!(
                help = "give photos, or a folder that has some",
                "there is no photo to show the camera"
            ));
        }
        let folder = self.out.join(&self.label);
        create_folder(&folder)?;
        let mut board = start_board_with(self.board.0, self.camera, &trained, false)?;
        let mut all = Vec::with_capacity(self.count as usize);
        let mut number = 0;
        for photo in photos.iter().cycle().take(self.count as usize) {
            let inference = board.capture(decode::read(&photo.path)?.to_gray(), Report::AllValues)?;
            let pixels = inference.stages.first().into_iter().flatten().map(|&pixel| pixel as u8).collect::<Vec<_>>();
            let path = free(&folder, &self.label, &mut number);
            write_file(&path, &png(&pixels, side)?)?;
            if !self.json {
                say!("{}", path.display());
            }
            all.push(Taken { path, of: photo.path.clone() });
        }
        if self.json {
            json(&all)?;
        }
        Ok(ExitCode::SUCCESS)
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

/// Gray pixels as a PNG file: read again, they are the same.
fn png(pixels: &[u8], side: u16) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
    encoder.write_image(pixels, side.into(), side.into(), ExtendedColorType::L8).into_diagnostic()?;
    Ok(bytes)
}
