//! Imports files of other tools as model files.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
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
    #[error("it is damaged: something it points to is not there, or has another size")]
    Broken,
    #[error("it has {got} networks, and not one")]
    Graphs { got: usize },
    #[error("it has {got} inputs, and not one")]
    Inputs { got: usize },
    #[error("it has {got} operators, more than {most}")]
    Operators { got: usize, most: usize },
    #[error("it makes {got} layers, more than {most}")]
    Layers { got: usize, most: usize },
    #[error("its input is {got}")]
    Input { got: String },
    #[error("operator {operator} is {name}, {why}")]
    Operator { operator: usize, name: String, why: String },
    #[error("no FULLY_CONNECTED decides")]
    Undecided,
    #[error("it has {classes} classes, and {got} names are given for them")]
    Classes { classes: usize, got: usize },
    #[error("{name:?} is no name for a class: names differ and have 1 to 255 bytes")]
    Name { name: String },
    #[error("as a model it would be none: {0}")]
    Model(ModelError),
}

impl Reason {
    fn help(&self) -> &'static str {
        match self {
            Self::Unreadable(_) | Self::Foreign => "give a .tflite file",
            Self::Broken => "copy it again, or convert the network anew",
            Self::Input { .. } => {
                "Pinhole's networks take int8 [1, side, side, 1] of scale 1/255 and zero point -128, the pixels of a gray \
                 picture minus 128, or 3 channels in color: train on pixels from 0 to 1, and convert with photos that have black and white in them"
            }
            Self::Undecided => "end the network in a dense layer of an output for each class, with softmax or without",
            Self::Classes { .. } | Self::Name { .. } => {
                "give one name for each class with --classes, in the order of the network's outputs: a,b,c"
            }
            _ => {
                "Pinhole takes networks of full int8 quantization, a chain of convolutions, poolings and additions with dense \
                 layers at its end (docs/tensorflow-lite-and-c.md)"
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
    let bytes = std::fs::read(path).map_err(|reason| wrong(Reason::Unreadable(reason)))?;
    read::import(&bytes, classes).map_err(wrong)
}
