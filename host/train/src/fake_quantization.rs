//! Fake quantization: a float network that trains on quantized values.
//!
//! In the forward pass, each layer's values are those of the quantized model, to the last bit. The backward pass
//! treats rounding as the identity (straight-through estimator). Gradients are those of the float layer with the
//! quantized weights, at the quantized values of the layer before. They are applied unchanged to the float weights.
//!
//! Source: Y. Bengio, N. Léonard and A. Courville, "Estimating or propagating gradients through stochastic neurons for
//! conditional computation", 2013, section 4 (the straight-through estimator); B. Jacob et al., "Quantization and
//! training of neural networks for efficient integer-arithmetic-only inference", CVPR 2018, section 3.

use candle_core::{CpuStorage, CustomOp2, Device, Layout, Result, Shape as Dimensions, Tensor, bail};
use pinhole_shared::shape::Shape;
use rayon::prelude::*;

use super::layers::FloatLayer;
use super::network::Network;
use super::optimizer::contiguous;
use super::spatial::to_planes_first;

/// A quantized model whose values replace those of a float network in training.
pub(crate) trait FakeQuantization: Send {
    /// Takes the network's current parameters. Returns false if it cannot represent them: training has diverged.
    ///
    /// # Errors
    /// A candle error if there is not enough memory.
    fn take(&mut self, network: &Network) -> Result<bool>;

    /// Returns the layers with the parameters taken last, as real numbers.
    fn layers(&self) -> Vec<FloatLayer>;

    /// Returns the outputs of every layer for these inputs, in order.
    fn stages(&self, inputs: &[&[u8]]) -> Vec<FakeQuantized>;

    /// Returns the logits of these inputs, input by input: the values of the last stage.
    fn logits(&self, inputs: &[&[u8]]) -> Vec<Vec<f32>>;
}

/// Outputs of a quantized layer for a batch, as real numbers.
#[derive(Clone, Debug)]
pub(crate) struct FakeQuantized {
    /// Values, batch x elements, channels last.
    pub values: Vec<f32>,
    /// Real value of one unit: all values are multiples of it.
    pub unit: f32,
    /// Least and largest value, if the layer clips its outputs to them.
    pub limits: Option<(f32, f32)>,
}

impl FakeQuantized {
    /// Returns the values, as channel planes, in place of a float layer's outputs of this shape.
    pub(super) fn values(&self, float: &Tensor, shape: Shape) -> Result<Tensor> {
        let planes = |image: &[f32]| to_planes_first(image, shape);
        let values: Vec<Vec<f32>> = self.values.par_chunks_exact(shape.elements()).map(planes).collect();
        let quantized = Tensor::from_vec(values.concat(), float.shape(), &Device::Cpu)?;
        float.apply_op2(&quantized, StraightThrough { unit: self.unit, limits: self.limits })
    }
}

/// Straight-through estimator: returns the second of two tensors of the same shape, and passes the gradient to the
/// first. The gradient is 0 where the second was clipped.
struct StraightThrough {
    unit: f32,
    limits: Option<(f32, f32)>,
}

impl CustomOp2 for StraightThrough {
    fn name(&self) -> &'static str {
        "straight-through"
    }

    fn cpu_fwd(
        &self,
        _float: &CpuStorage,
        float_layout: &Layout,
        quantized: &CpuStorage,
        quantized_layout: &Layout,
    ) -> Result<(CpuStorage, Dimensions)> {
        if float_layout.shape() != quantized_layout.shape() {
            bail!("straight-through: {:?} for {:?}", quantized_layout.shape(), float_layout.shape());
        }
        let quantized = contiguous(quantized, quantized_layout)?;
        Ok((CpuStorage::F32(quantized.to_vec()), quantized_layout.shape().clone()))
    }

    fn bwd(
        &self,
        float: &Tensor,
        quantized: &Tensor,
        _outputs: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let Some((low, high)) = self.limits else { return Ok((Some(gradient.clone()), None)) };
        // Clipped: at a limit, and the float value further beyond it than rounding explains.
        let is_clipped = |float: f32, quantized: f32| {
            (quantized >= high && float > quantized + self.unit / 2.0)
                || (quantized <= low && float < quantized - self.unit / 2.0)
        };
        let values = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        let (float, quantized, mut passed) = (values(float)?, values(quantized)?, values(gradient)?);
        for ((gradient, float), quantized) in passed.iter_mut().zip(float).zip(quantized) {
            if is_clipped(float, quantized) {
                *gradient = 0.0;
            }
        }
        Ok((Some(Tensor::from_vec(passed, gradient.shape(), &Device::Cpu)?), None))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::*;

    /// Unit 0.5, range -1 to 2. Values in the range pass the gradient however they are rounded; values beyond do not. A
    /// value that is rounded to a limit is not beyond it.
    #[test]
    fn values_are_the_quantized_ones_and_only_clipped_ones_stop_the_gradient() {
        let float = Var::from_slice(&[0.1_f32, 1.9, 2.2, 2.3, -1.2, -1.3, 9.0], 7, &Device::Cpu).unwrap();
        let quantized = [0.0_f32, 2.0, 2.0, 2.0, -1.0, -1.0, 2.0];
        let op = StraightThrough { unit: 0.5, limits: Some((-1.0, 2.0)) };
        let outputs = float.apply_op2(&Tensor::from_slice(&quantized, 7, &Device::Cpu).unwrap(), op).unwrap();
        assert_eq!(outputs.to_vec1::<f32>().unwrap(), quantized);
        let gradients = (outputs * 3.0).unwrap().sum_all().unwrap().backward().unwrap();
        let passed = gradients.get(float.as_tensor()).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(passed, [3.0, 3.0, 3.0, 0.0, 3.0, 0.0, 0.0]);
    }
}
