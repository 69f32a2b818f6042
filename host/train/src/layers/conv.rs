//! A network as plain numbers.

use pinhole_core::recipe::ActivationName;
use pinhole_shared::model::Activation;
use pinhole_shared::shape::{Shape, Window};

use crate::spatial::EPSILON;

/// One layer of a network, as plain numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum FloatLayer {
    /// Fully connected layer. A tensor is read row by row, channels last.
    Dense {
        /// Weights, inputs x outputs, row-major.
        weights: Vec<f32>,
        /// One bias per output.
        biases: Vec<f32>,
        /// Activation function.
        activation: Activation,
    },
    /// Convolution: every output channel reads all input channels under a window.
    Conv(FloatConv),
    /// Depthwise convolution: each channel has a filter of its own.
    Depthwise(FloatConv),
    /// Max pooling of each channel.
    MaxPool(Window),
    /// Average pooling of each channel; padding does not count.
    AveragePool(Window),
    /// Global average pooling: the mean of each channel.
    GlobalAverage,
    /// Sum of the previous layer's outputs and those of an earlier layer.
    Add {
        /// Index of the earlier layer, counted from 0.
        from: usize,
        /// Activation function: linear, relu or relu6.
        activation: ActivationName,
    },
}

/// A convolution as plain numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatConv {
    /// Size, stride and padding.
    pub window: Window,
    /// Shape of the input.
    pub input: Shape,
    /// Number of output channels.
    pub outputs: usize,
    /// Weights: output x kernel row x kernel column x input channel; depthwise: channel x kernel row x kernel column.
    pub weights: Vec<f32>,
    /// One bias per output; all 0 with batch normalization.
    pub biases: Vec<f32>,
    /// Batch normalization after weights and biases.
    pub norm: Option<BatchNorm>,
    /// Activation function: linear, relu or relu6.
    pub activation: ActivationName,
    /// Side of the max pooling windows after the activation, `pool` x `pool`.
    pub pool: u8,
}

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
}

impl FloatConv {
    /// Returns weights and biases of the same convolution with batch normalization folded, computed in f64. For each
    /// channel, the running mean is subtracted from the bias. Then weights and bias are multiplied by gamma over the
    /// root of the running variance (plus `EPSILON`), and beta is added to the bias.
    pub fn folded(&self) -> (Vec<f32>, Vec<f32>) {
        let Some(BatchNorm { gamma, beta, mean, variance }) = &self.norm else {
            return (self.weights.clone(), self.biases.clone());
        };
        let factor = |output: usize| f64::from(gamma[output]) / (f64::from(variance[output]) + EPSILON).sqrt();
        let depth = self.weights.len() / self.outputs;
        let weights = self.weights.chunks_exact(depth).enumerate().flat_map(|(output, weights)| {
            let factor = factor(output);
            weights.iter().map(move |&weight| (f64::from(weight) * factor) as f32)
        });
        let bias = |output: usize| {
            let centered = f64::from(self.biases[output]) - f64::from(mean[output]);
            (centered * factor(output) + f64::from(beta[output])) as f32
        };
        (weights.collect(), (0..self.outputs).map(bias).collect())
    }
}

impl FloatLayer {
    /// Returns weights and biases, or `None` for a layer without any.
    pub(crate) fn into_parameters(self) -> Option<(Vec<f32>, Vec<f32>)> {
        match self {
            Self::Dense { weights, biases, .. } => Some((weights, biases)),
            Self::Conv(conv) | Self::Depthwise(conv) => Some((conv.weights, conv.biases)),
            Self::MaxPool(_) | Self::AveragePool(_) | Self::GlobalAverage | Self::Add { .. } => None,
        }
    }

    /// Returns the layer's tensors with their names in a weights file, in ascending order of the names.
    pub(super) fn values_mut(&mut self) -> Vec<(&'static str, &mut Vec<f32>)> {
        match self {
            Self::Dense { weights, biases, .. } => vec![("biases", biases), ("weights", weights)],
            Self::Conv(conv) | Self::Depthwise(conv) => match &mut conv.norm {
                None => vec![("biases", &mut conv.biases), ("weights", &mut conv.weights)],
                Some(BatchNorm { gamma, beta, mean, variance }) => vec![
                    ("beta", beta),
                    ("gamma", gamma),
                    ("mean", mean),
                    ("variance", variance),
                    ("weights", &mut conv.weights),
                ],
            },
            Self::MaxPool(_) | Self::AveragePool(_) | Self::GlobalAverage | Self::Add { .. } => Vec::new(),
        }
    }
}

/// Returns the numbers of all layers, tensor by tensor, in the order of a weights file's names.
pub(crate) fn values(mut layers: Vec<FloatLayer>) -> Vec<Vec<f32>> {
    let tensors = layers.iter_mut().flat_map(FloatLayer::values_mut);
    tensors.map(|(_, values)| std::mem::take(values)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_by_hand() {
        let variance = (4.0 - EPSILON) as f32;
        let conv = FloatConv {
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
