//! Stack painting: memory that no longer holds the paint has been used.

use cortex_m::register::msp;

/// A word that no code has a reason to push.
const PAINT: u32 = 0xC0FF_EE11;
/// Maximum number of painted bytes; more than any board reserves for its stack.
const PAINTED_BYTES: usize = 64 * 1024;

unsafe extern "C" {
    /// Top of the stack and end of the static data, from cortex-m-rt's link.x. Only their addresses are valid.
    static _stack_start: u32;
    static __sheap: u32;
}

fn top() -> usize {
    (&raw const _stack_start).addr()
}

/// Returns the lowest painted address.
fn bottom() -> usize {
    (&raw const __sheap).addr().max(top() - PAINTED_BYTES)
}

/// Bytes left unpainted below the stack pointer, because this function may still push after reading it. Any measured
/// stack is deeper.
const MARGIN_BYTES: usize = 64;

/// Paints from the bottom to `MARGIN_BYTES` below the stack pointer.
#[inline(never)]
pub fn paint() {
    let end = msp::read() as usize - MARGIN_BYTES;
    let mut address = bottom();
    while address < end {
        // SAFETY: nothing lies between the static data and the stack pointer; nothing interrupts this program, and this
        // function's own frame is within the margin. Volatile, because the compiler sees no reader.
        unsafe { core::ptr::with_exposed_provenance_mut::<u32>(address).write_volatile(PAINT) };
        address += size_of::<u32>();
    }
}

/// Returns the bytes of stack used by the caller.
#[inline(always)]
pub fn depth() -> u32 {
    top() as u32 - msp::read()
}

/// Returns the bytes from the top to the lowest word that is not paint.
#[inline(never)]
pub fn deepest() -> u32 {
    let mut address = bottom();
    // SAFETY: all of it is memory; below the stack pointer it was painted or has been stack since.
    while address < top() && unsafe { core::ptr::with_exposed_provenance::<u32>(address).read_volatile() } == PAINT {
        address += size_of::<u32>();
    }
    (top() - address) as u32
}
