//! Pinhole in the instructions of a Cortex-M0+ (Armv6-M), on QEMU's mps2-an385.
#![no_std]
#![no_main]

use pinhole_shared::kernel::Scalar;

/// The kernel this board runs.
type BoardKernel = Scalar;

#[cortex_m_rt::entry]
fn main() -> ! {
    pinhole_qemu::forbid_unaligned_access();
    pinhole_qemu::run::<BoardKernel>("qemu-thumbv6m")
}
