//! Pooling with sliding windows, and global average pooling.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape as Dimensions, Tensor, bail};
use pinhole_shared::model::PoolKind;
use pinhole_shared::shape::{Shape, Window};
use rayon::prelude::*;

use super::super::optimizer::contiguous;
use super::super::simd::sum;
use super::with_values;

/// Max or average pooling: batch x (channels * height * width) -> batch x (channels * rows * columns). Padding is never
/// the maximum and does not count for the average. The gradient of a maximum goes to the first of equal values.
pub(crate) struct PoolOp {
    /// True for max pooling, false for average pooling.
    pub kind: PoolKind,
    /// Window that slides over the input.
    pub window: Window,
    /// Shape of one image.
    pub input: Shape,
}

impl PoolOp {
    fn output(&self) -> Result<Shape> {
        let Some((height, width)) = self.window.output_size(self.input) else {
            bail!("pooling: {:?} over {} has no output", self.window, self.input)
        };
        Ok(Shape { height, width, ..self.input })
    }

    /// Returns the rows and columns of the input under the window, for each output of a plane in order.
    fn windows(&self, output: Shape) -> impl Iterator<Item = (core::ops::Range<usize>, core::ops::Range<usize>)> {
        let Window { height, width, stride_y, stride_x, padding } = self.window;
        let covered = |place: u16, stride: u8, window: u8, before: u8, size: u16| {
            let first = usize::from(place) * usize::from(stride);
            let before = usize::from(before);
            first.saturating_sub(before)..(first + usize::from(window) - before).min(usize::from(size))
        };
        let input = self.input;
        (0..output.height).flat_map(move |y| {
            let rows = covered(y, stride_y, height, padding.top, input.height);
            (0..output.width).map(move |x| (rows.clone(), covered(x, stride_x, width, padding.left, input.width)))
        })
    }
}

impl CustomOp1 for PoolOp {
    fn name(&self) -> &'static str {
        "pooling"
    }

    fn cpu_fwd(&self, inputs: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Dimensions)> {
        let (batch, elements) = layout.shape().dims2()?;
        let output = self.output()?;
        if elements != self.input.elements() {
            bail!("pooling: {elements} elements for {}", self.input);
        }
        let inputs = contiguous(inputs, layout)?;
        let width = usize::from(self.input.width);
        let mut outputs = vec![0.0; batch * output.elements()];
        outputs.par_chunks_mut(output.positions()).zip(inputs.par_chunks(self.input.positions())).for_each(
            |(to, plane)| {
                for (to, (rows, columns)) in to.iter_mut().zip(self.windows(output)) {
                    let count = rows.len() * columns.len();
                    let values = rows.flat_map(|row| &plane[row * width..][columns.clone()]);
                    *to = if self.kind == PoolKind::Max {
                        values.fold(f32::NEG_INFINITY, |largest, &value| largest.max(value))
                    } else {
                        values.sum::<f32>() / count as f32
                    };
                }
            },
        );
        Ok((CpuStorage::F32(outputs), (batch, output.elements()).into()))
    }

    fn bwd(&self, inputs: &Tensor, _outputs: &Tensor, delta: &Tensor) -> Result<Option<Tensor>> {
        let output = self.output()?;
        let width = usize::from(self.input.width);
        let gradient = with_values(inputs, |inputs| {
            with_values(delta, |delta| {
                let mut gradient = vec![0.0; inputs.len()];
                gradient
                    .par_chunks_mut(self.input.positions())
                    .zip(inputs.par_chunks(self.input.positions()).zip(delta.par_chunks(output.positions())))
                    .for_each(|(gradient, (plane, delta))| {
                        for (&delta, (rows, columns)) in delta.iter().zip(self.windows(output)) {
                            let places =
                                rows.clone().flat_map(|row| row * width + columns.start..row * width + columns.end);
                            if self.kind == PoolKind::Max {
                                let first = places.reduce(|a, b| if plane[b] > plane[a] { b } else { a });
                                gradient[first.expect("windows cover places")] += delta;
                            } else {
                                let share = delta / (rows.len() * columns.len()) as f32;
                                places.for_each(|place| gradient[place] += share);
                            }
                        }
                    });
                Ok(gradient)
            })
        })?;
        Ok(Some(Tensor::from_vec(gradient, inputs.shape(), inputs.device())?))
    }
}

/// Global average pooling, the mean of each channel: batch x (channels * height * width) -> batch x channels.
pub(crate) struct GlobalAverageOp {
    /// Shape of one image.
    pub input: Shape,
}

impl CustomOp1 for GlobalAverageOp {
    fn name(&self) -> &'static str {
        "global average"
    }

    fn cpu_fwd(&self, inputs: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Dimensions)> {
        let (batch, elements) = layout.shape().dims2()?;
        if elements != self.input.elements() || elements == 0 {
            bail!("global average: {elements} elements for {}", self.input);
        }
        let places = self.input.positions();
        let inputs = contiguous(inputs, layout)?;
        let averages = inputs.chunks_exact(places).map(|plane| sum(plane) / places as f32).collect();
        Ok((CpuStorage::F32(averages), (batch, usize::from(self.input.channels)).into()))
    }

    fn bwd(&self, inputs: &Tensor, _outputs: &Tensor, delta: &Tensor) -> Result<Option<Tensor>> {
        let places = self.input.positions();
        let gradient = with_values(delta, |delta| {
            Ok(delta
                .iter()
                .flat_map(|&delta| core::iter::repeat_n(delta / places as f32, places))
                .collect::<Vec<f32>>())
        })?;
        Ok(Some(Tensor::from_vec(gradient, inputs.shape(), inputs.device())?))
    }
}
