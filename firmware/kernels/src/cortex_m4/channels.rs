//! Depthwise convolution: [`pinhole_shared::layout::Layout::DspChannels8`].

/// Adds a column of four channels, with values in r8, weights at r0, sums in r4-r7: 7 instructions.
macro_rules! column {
    () => {
        concat!(
            "ldrd r10, r11, [r0], #8\n",
            "uxtb16 r9, r8, ror #8\n", // channels 1, 3
            "uxtb16 r8, r8\n",         // 0, 2
            "smlabb r4, r8, r10, r4\n",
            "smlatt r6, r8, r10, r6\n",
            "smlabb r5, r9, r11, r5\n",
            "smlatt r7, r9, r11, r7\n",
        )
    };
}

pub(super) use column;

/// Processes three columns per turn, then the remaining ones one by one.
///
/// # Safety
/// `sums..sums_end` is a positive multiple of 4 writable words. `weights` has half as many readable ones for each of
/// `columns`, at least one. All are aligned to 4 bytes. As many bytes as there are sums are readable from `values` on,
/// and again `channels` bytes further for each further column.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn channels(
    weights: *const u32,
    values: *const u8,
    channels: usize,
    columns: usize,
    sums: *mut i32,
    sums_end: *mut i32,
) {
    dsp_asm!(
        // [sp]: columns, and two words that keep the stack aligned; after the 9 saved registers sums, sums end.
        "push {{r4-r11, lr}}",
        "sub sp, #12",
        "ldr lr, [sp, #48]",
        "str r3, [sp]",
        "2:", // four channels
        "ldmia.w lr, {{r4-r7}}",
        "ldr r3, [sp]",
        "mov r12, r1",
        "subs r3, #3",
        "blo 4f",
        "3:",
        "ldr r8, [r12]",
        column!(),
        "ldr r8, [r12, r2]",
        column!(),
        "ldr r8, [r12, r2, lsl #1]",
        "add r12, r12, r2",
        column!(),
        "add r12, r12, r2, lsl #1",
        "subs r3, #3",
        "bhs 3b",
        "4:",
        "adds r3, #3",
        "beq 6f",
        "5:",
        "ldr r8, [r12]",
        "add r12, r12, r2",
        column!(),
        "subs r3, #1",
        "bne 5b",
        "6:",
        "stmia.w lr!, {{r4-r7}}",
        "add r1, r1, #4",
        "ldr r8, [sp, #52]",
        "cmp lr, r8",
        "bne 2b",
        "add sp, #12",
        "pop {{r4-r11, pc}}",
    )
}
