//! Dense layers: those of the recipe, and the output layer.

use pinhole_shared::shape::Shape;
use serde::{Deserialize, Serialize};

use super::{ActivationName, LayerKind};
use crate::recipe::check::CheckedPart;
use crate::recipe::{LayerShape, RecipeError, eight, is_eight};

/// A dense layer before the output layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenseLayer {
    /// Number of outputs.
    pub outputs: usize,
    /// Activation function: linear, relu or sigmoid.
    pub activation: ActivationName,
    /// Fraction of this layer's outputs left out of each update, 0 <= dropout < 1.
    #[serde(default)]
    pub dropout: f32,
    /// Penalty on the sum of absolute weights.
    #[serde(default)]
    pub l1: f32,
    /// Penalty on the sum of squared weights.
    #[serde(default)]
    pub l2: f32,
    /// Bits of the weights on the device: 8, 7 (faster on a Cortex-M0+) or 4 (half the flash).
    #[serde(default = "eight", skip_serializing_if = "is_eight")]
    pub weight_bits: u8,
}

impl LayerKind for DenseLayer {
    fn check(&self, part: &CheckedPart<'_>) -> Result<(), RecipeError> {
        part.demand((1..=65_535).contains(&self.outputs), "outputs", self.outputs, "1 to 65535")?;
        self.activation.check_of_dense(part)?;
        part.demand_share("dropout", self.dropout)?;
        part.demand_weights(self.l1, self.l2, self.weight_bits)
    }

    fn shape(&self, input: Shape, _: &[LayerShape]) -> Result<LayerShape, String> {
        fully_connected(input, self.outputs)
    }

    fn dropout(&self) -> f32 {
        self.dropout
    }

    fn weight_bits(&self) -> Option<u8> {
        Some(self.weight_bits)
    }

    fn weight_bits_mut(&mut self) -> Option<&mut u8> {
        Some(&mut self.weight_bits)
    }

    fn strip(&mut self) {
        self.dropout = 0.0;
    }
}

/// The output layer: penalties and width of its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputLayer {
    /// Penalty on the sum of absolute weights.
    #[serde(default)]
    pub l1: f32,
    /// Penalty on the sum of squared weights.
    #[serde(default)]
    pub l2: f32,
    /// Bits of the weights on the device: 8, 7 (faster on a Cortex-M0+) or 4 (half the flash).
    #[serde(default = "eight", skip_serializing_if = "is_eight")]
    pub weight_bits: u8,
}

impl Default for OutputLayer {
    fn default() -> Self {
        Self { l1: 0.0, l2: 0.0, weight_bits: eight() }
    }
}

/// Returns shapes and cost of a dense layer.
pub(in crate::recipe) fn fully_connected(input: Shape, outputs: usize) -> Result<LayerShape, String> {
    let channels = u16::try_from(outputs).map_err(|_| format!("has {outputs} outputs, more than {}", u16::MAX))?;
    let weights = input.elements() * outputs;
    Ok(LayerShape { input, output: Shape { height: 1, width: 1, channels }, weights, macs: weights })
}
