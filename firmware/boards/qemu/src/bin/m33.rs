//! Pinhole on QEMU's mps2-an505, an emulated Cortex-M33.
#![no_std]
#![no_main]

use pinhole_kernels::cortex_m4::CortexM4;
use pinhole_qemu::Machine;
use pinhole_shared::kernel::Dsp;

/// Kernel of this board: the core has all instructions of a Cortex-M4 that the kernel uses.
type BoardKernel = Dsp<CortexM4>;

#[cortex_m_rt::entry]
fn main() -> ! {
    pinhole_qemu::run::<BoardKernel>("qemu-mps2-an505", Machine::AN505)
}
