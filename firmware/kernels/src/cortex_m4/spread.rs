//! Pixels to lanes, and their sum.

use core::arch::naked_asm;

/// Eight pixels: 9 instructions. Any alignment: LDR takes it, LDM would not.
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

/// Sixteen pixels a turn, eight in the first if they are an odd number of eights.
///
/// # Safety
/// `pixels..end` are a positive multiple of 8 readable bytes, `lanes` half as many writable words.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn spread(pixels: *const u8, end: *const u8, lanes: *mut u32) -> i32 {
    naked_asm!(
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
/// `pixels..end` are a positive multiple of 8 readable bytes.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn sum(pixels: *const u8, end: *const u8) -> i32 {
    naked_asm!(
        "push {{r4, lr}}",
        "movs r2, #0",
        "movs r3, #0",
        "2:",
        "ldr r4, [r0], #4",
        "ldr r12, [r0], #4",
        // The distance of four bytes from 0, added up.
        "usada8 r2, r4, r3, r2",
        "usada8 r2, r12, r3, r2",
        "cmp r0, r1",
        "bne 2b",
        "mov r0, r2",
        "pop {{r4, pc}}",
    )
}
