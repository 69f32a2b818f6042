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

/// `conv_pool`, once: 2 push, sub; add, pop, add, bx.
const CONV_POOL: Ops = Ops { simple: 3, multiples: 3, registers: 22, taken: 1, ..Ops::NONE };
/// `conv_pool`, each patch: ldrd, 2 ldr, add, 2 ldr, adds, str; four times `widen!` with 2 STRD; 2 ldr; ldr, cmp, bne.
const CONV_POOL_PATCH: Ops = Ops {
    simple: 2 + 4 * 3 + 1,
    loads: 4,
    loads_in_a_row: 3,
    stores: 1,
    multiples: 1 + 4 * 2,
    registers: 2 + 4 * 4,
    taken: 1,
    ..Ops::NONE
};
/// `conv_pool`, each row: ldmia of 6 registers; twice `two_positions!` with 4 LDRD and 12 multiplications; 3 cmp, 3 it, 3
/// movlt; 3 ldrd, 3 ldr, add, lsl, smmlar, usat, uqadd8, usub8, strb, str, cmp, bne.
const CONV_POOL_ROW: Ops = Ops {
    simple: 2 * 12 + 9 + 7,
    loads: 1,
    loads_in_a_row: 2,
    stores: 2,
    multiples: 1 + 2 * 4 + 3,
    registers: 6 + 2 * 8 + 6,
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

/// `positions` of `band.rs`, once: 2 push, sub, lsr, mov, add, udiv, cmp, it, movlo, mul, sub, mov, adr, mla, orr, str, tst, beq, str,
/// mov, 2 str, ldr, str; add, pop, add, bx.
const POSITIONS: Ops =
    Ops { simple: 17, loads: 1, stores: 5, multiples: 3, registers: 22, taken: 2, divisions: 1, ..Ops::NONE };
/// Each output position: ldrd, ldr, ldrd, strd, 3 ldr, str, add, strd, str, ldr, cbz; ldrd, 3 ldr, 2 add, strd, cmp, bne. (The branch of CBZ
/// is taken without pooling.)
const POSITION: Ops =
    Ops { simple: 4, loads: 4, loads_in_a_row: 4, stores: 2, multiples: 6, registers: 12, taken: 2, ..Ops::NONE };
/// Each output position with pooling, in addition: ldr, ldrd, str, add, 3 ldr, 6 add, mov, add, stmia of 9 registers, str.
const POSITION_POOLED: Ops =
    Ops { simple: 9, loads: 2, loads_in_a_row: 2, stores: 2, multiples: 2, registers: 11, ..Ops::NONE };
/// Each block of four rows: ldrd, 3 mov, ldr to pc; ldr, 2 sub, cbz; ldrd, ldmia, 4 add, ldmia, strd, ldrd, cbz, 4 smmlar, 4 usat, 3 orr,
/// 2 ldrd, uqadd8, usub8, subs, blo, str, strd, bne. (4 lsl are left out without a pre-shift.)
const POSITION_BLOCK: Ops =
    Ops { simple: 3 + 2 + 19, loads: 2, stores: 1, multiples: 9, registers: 22, taken: 3, returns: 1, ..Ops::NONE };
/// Each block with pooling, in addition: add, cmp, beq; ldmia of 3 registers, cbz, ldr, strd.
const POSITION_BLOCK_POOLED: Ops = Ops { simple: 2, loads: 1, multiples: 2, registers: 5, taken: 2, ..Ops::NONE };
/// Each pooled position of a block but the first: ldr, 2 sub, cbz, add, cmp, beq, ldmia, 4 times cmp, it, movlt; ldmia of 3 registers, cbz;
/// stmia and strd of the one before it, ldr, 4 mov, subs, ldr to pc.
const POSITION_TAP: Ops = Ops { simple: 24, loads: 3, multiples: 4, registers: 13, returns: 1, ..Ops::NONE };
/// Each row of a block that has fewer than four: strb, lsrs, subs, bne. (Its branches are as many instructions as the stores and branch
/// of a whole block.)
const POSITION_PART_ROW: Ops = Ops { simple: 2, stores: 1, taken: 1, ..Ops::NONE };
/// Half a group: 2 ldmia, 10 multiplications and extractions, ldr to pc.
const HALF_GROUP: Ops = Ops { simple: 10, loads: 1, multiples: 2, registers: 6, returns: 1, ..Ops::NONE };
/// Groups per turn of `positions`.
const POSITION_TURN_GROUPS: u64 = 9;

/// `columns` of `band.rs`, once: 2 push, 3 ldr; pop, add, bx.
const COLUMNS: Ops = Ops { simple: 1, loads: 1, loads_in_a_row: 2, multiples: 3, registers: 22, taken: 1, ..Ops::NONE };
/// Each column: ldr, mov; ldrd, 2 add, ldr, rsb, str, cmp, bne.
const COLUMN: Ops = Ops { simple: 5, loads: 2, stores: 1, multiples: 1, registers: 2, taken: 1, ..Ops::NONE };
/// Each row of a column: lsrs, bcc; add, subs, bne.
const COLUMN_ROW: Ops = Ops { simple: 3, taken: 2, ..Ops::NONE };
/// Four values, if they are no whole group: ldr, 2 uxtb16, smlad, strd; cmp, beq.
const COLUMN_FOUR: Ops = Ops { simple: 5, loads: 1, multiples: 1, registers: 2, ..Ops::NONE };
/// Eight values: 2 ldr, 4 uxtb16, 2 smlad, stmia, subs, bne.
const COLUMN_EIGHT: Ops =
    Ops { simple: 7, loads: 1, loads_in_a_row: 1, multiples: 1, registers: 4, taken: 1, ..Ops::NONE };

/// `table`, once: push, ldrd, ldr; pop.
const TABLE: Ops = Ops { loads_in_a_row: 1, multiples: 3, registers: 20, returns: 1, ..Ops::NONE };
/// Each column: mov, movs, mov; add, rsb, str, cmp, bne.
const TABLE_COLUMN: Ops = Ops { simple: 6, stores: 1, taken: 1, ..Ops::NONE };
/// Each four values: ldmia, 4 ldrb, 2 orr, smlad, strd, cmp, bne.
const TABLE_FOUR: Ops =
    Ops { simple: 4, loads: 1, loads_in_a_row: 3, multiples: 2, registers: 6, taken: 1, ..Ops::NONE };

/// `positions` of `depthwise.rs`, once: 2 push, sub, mov, ldrd, sub, subs, str, ldr, adr, cbz, 2 add, adr, orr, str; add, pop, add, bx.
const IN_PLACE: Ops = Ops { simple: 12, loads: 1, stores: 2, multiples: 4, registers: 24, taken: 1, ..Ops::NONE };
/// Each position: ldrd, 2 ldr, add, sub, strd, ldr to pc; 2 ldr, ldrd, 2 add, 2 str, cmp, bne.
const IN_PLACE_POSITION: Ops = Ops {
    simple: 5,
    loads: 3,
    loads_in_a_row: 2,
    stores: 2,
    multiples: 3,
    registers: 6,
    taken: 1,
    returns: 1,
    ..Ops::NONE
};
/// Each four channels: ldmia, mov; ldr, add, ldmia, ldr, cmp, beq, ldr, 4 smmlar, 4 usat, 3 orr, 2 ldrd, uqadd8, usub8, str, add, cmp, beq,
/// ldr to pc. (4 lsl are left out without a pre-shift.)
const IN_PLACE_FOUR: Ops =
    Ops { simple: 1 + 2 + 11 + 5, loads: 4, stores: 1, multiples: 4, registers: 12, taken: 1, returns: 1, ..Ops::NONE };
/// A whole window of 3 x 3: three times `three_columns!`.
const WHOLE_3X3: Ops = Ops { simple: 3 * (3 * 6 + 1), loads: 9, multiples: 9, registers: 18, ..Ops::NONE };
/// Another window: push, ldr; pop, ldr, add, b.
const PART: Ops = Ops { simple: 1, loads: 2, multiples: 2, registers: 2, taken: 1, ..Ops::NONE };
/// Each of its rows: push, ldr, subs, blo; adds, beq; pop, ldr, 2 add, subs, bne.
const PART_ROW: Ops = Ops { simple: 5, loads: 2, multiples: 2, registers: 2, taken: 3, ..Ops::NONE };

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

/// Returns the instructions of `conv_pool` for one call.
pub(in crate::budget::predict) fn conv_pool(patches: u64, rows: u64) -> Ops {
    CONV_POOL + patches * (CONV_POOL_PATCH + rows * CONV_POOL_ROW)
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

/// Returns the instructions of `positions` of `band.rs` for one call. `taps` is the number of pooled positions of an output.
pub(in crate::budget::predict) fn band_positions(positions: u64, taps: u64, outputs: u64, window_columns: u64) -> Ops {
    let (groups, half) = (window_columns / GROUP_COLUMNS as u64, window_columns / 4 % 2);
    let turns = groups.div_ceil(POSITION_TURN_GROUPS).max(1);
    let window = half * HALF_GROUP + groups * PIXELS8.group + turns * PIXELS8.turn;
    let (mut position, mut block) = (POSITION, POSITION_BLOCK + taps * window);
    if taps > 1 {
        position = position + POSITION_POOLED;
        block = block + POSITION_BLOCK_POOLED + (taps - 1) * POSITION_TAP;
    }
    let part = outputs % BLOCK_ROWS as u64 * POSITION_PART_ROW;
    POSITIONS + positions * (position + outputs.div_ceil(BLOCK_ROWS as u64) * block + part)
}

/// Returns the instructions of `columns` of `band.rs` for one call.
pub(in crate::budget::predict) fn band_columns(columns: u64, rows: u64, channels: u64) -> Ops {
    let row = COLUMN_ROW + channels / 4 % 2 * COLUMN_FOUR + channels / 8 * COLUMN_EIGHT;
    COLUMNS + columns * (COLUMN + rows * row)
}

/// Returns the instructions of `table` for one call.
pub(in crate::budget::predict) fn band_table(columns: u64, lanes: u64) -> Ops {
    TABLE + columns * (TABLE_COLUMN + lanes / 4 * TABLE_FOUR)
}

/// Returns the instructions of `positions` of `depthwise.rs` for one call, for windows of which these rows and columns are inside of the
/// input.
pub(in crate::budget::predict) fn depthwise_positions(
    positions: u64,
    channels: u64,
    (rows, columns): (u64, u64),
    is_whole_3x3: bool,
) -> Ops {
    let row = PART_ROW + columns * CHANNELS_COLUMN + columns / 3 * CHANNELS_TURN + columns % 3 * CHANNELS_REST;
    let window = if is_whole_3x3 { WHOLE_3X3 } else { PART + rows * row };
    IN_PLACE + positions * (IN_PLACE_POSITION + channels / BLOCK_ROWS as u64 * (IN_PLACE_FOUR + window))
}
