//! Requantization and sigmoid.

use core::arch::naked_asm;

use pinhole_shared::fixed::{SIGMOID_TABLE, SIGMOID_TABLE_BITS};

use super::frame::{enter, leave};

/// Arguments of [`sigmoids`] besides its registers.
#[repr(C)]
pub(super) struct SigmoidFrame {
    /// End of the activations.
    pub(super) end: *const i16,
    pub(super) table: *const u16,
    /// Maximum magnitude of x in the table.
    pub(super) largest: u32,
}

// The code below is written for steps of 2^11.
const _: () = assert!(SIGMOID_TABLE.len() == (1 << (SIGMOID_TABLE_BITS - 11)) + 1);

/// # Safety
/// From `activations` to the frame's end there is at least one writable activation, and as many readable accumulators
/// and multipliers. The table is [`SIGMOID_TABLE`].
#[unsafe(naked)]
pub(super) unsafe extern "C" fn sigmoids(
    accumulators: *const i32,
    multipliers: *const i32,
    pre_shift: u32,
    activations: *mut i16,
    frame: *const SigmoidFrame,
) {
    naked_asm!(
        enter!(),
        "ldr r4, [sp, #36]", // behind the 9 saved registers
        "ldmia r4!, {{r5, r6, r7}}",
        "mov r8, r5",  // end
        "mov r9, r6",  // table
        "mov r10, r7", // largest magnitude
        "movs r4, #128",
        "lsls r5, r4, #8",
        "mov r11, r5", // 2^15
        "lsls r5, r4, #3",
        "mov r12, r5", // 2^10
        "2:",
        // requantize: the upper word of accumulator times multiplier, rounded, from four products of halves
        "ldmia r0!, {{r4}}",
        "ldmia r1!, {{r5}}",
        "lsls r4, r2",
        "uxth r6, r4",      // lower half of the accumulator
        "asrs r4, r4, #16", // upper half
        "uxth r7, r5",      // lower half of the multiplier
        "lsrs r5, r5, #16", // upper half
        "push {{r2}}",
        "mov r2, r6",
        "muls r2, r7, r2", // lower times lower
        "lsrs r2, r2, #16",
        "muls r7, r4, r7", // upper times lower
        "adds r7, r7, r2",
        "muls r6, r5, r6", // lower times upper
        "muls r5, r4, r5", // upper times upper
        "uxth r2, r7",
        "adds r6, r6, r2",
        "add r6, r11", // rounds
        "lsrs r6, r6, #16",
        "asrs r7, r7, #16",
        "adds r5, r5, r7",
        "adds r5, r5, r6", // x
        "pop {{r2}}",
        // magnitude, and the sign as 0 or -1
        "asrs r4, r5, #31",
        "eors r5, r4",
        "subs r5, r5, r4",
        "cmp r5, r10",
        "bls 3f",
        "mov r5, r10",
        "3:",
        "lsrs r6, r5, #11",
        "adds r6, r6, r6",
        "add r6, r9",
        "ldrh r7, [r6, #2]",
        "ldrh r6, [r6]",
        "subs r7, r7, r6",
        "lsls r5, r5, #21", // fraction of a step
        "lsrs r5, r5, #21",
        "muls r5, r7, r5",
        "add r5, r12",
        "lsrs r5, r5, #11",
        "adds r5, r5, r6",
        // 2^15 less it where x is negative
        "eors r5, r4",
        "subs r5, r5, r4",
        "mov r6, r11",
        "ands r6, r4",
        "adds r5, r5, r6",
        // 2^15 does not fit 16 bits: clamp to 2^15 - 1
        "lsrs r6, r5, #15",
        "subs r5, r5, r6",
        "strh r5, [r3]",
        "adds r3, #2",
        "cmp r3, r8",
        "bne 2b",
        leave!(),
    )
}
