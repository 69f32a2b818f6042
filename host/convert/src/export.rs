//! Exports model files to the formats of other tools.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pinhole_core::artifacts::{self, WriteError};
use pinhole_core::choice::Choice;
use pinhole_core::model_file::{ModelFile, PackedModel};
use thiserror::Error;

use crate::c_header;
use crate::tflite::{schema, write as tflite};

/// Key of the metadata that holds the class names, a JSON array.
pub use crate::tflite::write::CLASSES_METADATA;
/// Key of the metadata that holds the fit of pictures, if they are not cropped.
pub use crate::tflite::write::FIT_METADATA;

/// Export formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A C header with the model file's bytes.
    CHeader,
    /// An int8 network for TensorFlow Lite.
    Tflite,
}

impl Choice for Format {
    const ALL: &'static [Self] = &[Self::CHeader, Self::Tflite];

    fn name(self) -> &'static str {
        match self {
            Self::CHeader => "c-header",
            Self::Tflite => "tflite",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::CHeader => "A C header with the model file's bytes",
            Self::Tflite => "An int8 network of TensorFlow Lite",
        }
    }
}

/// A model packed for a board's kernel.
#[derive(Clone, Copy, Debug)]
pub struct ForBoard<'a> {
    /// The packed model.
    pub model: &'a PackedModel,
    /// Name of the board.
    pub board: &'a str,
}

/// Number of first bytes by which [`Format::is`] recognizes a file.
const RECOGNIZED: usize = 256;

impl Format {
    /// Returns the format of a path's extension: `.h` or `.hpp`, or `.tflite`, in letters of either case.
    pub fn of_ending(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "h" | "hpp" => Some(Self::CHeader),
            "tflite" => Some(Self::Tflite),
            _ => None,
        }
    }

    /// Returns true if bytes are a file of this format, which may be replaced.
    fn is(self, bytes: &[u8]) -> bool {
        match self {
            Self::CHeader => bytes.starts_with(c_header::FIRST_LINE.as_bytes()),
            Self::Tflite => bytes.get(4..8) == Some(schema::IDENTIFIER.as_bytes()),
        }
    }
}

/// Error of exporting a model.
#[derive(Debug, Error, Diagnostic)]
pub enum ExportError {
    /// TensorFlow Lite does not run models packed for a board.
    #[error("TensorFlow Lite cannot run a model that is packed for the board {board}")]
    #[diagnostic(help("leave out --board: it is for C headers"))]
    NotForBoards {
        /// Name of the board.
        board: String,
    },
    /// An average pooling cannot be expressed by TensorFlow Lite's operators.
    #[error(
        "layer {layer} averages over a window of more than 255 positions, with padding that TensorFlow Lite does not support"
    )]
    #[diagnostic(help("write a C header (--out ending in .h), which holds any model"))]
    Mean {
        /// Layer, counted from 0.
        layer: usize,
    },
    /// A scale is not a normal 32-bit float.
    #[error("layer {layer} has values that are too small or too large for TensorFlow Lite's scales")]
    #[diagnostic(help(
        "the network has diverged or is badly scaled; train it again with penalties or a lower learning rate"
    ))]
    Scale {
        /// Layer, counted from 0.
        layer: usize,
    },
    /// A layer of a kind that has no TensorFlow Lite operators yet.
    #[error("the layer {layer} is of kind {kind}, which cannot be exported to TensorFlow Lite yet")]
    #[diagnostic(help(
        "write a C header (--out ending in .h), which holds any model; or leave out that layer in the recipe"
    ))]
    UnsupportedLayer {
        /// Layer, counted from 0.
        layer: usize,
        /// Its kind, as in recipes.
        kind: &'static str,
    },
    /// The existing file is of another format.
    #[error("{} exists and was not exported from a model; it is kept", path.display())]
    #[diagnostic(help("give another --out"))]
    Kept {
        /// The file.
        path: PathBuf,
    },
    /// Writing failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Write(#[from] WriteError),
}

/// Returns a model in another format, as the bytes of a file. The same arguments give the same bytes.
///
/// `packed` is the model packed for a board, for a C header; without it the header's weights are row-major. `calibration`
/// contains inputs, whose logits determine the range of a TensorFlow Lite file's logits. Without inputs the range covers all
/// possible logits.
///
/// # Errors
/// [`ExportError`], except those of writing.
///
/// # Panics
/// If an input of `calibration` does not have the model's number of pixels.
pub fn export(
    model: &ModelFile,
    format: Format,
    packed: Option<ForBoard<'_>>,
    calibration: &[&[u8]],
) -> Result<Vec<u8>, ExportError> {
    match (format, packed) {
        (Format::CHeader, None) => Ok(c_header::c_header(model.bytes(), &model.model(), None).into_bytes()),
        (Format::CHeader, Some(ForBoard { model, board })) => {
            Ok(c_header::c_header(model.bytes(), &model.model(), Some(board)).into_bytes())
        }
        (Format::Tflite, None) => tflite::tflite(&model.model(), tflite::logits_range(model, calibration)),
        (Format::Tflite, Some(ForBoard { board, .. })) => Err(ExportError::NotForBoards { board: board.to_owned() }),
    }
}

/// Writes an exported file, whole or not at all. It may replace a file of the same format, but no other.
///
/// # Errors
/// [`ExportError::Kept`], [`ExportError::Write`].
pub fn write(path: &Path, format: Format, bytes: &[u8]) -> Result<(), ExportError> {
    if path.is_file() {
        // One that cannot be read is kept too.
        let there = artifacts::first_bytes(path, RECOGNIZED);
        if !there.is_ok_and(|there| there.is_empty() || format.is(&there)) {
            return Err(ExportError::Kept { path: path.to_owned() });
        }
    }
    Ok(artifacts::write_file(path, bytes)?)
}
