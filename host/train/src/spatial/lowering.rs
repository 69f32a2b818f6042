//! Convolution as a matrix product (im2col). The matrix has one row for each window position and channel (kernel row,
//! kernel column, channel: the order of weights), and one column for each output position.
//!
//! The matrix is not copied out. A buffer holds the planes with zero padding, and rows of the matrix are views of it,
//! each with its own offset. A column is a position of a padded plane, so between output rows there are a few columns
//! that belong to no output. With strides, each plane is divided into stride x stride planes, so that the values which
//! one window position reads in turn are adjacent.

use pinhole_shared::shape::{Shape, Window};

use super::super::matrix::NARROWEST;

/// Values that buffers have beyond the last row of a matrix, so that all rows can be as long as [`padded`] says.
pub(super) const SLACK: usize = NARROWEST;

/// Returns the length of a row of results: whole tiles, which are faster than exact columns. The values beyond the
/// columns are unspecified.
pub(super) const fn padded(columns: usize) -> usize {
    columns.next_multiple_of(NARROWEST)
}

/// Layout of the matrix in a buffer that [`Lowering::fill`] writes.
pub(super) struct Lowering {
    window: Window,
    input: Shape,
    /// Columns of the output.
    width: usize,
    /// Matrix columns from one output row to the next.
    pitch: usize,
    /// Length of a plane in the buffer.
    plane: usize,
    /// Offset of each row of the matrix in the buffer.
    pub offsets: Vec<usize>,
    /// Length of a row of results ([`padded`]).
    pub step: usize,
    /// Length of the buffer.
    pub len: usize,
}

impl Lowering {
    /// # Panics
    /// If the window has no position in the input; networks are checked before they are trained.
    pub(super) fn new(window: Window, input: Shape) -> Self {
        let (height, width) = window.output_size(input).expect("a checked window");
        let (height, width) = (usize::from(height), usize::from(width));
        let (stride_y, stride_x) = (usize::from(window.stride_y), usize::from(window.stride_x));
        let (left, right) = (usize::from(window.padding.left), usize::from(window.padding.right));
        let rows = usize::from(input.height) + usize::from(window.padding.top) + usize::from(window.padding.bottom);
        let channels = usize::from(input.channels);
        let columns = usize::from(input.width) + left + right;
        // Without stride, zeros on the right of a row are also those on the left of the next.
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

    /// Writes an image (channels x height x width) to a buffer that holds zeros or another image.
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

    /// Adds the rows of a matrix to a buffer, each at the offset from which it is read after `fill` (col2im). Rows have
    /// `step` values, 0 in columns of no output. Followed by [`Lowering::take`], this gives the gradient by the image
    /// from the gradient by the matrix.
    pub(super) fn add(&self, matrix: &[f32], buffer: &mut [f32]) {
        for (row, &offset) in matrix.chunks_exact(self.step).zip(&self.offsets) {
            buffer[offset..][..self.step].iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
    }

    /// Reads the image (channels x height x width) from a buffer, without its padding.
    pub(super) fn take(&self, buffer: &[f32], image: &mut [f32]) {
        let stride = usize::from(self.window.stride_x);
        self.runs(|place, dealt, count| {
            for (to, from) in image[place..].iter_mut().step_by(stride).zip(&buffer[dealt..dealt + count]) {
                *to = *from;
            }
        });
    }

    /// Calls `run` for each run of elements that are adjacent in the buffer and `stride_x` apart in the image. Its
    /// arguments are the first index in the image, the first index in the buffer, and the number of elements.
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

    /// Writes an output plane as a row of results (`step` values) to a buffer that holds zeros or another plane.
    /// Columns of no output are 0.
    pub(super) fn spread(&self, plane: &[f32], buffer: &mut [f32]) {
        for (row, to) in plane.chunks_exact(self.width).zip(buffer.chunks_mut(self.pitch)) {
            to[..self.width].copy_from_slice(row);
        }
    }

    /// Reads the output plane from a row of results and adds a bias.
    pub(super) fn gather(&self, results: &[f32], bias: f32, plane: &mut [f32]) {
        for (row, from) in plane.chunks_exact_mut(self.width).zip(results.chunks(self.pitch)) {
            for (value, from) in row.iter_mut().zip(from) {
                *value = from + bias;
            }
        }
    }
}
