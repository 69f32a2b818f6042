//! `pinhole export`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::{Result, miette};

use super::output::{json, note, say, warn};
use crate::board::Board;
use crate::export::{Format, export, write};
use crate::photos;
use crate::run_folder;

/// `pinhole export`.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// A .pinhole file, or a run folder of `pinhole train`
    model: PathBuf,
    /// File to write: .h (or .hpp) for a C header, .tflite for TensorFlow Lite
    out: PathBuf,
    /// Format, whatever OUT's ending
    #[arg(long, value_enum, value_name = "FORMAT")]
    to: Option<Format>,
    /// Board whose kernel the model in a C header is packed for (default: none, weights in rows)
    #[arg(long, value_enum)]
    board: Option<Board>,
    /// For TensorFlow Lite: a folder of photos, the training ones say, by which its logits are scaled (default: for all
    /// that is possible, which after relu layers is so coarse that close decisions become ties)
    #[arg(long, value_name = "PHOTOS")]
    photos: Option<PathBuf>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Export {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let format = self.to.or_else(|| Format::of_ending(&self.out)).ok_or_else(|| {
            miette!(
                help = "end it in .h or .tflite, or say --to c-header or --to tflite",
                "{} does not say by its ending what to write",
                self.out.display()
            )
        })?;
        let trained = run_folder::open(&self.model)?;
        let mut calibration = Vec::new();
        if let Some(folder) = &self.photos {
            if format != Format::Tflite {
                return Err(miette!(
                    help = "leave out --photos: it is for TensorFlow Lite",
                    "a C header has the model as it is, without calibration"
                ));
            }
            let input = trained.model.model().input();
            let (photos, warnings) = photos::read_unlabeled(std::slice::from_ref(folder), input)?;
            warn(&warnings);
            calibration.extend(photos.into_iter().map(|photo| photo.pixels));
        }
        let inputs: Vec<&[u8]> = calibration.iter().map(Vec::as_slice).collect();
        let bytes = export(&trained, format, self.board, &inputs)?;
        write(&self.out, format, &bytes)?;
        if self.json {
            json(&serde_json::json!({ "out": self.out, "bytes": bytes.len() }))?;
        } else {
            say!("{}: {} bytes", self.out.display(), bytes.len());
        }
        if format == Format::Tflite {
            note(
                "its integers are not the device's (TensorFlow Lite rounds otherwise, and to fewer bits in dense layers), so some \
                 classes may differ: compare them on your photos with tests/tflite_agreement.py",
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}
