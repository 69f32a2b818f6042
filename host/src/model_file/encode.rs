//! The bytes of a model file, as `pinhole_shared::model` specifies them.

use pinhole_shared::layout::{Layout, Weights, pack};
use pinhole_shared::model::{
    ALIGNMENT, Activation, Dense, HEADER_BYTES, MAGIC, Output, RECORD_BYTES, VERSION, put_policy, seal,
};
use pinhole_shared::pixels::PIPELINE_ID;
use pinhole_shared::policy::Policy;

/// A dense layer on its way into a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DenseParts {
    pub(crate) inputs: usize,
    /// Row-major, a row an output, each within the layout's range.
    pub(crate) weights: Vec<i8>,
    /// Without what a layout folds in.
    pub(crate) biases: Vec<i32>,
    pub(crate) multipliers: Vec<i32>,
    pub(crate) pre_shift: u8,
    pub(crate) activation: Activation,
    pub(crate) output: Output,
    pub(crate) accumulator_bound: u32,
    pub(crate) input_scale: f32,
    pub(crate) output_scale: f32,
    /// How the weights are written.
    pub(crate) layout: Layout,
    /// Columns of a chunk; 0 in row-major layouts.
    pub(crate) chunk_columns: usize,
}

impl DenseParts {
    /// The parts of a parsed layer.
    pub(crate) fn of(dense: &Dense<'_>) -> Self {
        let weights = dense.operands.weights;
        let (inputs, outputs) = (weights.inputs(), weights.outputs());
        Self {
            inputs,
            weights: (0..outputs).flat_map(|row| (0..inputs).map(move |column| weights.get(row, column))).collect(),
            biases: (0..outputs).map(|row| dense.bias(row)).collect(),
            multipliers: dense.multipliers.to_vec(),
            pre_shift: dense.pre_shift,
            activation: dense.activation,
            output: dense.output,
            accumulator_bound: dense.accumulator_bound,
            input_scale: dense.input_scale,
            output_scale: dense.output_scale,
            layout: weights.layout(),
            chunk_columns: if weights.layout().is_rows() { 0 } else { weights.chunk_columns() },
        }
    }

    pub(crate) fn outputs(&self) -> usize {
        self.biases.len()
    }

    /// The weights in their layout, and the biases with what it folds in; `None` when a row does not fit its sums.
    pub(crate) fn packed(&self) -> Option<(Vec<u8>, Vec<i32>)> {
        let (inputs, outputs, chunk) = (self.inputs, self.outputs(), self.chunk_columns);
        let mut bytes = vec![0; usize::try_from(Weights::bytes_of(self.layout, inputs, outputs)?).ok()?];
        let weight = |row: usize, column: usize| self.weights[row * inputs + column];
        pack(self.layout, (inputs, outputs), chunk, weight, &mut bytes);
        let weights = Weights::new(self.layout, &bytes, inputs, outputs, chunk)?;
        // Modulo 2^32, as the kernel's sums.
        let fold = |(row, &bias): (usize, &i32)| Some(bias.wrapping_add(weights.fold(row)?));
        let biases = self.biases.iter().enumerate().map(fold).collect::<Option<_>>()?;
        Some((bytes, biases))
    }
}

/// Writes a file: header, layer table, then each layer's biases, multipliers and weights, then the class names.
///
/// `None` when a layer's weights do not fit the sums of its layout; row-major ones always do.
pub(crate) fn encode(input_side: u16, classes: &[String], policy: Policy, layers: &[DenseParts]) -> Option<Vec<u8>> {
    let mut file = vec![0; HEADER_BYTES + layers.len() * RECORD_BYTES];
    let mut macs = 0;
    for (index, layer) in layers.iter().enumerate() {
        let (weights, biases) = layer.packed()?;
        let biases = append(&mut file, biases.iter().flat_map(|bias| bias.to_le_bytes()));
        let multipliers = append(&mut file, layer.multipliers.iter().flat_map(|multiplier| multiplier.to_le_bytes()));
        let weights = append(&mut file, weights.into_iter());
        macs += layer.weights.len() as u32;

        let mut record = Fields(&mut file[HEADER_BYTES + index * RECORD_BYTES..][..RECORD_BYTES]);
        record.put(0, &1_u16.to_le_bytes());
        record.put(2, &[layer.activation as u8, layer.output as u8, layer.layout as u8, layer.pre_shift]);
        record.put(6, &(layer.chunk_columns as u16).to_le_bytes());
        let words = [layer.inputs as u32, layer.biases.len() as u32, weights, biases, multipliers];
        for (place, word) in words.iter().enumerate() {
            record.put(8 + 4 * place, &word.to_le_bytes());
        }
        record.put(28, &layer.accumulator_bound.to_le_bytes());
        record.put(32, &layer.input_scale.to_le_bytes());
        record.put(36, &layer.output_scale.to_le_bytes());
    }
    let names_bytes: usize = classes.iter().map(|name| 1 + name.len()).sum();
    let names =
        append(&mut file, classes.iter().flat_map(|name| std::iter::once(name.len() as u8).chain(name.bytes())));
    let file_bytes = file.len() as u32;

    let mut header = Fields(&mut file[..HEADER_BYTES]);
    header.put(0, &MAGIC);
    header.put(4, &VERSION.to_le_bytes());
    header.put(6, &(HEADER_BYTES as u16).to_le_bytes());
    header.put(8, &file_bytes.to_le_bytes());
    header.put(16, &PIPELINE_ID.to_le_bytes());
    header.put(20, &input_side.to_le_bytes());
    header.put(22, &input_side.to_le_bytes());
    header.put(24, &1_u16.to_le_bytes());
    header.put(26, &(classes.len() as u16).to_le_bytes());
    header.put(28, &(layers.len() as u16).to_le_bytes());
    header.put(30, &(RECORD_BYTES as u16).to_le_bytes());
    header.put(32, &names.to_le_bytes());
    header.put(36, &(names_bytes as u32).to_le_bytes());
    header.put(40, &macs.to_le_bytes());
    put_policy(&mut file, policy);
    seal(&mut file);
    Some(file)
}

/// Appends a section, padded to the alignment, and returns its offset.
fn append(file: &mut Vec<u8>, section: impl Iterator<Item = u8>) -> u32 {
    let offset = file.len() as u32;
    file.extend(section);
    file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
    offset
}

struct Fields<'a>(&'a mut [u8]);

impl Fields<'_> {
    fn put(&mut self, offset: usize, bytes: &[u8]) {
        self.0[offset..][..bytes.len()].copy_from_slice(bytes);
    }
}
