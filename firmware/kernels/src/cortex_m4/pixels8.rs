//! 8-bit weights for pixels: [`pinhole_shared::layout::Layout::DspPixels8`].

/// One group of 8 columns of 8-bit weights: 23 instructions of 4 bytes.
///
/// r0 weights, r1 scratch; r2-r5 lanes, r6-r9 weights, then r10 T, r11 B of the first two rows, r12 T, lr B of the others.
macro_rules! group8 {
    () => {
        concat!(
            "ldmia.w r1!, {{r2-r5}}\n",
            "ldmia.w r0!, {{r6-r9}}\n",
            "smlad r10, r6, r2, r10\n",
            "smlad r10, r7, r3, r10\n",
            "sxtab16 r6, r3, r6\n",
            "sxtab16 r7, r2, r7\n",
            "smlad r11, r6, r7, r11\n",
            "smlad r12, r8, r2, r12\n",
            "smlad r12, r9, r3, r12\n",
            "sxtab16 r8, r3, r8\n",
            "sxtab16 r9, r2, r9\n",
            "smlad lr, r8, r9, lr\n",
            "ldmia.w r0!, {{r6-r9}}\n",
            "smlad r10, r6, r4, r10\n",
            "smlad r10, r7, r5, r10\n",
            "sxtab16 r6, r5, r6\n",
            "sxtab16 r7, r4, r7\n",
            "smlad r11, r6, r7, r11\n",
            "smlad r12, r8, r4, r12\n",
            "smlad r12, r9, r5, r12\n",
            "sxtab16 r8, r5, r8\n",
            "sxtab16 r9, r4, r9\n",
            "smlad lr, r8, r9, lr\n",
        )
    };
}

pub(super) use group8;

/// # Safety
/// `scratch..scratch_end` is a positive multiple of 4 readable words, `rows..rows_end` a positive multiple of 4 writable
/// ones. `weights` has as many readable words as [`pinhole_shared::kernel::DspLoops::pixels8`] requires. All are
/// aligned to 4 bytes.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn pixels8(
    weights: *const u32,
    scratch: *const u32,
    scratch_end: *const u32,
    rows: *mut i32,
    rows_end: *mut i32,
    products: i32,
    excess: i32,
) {
    dsp_asm!(
        // [sp]: scratch, entry, -products, scratch end, rows; after the 9 saved registers: rows end, products.
        "push {{r4-r11, lr}}",
        "sub sp, #20",
        "ldr r6, [sp, #60]",
        "str r1, [sp]",
        "strd r2, r3, [sp, #12]",
        // Groups of 8 columns are 16 bytes of scratch; 13 groups per turn.
        "subs r2, r2, r1",
        "lsrs r2, r2, #4",
        "movs r4, #13",
        "add r5, r2, #12",
        "udiv r5, r5, r4",    // turns
        "mls r5, r5, r4, r2", // less the groups to leave out in the first
        "movs r4, #92",
        "rsb r6, r6, #0",
        "adr.w r3, 3f",
        "mls r5, r5, r4, r3",
        "strd r5, r6, [sp, #4]",
        "2:", // a block of four rows
        "ldmia.w sp, {{r1, r2, r11}}",
        "mov lr, r11",
        "mov r10, #0",
        "mov r12, #0",
        "mov pc, r2",
        ".p2align 2",
        "3:",
        group8!(),
        group8!(),
        group8!(),
        group8!(),
        group8!(),
        group8!(),
        group8!(),
        group8!(),
        group8!(),
        group8!(),
        group8!(),
        group8!(),
        group8!(),
        "ldr r2, [sp, #12]",
        "cmp r1, r2",
        "bne.w 3b",
        // Consecutive loads take one cycle less each.
        "ldr r3, [sp, #16]",
        "ldr r4, [sp, #56]",
        "ldmia r3, {{r6-r9}}",
        "sub r10, r10, r11", // 256 S_a - c; r11 and lr are S_b + c
        "sub r12, r12, lr",
        "add r6, r6, r10, asr #8",
        "add r7, r7, r11",
        "add r8, r8, r12, asr #8",
        "add r9, r9, lr",
        "stmia r3!, {{r6-r9}}",
        "str r3, [sp, #16]",
        "cmp r3, r4",
        "bne.w 2b",
        "add sp, #20",
        "pop {{r4-r11, pc}}",
    )
}
