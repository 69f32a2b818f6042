//! Sums of two layers' outputs.

use pinhole_shared::shape::Shape;
use serde::{Deserialize, Serialize};

use super::{ActivationName, LayerKind};
use crate::recipe::check::CheckedPart;
use crate::recipe::{LayerShape, RecipeError};

/// The sum of two layers' outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddLayer {
    /// Number of the earlier layer, counted from 1; the other summand is the previous layer.
    pub from: usize,
    /// Activation function of the sum: linear, relu or relu6.
    pub activation: ActivationName,
}

impl LayerKind for AddLayer {
    fn check(&self, part: &CheckedPart<'_>) -> Result<(), RecipeError> {
        self.activation.check_of_tensor(part)
    }

    fn shape(&self, input: Shape, earlier: &[LayerShape]) -> Result<LayerShape, String> {
        let from = self.from;
        if !(1..earlier.len()).contains(&from) {
            return Err(format!(
                "adds layer {from}; `from` must be the number of a layer before the previous one, from 1 on"
            ));
        }
        let summand = earlier[from - 1].output;
        if summand != input {
            return Err(format!(
                "adds layer {from}, which gives {summand}, to {input}; `from` must be a layer of the same shape"
            ));
        }
        Ok(LayerShape::without_weights(input, input))
    }
}
