//! Painting the stack: what is no longer the paint has been in use.

use cortex_m::register::msp;

/// A word no code has a reason to push.
const PAINT: u32 = 0xC0FF_EE11;
/// Bytes of the stack that are painted; more than any board would reserve.
const PAINTED_BYTES: usize = 64 * 1024;

unsafe extern "C" {
    /// Top of the stack and end of the static data, from cortex-m-rt's link.x. Only their addresses mean anything.
    static _stack_start: u32;
    static __sheap: u32;
}

fn top() -> usize {
    (&raw const _stack_start).addr()
}

/// Lowest painted address.
fn bottom() -> usize {
    (&raw const __sheap).addr().max(top() - PAINTED_BYTES)
}

/// Left unpainted below the stack pointer: this function may still push something after it has read it. Whatever is
/// measured goes deeper than that.
const MARGIN_BYTES: usize = 64;

/// Paints from the bottom to a little below the stack pointer.
#[inline(never)]
pub fn paint() {
    let end = msp::read() as usize - MARGIN_BYTES;
    let mut address = bottom();
    while address < end {
        // SAFETY: between the static data and the stack pointer nothing lies; nothing interrupts this program, and this
        // function has its own frame within the margin. Volatile, as nobody is seen to read it.
        unsafe { core::ptr::with_exposed_provenance_mut::<u32>(address).write_volatile(PAINT) };
        address += size_of::<u32>();
    }
}

/// Bytes in use by the caller.
#[inline(always)]
pub fn depth() -> u32 {
    top() as u32 - msp::read()
}

/// Bytes from the top to the lowest word that is not paint.
#[inline(never)]
pub fn deepest() -> u32 {
    let mut address = bottom();
    // SAFETY: all of it is memory; below the stack pointer it was painted or has been stack since.
    while address < top() && unsafe { core::ptr::with_exposed_provenance::<u32>(address).read_volatile() } == PAINT {
        address += size_of::<u32>();
    }
    (top() - address) as u32
}
