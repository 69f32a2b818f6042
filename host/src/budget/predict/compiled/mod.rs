//! Instructions of compiled code: everything around the loops in assembly.
//!
//! **Measured, not derived**: fitted to what `pinhole bench` counts for networks of many shapes, those of layers of tensors by
//! least squares of relative errors over 150 random ones, cycles likewise to what an emulator plugin makes of the timing table. When the engine, a
//! kernel's Rust or the compiler changes by more than [`super::TOLERANCE`] of an inference, the test that compares
//! prediction and count fails, and these numbers are to be measured anew.

mod cortex_m0plus;
mod cortex_m4;
pub(super) mod dense;
mod event;

pub(super) use event::Event;
