//! Convolutions of bands: [`pinhole_shared::layout::Layout::DspBand8`].

use super::pixels8::group8;

/// Arguments of [`columns`]: see [`pinhole_shared::kernel::Columns`].
#[repr(C)]
pub(super) struct ColumnsFrame {
    pub(super) values: *const u8,
    pub(super) lanes: *mut u32,
    pub(super) sums: *mut i32,
    pub(super) sums_end: *mut i32,
    /// Bytes from the end of a row of a column to the next row.
    pub(super) to_next_row: usize,
    /// Bytes from the end of a column to the start of the next one, modulo 2^32.
    pub(super) to_next_column: usize,
    /// Bytes of lanes from the end of a column to the next.
    pub(super) skip: usize,
    pub(super) rows: usize,
    /// Groups of four channels.
    pub(super) fours: usize,
    pub(super) start: i32,
}

/// Widens four values: 5 instructions.
macro_rules! four_values {
    () => {
        concat!(
            "ldr r4, [r0], #4\n",
            "uxtb16 r5, r4, ror #8\n",
            "uxtb16 r4, r4\n",
            "smlad r8, r4, r5, r8\n",
            "strd r4, r5, [r1], #8\n",
        )
    };
}

/// Widens a column per turn of the outer loop. The inner loop takes eight values per turn.
///
/// # Safety
/// All is as [`pinhole_shared::kernel::Columns::fit`] requires it.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn columns(frame: ColumnsFrame) {
    dsp_asm!(
        // r0 values, r1 lanes, r2 sums, r8 the column's sum, r9 rows left, r10 rows, r11 fours, r12 to next row, lr fours left.
        "push {{r0-r3}}",
        "push {{r4-r11, lr}}",
        "ldr r10, [sp, #64]", // rows
        "ldr r11, [sp, #68]", // fours
        "ldr r12, [sp, #52]", // to next row
        "2:",                 // a column
        "ldr r8, [sp, #72]",
        "mov r9, r10",
        "3:", // a row
        "lsrs lr, r11, #1",
        "bcc 4f",
        four_values!(),
        "cmp lr, #0",
        "beq 5f",
        "4:",
        "ldr r4, [r0], #4",
        "ldr r6, [r0], #4",
        "uxtb16 r5, r4, ror #8",
        "uxtb16 r4, r4",
        "uxtb16 r7, r6, ror #8",
        "uxtb16 r6, r6",
        "smlad r8, r4, r5, r8",
        "smlad r8, r6, r7, r8",
        "stmia r1!, {{r4-r7}}",
        "subs lr, #1",
        "bne 4b",
        "5:",
        "add r0, r0, r12",
        "subs r9, #1",
        "bne 3b",
        "ldrd r3, r4, [sp, #56]", // to next column, skip
        "add r0, r0, r3",
        "add r1, r1, r4",
        "ldr r3, [sp, #48]", // sums end
        "rsb r8, r8, #0",
        "str r8, [r2], #4",
        "cmp r2, r3",
        "bne 2b",
        "pop {{r4-r11, lr}}",
        "add sp, #16",
        "bx lr",
    )
}

/// Widens a column per turn of the outer loop, four values per turn of the inner one, each from where the table says.
///
/// # Safety
/// `offsets..offsets_end` and `sums..sums_end` are readable or writable words, the former a positive multiple of 4, the latter at
/// least one. All else is as [`pinhole_shared::kernel::Table::fit`] requires it.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn table(
    values: *const u8,
    lanes: *mut u32,
    sums: *mut i32,
    sums_end: *mut i32,
    offsets: *const usize,
    offsets_end: *const usize,
    step: usize,
) {
    dsp_asm!(
        "push {{r4-r11, lr}}",
        "ldrd r9, r10, [sp, #36]",
        "ldr r11, [sp, #44]",
        "2:", // a column
        "mov r12, r9",
        "movs r4, #0",
        "mov r8, r4",
        "3:",
        "ldmia.w r12!, {{r4-r7}}",
        "ldrb r4, [r0, r4]",
        "ldrb r5, [r0, r5]",
        "ldrb r6, [r0, r6]",
        "ldrb r7, [r0, r7]",
        "orr r4, r4, r6, lsl #16",
        "orr r5, r5, r7, lsl #16",
        "smlad r8, r4, r5, r8",
        "strd r4, r5, [r1], #8",
        "cmp r12, r10",
        "bne 3b",
        "add r0, r0, r11",
        "rsb r8, r8, #0",
        "str r8, [r2], #4",
        "cmp r2, r3",
        "bne 2b",
        "pop {{r4-r11, pc}}",
    )
}

/// Arguments of [`positions`]: see [`pinhole_shared::kernel::Positions`].
#[repr(C)]
pub(super) struct PositionsFrame {
    pub(super) weights: *const u32,
    pub(super) biases: *const i32,
    pub(super) multipliers: *const i32,
    /// Words under a window; the function replaces them with an address.
    pub(super) window_words: usize,
    pub(super) lanes: *const u32,
    pub(super) corrections: *const i32,
    pub(super) output: *mut u8,
    pub(super) output_end: *mut u8,
    /// Bytes of lanes from an output's first window to the next output's.
    pub(super) step: usize,
    /// 0 without pooling.
    pub(super) pools: usize,
    /// Bytes of lanes from a window to the next.
    pub(super) window_step: usize,
    /// Bytes of lanes of a band.
    pub(super) band_bytes: usize,
    /// Bytes of the corrections of a band.
    pub(super) band_corrections: usize,
    pub(super) outputs: usize,
    /// Bytes of a block of weights.
    pub(super) block_bytes: usize,
    pub(super) pre_shift: u32,
    /// The output's zero point less its smallest value.
    pub(super) zero_point: i32,
    /// In each byte 255 less the size of the output's range, which makes saturation at 255 clamp to it.
    pub(super) over: u32,
    /// In each byte what is too much then.
    pub(super) excess: u32,
    /// Bytes under a window.
    pub(super) window_bytes: usize,
    /// Bytes of corrections from an output to the next.
    pub(super) correction_step: usize,
}

/// Computes position after position. For each block of four rows: the sums at each pooled position, as in [`super::pixels8`]; the
/// largest of them; requantization; one word of output.
///
/// The inner loop takes 9 groups of 8 columns per turn: a window of 3 x 3 has whole turns.
///
/// # Safety
/// All is as [`pinhole_shared::kernel::Positions::fit`] requires it.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn positions(frame: PositionsFrame) {
    dsp_asm!(
        // [sp]: largest sums (0), end of the window (16), next pooled position (20; 0 without pooling), first window (24) and its
        // correction (28), biases (32), multipliers (36), output (40), outputs left (44), entry of whole groups (48); of the three other
        // pooled positions window, end and correction (52), a zero (88), end of the first window (100); 9 saved registers; the frame:
        // weights (140), biases (144), multipliers (148), window words, then the entry (152), lanes (156), corrections (160), output
        // (164), output end (168), step (172), pools (176), window step (180), band bytes (184), band corrections (188), outputs
        // (192), block bytes (196), pre-shift (200), zero point (204), over (208), excess (212), window bytes (216), correction
        // step (220).
        "push {{r0-r3}}",
        "push {{r4-r11, lr}}",
        "sub sp, #104",
        // The first turn processes the remainder of the groups. Half a group, if there is one, comes before all others.
        "lsr r0, r3, #2",
        "mov r1, #9",
        "add r2, r0, #8",
        "udiv r2, r2, r1", // turns
        "cmp r2, #1",
        "it lo",
        "movlo r2, #1",
        "mul r2, r2, r1",
        "sub r2, r2, r0", // groups to leave out
        "mov r1, #92",
        "adr.w r4, 6f",
        "mla r2, r2, r1, r4",
        "orr r2, r2, #1",
        "str r2, [sp, #48]",
        "tst r3, #2",
        "beq 2f",
        "adr.w r2, 5f",
        "orr r2, r2, #1",
        "2:",
        "str r2, [sp, #152]",
        "mov r2, #0",
        "str r2, [sp, #20]",
        "str r2, [sp, #88]",
        "ldr r2, [sp, #164]",
        "str r2, [sp, #40]",
        "3:", // an output position
        "ldrd r2, r3, [sp, #144]",
        "ldr r0, [sp, #192]",
        "ldrd r1, r4, [sp, #156]",
        "strd r2, r3, [sp, #32]",
        "ldr r5, [sp, #216]",
        "ldr r6, [r4]",
        "ldr r3, [sp, #176]",
        "str r0, [sp, #44]",
        "add r7, r1, r5",
        "strd r1, r6, [sp, #24]",
        "str r7, [sp, #16]",
        "ldr r0, [sp, #140]",
        "cbz r3, 4f",
        // r2-r10: window, end and correction of three positions.
        "ldr r11, [sp, #188]",
        "ldrd r12, lr, [sp, #180]",
        "str r7, [sp, #100]",
        "add r11, r11, r4",
        "ldr r4, [r4, #4]",
        "ldr r7, [r11]",
        "ldr r10, [r11, #4]",
        "add r2, r1, r12",
        "add r3, r2, r5",
        "add r8, r2, lr",
        "add r9, r8, r5",
        "add r12, r1, lr",
        "add r6, r12, r5",
        "mov r5, r12",
        "add r12, sp, #52",
        "stmia.w r12, {{r2-r10}}",
        "str r12, [sp, #20]",
        "4:", // a block of four rows, from r0 on
        "ldrd r1, r11, [sp, #24]",
        "mov r10, #0",
        "mov r12, #0",
        "mov lr, r11",
        "ldr pc, [sp, #152]",
        ".p2align 2",
        "5:", // half a group
        "ldmia.w r1!, {{r2, r3}}",
        "ldmia.w r0!, {{r6-r9}}",
        "smlad r10, r6, r2, r10",
        "smlad r10, r7, r3, r10",
        "sxtab16 r6, r3, r6",
        "sxtab16 r7, r2, r7",
        "smlad r11, r6, r7, r11",
        "smlad r12, r8, r2, r12",
        "smlad r12, r9, r3, r12",
        "sxtab16 r8, r3, r8",
        "sxtab16 r9, r2, r9",
        "smlad lr, r8, r9, lr",
        "ldr.w pc, [sp, #48]",
        ".p2align 2",
        "6:",
        group8!(),
        group8!(),
        group8!(),
        group8!(),
        group8!(),
        group8!(),
        group8!(),
        group8!(),
        group8!(),
        "ldr r2, [sp, #16]",
        "cmp r1, r2",
        "bne.w 6b",
        "ldr r4, [sp, #20]",
        "sub r10, r10, r11", // 256 S_a - c; r11 and lr are S_b + c
        "sub r12, r12, lr",
        "cbz r4, 9f",
        "add r5, sp, #52",
        "cmp r4, r5",
        "beq 7f", // the first of the pooled positions
        "ldmia.w sp, {{r6-r9}}",
        "cmp r10, r6",
        "it lt",
        "movlt r10, r6",
        "cmp r11, r7",
        "it lt",
        "movlt r11, r7",
        "cmp r12, r8",
        "it lt",
        "movlt r12, r8",
        "cmp lr, r9",
        "it lt",
        "movlt lr, r9",
        "7:",
        "ldmia.w r4!, {{r1-r3}}",
        "cbz r1, 8f",
        "stmia.w sp, {{r10-r12, lr}}",
        "strd r2, r4, [sp, #16]",
        "ldr r5, [sp, #196]",
        "mov r11, r3",
        "mov lr, r3",
        "mov r10, #0",
        "mov r12, #0",
        "subs r0, r0, r5",
        "ldr pc, [sp, #152]",
        "8:", // all pooled positions are done
        "ldr r2, [sp, #100]",
        "strd r2, r5, [sp, #16]",
        "9:",
        "ldrd r2, r3, [sp, #32]",
        "ldmia r2!, {{r6-r9}}",
        "add r6, r6, r10, asr #8",
        "add r7, r7, r11",
        "add r8, r8, r12, asr #8",
        "add r9, r9, lr",
        "ldmia.w r3!, {{r1, r4, r5, r10}}",
        "strd r2, r3, [sp, #32]",
        "ldrd r2, r3, [sp, #200]",
        "cbz r2, 13f", // mostly
        "lsls r6, r2",
        "lsls r7, r2",
        "lsl r8, r8, r2",
        "lsl r9, r9, r2",
        "13:",
        // The multiplication adds the zero point and rounds half up.
        "smmlar r6, r6, r1, r3",
        "smmlar r7, r7, r4, r3",
        "smmlar r8, r8, r5, r3",
        "smmlar r9, r9, r10, r3",
        "usat r6, #8, r6",
        "usat r7, #8, r7",
        "usat r8, #8, r8",
        "usat r9, #8, r9",
        "orr r6, r6, r7, lsl #8",
        "orr r8, r8, r9, lsl #8",
        "orr r6, r6, r8, lsl #16",
        "ldrd r2, r3, [sp, #208]",
        "ldrd r4, r5, [sp, #40]",
        "uqadd8 r6, r6, r2",
        "usub8 r6, r6, r3",
        "subs r5, #4",
        "blo 11f",
        "str r6, [r4], #4",
        "strd r4, r5, [sp, #40]",
        "bne.w 4b",
        "10:",
        "ldrd r2, r3, [sp, #156]",
        "ldr r5, [sp, #172]",
        "ldr r6, [sp, #220]",
        "ldr r7, [sp, #168]",
        "add r2, r2, r5",
        "add r3, r3, r6",
        "strd r2, r3, [sp, #156]",
        "cmp r4, r7",
        "bne.w 3b",
        "add sp, #104",
        "pop {{r4-r11, lr}}",
        "add sp, #16",
        "bx lr",
        "11:", // the last block has fewer than four outputs
        "adds r5, #4",
        "12:",
        "strb r6, [r4], #1",
        "lsrs r6, #8",
        "subs r5, #1",
        "bne 12b",
        "str r4, [sp, #40]",
        "b 10b",
    )
}
