//! A training put on disk between two epochs, so that it can go on after a crash as if there had been none.
//!
//! The file: [`MAGIC`], the SHA-256 of all that follows, and a [`Checkpoint`] as postcard has it (floating-point numbers
//! as their bits). It is read by the Pinhole that wrote it, and by no other.

mod identity;
mod state;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

pub use self::identity::Identity;
pub(super) use self::state::TrainerState;
pub use self::state::TrainingState;

/// What the file begins with. Its number is to be changed when what follows comes to mean something else, or the same
/// training other weights, within one version of Pinhole.
const MAGIC: &[u8] = b"pinhole checkpoint 2\n";

/// Bytes of a SHA-256.
const DIGEST: usize = 32;

/// What was trained, and where it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// What the training is made from.
    pub identity: Identity,
    /// Where it was.
    pub state: TrainingState,
}

/// Why a training cannot go on from a checkpoint.
#[derive(Debug, Error, Diagnostic)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum CheckpointError {
    /// Not there.
    #[error("there is no training to resume: {} is not there", path.display())]
    #[diagnostic(help(
        "leave out --resume to train from the start; a training leaves its checkpoint in --out after some ten seconds \
         or on Ctrl-C, and removes it once it has ended"
    ))]
    Missing { path: PathBuf },
    /// Not readable.
    #[error("the checkpoint {} cannot be read: {reason}", path.display())]
    #[diagnostic(help("check that the file can be read, or leave out --resume and give another --out to train anew"))]
    Unreadable { path: PathBuf, reason: std::io::Error },
    /// Not what was written.
    #[error("the checkpoint {} is damaged: {reason}", path.display())]
    #[diagnostic(help("it is of no use any more: remove it and leave out --resume, to train from the start"))]
    Damaged { path: PathBuf, reason: String },
    /// Of another training.
    #[error("{} is the checkpoint of another training: {difference}", path.display())]
    #[diagnostic(help(
        "give what that training was started with; or to train this one from the start, leave out --resume and remove \
         the file or give another --out"
    ))]
    Other { path: PathBuf, difference: String },
}

impl Checkpoint {
    /// The file's bytes.
    ///
    /// # Panics
    /// Never: all its fields have a form in postcard.
    pub fn to_bytes(&self) -> Vec<u8> {
        let content = postcard::to_extend(self, Vec::new()).expect("a checkpoint's fields all have a form in postcard");
        [MAGIC, &Sha256::digest(&content), &content].concat()
    }

    /// Reads what [`Checkpoint::to_bytes`] gave.
    ///
    /// # Errors
    /// [`CheckpointError`] with the path, all but [`CheckpointError::Other`].
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let path = path.to_owned();
        let damaged = |reason: &str| CheckpointError::Damaged { path: path.clone(), reason: reason.to_owned() };
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(reason) if reason.kind() == std::io::ErrorKind::NotFound => {
                return Err(CheckpointError::Missing { path });
            }
            Err(reason) => return Err(CheckpointError::Unreadable { path, reason }),
        };
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| damaged("it does not begin as this Pinhole's do"))?;
        let (digest, content) = rest.split_at_checked(DIGEST).ok_or_else(|| damaged("it ends too early"))?;
        if digest != &Sha256::digest(content)[..] {
            return Err(damaged("its bytes do not give the checksum in it"));
        }
        postcard::from_bytes(content).map_err(|error| damaged(&error.to_string()))
    }

    /// Whether it is a checkpoint of the training with this identity.
    ///
    /// # Errors
    /// [`CheckpointError::Other`] with what differs.
    pub fn check(&self, identity: &Identity, path: &Path) -> Result<(), CheckpointError> {
        match self.identity.difference(identity) {
            None => Ok(()),
            Some(difference) => Err(CheckpointError::Other { path: path.to_owned(), difference }),
        }
    }
}
