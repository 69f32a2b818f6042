//! Widening and summing of pixels; copying of words.

/// Widens eight pixels: 9 instructions. Any alignment: LDR supports it, LDM does not.
macro_rules! eight_pixels {
    () => {
        concat!(
            "ldr r4, [r0], #4\n",
            "ldr r6, [r0], #4\n",
            "uxtb16 r5, r4, ror #8\n",
            "uxtb16 r4, r4\n",
            "uxtb16 r7, r6, ror #8\n",
            "uxtb16 r6, r6\n",
            "smlad r8, r4, r5, r8\n",
            "smlad r8, r6, r7, r8\n",
            "stmia r2!, {{r4-r7}}\n",
        )
    };
}

/// Widens sixteen pixels per turn; the first turn has eight if the number of groups is odd.
///
/// # Safety
/// `pixels..end` is a positive multiple of 8 readable bytes, `scratch` has half as many writable words.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn widen(pixels: *const u8, end: *const u8, scratch: *mut u32) -> i32 {
    dsp_asm!(
        "push {{r4-r8, lr}}",
        "mov r8, #0", // products
        "subs r3, r1, r0",
        "lsls r3, r3, #28",
        "bmi 3f",
        "2:",
        eight_pixels!(),
        "3:",
        eight_pixels!(),
        "cmp r0, r1",
        "bne 2b",
        "mov r0, r8",
        "pop {{r4-r8, pc}}",
    )
}

/// # Safety
/// `scratch..end` is a positive multiple of 4 readable words.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn sum(scratch: *const u32, end: *const u32) -> i32 {
    dsp_asm!(
        "push {{r4-r6, lr}}",
        "movs r2, #0",
        "movs r3, #0",
        "2:",
        "ldmia r0!, {{r4-r6, r12}}",
        // USADA8 against 0 adds up the four bytes of a word, two of which are 0.
        "usada8 r2, r4, r3, r2",
        "usada8 r2, r5, r3, r2",
        "usada8 r2, r6, r3, r2",
        "usada8 r2, r12, r3, r2",
        "cmp r0, r1",
        "bne 2b",
        "mov r0, r2",
        "pop {{r4-r6, pc}}",
    )
}

/// # Safety
/// `words..end` is a positive multiple of 4 writable words, `bytes` has as many readable bytes, at any address.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn copy(bytes: *const u8, words: *mut u32, end: *mut u32) {
    dsp_asm!(
        "push {{r4, r5}}",
        "2:",
        "ldr r3, [r0], #4",
        "ldr r4, [r0], #4",
        "ldr r5, [r0], #4",
        "ldr r12, [r0], #4",
        "stmia r1!, {{r3-r5, r12}}",
        "cmp r1, r2",
        "bne 2b",
        "pop {{r4, r5}}",
        "bx lr",
    )
}
