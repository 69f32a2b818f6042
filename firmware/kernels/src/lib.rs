//! The innermost loops of the fast kernels, in assembly. What they compute, and why, is in `pinhole_shared::kernel`,
//! where each has a twin in Rust that does the same instruction by instruction; tests hold the twins to the reference,
//! and the proof holds the assembly to the twins.
//!
//! Assembly as whole functions, not as instructions in Rust: the loops need 14 registers, and the compiler neither gives
//! r6 and r7 to inline assembly nor keeps so many values in registers around it.
//!
//! A board enables the feature of its core and names the kernel: [`Dsp`](pinhole_shared::kernel::Dsp) of
//! [`cortex_m4::CortexM4`], or [`Pairs`](pinhole_shared::kernel::Pairs) of [`cortex_m0plus::CortexM0Plus`].
#![no_std]
// For any other target there is nothing here.
#![cfg(target_arch = "arm")]

#[cfg(feature = "cortex-m0plus")]
pub mod cortex_m0plus;
#[cfg(feature = "cortex-m4")]
pub mod cortex_m4;
