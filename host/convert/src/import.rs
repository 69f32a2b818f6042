//! Imports files of other tools as model files.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pinhole_core::artifacts::{limits, read_regular};
use pinhole_core::model_file::ModelFile;
use pinhole_shared::model::ModelError;
use thiserror::Error;

use crate::tflite::read;

/// Error of importing a file.
#[derive(Debug, Error, Diagnostic)]
#[error("{} cannot be imported: {reason}", path.display())]
#[diagnostic(help("{}", reason.help()))]
pub struct ImportError {
    /// The file.
    pub path: PathBuf,
    /// Reason why it cannot be imported.
    pub reason: Reason,
}

/// Reason why a file cannot be imported. Operators are counted from 0, in the order in which they run.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum Reason {
    #[error("{0}")]
    Unreadable(std::io::Error),
    #[error("it is not a TensorFlow Lite file")]
    Foreign,
    #[error("it is damaged: a part that it refers to is missing or has another size")]
    Broken,
    #[error("it has {got} networks, and must have one")]
    Graphs { got: usize },
    #[error("it has {got} inputs, and must have one")]
    Inputs { got: usize },
    #[error("it has {got} operators, more than {most}")]
    Operators { got: usize, most: usize },
    #[error("it gives more than {most} layers")]
    Layers { most: usize },
    #[error("it has the output of another operator than the last one as an output")]
    Outputs,
    #[error("its tensor {name:?} {why}")]
    Tensor { name: String, why: &'static str },
    #[error("its input is {got}")]
    Input { got: String },
    #[error("its metadata `pinhole_fit` says that pictures are fitted in by {got:?}, which this version does not know")]
    Fit { got: String },
    #[error("operator {operator} is {name}, {why}")]
    Operator { operator: usize, name: String, why: String },
    #[error("it has no FULLY_CONNECTED that computes the logits")]
    Undecided,
    #[error("it has {classes} classes, and {got} names are given for them")]
    Classes { classes: usize, got: usize },
    #[error("{name:?} is not a valid class name: names must differ and have 1 to 255 bytes")]
    Name { name: String },
    #[error("its network does not give a valid model: {0}")]
    Model(ModelError),
}

impl Reason {
    fn help(&self) -> &'static str {
        match self {
            Self::Unreadable(_) | Self::Foreign => "give a .tflite file",
            Self::Broken => "copy the file again, or convert the network again",
            Self::Input { .. } => {
                "the input must be int8 [1, height, width, 1] (or 3 channels in color) with scale 1/255 and zero point -128: \
                 pixels minus 128. Train on pixels from 0 to 1, and convert with photos that contain black and white"
            }
            Self::Fit { .. } => {
                "export the network again by this version of Pinhole, or import the file with the version that wrote it"
            }
            Self::Undecided => {
                "end the network with a dense layer that has an output per class, with or without softmax"
            }
            Self::Classes { .. } | Self::Name { .. } => {
                "give one name for each class with --classes, in the order of the network's outputs: a,b,c"
            }
            _ => {
                "Pinhole imports networks with full int8 quantization: convolutions, poolings and additions in a chain, then \
                 dense layers (docs/tensorflow-lite-and-c.md)"
            }
        }
    }
}

/// Imports a TensorFlow Lite file's network as a model. `classes` names its outputs, in their order. Without them the names
/// are those that [`crate::export`] writes, or else numbers. (A model's classes are sorted by name, so the rows of the last
/// layer are sorted with them.)
///
/// # Errors
/// [`ImportError`] with the path.
pub fn import(path: &Path, classes: Option<&[String]>) -> Result<ModelFile, ImportError> {
    let wrong = |reason| ImportError { path: path.to_owned(), reason };
    let bytes = read_regular(path, limits::TFLITE).map_err(|reason| wrong(Reason::Unreadable(reason)))?;
    import_bytes(&bytes, classes).map_err(wrong)
}

/// Imports the bytes of a TensorFlow Lite file, like [`import`].
///
/// # Errors
/// [`Reason`].
pub fn import_bytes(bytes: &[u8], classes: Option<&[String]>) -> Result<ModelFile, Reason> {
    read::import(bytes, classes)
}
