//! What a board's firmware and a model take, against what the board has, before anything is flashed.
//!
//! | module | question |
//! |---|---|
//! | `needs` | what does a model take of any board? |
//! | `fit` | does this board have it, and if not, what can be done? |
//! | `firmware` | what does a board's firmware take, by its ELF file, and is it within its budget? |
//! | [`predict`] | how long does an inference take? |
//!
//! What boards declare is in the crate `pinhole_declaration`, which their build scripts use too: firmware over its
//! budget does not link.

mod firmware;
mod fit;
mod needs;
pub mod predict;

pub use firmware::{Exceeded, FirmwareSize, Part};
pub use fit::{Misfit, Misfits, Resource, misfits};
pub use needs::Needs;
