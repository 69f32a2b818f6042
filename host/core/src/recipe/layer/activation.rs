//! Names of activation functions.

use pinhole_shared::model::Activation;
use serde::{Deserialize, Serialize};

use crate::recipe::RecipeError;
use crate::recipe::check::CheckedPart;

/// Activation functions by their names in a recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActivationName {
    /// The identity.
    Linear,
    /// `max(0, x)`.
    Relu,
    /// `min(max(0, x), 6)`: only after convolutions and sums.
    Relu6,
    /// `1 / (1 + e^-x)`: only in dense layers.
    Sigmoid,
}

impl ActivationName {
    /// Returns the name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Relu => "relu",
            Self::Relu6 => "relu6",
            Self::Sigmoid => "sigmoid",
        }
    }

    /// Returns the activation function of a dense layer; `None` for relu6, which dense layers do not have.
    pub const fn of_dense(self) -> Option<Activation> {
        match self {
            Self::Linear => Some(Activation::Linear),
            Self::Relu => Some(Activation::Relu),
            Self::Sigmoid => Some(Activation::Sigmoid),
            Self::Relu6 => None,
        }
    }

    pub(super) fn check_of_dense(self, part: &CheckedPart<'_>) -> Result<(), RecipeError> {
        let usable = self.of_dense().is_some();
        part.demand(usable, "activation", self.name(), "linear, relu or sigmoid in a dense layer")
    }

    pub(super) fn check_of_tensor(self, part: &CheckedPart<'_>) -> Result<(), RecipeError> {
        let usable = self != Self::Sigmoid;
        part.demand(usable, "activation", self.name(), "linear, relu or relu6 in a layer that is not dense")
    }
}

impl From<Activation> for ActivationName {
    fn from(activation: Activation) -> Self {
        match activation {
            Activation::Linear => Self::Linear,
            Activation::Relu => Self::Relu,
            Activation::Sigmoid => Self::Sigmoid,
        }
    }
}
