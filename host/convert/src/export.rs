//! Model file -> files of other tools.
//!
//! | module | what happens there |
//! |---|---|
//! | `c_header` | a model file's bytes -> a C header, for firmware that is not Pinhole's |
//! | `tflite` | model file -> an int8 network of TensorFlow Lite |

mod c_header;
mod tflite;

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

pub use tflite::CLASSES_METADATA;
pub(crate) use tflite::schema;
#[cfg(test)]
pub(crate) use tflite::tests::run as untrained;

use crate::board::Board;
use crate::firmware::{FirmwareError, packed_for};
use crate::run_folder::{self, RunError, Trained};

/// What a model can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A C header with the model file's bytes
    CHeader,
    /// An int8 network of TensorFlow Lite
    Tflite,
}

impl Format {
    /// The format that a path's ending says: `.h` or `.hpp`, or `.tflite`, in letters of either case.
    pub fn of_ending(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "h" | "hpp" => Some(Self::CHeader),
            "tflite" => Some(Self::Tflite),
            _ => None,
        }
    }

    /// Whether bytes are something that was written in this format before, which may be replaced.
    fn is(self, bytes: &[u8]) -> bool {
        match self {
            Self::CHeader => bytes.starts_with(c_header::FIRST_LINE.as_bytes()),
            Self::Tflite => bytes.get(4..8) == Some(tflite::schema::IDENTIFIER.as_bytes()),
        }
    }
}

/// Why a model could not be exported.
#[derive(Debug, Error, Diagnostic)]
pub enum ExportError {
    /// The model does not go with the board.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Board(#[from] FirmwareError),
    /// TensorFlow Lite runs no model that is packed for a board.
    #[error("TensorFlow Lite runs no model packed for the board {}", board.name())]
    #[diagnostic(help("leave out --board: it is for C headers"))]
    NotForBoards {
        /// The board.
        board: Board,
    },
    /// A mean that no operators give.
    #[error(
        "layer {layer} takes means under a window of more than 255 places, with padding that TensorFlow Lite has not"
    )]
    #[diagnostic(help("write a C header (OUT ending in .h), which takes all models"))]
    Mean {
        /// Layer, counted from 0.
        layer: usize,
    },
    /// A scale has no normal 32-bit form.
    #[error("layer {layer} has values too small or too large for TensorFlow Lite's scales")]
    #[diagnostic(help("the network has diverged or is badly scaled; train it again with penalties or a lower rate"))]
    Scale {
        /// Layer, counted from 0.
        layer: usize,
    },
    /// Something else is in the place.
    #[error("{} is there and was not exported from a model; it is kept", path.display())]
    #[diagnostic(help("give another OUT"))]
    Kept {
        /// The file.
        path: PathBuf,
    },
    /// Writing failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Write(#[from] RunError),
}

/// A model in another format: the bytes of a file. The same model, format and board give the same bytes. `board` is the one
/// that a C header's model is packed for; none leaves its weights in rows. `calibration` is inputs whose logits say how
/// finely a TensorFlow Lite file's have to tell; without any they cover all that is possible.
///
/// # Errors
/// [`ExportError`], but not of writing.
///
/// # Panics
/// If one of `calibration` has not as many pixels as the model's input.
pub fn export(
    trained: &Trained,
    format: Format,
    board: Option<Board>,
    calibration: &[&[u8]],
) -> Result<Vec<u8>, ExportError> {
    match (format, board) {
        (Format::CHeader, None) => {
            Ok(c_header::c_header(trained.model.bytes(), &trained.model.model(), None).into_bytes())
        }
        (Format::CHeader, Some(board)) => {
            let packed = packed_for(board, &trained.model, &trained.model_path)?;
            Ok(c_header::c_header(packed.bytes(), &packed.model(), Some(board.name())).into_bytes())
        }
        (Format::Tflite, None) => {
            tflite::tflite(&trained.model.model(), tflite::logits_range(&trained.model, calibration))
        }
        (Format::Tflite, Some(board)) => Err(ExportError::NotForBoards { board }),
    }
}

/// Writes an exported file, whole or not at all: over one of the same format or over nothing.
///
/// # Errors
/// [`ExportError::Kept`], [`ExportError::Write`].
pub fn write(path: &Path, format: Format, bytes: &[u8]) -> Result<(), ExportError> {
    if path.is_file() {
        let there = std::fs::read(path).unwrap_or_default();
        if !there.is_empty() && !format.is(&there) {
            return Err(ExportError::Kept { path: path.to_owned() });
        }
    }
    Ok(run_folder::write_file(path, bytes)?)
}
