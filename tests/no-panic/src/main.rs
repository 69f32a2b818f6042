//! Shows that the parser of model files cannot panic, whatever bytes it gets: this program is only linked, never run.
//!
//! Its panic handler calls a function that does not exist. The linker drops what cannot be reached from [`parse`]. So it fails, and
//! names that function, if the compiler has left any path from there to a panic: an index, a division, a slice of a wrong length. The
//! feature `control` adds such a path: then linking must fail.
//!
//! It is built as the boards' firmware is, for each of their cores. There, arithmetic that overflows wraps, and is no panic.
#![no_std]
#![no_main]

use core::panic::PanicInfo;

use pinhole_shared::model::Model;

/// Kernel of the core: Armv6-M, which has no compare-and-swap.
#[cfg(not(target_has_atomic = "ptr"))]
type BoardKernel = pinhole_shared::kernel::DualMac<pinhole_kernels::cortex_m0plus::CortexM0Plus>;
/// Kernel of the core: one with the DSP extension.
#[cfg(target_has_atomic = "ptr")]
type BoardKernel = pinhole_shared::kernel::Dsp<pinhole_kernels::cortex_m4::CortexM4>;

unsafe extern "C" {
    /// Exists nowhere.
    fn a_panic_can_be_reached() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: never called, since no program with this call is linked.
    unsafe { a_panic_can_be_reached() }
}

/// Parses a file as a board does before it runs it, and reads all of its layers; the number of layers, or 0 if it is refused.
// SAFETY: the name is that of the program's entry, and nothing else has it.
#[unsafe(no_mangle)]
pub fn parse(file: &[u8]) -> usize {
    #[cfg(feature = "control")]
    if file[7] == 0 {
        return 0;
    }
    Model::parse_of::<BoardKernel>(file).map_or(0, |model| model.layers().filter(|layer| layer.outputs() > 0).count())
}
