//! A convolution as a matrix product: the planes of an image as a matrix of one row for each place of the window and
//! channel (kernel row, kernel column, channel: the order of weights) and one column for each output place.
//!
//! The matrix is not copied out. A buffer holds the planes with zeros around, and rows of the matrix are views of them,
//! each from another place on: a column is a place of a padded plane, so that between output rows there are a few columns
//! that belong to no output. With strides, each plane is dealt out to stride x stride ones, so that what one place of the
//! window meets again lies side by side.

use pinhole_shared::shape::{Shape, Window};

use super::kernel::{SLACK, padded};

/// Where the matrix lies in a buffer that [`Lowering::fill`] writes.
pub(super) struct Lowering {
    window: Window,
    input: Shape,
    /// Columns of the output.
    width: usize,
    /// Matrix columns from one output row to the next.
    pitch: usize,
    /// Length of a plane in the buffer.
    plane: usize,
    /// Where each row of the matrix begins.
    pub offsets: Vec<usize>,
    /// Length of a row of results ([`padded`]).
    pub step: usize,
    /// Length of the buffer.
    pub len: usize,
}

impl Lowering {
    /// # Panics
    /// If the window has no place in the input; networks are checked before they are trained.
    pub(super) fn new(window: Window, input: Shape) -> Self {
        let (height, width) = window.places(input).expect("a checked window");
        let (height, width) = (usize::from(height), usize::from(width));
        let (stride_y, stride_x) = (usize::from(window.stride_y), usize::from(window.stride_x));
        let (left, right) = (usize::from(window.padding.left), usize::from(window.padding.right));
        let rows = usize::from(input.height) + usize::from(window.padding.top) + usize::from(window.padding.bottom);
        let channels = usize::from(input.channels);
        let columns = usize::from(input.width) + left + right;
        // Without stride, zeros on the right of a row serve as those on the left of the next.
        let shared = if stride_x == 1 { left.min(right) } else { 0 };
        let pitch = (columns - shared).div_ceil(stride_x);
        let plane = rows.div_ceil(stride_y) * pitch + shared;
        let places = (0..usize::from(window.height)).flat_map(|y| (0..usize::from(window.width)).map(move |x| (y, x)));
        let offsets: Vec<usize> = places
            .flat_map(|(y, x)| {
                let dealt = (y % stride_y) * stride_x + x % stride_x;
                let first = dealt * plane + y / stride_y * pitch + x / stride_x;
                (0..channels).map(move |channel| channel * stride_y * stride_x * plane + first)
            })
            .collect();
        let len = channels * stride_y * stride_x * plane + SLACK;
        Self { window, input, width, pitch, plane, offsets, step: padded((height - 1) * pitch + width), len }
    }

    /// Writes an image (channels x height x width) into a buffer that held zeros or another image.
    pub(super) fn fill(&self, image: &[f32], buffer: &mut [f32]) {
        let stride = usize::from(self.window.stride_x);
        self.runs(|place, dealt, count| {
            let to = &mut buffer[dealt..dealt + count];
            if stride == 1 {
                to.copy_from_slice(&image[place..place + count]);
            } else {
                for (to, from) in to.iter_mut().zip(image[place..].iter().step_by(stride)) {
                    *to = *from;
                }
            }
        });
    }

    /// Adds the rows of a matrix (each of `step`, 0 in columns of no output) to a buffer, each where `fill` would have had
    /// it read from. With [`Lowering::take`] that is the gradient by the image, from the one by the matrix.
    pub(super) fn add(&self, matrix: &[f32], buffer: &mut [f32]) {
        for (row, &offset) in matrix.chunks_exact(self.step).zip(&self.offsets) {
            buffer[offset..][..self.step].iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
    }

    /// The image (channels x height x width) out of a buffer; what lies around it is dropped.
    pub(super) fn take(&self, buffer: &[f32], image: &mut [f32]) {
        let stride = usize::from(self.window.stride_x);
        self.runs(|place, dealt, count| {
            for (to, from) in image[place..].iter_mut().step_by(stride).zip(&buffer[dealt..dealt + count]) {
                *to = *from;
            }
        });
    }

    /// The runs of elements that lie side by side in the buffer, and `stride_x` apart in the image: where each begins in
    /// the image, where in the buffer, and their number.
    fn runs(&self, mut run: impl FnMut(usize, usize, usize)) {
        let Window { stride_y, stride_x, padding, .. } = self.window;
        let (stride_y, stride_x) = (usize::from(stride_y), usize::from(stride_x));
        let (top, left) = (usize::from(padding.top), usize::from(padding.left));
        let (rows, width) = (usize::from(self.input.height), usize::from(self.input.width));
        for channel in 0..usize::from(self.input.channels) {
            for row in 0..rows {
                let (plane, to_row) = (channel * stride_y + (row + top) % stride_y, (row + top) / stride_y);
                for column in 0..stride_x.min(width) {
                    let plane = plane * stride_x + (column + left) % stride_x;
                    let to = plane * self.plane + to_row * self.pitch + (column + left) / stride_x;
                    run((channel * rows + row) * width + column, to, (width - column).div_ceil(stride_x));
                }
            }
        }
    }

    /// An output plane as a row of results (`step` long), into a buffer that held zeros or another plane: columns of no
    /// output are 0.
    pub(super) fn spread(&self, plane: &[f32], buffer: &mut [f32]) {
        for (row, to) in plane.chunks_exact(self.width).zip(buffer.chunks_mut(self.pitch)) {
            to[..self.width].copy_from_slice(row);
        }
    }

    /// The output plane of a row of results, plus a bias.
    pub(super) fn gather(&self, results: &[f32], bias: f32, plane: &mut [f32]) {
        for (row, from) in plane.chunks_exact_mut(self.width).zip(results.chunks(self.pitch)) {
            for (value, from) in row.iter_mut().zip(from) {
                *value = from + bias;
            }
        }
    }
}
