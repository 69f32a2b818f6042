//! Weights for 16-bit inputs: [`pinhole_shared::layout::Layout::DspWide8`] and `DspWide4`.

/// Multiplies a word of four weights of each of four rows, r4-r7, by the lanes r2 and r3.
macro_rules! four_columns {
    () => {
        concat!(
            "sxtb16 r8, r4\n",
            "sxtb16 r4, r4, ror #8\n",
            "smlad r9, r8, r2, r9\n",
            "smlad r9, r4, r3, r9\n",
            "sxtb16 r8, r5\n",
            "sxtb16 r5, r5, ror #8\n",
            "smlad r10, r8, r2, r10\n",
            "smlad r10, r5, r3, r10\n",
            "sxtb16 r8, r6\n",
            "sxtb16 r6, r6, ror #8\n",
            "smlad r11, r8, r2, r11\n",
            "smlad r11, r6, r3, r11\n",
            "sxtb16 r8, r7\n",
            "sxtb16 r7, r7, ror #8\n",
            "smlad r12, r8, r2, r12\n",
            "smlad r12, r7, r3, r12\n",
        )
    };
}

/// # Safety
/// As for [`super::pixels8::pixels8`], with the weights of [`pinhole_shared::kernel::DspLoops::wide8`].
#[unsafe(naked)]
pub(super) unsafe extern "C" fn wide8(
    weights: *const u32,
    scratch: *const u32,
    scratch_end: *const u32,
    rows: *mut i32,
    rows_end: *mut i32,
    products: i32,
    excess: i32,
) {
    dsp_asm!(
        // [sp]: scratch, rows; after the 9 saved registers: rows end.
        "push {{r4-r11, lr}}",
        "sub sp, #8",
        "str r1, [sp]",
        "mov lr, r2", // scratch end
        "2:",         // a block of four rows
        "ldr r1, [sp]",
        "str r3, [sp, #4]",
        "ldmia r3, {{r9-r12}}",
        "3:", // 8 columns
        "ldmia r1!, {{r2, r3}}",
        "ldmia r0!, {{r4-r7}}",
        four_columns!(),
        "ldmia r1!, {{r2, r3}}",
        "ldmia r0!, {{r4-r7}}",
        four_columns!(),
        "cmp r1, lr",
        "bne 3b",
        "ldr r3, [sp, #4]",
        "ldr r2, [sp, #44]",
        "stmia r3!, {{r9-r12}}",
        "cmp r3, r2",
        "bne 2b",
        "add sp, #8",
        "pop {{r4-r11, pc}}",
    )
}

/// Adds eight columns of a row of 4-bit weights, 16 times too large, to `$sum`: the word at r0 times the lanes r2 to
/// r5. 12 instructions.
macro_rules! eight_columns {
    ($sum:literal) => {
        concat!(
            "ldr r6, [r0], #4\n",
            "and r7, r6, #0xF0F0F0F0\n",
            "lsl r6, r6, #4\n",
            "and r6, r6, #0xF0F0F0F0\n",
            "sxtb16 r8, r7\n",
            "sxtb16 r7, r7, ror #8\n",
            "smlad ",
            $sum,
            ", r8, r2, ",
            $sum,
            "\n",
            "smlad ",
            $sum,
            ", r7, r3, ",
            $sum,
            "\n",
            "sxtb16 r8, r6\n",
            "sxtb16 r6, r6, ror #8\n",
            "smlad ",
            $sum,
            ", r8, r4, ",
            $sum,
            "\n",
            "smlad ",
            $sum,
            ", r6, r5, ",
            $sum,
            "\n",
        )
    };
}

/// # Safety
/// As for [`super::pixels8::pixels8`], with the weights of [`pinhole_shared::kernel::DspLoops::wide4`].
#[unsafe(naked)]
pub(super) unsafe extern "C" fn wide4(
    weights: *const u32,
    scratch: *const u32,
    scratch_end: *const u32,
    rows: *mut i32,
    rows_end: *mut i32,
    products: i32,
    excess: i32,
) {
    dsp_asm!(
        // [sp]: scratch, rows; after the 9 saved registers: rows end.
        "push {{r4-r11, lr}}",
        "sub sp, #8",
        "str r1, [sp]",
        "mov lr, r2", // scratch end
        "2:",         // a block of four rows
        "ldr r1, [sp]",
        "str r3, [sp, #4]",
        "mov r9, #0",
        "mov r10, #0",
        "mov r11, #0",
        "mov r12, #0",
        "3:", // 8 columns
        "ldmia r1!, {{r2-r5}}",
        eight_columns!("r9"),
        eight_columns!("r10"),
        eight_columns!("r11"),
        eight_columns!("r12"),
        "cmp r1, lr",
        "bne 3b",
        "ldr r3, [sp, #4]",
        "ldr r2, [sp, #44]",
        "ldmia r3, {{r4-r7}}",
        "add r4, r4, r9, asr #4",
        "add r5, r5, r10, asr #4",
        "add r6, r6, r11, asr #4",
        "add r7, r7, r12, asr #4",
        "stmia r3!, {{r4-r7}}",
        "cmp r3, r2",
        "bne 2b",
        "add sp, #8",
        "pop {{r4-r11, pc}}",
    )
}
