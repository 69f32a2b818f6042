//! Pixels to lanes.

use core::arch::naked_asm;

/// Two pixels at `$offset` from r0, 10 instructions: their words to r2. r1 end, r7 `-128 (1 + 2^16)`, r12 2^15.
macro_rules! pair8 {
    ($first:literal, $second:literal) => {
        concat!(
            "ldrb r3, [r0, #",
            $first,
            "]\n",
            "ldrb r4, [r0, #",
            $second,
            "]\n",
            "subs r3, #128\n",
            "subs r4, #128\n",
            "adds r5, r3, r4\n",
            "muls r5, r7, r5\n",
            "add r5, r12\n",
            "lsls r6, r3, #8\n",
            "subs r4, r4, r6\n",
            "stmia r2!, {{r3, r4, r5}}\n",
        )
    };
}

/// Eight pixels a turn.
///
/// # Safety
/// `pixels..end` are a positive multiple of 8 readable bytes, `lanes` three writable words for each two.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn spread8(pixels: *const u8, end: *const u8, lanes: *mut u32) {
    naked_asm!(
        "push {{r4-r7, lr}}",
        "movs r7, #128",
        "lsls r3, r7, #8",
        "mov r12, r3", // 2^15
        "lsls r3, r7, #16",
        "adds r7, r7, r3",
        "rsbs r7, r7, #0",
        "2:",
        pair8!("0", "1"),
        pair8!("2", "3"),
        pair8!("4", "5"),
        pair8!("6", "7"),
        "adds r0, #8",
        "cmp r0, r1",
        "bne 2b",
        "pop {{r4-r7, pc}}",
    )
}

/// Two pixels at `$offset` from r0, 7 instructions: their words to r2, their sum to r7.
macro_rules! pair7 {
    ($first:literal, $second:literal) => {
        concat!(
            "ldrb r3, [r0, #",
            $first,
            "]\n",
            "ldrb r4, [r0, #",
            $second,
            "]\n",
            "adds r7, r7, r3\n",
            "adds r7, r7, r4\n",
            "lsls r6, r3, #8\n",
            "subs r4, r4, r6\n",
            "stmia r2!, {{r3, r4}}\n",
        )
    };
}

/// Eight pixels a turn. Returns their sum.
///
/// # Safety
/// `pixels..end` are a positive multiple of 8 readable bytes, `lanes` a writable word for each.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn spread7(pixels: *const u8, end: *const u8, lanes: *mut u32) -> i32 {
    naked_asm!(
        "push {{r4, r6, r7, lr}}",
        "movs r7, #0",
        "2:",
        pair7!("0", "1"),
        pair7!("2", "3"),
        pair7!("4", "5"),
        pair7!("6", "7"),
        "adds r0, #8",
        "cmp r0, r1",
        "bne 2b",
        "mov r0, r7",
        "pop {{r4, r6, r7, pc}}",
    )
}
