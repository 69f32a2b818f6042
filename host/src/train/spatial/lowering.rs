//! A convolution as a matrix product: the planes of an image as a matrix of one row for each place of the window and
//! channel (kernel row, kernel column, channel: the order of weights) and one column for each output place.

use pinhole_shared::shape::{Shape, Window};

use super::kernel::{SLACK, padded};

/// Where the matrix lies in a buffer that [`Lowering::fill`] writes.
///
/// With strides of 1 the buffer holds the planes with zeros around, and rows of the matrix are views of them: a column
/// is a place of a padded plane, so that between output rows there are a few columns that belong to no output. Zeros on
/// the right of a row serve as those on the left of the next. With other strides the matrix is copied out.
pub(super) struct Lowering {
    window: Window,
    input: Shape,
    /// Rows of the output.
    height: usize,
    /// Columns of the output.
    width: usize,
    /// Matrix columns from one output row to the next.
    pitch: usize,
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
        let (left, right) = (usize::from(window.padding.left), usize::from(window.padding.right));
        let rows = usize::from(input.height) + usize::from(window.padding.top) + usize::from(window.padding.bottom);
        let channels = usize::from(input.channels);
        let is_view = (window.stride_y, window.stride_x) == (1, 1);
        let pitch = if is_view { usize::from(input.width) + left.max(right) } else { width };
        let step = padded((height - 1) * pitch + width);
        let plane = rows * pitch + left.min(right);
        let places = (0..usize::from(window.height)).flat_map(|y| (0..usize::from(window.width)).map(move |x| (y, x)));
        let offsets: Vec<usize> = places
            .flat_map(|(y, x)| (0..channels).map(move |channel| (y, x, channel)))
            .enumerate()
            .map(|(k, (y, x, channel))| if is_view { channel * plane + y * pitch + x } else { k * step })
            .collect();
        let len = if is_view { channels * plane } else { offsets.len() * step } + SLACK;
        Self { window, input, height, width, pitch, offsets, step, len }
    }

    fn is_view(&self) -> bool {
        (self.window.stride_y, self.window.stride_x) == (1, 1)
    }

    /// Writes an image (channels x height x width) into a buffer that held zeros or another image.
    pub(super) fn fill(&self, image: &[f32], buffer: &mut [f32]) {
        if !self.is_view() {
            let stride = usize::from(self.window.stride_x);
            return self.runs(|column, place, count| {
                for (value, from) in
                    buffer[column..column + count].iter_mut().zip(image[place..].iter().step_by(stride))
                {
                    *value = *from;
                }
            });
        }
        let (rows, width) = (usize::from(self.input.height), usize::from(self.input.width));
        // The row of the first place of the window is the plane itself.
        let first = usize::from(self.window.padding.top) * self.pitch + usize::from(self.window.padding.left);
        for (plane, &offset) in image.chunks_exact(rows * width).zip(&self.offsets) {
            for (row, to) in plane.chunks_exact(width).zip(buffer[offset + first..].chunks_mut(self.pitch)) {
                to[..width].copy_from_slice(row);
            }
        }
    }

    /// Adds a matrix (rows of `step`) to the image (channels x height x width) whose elements it holds: what is the
    /// gradient by the image, when the matrix is the gradient by the matrix that `fill` copies out.
    pub(super) fn scatter(&self, matrix: &[f32], image: &mut [f32]) {
        debug_assert!(!self.is_view());
        let stride = usize::from(self.window.stride_x);
        self.runs(|column, place, count| {
            for (value, to) in matrix[column..column + count].iter().zip(image[place..].iter_mut().step_by(stride)) {
                *to += value;
            }
        });
    }

    /// The copied-out matrix, in order: runs of elements along output rows that lie inside the image, by where they begin
    /// in the matrix, where in the image, and their number.
    fn runs(&self, mut run: impl FnMut(usize, usize, usize)) {
        let Window { stride_y, stride_x, padding, .. } = self.window;
        let (stride_y, stride_x) = (usize::from(stride_y), usize::from(stride_x));
        let (top, left) = (usize::from(padding.top), usize::from(padding.left));
        let (rows, width, channels) =
            (usize::from(self.input.height), usize::from(self.input.width), usize::from(self.input.channels));
        for (k, &offset) in self.offsets.iter().enumerate() {
            let (place, channel) = (k / channels, k % channels);
            let (y, x) = (place / usize::from(self.window.width), place % usize::from(self.window.width));
            let first = left.saturating_sub(x).div_ceil(stride_x);
            let end = (width + left).saturating_sub(x).div_ceil(stride_x).min(self.width);
            if first >= end {
                continue;
            }
            for output in 0..self.height {
                let Some(row) = (output * stride_y + y).checked_sub(top).filter(|&row| row < rows) else { continue };
                let from = (channel * rows + row) * width + first * stride_x + x - left;
                run(offset + output * self.pitch + first, from, end - first);
            }
        }
    }

    /// An output plane as a row of results (`step` long), into a buffer that held zeros or another plane: columns of no output are 0.
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
