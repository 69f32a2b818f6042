//! Conversion between the tensor layouts of training (channel planes, NCHW) and of the device (channels last, NHWC).

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape as Dimensions, Tensor, bail};
use pinhole_shared::shape::Shape;

use super::super::optimizer::contiguous;
use super::with_values;

/// Converts one image from channels x (height * width) to (height * width) x channels.
///
/// # Panics
/// If the number of values is not that of the shape.
pub(super) fn to_places_first(values: &[f32], shape: Shape) -> Vec<f32> {
    transposed(values, usize::from(shape.channels), shape.positions())
}

/// Converts one image from (height * width) x channels to channels x (height * width).
///
/// # Panics
/// If the number of values is not that of the shape.
pub(crate) fn to_planes_first(values: &[f32], shape: Shape) -> Vec<f32> {
    transposed(values, shape.positions(), usize::from(shape.channels))
}

fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    assert_eq!(values.len(), rows * columns);
    (0..columns).flat_map(|column| values.iter().skip(column).step_by(columns).copied()).collect()
}

/// Flattens a batch for a dense layer: [`to_places_first`] for every image.
pub(crate) struct FlattenOp {
    /// Shape of one image.
    pub shape: Shape,
}

impl CustomOp1 for FlattenOp {
    fn name(&self) -> &'static str {
        "flatten"
    }

    fn cpu_fwd(&self, inputs: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Dimensions)> {
        let (_, elements) = layout.shape().dims2()?;
        if elements != self.shape.elements() || elements == 0 {
            bail!("flatten: {elements} elements for {}", self.shape);
        }
        let inputs = contiguous(inputs, layout)?;
        let outputs = inputs.chunks_exact(elements).flat_map(|image| to_places_first(image, self.shape)).collect();
        Ok((CpuStorage::F32(outputs), layout.shape().clone()))
    }

    fn bwd(&self, inputs: &Tensor, _outputs: &Tensor, delta: &Tensor) -> Result<Option<Tensor>> {
        let gradient = with_values(delta, |delta| {
            let images = delta.chunks_exact(self.shape.elements());
            Ok(images.flat_map(|image| to_planes_first(image, self.shape)).collect::<Vec<f32>>())
        })?;
        Ok(Some(Tensor::from_vec(gradient, inputs.shape(), inputs.device())?))
    }
}
