//! Instructions of the loops in `firmware/kernels/src/cortex_m0plus`, counted by reading them: change them together.
//! Layers after the first are compiled code.

use pinhole_shared::layout::{BLOCK_ROWS, GROUP_COLUMNS, Layout, Weights};

use super::ops::Ops;
use super::{blocks, calls, chunks};

/// `enter!` and `leave!`: push, 4 mov, push; pop, 4 mov, pop.
const FRAME: Ops = Ops { simple: 8, multiples: 4, registers: 18, returns: 1, ..Ops::NONE };

/// Around the blocks of `blocks!`: sub, 3 str, ldr, movs, muls, adr, 2 adds, str; add. The last block's missing branch
/// is subtracted.
const BLOCKS: Ops = Ops { simple: 6, loads: 1, stores: 4, ..Ops::NONE };
/// Each block of `blocks!` without its columns and its `finish!`: `clear_sums!`, ldr, mov, ldr, ldr, bx; ldr; str, ldr,
/// cmp, beq, b. The last turn's missing branch is subtracted.
const BLOCK: Ops = Ops { simple: 7, loads: 4, loads_in_a_row: 1, stores: 1, taken: 2, ..Ops::NONE };
/// Each turn of `blocks!` (cmp, beq, b), of 16 pairs of columns.
const TURN: Ops = Ops { simple: 2, taken: 1, ..Ops::NONE };
const TURN_PAIRS: u64 = 16;

/// `columns8!`: LDM of 3 and of 2 registers.
const COLUMNS8: Ops = Ops { simple: 16, multiples: 2, registers: 5, ..Ops::NONE };
/// Twice `finish!`: 2 mov, lsls, subs, ldr, adds, ldr, adds, stmia.
const FINISH8: Ops = Ops { simple: 12, loads: 4, multiples: 2, registers: 4, ..Ops::NONE };
/// `columns7!`: twice LDM of 2 registers.
const COLUMNS7: Ops = Ops { simple: 14, multiples: 2, registers: 4, ..Ops::NONE };
/// ldr, and twice `finish!` without r2, plus 2 subs.
const FINISH7: Ops = Ops { simple: 16, loads: 4, loads_in_a_row: 1, multiples: 2, registers: 4, ..Ops::NONE };

/// `pixels4` around its blocks: sub, 3 str, ldr, movs, muls, adr, 2 adds, str, ldr; add. The last block's missing
/// branch is subtracted.
const PIXELS4: Ops = Ops { simple: 6, loads: 2, stores: 4, ..Ops::NONE };
/// Each block of `pixels4`: `clear_sums!`, 2 mov, 2 ldr, bx; 2 ldr, twice `finish!` without r2, str, ldr, cmp, beq, b.
const PIXELS4_BLOCK: Ops =
    Ops { simple: 25, loads: 7, loads_in_a_row: 2, stores: 1, multiples: 2, registers: 4, taken: 2, ..Ops::NONE };
/// Each turn of `pixels4`: twice `flush4!`, movs, 2 mov, ldr, cmp, bne.
const PIXELS4_TURN: Ops = Ops { simple: 12, loads: 1, taken: 1, ..Ops::NONE };
const TURN_FOURS: u64 = 4;
/// `columns4!`: 3 LDM of 2 registers.
const COLUMNS4: Ops = Ops { simple: 24, multiples: 3, registers: 6, ..Ops::NONE };

/// A loop that widens pixels.
struct Widen {
    /// Per call.
    call: Ops,
    /// Per group of 8 pixels.
    group: Ops,
}

/// `widen8`: push, 7 of arithmetic, ldr, pop; 4 `pair8!` with 2 ldrb and STM of 3 registers, adds, cmp, bne.
const WIDEN8: Widen = Widen {
    call: Ops { simple: 7, loads: 1, multiples: 2, registers: 10, returns: 1, ..Ops::NONE },
    group: Ops { simple: 46, loads: 4, loads_in_a_row: 4, multiples: 4, registers: 12, taken: 1, ..Ops::NONE },
};
/// `widen7`: push, 6 of arithmetic, pop; 4 `pair7!` with 2 ldrb and STM of 2 registers, adds, cmp, bne.
const WIDEN7: Widen = Widen {
    call: Ops { simple: 6, multiples: 2, registers: 10, returns: 1, ..Ops::NONE },
    group: Ops { simple: 34, loads: 4, loads_in_a_row: 4, multiples: 4, registers: 8, taken: 1, ..Ops::NONE },
};
/// `widen4`: as `widen7`; twice `four4!` with 6 ldrb and 2 STM of 2 registers, adds, cmp, bne.
const WIDEN4: Widen = Widen {
    call: WIDEN7.call,
    group: Ops { simple: 42, loads: 6, loads_in_a_row: 6, multiples: 4, registers: 8, taken: 1, ..Ops::NONE },
};

/// `sigmoids` around its neurons, without [`FRAME`]: ldr, ldmia, 3 mov, movs, lsls, mov, lsls, mov.
const SIGMOIDS: Ops = Ops { simple: 8, loads: 1, multiples: 1, registers: 3, ..Ops::NONE };
/// Each neuron of `sigmoids`, if within the table: 2 LDM, push and pop of one register, 2 ldrh, strh.
const SIGMOID: Ops =
    Ops { simple: 42, loads: 1, loads_in_a_row: 1, stores: 1, multiples: 4, registers: 4, taken: 2, ..Ops::NONE };

/// `positions` of bands around its positions, without [`FRAME`]: mov, ldr, movs, muls, adr, 2 adds, str. The last position's missing
/// branch is subtracted.
const BAND: Ops = Ops { simple: 5, loads: 1, stores: 1, ..Ops::NONE };
/// Each position: mov, 4 ldr, 3 str; 2 ldr, adds, str, ldr, cmp, beq, b. The last block's missing branch is subtracted.
const BAND_POSITION: Ops = Ops { simple: 3, loads: 3, loads_in_a_row: 4, stores: 4, taken: 1, ..Ops::NONE };
/// Each block of four rows: movs, str; str, 4 times ldr and mov, 2 ldr, mov, adds, ldr, movs, cmp, bhs, subs, str, lsls, adds, mov;
/// 2 mov, 3 str, 2 ldr, cmp, beq, b.
const BAND_BLOCK: Ops = Ops { simple: 17, loads: 7, loads_in_a_row: 2, stores: 6, taken: 2, ..Ops::NONE };
/// Each pooled position of a block: adds, 2 ldr, adds, ldr, adds, mov; `clear_sums!`; ldr, bx; 5 mov, 2 lsls, 2 subs; ldr, cmp; adds,
/// ldr, cmp. The last turn's branch is not taken.
const BAND_TAP: Ops = Ops { simple: 21, loads: 5, loads_in_a_row: 1, taken: 1, ..Ops::NONE };
/// The first of them: bne, mov, adds, stmia, b.
const BAND_FIRST: Ops = Ops { simple: 3, multiples: 1, registers: 4, taken: 1, ..Ops::NONE };
/// Each other: bne, 4 times ldr, cmp, ble and, for every other one, str.
const BAND_OTHER: Ops = Ops { simple: 6, loads: 4, stores: 2, taken: 3, ..Ops::NONE };
/// The last of them: beq.
const BAND_LAST: Ops = Ops { taken: 1, ..Ops::NONE };
/// Each other: beq, str, mov, ldr, subs, b.
const BAND_NEXT: Ops = Ops { simple: 3, loads: 1, stores: 1, taken: 1, ..Ops::NONE };
/// Each turn: cmp, bne.
const BAND_TURN: Ops = Ops { simple: 1, taken: 1, ..Ops::NONE };
const BAND_TURN_PAIRS: u64 = 6;
/// Each output: 3 ldmia of one register, 29 of arithmetic and moves; cmp, bge; mov, ldr, cmp, ble; mov, strb, adds, mov; cmp, bne.
const BAND_OUTPUT: Ops = Ops { simple: 34, loads: 1, stores: 1, multiples: 3, registers: 3, taken: 3, ..Ops::NONE };

/// See [`super::sums`]. Row-major weights have only compiled loops.
pub(super) fn sums(weights: &Weights<'_>) -> Option<Ops> {
    Some(match weights.layout() {
        Layout::Rows8 | Layout::Rows4 => Ops::NONE,
        Layout::DualMacPixels8 => chunked(weights, WIDEN8, BLOCKS, |groups| pairs(groups, COLUMNS8) + FINISH8),
        Layout::DualMacPixels7 => chunked(weights, WIDEN7, BLOCKS, |groups| pairs(groups, COLUMNS7) + FINISH7),
        Layout::DualMacPixels4 => chunked(weights, WIDEN4, PIXELS4, |groups| {
            let fours = groups * (GROUP_COLUMNS / 4) as u64;
            PIXELS4_BLOCK + fours * COLUMNS4 + fours.div_ceil(TURN_FOURS) * PIXELS4_TURN
        }),
        _ => return None,
    })
}

/// Returns the instructions of `positions` of bands: so many positions, each the largest of so many, of so many outputs and pairs of
/// columns.
pub(in crate::budget::predict) fn band_positions(positions: u64, taps: u64, outputs: u64, pairs: u64) -> Ops {
    let blocks = outputs.div_ceil(BLOCK_ROWS as u64);
    let sums = BAND_TAP + pairs * COLUMNS8 + pairs.div_ceil(BAND_TURN_PAIRS) * BAND_TURN;
    let all = taps * sums + BAND_FIRST + BAND_LAST + (taps - 1) * (BAND_OTHER + BAND_NEXT);
    // Every other output is the smallest: so are those of relu.
    let raised = Ops { simple: outputs / 2, ..Ops::NONE };
    FRAME + BAND + positions * (BAND_POSITION + blocks * (BAND_BLOCK + all) + outputs * BAND_OUTPUT + raised)
}

/// `positions` of depthwise convolutions around its positions, without [`FRAME`]: 2 mov, 3 times ldr and mov, 2 ldr, cmp, adr, bne,
/// adds, str. The last position's missing branch is subtracted.
const DEPTHWISE: Ops = Ops { simple: 7, loads: 4, loads_in_a_row: 1, stores: 1, taken: 1, ..Ops::NONE };
/// Each position: ldr, adds, str, ldr, mov, 3 ldr, b; 2 ldr, adds, str, ldr, cmp, beq, b.
const DEPTHWISE_POSITION: Ops = Ops { simple: 5, loads: 5, loads_in_a_row: 3, stores: 2, taken: 2, ..Ops::NONE };
/// Each channel: movs, add, 2 mov, ldr, bx; 2 mov, ldr, adds, 2 mov, lsls; `upper_half!`; mov, ldr, adds; ldr, cmp, bge (and, for every
/// other one, mov); ldr, cmp, ble; ldr, strb, adds, str; mov, ldr, cmp, ldr, bne.
const DEPTHWISE_CHANNEL: Ops = Ops { simple: 40, loads: 8, stores: 2, taken: 4, ..Ops::NONE };
/// A channel of a window of 3 x 3: lsls, 9 times 2 ldrb, sxtb, muls, adds; 2 add, adds, b.
const DEPTHWISE_3X3: Ops = Ops { simple: 31, loads: 9, loads_in_a_row: 9, taken: 1, ..Ops::NONE };
/// A channel of another window: mov, ldr; ldr, adds, b.
const DEPTHWISE_WINDOW: Ops = Ops { simple: 2, loads: 2, taken: 1, ..Ops::NONE };
/// Each row of it: 2 mov, 3 ldr, 2 adds, subs, bne; the last column's branch is not taken.
const DEPTHWISE_ROW: Ops = Ops { simple: 5, loads: 3, taken: 1, ..Ops::NONE };
/// Each column of it: 2 ldrb, 2 adds, sxtb, muls, adds, subs, bne.
const DEPTHWISE_COLUMN: Ops = Ops { simple: 6, loads: 2, taken: 1, ..Ops::NONE };

/// Returns the instructions of `positions` of depthwise convolutions, with so many rows and columns of each window inside of the input.
pub(in crate::budget::predict) fn depthwise_positions(
    positions: u64,
    channels: u64,
    (rows, columns): (u64, u64),
    is_whole_3x3: bool,
) -> Ops {
    let window = if is_whole_3x3 {
        DEPTHWISE_3X3
    } else {
        DEPTHWISE_WINDOW + rows * (DEPTHWISE_ROW + columns * DEPTHWISE_COLUMN)
    };
    // Every other output is the smallest: so are those of relu.
    let raised = Ops { simple: channels / 2, ..Ops::NONE };
    FRAME + DEPTHWISE + positions * (DEPTHWISE_POSITION + channels * (DEPTHWISE_CHANNEL + window) + raised)
}

/// Returns the instructions of `widen8` for so many pixels.
pub(in crate::budget::predict) fn band_widen(pixels: u64) -> Ops {
    WIDEN8.call + pixels / GROUP_COLUMNS as u64 * WIDEN8.group
}

/// Returns the instructions of `widen8_runs` for so many runs of so many pixels: push, 3 mov, push, 2 mov, ldr, mov, `twice!`, movs,
/// lsls, mov, ldr; pop, 3 mov, pop; for each run 2 mov, adds, add, cmp, bne.
pub(in crate::budget::predict) fn band_runs(runs: u64, pixels: u64) -> Ops {
    let call = Ops { simple: 15, loads: 2, multiples: 4, registers: 16, returns: 1, ..Ops::NONE };
    let run = Ops { simple: 5, taken: 1, ..Ops::NONE };
    call + runs * (run + pixels / GROUP_COLUMNS as u64 * WIDEN8.group)
}

/// Returns the instructions of `copy` for so many bytes: push, ldr, pop, bx; for each ldrb, strb, 2 adds, subs, bne.
pub(in crate::budget::predict) fn band_copy(bytes: u64) -> Ops {
    let call = Ops { loads: 1, multiples: 2, registers: 4, taken: 1, ..Ops::NONE };
    call + bytes * Ops { simple: 3, loads: 1, stores: 1, taken: 1, ..Ops::NONE }
}

/// Returns the instructions of `sigmoids`.
pub(super) fn sigmoids(neurons: u64) -> Ops {
    FRAME + SIGMOIDS + neurons * SIGMOID
}

/// Returns the instructions of all chunks: widening the pixels of each, and a loop with `around` its blocks and
/// `block(groups)` per block.
fn chunked(weights: &Weights<'_>, widen: Widen, around: Ops, block: impl Fn(u64) -> Ops) -> Ops {
    chunks(weights).fold(Ops::NONE, |all, chunk| {
        let groups = chunk.div_ceil(GROUP_COLUMNS) as u64;
        let widening = calls(chunk) * widen.call + groups * widen.group;
        all + widening + FRAME + around + blocks(weights) * block(groups)
    })
}

/// Returns the instructions of a block of `blocks!` without its end.
fn pairs(groups: u64, columns: Ops) -> Ops {
    let pairs = groups * (GROUP_COLUMNS / 2) as u64;
    BLOCK + pairs * columns + pairs.div_ceil(TURN_PAIRS) * TURN
}
