//! Batch normalization in training, by the statistics of the batch.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape as Dimensions, Tensor, bail};
use rayon::prelude::*;

use super::super::optimizer::contiguous;
use super::super::simd::{moments, multiversion};
use super::with_values;

/// Added to a variance before its root is taken.
///
/// # Source
/// Keras, `BatchNormalization(epsilon=1e-3)`, the default.
pub(crate) const EPSILON: f64 = 1e-3;

/// Statistics of a batch, by channel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BatchStatistics {
    /// Means over images and positions.
    pub means: Vec<f64>,
    /// Variances: mean squared deviations (the biased estimate, divided by the count).
    pub variances: Vec<f64>,
}

/// Batch normalization, channel by channel: `(x - mean) / sqrt(variance + EPSILON) * gamma + beta` with the batch's
/// statistics. Shapes: batch x (channels * positions), channels, channels -> batch x (channels * positions).
///
/// # Source
/// Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift",
/// 2015: algorithm 1, and the gradients of section 3.
pub(crate) struct NormOp {
    channels: usize,
    places: usize,
    seen: Arc<Mutex<Option<BatchStatistics>>>,
    /// The same statistics for backpropagation; `seen` may have been taken by then.
    own: Mutex<Option<BatchStatistics>>,
}

impl NormOp {
    /// Creates the operation. Its forward pass leaves the batch's statistics in `seen`.
    pub(crate) fn new(channels: usize, places: usize, seen: Arc<Mutex<Option<BatchStatistics>>>) -> Self {
        Self { channels, places, seen, own: Mutex::new(None) }
    }

    /// Returns, for each channel, the sums over the batch of `a` and of `a * b`: first over each image's plane, then
    /// over the images in order.
    fn sums(&self, a: &[f32], b: &[f32]) -> Vec<(f64, f64)> {
        let elements = self.channels * self.places;
        let images: Vec<Vec<(f64, f64)>> = a
            .par_chunks(elements)
            .zip(b.par_chunks(elements))
            .map(|(a, b)| {
                let planes = a.chunks_exact(self.places).zip(b.chunks_exact(self.places));
                planes.map(|(a, b)| moments(a, b)).collect()
            })
            .collect();
        let mut total = vec![(0.0, 0.0); self.channels];
        for image in images {
            for (total, sums) in total.iter_mut().zip(image) {
                total.0 += sums.0;
                total.1 += sums.1;
            }
        }
        total
    }
}

fn deviation(variance: f64) -> f64 {
    (variance + EPSILON).sqrt()
}

impl CustomOp3 for NormOp {
    fn name(&self) -> &'static str {
        "batch normalization"
    }

    fn cpu_fwd(
        &self,
        inputs: &CpuStorage,
        inputs_layout: &Layout,
        gamma: &CpuStorage,
        gamma_layout: &Layout,
        beta: &CpuStorage,
        beta_layout: &Layout,
    ) -> Result<(CpuStorage, Dimensions)> {
        let (batch, elements) = inputs_layout.shape().dims2()?;
        check(self.name(), (self.channels, self.places), elements, gamma_layout, beta_layout)?;
        let inputs = contiguous(inputs, inputs_layout)?;
        let count = (batch * self.places) as f64;
        let (means, variances): (Vec<f64>, Vec<f64>) = self
            .sums(inputs, inputs)
            .into_iter()
            .map(|(sum, squares)| {
                let mean = sum / count;
                // Squares are exact in double precision: the cancellation error is far below the variance's own noise.
                // Rounding may still give a constant channel slightly less than 0.
                (mean, (squares / count - mean * mean).max(0.0))
            })
            .unzip();
        let gamma = contiguous(gamma, gamma_layout)?;
        let beta = contiguous(beta, beta_layout)?;
        let lines: Vec<(f32, f32)> = (0..self.channels)
            .map(|channel| {
                let scale = f64::from(gamma[channel]) / deviation(variances[channel]);
                (scale as f32, (f64::from(beta[channel]) - means[channel] * scale) as f32)
            })
            .collect();
        let outputs = by_channel(inputs, &lines, self.places);
        let statistics = BatchStatistics { means, variances };
        *self.own.lock().unwrap_or_else(PoisonError::into_inner) = Some(statistics.clone());
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(statistics);
        Ok((CpuStorage::F32(outputs), inputs_layout.shape().clone()))
    }

    fn bwd(
        &self,
        inputs: &Tensor,
        gamma: &Tensor,
        beta: &Tensor,
        _outputs: &Tensor,
        delta: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let Some(BatchStatistics { means, variances }) = self.own.lock().unwrap_or_else(PoisonError::into_inner).take()
        else {
            bail!("batch normalization: backward before forward")
        };
        let count = (inputs.dim(0)? * self.places) as f64;
        let scales = gamma.to_vec1::<f32>()?;
        let (by_inputs, by_gamma, by_beta) = with_values(inputs, |inputs| {
            with_values(delta, |delta| {
                let sums = self.sums(delta, inputs);
                let (mut by_gamma, mut by_beta) = (Vec::new(), Vec::new());
                // Gradient by an input x with delta d: gamma / deviation * (d - mean of d - normalized x * mean of (d *
                // normalized x)), as d * .0 + x * .1 + .2.
                let planes: Vec<(f32, f32, f32)> = (0..self.channels)
                    .map(|channel| {
                        let (sum, with_inputs) = sums[channel];
                        let deviation = deviation(variances[channel]);
                        let with_normalized = (with_inputs - means[channel] * sum) / deviation;
                        by_gamma.push(with_normalized as f32);
                        by_beta.push(sum as f32);
                        let scale = f64::from(scales[channel]) / deviation;
                        let by_input = -scale * with_normalized / count / deviation;
                        let constant = -scale * sum / count - means[channel] * by_input;
                        (scale as f32, by_input as f32, constant as f32)
                    })
                    .collect();
                let elements = self.channels * self.places;
                let mut gradient = vec![0.0; inputs.len()];
                gradient
                    .par_chunks_mut(elements)
                    .zip(inputs.par_chunks(elements).zip(delta.par_chunks(elements)))
                    .for_each(|(gradient, (inputs, delta))| {
                        let inputs = inputs.chunks_exact(self.places).zip(delta.chunks_exact(self.places));
                        for ((gradient, (inputs, delta)), &plane) in
                            gradient.chunks_exact_mut(self.places).zip(inputs).zip(&planes)
                        {
                            combine(inputs, delta, plane, gradient);
                        }
                    });
                Ok((gradient, by_gamma, by_beta))
            })
        })?;
        Ok((
            Some(Tensor::from_vec(by_inputs, inputs.shape(), inputs.device())?),
            Some(Tensor::from_vec(by_gamma, gamma.shape(), gamma.device())?),
            Some(Tensor::from_vec(by_beta, beta.shape(), beta.device())?),
        ))
    }
}

fn check(
    name: &str,
    (channels, places): (usize, usize),
    elements: usize,
    scale: &Layout,
    shift: &Layout,
) -> Result<()> {
    if elements != channels * places || scale.shape().dims1()? != channels || shift.shape().dims1()? != channels {
        bail!(
            "{name}: {elements} elements an image for {channels} channels of {places}, with {:?} and {:?}",
            scale.shape(),
            shift.shape()
        );
    }
    Ok(())
}

/// Applies each channel's scale and shift to a batch.
fn by_channel(inputs: &[f32], lines: &[(f32, f32)], places: usize) -> Vec<f32> {
    let elements = lines.len() * places;
    let mut outputs = vec![0.0; inputs.len()];
    outputs.par_chunks_mut(elements).zip(inputs.par_chunks(elements)).for_each(|(outputs, inputs)| {
        for ((outputs, inputs), &line) in outputs.chunks_exact_mut(places).zip(inputs.chunks_exact(places)).zip(lines) {
            affine(inputs, line, outputs);
        }
    });
    outputs
}

multiversion! {
    /// Computes `x * line.0 + line.1`.
    fn affine(inputs: &[f32], line: (f32, f32), outputs: &mut [f32]) = affine_portable;
}

#[inline(always)]
fn affine_portable(inputs: &[f32], (scale, shift): (f32, f32), outputs: &mut [f32]) {
    for (output, input) in outputs.iter_mut().zip(inputs) {
        *output = input.mul_add(scale, shift);
    }
}

multiversion! {
    /// Computes `delta * plane.0 + input * plane.1 + plane.2`.
    fn combine(inputs: &[f32], delta: &[f32], plane: (f32, f32, f32), gradient: &mut [f32]) = combine_portable;
}

#[inline(always)]
fn combine_portable(inputs: &[f32], delta: &[f32], plane: (f32, f32, f32), gradient: &mut [f32]) {
    for ((gradient, input), delta) in gradient.iter_mut().zip(inputs).zip(delta) {
        *gradient = delta.mul_add(plane.0, input.mul_add(plane.1, plane.2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pinhole_core::random::Random;

    #[test]
    fn vectors_compute_the_portable_bits() {
        let mut random = Random::seeded(3);
        let mut noise = || -> Vec<f32> { (0..101).map(|_| random.between(-1.0, 1.0)).collect() };
        let (inputs, delta) = (noise(), noise());
        let (mut here, mut portable) = (vec![0.0; 101], vec![0.0; 101]);
        affine(&inputs, (1.7, -0.3), &mut here);
        affine_portable(&inputs, (1.7, -0.3), &mut portable);
        assert_eq!(here, portable);
        combine(&inputs, &delta, (1.7, -0.3, 0.1), &mut here);
        combine_portable(&inputs, &delta, (1.7, -0.3, 0.1), &mut portable);
        assert_eq!(here, portable);
    }
}
