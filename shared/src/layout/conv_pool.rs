//! [`super::Layout::DspConvPool8`]: 16 bits a weight, in the order in which [`crate::kernel::Dsp`] has a patch's pixels.

/// Columns of such a layer: a window of 3 x 3 over one channel.
pub const CONV_POOL_COLUMNS: usize = 9;

/// With the columns that fill up each row of the window to four.
pub(super) const PADDED_COLUMNS: usize = 12;
/// Words of an output's weights.
pub const CONV_POOL_ROW_WORDS: usize = 6;
/// Bytes of an output's weights.
pub(super) const ROW_BYTES: usize = 4 * CONV_POOL_ROW_WORDS;

/// Byte, within an output's, of the 16 bits of a column. A row of the window is two words: its columns 0 and 2, and column
/// 1 with what fills up. Columns from 9 on are what fills up.
pub(super) const fn half(column: usize) -> usize {
    let (row, column) =
        if column < CONV_POOL_COLUMNS { (column / 3, column % 3) } else { (column - CONV_POOL_COLUMNS, 3) };
    row * 8 + column % 2 * 4 + column / 2 * 2
}

/// Writes weights into the layout.
pub(super) fn pack((columns, rows): (usize, usize), weight: impl Fn(usize, usize) -> i8, bytes: &mut [u8]) {
    for (row, bytes) in bytes.chunks_exact_mut(ROW_BYTES).take(rows).enumerate() {
        for column in 0..columns {
            bytes[half(column)..][..2].copy_from_slice(&i16::from(weight(row, column)).to_le_bytes());
        }
    }
}

/// The weight of a row and column; -128, which no weight may be, for what is none of 8 bits.
pub(super) fn get(byte: impl Fn(usize) -> u8, row: usize, column: usize) -> i8 {
    let at = row * ROW_BYTES + half(column);
    i8::try_from(i16::from_le_bytes([byte(at), byte(at + 1)])).unwrap_or(i8::MIN)
}
