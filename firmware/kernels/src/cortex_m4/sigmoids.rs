//! Requantization and sigmoid.

use pinhole_shared::fixed::{SIGMOID_RANGE, SIGMOID_STEPS};

/// Arguments of [`sigmoids`] besides its registers.
#[repr(C)]
pub(super) struct SigmoidFrame {
    /// End of the activations.
    pub(super) end: *const i16,
    /// `TABLE_BIAS` bytes before [`SIGMOID_STEPS`].
    pub(super) table: *const u16,
}

/// Q16 units that the loop adds to a magnitude: up to 12 + 4 fit 20 bits exactly. So one saturating instruction is
/// enough for a table that ends with the function's range.
const BIAS: u32 = (16 << 16) - ((SIGMOID_RANGE as u32) << 16);
/// Bytes of the table that the bias skips: steps of 2,048 units, 2 bytes each.
pub(super) const TABLE_BIAS: usize = (BIAS >> 11) as usize * 2;

// The immediate operands below are these numbers.
const _: () = assert!(BIAS == 0x4_0000 && SIGMOID_STEPS.len() == (12 << 5) + 1);

/// Computes one neuron per turn: 20 instructions.
///
/// The accumulator's sign stays in the flags and is the result's sign; a value rounded to 0 gives the same result with
/// both. Two entries of the table are loaded at once, whatever their alignment. If memory is slow for words across a
/// boundary, half of these loads take one cycle more.
///
/// # Safety
/// From `activations` to the frame's end there is at least one writable activation, and as many readable accumulators
/// and multipliers. The table is that of [`SigmoidFrame`].
#[unsafe(naked)]
pub(super) unsafe extern "C" fn sigmoids(
    accumulators: *const i32,
    multipliers: *const i32,
    pre_shift: u32,
    activations: *mut i16,
    frame: *const SigmoidFrame,
) {
    dsp_asm!(
        "ldr r12, [sp]",
        "push {{r4-r8, lr}}",
        "ldrd lr, r5, [r12]",
        "mov r12, #1024",   // half of a step
        "mov r8, #0x40000", // the bias
        "2:",
        "ldr r6, [r0], #4",
        "ldr r7, [r1], #4",
        "lsls r6, r2",
        "smmlar r6, r6, r7, r8",
        "it mi",
        "rsbmi r6, r6, #0x80000", // twice the bias
        "usat r6, #20, r6",
        "lsr r7, r6, #11",
        "ldr r7, [r5, r7, lsl #1]",
        "ubfx r6, r6, #0, #11",
        "uxth r4, r7",
        "rsb r7, r4, r7, lsr #16", // the rise to the next entry
        "mla r6, r6, r7, r12",
        "add r6, r4, r6, lsr #11",
        "it mi",
        "rsbmi r6, r6, #0x8000",
        "ssat r6, #16, r6",
        "strh r6, [r3], #2",
        "cmp r3, lr",
        "bne 2b",
        "pop {{r4-r8, pc}}",
    )
}
