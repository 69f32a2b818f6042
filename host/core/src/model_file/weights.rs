//! Quantized weights of a layer.

use pinhole_shared::layout::{BandOrder, Layout, Weights, pack};
use pinhole_shared::model::format::{Bytes, record};
use pinhole_shared::model::{Conv, Weighted};

/// Rows of weights, and the requantization of their sums.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantizedWeights {
    /// Number of inputs of a row.
    pub inputs: usize,
    /// Weights, row-major, one row an output, within the layout's range.
    pub weights: Vec<i8>,
    /// Bias of each row in accumulator units, without the offset that a layout folds in.
    pub biases: Vec<i32>,
    /// Multiplier of each row: see [`pinhole_shared::fixed::requantize`].
    pub multipliers: Vec<i32>,
    /// Left shift of a sum before its multiplication, bits.
    pub pre_shift: u8,
    /// Largest magnitude of a row's sum, its bias included.
    pub accumulator_bound: u32,
    /// Real value of one unit of the inputs.
    pub input_scale: f32,
    /// Real value of one unit of the outputs.
    pub output_scale: f32,
    /// Memory layout of the weights.
    pub layout: Layout,
    /// Columns of a chunk; 0 in row-major layouts.
    pub chunk_columns: usize,
    /// Order of the columns in layouts of bands ([`Layout::is_band`]); `None` in other layouts.
    pub band: Option<BandOrder>,
}

impl QuantizedWeights {
    /// Copies the parts of a parsed layer's weights.
    pub fn of(weighted: &Weighted<'_>) -> Self {
        let weights = weighted.operands.weights;
        let (inputs, outputs) = (weights.inputs(), weights.outputs());
        Self {
            inputs,
            weights: (0..outputs).flat_map(|row| (0..inputs).map(move |column| weights.get(row, column))).collect(),
            biases: (0..outputs).map(|row| weighted.bias(row)).collect(),
            multipliers: weighted.multipliers.to_vec(),
            pre_shift: weighted.pre_shift,
            accumulator_bound: weighted.accumulator_bound,
            input_scale: weighted.input_scale,
            output_scale: weighted.output_scale,
            layout: weights.layout(),
            chunk_columns: if weights.layout().has_chunks() { weights.chunk_columns() } else { 0 },
            band: None,
        }
    }

    /// Copies the parts of a parsed convolution's weights.
    pub(super) fn of_conv(conv: &Conv<'_>) -> Self {
        let mut parts = Self::of(&conv.weighted);
        if parts.layout.is_band() {
            let (weights, order) = (conv.weighted.operands.weights, conv.band_order());
            parts.inputs = order.height * order.width * order.channels;
            let row = |row| (0..parts.inputs).map(move |column| weights.get(row, order.of_row_major(column)));
            parts.weights = (0..parts.outputs()).flat_map(row).collect();
            parts.band = Some(order);
        }
        parts
    }

    /// Returns the number of rows: outputs of a dense layer, channels of a convolution.
    pub fn outputs(&self) -> usize {
        self.biases.len()
    }

    /// Columns of the layout, with those that fill up a column of a window.
    fn columns(&self) -> usize {
        self.band.map_or(self.inputs, BandOrder::columns)
    }

    /// Returns the weights in their layout, and the biases with the layout's offset folded in. `None` if a row's sum does not
    /// fit.
    pub fn packed(&self) -> Option<(Vec<u8>, Vec<i32>)> {
        let (inputs, outputs, chunk) = (self.columns(), self.outputs(), self.chunk_columns);
        let mut bytes = vec![0; usize::try_from(Weights::bytes_of(self.layout, inputs, outputs)?).ok()?];
        let weight = |row: usize, column: usize| {
            let column = self.band.map_or(Some(column), |order| order.row_major(column));
            column.map_or(0, |column| self.weights[row * self.inputs + column])
        };
        pack(self.layout, (inputs, outputs), chunk, weight, &mut bytes);
        let weights = Weights::new(self.layout, &bytes, inputs, outputs, chunk)?;
        // Modulo 2^32, like the kernel's sums.
        let fold = |(row, &bias): (usize, &i32)| Some(bias.wrapping_add(weights.fold(row)?));
        let biases = self.biases.iter().enumerate().map(fold).collect::<Option<_>>()?;
        Some((bytes, biases))
    }

    /// Writes the fields of layers with weights; the sections of weights, biases and multipliers start at these offsets.
    pub(super) fn put(&self, block: &mut Bytes, [weights, biases, multipliers]: [u32; 3]) {
        record::LAYOUT.put(block, self.layout as u8);
        record::PRE_SHIFT.put(block, self.pre_shift);
        record::CHUNK_COLUMNS.put(block, self.chunk_columns as u16);
        record::INPUTS.put(block, self.columns() as u32);
        record::OUTPUTS.put(block, self.outputs() as u32);
        record::WEIGHTS.put(block, weights);
        record::BIASES.put(block, biases);
        record::MULTIPLIERS.put(block, multipliers);
        record::ACCUMULATOR_BOUND.put(block, self.accumulator_bound);
        record::INPUT_SCALE.put(block, self.input_scale);
        record::OUTPUT_SCALE.put(block, self.output_scale);
    }
}
