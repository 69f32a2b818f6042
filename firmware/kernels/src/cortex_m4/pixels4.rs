//! 4-bit weights for pixels: [`pinhole_shared::layout::Layout::DspPixels4`].

/// Four columns: the words P and Q.
macro_rules! half_group4 {
    ($p:literal, $q:literal) => {
        concat!(
            "and.w r8, ",
            $p,
            ", #0x0F0F0F0F\n",
            "and.w r9, ",
            $q,
            ", #0x0F0F0F0F\n",
            "smlad r12, r8, r2, r12\n",
            "smlad r12, r9, r3, r12\n",
            "uxtab16 r8, r3, r8\n",
            "uxtab16 r9, r2, r9\n",
            "smlad lr, r8, r9, lr\n",
            "smlad r10, ",
            $p,
            ", r2, r10\n",
            "smlad r10, ",
            $q,
            ", r3, r10\n",
            "uxtab16 ",
            $p,
            ", r3, ",
            $p,
            "\n",
            "uxtab16 ",
            $q,
            ", r2, ",
            $q,
            "\n",
            "smlad r11, ",
            $p,
            ", ",
            $q,
            ", r11\n",
        )
    };
}

/// One group of 8 columns of 4-bit weights: 27 instructions of 4 bytes.
///
/// r0 weights, r1 scratch; r2, r3 lanes, r4-r7 weights, r8, r9 their lower halves; r10 T, r11 B of the bytes, r12 T, lr B
/// of the lower halves.
macro_rules! group4 {
    () => {
        concat!(
            "ldmia.w r1!, {{r2, r3}}\n",
            "ldmia.w r0!, {{r4-r7}}\n",
            half_group4!("r4", "r5"),
            "ldmia.w r1!, {{r2, r3}}\n",
            half_group4!("r6", "r7"),
        )
    };
}

/// # Safety
/// As for [`super::pixels8::pixels8`], with the weights of [`pinhole_shared::kernel::DspLoops::pixels4`].
#[unsafe(naked)]
pub(super) unsafe extern "C" fn pixels4(
    weights: *const u32,
    scratch: *const u32,
    scratch_end: *const u32,
    rows: *mut i32,
    rows_end: *mut i32,
    products: i32,
    excess: i32,
) {
    dsp_asm!(
        // [sp]: scratch, scratch end, rows, entry; after the 9 saved registers: rows end, products, excess.
        "push {{r4-r11, lr}}",
        "sub sp, #16",
        "stmia sp, {{r1-r3}}",
        // 4 groups per turn.
        "subs r2, r2, r1",
        "lsrs r2, r2, #4",
        "rsbs r2, r2, #0",
        "and r5, r2, #3", // groups to leave out in the first turn
        "movs r4, #108",
        "adr.w r6, 3f",
        "mla r5, r5, r4, r6",
        "orr r5, r5, #1", // Thumb
        "str r5, [sp, #12]",
        "2:", // a block of four rows
        "ldr r1, [sp]",
        "ldr r2, [sp, #12]",
        "mov r10, #0",
        "mov r11, #0",
        "mov r12, #0",
        "mov lr, #0",
        "bx r2",
        ".p2align 2",
        "3:",
        group4!(),
        group4!(),
        group4!(),
        group4!(),
        "ldr r2, [sp, #4]",
        "cmp r1, r2",
        "bne.w 3b",
        "ldr r3, [sp, #8]",
        "ldr r2, [sp, #56]",
        "ldr r1, [sp, #60]",
        "ldr r4, [sp, #52]",
        "ldmia r3, {{r6-r9}}",
        "sub r11, r11, r2", // l'
        "sub lr, lr, r2",   // f'
        "sub r10, r10, r11",
        "sub r12, r12, lr",
        "asr r12, r12, #8",          // e'
        "rsb r10, r12, r10, asr #8", // h' - e'
        "sub r11, r11, lr",          // l' - f'
        "add r6, r6, r10, asr #4",
        "add r7, r7, r12",
        "add r8, r8, r11, asr #4",
        "add r9, r9, lr",
        "sub r7, r7, r1",
        "sub r8, r8, r1",
        "sub r9, r9, r1",
        "stmia r3!, {{r6-r9}}",
        "str r3, [sp, #8]",
        "cmp r3, r4",
        "bne.w 2b",
        "add sp, #16",
        "pop {{r4-r11, pc}}",
    )
}
