//! Weights in blocks of 16 rows.

use pinhole_shared::layer::{Conv, Dense, Weighted};

use super::padded::Padded;
use super::{ROWS, take};

/// Bytes of a group of columns, of one row.
pub(super) const GROUP: usize = 4;

/// 32 bits of each of 16 rows: a group of weights, or a sum.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
pub(super) struct Lanes(pub(super) [i32; ROWS]);

/// Weights of a layer, and what requantizes their sums.
#[derive(Debug)]
pub(super) struct Packed {
    /// A vector for each group of columns: of each row, as many weights as elements fit in 4 bytes, 0 past the end of the window's
    /// row. Of a depthwise convolution, a vector for each column: of each row, a weight in 32 bits. Block by block.
    weights: Vec<Lanes>,
    /// Where each of a block's groups is in the input, bytes from the window's start.
    pub(super) offsets: Vec<usize>,
    /// Start of each row's sum: a vector for each block, 0 in rows that fill it up.
    pub(super) biases: Vec<Lanes>,
    /// Multiplier of each row's sum, in the same order.
    pub(super) multipliers: Vec<Lanes>,
    /// Shift of the sums before their multiplication, bits; see [`pinhole_shared::fixed::requantize`].
    pub(super) pre_shift: u8,
}

impl Packed {
    /// Packs a convolution's weights for its input with padding. `None` if they take more bytes than are left for the model.
    pub(super) fn conv(conv: &Conv<'_>, padded: Padded, left: &mut usize) -> Option<(Self, Padded)> {
        let columns = usize::from(conv.window.width) * usize::from(conv.input.shape.channels);
        Some((Self::grouped(&conv.weighted, columns, conv.window.height.into(), &padded, left)?, padded))
    }

    /// Packs a dense layer's weights, as one row of a window. `None` as for [`Packed::conv`].
    pub(super) fn dense(dense: &Dense<'_>, line: Padded, left: &mut usize) -> Option<(Self, Padded)> {
        Some((Self::grouped(&dense.weighted, dense.weighted.operands.weights.inputs(), 1, &line, left)?, line))
    }

    /// Packs a depthwise convolution's weights for its input with padding. `None` as for [`Packed::conv`].
    pub(super) fn depthwise(conv: &Conv<'_>, padded: Padded, left: &mut usize) -> Option<(Self, Padded)> {
        let weights = &conv.weighted.operands.weights;
        take(left, bytes(&conv.weighted, weights.inputs()))?;
        let (columns, step) = (usize::from(conv.window.width), usize::from(conv.input.shape.channels) * padded.element);
        let mut packed = Vec::with_capacity(blocks(&conv.weighted) * weights.inputs());
        for block in 0..blocks(&conv.weighted) {
            for column in 0..weights.inputs() {
                packed.push(lanes(block, weights.outputs(), |row| weights.get(row, column).into()));
            }
        }
        let offset = |column| column / columns * padded.pitch + column % columns * step;
        Some((Self::with(&conv.weighted, packed, (0..weights.inputs()).map(offset).collect()), padded))
    }

    fn grouped(
        weighted: &Weighted<'_>,
        columns: usize,
        lines: usize,
        padded: &Padded,
        left: &mut usize,
    ) -> Option<Self> {
        let weights = &weighted.operands.weights;
        let element = padded.element;
        let elements = GROUP / element;
        let groups = columns.div_ceil(elements);
        take(left, bytes(weighted, lines * groups))?;
        let mut packed = Vec::with_capacity(blocks(weighted) * lines * groups);
        for block in 0..blocks(weighted) {
            for line in 0..lines {
                for group in 0..groups {
                    packed.push(lanes(block, weights.outputs(), |row| {
                        let mut bytes = [0; GROUP];
                        for (place, column) in bytes.chunks_exact_mut(element).zip(group * elements..columns) {
                            let weight = i16::from(weights.get(row, line * columns + column));
                            place.copy_from_slice(&weight.to_le_bytes()[..element]);
                        }
                        i32::from_le_bytes(bytes)
                    }));
                }
            }
        }
        let offset = |group| group / groups * padded.pitch + group % groups * GROUP;
        Some(Self::with(weighted, packed, (0..lines * groups).map(offset).collect()))
    }

    fn with(weighted: &Weighted<'_>, weights: Vec<Lanes>, offsets: Vec<usize>) -> Self {
        let of = |values: &[i32]| -> Vec<Lanes> {
            (0..blocks(weighted)).map(|block| lanes(block, values.len(), |row| values[row])).collect()
        };
        let (biases, multipliers) = (of(weighted.operands.biases), of(weighted.multipliers));
        Self { weights, offsets, biases, multipliers, pre_shift: weighted.pre_shift }
    }

    /// Returns a block's weights: as many vectors as there are offsets.
    pub(super) fn block(&self, index: usize) -> &[Lanes] {
        &self.weights[index * self.offsets.len()..][..self.offsets.len()]
    }
}

/// Bytes of a layer with this many vectors of weights in each block, and as many offsets.
fn bytes(weighted: &Weighted<'_>, vectors: usize) -> Option<usize> {
    // Those of biases and multipliers too.
    let of_blocks = blocks(weighted).checked_mul(vectors.checked_add(2)?)?.checked_mul(size_of::<Lanes>())?;
    of_blocks.checked_add(vectors.checked_mul(size_of::<usize>())?)
}

fn blocks(weighted: &Weighted<'_>) -> usize {
    weighted.operands.weights.outputs().div_ceil(ROWS)
}

/// Collects values of a block's rows; 0 for those after the last.
fn lanes(block: usize, rows: usize, value: impl Fn(usize) -> i32) -> Lanes {
    let mut lanes = Lanes::default();
    for (lane, row) in lanes.0.iter_mut().zip(block * ROWS..rows) {
        *lane = value(row);
    }
    lanes
}
