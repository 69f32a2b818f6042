//! Global average pooling.

use candle_core::{Module, Result, Tensor};
use pinhole_core::model_file::QuantizedLayer;
use pinhole_core::model_file::scales::{InputKind, mean_of};
use pinhole_core::recipe::{ActivationName, GlobalAverageLayer, LayerShape, RecipeLayer};
use pinhole_shared::model::GlobalAverage;
use pinhole_shared::shape::Shape;

use super::{Dequantized, Earlier, FloatKind, FloatLayer, LayerNode, LayerSettings, ParameterSource, Units};
use crate::accelerator::Left;
use crate::quantize::{QuantizationContext, RowError, tensor, units};
use crate::spatial::GlobalAverageOp;

/// Global average pooling; it has neither parameters nor settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FloatGlobalAverage;

struct GlobalAverageNode {
    input: Shape,
}

impl LayerSettings for FloatGlobalAverage {
    fn node(&self, shape: &LayerShape, _numbers: ParameterSource<'_>) -> Result<Box<dyn LayerNode>> {
        Ok(Box::new(GlobalAverageNode { input: shape.input }))
    }

    fn structure(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// Batch x elements of the input, as channel planes -> batch x channels; the same in training.
impl Module for GlobalAverageNode {
    fn forward(&self, values: &Tensor) -> Result<Tensor> {
        values.apply_op1(GlobalAverageOp { input: self.input })
    }
}

impl LayerNode for GlobalAverageNode {
    fn infer(&self, values: &Tensor, _earlier: Earlier<'_>) -> Result<Tensor> {
        self.forward(values)
    }

    fn run_on_device(&self, values: &Tensor, _earlier: Earlier<'_>, _left: Option<&mut Left>) -> Result<Tensor> {
        values.reshape(((), usize::from(self.input.channels), self.input.positions()))?.mean(2)
    }

    fn float(&self) -> Result<FloatLayer> {
        Ok(FloatLayer::GlobalAverage(FloatGlobalAverage))
    }
}

impl FloatKind for FloatGlobalAverage {
    fn quantize(
        &self,
        context: &QuantizationContext<'_>,
    ) -> std::result::Result<(QuantizedLayer, InputKind), RowError> {
        let output = tensor(context.shape.output, ActivationName::Linear, context.calibration.output_range);
        Ok((mean_of(context.shape.input.positions(), context.input, output), units(&output)))
    }
}

/// Converts a layer of a model file back to floating point.
pub(super) fn dequantize(average: &GlobalAverage) -> Dequantized {
    Dequantized {
        float: FloatLayer::GlobalAverage(FloatGlobalAverage),
        recipe: RecipeLayer::GlobalAverage(GlobalAverageLayer { dropout: 0.0 }),
        output: Units::of_tensor(&average.output, Some((average.activation_min, average.activation_max))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantize::calibration::{LayerCalibration, range};
    use pinhole_shared::fixed::requantize;

    /// Largest distance of an integer from the real value it stands for: half a unit, and the rounding of multipliers.
    const UNITS: f64 = 0.501;

    #[test]
    fn means_take_their_zero_off() {
        let input = InputKind { scale: 0.1, max_magnitude: 255, zero_point: 100 };
        let picture = Shape { height: 2, width: 2, channels: 1 };
        let seen = LayerCalibration { means: Vec::new(), output_range: range(&[-5.0, 5.0]) };
        let context =
            QuantizationContext::of_shapes(input, &seen, (picture, Shape { height: 1, width: 1, channels: 1 }));
        let Ok((QuantizedLayer::GlobalAverage { bias, multiplier, pre_shift, output, .. }, _)) =
            FloatGlobalAverage.quantize(&context)
        else {
            panic!("not a mean")
        };
        for total in [4 * 100, 4 * 60, 4 * 140 + 3] {
            let real = 0.1 * (f64::from(total) / 4.0 - 100.0);
            let got = requantize(total + bias, multiplier, pre_shift) + i32::from(output.zero_point);
            let expected = real / f64::from(output.scale) + f64::from(output.zero_point);
            assert!((f64::from(got) - expected).abs() <= UNITS, "{total}: {got}, not {expected}");
        }
    }
}
