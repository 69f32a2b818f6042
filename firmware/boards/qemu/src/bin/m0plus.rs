//! Pinhole built for a Cortex-M0+ (Armv6-M), on QEMU's mps2-an385.
#![no_std]
#![no_main]

use pinhole_kernels::cortex_m0plus::CortexM0Plus;
use pinhole_qemu::Machine;
use pinhole_shared::kernel::DualMac;

/// Kernel of this board.
type BoardKernel = DualMac<CortexM0Plus>;

#[cortex_m_rt::entry]
fn main() -> ! {
    pinhole_qemu::forbid_unaligned_access();
    pinhole_qemu::run::<BoardKernel>("qemu-thumbv6m", Machine::AN38X)
}
