//! Global average pooling.

use pinhole_shared::shape::Shape;
use serde::{Deserialize, Serialize};

use super::LayerKind;
use crate::recipe::check::CheckedPart;
use crate::recipe::{LayerShape, RecipeError};

/// Global average pooling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalAverageLayer {
    /// Fraction of the means left out of each update, 0 <= dropout < 1.
    #[serde(default)]
    pub dropout: f32,
}

impl LayerKind for GlobalAverageLayer {
    fn check(&self, part: &CheckedPart<'_>) -> Result<(), RecipeError> {
        part.demand_share("dropout", self.dropout)
    }

    fn shape(&self, input: Shape, _: &[LayerShape]) -> Result<LayerShape, String> {
        Ok(LayerShape::without_weights(input, Shape { height: 1, width: 1, ..input }))
    }

    fn dropout(&self) -> f32 {
        self.dropout
    }

    fn strip(&mut self) {
        self.dropout = 0.0;
    }
}
