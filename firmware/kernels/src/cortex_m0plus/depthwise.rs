//! Depthwise convolution in place, with row-major weights.

use core::arch::naked_asm;

use super::frame::{enter, leave};
use super::requantize::upper_half;

/// Arguments of [`positions`] (see [`pinhole_shared::kernel::DepthwisePositions`]), and its variables. Offsets are in its comments.
#[repr(C)]
pub(super) struct DepthwiseFrame {
    /// 0: weights of the first channel, of the first position of its window inside of the input.
    pub(super) filters: *const u8,
    /// 4: the function advances them, and `output`.
    pub(super) values: *const u8,
    /// 8.
    pub(super) biases: *const i32,
    /// 12: bytes from the biases to the multipliers.
    pub(super) multipliers: usize,
    /// 16.
    pub(super) output: *mut u8,
    /// 20.
    pub(super) output_end: *mut u8,
    /// 24: bytes from a position's values to the next one's.
    pub(super) step: usize,
    /// 28.
    pub(super) channels: usize,
    /// 32: bytes of values from the end of a window's row inside of the input to the next row.
    pub(super) to_next_row: usize,
    /// 36: rows of a window inside of the input.
    pub(super) rows: usize,
    /// 40: columns of it.
    pub(super) columns: usize,
    /// 44: weights of a window's row outside of the input.
    pub(super) row_skip: usize,
    /// 48: weights of a window's rows outside of the input.
    pub(super) filter_skip: usize,
    /// 52.
    pub(super) pre_shift: u32,
    /// 56: zero point of the output.
    pub(super) zero_point: i32,
    /// 60: smallest output.
    pub(super) low: i32,
    /// 64: largest output.
    pub(super) high: i32,
    /// 68: 1 for a window of 3 x 3 that is wholly inside of the input, or else 0; the function replaces it with an address.
    pub(super) is_whole_3x3: usize,
    /// 72: end of the position's outputs.
    pub(super) position_end: *mut u8,
    /// 76: bytes from a row to the next.
    pub(super) pitch: usize,
}

/// A weight at r1 plus `$column` times the value in r3, added to r2. r4 scratch.
macro_rules! tap {
    ($column:literal) => {
        concat!("ldrb r4, [r1, #", $column, "]\nsxtb r4, r4\nmuls r3, r4, r3\nadds r2, r2, r3\n")
    };
}

/// Three columns of a row: 15 instructions.
macro_rules! three_columns {
    ($first:literal, $second:literal, $third:literal) => {
        concat!(
            "ldrb r3, [r0]\n",
            tap!($first),
            "ldrb r3, [r0, r6]\n",
            tap!($second),
            "ldrb r3, [r0, r7]\n",
            tap!($third),
        )
    };
}

/// Computes position after position, channel by channel: a window of 3 x 3 at once, others column by column; requantization.
///
/// # Safety
/// All is as [`pinhole_shared::kernel::DepthwisePositions::fit`] requires it, and the frame is of it.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn positions(frame: *mut DepthwiseFrame) {
    naked_asm!(
        enter!(),
        // r6 channels; r8 pitch, r9 bias, r10 from biases to multipliers, r11 pre-shift, r12 the frame, lr values of the next channel.
        "mov r12, r0",
        "mov r4, r0",
        "ldr r0, [r4, #76]",
        "mov r8, r0",
        "ldr r0, [r4, #12]",
        "mov r10, r0",
        "ldr r0, [r4, #52]",
        "mov r11, r0",
        "ldr r6, [r4, #28]",
        "ldr r0, [r4, #68]",
        "cmp r0, #0",
        "adr r0, 4f",
        "bne 2f",
        "adr r0, 5f",
        "2:",
        "adds r0, #1", // Thumb
        "str r0, [r4, #68]",
        "3:", // an output position
        "ldr r1, [r4, #16]",
        "adds r1, r1, r6",
        "str r1, [r4, #72]",
        "ldr r1, [r4, #8]",
        "mov r9, r1",
        "ldr r0, [r4, #4]",
        "ldr r1, [r4]",
        "ldr r3, [r4, #68]",
        "b 8f",
        ".p2align 2",
        "4:", // a channel of a window of 3 x 3
        "lsls r7, r6, #1",
        three_columns!("0", "1", "2"),
        "add r0, r8",
        three_columns!("3", "4", "5"),
        "add r0, r8",
        three_columns!("6", "7", "8"),
        "adds r1, #9",
        "b 9f",
        ".p2align 2",
        "5:", // a channel of another window
        "mov r4, r12",
        "ldr r5, [r4, #36]",
        "6:", // a row
        "mov r4, r12",
        "ldr r7, [r4, #40]",
        "7:", // a column
        "ldrb r3, [r0]",
        "adds r0, r0, r6",
        tap!("0"),
        "adds r1, #1",
        "subs r7, #1",
        "bne 7b",
        "mov r4, r12",
        "ldr r3, [r4, #32]",
        "adds r0, r0, r3",
        "ldr r3, [r4, #44]",
        "adds r1, r1, r3",
        "subs r5, #1",
        "bne 6b",
        "ldr r3, [r4, #48]",
        "adds r1, r1, r3",
        "b 9f",
        "8:", // the next channel: its values at r0
        "movs r2, #1",
        "add r2, r0",
        "mov lr, r2",
        "mov r2, r9",
        "ldr r2, [r2]",
        "bx r3",
        "9:",
        "mov r5, r9",
        "mov r4, r10",
        "ldr r3, [r5, r4]",
        "adds r5, #4",
        "mov r9, r5",
        "mov r4, r11",
        "lsls r2, r4",
        upper_half!("r2", "r3", "r4", "r5", "r7"),
        "mov r4, r12",
        "ldr r5, [r4, #56]",
        "adds r3, r3, r5",
        "ldr r5, [r4, #60]",
        "cmp r3, r5",
        "bge 10f",
        "mov r3, r5",
        "10:",
        "ldr r5, [r4, #64]",
        "cmp r3, r5",
        "ble 11f",
        "mov r3, r5",
        "11:",
        "ldr r5, [r4, #16]",
        "strb r3, [r5]",
        "adds r5, #1",
        "str r5, [r4, #16]",
        "mov r0, lr",
        "ldr r3, [r4, #72]",
        "cmp r5, r3",
        "ldr r3, [r4, #68]",
        "bne 8b",
        "ldr r0, [r4, #4]",
        "ldr r1, [r4, #24]",
        "adds r0, r0, r1",
        "str r0, [r4, #4]",
        "ldr r1, [r4, #20]",
        "cmp r5, r1",
        "beq 12f",
        "b 3b",
        "12:",
        leave!(),
    )
}
