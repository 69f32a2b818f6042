//! Max and average pooling.

use candle_core::{DType, Module, Result, Tensor};
use pinhole_core::model_file::scales::InputKind;
use pinhole_core::model_file::{QuantizedLayer, QuantizedTensor};
use pinhole_core::recipe::{LayerShape, PoolLayer, RecipeLayer};
use pinhole_shared::model::{Pool, PoolKind};
use pinhole_shared::shape::{Shape, Window};

use super::{
    Dequantized, Earlier, FloatKind, FloatLayer, LayerNode, LayerSettings, ParameterSource, Units, window_structure,
};
use crate::accelerator::{Left, largest, sum, under};
use crate::quantize::{QuantizationContext, RowError, units};
use crate::spatial::PoolOp;

/// Pooling of each channel; it has no parameters, only settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FloatPool {
    /// Maximum or average. Padding is never the maximum and does not count for the average.
    pub kind: PoolKind,
    /// Size, stride and padding.
    pub window: Window,
}

struct PoolNode {
    pool: FloatPool,
    input: Shape,
}

impl LayerSettings for FloatPool {
    fn node(&self, shape: &LayerShape, _numbers: ParameterSource<'_>) -> Result<Box<dyn LayerNode>> {
        Ok(Box::new(PoolNode { pool: *self, input: shape.input }))
    }

    fn structure(&self) -> Vec<(&'static str, String)> {
        window_structure("window", self.window)
    }
}

/// Batch x elements of the input -> batch x elements of the output, as channel planes; the same in training.
impl Module for PoolNode {
    fn forward(&self, values: &Tensor) -> Result<Tensor> {
        let FloatPool { kind, window } = self.pool;
        values.apply_op1(PoolOp { kind, window, input: self.input })
    }
}

impl LayerNode for PoolNode {
    fn infer(&self, values: &Tensor, _earlier: Earlier<'_>) -> Result<Tensor> {
        self.forward(values)
    }

    fn run_on_device(&self, values: &Tensor, _earlier: Earlier<'_>, _left: Option<&mut Left>) -> Result<Tensor> {
        let Self { pool: FloatPool { kind, window }, input } = *self;
        let pooled = match kind {
            PoolKind::Max => largest(&under(window, input, values, f32::NEG_INFINITY)?)?,
            PoolKind::Average => {
                let ones = Tensor::ones((1, input.positions()), DType::F32, values.device())?;
                let counts = sum(&under(window, Shape { channels: 1, ..input }, &ones, 0.0)?)?;
                sum(&under(window, input, values, 0.0)?)?.broadcast_div(&counts)?
            }
        };
        pooled.flatten_from(1)
    }

    fn float(&self) -> Result<FloatLayer> {
        Ok(FloatLayer::Pool(self.pool))
    }
}

impl FloatKind for FloatPool {
    fn quantize(
        &self,
        context: &QuantizationContext<'_>,
    ) -> std::result::Result<(QuantizedLayer, InputKind), RowError> {
        let InputKind { zero_point, scale, .. } = context.input;
        let output =
            QuantizedTensor { shape: context.shape.output, zero_point, scale: scale as f32, range: (0, u8::MAX) };
        Ok((QuantizedLayer::Pool { kind: self.kind, window: self.window, output }, units(&output)))
    }
}

/// Converts a layer of a model file back to floating point.
pub(super) fn dequantize(kind: PoolKind, pool: &Pool) -> Dequantized {
    let window = pool.window;
    let recipe = PoolLayer { window };
    Dequantized {
        float: FloatLayer::Pool(FloatPool { kind, window }),
        recipe: match kind {
            PoolKind::Max => RecipeLayer::MaxPool(recipe),
            PoolKind::Average => RecipeLayer::AveragePool(recipe),
        },
        // Pooled values lie between the input's values.
        output: Units::of_tensor(&pool.output, None),
    }
}
