//! A layer's input with padding around it.

use pinhole_shared::layer::{Conv, Dense};

use super::{ROWS, take};

/// Copy of an input: row by row, the channels of a position together, with rows and columns of the zero point around it.
#[derive(Clone, Debug, Default)]
pub(super) struct Padded {
    /// Elements of one or two bytes each, little-endian.
    pub(super) bytes: Vec<u8>,
    /// Bytes of an element.
    pub(super) element: usize,
    /// Bytes from one row to the next.
    pub(super) pitch: usize,
    /// Bytes before the first element of the input.
    first: usize,
    /// Elements of a row of the input.
    columns: usize,
}

impl Padded {
    /// Makes room for the input of a convolution, and fills the padding. `None` if it takes more bytes than are left.
    pub(super) fn new(conv: &Conv<'_>, element: usize, left_for_model: &mut usize) -> Option<Self> {
        let (window, shape) = (conv.window, conv.input.shape);
        let channels = usize::from(shape.channels);
        let [top, left, bottom, right] =
            [window.padding.top, window.padding.left, window.padding.bottom, window.padding.right].map(usize::from);
        let pitch = (left + usize::from(shape.width) + right) * channels * element;
        let rows = top + usize::from(shape.height) + bottom;
        let columns = usize::from(shape.width) * channels;
        let first = top * pitch + left * channels * element;
        take(left_for_model, rows.checked_mul(pitch))?;
        Some(Self { bytes: room(rows * pitch, conv.input.zero_point, element), element, pitch, first, columns })
    }

    /// Makes room for the input of a dense layer, in one row. `None` if it takes more bytes than are left.
    pub(super) fn line(dense: &Dense<'_>, element: usize, left_for_model: &mut usize) -> Option<Self> {
        let columns = dense.weighted.operands.weights.inputs();
        let pitch = columns * element;
        take(left_for_model, Some(pitch))?;
        Some(Self { bytes: room(pitch, 0, element), element, pitch, first: 0, columns })
    }

    /// Copies an input.
    pub(super) fn fill(&mut self, input: &[u8]) {
        let Self { bytes, element, pitch, first, columns } = self;
        let rows = bytes[*first..].chunks_mut((*pitch).max(1));
        for (row, values) in rows.zip(input.chunks_exact((*columns).max(1))) {
            if *element == 1 {
                row[..values.len()].copy_from_slice(values);
            } else {
                for (place, &value) in row.chunks_exact_mut(2).zip(values) {
                    place.copy_from_slice(&u16::from(value).to_le_bytes());
                }
            }
        }
    }
}

/// Returns this many bytes of the zero point, and some that loops read, without using them, after the last element.
fn room(bytes: usize, zero_point: u8, element: usize) -> Vec<u8> {
    let mut room = vec![0; bytes + ROWS];
    for place in room[..bytes].chunks_exact_mut(element) {
        place[0] = zero_point;
    }
    room
}
