//! Convolution, standard or depthwise.

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape as Dimensions, Tensor, bail};
use pinhole_shared::shape::{Padding, Shape, Window};
use rayon::prelude::*;

use super::super::matrix::{Matrix, Packed, Right, Store, multiply};
use super::super::optimizer::contiguous;
use super::super::simd::{dot, sum};
use super::lowering::{Lowering, SLACK, padded};
use super::{CHUNK, with_values};

/// Convolution without activation: batch x (channels * height * width), weights, biases -> batch x (outputs * rows *
/// columns). Weights are outputs x (kernel row, kernel column, input channel). Depthwise, each channel has one output,
/// and weights are channels x (kernel row, kernel column). Padding is zeros.
pub(crate) struct ConvOp {
    /// Window that slides over the input.
    pub window: Window,
    /// Shape of one image.
    pub input: Shape,
    /// Output channels; depthwise as many as the input's.
    pub outputs: usize,
    /// True for a depthwise convolution.
    pub is_depthwise: bool,
    /// False for the first trained layer, where the gradient by the inputs is not used.
    pub input_gradient: bool,
}

impl ConvOp {
    fn output(&self) -> Result<Shape> {
        let (Some((height, width)), Ok(channels)) = (self.window.output_size(self.input), u16::try_from(self.outputs))
        else {
            bail!("convolution: {:?} over {} has no output", self.window, self.input)
        };
        Ok(Shape { height, width, channels })
    }

    /// Returns the number of weights of one output.
    fn depth(&self) -> usize {
        self.window.area() * if self.is_depthwise { 1 } else { usize::from(self.input.channels) }
    }

    /// Returns the im2col layout of one product, which covers all channels, or one channel if depthwise.
    fn lowering(&self) -> Lowering {
        let channels = if self.is_depthwise { 1 } else { self.input.channels };
        Lowering::new(self.window, Shape { channels, ..self.input })
    }

    /// Computes the outputs of a whole batch.
    fn forward(&self, inputs: &[f32], weights: &[f32], biases: &[f32], output: Shape) -> Vec<f32> {
        let lowering = self.lowering();
        let depth = self.depth();
        let rows = if self.is_depthwise { 1 } else { self.outputs };
        let groups: Vec<Packed> = weights
            .chunks_exact(rows * depth)
            .map(|weights| Packed::new(Matrix::row_major(weights, rows, depth)))
            .collect();
        let mut outputs = vec![0.0; inputs.len() / self.input.elements() * output.elements()];
        outputs
            .par_chunks_mut(CHUNK * output.elements())
            .zip(inputs.par_chunks(CHUNK * self.input.elements()))
            .for_each(|(outputs, inputs)| {
                let mut buffer = vec![0.0; lowering.len];
                let mut results = vec![0.0; self.outputs / groups.len() * lowering.step];
                let group = self.input.elements() / groups.len();
                let planes = outputs.chunks_exact_mut(output.positions()).zip(biases.iter().cycle());
                let mut planes = planes.map(|(plane, &bias)| (plane, bias));
                for (image, weights) in inputs.chunks_exact(group).zip(groups.iter().cycle()) {
                    lowering.fill(image, &mut buffer);
                    multiply_views(weights, &buffer, &lowering.offsets, Store::Replace, &mut results);
                    for results in results.chunks_exact(lowering.step) {
                        let (plane, bias) = planes.next().expect("a plane for each result");
                        lowering.gather(results, bias, plane);
                    }
                }
            });
        outputs
    }
}

impl CustomOp3 for ConvOp {
    fn name(&self) -> &'static str {
        "convolution"
    }

    fn cpu_fwd(
        &self,
        inputs: &CpuStorage,
        inputs_layout: &Layout,
        weights: &CpuStorage,
        weights_layout: &Layout,
        biases: &CpuStorage,
        biases_layout: &Layout,
    ) -> Result<(CpuStorage, Dimensions)> {
        let (batch, elements) = inputs_layout.shape().dims2()?;
        let (rows, depth) = weights_layout.shape().dims2()?;
        let output = self.output()?;
        if elements != self.input.elements()
            || (rows, depth) != (self.outputs, self.depth())
            || biases_layout.shape().dims1()? != self.outputs
            || self.is_depthwise && self.outputs != usize::from(self.input.channels)
        {
            bail!(
                "convolution: inputs {batch}x{elements} of {}, weights {rows}x{depth} for {} outputs, biases {:?}",
                self.input,
                self.outputs,
                biases_layout.shape()
            );
        }
        let inputs = contiguous(inputs, inputs_layout)?;
        let outputs =
            self.forward(inputs, contiguous(weights, weights_layout)?, contiguous(biases, biases_layout)?, output);
        Ok((CpuStorage::F32(outputs), (batch, output.elements()).into()))
    }

    fn bwd(
        &self,
        inputs: &Tensor,
        weights: &Tensor,
        biases: &Tensor,
        _outputs: &Tensor,
        delta: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let output = self.output()?;
        let by_inputs = if self.input_gradient {
            let gradient = with_values(weights, |weights| {
                with_values(delta, |delta| Ok(self.input_gradient(weights, delta, output)))
            })?;
            Some(Tensor::from_vec(gradient, inputs.shape(), inputs.device())?)
        } else {
            None
        };
        let (by_weights, by_biases) =
            with_values(inputs, |inputs| with_values(delta, |delta| Ok(self.weight_gradient(inputs, delta, output))))?;
        Ok((
            by_inputs,
            Some(Tensor::from_vec(by_weights, weights.shape(), weights.device())?),
            Some(Tensor::from_vec(by_biases, biases.shape(), biases.device())?),
        ))
    }
}

impl ConvOp {
    /// Returns the gradient by the inputs of a whole batch, from the gradient by the outputs.
    fn input_gradient(&self, weights: &[f32], delta: &[f32], output: Shape) -> Vec<f32> {
        if (self.window.stride_y, self.window.stride_x) == (1, 1) {
            let turned = self.turned(output);
            return turned.forward(delta, &self.turned_weights(weights), &vec![0.0; turned.outputs], self.input);
        }
        // The transposed weights times delta give the gradient by the im2col matrix, which is then added up per input
        // (col2im).
        let lowering = self.lowering();
        let depth = self.depth();
        let rows = if self.is_depthwise { 1 } else { self.outputs };
        let groups: Vec<Packed> = weights
            .chunks_exact(rows * depth)
            .map(|weights| Packed::new(Matrix::transposed(weights, rows, depth)))
            .collect();
        let offsets: Vec<usize> = (0..rows).map(|output| output * lowering.step).collect();
        let mut gradient = vec![0.0; delta.len() / output.elements() * self.input.elements()];
        gradient
            .par_chunks_mut(CHUNK * self.input.elements())
            .zip(delta.par_chunks(CHUNK * output.elements()))
            .for_each(|(gradient, delta)| {
                let mut spread = vec![0.0; offsets.len() * lowering.step + SLACK];
                let mut results = vec![0.0; depth * lowering.step];
                let mut buffer = vec![0.0; lowering.len];
                let images = gradient.chunks_exact_mut(self.input.elements() / groups.len());
                let deltas = delta.chunks_exact(output.elements() / groups.len());
                for ((image, delta), weights) in images.zip(deltas).zip(groups.iter().cycle()) {
                    for (plane, spread) in
                        delta.chunks_exact(output.positions()).zip(spread.chunks_exact_mut(lowering.step))
                    {
                        lowering.spread(plane, spread);
                    }
                    multiply_views(weights, &spread, &offsets, Store::Replace, &mut results);
                    buffer.fill(0.0);
                    lowering.add(&results, &mut buffer);
                    lowering.take(&buffer, image);
                }
            });
        gradient
    }

    /// Returns the transposed convolution for strides of 1: applied to the gradient by the outputs, it gives the
    /// gradient by the inputs.
    fn turned(&self, output: Shape) -> Self {
        let Window { height, width, padding, .. } = self.window;
        // `Window::places` requires padding to be smaller than the window.
        let padding = Padding {
            top: height - 1 - padding.top,
            left: width - 1 - padding.left,
            bottom: height - 1 - padding.bottom,
            right: width - 1 - padding.right,
        };
        Self {
            window: Window { padding, ..self.window },
            input: output,
            outputs: usize::from(self.input.channels),
            is_depthwise: self.is_depthwise,
            input_gradient: false,
        }
    }

    /// Returns the weights of the transposed convolution: the window rotated by half a turn, inputs and outputs
    /// exchanged.
    fn turned_weights(&self, weights: &[f32]) -> Vec<f32> {
        let area = self.window.area();
        if self.is_depthwise {
            return weights.chunks_exact(area).flat_map(|weights| weights.iter().rev().copied()).collect();
        }
        let channels = usize::from(self.input.channels);
        let mut turned = Vec::with_capacity(weights.len());
        for channel in 0..channels {
            for place in (0..area).rev() {
                turned.extend((0..self.outputs).map(|output| weights[(output * area + place) * channels + channel]));
            }
        }
        turned
    }

    /// Returns the gradients by weights and by biases.
    fn weight_gradient(&self, inputs: &[f32], delta: &[f32], output: Shape) -> (Vec<f32>, Vec<f32>) {
        let chunks: Vec<(Vec<f32>, Vec<f32>)> = inputs
            .par_chunks(CHUNK * self.input.elements())
            .zip(delta.par_chunks(CHUNK * output.elements()))
            .map(|(inputs, delta)| {
                let by_weights = if self.is_depthwise {
                    self.depthwise_chunk(inputs, delta, output)
                } else {
                    self.weight_chunk(inputs, delta, output)
                };
                let mut by_biases = vec![0.0; self.outputs];
                for delta in delta.chunks_exact(output.elements()) {
                    for (gradient, plane) in by_biases.iter_mut().zip(delta.chunks_exact(output.positions())) {
                        *gradient += sum(plane);
                    }
                }
                (by_weights, by_biases)
            })
            .collect();
        let mut total = (vec![0.0; self.outputs * self.depth()], vec![0.0; self.outputs]);
        for (by_weights, by_biases) in chunks {
            total.0.iter_mut().zip(by_weights).for_each(|(total, gradient)| *total += gradient);
            total.1.iter_mut().zip(by_biases).for_each(|(total, gradient)| *total += gradient);
        }
        total
    }

    /// Returns the gradient by weights over a chunk of images, depthwise.
    fn depthwise_chunk(&self, inputs: &[f32], delta: &[f32], output: Shape) -> Vec<f32> {
        let lowering = self.lowering();
        let area = self.window.area();
        let mut buffer = vec![0.0; lowering.len];
        let mut spread = vec![0.0; lowering.step];
        let mut gradient = vec![0.0; self.outputs * area];
        let channels = inputs.chunks_exact(self.input.positions()).zip(delta.chunks_exact(output.positions()));
        for (i, (plane, delta)) in channels.enumerate() {
            lowering.fill(plane, &mut buffer);
            lowering.spread(delta, &mut spread);
            let gradient = &mut gradient[i % self.outputs * area..][..area];
            for (gradient, &offset) in gradient.iter_mut().zip(&lowering.offsets) {
                *gradient += dot(&spread, &buffer[offset..][..lowering.step]);
            }
        }
        gradient
    }

    /// Returns the gradient by weights over a chunk of images. For each window row it is the product of delta (outputs
    /// x positions) and the inputs under that row (positions x (kernel column, channel)). With channels last, these
    /// inputs are contiguous for any stride.
    fn weight_chunk(&self, inputs: &[f32], delta: &[f32], output: Shape) -> Vec<f32> {
        let Window { height, width, stride_y, stride_x, padding } = self.window;
        let channels = usize::from(self.input.channels);
        let covered = usize::from(width) * channels;
        let step = padded(covered);
        let pitch = (usize::from(self.input.width) + usize::from(padding.left) + usize::from(padding.right)) * channels;
        let rows = usize::from(self.input.height) + usize::from(padding.top) + usize::from(padding.bottom);
        let offsets: Vec<usize> = (0..usize::from(output.height))
            .flat_map(|y| (0..usize::from(output.width)).map(move |x| (y, x)))
            .map(|(y, x)| y * usize::from(stride_y) * pitch + x * usize::from(stride_x) * channels)
            .collect();
        let mut places = vec![0.0; rows * pitch + SLACK];
        let mut packed = Packed::empty();
        // Kernel row x outputs x (kernel column, channel).
        let mut gradient = vec![0.0; usize::from(height) * self.outputs * step];
        for (image, delta) in inputs.chunks_exact(self.input.elements()).zip(delta.chunks_exact(output.elements())) {
            let first = usize::from(padding.top) * pitch + usize::from(padding.left) * channels;
            for (channel, plane) in image.chunks_exact(self.input.positions()).enumerate() {
                let rows = plane.chunks_exact(usize::from(self.input.width));
                for (row, to) in rows.zip(places[first + channel..].chunks_mut(pitch)) {
                    for (value, to) in row.iter().zip(to.iter_mut().step_by(channels)) {
                        *to = *value;
                    }
                }
            }
            packed.pack(Matrix::row_major(delta, self.outputs, offsets.len()), 0..self.outputs);
            for (y, gradient) in gradient.chunks_exact_mut(self.outputs * step).enumerate() {
                multiply_views(&packed, &places[y * pitch..], &offsets, Store::Add, gradient);
            }
        }
        let mut ordered = Vec::with_capacity(self.outputs * self.depth());
        for output in 0..self.outputs {
            for y in 0..usize::from(height) {
                ordered.extend_from_slice(&gradient[(y * self.outputs + output) * step..][..covered]);
            }
        }
        ordered
    }
}

/// Multiplies packed rows by a matrix whose rows begin at `offsets` in `values`. `results` has equally long rows.
fn multiply_views(packed: &Packed, values: &[f32], offsets: &[usize], store: Store, results: &mut [f32]) {
    assert_eq!(offsets.len(), packed.depth());
    let columns = results.len() / packed.rows();
    multiply(packed, Right { values, starts: offsets, columns }, store, results);
}
