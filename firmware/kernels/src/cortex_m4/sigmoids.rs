//! Requantization and sigmoid.

use core::arch::naked_asm;

use pinhole_shared::fixed::{SIGMOID_TABLE, SIGMOID_TABLE_BITS};

/// What [`sigmoids`] needs besides its registers.
#[repr(C)]
pub(super) struct SigmoidFrame {
    /// Past the last activation.
    pub(super) end: *const i16,
    pub(super) table: *const u16,
}

/// A neuron: `$x` is its accumulator and becomes its activation, `$m` its multiplier; both and `$h` are used. r2 shift,
/// r5 table, r12 half of a step. 17 instructions.
macro_rules! sigmoid {
    ($x:literal, $m:literal, $h:literal) => {
        concat!(
            "lsl ",
            $x,
            ", ",
            $x,
            ", r2\n",
            "smmulr ",
            $x,
            ", ",
            $x,
            ", ",
            $m,
            "\n",
            "cmp ",
            $x,
            ", #0\n", // the sign stays in the flags
            "it mi\n",
            "rsbmi ",
            $x,
            ", ",
            $x,
            ", #0\n",
            "usat ",
            $x,
            ", #20, ",
            $x,
            "\n",
            "lsr ",
            $m,
            ", ",
            $x,
            ", #11\n",
            "add ",
            $m,
            ", r5, ",
            $m,
            ", lsl #1\n",
            "ldrh ",
            $h,
            ", [",
            $m,
            ", #2]\n",
            "ldrh ",
            $m,
            ", [",
            $m,
            "]\n",
            "ubfx ",
            $x,
            ", ",
            $x,
            ", #0, #11\n",
            "sub ",
            $h,
            ", ",
            $h,
            ", ",
            $m,
            "\n",
            "mla ",
            $x,
            ", ",
            $x,
            ", ",
            $h,
            ", r12\n",
            "add ",
            $x,
            ", ",
            $m,
            ", ",
            $x,
            ", lsr #11\n",
            "it mi\n",
            "rsbmi ",
            $x,
            ", ",
            $x,
            ", #0x8000\n",
            "ssat ",
            $x,
            ", #16, ",
            $x,
            "\n",
        )
    };
}

// The saturating instruction and the shift are written out above.
const _: () = assert!(SIGMOID_TABLE_BITS == 20 && SIGMOID_TABLE.len() == (1 << (20 - 11)) + 1);

/// Two neurons a turn, and one at the end if they are odd.
///
/// # Safety
/// From `activations` to the frame's end is at least one writable activation, and there are as many readable
/// accumulators and multipliers; the table is [`SIGMOID_TABLE`].
#[unsafe(naked)]
pub(super) unsafe extern "C" fn sigmoids(
    accumulators: *const i32,
    multipliers: *const i32,
    pre_shift: u32,
    activations: *mut i16,
    frame: *const SigmoidFrame,
) {
    naked_asm!(
        "ldr r12, [sp]",
        "push {{r4-r11, lr}}",
        "ldrd lr, r5, [r12]",
        "mov r12, #1024",
        // Where no two are left.
        "sub r4, lr, #2",
        "cmp r3, r4",
        "bhs 3f",
        "2:",
        "ldmia r0!, {{r6, r9}}",
        "ldmia r1!, {{r7, r10}}",
        sigmoid!("r6", "r7", "r8"),
        sigmoid!("r9", "r10", "r11"),
        "strh r9, [r3, #2]",
        "strh r6, [r3], #4",
        "cmp r3, r4",
        "blo 2b",
        "3:",
        "cmp r3, lr",
        "beq 4f",
        "ldr r6, [r0]",
        "ldr r7, [r1]",
        sigmoid!("r6", "r7", "r8"),
        "strh r6, [r3]",
        "4:",
        "pop {{r4-r11, pc}}",
    )
}
