//! Activation and max pooling in one pass.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape as Dimensions, Tensor, bail};
use pinhole_shared::shape::{Shape, Window};
use rayon::prelude::*;

use super::super::optimizer::contiguous;
use super::super::simd::multiversion;
use super::with_values;

/// Activation functions of convolutions: the identity, clamped to bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clamp {
    /// No bounds.
    Linear,
    /// At least 0.
    Relu,
    /// Between 0 and 6.
    Relu6,
}

/// Activation and pooling of one plane.
#[derive(Clone, Copy, Debug)]
struct Pooling {
    /// Columns of the input.
    width: usize,
    pool: usize,
    /// Bounds of the activation function.
    low: f32,
    high: f32,
}

/// Activation function, then max pooling with windows of `pool` x `pool` that do not overlap; rows and columns left
/// over are dropped: batch x (channels * height * width) -> batch x (channels * (height / pool) * (width / pool)).
///
/// Activation functions never fall as the input rises. So the maximum of each window is found first, and only this
/// value is activated. The gradient goes to the first of equal maxima. At the bounds themselves it is 0, as in Keras.
pub(crate) struct ActivateOp {
    /// Shape of one input image.
    pub shape: Shape,
    /// Activation function of each element.
    pub activation: Clamp,
    /// Rows and columns of a window; 1 means no pooling.
    pub pool: u8,
}

impl ActivateOp {
    fn output(&self) -> Result<Shape> {
        let Some((height, width)) = Window::tiles(self.pool).output_size(self.shape) else {
            bail!("activation: pool {} of {}", self.pool, self.shape)
        };
        Ok(Shape { height, width, ..self.shape })
    }

    fn pooling(&self) -> Pooling {
        let (low, high) = match self.activation {
            Clamp::Linear => (f32::NEG_INFINITY, f32::INFINITY),
            Clamp::Relu => (0.0, f32::INFINITY),
            Clamp::Relu6 => (0.0, 6.0),
        };
        Pooling { width: usize::from(self.shape.width), pool: usize::from(self.pool), low, high }
    }
}

impl CustomOp1 for ActivateOp {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn cpu_fwd(&self, inputs: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Dimensions)> {
        let (batch, elements) = layout.shape().dims2()?;
        let output = self.output()?;
        if elements != self.shape.elements() {
            bail!("activation: {elements} elements for {}", self.shape);
        }
        let inputs = contiguous(inputs, layout)?;
        let mut outputs = vec![0.0; batch * output.elements()];
        let pooling = self.pooling();
        outputs.par_chunks_mut(output.elements()).zip(inputs.par_chunks(elements)).for_each(|(outputs, inputs)| {
            let planes = outputs.chunks_exact_mut(output.positions()).zip(inputs.chunks_exact(self.shape.positions()));
            for (output, input) in planes {
                forward(input, pooling, output);
            }
        });
        Ok((CpuStorage::F32(outputs), (batch, output.elements()).into()))
    }

    fn bwd(&self, inputs: &Tensor, _outputs: &Tensor, delta: &Tensor) -> Result<Option<Tensor>> {
        let output = self.output()?;
        let pooling = self.pooling();
        let gradient = with_values(inputs, |inputs| {
            with_values(delta, |delta| {
                let mut gradient = vec![0.0; inputs.len()];
                gradient
                    .par_chunks_mut(self.shape.elements())
                    .zip(inputs.par_chunks(self.shape.elements()).zip(delta.par_chunks(output.elements())))
                    .for_each(|(gradient, (inputs, delta))| {
                        let planes =
                            inputs.chunks_exact(self.shape.positions()).zip(delta.chunks_exact(output.positions()));
                        for (gradient, (input, delta)) in gradient.chunks_exact_mut(self.shape.positions()).zip(planes)
                        {
                            backward(input, delta, pooling, gradient);
                        }
                    });
                Ok(gradient)
            })
        })?;
        Ok(Some(Tensor::from_vec(gradient, inputs.shape(), inputs.device())?))
    }
}

/// Returns the larger number, by one instruction on every processor.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[inline(always)]
fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

multiversion! {
    /// Computes one output plane.
    fn forward(input: &[f32], pooling: Pooling, output: &mut [f32]) = forward_portable;
}

#[inline(always)]
fn forward_portable(input: &[f32], pooling: Pooling, output: &mut [f32]) {
    let Pooling { width, pool, low, high } = pooling;
    if pool == 1 {
        for (output, &input) in output.iter_mut().zip(input) {
            *output = smaller(larger(input, low), high);
        }
        return;
    }
    for (rows, output) in input.chunks_exact(width * pool).zip(output.chunks_exact_mut(width / pool)) {
        if pool == 2 {
            // The usual window size, written so that it vectorizes.
            let (above, below) = rows.split_at(width);
            let pairs = above.as_chunks::<2>().0.iter().zip(below.as_chunks::<2>().0);
            for (output, (above, below)) in output.iter_mut().zip(pairs) {
                let largest = larger(larger(above[0], above[1]), larger(below[0], below[1]));
                *output = smaller(larger(largest, low), high);
            }
            continue;
        }
        for (column, output) in output.iter_mut().enumerate() {
            let mut largest = f32::NEG_INFINITY;
            for row in rows.chunks_exact(width) {
                largest = row[column * pool..][..pool].iter().fold(largest, |largest, &input| larger(largest, input));
            }
            *output = smaller(larger(largest, low), high);
        }
    }
}

multiversion! {
    /// Computes the gradient of one plane; `gradient` must hold zeros.
    fn backward(input: &[f32], delta: &[f32], pooling: Pooling, gradient: &mut [f32]) = backward_portable;
}

#[inline(always)]
fn backward_portable(input: &[f32], delta: &[f32], pooling: Pooling, gradient: &mut [f32]) {
    let Pooling { width, pool, low, high } = pooling;
    let passed = |input: f32, delta: f32| if input > low && input < high { delta } else { 0.0 };
    if pool == 1 {
        for ((gradient, &input), &delta) in gradient.iter_mut().zip(input).zip(delta) {
            *gradient = passed(input, delta);
        }
        return;
    }
    let rows = input.chunks_exact(width * pool).zip(gradient.chunks_exact_mut(width * pool));
    for ((input, gradient), delta) in rows.zip(delta.chunks_exact(width / pool)) {
        if pool == 2 {
            let (above, below) = input.split_at(width);
            let (to_above, to_below) = gradient.split_at_mut(width);
            let from = above.as_chunks::<2>().0.iter().zip(below.as_chunks::<2>().0);
            let to = to_above.as_chunks_mut::<2>().0.iter_mut().zip(to_below.as_chunks_mut::<2>().0);
            for (((above, below), (to_above, to_below)), &delta) in from.zip(to).zip(delta) {
                let largest = larger(larger(above[0], above[1]), larger(below[0], below[1]));
                let delta = passed(largest, delta);
                let (first, second, third) = (above[0] == largest, above[1] == largest, below[0] == largest);
                *to_above = [if first { delta } else { 0.0 }, if !first & second { delta } else { 0.0 }];
                *to_below = [
                    if !first & !second & third { delta } else { 0.0 },
                    if !first & !second & !third { delta } else { 0.0 },
                ];
            }
            continue;
        }
        for (column, &delta) in delta.iter().enumerate() {
            let mut first = column * pool;
            for row in 0..pool {
                for place in row * width + column * pool..row * width + (column + 1) * pool {
                    if input[place] > input[first] {
                        first = place;
                    }
                }
            }
            gradient[first] = passed(input[first], delta);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pinhole_core::random::Random;

    /// Coarse values make ties within windows.
    #[test]
    fn vectors_compute_the_portable_bits() {
        let mut random = Random::seeded(4);
        let shape = Shape { height: 13, width: 75, channels: 1 };
        let input: Vec<f32> = (0..shape.positions()).map(|_| random.below(17) as f32 - 8.0).collect();
        for pool in [1, 2, 3] {
            for activation in [Clamp::Linear, Clamp::Relu, Clamp::Relu6] {
                let op = ActivateOp { shape, activation, pool };
                let places = op.output().unwrap().positions();
                let delta: Vec<f32> = (0..places).map(|_| random.between(-1.0, 1.0)).collect();
                let (mut here, mut portable) = (vec![0.0; places], vec![0.0; places]);
                forward(&input, op.pooling(), &mut here);
                forward_portable(&input, op.pooling(), &mut portable);
                assert_eq!(here, portable);
                let (mut here, mut portable) = (vec![0.0; input.len()], vec![0.0; input.len()]);
                backward(&input, &delta, op.pooling(), &mut here);
                backward_portable(&input, &delta, op.pooling(), &mut portable);
                assert_eq!(here, portable);
            }
        }
    }
}
