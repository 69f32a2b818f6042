//! Writes model files, as `pinhole_shared::model` specifies them.

use pinhole_shared::layout::{Layout, Weights, pack};
use pinhole_shared::model::{
    ALIGNMENT, Activation, HEADER_BYTES, Layer, MAGIC, Output, RECORD_BYTES, Tensor, VERSION, Weighted, put_policy,
    seal,
};
use pinhole_shared::pixels::InputShape;
use pinhole_shared::policy::Policy;
use pinhole_shared::shape::{Padding, Shape, Window};

use super::plan::Plan;

/// A quantized layer, ready for a model file.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each field is that of the same name in the type that the variant names")]
pub enum QuantizedLayer {
    /// See [`pinhole_shared::model::Dense`].
    Dense { weighted: QuantizedWeights, activation: Activation, output: Output },
    /// See [`pinhole_shared::model::Conv`].
    Conv { weighted: QuantizedWeights, is_depthwise: bool, window: Window, pool: u8, output: QuantizedTensor },
    /// See [`pinhole_shared::model::Pool`].
    Pool { takes_largest: bool, window: Window, output: QuantizedTensor },
    /// See [`pinhole_shared::model::GlobalAverage`].
    GlobalAverage { bias: i32, multiplier: i32, pre_shift: u8, input_scale: f32, output: QuantizedTensor },
    /// See [`pinhole_shared::model::Add`].
    Add { first: i32, second: i32, start: i32, shift: u8, from: usize, input_scale: f32, output: QuantizedTensor },
}

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
}

/// An 8-bit tensor without an offset in the arena yet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuantizedTensor {
    /// Height, width, channels.
    pub shape: Shape,
    /// Zero point.
    pub zero: u8,
    /// Real value of one unit.
    pub scale: f32,
    /// Smallest and largest byte.
    pub range: (u8, u8),
}

impl QuantizedLayer {
    /// Copies the parts of a parsed layer.
    pub fn of(layer: &Layer<'_>) -> Self {
        let tensor = |tensor: &Tensor, range| {
            let Tensor { shape, zero, scale, place: _ } = *tensor;
            QuantizedTensor { shape, zero, scale, range }
        };
        match layer {
            Layer::Dense(dense) => Self::Dense {
                weighted: QuantizedWeights::of(&dense.weighted),
                activation: dense.activation,
                output: dense.output,
            },
            Layer::Conv(conv) | Layer::Depthwise(conv) => Self::Conv {
                weighted: QuantizedWeights::of(&conv.weighted),
                is_depthwise: matches!(layer, Layer::Depthwise(_)),
                window: conv.window,
                pool: conv.pool,
                output: tensor(&conv.output, (conv.low, conv.high)),
            },
            Layer::MaxPool(pool) | Layer::AveragePool(pool) => Self::Pool {
                takes_largest: matches!(layer, Layer::MaxPool(_)),
                window: pool.window,
                output: tensor(&pool.output, (0, u8::MAX)),
            },
            Layer::GlobalAverage(average) => Self::GlobalAverage {
                bias: average.bias,
                multiplier: average.multiplier,
                pre_shift: average.pre_shift,
                input_scale: average.input.scale,
                output: tensor(&average.output, (average.low, average.high)),
            },
            Layer::Add(add) => Self::Add {
                first: add.first,
                second: add.second,
                start: add.start,
                shift: add.shift,
                from: add.from.into(),
                input_scale: add.input.scale,
                output: tensor(&add.output, (add.low, add.high)),
            },
        }
    }

    /// Returns the weights, if the layer has any.
    pub fn weighted(&self) -> Option<&QuantizedWeights> {
        match self {
            Self::Dense { weighted, .. } | Self::Conv { weighted, .. } => Some(weighted),
            _ => None,
        }
    }

    /// Returns the weights to change, if the layer has any.
    pub fn weighted_mut(&mut self) -> Option<&mut QuantizedWeights> {
        match self {
            Self::Dense { weighted, .. } | Self::Conv { weighted, .. } => Some(weighted),
            _ => None,
        }
    }

    /// Returns the tensor that the layer writes; dense layers write none.
    pub fn output(&self) -> Option<&QuantizedTensor> {
        match self {
            Self::Dense { .. } => None,
            Self::Conv { output, .. }
            | Self::Pool { output, .. }
            | Self::GlobalAverage { output, .. }
            | Self::Add { output, .. } => Some(output),
        }
    }

    /// Returns the number of multiply-accumulates.
    fn macs(&self) -> u32 {
        match self {
            Self::Dense { weighted, .. } => weighted.weights.len() as u32,
            Self::Conv { weighted, pool, output, .. } => {
                (weighted.weights.len() * output.shape.places() * usize::from(*pool) * usize::from(*pool)) as u32
            }
            _ => 0,
        }
    }
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
        }
    }

    /// Returns the number of rows: outputs of a dense layer, channels of a convolution.
    pub fn outputs(&self) -> usize {
        self.biases.len()
    }

    /// Returns the weights in their layout, and the biases with the layout's offset folded in. `None` if a row's sum does not
    /// fit.
    pub fn packed(&self) -> Option<(Vec<u8>, Vec<i32>)> {
        let (inputs, outputs, chunk) = (self.inputs, self.outputs(), self.chunk_columns);
        let mut bytes = vec![0; usize::try_from(Weights::bytes_of(self.layout, inputs, outputs)?).ok()?];
        let weight = |row: usize, column: usize| self.weights[row * inputs + column];
        pack(self.layout, (inputs, outputs), chunk, weight, &mut bytes);
        let weights = Weights::new(self.layout, &bytes, inputs, outputs, chunk)?;
        // Modulo 2^32, like the kernel's sums.
        let fold = |(row, &bias): (usize, &i32)| Some(bias.wrapping_add(weights.fold(row)?));
        let biases = self.biases.iter().enumerate().map(fold).collect::<Option<_>>()?;
        Some((bytes, biases))
    }
}

/// Writes a model file: header, layer table, each layer's biases, multipliers and weights, then the class names.
///
/// Returns `None` if a layer's weights do not fit the sums of its layout. Row-major weights always fit.
pub fn encode(input: InputShape, classes: &[String], policy: Policy, layers: &[QuantizedLayer]) -> Option<Vec<u8>> {
    let mut file = vec![0; HEADER_BYTES + layers.len() * RECORD_BYTES];
    let plan = Plan::of(layers);
    for (index, layer) in layers.iter().enumerate() {
        let sections = match layer.weighted() {
            Some(weighted) => append_weights(&mut file, weighted)?,
            None => [0; 3],
        };
        let record = Fields(&mut file[HEADER_BYTES + index * RECORD_BYTES..][..RECORD_BYTES]);
        put_record(record, layer, sections, plan.places[index]);
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
    header.put(16, &input.color.pipeline_id().to_le_bytes());
    header.put(20, &input.side.to_le_bytes());
    header.put(22, &input.side.to_le_bytes());
    header.put(24, &input.color.channels().to_le_bytes());
    header.put(26, &(classes.len() as u16).to_le_bytes());
    header.put(28, &(layers.len() as u16).to_le_bytes());
    header.put(30, &(RECORD_BYTES as u16).to_le_bytes());
    header.put(32, &names.to_le_bytes());
    header.put(36, &(names_bytes as u32).to_le_bytes());
    header.put(40, &layers.iter().map(QuantizedLayer::macs).sum::<u32>().to_le_bytes());
    header.put(52, &plan.arena_bytes.to_le_bytes());
    put_policy(&mut file, policy);
    seal(&mut file);
    Some(file)
}

/// Appends a layer's sections and returns the offsets of weights, biases and multipliers.
fn append_weights(file: &mut Vec<u8>, layer: &QuantizedWeights) -> Option<[u32; 3]> {
    let (weights, biases) = layer.packed()?;
    let biases = append(file, biases.iter().flat_map(|bias| bias.to_le_bytes()));
    let multipliers = append(file, layer.multipliers.iter().flat_map(|multiplier| multiplier.to_le_bytes()));
    Some([append(file, weights.into_iter()), biases, multipliers])
}

fn put_record(mut record: Fields<'_>, layer: &QuantizedLayer, sections: [u32; 3], place: u32) {
    let kind: u16 = match layer {
        QuantizedLayer::Dense { .. } => 1,
        QuantizedLayer::Conv { is_depthwise: false, .. } => 2,
        QuantizedLayer::Conv { .. } => 3,
        QuantizedLayer::Pool { takes_largest: true, .. } => 4,
        QuantizedLayer::Pool { .. } => 5,
        QuantizedLayer::GlobalAverage { .. } => 6,
        QuantizedLayer::Add { .. } => 7,
    };
    record.put(0, &kind.to_le_bytes());
    if let Some(weighted) = layer.weighted() {
        record.put(4, &[weighted.layout as u8, weighted.pre_shift]);
        record.put(6, &(weighted.chunk_columns as u16).to_le_bytes());
        let [weights, biases, multipliers] = sections;
        record.put_words(8, &[weighted.inputs as u32, weighted.outputs() as u32, weights, biases, multipliers]);
        record.put(28, &weighted.accumulator_bound.to_le_bytes());
        record.put(32, &weighted.input_scale.to_le_bytes());
        record.put(36, &weighted.output_scale.to_le_bytes());
    }
    if let Some(QuantizedTensor { shape, zero, scale, range: (low, high) }) = layer.output() {
        record.put(36, &scale.to_le_bytes());
        record.put(40, &shape.height.to_le_bytes());
        record.put(42, &shape.width.to_le_bytes());
        record.put(44, &shape.channels.to_le_bytes());
        record.put(57, &[*zero, *low, *high]);
        record.put(60, &place.to_le_bytes());
    }
    match layer {
        QuantizedLayer::Dense { activation, output, .. } => record.put(2, &[*activation as u8, *output as u8]),
        QuantizedLayer::Conv { window, pool, .. } => {
            record.put_window(window);
            record.put(56, &[*pool]);
        }
        QuantizedLayer::Pool { window, output, .. } => {
            record.put(32, &output.scale.to_le_bytes());
            record.put_window(window);
        }
        QuantizedLayer::GlobalAverage { bias, multiplier, pre_shift, input_scale, .. } => {
            record.put(5, &[*pre_shift]);
            record.put_words(20, &[*bias as u32, *multiplier as u32]);
            record.put(32, &input_scale.to_le_bytes());
        }
        QuantizedLayer::Add { first, second, start, shift, from, input_scale, .. } => {
            record.put(5, &[*shift]);
            record.put_words(16, &[*first as u32, *second as u32, *start as u32]);
            record.put(32, &input_scale.to_le_bytes());
            record.put(46, &(*from as u16).to_le_bytes());
        }
    }
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
    fn put_words(&mut self, offset: usize, words: &[u32]) {
        for (place, word) in words.iter().enumerate() {
            self.put(offset + 4 * place, &word.to_le_bytes());
        }
    }

    fn put_window(&mut self, window: &Window) {
        let Window { height, width, stride_y, stride_x, padding: Padding { top, left, bottom, right } } = *window;
        self.put(48, &[height, width, stride_y, stride_x, top, left, bottom, right]);
    }

    fn put(&mut self, offset: usize, bytes: &[u8]) {
        self.0[offset..][..bytes.len()].copy_from_slice(bytes);
    }
}
