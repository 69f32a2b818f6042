//! Layouts of [`crate::kernel::DualMac`], where the algebra is explained.

use super::{BLOCK_ROWS, Layout, Layouts, Position, Weights};

/// Words a pair of columns is widened into.
pub(super) const PAIR_WORDS: usize = 3;

/// Writes the weights of a column in a block of four rows.
pub(super) fn pack(layout: Layout, position: Position, w: [i32; BLOCK_ROWS], bytes: &mut [u8]) {
    let Position { weights_before, column, .. } = position;
    for (row, &w) in w.iter().enumerate() {
        if layout == Layout::DualMacPixels4 {
            let at = weights_before / 2 + column / 4 * 8 + row / 2 * 4 + row % 2 * 2 + column % 4 / 2;
            bytes[at] |= ((w + 8) as u8) << (column % 2 * 4);
        } else {
            let excess = if layout == Layout::DualMacPixels8 { 128 } else { 64 };
            bytes[weights_before + column / 2 * 8 + row / 2 * 4 + row % 2 * 2 + column % 2] = (w + excess) as u8;
        }
    }
}

/// In 8 bits, and in 7 with another excess.
pub(super) fn pixels8(byte: impl Fn(usize) -> u8, position: Position, excess: u8) -> i8 {
    // Two columns of a block: 8 bytes, a word for each pair of rows: a0, a1, b0, b1, each too large by the excess.
    let word = position.weights_before + position.column / 2 * 8 + position.row / 2 * 4;
    byte(word + position.row % 2 * 2 + position.column % 2).wrapping_sub(excess) as i8
}

pub(super) fn pixels4(byte: impl Fn(usize) -> u8, position: Position) -> i8 {
    // Four columns of a block: 8 bytes, a word for each pair of rows, its halves a0 + 16 a1 + 256 a2 + 4096 a3 and the
    // same of b, each weight 8 too large.
    let word = position.weights_before / 2 + position.column / 4 * 8 + position.row / 2 * 4;
    let both = byte(word + position.row % 2 * 2 + position.column % 4 / 2);
    (if position.column.is_multiple_of(2) { both & 15 } else { both >> 4 }) as i8 - 8
}

/// See [`Weights::fold`]. Inputs are taken 128 too small, and the lower of two rows has 2^15 too much for each pair of
/// columns.
pub(super) fn fold8<L: Layouts>(weights: &Weights<'_>, row: usize) -> i32 {
    let columns = weights.padded_inputs();
    let sum = (0..columns).fold(0_i32, |sum, column| sum.wrapping_add(weights.get_of::<L>(row, column).into()));
    let rounding = if row.is_multiple_of(2) { (columns as i32 / 2) << 15 } else { 0 };
    (sum << 7).wrapping_sub(rounding)
}
