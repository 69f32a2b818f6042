//! Errors and warnings about photos.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pinhole_shared::pixels::PixelError;
use thiserror::Error;

use crate::words::counted;

/// Error of reading a folder or a list of photos, or a single photo.
#[derive(Debug, Error, Diagnostic)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum PhotoError {
    /// The folder is missing or not readable.
    #[error("the photo folder {} cannot be read: {reason}", path.display())]
    #[diagnostic(help("give a folder of photos: one folder per class, or files named by class (muffin-1.jpg)"))]
    Folder { path: PathBuf, reason: std::io::Error },
    /// The path is a file instead of a folder.
    #[error("{} is a file, not a folder of photos", path.display())]
    #[diagnostic(help(
        "give the folder that it is in, or a list of photos and classes that ends in .csv, .tsv or .txt"
    ))]
    NotAFolder { path: PathBuf },
    /// The file of a list cannot be read.
    #[error("the list {} cannot be read: {reason}", path.display())]
    #[diagnostic(help("give a text file with a path and a class on each line: photos/1.jpg,muffin"))]
    ListUnreadable { path: PathBuf, reason: String },
    /// A line of a list is wrong: a path or a class is missing or cannot be one, or the photo has another class in an earlier line.
    #[error("line {line} of {}: {reason}", path.display())]
    #[diagnostic(help(
        "each line has a path and a class: photos/1.jpg,muffin. The first line may name the columns: path,class. Quotes are needed \
         only around cells that have a comma or a quote, and quotes inside are doubled"
    ))]
    List { path: PathBuf, line: u64, reason: String },
    /// The photos are further down than they are searched for.
    #[error("{} has no photos in it or one folder down, only further down: in {}", path.display(), inner.display())]
    #[diagnostic(help("give {}, or another folder that has one folder per class", inner.display()))]
    Deeper { path: PathBuf, inner: PathBuf },
    /// The folder has photos both directly in it and in its sub-folders.
    #[error("{} has photos both directly in it ({}) and in its subfolders ({})", path.display(), file.display(), folder.display())]
    #[diagnostic(help(
        "use either one folder per class, or one folder of photos named by class; --class-from folder uses only the former, and \
         --class-from prefix the names of all files"
    ))]
    Mixed { path: PathBuf, file: PathBuf, folder: PathBuf },
    /// The class is to be the folder's name, and photos are only directly in the folder that was given.
    #[error("{} has photos directly in it ({}), and none in a folder of a class", path.display(), file.display())]
    #[diagnostic(help(
        "put the photos of each class into a folder of its own there; for photos named by class (muffin-1.jpg), leave out \
         --class-from folder"
    ))]
    NoClassFolder { path: PathBuf, file: PathBuf },
    /// A file's name does not start with a class.
    #[error("the name of {} does not start with a class", path.display())]
    #[diagnostic(help(
        "name photos by class (muffin-1.jpg), put them in one folder per class, or say where in the name the class is: \
         --class-from first-char, or --class-from regex:PATTERN"
    ))]
    Nameless { path: PathBuf },
    /// The folder has fewer than two classes.
    #[error("{} has photos of {}: {found}{left_out}", path.display(), counted(*count, "class"))]
    #[diagnostic(help(
        "at least two classes are needed: one folder per class, or files named by class (muffin-1.jpg)"
    ))]
    TooFewClasses { path: PathBuf, count: usize, found: String, left_out: LeftOut },
    /// A class has no photos, or no usable one.
    #[error("the class {class:?} in {} has no usable photo{left_out}", path.display())]
    #[diagnostic(help("add photos to it, correct their paths if it is in a list, or remove it"))]
    EmptyClass { path: PathBuf, class: String, left_out: LeftOut },
    /// Two class names differ in case only.
    #[error("the classes {first:?} and {second:?} in {} differ only in upper and lower case", path.display())]
    #[diagnostic(help("rename one: many systems treat them as the same name"))]
    Collision { path: PathBuf, first: String, second: String },
    /// A name that has the class is not UTF-8.
    #[error("the name of {} is not UTF-8, so its class cannot be read", path.display())]
    #[diagnostic(help("rename it (convmv does this for whole folders)"))]
    NotUtf8 { path: PathBuf },
    /// The classes are the folders of a split.
    #[error("{} is split into the folders {found}, which are not classes", path.display())]
    #[diagnostic(help("give one of these folders"))]
    Split { path: PathBuf, found: String },
    /// A class name is too long for a model file.
    #[error("the class name {class:?} in {} is too long: {} bytes, and at most 255 are allowed", path.display(), class.len())]
    #[diagnostic(help("shorten the name"))]
    LongName { path: PathBuf, class: String },
    /// The network does not have a photo's class.
    #[error("{} is of the class {class:?}, which the network does not know; its classes: {known}", path.display())]
    #[diagnostic(help("use the same class names for training, validation and evaluation"))]
    UnknownClass { path: PathBuf, class: String, known: String },
    /// A photo that was named cannot be used.
    #[error("{}: {reason}", path.display())]
    #[diagnostic(help("{}", reason.help()))]
    Photo { path: PathBuf, reason: PhotoFault },
    /// The folder has no usable photo.
    #[error("{} has no usable photo{left_out}", path.display())]
    #[diagnostic(help("give a folder with photos (JPEG, PNG, GIF, BMP, TIFF, WebP, ...)"))]
    Nothing { path: PathBuf, left_out: LeftOut },
    /// A class has too few photos to hold any out.
    #[error("the class {class:?} has {}: too few to hold one out for validation", counted(*count, "different photo"))]
    #[diagnostic(help("add photos (near-duplicates count once), or give a validation folder with --validation"))]
    TooFewToHoldOut { class: String, count: usize },
    /// A class has too few photos for the folds.
    #[error("the class {class:?} has {}: too few for {folds} folds", counted(*count, "different photo"))]
    #[diagnostic(help("add photos (near-duplicates count once), or use fewer folds"))]
    TooFewForFolds { class: String, count: usize, folds: usize },
}

/// Fault of one photo.
#[derive(Debug, Error)]
pub enum PhotoFault {
    /// The file is missing or not readable.
    #[error("the photo cannot be read: {0}")]
    Unreadable(#[source] std::io::Error),
    /// The file is not a picture, or incomplete.
    #[error("{0}")]
    NoPicture(String),
    /// The picture, or its file, is too large.
    #[error("{0}")]
    TooLarge(String),
    /// The picture does not fit the network's input.
    #[error("{0}")]
    Pixels(#[from] PixelError),
}

impl PhotoFault {
    /// Returns a hint that says how to fix it.
    fn help(&self) -> &'static str {
        match self {
            Self::Unreadable(reason) if reason.kind() == std::io::ErrorKind::NotFound => {
                "check the path: give a photo, or a folder of photos"
            }
            Self::Unreadable(_) => "check that it is a file, and that you have permission to read it",
            Self::NoPicture(_) => "check that the file is a complete picture (JPEG, PNG, GIF, BMP, TIFF, WebP, ...)",
            Self::TooLarge(_) => {
                "make it smaller: a photo may have about 100 million pixels, or 60 million if it is turned by its EXIF data or has \
                 transparency"
            }
            Self::Pixels(PixelError::TooSmall { .. }) => "give a larger picture, or a model with a smaller input",
            Self::Pixels(_) => "give a photo with the colors that the network sees, or another model",
        }
    }
}

impl PhotoError {
    /// Returns the error of a photo that cannot be read.
    pub(super) fn unreadable(path: &Path, reason: std::io::Error) -> Self {
        Self::Photo { path: path.to_owned(), reason: PhotoFault::Unreadable(reason) }
    }
}

/// A file or folder that was left out, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The file or folder.
    pub path: PathBuf,
    /// Reason for leaving it out.
    pub reason: String,
}

/// Count and first of the files that were left out where no photo remained: of a folder, a list or a class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    count: usize,
    /// Boxed, because errors are passed on by value.
    first: Option<Box<Warning>>,
}

impl LeftOut {
    pub(super) fn of(warnings: &[Warning]) -> Self {
        Self { count: warnings.len(), first: warnings.first().cloned().map(Box::new) }
    }
}

impl std::fmt::Display for LeftOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.first {
            None => Ok(()),
            Some(first) => {
                write!(f, " ({} left out; the first: {}: {})", self.count, first.path.display(), first.reason)
            }
        }
    }
}
