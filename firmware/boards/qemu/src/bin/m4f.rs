//! Pinhole on QEMU's mps2-an386, an emulated Cortex-M4F.
#![no_std]
#![no_main]

use pinhole_shared::kernel::Scalar;

/// The kernel this board runs.
type BoardKernel = Scalar;

#[cortex_m_rt::entry]
fn main() -> ! {
    pinhole_qemu::run::<BoardKernel>("qemu-mps2-an386")
}
