//! Loops of [`pinhole_shared::kernel::Dsp`] for cores with the DSP extension: Cortex-M4, M7, M33.
//!
//! Instructions per 8 columns of 4 rows (32 multiply-accumulates), without what a block and a chunk cost: 23 in 8 bits,
//! 27 in 4; for 16-bit inputs 38 and 51. All but the loops' ends have 4 bytes, so that a loop that was unrolled can be entered
//! in its middle: the first turn takes what is left over.

use core::arch::naked_asm;

use pinhole_shared::fixed::{SIGMOID_TABLE, SIGMOID_TABLE_BITS};
use pinhole_shared::kernel::{DspLoops, Neurons};
use pinhole_shared::layout::{BLOCK_ROWS, Layout};

/// The DSP extension's loops.
#[derive(Clone, Copy, Debug, Default)]
pub struct CortexM4;

// Written out in the loops below; the host makes chunks of whole turns.
const _: () = assert!(Layout::DspPixels8.turn_groups() == 13 && Layout::DspPixels4.turn_groups() == 4);

/// Whether lanes come in whole groups and rows in whole blocks, and there are as many weights as they take with `block`
/// words each.
fn fits(rows: &[i32], lanes: &[u32], block: usize, weights: &[u32]) -> bool {
    let whole = !lanes.is_empty() && lanes.len().is_multiple_of(4) && rows.len().is_multiple_of(BLOCK_ROWS);
    whole && !rows.is_empty() && weights.len() == rows.len() / BLOCK_ROWS * block
}

impl DspLoops for CortexM4 {
    const NAME: &'static str = "cortex-m4-dsp";

    fn spread(pixels: &[u8], lanes: &mut [u32]) -> i32 {
        if pixels.is_empty() || !pixels.len().is_multiple_of(8) || lanes.len() * 2 < pixels.len() {
            return 0;
        }
        let pixels = pixels.as_ptr_range();
        // SAFETY: there are pixels, a multiple of 8, and half as many words of lanes: checked above.
        unsafe { spread(pixels.start, pixels.end, lanes.as_mut_ptr()) }
    }

    fn sum(pixels: &[u8]) -> i32 {
        let (eights, rest) = pixels.as_chunks::<8>();
        let rest: i32 = rest.iter().map(|&pixel| i32::from(pixel)).sum();
        if eights.is_empty() {
            return rest;
        }
        let eights = eights.as_ptr_range();
        // SAFETY: there are pixels, a multiple of 8.
        rest.wrapping_add(unsafe { sum(eights.start.cast(), eights.end.cast()) })
    }

    fn pixels8(weights: &[u32], lanes: &[u32], products: i32, accumulators: &mut [i32]) {
        if !fits(accumulators, lanes, lanes.len() * 2, weights) {
            return;
        }
        let (lanes, rows) = (lanes.as_ptr_range(), accumulators.as_mut_ptr_range());
        // SAFETY: lanes are a positive multiple of 4 words, accumulators of 4 rows, and there are as many weights as
        // they ask for: checked above.
        unsafe { pixels8(weights.as_ptr(), lanes.start, lanes.end, rows.start, rows.end, products) };
    }

    fn pixels4(weights: &[u32], lanes: &[u32], [products, excess]: [i32; 2], accumulators: &mut [i32]) {
        if !fits(accumulators, lanes, lanes.len(), weights) {
            return;
        }
        let (lanes, rows) = (lanes.as_ptr_range(), accumulators.as_mut_ptr_range());
        // SAFETY: as in `pixels8`.
        unsafe { pixels4(weights.as_ptr(), lanes.start, lanes.end, rows.start, rows.end, products, excess) };
    }

    fn wide8(weights: &[u32], lanes: &[u32], accumulators: &mut [i32]) {
        if !fits(accumulators, lanes, lanes.len() * 2, weights) {
            return;
        }
        let (lanes, rows) = (lanes.as_ptr_range(), accumulators.as_mut_ptr_range());
        // SAFETY: as in `pixels8`.
        unsafe { wide8(weights.as_ptr(), lanes.start, lanes.end, rows.start, rows.end) };
    }

    fn sigmoids(neurons: Neurons<'_>, activations: &mut [i16]) {
        let Neurons { accumulators, multipliers, pre_shift } = neurons;
        let count = accumulators.len().min(multipliers.len()).min(activations.len());
        if count > 0 {
            let frame = SigmoidFrame { end: activations.as_ptr().wrapping_add(count), table: SIGMOID_TABLE.as_ptr() };
            let (shift, out) = (u32::from(pre_shift), activations.as_mut_ptr());
            // SAFETY: there are `count`, at least 1, of each; the frame ends the activations there, and has the table.
            unsafe { sigmoids(accumulators.as_ptr(), multipliers.as_ptr(), shift, out, &raw const frame) };
        }
    }

    fn wide4(weights: &[u32], lanes: &[u32], accumulators: &mut [i32]) {
        if !fits(accumulators, lanes, lanes.len(), weights) {
            return;
        }
        let (lanes, rows) = (lanes.as_ptr_range(), accumulators.as_mut_ptr_range());
        // SAFETY: as in `pixels8`.
        unsafe { wide4(weights.as_ptr(), lanes.start, lanes.end, rows.start, rows.end) };
    }
}

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
unsafe extern "C" fn spread(pixels: *const u8, end: *const u8, lanes: *mut u32) -> i32 {
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
unsafe extern "C" fn sum(pixels: *const u8, end: *const u8) -> i32 {
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

/// One group of 8 columns in 8 bits: 23 instructions of 4 bytes.
///
/// r0 weights, r1 lanes; r2-r5 lanes, r6-r9 weights, then r10 T, r11 B of the first two rows, r12 T, lr B of the others.
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

/// # Safety
/// `lanes..lanes_end` are a positive multiple of 4 readable words; `rows..rows_end` a positive multiple of 4 writable
/// ones; `weights` as many readable words as [`DspLoops::pixels8`] says. All at multiples of 4.
#[unsafe(naked)]
unsafe extern "C" fn pixels8(
    weights: *const u32,
    lanes: *const u32,
    lanes_end: *const u32,
    rows: *mut i32,
    rows_end: *mut i32,
    products: i32,
) {
    naked_asm!(
        // [sp]: lanes, lanes end, rows, entry; after the 9 saved registers: rows end, products.
        "push {{r4-r11, lr}}",
        "sub sp, #16",
        "stmia sp, {{r1-r3}}",
        // Groups of 8 columns are 16 bytes of lanes; 13 a turn.
        "subs r2, r2, r1",
        "lsrs r2, r2, #4",
        "movs r4, #13",
        "udiv r5, r2, r4",
        "mls r5, r5, r4, r2", // left over
        "cmp r5, #0",
        "it ne",
        "rsbne r5, r5, #13", // groups to leave out in the first turn
        "movs r4, #92",
        "adr.w r6, 3f",
        "mla r5, r5, r4, r6",
        "orr r5, r5, #1", // Thumb
        "str r5, [sp, #12]",
        "2:", // a block of four rows
        "ldr r1, [sp]",
        "ldr r2, [sp, #12]",
        "mov r10, #0",
        "mov r11, #0",
        "mov r12, #0",
        "mov lr, #0",
        "bx r2",
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
        "ldr r2, [sp, #4]",
        "cmp r1, r2",
        "bne.w 3b",
        // Loads in a row take a cycle less each.
        "ldr r3, [sp, #8]",
        "ldr r2, [sp, #56]",
        "ldr r4, [sp, #52]",
        "ldmia r3, {{r6-r9}}",
        "sub r11, r11, r2", // S_b + c
        "sub lr, lr, r2",
        "sub r10, r10, r11", // 256 S_a - c
        "sub r12, r12, lr",
        "add r6, r6, r10, asr #8",
        "add r7, r7, r11",
        "add r8, r8, r12, asr #8",
        "add r9, r9, lr",
        "stmia r3!, {{r6-r9}}",
        "str r3, [sp, #8]",
        "cmp r3, r4",
        "bne.w 2b",
        "add sp, #16",
        "pop {{r4-r11, pc}}",
    )
}

/// Four columns: the words P and Q.
macro_rules! half_group4 {
    ($p:literal, $q:literal) => {
        concat!(
            "and.w r8, ",
            $p,
            ", #0x0F0F0F0F\n",
            "and.w r9, ",
            $q,
            ", #0x0F0F0F0F\n",
            "smlad r12, r8, r2, r12\n",
            "smlad r12, r9, r3, r12\n",
            "uxtab16 r8, r3, r8\n",
            "uxtab16 r9, r2, r9\n",
            "smlad lr, r8, r9, lr\n",
            "smlad r10, ",
            $p,
            ", r2, r10\n",
            "smlad r10, ",
            $q,
            ", r3, r10\n",
            "uxtab16 ",
            $p,
            ", r3, ",
            $p,
            "\n",
            "uxtab16 ",
            $q,
            ", r2, ",
            $q,
            "\n",
            "smlad r11, ",
            $p,
            ", ",
            $q,
            ", r11\n",
        )
    };
}

/// One group of 8 columns in 4 bits: 27 instructions of 4 bytes.
///
/// r0 weights, r1 lanes; r2, r3 lanes, r4-r7 weights, r8, r9 their lower halves; r10 T, r11 B of the bytes, r12 T, lr B
/// of the lower halves.
macro_rules! group4 {
    () => {
        concat!(
            "ldmia.w r1!, {{r2, r3}}\n",
            "ldmia.w r0!, {{r4-r7}}\n",
            half_group4!("r4", "r5"),
            "ldmia.w r1!, {{r2, r3}}\n",
            half_group4!("r6", "r7"),
        )
    };
}

/// # Safety
/// As [`pixels8`], with the weights of [`DspLoops::pixels4`].
#[unsafe(naked)]
unsafe extern "C" fn pixels4(
    weights: *const u32,
    lanes: *const u32,
    lanes_end: *const u32,
    rows: *mut i32,
    rows_end: *mut i32,
    products: i32,
    excess: i32,
) {
    naked_asm!(
        // [sp]: lanes, lanes end, rows, entry; after the 9 saved registers: rows end, products, excess.
        "push {{r4-r11, lr}}",
        "sub sp, #16",
        "stmia sp, {{r1-r3}}",
        // 4 groups a turn.
        "subs r2, r2, r1",
        "lsrs r2, r2, #4",
        "rsbs r2, r2, #0",
        "and r5, r2, #3", // groups to leave out in the first turn
        "movs r4, #108",
        "adr.w r6, 3f",
        "mla r5, r5, r4, r6",
        "orr r5, r5, #1", // Thumb
        "str r5, [sp, #12]",
        "2:", // a block of four rows
        "ldr r1, [sp]",
        "ldr r2, [sp, #12]",
        "mov r10, #0",
        "mov r11, #0",
        "mov r12, #0",
        "mov lr, #0",
        "bx r2",
        ".p2align 2",
        "3:",
        group4!(),
        group4!(),
        group4!(),
        group4!(),
        "ldr r2, [sp, #4]",
        "cmp r1, r2",
        "bne.w 3b",
        "ldr r3, [sp, #8]",
        "ldr r2, [sp, #56]",
        "ldr r1, [sp, #60]",
        "ldr r4, [sp, #52]",
        "ldmia r3, {{r6-r9}}",
        "sub r11, r11, r2", // l'
        "sub lr, lr, r2",   // f'
        "sub r10, r10, r11",
        "sub r12, r12, lr",
        "asr r12, r12, #8",          // e'
        "rsb r10, r12, r10, asr #8", // h' - e'
        "sub r11, r11, lr",          // l' - f'
        "add r6, r6, r10, asr #4",
        "add r7, r7, r12",
        "add r8, r8, r11, asr #4",
        "add r9, r9, lr",
        "sub r7, r7, r1",
        "sub r8, r8, r1",
        "sub r9, r9, r1",
        "stmia r3!, {{r6-r9}}",
        "str r3, [sp, #8]",
        "cmp r3, r4",
        "bne.w 2b",
        "add sp, #16",
        "pop {{r4-r11, pc}}",
    )
}

/// A word of four weights for each of four rows, r4-r7, times the lanes r2 and r3.
macro_rules! four_columns {
    () => {
        concat!(
            "sxtb16 r8, r4\n",
            "sxtb16 r4, r4, ror #8\n",
            "smlad r9, r8, r2, r9\n",
            "smlad r9, r4, r3, r9\n",
            "sxtb16 r8, r5\n",
            "sxtb16 r5, r5, ror #8\n",
            "smlad r10, r8, r2, r10\n",
            "smlad r10, r5, r3, r10\n",
            "sxtb16 r8, r6\n",
            "sxtb16 r6, r6, ror #8\n",
            "smlad r11, r8, r2, r11\n",
            "smlad r11, r6, r3, r11\n",
            "sxtb16 r8, r7\n",
            "sxtb16 r7, r7, ror #8\n",
            "smlad r12, r8, r2, r12\n",
            "smlad r12, r7, r3, r12\n",
        )
    };
}

/// # Safety
/// As [`pixels8`], with the weights of [`DspLoops::wide8`].
#[unsafe(naked)]
unsafe extern "C" fn wide8(
    weights: *const u32,
    lanes: *const u32,
    lanes_end: *const u32,
    rows: *mut i32,
    rows_end: *mut i32,
) {
    naked_asm!(
        // [sp]: lanes, rows; after the 9 saved registers: rows end.
        "push {{r4-r11, lr}}",
        "sub sp, #8",
        "str r1, [sp]",
        "mov lr, r2", // lanes end
        "2:",         // a block of four rows
        "ldr r1, [sp]",
        "str r3, [sp, #4]",
        "ldmia r3, {{r9-r12}}",
        "3:", // 8 columns
        "ldmia r1!, {{r2, r3}}",
        "ldmia r0!, {{r4-r7}}",
        four_columns!(),
        "ldmia r1!, {{r2, r3}}",
        "ldmia r0!, {{r4-r7}}",
        four_columns!(),
        "cmp r1, lr",
        "bne 3b",
        "ldr r3, [sp, #4]",
        "ldr r2, [sp, #44]",
        "stmia r3!, {{r9-r12}}",
        "cmp r3, r2",
        "bne 2b",
        "add sp, #8",
        "pop {{r4-r11, pc}}",
    )
}

/// Eight columns of a row in 4 bits, 16 times too large: the sum `$sum` of the word at r0 times the lanes r2 to r5. 12
/// instructions.
macro_rules! eight_columns {
    ($sum:literal) => {
        concat!(
            "ldr r6, [r0], #4\n",
            "and r7, r6, #0xF0F0F0F0\n",
            "lsl r6, r6, #4\n",
            "and r6, r6, #0xF0F0F0F0\n",
            "sxtb16 r8, r7\n",
            "sxtb16 r7, r7, ror #8\n",
            "smlad ",
            $sum,
            ", r8, r2, ",
            $sum,
            "\n",
            "smlad ",
            $sum,
            ", r7, r3, ",
            $sum,
            "\n",
            "sxtb16 r8, r6\n",
            "sxtb16 r6, r6, ror #8\n",
            "smlad ",
            $sum,
            ", r8, r4, ",
            $sum,
            "\n",
            "smlad ",
            $sum,
            ", r6, r5, ",
            $sum,
            "\n",
        )
    };
}

/// # Safety
/// As [`pixels8`], with the weights of [`DspLoops::wide4`].
#[unsafe(naked)]
unsafe extern "C" fn wide4(
    weights: *const u32,
    lanes: *const u32,
    lanes_end: *const u32,
    rows: *mut i32,
    rows_end: *mut i32,
) {
    naked_asm!(
        // [sp]: lanes, rows; after the 9 saved registers: rows end.
        "push {{r4-r11, lr}}",
        "sub sp, #8",
        "str r1, [sp]",
        "mov lr, r2", // lanes end
        "2:",         // a block of four rows
        "ldr r1, [sp]",
        "str r3, [sp, #4]",
        "mov r9, #0",
        "mov r10, #0",
        "mov r11, #0",
        "mov r12, #0",
        "3:", // 8 columns
        "ldmia r1!, {{r2-r5}}",
        eight_columns!("r9"),
        eight_columns!("r10"),
        eight_columns!("r11"),
        eight_columns!("r12"),
        "cmp r1, lr",
        "bne 3b",
        "ldr r3, [sp, #4]",
        "ldr r2, [sp, #44]",
        "ldmia r3, {{r4-r7}}",
        "add r4, r4, r9, asr #4",
        "add r5, r5, r10, asr #4",
        "add r6, r6, r11, asr #4",
        "add r7, r7, r12, asr #4",
        "stmia r3!, {{r4-r7}}",
        "cmp r3, r2",
        "bne 2b",
        "add sp, #8",
        "pop {{r4-r11, pc}}",
    )
}

/// What [`sigmoids`] needs besides its registers.
#[repr(C)]
struct SigmoidFrame {
    /// Past the last activation.
    end: *const i16,
    table: *const u16,
}

/// A neuron: `$x` is its accumulator and becomes its activation, `$m` its multiplier; both and `$h` are used. r2 shift,
/// r5 table, r12 half of a step. 17 instructions.
macro_rules! sigmoid {
    ($x:literal, $m:literal, $h:literal) => {
        concat!(
            "lsl ",
            $x,
            ", ",
            $x,
            ", r2\n",
            "smmulr ",
            $x,
            ", ",
            $x,
            ", ",
            $m,
            "\n",
            "cmp ",
            $x,
            ", #0\n", // the sign stays in the flags
            "it mi\n",
            "rsbmi ",
            $x,
            ", ",
            $x,
            ", #0\n",
            "usat ",
            $x,
            ", #20, ",
            $x,
            "\n",
            "lsr ",
            $m,
            ", ",
            $x,
            ", #11\n",
            "add ",
            $m,
            ", r5, ",
            $m,
            ", lsl #1\n",
            "ldrh ",
            $h,
            ", [",
            $m,
            ", #2]\n",
            "ldrh ",
            $m,
            ", [",
            $m,
            "]\n",
            "ubfx ",
            $x,
            ", ",
            $x,
            ", #0, #11\n",
            "sub ",
            $h,
            ", ",
            $h,
            ", ",
            $m,
            "\n",
            "mla ",
            $x,
            ", ",
            $x,
            ", ",
            $h,
            ", r12\n",
            "add ",
            $x,
            ", ",
            $m,
            ", ",
            $x,
            ", lsr #11\n",
            "it mi\n",
            "rsbmi ",
            $x,
            ", ",
            $x,
            ", #0x8000\n",
            "ssat ",
            $x,
            ", #16, ",
            $x,
            "\n",
        )
    };
}

// The saturating instruction and the shift are written out above.
const _: () = assert!(SIGMOID_TABLE_BITS == 20 && SIGMOID_TABLE.len() == (1 << (20 - 11)) + 1);

/// Two neurons a turn, and one at the end if they are odd.
///
/// # Safety
/// From `activations` to the frame's end is at least one writable activation, and there are as many readable
/// accumulators and multipliers; the table is [`SIGMOID_TABLE`].
#[unsafe(naked)]
unsafe extern "C" fn sigmoids(
    accumulators: *const i32,
    multipliers: *const i32,
    pre_shift: u32,
    activations: *mut i16,
    frame: *const SigmoidFrame,
) {
    naked_asm!(
        "ldr r12, [sp]",
        "push {{r4-r11, lr}}",
        "ldrd lr, r5, [r12]",
        "mov r12, #1024",
        // Where no two are left.
        "sub r4, lr, #2",
        "cmp r3, r4",
        "bhs 3f",
        "2:",
        "ldmia r0!, {{r6, r9}}",
        "ldmia r1!, {{r7, r10}}",
        sigmoid!("r6", "r7", "r8"),
        sigmoid!("r9", "r10", "r11"),
        "strh r9, [r3, #2]",
        "strh r6, [r3], #4",
        "cmp r3, r4",
        "blo 2b",
        "3:",
        "cmp r3, lr",
        "beq 4f",
        "ldr r6, [r0]",
        "ldr r7, [r1]",
        sigmoid!("r6", "r7", "r8"),
        "strh r6, [r3]",
        "4:",
        "pop {{r4-r11, pc}}",
    )
}
