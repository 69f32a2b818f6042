//! Depthwise convolution in place: [`pinhole_shared::layout::Layout::DspChannels8`].

use super::channels::column;

/// Arguments of [`positions`]: see [`pinhole_shared::kernel::DepthwisePositions`].
#[repr(C)]
pub(super) struct DepthwiseFrame {
    pub(super) weights: *const u32,
    pub(super) values: *const u8,
    pub(super) channels: usize,
    /// Bytes from the end of a window's row inside of the input to the next row.
    pub(super) to_next_row: usize,
    pub(super) biases: *const i32,
    pub(super) multipliers: *const i32,
    pub(super) output: *mut u8,
    pub(super) output_end: *mut u8,
    pub(super) step: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Bytes of weights of a window's row outside of the input.
    pub(super) row_skip: usize,
    /// Bytes of weights of a block's rows outside of the input.
    pub(super) block_skip: usize,
    /// 1 for a window of 3 x 3 that is wholly inside of the input, or else 0.
    pub(super) is_whole_3x3: u32,
    pub(super) pre_shift: u32,
    /// The output's zero point less its smallest value.
    pub(super) zero_point: i32,
    /// See [`super::band::PositionsFrame::over`].
    pub(super) over: u32,
    /// See [`super::band::PositionsFrame::excess`].
    pub(super) excess: u32,
}

/// Three columns of a row, then on to the next one: 25 instructions.
macro_rules! three_columns {
    () => {
        concat!(
            "ldr r8, [r12]\n",
            column!(),
            "ldr r8, [r12, r2]\n",
            column!(),
            "ldr r8, [r12, r2, lsl #1]\n",
            "add r12, r12, r1\n",
            column!(),
        )
    };
}

/// Computes position after position, four channels per turn: a window of 3 x 3 at once; of others, three columns per turn of the
/// innermost loop, then the remaining ones; requantization; one word of output.
///
/// # Safety
/// All is as [`pinhole_shared::kernel::DepthwisePositions::fit`] requires it.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn positions(frame: DepthwiseFrame) {
    dsp_asm!(
        // [sp]: biases to multipliers, less a block of biases (0), values to output (4), end of the position's values (8), loop over
        // channels (12); 9 saved registers; the frame: weights (52), values (56), channels (60), to next row (64), biases (68),
        // multipliers (72), output (76), output end (80), step (84), rows (88), columns (92), row skip (96), block skip (100), whole
        // (104), pre-shift (108), zero point (112), over (116), excess (120).
        // r0 weights, r1 to next row, r2 channels, r3 biases, r4-r7 sums, r8-r11 of a column, r12 values, lr values of the four
        // channels.
        "push {{r0-r3}}",
        "push {{r4-r11, lr}}",
        "sub sp, #16",
        "mov r1, r3",
        "ldrd r4, r5, [sp, #68]",
        "sub r5, r5, r4",
        "subs r5, #16",
        "str r5, [sp]",
        "ldr r4, [sp, #104]",
        "adr.w r5, 4f",
        "cbz r4, 2f",
        // Its rows are addressed from their start.
        "add r1, r1, r2",
        "add r1, r1, r2, lsl #1",
        "adr.w r5, 3f",
        "2:",
        "orr r5, r5, #1",
        "str r5, [sp, #12]",
        "22:", // a position
        "ldrd r0, lr, [sp, #52]",
        "ldr r4, [sp, #76]",
        "ldr r3, [sp, #68]",
        "add r5, lr, r2",
        "sub r4, r4, lr",
        "strd r4, r5, [sp, #4]",
        "ldr pc, [sp, #12]",
        ".p2align 2",
        "3:", // four channels of a whole window
        "ldmia r3!, {{r4-r7}}",
        "mov r12, lr",
        three_columns!(),
        three_columns!(),
        three_columns!(),
        "10:",
        "ldr r8, [sp]",
        "add r8, r8, r3",
        "ldmia.w r8, {{r9-r12}}",
        "ldr r8, [sp, #108]",
        "cmp r8, #0",
        "beq 11f", // mostly
        "lsl r4, r4, r8",
        "lsl r5, r5, r8",
        "lsl r6, r6, r8",
        "lsl r7, r7, r8",
        "11:",
        // The multiplication adds the zero point and rounds half up.
        "ldr r8, [sp, #112]",
        "smmlar r4, r4, r9, r8",
        "smmlar r5, r5, r10, r8",
        "smmlar r6, r6, r11, r8",
        "smmlar r7, r7, r12, r8",
        "usat r4, #8, r4",
        "usat r5, #8, r5",
        "usat r6, #8, r6",
        "usat r7, #8, r7",
        "orr r4, r4, r5, lsl #8",
        "orr r6, r6, r7, lsl #8",
        "orr r4, r4, r6, lsl #16",
        "ldrd r8, r9, [sp, #116]",
        "ldrd r6, r7, [sp, #4]",
        "uqadd8 r4, r4, r8",
        "usub8 r4, r4, r9",
        "str r4, [lr, r6]",
        "add lr, lr, #4",
        "cmp lr, r7",
        "beq 12f",
        "ldr pc, [sp, #12]",
        "12:",
        "ldr r4, [sp, #56]",
        "ldr r5, [sp, #84]",
        "ldrd r6, r7, [sp, #76]",
        "add r4, r4, r5",
        "add r6, r6, r2",
        "str r4, [sp, #56]",
        "str r6, [sp, #76]",
        "cmp r6, r7",
        "bne.w 22b",
        "add sp, #16",
        "pop {{r4-r11, lr}}",
        "add sp, #16",
        "bx lr",
        ".p2align 2",
        "4:", // four channels of another window
        "ldmia r3!, {{r4-r7}}",
        "push {{r3}}",
        "mov r12, lr",
        "ldr r3, [sp, #92]",
        "5:", // a row of the window
        "push {{r3}}",
        "ldr r3, [sp, #100]",
        "subs r3, #3",
        "blo 7f",
        "6:",
        "ldr r8, [r12]",
        column!(),
        "ldr r8, [r12, r2]",
        column!(),
        "ldr r8, [r12, r2, lsl #1]",
        "add r12, r12, r2",
        column!(),
        "add r12, r12, r2, lsl #1",
        "subs r3, #3",
        "bhs 6b",
        "7:",
        "adds r3, #3",
        "beq 9f",
        "8:",
        "ldr r8, [r12]",
        "add r12, r12, r2",
        column!(),
        "subs r3, #1",
        "bne 8b",
        "9:",
        "pop {{r3}}",
        "ldr r8, [sp, #100]",
        "add r12, r12, r1",
        "add r0, r0, r8",
        "subs r3, #1",
        "bne.w 5b",
        "pop {{r3}}",
        "ldr r8, [sp, #100]",
        "add r0, r0, r8",
        "b.w 10b",
    )
}
