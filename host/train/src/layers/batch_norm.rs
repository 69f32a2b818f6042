//! Batch normalization of a convolution's channels.

use candle_core::{Device, Result, Tensor, Var, bail};

use super::{Trace, TrainingPass, numbers};
use crate::accelerator::{Left, on_device};
use crate::spatial::{BatchStatistics, EPSILON, NormOp};

/// Momentum of the running statistics: the share that an update keeps; the rest is the batch's. Keras' default of 0.99
/// is for longer epochs. Here an epoch has some dozens of updates, within which the statistics must follow.
const MOMENTUM: f64 = 0.95;

/// Batch normalization's parameters and running statistics, one number per channel.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNorm {
    /// Scales.
    pub gamma: Vec<f32>,
    /// Offsets.
    pub beta: Vec<f32>,
    /// Running means.
    pub mean: Vec<f32>,
    /// Running variances.
    pub variance: Vec<f32>,
}

impl BatchNorm {
    /// Creates the values before training.
    pub(crate) fn new(channels: usize) -> Self {
        let all = |value: f32| vec![value; channels];
        Self { gamma: all(1.0), beta: all(0.0), mean: all(0.0), variance: all(1.0) }
    }

    /// Returns weights and biases with the normalization folded in: see [`super::FloatConv::folded`].
    pub(super) fn folded(&self, weights: &[f32], biases: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let Self { gamma, beta, mean, variance } = self;
        let factor = |output: usize| f64::from(gamma[output]) / (f64::from(variance[output]) + EPSILON).sqrt();
        let depth = weights.len() / biases.len();
        let weights = weights.chunks_exact(depth).enumerate().flat_map(|(output, weights)| {
            let factor = factor(output);
            weights.iter().map(move |&weight| (f64::from(weight) * factor) as f32)
        });
        let bias = |output: usize| {
            let centered = f64::from(biases[output]) - f64::from(mean[output]);
            (centered * factor(output) + f64::from(beta[output])) as f32
        };
        (weights.collect(), (0..biases.len()).map(bias).collect())
    }
}

/// Batch normalization in training, one number per channel.
#[derive(Clone)]
pub(super) struct NormNode {
    pub gamma: Var,
    pub beta: Var,
    pub mean: Var,
    pub variance: Var,
}

impl NormNode {
    pub(super) fn new(norm: BatchNorm) -> Result<Self> {
        let variable = |values: Vec<f32>| Var::from_slice(&values, values.len(), &Device::Cpu);
        let BatchNorm { gamma, beta, mean, variance } = norm;
        let (gamma, beta) = (variable(gamma)?, variable(beta)?);
        Ok(Self { gamma, beta, mean: variable(mean)?, variance: variable(variance)? })
    }

    pub(super) fn float(&self) -> Result<BatchNorm> {
        Ok(BatchNorm {
            gamma: numbers(&self.gamma)?,
            beta: numbers(&self.beta)?,
            mean: numbers(&self.mean)?,
            variance: numbers(&self.variance)?,
        })
    }

    /// Normalizes batch x (channels * positions) by the batch's statistics.
    pub(super) fn learn(&self, values: &Tensor, positions: usize, part: TrainingPass<'_>) -> Result<Tensor> {
        let op = NormOp::new(self.gamma.elem_count(), positions, part.trace.seen.clone());
        values.apply_op3(self.gamma.as_tensor(), self.beta.as_tensor(), op)
    }

    /// Normalizes batch x channels x positions in candle's own operations: in training, with `left`, by the batch's
    /// statistics, else by the running statistics.
    pub(super) fn run_on_device(&self, sums: &Tensor, left: Option<&mut Left>) -> Result<Tensor> {
        match left {
            Some(left) => self.by_batch(sums, left),
            None => self.by_running_statistics(sums),
        }
    }

    fn by_batch(&self, sums: &Tensor, left: &mut Left) -> Result<Tensor> {
        let device = sums.device();
        let gamma = on_device("gamma", &self.gamma, device, Some(left))?;
        let beta = on_device("beta", &self.beta, device, Some(left))?;
        let means = sums.mean_keepdim((0, 2))?;
        let centered = sums.broadcast_sub(&means)?;
        let variances = centered.sqr()?.mean_keepdim((0, 2))?;
        left.statistics = Some((means.detach().flatten_all()?, variances.detach().flatten_all()?));
        scaled(&centered.broadcast_div(&(variances + EPSILON)?.sqrt()?)?, &gamma, &beta)
    }

    fn by_running_statistics(&self, sums: &Tensor) -> Result<Tensor> {
        let there = |variable: &Var| variable.as_tensor().detach().to_device(sums.device());
        let column = |variable: &Var| there(variable)?.reshape(((), 1));
        let deviations = (column(&self.variance)? + EPSILON)?.sqrt()?;
        let centered = sums.broadcast_sub(&column(&self.mean)?)?.broadcast_div(&deviations)?;
        scaled(&centered, &there(&self.gamma)?, &there(&self.beta)?)
    }

    /// Moves the running statistics toward those of the batch.
    pub(super) fn follow(&self, trace: &Trace) -> Result<()> {
        let seen = trace.seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        let Some(BatchStatistics { means, variances }) = seen else { bail!("batch normalization saw no batch") };
        for (running, seen) in [(&self.mean, means), (&self.variance, variances)] {
            let mut values = running.as_tensor().to_vec1::<f32>()?;
            for (value, seen) in values.iter_mut().zip(seen) {
                *value = (MOMENTUM * f64::from(*value) + (1.0 - MOMENTUM) * seen) as f32;
            }
            running.set(&Tensor::from_vec(values, running.shape(), running.device())?)?;
        }
        Ok(())
    }
}

fn scaled(values: &Tensor, gamma: &Tensor, beta: &Tensor) -> Result<Tensor> {
    values.broadcast_mul(&gamma.reshape(((), 1))?)?.broadcast_add(&beta.reshape(((), 1))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::FloatConv;
    use pinhole_core::recipe::ActivationName;
    use pinhole_shared::shape::{Shape, Window};

    #[test]
    fn folding_by_hand() {
        let variance = (4.0 - EPSILON) as f32;
        let conv = FloatConv {
            is_depthwise: false,
            window: Window::tiles(1),
            input: Shape { height: 1, width: 1, channels: 2 },
            outputs: 2,
            weights: vec![1.0, 2.0, 3.0, 4.0],
            biases: vec![0.0; 2],
            norm: Some(BatchNorm {
                gamma: vec![1.0, -6.0],
                beta: vec![0.5, 0.0],
                mean: vec![0.0, 2.0],
                variance: vec![variance; 2],
            }),
            activation: ActivationName::Linear,
            pool: 1,
        };
        let (weights, biases) = conv.folded();
        for (got, expected) in weights.iter().chain(&biases).zip([0.5, 1.0, -9.0, -12.0, 0.5, 6.0]) {
            // The variance is rounded to f32.
            assert!((got - expected).abs() < 1e-6 * expected.abs(), "{got}, not {expected}");
        }
        let plain = FloatConv { norm: None, biases: vec![7.0, 8.0], ..conv };
        assert_eq!(plain.folded(), (plain.weights.clone(), plain.biases.clone()));
    }
}
