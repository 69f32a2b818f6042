//! Instructions of the loops in `firmware/kernels/src/cortex_m4`, counted by reading them: change them together.

use pinhole_shared::layout::{BLOCK_ROWS, GROUP_COLUMNS, Layout, Weights};

use super::ops::Ops;
use super::{blocks, calls, chunks};

/// A loop over the groups of a chunk, for each block of four rows.
struct Loop {
    /// Per chunk: beginning and end of the function.
    chunk: Ops,
    /// Per block: before and after its groups.
    block: Ops,
    /// Per turn of the loop over groups, with its branch taken.
    turn: Ops,
    /// Groups per turn.
    turn_groups: u64,
    /// Per group of 8 columns.
    group: Ops,
}

/// `pixels8`: `group8!` has 3 LDM of 4 registers.
const PIXELS8: Loop = Loop {
    // push, sub, ldr, str, strd, subs, lsrs, movs, add, udiv, mls, movs, rsb, adr, mls, strd; add, pop.
    chunk: Ops { simple: 11, loads: 1, stores: 1, multiples: 4, registers: 22, returns: 1, divisions: 1, ..Ops::NONE },
    // ldmia, 4 mov, one of them to pc; 2 ldr, ldmia, 2 sub, 4 add, stmia, str, cmp, bne.
    block: Ops {
        simple: 10,
        loads: 1,
        loads_in_a_row: 1,
        stores: 1,
        multiples: 3,
        registers: 11,
        taken: 2,
        ..Ops::NONE
    },
    // ldr, cmp, bne.
    turn: Ops { simple: 1, loads: 1, taken: 1, ..Ops::NONE },
    turn_groups: Layout::DspPixels8.turn_groups() as u64,
    group: Ops { simple: 20, multiples: 3, registers: 12, ..Ops::NONE },
};

/// `pixels4`: `group4!` has 2 LDM of 2 registers and one of 4.
const PIXELS4: Loop = Loop {
    // push, sub, stmia, subs, lsrs, rsbs, and, movs, adr, mla, orr, str; add, pop.
    chunk: Ops { simple: 10, stores: 1, multiples: 3, registers: 21, returns: 1, ..Ops::NONE },
    // ldr, ldr, 4 mov, bx; 4 ldr, ldmia, 4 sub, asr, rsb, sub, 4 add, 3 sub, stmia, str, cmp, bne.
    block: Ops {
        simple: 19,
        loads: 2,
        loads_in_a_row: 4,
        stores: 1,
        multiples: 2,
        registers: 8,
        taken: 2,
        ..Ops::NONE
    },
    turn: Ops { simple: 1, loads: 1, taken: 1, ..Ops::NONE },
    turn_groups: Layout::DspPixels4.turn_groups() as u64,
    group: Ops { simple: 24, multiples: 3, registers: 8, ..Ops::NONE },
};

/// `wide8`: 2 LDM of 2 registers and 2 of 4.
const WIDE8: Loop = Loop {
    // push, sub, str, mov; add, pop.
    chunk: Ops { simple: 3, stores: 1, multiples: 2, registers: 18, returns: 1, ..Ops::NONE },
    // ldr, str, ldmia; ldr, ldr, stmia, cmp, bne.
    block: Ops { simple: 1, loads: 2, loads_in_a_row: 1, stores: 1, multiples: 2, registers: 8, taken: 1, ..Ops::NONE },
    // cmp, bne.
    turn: Ops { simple: 1, taken: 1, ..Ops::NONE },
    turn_groups: 1,
    group: Ops { simple: 32, multiples: 4, registers: 12, ..Ops::NONE },
};

/// `wide4`: `eight_columns!` for each of four rows, with an LDR each, and an LDM of 4 registers.
const WIDE4: Loop = Loop {
    // push, sub, str, mov; add, pop.
    chunk: Ops { simple: 3, stores: 1, multiples: 2, registers: 18, returns: 1, ..Ops::NONE },
    // ldr, str, 4 mov; ldr, ldr, ldmia, 4 add, stmia, cmp, bne.
    block: Ops { simple: 9, loads: 2, loads_in_a_row: 1, stores: 1, multiples: 2, registers: 8, taken: 1, ..Ops::NONE },
    // cmp, bne.
    turn: Ops { simple: 1, taken: 1, ..Ops::NONE },
    turn_groups: 1,
    group: Ops { simple: 44, loads: 4, multiples: 1, registers: 4, ..Ops::NONE },
};

/// `widen`, once a call: push, mov, subs, lsls, bmi; mov, pop.
const WIDEN: Ops = Ops { simple: 5, multiples: 2, registers: 12, returns: 1, ..Ops::NONE };
/// `eight_pixels!` of `widen`: 2 ldr, 4 uxtb16, 2 smlad, stmia.
const WIDEN_GROUP: Ops = Ops { simple: 6, loads: 1, loads_in_a_row: 1, multiples: 1, registers: 4, ..Ops::NONE };
/// Each turn of `widen`, of two groups: cmp, bne.
const WIDEN_TURN: Ops = Ops { simple: 1, taken: 1, ..Ops::NONE };

/// `sum`, once a chunk: push, 2 movs; mov, pop.
const SUM: Ops = Ops { simple: 3, multiples: 2, registers: 8, returns: 1, ..Ops::NONE };
/// `sum`, each group: ldmia, 4 usada8, cmp, bne.
const SUM_GROUP: Ops = Ops { simple: 5, multiples: 1, registers: 4, taken: 1, ..Ops::NONE };

/// `sigmoids`, once: ldr, push, ldrd, 2 mov; pop.
const SIGMOIDS: Ops = Ops { simple: 2, loads: 1, multiples: 3, registers: 14, returns: 1, ..Ops::NONE };
/// `sigmoids`, each turn: 2 ldr, 14 with the table's ldr between them, strh, cmp, bne.
const SIGMOID: Ops = Ops { simple: 15, loads: 2, loads_in_a_row: 1, stores: 1, taken: 1, ..Ops::NONE };

/// `conv_pool`, once: push, sub, ldrd, sub, strd, ldr, ldr, add, ldr, ldr; add, pop; and four times `widen!` with 2 STRD.
const CONV_POOL: Ops = Ops {
    simple: 4 + 4 * 3,
    loads: 2,
    loads_in_a_row: 2,
    multiples: 4 + 4 * 2,
    registers: 22 + 4 * 4,
    returns: 1,
    ..Ops::NONE
};
/// `conv_pool`, each row: ldmia of 6 registers; twice `two_positions!` with 4 LDRD and 12 multiplications; 3 cmp, 3 it, 3
/// movlt; ldrd, ldr, add, str, cmp, bne.
const CONV_POOL_ROW: Ops = Ops {
    simple: 2 * 12 + 9 + 2,
    loads: 1,
    stores: 1,
    multiples: 1 + 2 * 4 + 1,
    registers: 6 + 2 * 8 + 2,
    taken: 1,
    ..Ops::NONE
};

/// `channels`, once: push, sub, ldr, str; add, pop.
const CHANNELS: Ops = Ops { simple: 2, loads: 1, stores: 1, multiples: 2, registers: 18, returns: 1, ..Ops::NONE };
/// `channels`, each four: ldmia, ldr, mov, subs, blo; adds, beq; stmia, add, ldr, cmp, bne. The first two branches are
/// assumed not to be taken.
const CHANNELS_FOUR: Ops = Ops { simple: 7, loads: 2, multiples: 2, registers: 8, taken: 1, ..Ops::NONE };
/// A column of `channels`: ldr; `column!` with LDRD.
const CHANNELS_COLUMN: Ops = Ops { simple: 6, loads: 1, multiples: 1, registers: 2, ..Ops::NONE };
/// Each turn of three columns: 2 add, subs, bhs.
const CHANNELS_TURN: Ops = Ops { simple: 3, taken: 1, ..Ops::NONE };
/// Each column that is left over: add, subs, bne.
const CHANNELS_REST: Ops = Ops { simple: 2, taken: 1, ..Ops::NONE };

/// `copy`, once: push; pop, bx.
const COPY: Ops = Ops { multiples: 2, registers: 4, taken: 1, ..Ops::NONE };
/// `copy`, each four words: 4 ldr, stmia, cmp, bne.
const COPY_FOUR: Ops =
    Ops { simple: 1, loads: 1, loads_in_a_row: 3, multiples: 1, registers: 4, taken: 1, ..Ops::NONE };

/// See [`super::sums`].
pub(super) fn sums(weights: &Weights<'_>) -> Option<Ops> {
    let (of_layout, is_for_pixels) = match weights.layout() {
        Layout::DspPixels8 => (PIXELS8, true),
        Layout::DspPixels4 => (PIXELS4, true),
        Layout::DspWide8 => (WIDE8, false),
        Layout::DspWide4 => (WIDE4, false),
        _ => return None,
    };
    let mut all = Ops::NONE;
    for columns in chunks(weights) {
        let groups = columns.div_ceil(GROUP_COLUMNS) as u64;
        let Loop { chunk, block, turn, turn_groups, group } = of_layout;
        let each = block + groups * group + groups.div_ceil(turn_groups) * turn;
        all = all + chunk + blocks(weights) * each;
        if is_for_pixels {
            all = all + calls(columns) * WIDEN + groups * WIDEN_GROUP + groups.div_ceil(2) * WIDEN_TURN;
        }
        if weights.layout() == Layout::DspPixels4 {
            all = all + SUM + groups * SUM_GROUP;
        }
    }
    Some(all)
}

/// Returns the instructions of `sigmoids`.
pub(super) fn sigmoids(neurons: u64) -> Ops {
    SIGMOIDS + neurons * SIGMOID
}

/// Returns the instructions of `conv_pool`.
pub(in crate::budget::predict) fn conv_pool(rows: u64) -> Ops {
    CONV_POOL + rows * CONV_POOL_ROW
}

/// Returns the instructions of `channels`; `channels` includes the padding of the last four.
pub(in crate::budget::predict) fn channels(columns: u64, channels: u64) -> Ops {
    let columns_of_four = columns * CHANNELS_COLUMN + columns / 3 * CHANNELS_TURN + columns % 3 * CHANNELS_REST;
    CHANNELS + channels / BLOCK_ROWS as u64 * (CHANNELS_FOUR + columns_of_four)
}

/// Returns the instructions of `copy` for whole groups of four words; it is not called for none.
pub(in crate::budget::predict) fn copy(fours: u64) -> Ops {
    if fours > 0 { COPY + fours * COPY_FOUR } else { Ops::NONE }
}
