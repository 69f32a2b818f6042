//! The innermost loops of the fast kernels, in assembly. `pinhole_shared::kernel` documents their algorithms and has a
//! portable version of each, instruction by instruction. Tests compare the portable versions with the reference, and
//! the proof compares the assembly with the portable versions.
//!
//! The loops are whole functions in assembly, not inline assembly: they need 14 registers. The compiler does not give
//! r6 and r7 to inline assembly, nor keeps so many values in registers around it.
//!
//! A board enables the feature of its core and names the kernel: [`Dsp`](pinhole_shared::kernel::Dsp) of
//! [`cortex_m4::CortexM4`], or [`DualMac`](pinhole_shared::kernel::DualMac) of [`cortex_m0plus::CortexM0Plus`].
#![no_std]
// Empty for any other target.
#![cfg(target_arch = "arm")]

#[cfg(feature = "cortex-m0plus")]
pub mod cortex_m0plus;
#[cfg(feature = "cortex-m4")]
pub mod cortex_m4;
