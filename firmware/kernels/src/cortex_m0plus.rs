//! Loops of [`pinhole_shared::kernel::Pairs`] for cores that have Armv6-M alone: Cortex-M0+, M0, M23's common part.
//!
//! Instructions per 4 rows, without what a block and a chunk cost: 21 for 2 columns in 8 bits, 18 in 7, 72 for 8 columns
//! in 4. With the single-cycle multiplier, loads are what makes cycles of them. Instructions of the loops have 2 bytes
//! each, so that one that was unrolled can be entered in its middle: the first turn takes what is left over.
//!
//! Eight low registers are all that most instructions take; sums live in the high ones, to which ADD can add.

use core::arch::naked_asm;

use pinhole_shared::kernel::PairsLoops;

/// Armv6-M's loops.
#[derive(Clone, Copy, Debug, Default)]
pub struct CortexM0Plus;

/// `-128 * (1 + 2^16)`: what weights that are 128 too large add in two rows, negative.
const EXCESS: i32 = -0x0080_0080;

impl PairsLoops for CortexM0Plus {
    const NAME: &'static str = "cortex-m0plus-pairs";

    fn spread8(pixels: &[u8], lanes: &mut [u32]) {
        // In Rust, as its twin: it runs once a picture, not once a row.
        for (pair, words) in pixels.chunks_exact(2).zip(lanes.chunks_exact_mut(3)) {
            let (&[x0, x1], [first, second, excess]) = (pair, words) else { continue };
            let [x0, x1] = [x0, x1].map(|pixel| i32::from(pixel) - 128);
            *first = x0 as u32;
            *second = (x1 - (x0 << 8)) as u32;
            *excess = ((x0 + x1).wrapping_mul(EXCESS)).wrapping_add(1 << 15) as u32;
        }
    }

    fn pixels8(weights: &[u32], lanes: &[u32], accumulators: &mut [i32]) {
        debug_assert!(weights.len() == accumulators.len() / 4 * (lanes.len() / 3 * 2));
        let left_out = left_out(lanes.len() / 3);
        let (lanes, rows) = (lanes.as_ptr_range(), accumulators.as_mut_ptr_range());
        // SAFETY: lanes are a positive multiple of 12 words, accumulators of 4 rows, and there are as many weights as
        // they ask for (contract of `PairsLoops`, which `Pairs` keeps).
        unsafe { pixels8(weights.as_ptr(), lanes.start, lanes.end, rows.start, rows.end, left_out) };
    }

    fn spread7(pixels: &[u8], lanes: &mut [u32]) -> i32 {
        let mut sum = 0;
        for (pair, words) in pixels.chunks_exact(2).zip(lanes.chunks_exact_mut(2)) {
            let (&[x0, x1], [first, second]) = (pair, words) else { continue };
            let [x0, x1] = [x0, x1].map(i32::from);
            *first = x0 as u32;
            *second = (x1 - (x0 << 8)) as u32;
            sum += x0 + x1;
        }
        sum
    }

    fn pixels7(weights: &[u32], lanes: &[u32], excess: i32, accumulators: &mut [i32]) {
        debug_assert!(weights.len() == accumulators.len() / 4 * lanes.len());
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
        debug_assert!(weights.len() == accumulators.len() / 4 * (lanes.len() / 2));
        let (lanes, rows) = (lanes.as_ptr_range(), accumulators.as_mut_ptr_range());
        // SAFETY: as in `pixels8`, with lanes a multiple of 8 words.
        unsafe { pixels4(weights.as_ptr(), lanes.start, lanes.end, rows.start, rows.end, excess) };
    }
}

/// Pairs of columns in one turn of an unrolled loop.
const TURN_PAIRS: usize = 16;

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
