//! 8-bit and 7-bit weights for pixels: [`pinhole_shared::layout::Layout::DualMacPixels8`] and `DualMacPixels7`.

use core::arch::naked_asm;

use super::frame::{clear_sums, enter, finish, leave};

/// Two columns of two rows of 8-bit weights: the word in `$v`, its sums All and B. r2 alpha, r3 beta, r4 gamma, r7
/// scratch.
macro_rules! rows8 {
    ($v:literal, $all:literal, $b:literal) => {
        concat!(
            "rev16 r7, ",
            $v,
            "\n",
            "muls r7, r3, r7\n",
            "muls ",
            $v,
            ", r2, ",
            $v,
            "\n",
            "adds r7, r7, ",
            $v,
            "\n",
            "adds r7, r7, r4\n",
            "add ",
            $all,
            ", r7\n",
            "asrs r7, r7, #16\n",
            "add ",
            $b,
            ", r7\n",
        )
    };
}

/// Two columns of four rows of 8-bit weights: 18 instructions, 36 bytes.
macro_rules! columns8 {
    () => {
        concat!(
            "ldmia r1!, {{r2, r3, r4}}\n",
            "ldmia r0!, {{r5, r6}}\n",
            rows8!("r5", "r8", "r9"),
            rows8!("r6", "r10", "r11"),
        )
    };
}

/// Two columns of two rows of 7-bit weights.
macro_rules! rows7 {
    ($v:literal, $all:literal, $b:literal) => {
        concat!(
            "rev16 r7, ",
            $v,
            "\n",
            "muls r7, r3, r7\n",
            "muls ",
            $v,
            ", r2, ",
            $v,
            "\n",
            "adds r7, r7, ",
            $v,
            "\n",
            "add ",
            $all,
            ", r7\n",
            "lsrs r7, r7, #16\n",
            "add ",
            $b,
            ", r7\n",
        )
    };
}

/// Two columns of four rows of 7-bit weights: 16 instructions, 32 bytes.
macro_rules! columns7 {
    () => {
        concat!(
            "ldmia r1!, {{r2, r3}}\n",
            "ldmia r0!, {{r5, r6}}\n",
            rows7!("r5", "r8", "r9"),
            rows7!("r6", "r10", "r11"),
        )
    };
}

/// All blocks: the loop over the columns of a chunk, [`super::TURN_PAIRS`] times `$columns` of `$bytes` unrolled. Then
/// `$finish` adds the sums r8 to r11 to the four rows at r3.
macro_rules! blocks {
    ($columns:expr, $bytes:literal, $finish:expr) => {
        concat!(
            // [sp]: scratch, rows, entry, scratch end; after the 9 saved registers: rows end, column pairs that the first
            // turn skips, excess.
            "sub sp, #16\n",
            "str r1, [sp]\n",
            "str r3, [sp, #4]\n",
            "str r2, [sp, #12]\n",
            "ldr r2, [sp, #56]\n",
            "movs r4, #",
            $bytes,
            "\n",
            "muls r2, r4, r2\n",
            "adr r4, 3f\n",
            "adds r2, r2, r4\n",
            "adds r2, #1\n", // Thumb
            "str r2, [sp, #8]\n",
            "2:\n", // a block of four rows
            clear_sums!(),
            "ldr r1, [sp, #12]\n",
            "mov lr, r1\n", // scratch end
            "ldr r1, [sp]\n",
            "ldr r2, [sp, #8]\n",
            "bx r2\n",
            ".p2align 2\n",
            "3:\n",
            $columns,
            $columns,
            $columns,
            $columns,
            $columns,
            $columns,
            $columns,
            $columns,
            $columns,
            $columns,
            $columns,
            $columns,
            $columns,
            $columns,
            $columns,
            $columns,
            "cmp r1, lr\n",
            "beq 4f\n",
            "b 3b\n",
            "4:\n",
            "ldr r3, [sp, #4]\n",
            $finish,
            "str r3, [sp, #4]\n",
            "ldr r2, [sp, #52]\n",
            "cmp r3, r2\n",
            "beq 5f\n",
            "b 2b\n",
            "5:\n",
            "add sp, #16\n",
        )
    };
}

/// # Safety
/// `scratch..scratch_end` is a positive multiple of 12 readable words, `rows..rows_end` a positive multiple of 4 writable
/// ones. `weights` has as many readable words as [`pinhole_shared::kernel::DualMacLoops`] requires. All are aligned to 4
/// bytes. `left_out` is [`super::left_out`] of the column pairs.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn pixels8(
    weights: *const u32,
    scratch: *const u32,
    scratch_end: *const u32,
    rows: *mut i32,
    rows_end: *mut i32,
    left_out: usize,
) {
    naked_asm!(enter!(), blocks!(columns8!(), "36", concat!(finish!("r8", "r9"), finish!("r10", "r11"))), leave!(),)
}

/// # Safety
/// As for [`pixels8`], with scratch a positive multiple of 8 words.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn pixels7(
    weights: *const u32,
    scratch: *const u32,
    scratch_end: *const u32,
    rows: *mut i32,
    rows_end: *mut i32,
    left_out: usize,
    excess: i32,
) {
    naked_asm!(
        enter!(),
        blocks!(
            columns7!(),
            "32",
            concat!("ldr r2, [sp, #60]\n", finish!("r8", "r9", less r2), finish!("r10", "r11", less r2))
        ),
        leave!(),
    )
}

pub(super) use {columns8, rows8};
