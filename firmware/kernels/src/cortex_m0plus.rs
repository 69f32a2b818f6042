//! Loops of [`pinhole_shared::kernel::Pairs`] for cores that have Armv6-M alone: Cortex-M0+, M0, M23's common part.
//!
//! Instructions per 4 rows, without what a block and a chunk cost: 21 for 2 columns in 8 bits, 18 in 7, 76 for 8 columns
//! in 4. With the single-cycle multiplier, loads are what makes cycles of them. Instructions of the loops have 2 bytes
//! each, so that one that was unrolled can be entered in its middle: the first turn takes what is left over.
//!
//! Eight low registers are all that most instructions take; sums live in the high ones, to which ADD can add.

use core::arch::naked_asm;

use pinhole_shared::fixed::{SIGMOID_TABLE, SIGMOID_TABLE_BITS};
use pinhole_shared::kernel::{Neurons, PairsLoops};
use pinhole_shared::layout::{BLOCK_ROWS, GROUP_COLUMNS, Layout};

/// Armv6-M's loops.
#[derive(Clone, Copy, Debug, Default)]
pub struct CortexM0Plus;

impl PairsLoops for CortexM0Plus {
    const NAME: &'static str = "cortex-m0plus-pairs";

    fn spread8(pixels: &[u8], lanes: &mut [u32]) {
        if !pixels.is_empty() && pixels.len().is_multiple_of(8) && lanes.len() >= pixels.len() / 2 * 3 {
            let pixels = pixels.as_ptr_range();
            // SAFETY: there are pixels, a multiple of 8, and three words of lanes for each two: checked above.
            unsafe { spread8(pixels.start, pixels.end, lanes.as_mut_ptr()) };
        }
    }

    fn pixels8(weights: &[u32], lanes: &[u32], accumulators: &mut [i32]) {
        if !fits(accumulators, lanes.len() / 3 * 2, weights) || !lanes.len().is_multiple_of(12) {
            return;
        }
        let left_out = left_out(lanes.len() / 3);
        let (lanes, rows) = (lanes.as_ptr_range(), accumulators.as_mut_ptr_range());
        // SAFETY: lanes are a positive multiple of 12 words, accumulators of 4 rows, and there are as many weights as
        // they ask for: checked above.
        unsafe { pixels8(weights.as_ptr(), lanes.start, lanes.end, rows.start, rows.end, left_out) };
    }

    fn spread7(pixels: &[u8], lanes: &mut [u32]) -> i32 {
        if pixels.is_empty() || !pixels.len().is_multiple_of(8) || lanes.len() < pixels.len() {
            return 0;
        }
        let pixels = pixels.as_ptr_range();
        // SAFETY: as in `spread8`, with two words of lanes for each two pixels.
        unsafe { spread7(pixels.start, pixels.end, lanes.as_mut_ptr()) }
    }

    fn pixels7(weights: &[u32], lanes: &[u32], excess: i32, accumulators: &mut [i32]) {
        if !fits(accumulators, lanes.len(), weights) || !lanes.len().is_multiple_of(8) {
            return;
        }
        let left_out = left_out(lanes.len() / 2);
        let (lanes, rows) = (lanes.as_ptr_range(), accumulators.as_mut_ptr_range());
        // SAFETY: as in `pixels8`, with lanes a multiple of 8 words.
        unsafe { pixels7(weights.as_ptr(), lanes.start, lanes.end, rows.start, rows.end, left_out, excess) };
    }

    fn spread4(pixels: &[u8], lanes: &mut [u32]) -> i32 {
        let mut sum = 0;
        for (four, words) in pixels.chunks_exact(4).zip(lanes.chunks_exact_mut(4)) {
            let (&[x0, x1, x2, x3], [first, second, third, raw]) = (four, words) else { continue };
            let [x0, x1, x2, x3] = [x0, x1, x2, x3].map(i32::from);
            *first = (x1 - (x0 << 4)) as u32;
            *second = (x2 - (x0 << 8)) as u32;
            *third = (x3 - (x0 << 12)) as u32;
            *raw = x0 as u32;
            sum += x0 + x1 + x2 + x3;
        }
        sum
    }

    fn pixels4(weights: &[u32], lanes: &[u32], excess: i32, accumulators: &mut [i32]) {
        if !fits(accumulators, lanes.len() / 2, weights) || !lanes.len().is_multiple_of(8) {
            return;
        }
        let (lanes, rows) = (lanes.as_ptr_range(), accumulators.as_mut_ptr_range());
        // SAFETY: as in `pixels8`, with lanes a multiple of 8 words.
        unsafe { pixels4(weights.as_ptr(), lanes.start, lanes.end, rows.start, rows.end, excess) };
    }

    fn sigmoids(neurons: Neurons<'_>, activations: &mut [i16]) {
        let Neurons { accumulators, multipliers, pre_shift } = neurons;
        let count = accumulators.len().min(multipliers.len()).min(activations.len());
        if count > 0 {
            let out = activations.as_mut_ptr();
            let frame = SigmoidFrame {
                end: out.wrapping_add(count),
                table: SIGMOID_TABLE.as_ptr(),
                largest: (1 << SIGMOID_TABLE_BITS) - 1,
            };
            // SAFETY: there are `count`, at least 1, of each; the frame ends the activations there, and has the table.
            unsafe {
                sigmoids(accumulators.as_ptr(), multipliers.as_ptr(), u32::from(pre_shift), out, &raw const frame);
            }
        }
    }
}

/// Whether rows come in whole blocks, and there are as many weights as they take with `block` words each.
fn fits(rows: &[i32], block: usize, weights: &[u32]) -> bool {
    block > 0
        && !rows.is_empty()
        && rows.len().is_multiple_of(BLOCK_ROWS)
        && weights.len() == rows.len() / BLOCK_ROWS * block
}

/// Pairs of columns in one turn of an unrolled loop.
const TURN_PAIRS: usize = 16;

// The host makes chunks of whole turns.
const _: () = assert!(Layout::PairsPixels8.turn_groups() * GROUP_COLUMNS == 2 * TURN_PAIRS);
const _: () = assert!(Layout::PairsPixels7.turn_groups() * GROUP_COLUMNS == 2 * TURN_PAIRS);

/// How many pairs of columns the first turn leaves out, so that the others are whole.
const fn left_out(pairs: usize) -> usize {
    (TURN_PAIRS - pairs % TURN_PAIRS) % TURN_PAIRS
}

/// Saves r4 to r11 and lr; the first four arguments stay, the fifth is then at `[sp, #36]`.
macro_rules! enter {
    () => {
        concat!(
            "push {{r4-r7, lr}}\n",
            "mov r4, r8\n",
            "mov r5, r9\n",
            "mov r6, r10\n",
            "mov r7, r11\n",
            "push {{r4-r7}}\n",
        )
    };
}

/// Undoes [`enter`] and returns.
macro_rules! leave {
    () => {
        concat!(
            "pop {{r4-r7}}\n",
            "mov r8, r4\n",
            "mov r9, r5\n",
            "mov r10, r6\n",
            "mov r11, r7\n",
            "pop {{r4-r7, pc}}\n",
        )
    };
}

/// r4 becomes a mask, the low half of which is the argument.
macro_rules! mask {
    ($byte:literal) => {
        concat!("movs r4, #", $byte, "\n", "lsls r7, r4, #16\n", "orrs r4, r7\n")
    };
}

/// No block's sums yet.
macro_rules! clear_sums {
    () => {
        concat!("movs r7, #0\n", "mov r8, r7\n", "mov r9, r7\n", "mov r10, r7\n", "mov r11, r7\n")
    };
}

/// Two columns of two rows in 8 bits: the word in `$v`, its sums All and B. r2 x0, r3 x1 - 256 x0, r4 mask, r7 free.
macro_rules! rows8 {
    ($v:literal, $all:literal, $b:literal) => {
        concat!(
            "lsrs r7, ",
            $v,
            ", #8\n",
            "ands r7, r4\n",
            "muls r7, r3, r7\n",
            "muls ",
            $v,
            ", r2, ",
            $v,
            "\n",
            "adds r7, r7, ",
            $v,
            "\n",
            "add r7, r12\n",
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

/// Two columns of four rows in 8 bits: 21 instructions, 42 bytes.
macro_rules! columns8 {
    () => {
        concat!(
            "ldmia r1!, {{r2, r3, r7}}\n",
            "mov r12, r7\n",
            "ldmia r0!, {{r5, r6}}\n",
            rows8!("r5", "r8", "r9"),
            rows8!("r6", "r10", "r11"),
        )
    };
}

/// Two columns of two rows in 7 bits.
macro_rules! rows7 {
    ($v:literal, $all:literal, $b:literal) => {
        concat!(
            "lsrs r7, ",
            $v,
            ", #8\n",
            "ands r7, r4\n",
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

/// Two columns of four rows in 7 bits: 18 instructions, 36 bytes.
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

/// All blocks: the loop over the columns of a chunk, [`TURN_PAIRS`] times `$columns` of `$bytes` unrolled; then `$finish`
/// adds the sums r8 to r11 to the four rows at r3.
macro_rules! blocks {
    ($columns:expr, $bytes:literal, $finish:expr) => {
        concat!(
            // [sp]: lanes, rows, entry, lanes end; after the 9 saved registers: rows end, pairs to leave out in the
            // first turn, excess.
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
            mask!("0xFF"),
            "2:\n", // a block of four rows
            clear_sums!(),
            "ldr r1, [sp, #12]\n",
            "mov lr, r1\n", // lanes end
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

/// Adds two rows' sums, All and B, to the rows at r3.
macro_rules! finish {
    ($all:literal, $b:literal) => {
        concat!(
            "mov r5, ",
            $all,
            "\n",
            "mov r6, ",
            $b,
            "\n",
            "lsls r7, r6, #16\n",
            "subs r5, r5, r7\n",
            "ldr r7, [r3]\n",
            "adds r5, r5, r7\n",
            "ldr r7, [r3, #4]\n",
            "adds r6, r6, r7\n",
            "stmia r3!, {{r5, r6}}\n",
        )
    };
}

/// [`finish`] less the excess in r2.
macro_rules! finish_less {
    ($all:literal, $b:literal) => {
        concat!(
            "mov r5, ",
            $all,
            "\n",
            "mov r6, ",
            $b,
            "\n",
            "lsls r7, r6, #16\n",
            "subs r5, r5, r7\n",
            "ldr r7, [r3]\n",
            "adds r5, r5, r7\n",
            "subs r5, r5, r2\n",
            "ldr r7, [r3, #4]\n",
            "adds r6, r6, r7\n",
            "subs r6, r6, r2\n",
            "stmia r3!, {{r5, r6}}\n",
        )
    };
}

/// # Safety
/// `lanes..lanes_end` are a positive multiple of 12 readable words; `rows..rows_end` a positive multiple of 4 writable
/// ones; `weights` as many readable words as [`PairsLoops`] says. All at multiples of 4. `left_out` is [`left_out`] of the
/// pairs of columns.
#[unsafe(naked)]
unsafe extern "C" fn pixels8(
    weights: *const u32,
    lanes: *const u32,
    lanes_end: *const u32,
    rows: *mut i32,
    rows_end: *mut i32,
    left_out: usize,
) {
    naked_asm!(enter!(), blocks!(columns8!(), "42", concat!(finish!("r8", "r9"), finish!("r10", "r11"))), leave!(),)
}

/// # Safety
/// As [`pixels8`], with lanes a positive multiple of 8 words.
#[unsafe(naked)]
unsafe extern "C" fn pixels7(
    weights: *const u32,
    lanes: *const u32,
    lanes_end: *const u32,
    rows: *mut i32,
    rows_end: *mut i32,
    left_out: usize,
    excess: i32,
) {
    naked_asm!(
        enter!(),
        blocks!(
            columns7!(),
            "36",
            concat!("ldr r2, [sp, #60]\n", finish_less!("r8", "r9"), finish_less!("r10", "r11"))
        ),
        leave!(),
    )
}

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
/// As [`pixels7`], without `left_out`.
#[unsafe(naked)]
unsafe extern "C" fn pixels4(
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
        finish_less!("r8", "r9"),
        finish_less!("r10", "r11"),
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
unsafe extern "C" fn spread8(pixels: *const u8, end: *const u8, lanes: *mut u32) {
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
unsafe extern "C" fn spread7(pixels: *const u8, end: *const u8, lanes: *mut u32) -> i32 {
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

/// What [`sigmoids`] needs besides its registers.
#[repr(C)]
struct SigmoidFrame {
    /// Past the last activation.
    end: *const i16,
    table: *const u16,
    /// Largest magnitude of x that the table covers.
    largest: u32,
}

// Steps of 2^11 are written out below.
const _: () = assert!(SIGMOID_TABLE.len() == (1 << (SIGMOID_TABLE_BITS - 11)) + 1);

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
        enter!(),
        "ldr r4, [sp, #36]", // behind the 9 saved registers
        "ldmia r4!, {{r5, r6, r7}}",
        "mov r8, r5",  // end
        "mov r9, r6",  // table
        "mov r10, r7", // largest magnitude
        "movs r4, #128",
        "lsls r5, r4, #8",
        "mov r11, r5", // 2^15
        "lsls r5, r4, #3",
        "mov r12, r5", // 2^10
        "2:",
        // requantize: the upper word of accumulator times multiplier, rounded, from four products of halves
        "ldmia r0!, {{r4}}",
        "ldmia r1!, {{r5}}",
        "lsls r4, r2",
        "uxth r6, r4",      // lower half of the accumulator
        "asrs r4, r4, #16", // upper half
        "uxth r7, r5",      // lower half of the multiplier
        "lsrs r5, r5, #16", // upper half
        "push {{r2}}",
        "mov r2, r6",
        "muls r2, r7, r2", // lower times lower
        "lsrs r2, r2, #16",
        "muls r7, r4, r7", // upper times lower
        "adds r7, r7, r2",
        "muls r6, r5, r6", // lower times upper
        "muls r5, r4, r5", // upper times upper
        "uxth r2, r7",
        "adds r6, r6, r2",
        "add r6, r11", // rounds
        "lsrs r6, r6, #16",
        "asrs r7, r7, #16",
        "adds r5, r5, r7",
        "adds r5, r5, r6", // x
        "pop {{r2}}",
        // magnitude, and the sign as 0 or -1
        "asrs r4, r5, #31",
        "eors r5, r4",
        "subs r5, r5, r4",
        "cmp r5, r10",
        "bls 3f",
        "mov r5, r10",
        "3:",
        "lsrs r6, r5, #11",
        "adds r6, r6, r6",
        "add r6, r9",
        "ldrh r7, [r6, #2]",
        "ldrh r6, [r6]",
        "subs r7, r7, r6",
        "lsls r5, r5, #21", // fraction of a step
        "lsrs r5, r5, #21",
        "muls r5, r7, r5",
        "add r5, r12",
        "lsrs r5, r5, #11",
        "adds r5, r5, r6",
        // 2^15 less it where x is negative
        "eors r5, r4",
        "subs r5, r5, r4",
        "mov r6, r11",
        "ands r6, r4",
        "adds r5, r5, r6",
        // 2^15 has no place in 16 bits
        "lsrs r6, r5, #15",
        "subs r5, r5, r6",
        "strh r5, [r3]",
        "adds r3, #2",
        "cmp r3, r8",
        "bne 2b",
        leave!(),
    )
}
