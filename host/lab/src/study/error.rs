//! Errors of studies.

use std::path::PathBuf;

use miette::Diagnostic;
use pinhole_core::artifacts::WriteError;
use pinhole_core::photos::PhotoError;
use pinhole_core::recipe::RecipeError;
use pinhole_train::runs::JobError;
use thiserror::Error;

/// Error of a study.
#[derive(Debug, Error, Diagnostic)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum StudyError {
    #[error(transparent)]
    #[diagnostic(transparent)]
    Photos(#[from] PhotoError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Recipe(#[from] RecipeError),
    #[error(transparent)]
    #[diagnostic(transparent)]
    Write(#[from] WriteError),
    /// Training, quantizing or evaluating failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Job(#[from] JobError),
    #[error("two systems are named {name:?}")]
    #[diagnostic(help("give each system once, and recipe files different names"))]
    SameName { name: String },
    #[error("no file can have the name of the system {name:?}")]
    #[diagnostic(help("rename the recipe or the run folder: use at most 200 bytes, and no control characters"))]
    Name { name: String },
    #[error("{} has no held-out photos and the study has no folds, so nothing can be validated", path.display())]
    #[diagnostic(help("leave out --folds 0, or give a validation folder with --validation"))]
    NothingHeldOut { path: PathBuf },
    #[error("the study has {count} trainings; at most a million are possible")]
    #[diagnostic(help("take fewer systems, seeds, folds or repeats"))]
    TooManyTrainings { count: u64 },
    #[error("{} and {} could both be the held-out photos", first.display(), second.display())]
    #[diagnostic(help("give one of them with --validation"))]
    TwoHeldOut { first: PathBuf, second: PathBuf },
    /// A study's file is damaged, or was made by other means.
    #[error("{} is not a valid file of a study: {reason}", path.display())]
    #[diagnostic(help("run the study again with the same --out: usable trainings are kept, others are repeated"))]
    Malformed { path: PathBuf, reason: String },
    #[error("there is no study in {}", path.display())]
    #[diagnostic(help("give folders that `pinhole study --shard I/N --out FOLDER` wrote"))]
    NoStudy { path: PathBuf },
    #[error("{} and {} are shards of different studies: {what} differ", first.display(), second.display())]
    #[diagnostic(help("run every shard with the same photos, systems, seeds, folds and version of Pinhole"))]
    DifferentStudies { first: PathBuf, second: PathBuf, what: &'static str },
    #[error("the reference network's pictures are missing, because the first shard has not finished")]
    #[diagnostic(help("run `pinhole study --shard 1/N` to its end, and give its folder to `pinhole merge`"))]
    NoShowcase,
    #[error("{missing} of {total} trainings are missing; the first: {first}")]
    #[diagnostic(help("run the missing shards, and give all their folders to `pinhole merge`"))]
    Missing { missing: usize, total: usize, first: String },
}
