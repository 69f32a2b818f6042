//! Activation functions in candle's own operations.

use candle_core::{DType, Result, Tensor};
use pinhole_core::recipe::ActivationName;

/// Applies an activation function of tensors.
pub(crate) fn activated(values: &Tensor, activation: ActivationName) -> Result<Tensor> {
    match activation {
        ActivationName::Relu => above_zero(values),
        ActivationName::Relu6 => {
            let is_inside = values.lt(6.0)?.to_dtype(DType::F32)?;
            let is_beyond = values.ge(6.0)?.to_dtype(DType::F32)?;
            above_zero(values)?.mul(&is_inside)? + (is_beyond * 6.0)?
        }
        // Checked recipes have no other activation functions here.
        ActivationName::Linear | ActivationName::Sigmoid => Ok(values.clone()),
    }
}

/// Returns values above 0, else 0, without a gradient at 0 itself. candle's relu has one there, and empty sums are
/// exactly 0.
pub(crate) fn above_zero(values: &Tensor) -> Result<Tensor> {
    values * values.gt(0.0)?.to_dtype(DType::F32)?
}
