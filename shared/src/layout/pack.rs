//! Weights into a layout: the other way round of [`super::Weights::get`]. The host's work; here because it is the same
//! knowledge.

use super::channels;
use super::conv_pool::{ROW_BYTES, half};
use super::dsp::nibble_wide4;
use super::{BLOCK_ROWS, Lanes, Layout, Weights};

/// Writes weights into a layout: `bytes` are all 0 and as many as [`Weights::bytes_of`] says, `weight` gives a row's
/// and column's weight, each within +-[`Layout::max_weight`].
///
/// # Panics
/// If there are fewer bytes.
pub fn pack(
    layout: Layout,
    (inputs, outputs): (usize, usize),
    chunk_columns: usize,
    weight: impl Fn(usize, usize) -> i8,
    bytes: &mut [u8],
) {
    if layout.is_rows() {
        for row in 0..outputs {
            for column in 0..inputs {
                let weight = weight(row, column) as u8;
                if layout == Layout::Rows8 {
                    bytes[row * inputs + column] = weight;
                } else {
                    bytes[row * inputs.div_ceil(2) + column / 2] |= (weight & 15) << (column % 2 * 4);
                }
            }
        }
        return;
    }
    if layout == Layout::DspConvPool8 {
        for (row, bytes) in bytes.chunks_exact_mut(ROW_BYTES).take(outputs).enumerate() {
            for column in 0..inputs {
                bytes[half(column)..][..2].copy_from_slice(&i16::from(weight(row, column)).to_le_bytes());
            }
        }
        return;
    }
    if layout.is_of_channels() {
        for row in 0..outputs {
            for column in 0..inputs {
                let weight = i16::from(weight(row, column)).to_le_bytes();
                bytes[channels::half(inputs, row, column)..][..2].copy_from_slice(&weight);
            }
        }
        return;
    }
    let shape = Weights { layout, bytes: &[], inputs, outputs, chunk_columns };
    for first in (0..outputs).step_by(BLOCK_ROWS) {
        for column in 0..shape.padded_inputs() {
            let place = shape.place(first, column);
            // Rows and columns that fill up have weights of 0.
            let w: [i32; BLOCK_ROWS] = core::array::from_fn(|row| {
                let inside = first + row < outputs && column < inputs;
                if inside { i32::from(weight(first + row, column)) } else { 0 }
            });
            let (word, half) = Lanes::of(column);
            // Groups of four columns before this one, and where in the group, in 8 bits a weight.
            let four = place.weights_before + place.column / 4 * 16;
            match layout {
                Layout::Rows8 | Layout::Rows4 | Layout::DspConvPool8 | Layout::DspChannels8 | Layout::DspChannels4 => {}
                Layout::DspPixels8 => {
                    for pair in 0..2 {
                        let lane = (256 * w[2 * pair] + w[2 * pair + 1]) as u16;
                        bytes[four + pair * 8 + word * 4 + half * 2..][..2].copy_from_slice(&lane.to_le_bytes());
                    }
                }
                Layout::DspWide8 => {
                    for (row, &w) in w.iter().enumerate() {
                        bytes[four + row * 4 + [0, 2, 1, 3][column % 4]] = w as u8;
                    }
                }
                Layout::DspWide4 => {
                    for (row, &w) in w.iter().enumerate() {
                        let (at, shift) = nibble_wide4(place.weights_before, row, place.column);
                        bytes[at] |= (w as u8 & 15) << shift;
                    }
                }
                Layout::DspPixels4 => {
                    let lane = [16 * (w[2] + 8) + w[3] + 8, 16 * w[0] + w[1] + 8].map(|byte| byte as u8);
                    bytes[four / 2 + word * 4 + half * 2..][..2].copy_from_slice(&lane);
                }
                Layout::DualMacPixels8 | Layout::DualMacPixels7 => {
                    let excess = if layout == Layout::DualMacPixels8 { 128 } else { 64 };
                    for (row, &w) in w.iter().enumerate() {
                        let at = place.weights_before + place.column / 2 * 8 + row / 2 * 4 + row % 2 * 2 + column % 2;
                        bytes[at] = (w + excess) as u8;
                    }
                }
                Layout::DualMacPixels4 => {
                    for (row, &w) in w.iter().enumerate() {
                        let at = four / 2 + row / 2 * 4 + row % 2 * 2 + column % 4 / 2;
                        bytes[at] |= ((w + 8) as u8) << (column % 2 * 4);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{CONV_POOL_COLUMNS, GROUP_COLUMNS};
    use std::vec;

    /// Every layout gives back what went in, for all small shapes, chunks and some weights at the ends of the range.
    #[test]
    fn nothing_is_lost() {
        let mut state = 1_u32;
        for layout in Layout::ALL {
            let max = i32::from(layout.max_weight());
            for (inputs, outputs) in (1..=35).flat_map(|inputs| (1..=9).map(move |outputs| (inputs, outputs))) {
                if layout == Layout::DspConvPool8 && inputs != CONV_POOL_COLUMNS {
                    let bytes = vec![0; outputs * ROW_BYTES];
                    assert!(Weights::new(layout, &bytes, inputs, outputs, 0).is_none(), "{inputs}");
                    continue;
                }
                for chunk in [GROUP_COLUMNS, 2 * GROUP_COLUMNS, 1024] {
                    let weights: vec::Vec<i8> = (0..inputs * outputs)
                        .map(|_| {
                            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                            // A third at either end of the range.
                            ((state >> 16) as i32 % (3 * max) - 3 * max / 2).clamp(-max, max) as i8
                        })
                        .collect();
                    let mut bytes = vec![0; Weights::bytes_of(layout, inputs, outputs).unwrap() as usize];
                    pack(layout, (inputs, outputs), chunk, |row, column| weights[row * inputs + column], &mut bytes);
                    let packed = Weights::new(layout, &bytes, inputs, outputs, chunk).unwrap();
                    for row in 0..packed.padded_outputs() {
                        for column in 0..packed.padded_inputs() {
                            let inside = row < outputs && column < inputs;
                            let expected = if inside { weights[row * inputs + column] } else { 0 };
                            assert_eq!(packed.get(row, column), expected, "{layout:?} {row} {column}");
                        }
                    }
                }
            }
        }
    }
}
