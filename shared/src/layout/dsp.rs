//! Layouts of [`crate::kernel::Dsp`], where the algebra is explained.

use core::ops::Range;

use super::{BLOCK_ROWS, Layouts, Place, Weights};

/// In which of the words of four columns, and in which 16-bit half of it, a column of a pixel layout lies: pixels 0 and
/// 2 share a word, and 1 and 3, because that is how UXTB16 spreads four bytes.
pub struct Lanes;

impl Lanes {
    /// (word, half), each 0 or 1, of column 0..4.
    pub const fn of(column: usize) -> (usize, usize) {
        (column % 2, column % 4 / 2)
    }
}

/// Byte of the lane of a place in [`super::Layout::DspPixels8`]: the lane of its pair of rows.
const fn lane8(place: Place) -> usize {
    let (word, half) = Lanes::of(place.column);
    // Four columns of a block: 16 bytes, the words P and Q of the first pair of rows, then those of the second.
    place.weights_before + place.column / 4 * 16 + place.row / 2 * 8 + word * 4 + half * 2
}

pub(super) fn pixels8(byte: impl Fn(usize) -> u8, place: Place) -> i8 {
    let lane = lane8(place);
    let b = byte(lane) as i8;
    // The lane is the number 256 * a + b, so a negative b has borrowed from the upper byte.
    if place.row % 2 == 1 { b } else { (byte(lane + 1) as i8).wrapping_add(i8::from(b < 0)) }
}

pub(super) fn wide8(byte: impl Fn(usize) -> u8, place: Place) -> i8 {
    // Four columns of a block: a word a row. Bytes 0 and 2 are columns 0 and 1, as SXTB16 takes them.
    let in_word = [0, 2, 1, 3][place.column % 4];
    byte(place.weights_before + place.column / 4 * 16 + place.row * 4 + in_word) as i8
}

/// Columns of a chunk in [`super::Layout::DspWide4`], at most: 16 * 7 * 2^15 times as many stay within 32 bits.
pub(super) const MAX_WIDE4_COLUMNS: usize = 512;

/// Byte, and bits to shift, of a place in [`super::Layout::DspWide4`].
pub(super) const fn nibble_wide4(weights_before: usize, row: usize, column: usize) -> (usize, usize) {
    // Eight columns of a block: a word a row. Upper halves of the bytes are columns 0 to 3, as SXTB16 takes them, lower
    // ones 4 to 7.
    (weights_before / 2 + column / 8 * 16 + row * 4 + [0, 2, 1, 3][column % 4], if column % 8 < 4 { 4 } else { 0 })
}

pub(super) fn wide4(byte: impl Fn(usize) -> u8, place: Place) -> i8 {
    let (at, shift) = nibble_wide4(place.weights_before, place.row, place.column);
    ((byte(at) >> shift) << 4) as i8 >> 4
}

pub(super) fn pixels4(byte: impl Fn(usize) -> u8, place: Place) -> i8 {
    let (word, half) = Lanes::of(place.column);
    // Four columns of a block: 8 bytes, the words P and Q.
    let lane = place.weights_before / 2 + place.column / 4 * 8 + word * 4 + half * 2;
    match place.row {
        // 16 * c + d + 8, signed: c may be negative.
        0 => (byte(lane + 1) as i8) >> 4,
        1 => (byte(lane + 1) & 15) as i8 - 8,
        2 => (byte(lane) >> 4) as i8 - 8,
        _ => (byte(lane) & 15) as i8 - 8,
    }
}

/// Sum over a chunk's groups of four columns of `b0 * b1 + b2 * b3`: the constant that comes with the inner-product
/// identity. `b` gives the lower bytes' values by column, at most 255: [`super::MAX_CHUNK_COLUMNS`] of them fit.
#[inline(never)]
fn products(columns: Range<usize>, b: &dyn Fn(usize) -> i32) -> i32 {
    columns.step_by(2).map(|column| b(column) * b(column + 1)).sum()
}

/// See [`Weights::fold`]. A chunk gives an A row `(256 * s - c) >> 8` where it should give s, and a B row `s + c`.
pub(super) fn fold8<L: Layouts>(weights: &Weights<'_>, row: usize) -> Option<i32> {
    let w = |row: usize, column: usize| i32::from(weights.get_of::<L>(row, column));
    let mut fold = 0_i32;
    for columns in weights.chunks() {
        let c = products(columns.clone(), &|column| w(row | 1, column));
        let excess = if row.is_multiple_of(2) {
            check_range(columns, c, &|column| w(row, column))?;
            -c >> 8
        } else {
            c
        };
        fold = fold.wrapping_sub(excess);
    }
    Some(fold)
}

/// See [`Weights::fold`]. The bytes of a lane are `h = 16 * w0 + w1 + 8` and `l = 16 * (w2 + 8) + w3 + 8`; with `e` and
/// `f` their lower halves, a chunk gives the four rows `(h' - e') >> 4`, `e'`, `(l' - f') >> 4` and `f'`, where
/// h' = (256 sum h x - c) >> 8, l' = sum l x + c, e' = (256 sum e x - d) >> 8 and f' = sum f x + d. What the excesses of 8
/// and 128 add depends on the inputs, and the kernel takes it off.
pub(super) fn fold4<L: Layouts>(weights: &Weights<'_>, row: usize) -> Option<i32> {
    let first = row - row % BLOCK_ROWS;
    let w = |row: usize, column: usize| i32::from(weights.get_of::<L>(first + row, column));
    let mut fold = 0_i32;
    for columns in weights.chunks() {
        let c = products(columns.clone(), &|column| 16 * w(2, column) + w(3, column) + 136);
        let d = products(columns.clone(), &|column| w(3, column) + 8);
        let excess = match row % BLOCK_ROWS {
            0 => {
                check_range(columns, c, &|column| 16 * w(0, column) + w(1, column) + 8)?;
                ((-c >> 8) - (-d >> 8)) >> 4
            }
            1 => {
                check_range(columns, d, &|column| w(1, column) + 8)?;
                -d >> 8
            }
            // 16 * 255 * 15 * columns and what c has more than d stay within 32 bits in any chunk.
            2 => (c - d) >> 4,
            _ => d,
        };
        fold = fold.wrapping_sub(excess);
    }
    Some(fold)
}

/// Whether `256 * sum a x - c` stays within 32 bits for all inputs x of 0..=255.
#[inline(never)]
fn check_range(columns: Range<usize>, c: i32, a: &dyn Fn(usize) -> i32) -> Option<()> {
    let (mut low, mut high) = (0, 0);
    for column in columns {
        let weight = a(column);
        if weight < 0 { low += weight } else { high += weight }
    }
    let fits = |sum: i32| i32::try_from(256 * 255 * i64::from(sum) - i64::from(c)).is_ok();
    (fits(low) && fits(high)).then_some(())
}
