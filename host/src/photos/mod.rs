//! From folders of photos to labeled network inputs.
//!
//! [`scan`] finds photos and their classes, [`decode`] reads one, the shared pixel pipeline shrinks it, and [`load`]
//! does it for a whole folder, on all cores. Every photo that is left out is counted and named.

mod dataset;
pub mod decode;
mod error;
mod jpeg;
mod picture;
mod scan;

pub use dataset::{Dataset, Example, copies, hold_out, load};
pub use error::{PhotoError, Warning};
pub use picture::{Picture, PictureError};
pub use scan::{FoundPhoto, FoundPhotos, expand, scan};
