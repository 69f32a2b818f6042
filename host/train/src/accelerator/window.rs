//! Sliding windows, from candle's operations that run on every device and have gradients.
//!
//! candle's own convolution and poolings have one stride and one padding for both directions, and not all have
//! gradients.

use candle_core::{Result, Tensor, bail};
use pinhole_shared::shape::{Shape, Window};

/// Returns the input values under each window position (im2col). For each row and column of the window, in this order:
/// batch x channels x (rows * columns of the output). `values` are batch x (channels * height * width), padded with
/// `fill`.
pub(crate) fn under(window: Window, input: Shape, values: &Tensor, fill: f32) -> Result<Vec<Tensor>> {
    let Some((rows, columns)) = window.output_size(input) else { bail!("{window:?} over {input} has no output") };
    let Window { height, width, stride_y, stride_x, padding } = window;
    let [channels, input_height, input_width] = [input.channels, input.height, input.width].map(usize::from);
    let image = values.reshape(((), channels, input_height, input_width))?;
    let image = surrounded(&image, 2, padding.top, padding.bottom, fill)?;
    let image = surrounded(&image, 3, padding.left, padding.right, fill)?;
    let mut all = Vec::with_capacity(window.area());
    for y in 0..height {
        let rows = strided(&image, 2, y, stride_y, rows)?;
        for x in 0..width {
            all.push(strided(&rows, 3, x, stride_x, columns)?.flatten_from(2)?);
        }
    }
    Ok(all)
}

/// Pads an image along a dimension with `before` and `after` elements of `fill`.
fn surrounded(image: &Tensor, dimension: usize, before: u8, after: u8, fill: f32) -> Result<Tensor> {
    let mut parts = Vec::with_capacity(3);
    let border = |count: u8| {
        let mut dimensions = image.dims().to_vec();
        dimensions[dimension] = count.into();
        Tensor::full(fill, dimensions, image.device())
    };
    if before > 0 {
        parts.push(border(before)?);
    }
    parts.push(image.clone());
    if after > 0 {
        parts.push(border(after)?);
    }
    if let [image] = &parts[..] { Ok(image.clone()) } else { Tensor::cat(&parts, dimension) }
}

/// Returns `count` positions along a dimension, from `start` on, `stride` apart.
fn strided(image: &Tensor, dimension: usize, start: u8, stride: u8, count: u16) -> Result<Tensor> {
    if stride == 1 {
        return image.narrow(dimension, start.into(), count.into());
    }
    let places: Vec<u32> = (0..u32::from(count)).map(|place| u32::from(start) + place * u32::from(stride)).collect();
    image.contiguous()?.index_select(&Tensor::new(places, image.device())?, dimension)
}

/// Returns the sum of tensors of one shape, element by element.
pub(crate) fn sum(tensors: &[Tensor]) -> Result<Tensor> {
    folded(tensors, |sum, next| sum + next)
}

/// Returns the largest of tensors of one shape, element by element.
pub(crate) fn largest(tensors: &[Tensor]) -> Result<Tensor> {
    folded(tensors, |largest, next| largest.maximum(next))
}

fn folded(tensors: &[Tensor], with: impl Fn(&Tensor, &Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let Some((first, rest)) = tensors.split_first() else { bail!("a window without elements") };
    rest.iter().try_fold(first.clone(), |so_far, next| with(&so_far, next))
}
