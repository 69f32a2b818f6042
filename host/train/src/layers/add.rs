//! The sum with an earlier layer's outputs.

use candle_core::{Result, Tensor, bail};
use pinhole_core::model_file::QuantizedLayer;
use pinhole_core::model_file::scales::{InputKind, sum_of};
use pinhole_core::recipe::{ActivationName, AddLayer, LayerShape, RecipeLayer};
use pinhole_shared::model::Add;
use pinhole_shared::shape::Shape;

use super::{Dequantized, Earlier, FloatKind, FloatLayer, LayerNode, LayerSettings, ParameterSource, Units, clamp};
use crate::accelerator::{Left, activated};
use crate::quantize::{QuantizationContext, RowError, activation_of, tensor, units};
use crate::spatial::{ActivateOp, Clamp};

/// Sum of the previous layer's outputs and those of an earlier layer; it has no parameters, only settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FloatAdd {
    /// Index of the earlier layer, counted from 0.
    pub from: usize,
    /// Activation function: linear, relu or relu6.
    pub activation: ActivationName,
}

struct AddNode {
    add: FloatAdd,
    output: Shape,
}

impl LayerSettings for FloatAdd {
    fn node(&self, shape: &LayerShape, _numbers: ParameterSource<'_>) -> Result<Box<dyn LayerNode>> {
        Ok(Box::new(AddNode { add: *self, output: shape.output }))
    }

    fn structure(&self) -> Vec<(&'static str, String)> {
        // A recipe counts layers from 1.
        vec![("from", (self.from + 1).to_string()), ("activation", self.activation.name().to_owned())]
    }
}

impl AddNode {
    fn sum(&self, values: &Tensor, earlier: Earlier<'_>) -> Result<Tensor> {
        let from = self.add.from;
        let Some(Some(earlier)) = earlier.get(from) else { bail!("no layer {from} to add") };
        values + earlier
    }
}

impl LayerNode for AddNode {
    fn infer(&self, values: &Tensor, earlier: Earlier<'_>) -> Result<Tensor> {
        let sum = self.sum(values, earlier)?;
        match clamp(self.add.activation) {
            Clamp::Linear => Ok(sum),
            activation => sum.apply_op1(ActivateOp { shape: self.output, activation, pool: 1 }),
        }
    }

    fn run_on_device(&self, values: &Tensor, earlier: Earlier<'_>, _left: Option<&mut Left>) -> Result<Tensor> {
        activated(&self.sum(values, earlier)?, self.add.activation)
    }

    fn float(&self) -> Result<FloatLayer> {
        Ok(FloatLayer::Add(self.add))
    }

    fn earlier(&self) -> Option<usize> {
        Some(self.add.from)
    }
}

impl FloatKind for FloatAdd {
    fn quantize(
        &self,
        context: &QuantizationContext<'_>,
    ) -> std::result::Result<(QuantizedLayer, InputKind), RowError> {
        let from = self.from;
        let other = context.before[from].output().copied().expect("a layer that is added gives a tensor");
        let output = tensor(context.shape.output, self.activation, context.calibration.output_range);
        Ok((sum_of(context.input, (from, other), output), units(&output)))
    }
}

/// Converts a layer of a model file back to floating point.
pub(super) fn dequantize(add: &Add) -> Dequantized {
    let (from, activation) = (usize::from(add.from), activation_of(&add.output, add.activation_min));
    Dequantized {
        float: FloatLayer::Add(FloatAdd { from, activation }),
        recipe: RecipeLayer::Add(AddLayer { from: from + 1, activation }),
        output: Units::of_tensor(&add.output, Some((add.activation_min, add.activation_max))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantize::calibration::{LayerCalibration, range};
    use pinhole_core::model_file::QuantizedTensor;
    use pinhole_shared::model::PoolKind;
    use pinhole_shared::shape::Window;

    const PLACE: Shape = Shape { height: 1, width: 1, channels: 1 };

    fn tensor_of(scale: f32, zero_point: u8) -> QuantizedLayer {
        let output = QuantizedTensor { shape: PLACE, zero_point, scale, range: (0, 255) };
        QuantizedLayer::Pool { kind: PoolKind::Max, window: Window::tiles(1), output }
    }

    /// Largest distance of an integer from the real value it stands for: half a unit, and the rounding of multipliers.
    const UNITS: f64 = 0.501;

    #[test]
    fn sums_take_both_zeros_off() {
        let input = InputKind { scale: 0.1, max_magnitude: 255, zero_point: 100 };
        let seen = LayerCalibration { means: Vec::new(), output_range: range(&[-20.0, 40.0]) };
        let before = [tensor_of(0.2, 50)];
        let context =
            QuantizationContext { before: &before, ..QuantizationContext::of_shapes(input, &seen, (PLACE, PLACE)) };
        let add = FloatAdd { from: 0, activation: ActivationName::Linear };
        let Ok((QuantizedLayer::Add { multiplier, other_multiplier, bias, shift, output, .. }, _)) =
            add.quantize(&context)
        else {
            panic!("not a sum")
        };
        assert_eq!((output.zero_point, output.range), (85, (0, 255)));
        for (a, b) in [(0, 0), (100, 50), (255, 0), (37, 201), (255, 160)] {
            let real = 0.1 * f64::from(a - 100) + f64::from(0.2_f32) * f64::from(b - 50);
            let got = (a * multiplier + b * other_multiplier + bias) >> shift;
            let expected = real / f64::from(output.scale) + f64::from(output.zero_point);
            assert!((f64::from(got) - expected).abs() <= UNITS, "{a}, {b}: {got}, not {expected}");
        }
    }
}
