//! Layouts of [`crate::kernel::Dsp`], where the algebra is explained.

use core::ops::Range;

use super::{BLOCK_ROWS, Layout, Layouts, Position, Weights};

/// In which of the words of four columns, and in which 16-bit half of it, a column of a pixel layout lies: pixels 0 and
/// 2 share a word, and 1 and 3, because that is how UXTB16 widens four bytes.
pub struct Lanes;

impl Lanes {
    /// (word, half), each 0 or 1, of column 0..4.
    pub const fn of(column: usize) -> (usize, usize) {
        (column % 2, column % 4 / 2)
    }
}

/// Columns of a chunk in [`super::Layout::DspWide4`], at most: 16 * 7 * 2^15 times as many stay within 32 bits.
pub(super) const MAX_WIDE4_COLUMNS: usize = 512;

/// Byte, and bits to shift, of a position in [`super::Layout::DspWide4`].
pub(super) const fn nibble_wide4(weights_before: usize, row: usize, column: usize) -> (usize, usize) {
    // Eight columns of a block: a word a row. Upper halves of the bytes are columns 0 to 3, as SXTB16 takes them, lower
    // ones 4 to 7.
    (weights_before / 2 + column / 8 * 16 + row * 4 + [0, 2, 1, 3][column % 4], if column % 8 < 4 { 4 } else { 0 })
}

/// Writes the weights of a column in a block of four rows.
pub(super) fn pack(layout: Layout, position: Position, w: [i32; BLOCK_ROWS], bytes: &mut [u8]) {
    let Position { weights_before, column, .. } = position;
    let (word, half) = Lanes::of(column);
    // Groups of four columns before this one, and where in the group, in 8 bits a weight.
    let four = weights_before + column / 4 * 16;
    match layout {
        Layout::DspPixels8 => {
            for pair in 0..2 {
                let lane = (256 * w[2 * pair] + w[2 * pair + 1]) as u16;
                bytes[four + pair * 8 + word * 4 + half * 2..][..2].copy_from_slice(&lane.to_le_bytes());
            }
        }
        Layout::DspPixels4 => {
            let lane = [16 * (w[2] + 8) + w[3] + 8, 16 * w[0] + w[1] + 8].map(|byte| byte as u8);
            bytes[four / 2 + word * 4 + half * 2..][..2].copy_from_slice(&lane);
        }
        Layout::DspWide8 => {
            for (row, &w) in w.iter().enumerate() {
                bytes[four + row * 4 + [0, 2, 1, 3][column % 4]] = w as u8;
            }
        }
        _ => {
            for (row, &w) in w.iter().enumerate() {
                let (at, shift) = nibble_wide4(weights_before, row, column);
                bytes[at] |= (w as u8 & 15) << shift;
            }
        }
    }
}

/// The weight at a position in one of this module's layouts.
pub(super) fn get(layout: Layout, byte: impl Fn(usize) -> u8, position: Position) -> i8 {
    let Position { weights_before, row, column } = position;
    let (word, half) = Lanes::of(column);
    let (fours, lane) = (column / 4, word * 2 + half);
    let at = match layout {
        // Four columns of a block: 16 bytes, the words P and Q of the first pair of rows, then those of the second.
        Layout::DspPixels8 | Layout::DspBand8 => weights_before + fours * 16 + row / 2 * 8 + lane * 2,
        // Four columns of a block: 8 bytes, the words P and Q.
        Layout::DspPixels4 => weights_before / 2 + fours * 8 + lane * 2,
        // Four columns of a block: a word a row. Bytes 0 and 2 are columns 0 and 1, as SXTB16 takes them.
        Layout::DspWide8 => weights_before + fours * 16 + row * 4 + lane,
        _ => nibble_wide4(weights_before, row, column).0,
    };
    let lane = i16::from_le_bytes([byte(at), byte(at + 1)]);
    let low = lane as i8;
    (match layout {
        // The lane is the number 256 * a + b, so a negative b has borrowed from the upper byte.
        Layout::DspPixels8 | Layout::DspBand8 if row.is_multiple_of(2) => (i32::from(lane) - i32::from(low)) >> 8,
        Layout::DspPixels8 | Layout::DspBand8 | Layout::DspWide8 => i32::from(low),
        // 4096 * a, signed, and the others each 8 too large.
        Layout::DspPixels4 if row == 0 => i32::from(lane) >> 12,
        Layout::DspPixels4 => (i32::from(lane) >> (12 - 4 * row) & 15) - 8,
        _ if fours.is_multiple_of(2) => i32::from(low) >> 4,
        _ => i32::from(low) << 28 >> 28,
    }) as i8
}

/// See [`Weights::fold`].
///
/// In 8 bits a lane is `256 * upper + lower` of two rows, and a chunk gives the upper one `(256 * s - c) >> 8` where it
/// should give s, and the lower one `s + c`.
///
/// In 4 bits the bytes of a lane are `h = 16 * w0 + w1 + 8` and `l = 16 * (w2 + 8) + w3 + 8`, and the masked lane has their
/// lower halves e and f: two such pairs, (h, l) with its c and (e, f) with its d. A chunk gives the four rows
/// `(h' - e') >> 4`, `e'`, `(l' - f') >> 4` and `f'`, where h' = (256 sum h x - c) >> 8, l' = sum l x + c,
/// e' = (256 sum e x - d) >> 8 and f' = sum f x + d. What the excesses of 8 and 128 add depends on the inputs, and the kernel takes it off.
/// 16 * 255 * 15 * columns and what c has more than d stay within 32 bits in any chunk.
pub(super) fn fold<L: Layouts>(weights: &Weights<'_>, row: usize) -> Option<i32> {
    let four_bits = weights.layout == Layout::DspPixels4;
    let place = row % BLOCK_ROWS;
    // Which pair, and which of the pair: rows 0 and 1 are a pair in 8 bits, rows 0 and 2 have one's in 4.
    let (pair, lower) = if four_bits { (place % 2, place / 2) } else { (place / 2, place % 2) };
    let mut fold = 0_i32;
    let mut start = 0;
    while start < weights.padded_inputs() {
        let end = weights.padded_inputs().min(start + weights.chunk_columns.max(1));
        let of_pair = |pair| Pair { block: row - place, pair, columns: start..end }.excess::<L>(weights, lower);
        let (mut excess, fits) = of_pair(pair);
        if !fits {
            return None;
        }
        if four_bits && pair == 0 {
            excess = (excess - of_pair(1).0) >> 4;
        }
        fold = fold.wrapping_sub(excess);
        start = end;
    }
    Some(fold)
}

/// Numbers that share lanes, in a chunk.
struct Pair {
    /// First row of the block.
    block: usize,
    /// Which of the block's two.
    pair: usize,
    columns: Range<usize>,
}

impl Pair {
    /// The upper (0) or lower (1) number of a lane, as it takes part in sums.
    fn number<L: Layouts>(&self, weights: &Weights<'_>, lower: usize, column: usize) -> i32 {
        let w = |row: usize| i32::from(weights.get_of::<L>(self.block + row, column));
        if weights.layout != Layout::DspPixels4 {
            return w(2 * self.pair + lower);
        }
        let low = w(2 * lower + 1) + 8;
        if self.pair == 0 { 16 * (w(2 * lower) + 8 * lower as i32) + low } else { low }
    }

    /// Returns the excess of a sum of upper or lower numbers, and true if the sums fit 32 bits: `256 * sum upper x - c`, for
    /// all inputs x in 0..=255. (Sums of lower numbers always fit.)
    #[cfg_attr(target_os = "none", inline(never))]
    fn excess<L: Layouts>(&self, weights: &Weights<'_>, lower: usize) -> (i32, bool) {
        // The sum of `b0 * b1 + b2 * b3`, the constant that comes with the inner-product identity; b is at most 255, and
        // [`super::MAX_CHUNK_COLUMNS`] of them fit.
        let (mut c, mut before) = (0, 0);
        let (mut low, mut high) = (0, 0);
        for column in self.columns.clone() {
            let b = self.number::<L>(weights, 1, column);
            if column % 2 == 1 {
                c += before * b;
            }
            before = b;
            if lower == 0 {
                let a = self.number::<L>(weights, 0, column);
                if a < 0 { low += a } else { high += a }
            }
        }
        let fits = |sum: i32| i32::try_from(256 * 255 * i64::from(sum) - i64::from(c)).is_ok();
        if lower == 0 { (-c >> 8, fits(low) && fits(high)) } else { (c, true) }
    }
}
