//! Convolutions of bands: [`pinhole_shared::layout::Layout::DualMacBand8`].

use core::arch::naked_asm;

use super::frame::{clear_sums, enter, leave};
use super::pixels8::{columns8, rows8};
use super::requantize::upper_half;

/// Column pairs per turn of the loop: a window of three columns has whole turns.
pub(super) const TURN_PAIRS: usize = 6;

/// Arguments of [`positions`] (see [`pinhole_shared::kernel::Positions`]), and its variables. Offsets are in its comments.
#[repr(C)]
pub(super) struct PositionsFrame {
    /// 0.
    pub(super) weights: *const u32,
    /// 4.
    pub(super) biases: *const i32,
    /// 8.
    pub(super) multipliers: *const i32,
    /// 12: lanes of the first window; the function advances them, and `output`.
    pub(super) lanes: *const u32,
    /// 16.
    pub(super) output: *mut u8,
    /// 20.
    pub(super) output_end: *mut u8,
    /// 24: bytes of lanes from an output's first window to the next output's.
    pub(super) step: usize,
    /// 28.
    pub(super) outputs: usize,
    /// 32: bytes under a window.
    pub(super) window_bytes: usize,
    /// 36: bytes of a block of weights.
    pub(super) block_bytes: usize,
    /// 40.
    pub(super) pre_shift: u32,
    /// 44: zero point of the output.
    pub(super) zero_point: i32,
    /// 48: smallest output.
    pub(super) low: i32,
    /// 52: largest output.
    pub(super) high: i32,
    /// 56: bytes of the used part of `taps`.
    pub(super) taps_bytes: usize,
    /// 60: bytes of lanes from the first window to that of each pooled position.
    pub(super) taps: [usize; 4],
    /// 76: [`super::left_out`] of the pairs under a window; the function replaces it with an address.
    pub(super) left_out: usize,
    /// 80: the largest sums of a block.
    pub(super) largest: [i32; 4],
    /// 96: biases and multipliers of the block.
    pub(super) block: [*const i32; 2],
    /// 104: outputs left of the position.
    pub(super) left: usize,
    /// 108: which of `taps`, bytes.
    pub(super) tap: usize,
    /// 112: weights of the next block.
    pub(super) next: *const u32,
}

/// Leaves the larger of `$sum` and the number at r4 plus `$at` there. r7 scratch.
macro_rules! larger {
    ($sum:literal, $at:literal) => {
        concat!("ldr r7, [r4, #", $at, "]\ncmp ", $sum, ", r7\nble 20f\nstr ", $sum, ", [r4, #", $at, "]\n20:\n")
    };
}

/// Computes position after position. For each block of four rows: the sums at each pooled position, as in
/// [`super::pixels8`]; the largest of them; requantization.
///
/// # Safety
/// All is as [`pinhole_shared::kernel::Positions::fit`] requires it, and the frame is of it.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn positions(frame: *mut PositionsFrame) {
    naked_asm!(
        enter!(),
        "mov r12, r0",
        "ldr r2, [r0, #76]",
        "movs r4, #36",
        "muls r2, r4, r2",
        "adr r4, 5f",
        "adds r2, r2, r4",
        "adds r2, #1", // Thumb
        "str r2, [r0, #76]",
        "2:", // an output position
        "mov r4, r12",
        "ldr r0, [r4]",
        "ldr r1, [r4, #4]",
        "ldr r2, [r4, #8]",
        "ldr r3, [r4, #28]",
        "str r1, [r4, #96]",
        "str r2, [r4, #100]",
        "str r3, [r4, #104]",
        "3:", // a block of four rows, from r0 on
        "movs r5, #0",
        "str r5, [r4, #108]",
        "4:", // a pooled position, number r5 / 4
        "adds r5, r5, r4",
        "ldr r5, [r5, #60]",
        "ldr r1, [r4, #12]",
        "adds r1, r1, r5",
        "ldr r2, [r4, #32]",
        "adds r2, r2, r1",
        "mov lr, r2", // the window's end
        clear_sums!(),
        "ldr r2, [r4, #76]",
        "bx r2",
        ".p2align 2",
        "5:",
        columns8!(),
        columns8!(),
        columns8!(),
        columns8!(),
        columns8!(),
        columns8!(),
        "cmp r1, lr",
        "bne 5b",
        // r1, r2, r3, r5: the sums of the four rows.
        "mov r4, r12",
        "mov r1, r8",
        "mov r2, r9",
        "lsls r6, r2, #16",
        "subs r1, r1, r6",
        "mov r3, r10",
        "mov r5, r11",
        "lsls r6, r5, #16",
        "subs r3, r3, r6",
        "ldr r6, [r4, #108]",
        "cmp r6, #0",
        "bne 6f",
        "mov r7, r4", // the first of the pooled positions
        "adds r7, #80",
        "stmia r7!, {{r1, r2, r3, r5}}",
        "b 14f",
        "6:",
        larger!("r1", "80"),
        larger!("r2", "84"),
        larger!("r3", "88"),
        larger!("r5", "92"),
        "14:",
        "adds r6, #4",
        "ldr r7, [r4, #56]",
        "cmp r6, r7",
        "beq 7f",
        "str r6, [r4, #108]",
        "mov r5, r6",
        "ldr r7, [r4, #36]",
        "subs r0, r0, r7",
        "b 4b",
        "7:", // all pooled positions are done: requantization of min(outputs left, 4) rows
        "str r0, [r4, #112]",
        "ldr r0, [r4, #40]",
        "mov r8, r0", // pre-shift
        "ldr r0, [r4, #16]",
        "mov r9, r0", // output
        "ldr r0, [r4, #44]",
        "mov r10, r0", // zero point
        "ldr r0, [r4, #48]",
        "mov r11, r0", // smallest output
        "ldr r5, [r4, #96]",
        "ldr r6, [r4, #100]",
        "mov r7, r4",
        "adds r7, #80",
        "ldr r0, [r4, #104]",
        "movs r1, #4",
        "cmp r0, r1",
        "bhs 8f",
        "mov r1, r0",
        "8:",
        "subs r0, r0, r1",
        "str r0, [r4, #104]",
        "lsls r1, r1, #2",
        "adds r1, r1, r7",
        "mov lr, r1", // end of the sums
        "9:",         // a row
        "ldmia r7!, {{r0}}",
        "ldmia r5!, {{r1}}",
        "adds r0, r0, r1",
        "mov r4, r8",
        "lsls r0, r4",
        "ldmia r6!, {{r1}}",
        upper_half!("r0", "r1", "r2", "r3", "r4"),
        "add r1, r10",
        "cmp r1, r11",
        "bge 10f",
        "mov r1, r11",
        "10:",
        "mov r4, r12",
        "ldr r4, [r4, #52]",
        "cmp r1, r4",
        "ble 11f",
        "mov r1, r4",
        "11:",
        "mov r4, r9",
        "strb r1, [r4]",
        "adds r4, #1",
        "mov r9, r4",
        "cmp r7, lr",
        "bne 9b",
        "mov r4, r12",
        "mov r1, r9",
        "str r1, [r4, #16]",
        "str r5, [r4, #96]",
        "str r6, [r4, #100]",
        "ldr r0, [r4, #112]",
        "ldr r2, [r4, #104]",
        "cmp r2, #0",
        "beq 12f",
        "b 3b",
        "12:",
        "ldr r2, [r4, #12]",
        "ldr r3, [r4, #24]",
        "adds r2, r2, r3",
        "str r2, [r4, #12]",
        "ldr r2, [r4, #20]",
        "cmp r1, r2",
        "beq 13f",
        "b 2b",
        "13:",
        leave!(),
    )
}
