//! From folders of photos to labeled network inputs.
//!
//! [`scan`] finds photos and their classes, [`decode`] reads one, the shared pixel pipeline shrinks it, and [`load`]
//! does it for a whole folder, on all cores. Every photo that is left out is counted and named. [`near_duplicates`] finds
//! pictures that are there twice, and [`hold_out`] and [`folds`] keep those together.

mod dataset;
pub mod decode;
mod duplicates;
mod error;
mod jpeg;
mod picture;
mod scan;
mod split;
mod unlabeled;

pub use dataset::{Dataset, Example, copies, load};
pub use duplicates::{DuplicatePhotos, MAX_DISTANCE, MIN_CORRELATION, NearDuplicate, groups, near_duplicates};
pub use error::{PhotoError, Warning};
pub use picture::{Picture, PictureError};
pub use scan::{FoundPhoto, FoundPhotos, expand, scan};
pub use split::{folds, hold_out};
pub use unlabeled::{Unlabeled, read_unlabeled};
