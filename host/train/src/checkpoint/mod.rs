//! Checkpoints: the state of a training on disk, from which it can be resumed as if it had never stopped.
//!
//! A file is [`MAGIC`], the SHA-256 of all that follows, and a [`Checkpoint`] in postcard's format (floating-point
//! numbers as their bits). Only the version of Pinhole that wrote it can read it.

mod identity;
mod state;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pinhole_core::artifacts::{limits, read_regular};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

pub use self::identity::{TrainingIdentity, digest};
pub(super) use self::state::TrainerState;
pub use self::state::TrainingState;

/// First bytes of a file. Change the number when, within one version of Pinhole, the content gets another meaning or
/// the same training gives other weights.
const MAGIC: &[u8] = b"pinhole checkpoint 2\n";

/// Length of a SHA-256, bytes.
const DIGEST: usize = 32;

/// Checkpoint of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Identity of the training: its inputs.
    pub identity: TrainingIdentity,
    /// State of the training.
    pub state: TrainingState,
}

/// Error: a training cannot be resumed from a checkpoint.
#[derive(Debug, Error, Diagnostic)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum CheckpointError {
    /// There is no such file.
    #[error("there is no training to resume: {} does not exist", path.display())]
    #[diagnostic(help(
        "leave out --resume to train from the start; a training writes its checkpoint to --out every ten seconds and on \
         Ctrl-C, and removes it at its end"
    ))]
    Missing { path: PathBuf },
    /// The file cannot be read.
    #[error("the checkpoint {} cannot be read: {reason}", path.display())]
    #[diagnostic(help(
        "check that the file can be read, or leave out --resume and give another --out to train from the start"
    ))]
    Unreadable { path: PathBuf, reason: std::io::Error },
    /// The file is damaged.
    #[error("the checkpoint {} is damaged: {reason}", path.display())]
    #[diagnostic(help("it cannot be used: remove it and leave out --resume, to train from the start"))]
    Damaged { path: PathBuf, reason: String },
    /// The checkpoint is of another training.
    #[error("{} is the checkpoint of another training: {difference}", path.display())]
    #[diagnostic(help(
        "give the photos and settings of that training; or, to train this one from the start, leave out --resume and \
         remove the file or give another --out"
    ))]
    Other { path: PathBuf, difference: String },
}

impl Checkpoint {
    /// Returns the bytes of the file.
    ///
    /// # Panics
    /// Never: all fields can be serialized by postcard.
    pub fn to_bytes(&self) -> Vec<u8> {
        let content = postcard::to_extend(self, Vec::new()).expect("a checkpoint's fields all have a form in postcard");
        [MAGIC, &Sha256::digest(&content), &content].concat()
    }

    /// Reads a file written from [`Checkpoint::to_bytes`].
    ///
    /// # Errors
    /// [`CheckpointError`] with the path; any variant but [`CheckpointError::Other`].
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        match read_regular(path, limits::CHECKPOINT) {
            Ok(bytes) => Self::from_bytes(&bytes, path),
            Err(reason) if reason.kind() == std::io::ErrorKind::NotFound => {
                Err(CheckpointError::Missing { path: path.to_owned() })
            }
            Err(reason) => Err(CheckpointError::Unreadable { path: path.to_owned(), reason }),
        }
    }

    /// Reads the bytes of a checkpoint; errors name `path`.
    ///
    /// # Errors
    /// [`CheckpointError::Damaged`].
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self, CheckpointError> {
        let damaged = |reason: &str| CheckpointError::Damaged { path: path.to_owned(), reason: reason.to_owned() };
        let rest =
            bytes.strip_prefix(MAGIC).ok_or_else(|| damaged("it does not start like a checkpoint of this Pinhole"))?;
        let (digest, content) = rest.split_at_checked(DIGEST).ok_or_else(|| damaged("it ends too early"))?;
        if digest != &Sha256::digest(content)[..] {
            return Err(damaged("its checksum does not match its bytes"));
        }
        postcard::from_bytes(content).map_err(|error| damaged(&error.to_string()))
    }

    /// Checks that this is a checkpoint of the training with this identity.
    ///
    /// # Errors
    /// [`CheckpointError::Other`] with the first difference.
    pub fn check(&self, identity: &TrainingIdentity, path: &Path) -> Result<(), CheckpointError> {
        match self.identity.difference(identity) {
            None => Ok(()),
            Some(difference) => Err(CheckpointError::Other { path: path.to_owned(), difference }),
        }
    }
}
