//! Instructions of compiled code: everything around the loops in assembly.
//!
//! These numbers are **measured, not derived**: fitted to the counts of `pinhole bench` for networks of many shapes.
//! For layers on tensors, they are fitted by least squares of relative errors over 150 random networks, and cycles to
//! those of an emulator plugin that uses the timing tables. On Cortex-M0+, divisions have gone since from chunks and im2col: their
//! instructions are subtracted as counted, and 1.45 cycles for each of them. Later events are fitted to the counts of other networks,
//! with 1.55 cycles for each instruction on Cortex-M4 and 1.6 on Cortex-M0+: on Cortex-M4, those of bands, of depthwise convolutions
//! in place and of sums to 25; on Cortex-M0+, those of bands and of depthwise convolutions to 31; of pooling to 8, on both. When the
//! engine, a kernel's Rust code or the compiler changes by more than [`super::TOLERANCE`] of an inference, the test that compares
//! prediction and count fails. Then measure these numbers again.

mod cortex_m0plus;
mod cortex_m4;
pub(super) mod dense;
mod event;

pub(super) use event::CompiledEvent;
