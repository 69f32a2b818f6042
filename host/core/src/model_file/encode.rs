//! Writes model files, as `pinhole_shared::model` specifies them.

use pinhole_shared::layout::{Layout, Weights, pack};
use pinhole_shared::model::format::{Bytes, header, record};
use pinhole_shared::model::{
    ALIGNMENT, Activation, HEADER_BYTES, Kind, Layer, MAGIC, Output, PoolKind, RECORD_BYTES, Tensor, VERSION, Weighted,
    put_policy, seal,
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
    Pool { kind: PoolKind, window: Window, output: QuantizedTensor },
    /// See [`pinhole_shared::model::GlobalAverage`].
    GlobalAverage { bias: i32, multiplier: i32, pre_shift: u8, input_scale: f32, output: QuantizedTensor },
    /// See [`pinhole_shared::model::Add`].
    Add {
        multiplier: i32,
        other_multiplier: i32,
        bias: i32,
        shift: u8,
        from: usize,
        input_scale: f32,
        output: QuantizedTensor,
    },
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
    pub zero_point: u8,
    /// Real value of one unit.
    pub scale: f32,
    /// Smallest and largest byte.
    pub range: (u8, u8),
}

impl QuantizedLayer {
    /// Copies the parts of a parsed layer.
    pub fn of(layer: &Layer<'_>) -> Self {
        let tensor = |tensor: &Tensor, range| {
            let Tensor { shape, zero_point, scale, offset: _ } = *tensor;
            QuantizedTensor { shape, zero_point, scale, range }
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
                output: tensor(&conv.output, (conv.activation_min, conv.activation_max)),
            },
            Layer::MaxPool(pool) | Layer::AveragePool(pool) => Self::Pool {
                kind: if matches!(layer, Layer::MaxPool(_)) { PoolKind::Max } else { PoolKind::Average },
                window: pool.window,
                output: tensor(&pool.output, (0, u8::MAX)),
            },
            Layer::GlobalAverage(average) => Self::GlobalAverage {
                bias: average.bias,
                multiplier: average.multiplier,
                pre_shift: average.pre_shift,
                input_scale: average.input.scale,
                output: tensor(&average.output, (average.activation_min, average.activation_max)),
            },
            Layer::Add(add) => Self::Add {
                multiplier: add.multiplier,
                other_multiplier: add.other_multiplier,
                bias: add.bias,
                shift: add.shift,
                from: add.from.into(),
                input_scale: add.input.scale,
                output: tensor(&add.output, (add.activation_min, add.activation_max)),
            },
        }
    }

    /// Returns the kind of layer in the file.
    fn kind(&self) -> Kind {
        match self {
            Self::Dense { .. } => Kind::Dense,
            Self::Conv { is_depthwise: false, .. } => Kind::Conv,
            Self::Conv { .. } => Kind::Depthwise,
            Self::Pool { kind: PoolKind::Max, .. } => Kind::MaxPool,
            Self::Pool { .. } => Kind::AveragePool,
            Self::GlobalAverage { .. } => Kind::GlobalAverage,
            Self::Add { .. } => Kind::Add,
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
                (weighted.weights.len() * output.shape.positions() * usize::from(*pool) * usize::from(*pool)) as u32
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
        put_record(block(&mut file, 1 + index), layer, sections, plan.offsets[index]);
    }
    let names_bytes: usize = classes.iter().map(|name| 1 + name.len()).sum();
    let names =
        append(&mut file, classes.iter().flat_map(|name| std::iter::once(name.len() as u8).chain(name.bytes())));
    let file_bytes = file.len() as u32;

    let header = block(&mut file, 0);
    header::MAGIC.put(header, MAGIC);
    header::VERSION.put(header, VERSION);
    header::HEADER_BYTES.put(header, HEADER_BYTES as u16);
    header::FILE_BYTES.put(header, file_bytes);
    header::PIPELINE.put(header, input.color.pipeline_id());
    header::HEIGHT.put(header, input.side);
    header::WIDTH.put(header, input.side);
    header::CHANNELS.put(header, input.color.channels());
    header::CLASSES.put(header, classes.len() as u16);
    header::LAYERS.put(header, layers.len() as u16);
    header::RECORD_BYTES.put(header, RECORD_BYTES as u16);
    header::NAMES.put(header, names);
    header::NAMES_BYTES.put(header, names_bytes as u32);
    header::MACS.put(header, layers.iter().map(QuantizedLayer::macs).sum());
    header::ARENA_BYTES.put(header, plan.arena_bytes);
    put_policy(&mut file, policy);
    seal(&mut file);
    Some(file)
}

/// The header, which is block 0, or the record of a layer, from 1 on.
fn block(file: &mut [u8], index: usize) -> &mut Bytes {
    &mut file.as_chunks_mut().0[index]
}

/// Appends a layer's sections and returns the offsets of weights, biases and multipliers.
fn append_weights(file: &mut Vec<u8>, layer: &QuantizedWeights) -> Option<[u32; 3]> {
    let (weights, biases) = layer.packed()?;
    let biases = append(file, biases.iter().flat_map(|bias| bias.to_le_bytes()));
    let multipliers = append(file, layer.multipliers.iter().flat_map(|multiplier| multiplier.to_le_bytes()));
    Some([append(file, weights.into_iter()), biases, multipliers])
}

fn put_record(block: &mut Bytes, layer: &QuantizedLayer, [weights, biases, multipliers]: [u32; 3], offset: u32) {
    record::KIND.put(block, layer.kind() as u16);
    if let Some(weighted) = layer.weighted() {
        record::LAYOUT.put(block, weighted.layout as u8);
        record::PRE_SHIFT.put(block, weighted.pre_shift);
        record::CHUNK_COLUMNS.put(block, weighted.chunk_columns as u16);
        record::INPUTS.put(block, weighted.inputs as u32);
        record::OUTPUTS.put(block, weighted.outputs() as u32);
        record::WEIGHTS.put(block, weights);
        record::BIASES.put(block, biases);
        record::MULTIPLIERS.put(block, multipliers);
        record::ACCUMULATOR_BOUND.put(block, weighted.accumulator_bound);
        record::INPUT_SCALE.put(block, weighted.input_scale);
        record::OUTPUT_SCALE.put(block, weighted.output_scale);
    }
    if let Some(QuantizedTensor { shape, zero_point, scale, range: (activation_min, activation_max) }) =
        layer.output().copied()
    {
        record::OUTPUT_SCALE.put(block, scale);
        record::HEIGHT.put(block, shape.height);
        record::WIDTH.put(block, shape.width);
        record::CHANNELS.put(block, shape.channels);
        record::ZERO_POINT.put(block, zero_point);
        record::ACTIVATION_MIN.put(block, activation_min);
        record::ACTIVATION_MAX.put(block, activation_max);
        record::ARENA_OFFSET.put(block, offset);
    }
    match *layer {
        QuantizedLayer::Dense { activation, output, .. } => {
            record::ACTIVATION.put(block, activation as u8);
            record::OUTPUT.put(block, output as u8);
        }
        QuantizedLayer::Conv { window, pool, .. } => {
            put_window(block, window);
            record::POOL.put(block, pool);
        }
        QuantizedLayer::Pool { window, output, .. } => {
            record::INPUT_SCALE.put(block, output.scale);
            put_window(block, window);
        }
        QuantizedLayer::GlobalAverage { bias, multiplier, pre_shift, input_scale, .. } => {
            record::PRE_SHIFT.put(block, pre_shift);
            record::MEAN_BIAS.put(block, bias);
            record::MEAN_MULTIPLIER.put(block, multiplier);
            record::INPUT_SCALE.put(block, input_scale);
        }
        QuantizedLayer::Add { multiplier, other_multiplier, bias, shift, from, input_scale, .. } => {
            record::PRE_SHIFT.put(block, shift);
            record::ADD_MULTIPLIER.put(block, multiplier);
            record::ADD_OTHER_MULTIPLIER.put(block, other_multiplier);
            record::ADD_BIAS.put(block, bias);
            record::INPUT_SCALE.put(block, input_scale);
            record::FROM.put(block, from as u16);
        }
    }
}

fn put_window(block: &mut Bytes, window: Window) {
    let Window { height, width, stride_y, stride_x, padding: Padding { top, left, bottom, right } } = window;
    record::WINDOW.put(block, [height, width, stride_y, stride_x]);
    record::PADDING.put(block, [top, left, bottom, right]);
}

/// Appends a section, padded to the alignment, and returns its offset.
fn append(file: &mut Vec<u8>, section: impl Iterator<Item = u8>) -> u32 {
    let offset = file.len() as u32;
    file.extend(section);
    file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
    offset
}
