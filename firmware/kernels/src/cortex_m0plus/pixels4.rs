//! 4-bit weights for pixels: [`pinhole_shared::layout::Layout::PairsPixels4`].

use core::arch::naked_asm;

use super::frame::{clear_sums, enter, finish, leave, mask};

/// Three columns of two rows in 4 bits, or fewer, from the word `$v`, which stays: `$shift` and the lane's register.
macro_rules! column4 {
    ($v:literal, $shift:literal, $x:literal, $sum:literal) => {
        concat!(
            "lsrs r7, ",
            $v,
            ", #",
            $shift,
            "\n",
            "ands r7, r4\n",
            "muls r7, ",
            $x,
            ", r7\n",
            "add ",
            $sum,
            ", r7\n",
        )
    };
}

/// Four columns of four rows in 4 bits: words r5 and r6, sums r12 and lr.
macro_rules! columns4 {
    () => {
        concat!(
            "ldmia r0!, {{r5, r6}}\n",
            "ldmia r1!, {{r2, r3}}\n",
            column4!("r5", "4", "r2", "r12"),
            column4!("r5", "8", "r3", "r12"),
            column4!("r6", "4", "r2", "lr"),
            column4!("r6", "8", "r3", "lr"),
            "ldmia r1!, {{r2, r3}}\n",
            column4!("r5", "12", "r2", "r12"),
            "muls r5, r3, r5\n",
            "add r12, r5\n",
            column4!("r6", "12", "r2", "lr"),
            "muls r6, r3, r6\n",
            "add lr, r6\n",
        )
    };
}

/// The sums of eight columns to All and B.
macro_rules! flush4 {
    ($sum:literal, $all:literal, $b:literal) => {
        concat!("mov r7, ", $sum, "\n", "add ", $all, ", r7\n", "lsrs r7, r7, #16\n", "add ", $b, ", r7\n")
    };
}

/// # Safety
/// As [`super::pixels8::pixels7`], without `left_out`.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn pixels4(
    weights: *const u32,
    lanes: *const u32,
    lanes_end: *const u32,
    rows: *mut i32,
    rows_end: *mut i32,
    excess: i32,
) {
    naked_asm!(
        enter!(),
        // [sp]: lanes, rows, lanes end; after the 9 saved registers: rows end, excess.
        "sub sp, #16",
        "str r1, [sp]",
        "str r3, [sp, #4]",
        "str r2, [sp, #8]",
        mask!("0x0F"),
        "2:", // a block of four rows
        clear_sums!(),
        "ldr r1, [sp]",
        "3:", // 8 columns
        "movs r7, #0",
        "mov r12, r7",
        "mov lr, r7",
        columns4!(),
        columns4!(),
        flush4!("r12", "r8", "r9"),
        flush4!("lr", "r10", "r11"),
        "ldr r2, [sp, #8]",
        "cmp r1, r2",
        "bne 3b",
        "ldr r3, [sp, #4]",
        "ldr r2, [sp, #56]",
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
    )
}
