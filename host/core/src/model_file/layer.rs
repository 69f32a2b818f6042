//! Quantized layers: what the writer of model files knows of each kind.

use pinhole_shared::layer::{add, global_average};
use pinhole_shared::model::format::{Bytes, record};
use pinhole_shared::model::{Activation, Kind, Layer, Output, PoolKind, Tensor};
use pinhole_shared::shape::{Padding, Shape, Window};

use super::weights::QuantizedWeights;

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
                weighted: QuantizedWeights::of_conv(conv),
                is_depthwise: matches!(layer, Layer::Depthwise(_)),
                window: conv.window,
                pool: conv.pool,
                output: tensor(&conv.output, (conv.activation_min, conv.activation_max)),
            },
            Layer::MaxPool(pool) => {
                let output = tensor(&pool.output, (0, u8::MAX));
                Self::Pool { kind: PoolKind::Max, window: pool.window, output }
            }
            Layer::AveragePool(pool) => {
                let output = tensor(&pool.output, (0, u8::MAX));
                Self::Pool { kind: PoolKind::Average, window: pool.window, output }
            }
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
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Dense { .. } => Kind::Dense,
            Self::Conv { is_depthwise: false, .. } => Kind::Conv,
            Self::Conv { .. } => Kind::Depthwise,
            Self::Pool { kind: PoolKind::Max, .. } => Kind::MaxPool,
            Self::Pool { kind: PoolKind::Average, .. } => Kind::AveragePool,
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
    pub(super) fn macs(&self) -> u32 {
        match self {
            Self::Dense { weighted, .. } => weighted.weights.len() as u32,
            Self::Conv { weighted, pool, output, .. } => {
                (weighted.weights.len() * output.shape.positions() * usize::from(*pool) * usize::from(*pool)) as u32
            }
            _ => 0,
        }
    }

    /// Returns the index of the earlier layer whose output the layer reads besides the previous one's.
    pub(super) fn earlier(&self) -> Option<usize> {
        match self {
            Self::Add { from, .. } => Some(*from),
            Self::Dense { .. } | Self::Conv { .. } | Self::Pool { .. } | Self::GlobalAverage { .. } => None,
        }
    }

    /// Writes the layer's record. Its sections of weights, biases and multipliers start at `sections`, its tensor at `offset`
    /// in the arena.
    pub(super) fn put(&self, block: &mut Bytes, sections: [u32; 3], offset: u32) {
        record::KIND.put(block, self.kind() as u16);
        if let Some(weighted) = self.weighted() {
            weighted.put(block, sections);
        }
        if let Some(tensor) = self.output() {
            tensor.put(block, offset);
        }
        match *self {
            Self::Dense { activation, output, .. } => {
                record::ACTIVATION.put(block, activation as u8);
                record::OUTPUT.put(block, output as u8);
            }
            Self::Conv { window, pool, .. } => {
                put_window(block, window);
                record::POOL.put(block, pool);
            }
            Self::Pool { window, output, .. } => {
                record::INPUT_SCALE.put(block, output.scale);
                put_window(block, window);
            }
            Self::GlobalAverage { bias, multiplier, pre_shift, input_scale, .. } => {
                record::PRE_SHIFT.put(block, pre_shift);
                global_average::BIAS.put(block, bias);
                global_average::MULTIPLIER.put(block, multiplier);
                record::INPUT_SCALE.put(block, input_scale);
            }
            Self::Add { multiplier, other_multiplier, bias, shift, from, input_scale, .. } => {
                record::PRE_SHIFT.put(block, shift);
                add::MULTIPLIER.put(block, multiplier);
                add::OTHER_MULTIPLIER.put(block, other_multiplier);
                add::BIAS.put(block, bias);
                record::INPUT_SCALE.put(block, input_scale);
                record::FROM.put(block, from as u16);
            }
        }
    }
}

impl QuantizedTensor {
    fn put(&self, block: &mut Bytes, offset: u32) {
        let Self { shape, zero_point, scale, range: (activation_min, activation_max) } = *self;
        record::OUTPUT_SCALE.put(block, scale);
        record::HEIGHT.put(block, shape.height);
        record::WIDTH.put(block, shape.width);
        record::CHANNELS.put(block, shape.channels);
        record::ZERO_POINT.put(block, zero_point);
        record::ACTIVATION_MIN.put(block, activation_min);
        record::ACTIVATION_MAX.put(block, activation_max);
        record::ARENA_OFFSET.put(block, offset);
    }
}

fn put_window(block: &mut Bytes, window: Window) {
    let Window { height, width, stride_y, stride_x, padding: Padding { top, left, bottom, right } } = window;
    record::WINDOW.put(block, [height, width, stride_y, stride_x]);
    record::PADDING.put(block, [top, left, bottom, right]);
}
