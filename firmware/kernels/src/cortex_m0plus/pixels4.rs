//! 4-bit weights for pixels: [`pinhole_shared::layout::Layout::DualMacPixels4`].

use core::arch::naked_asm;

use super::frame::{clear_sums, enter, finish, leave};

/// First half of four columns of two rows: adds the word in `$v`, which is overwritten, to `$sum`; puts its odd columns
/// into `$odd`. r2 alpha, r3 beta, r4 mask.
macro_rules! all_columns {
    ($v:literal, $odd:literal, $sum:literal) => {
        concat!(
            "rev16 ", $odd, ", ", $v, "\n", "muls ", $odd, ", r3, ", $odd, "\n", "add ", $sum, ", ", $odd, "\n",
            "lsrs ", $odd, ", ", $v, ", #4\n", "ands ", $odd, ", r4\n", "muls ", $v, ", r2, ", $v, "\n", "add ", $sum,
            ", ", $v, "\n",
        )
    };
}

/// Second half: adds the correction of the odd columns in `$odd`, which is overwritten. r2 alpha, r3 beta, r6 scratch.
macro_rules! odd_columns {
    ($odd:literal, $sum:literal) => {
        concat!(
            "rev16 r6, ",
            $odd,
            "\n",
            "muls r6, r3, r6\n",
            "add ",
            $sum,
            ", r6\n",
            "muls ",
            $odd,
            ", r2, ",
            $odd,
            "\n",
            "add ",
            $sum,
            ", ",
            $odd,
            "\n",
        )
    };
}

/// Four columns of four rows of 4-bit weights, sums r12 and lr: 27 instructions, 54 bytes.
macro_rules! columns4 {
    () => {
        concat!(
            "ldmia r0!, {{r5, r6}}\n",
            "ldmia r1!, {{r2, r3}}\n",
            all_columns!("r5", "r7", "r12"),
            all_columns!("r6", "r5", "lr"),
            "ldmia r1!, {{r2, r3}}\n",
            odd_columns!("r7", "r12"),
            odd_columns!("r5", "lr"),
        )
    };
}

/// Adds the sums of a turn to All and B.
macro_rules! flush4 {
    ($sum:literal, $all:literal, $b:literal) => {
        concat!("mov r7, ", $sum, "\n", "add ", $all, ", r7\n", "lsrs r7, r7, #16\n", "add ", $b, ", r7\n")
    };
}

/// # Safety
/// As for [`super::pixels8::pixels7`], except that `left_out` is 0 or [`super::TURN_FOURS`] / 2: the groups of four
/// columns that the first turn skips.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn pixels4(
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
        // [sp]: scratch, rows, scratch end, entry; after the 9 saved registers: rows end, left out, excess.
        "sub sp, #16",
        "str r1, [sp]",
        "str r3, [sp, #4]",
        "str r2, [sp, #8]",
        "ldr r2, [sp, #56]",
        "movs r4, #54",
        "muls r2, r4, r2",
        "adr r4, 3f",
        "adds r2, r2, r4",
        "adds r2, #1", // Thumb
        "str r2, [sp, #12]",
        "ldr r4, 6f",
        "2:", // a block of four rows
        clear_sums!(),
        "mov r12, r7",
        "mov lr, r7",
        "ldr r1, [sp]",
        "ldr r2, [sp, #12]",
        "bx r2",
        ".p2align 2",
        "3:", // 16 columns
        columns4!(),
        columns4!(),
        columns4!(),
        columns4!(),
        flush4!("r12", "r8", "r9"),
        flush4!("lr", "r10", "r11"),
        "movs r7, #0",
        "mov r12, r7",
        "mov lr, r7",
        "ldr r2, [sp, #8]",
        "cmp r1, r2",
        "bne 3b",
        "ldr r3, [sp, #4]",
        "ldr r2, [sp, #60]",
        finish!("r8", "r9", less r2),
        finish!("r10", "r11", less r2),
        "str r3, [sp, #4]",
        "ldr r2, [sp, #52]",
        "cmp r3, r2",
        "beq 5f",
        "b 2b",
        "5:",
        "add sp, #16",
        leave!(),
        ".p2align 2",
        "6:",
        ".word 0x0F0F0F0F",
    )
}
