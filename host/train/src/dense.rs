//! A dense layer as a candle operation.
//!
//! candle's autograd runs through it as through any other operation, with one difference: it does not return the
//! gradient of the weights. It leaves the gradient's two factors (the inputs, and the gradient by the pre-activations),
//! which [`super::optimizer`] multiplies and consumes in place.

use std::sync::{Arc, Mutex};

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};
use pinhole_shared::model::Activation;

use super::matrix::{Matrix, product};
use super::optimizer::contiguous;

/// The factors that backpropagation leaves for the optimizer: inputs (batch x inputs) and delta (batch x outputs).
pub(super) type Factors = Arc<Mutex<Option<(Tensor, Tensor)>>>;

/// `activation(inputs * weights + biases)`: batch x inputs, inputs x outputs, outputs -> batch x outputs.
pub(super) struct DenseOp {
    pub activation: Activation,
    /// False for the first trained layer, where the gradient by the inputs is not used.
    pub input_gradient: bool,
    pub factors: Factors,
}

impl CustomOp3 for DenseOp {
    fn name(&self) -> &'static str {
        "dense"
    }

    fn cpu_fwd(
        &self,
        inputs: &CpuStorage,
        inputs_layout: &Layout,
        weights: &CpuStorage,
        weights_layout: &Layout,
        biases: &CpuStorage,
        biases_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (batch, width) = inputs_layout.shape().dims2()?;
        let (rows, columns) = weights_layout.shape().dims2()?;
        if width != rows || biases_layout.shape().dims1()? != columns {
            bail!("dense: inputs {batch}x{width}, weights {rows}x{columns}, biases {:?}", biases_layout.shape());
        }
        let inputs = Matrix::row_major(contiguous(inputs, inputs_layout)?, batch, width);
        let weights = contiguous(weights, weights_layout)?;
        let biases = contiguous(biases, biases_layout)?;
        let mut outputs = product(inputs, weights, columns);
        for outputs in outputs.chunks_exact_mut(columns) {
            for (output, bias) in outputs.iter_mut().zip(biases) {
                *output = activate(self.activation, *output + bias);
            }
        }
        Ok((CpuStorage::F32(outputs), (batch, columns).into()))
    }

    fn bwd(
        &self,
        inputs: &Tensor,
        weights: &Tensor,
        _biases: &Tensor,
        outputs: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (batch, columns) = outputs.dims2()?;
        let device = outputs.device();
        let slopes = outputs.flatten_all()?.to_vec1::<f32>()?;
        let gradient = gradient.flatten_all()?.to_vec1::<f32>()?;
        let delta: Vec<f32> =
            slopes.iter().zip(&gradient).map(|(&output, gradient)| gradient * slope(self.activation, output)).collect();

        let input_gradient = if self.input_gradient {
            // delta * weights^T, computed as the transpose of weights * delta^T: products run along contiguous rows.
            let rows = weights.dim(0)?;
            let mut delta_t = vec![0.0; delta.len()];
            transpose(&delta, batch, columns, &mut delta_t);
            let (storage, layout) = weights.storage_and_layout();
            let candle_core::Storage::Cpu(storage) = &*storage else { bail!("dense: weights are not on the CPU") };
            let weights = Matrix::row_major(contiguous(storage, layout)?, rows, columns);
            let gradient_t = product(weights, &delta_t, batch);
            let mut gradient = vec![0.0; gradient_t.len()];
            transpose(&gradient_t, rows, batch, &mut gradient);
            Some(Tensor::from_vec(gradient, (batch, rows), device)?)
        } else {
            None
        };
        let delta = Tensor::from_vec(delta, (batch, columns), device)?;
        *self.factors.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some((inputs.detach(), delta));
        Ok((input_gradient, None, None))
    }
}

fn transpose(from: &[f32], rows: usize, columns: usize, to: &mut [f32]) {
    for (row, values) in from.chunks_exact(columns).enumerate() {
        for (column, &value) in values.iter().enumerate() {
            to[column * rows + row] = value;
        }
    }
}

/// Applies the activation function. The exponential is `libm`'s in Rust, the same bits on every machine.
pub(super) fn activate(activation: Activation, x: f32) -> f32 {
    match activation {
        Activation::Linear => x,
        Activation::Relu => x.max(0.0),
        Activation::Sigmoid => 1.0 / (1.0 + libm::expf(-x)),
    }
}

/// Returns the slope of the activation function where its output is `output`.
fn slope(activation: Activation, output: f32) -> f32 {
    match activation {
        Activation::Linear => 1.0,
        Activation::Relu => f32::from(u8::from(output > 0.0)),
        Activation::Sigmoid => output * (1.0 - output),
    }
}
