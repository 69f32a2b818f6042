//! Instructions of compiled code: everything around the loops in assembly.
//!
//! **Measured, not derived**: fitted to what `pinhole bench` counts for networks of many shapes; of layers of tensors, by least
//! squares of relative errors over 150 random networks, and cycles to those of an emulator plugin that goes by the timing
//! tables. When the engine, a kernel's Rust or the compiler changes by more than [`super::TOLERANCE`] of an inference, the test
//! that compares prediction and count fails, and these numbers are to be measured anew.

mod cortex_m0plus;
mod cortex_m4;
pub(super) mod dense;
mod event;

pub(super) use event::Event;
