//! Instructions of the loops in `firmware/kernels/src/cortex_m0plus`, counted by reading them: change them together.
//! Layers after the first are compiled code.

use pinhole_shared::layout::{GROUP_COLUMNS, Layout, Weights};

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
