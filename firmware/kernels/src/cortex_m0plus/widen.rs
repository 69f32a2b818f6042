//! Conversion of pixels to scratch words, and copying of them.

use core::arch::naked_asm;

/// Sets r7 to 1 + 2^16.
macro_rules! twice {
    () => {
        "movs r7, #1\nlsls r6, r7, #16\nadds r7, r7, r6\n"
    };
}

/// Replaces the values in r3 and r4 by their alpha and beta. r5 and r6 scratch, r7 `1 + 2^16`.
macro_rules! alpha_beta {
    () => {
        concat!(
            "lsls r5, r4, #8\n",
            "lsls r6, r3, #8\n",
            "subs r3, r3, r5\n",
            "subs r4, r4, r6\n",
            "muls r3, r7, r3\n",
            "muls r4, r7, r4\n",
        )
    };
}

/// Converts two pixels at `$offset` from r0 to words at r2: 14 instructions. r1 [`HALF_OF_ALL`], r7 `1 + 2^16`, r12
/// 2^15.
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
            alpha_beta!(),
            "adds r5, r3, r4\n",
            "muls r5, r1, r5\n",
            "add r5, r12\n",
            "stmia r2!, {{r3, r4, r5}}\n",
        )
    };
}

/// Factor for gamma: `alpha + beta` is `-255 (1 + 2^16) (x0 + x1)`; times this, modulo 2^32, it is
/// `-128 (1 + 2^16) (x0 + x1)`.
const HALF_OF_ALL: u32 = {
    // 255 * -(1 + 2^8 + 2^16 + 2^24) = 1 - 2^32.
    let inverse_of_255 = 0x0101_0101_u32.wrapping_neg();
    128_u32.wrapping_mul(inverse_of_255)
};

const _: () = assert!(HALF_OF_ALL.wrapping_mul(255) == 128);

/// Copies a byte per turn.
///
/// # Safety
/// `count` is at least 1; there are so many readable bytes `value_step` apart, and writable ones `place_step` apart.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn copy(
    values: *const u8,
    places: *mut u8,
    count: usize,
    value_step: usize,
    place_step: usize,
) {
    naked_asm!(
        "push {{r4, r5}}",
        "ldr r4, [sp, #8]",
        "2:",
        "ldrb r5, [r0]",
        "strb r5, [r1]",
        "adds r0, r0, r3",
        "adds r1, r1, r4",
        "subs r2, #1",
        "bne 2b",
        "pop {{r4, r5}}",
        "bx lr",
    )
}

/// As [`widen8`], with `skip` bytes of scratch after each run of pixels.
///
/// # Safety
/// `pixels..end` is a positive multiple of `run` readable bytes, itself a positive multiple of 8; `scratch` has three writable words
/// for each two, and those that are skipped between runs.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn widen8_runs(
    pixels: *const u8,
    end: *const u8,
    scratch: *mut u32,
    run: usize,
    skip: usize,
) {
    naked_asm!(
        "push {{r4-r7, lr}}",
        "mov r4, r8",
        "mov r5, r9",
        "mov r6, r10",
        "push {{r4-r6}}",
        "mov lr, r1",
        "mov r8, r3",
        "ldr r4, [sp, #32]",
        "mov r9, r4",
        twice!(),
        "movs r3, #1",
        "lsls r3, r3, #15",
        "mov r12, r3",
        "ldr r1, 4f",
        "2:", // a run
        "mov r3, r8",
        "adds r3, r3, r0",
        "mov r10, r3", // its end
        "3:",
        pair8!("0", "1"),
        pair8!("2", "3"),
        pair8!("4", "5"),
        pair8!("6", "7"),
        "adds r0, #8",
        "cmp r0, r10",
        "bne 3b",
        "add r2, r9",
        "cmp r0, lr",
        "bne 2b",
        "pop {{r4-r6}}",
        "mov r8, r4",
        "mov r9, r5",
        "mov r10, r6",
        "pop {{r4-r7, pc}}",
        ".p2align 2",
        "4: .word {half}",
        half = const HALF_OF_ALL,
    )
}

/// Converts eight pixels per turn.
///
/// # Safety
/// `pixels..end` is a positive multiple of 8 readable bytes, `scratch` has three writable words for each two.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn widen8(pixels: *const u8, end: *const u8, scratch: *mut u32) {
    naked_asm!(
        "push {{r4-r7, lr}}",
        "mov lr, r1",
        twice!(),
        "movs r3, #1",
        "lsls r3, r3, #15",
        "mov r12, r3",
        "ldr r1, 3f",
        "2:",
        pair8!("0", "1"),
        pair8!("2", "3"),
        pair8!("4", "5"),
        pair8!("6", "7"),
        "adds r0, #8",
        "cmp r0, lr",
        "bne 2b",
        "pop {{r4-r7, pc}}",
        ".p2align 2",
        "3:",
        ".word {half_of_all}",
        half_of_all = const HALF_OF_ALL,
    )
}

/// Converts two pixels at `$offset` from r0 to words at r2, and adds them to r12: 11 instructions.
macro_rules! pair7 {
    ($first:literal, $second:literal) => {
        concat!(
            "ldrb r3, [r0, #",
            $first,
            "]\n",
            "ldrb r4, [r0, #",
            $second,
            "]\n",
            "add r12, r3\n",
            "add r12, r4\n",
            alpha_beta!(),
            "stmia r2!, {{r3, r4}}\n",
        )
    };
}

/// Converts eight pixels per turn. Returns their sum.
///
/// # Safety
/// `pixels..end` is a positive multiple of 8 readable bytes, `scratch` has one writable word for each.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn widen7(pixels: *const u8, end: *const u8, scratch: *mut u32) -> i32 {
    naked_asm!(
        "push {{r4-r7, lr}}",
        "movs r3, #0",
        "mov r12, r3",
        twice!(),
        "2:",
        pair7!("0", "1"),
        pair7!("2", "3"),
        pair7!("4", "5"),
        pair7!("6", "7"),
        "adds r0, #8",
        "cmp r0, r1",
        "bne 2b",
        "mov r0, r12",
        "pop {{r4-r7, pc}}",
    )
}

/// Converts four pixels at `$offset` from r0 to words at r2, and adds them to r12: 28 instructions.
macro_rules! four4 {
    ($first:literal, $second:literal, $third:literal, $fourth:literal) => {
        concat!(
            "ldrb r3, [r0, #",
            $first,
            "]\n",
            "ldrb r4, [r0, #",
            $third,
            "]\n",
            "add r12, r3\n",
            "add r12, r4\n",
            alpha_beta!(),
            "stmia r2!, {{r3, r4}}\n",
            "ldrb r3, [r0, #",
            $second,
            "]\n",
            "ldrb r4, [r0, #",
            $fourth,
            "]\n",
            "add r12, r3\n",
            "add r12, r4\n",
            "ldrb r5, [r0, #",
            $first,
            "]\n",
            "ldrb r6, [r0, #",
            $third,
            "]\n",
            "lsls r5, r5, #4\n",
            "lsls r6, r6, #4\n",
            "subs r3, r3, r5\n",
            "subs r4, r4, r6\n",
            alpha_beta!(),
            "stmia r2!, {{r3, r4}}\n",
        )
    };
}

/// Converts eight pixels per turn. Returns their sum.
///
/// # Safety
/// As for [`widen7`].
#[unsafe(naked)]
pub(super) unsafe extern "C" fn widen4(pixels: *const u8, end: *const u8, scratch: *mut u32) -> i32 {
    naked_asm!(
        "push {{r4-r7, lr}}",
        "movs r3, #0",
        "mov r12, r3",
        twice!(),
        "2:",
        four4!("0", "1", "2", "3"),
        four4!("4", "5", "6", "7"),
        "adds r0, #8",
        "cmp r0, r1",
        "bne 2b",
        "mov r0, r12",
        "pop {{r4-r7, pc}}",
    )
}
