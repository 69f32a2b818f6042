//! `pinhole export`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use miette::{Result, miette};
use pinhole_boards::board::Board;
use pinhole_boards::firmware::packed_for;
use pinhole_convert::export::{ForBoard, Format, export, write};
use pinhole_core::path_text::path_text;
use pinhole_core::photos;

use super::choice::choice;
use super::completions;
use super::model_and_photos::{Limit, MODEL, open};
use super::output::{json, note, note_enlarged, say, warn};

/// `pinhole export`.
#[derive(Debug, Args)]
pub(super) struct Export {
    #[arg(help = MODEL, add = completions::models())]
    model: PathBuf,
    /// For TensorFlow Lite: photos to choose the scale of the logits by, best the training photos [default: one scale
    /// for all possible logits, which may be so coarse that close decisions become ties]
    photos: Option<PathBuf>,
    #[command(flatten)]
    limit: Limit,
    /// File to write: .h (or .hpp) for a C header, .tflite for TensorFlow Lite
    #[arg(long, value_name = "FILE", required_unless_present = "photos")]
    out: Option<PathBuf>,
    /// Format of the file [default: by its ending]
    #[arg(long, value_parser = choice::<Format>(), value_name = "FORMAT")]
    to: Option<Format>,
    /// For a C header: board to pack the model for [default: none, weights in rows]
    #[arg(long, value_parser = choice::<Board>())]
    board: Option<Board>,
    /// The photos, as they were given before they had a place of their own.
    #[arg(long = "photos", value_name = "PHOTOS", hide = true)]
    option_photos: Option<PathBuf>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Export {
    /// Returns the file to write, and the photos. Before --out existed, the file was the first path and photos came
    /// with --photos.
    fn places(&self) -> Result<(&Path, Option<&Path>)> {
        let (first, option) = (self.photos.as_deref(), self.option_photos.as_deref());
        match (&self.out, first) {
            (Some(out), _) => Ok((out, first.or(option))),
            (None, Some(file)) if !file.is_dir() || self.to.is_some() => Ok((file, option)),
            (None, first) => Err(miette!(
                help = "give --out FILE, ending in .h or .tflite",
                "{} is a folder, not a file to write",
                first.unwrap_or(Path::new(".")).display()
            )),
        }
    }

    pub(super) fn run(&self) -> Result<ExitCode> {
        let (out, photos) = self.places()?;
        let format = self.to.or_else(|| Format::of_ending(out)).ok_or_else(|| {
            miette!(
                help = "end it in .h or .tflite, or name the format: --to c-header or --to tflite",
                "the ending of {} names no format",
                out.display()
            )
        })?;
        let trained = open(&self.model)?;
        let mut calibration = Vec::new();
        if let Some(folder) = photos {
            if format != Format::Tflite {
                return Err(miette!(
                    help = "leave out the photos: they are for TensorFlow Lite",
                    "a C header takes no photos: it holds the model as it is"
                ));
            }
            let input = trained.model.model().input();
            let (photos, warnings) = photos::read_some_unlabeled(&[folder.to_owned()], input, self.limit.count())?;
            warn(&warnings);
            note_enlarged(photos.iter().filter(|photo| photo.enlarged).count(), input);
            calibration.extend(photos.into_iter().map(|photo| photo.pixels));
        }
        let inputs: Vec<&[u8]> = calibration.iter().map(Vec::as_slice).collect();
        let packed = match self.board {
            Some(board) => Some((board, packed_for(board, &trained.model, &trained.model_path)?)),
            None => None,
        };
        let packed = packed.as_ref().map(|(board, model)| ForBoard { model, board: board.name() });
        let bytes = export(&trained.model, format, packed, &inputs)?;
        write(out, format, &bytes)?;
        if self.json {
            json(&serde_json::json!({ "out": path_text(out), "bytes": bytes.len() }))?;
        } else {
            say!("{}: {} bytes", out.display(), bytes.len());
        }
        if format == Format::Tflite {
            note(
                "TensorFlow Lite rounds differently from the device, and to fewer bits in dense layers. Some decisions \
                 may differ: compare them on your photos with tests/tflite_agreement.py",
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}
