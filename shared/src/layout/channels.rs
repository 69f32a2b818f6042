//! [`super::Layout::DspChannels8`] and its twin of 4 bits: for each four channels and each column, 16 bits a weight, the words
//! (0, 2) and (1, 3), as UXTB16 widens the channels' four bytes.

use super::BLOCK_ROWS;

/// Byte of the 16 bits of a channel's weight.
pub(super) const fn half(columns: usize, row: usize, column: usize) -> usize {
    let (block, row) = (row / BLOCK_ROWS, row % BLOCK_ROWS);
    (block * columns + column) * 2 * BLOCK_ROWS + row % 2 * 4 + row / 2 * 2
}

/// Writes weights into the layout.
pub(super) fn pack((columns, rows): (usize, usize), weight: impl Fn(usize, usize) -> i8, bytes: &mut [u8]) {
    for row in 0..rows {
        for column in 0..columns {
            let weight = i16::from(weight(row, column)).to_le_bytes();
            bytes[half(columns, row, column)..][..2].copy_from_slice(&weight);
        }
    }
}

/// The weight of a channel and column; -128, which no weight may be, for what is none of 8 bits.
pub(super) fn get(byte: impl Fn(usize) -> u8, columns: usize, row: usize, column: usize) -> i8 {
    let at = half(columns, row, column);
    i8::try_from(i16::from_le_bytes([byte(at), byte(at + 1)])).unwrap_or(i8::MIN)
}
