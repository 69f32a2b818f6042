//! Memory and time budgets: requirements of firmware and models, compared with the board before anything is flashed.
//!
//! | module | contents |
//! |---|---|
//! | `requirements` | requirements of a model on any board |
//! | `fit` | shortfalls of a model on a board, with advice |
//! | `firmware` | sizes of a board's firmware, from its ELF file, and its budget |
//! | [`predict`] | predicted instructions and time of an inference |
//!
//! The boards' declarations are parsed by the crate `pinhole_declaration`, which their build scripts use too: firmware
//! that exceeds its budget does not link.

mod firmware;
mod fit;
pub mod predict;
mod requirements;

pub use firmware::{BudgetPart, Exceeded, FirmwareSize};
pub use fit::{Resource, Shortfall, Shortfalls, shortfalls};
pub use requirements::Requirements;
