//! Layouts of bands ([`super::Layout::is_band`]): the order of a convolution's columns.

use super::padded;

/// Lanes of a column of the window come in groups of this many; those that fill up have weights of 0.
pub const BAND_GROUP: usize = 4;

/// A convolution's window, whose columns of weights go column by column: first those of the window's first column, from top to
/// bottom, the channels of a position together.
///
/// So the values under neighboring windows overlap in memory, once the rows under a row of windows (a band) lie in this order
/// too. A column of the window fills whole groups of [`BAND_GROUP`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BandOrder {
    /// Rows of the window.
    pub height: usize,
    /// Columns of the window.
    pub width: usize,
    /// Channels of the input.
    pub channels: usize,
}

impl BandOrder {
    /// Values of a column of the window, with those that fill up.
    pub fn lanes(self) -> usize {
        padded(self.height * self.channels, BAND_GROUP)
    }

    /// Columns of weights, with those that fill up.
    pub fn columns(self) -> usize {
        self.width * self.lanes()
    }

    /// Returns the column of weights that is this one in row-major order (the window's rows, columns, channels).
    pub fn of_row_major(self, row_major: usize) -> usize {
        let row_values = (self.width * self.channels).max(1);
        let (row, in_row) = (row_major / row_values, row_major % row_values);
        let (column, channel) = (in_row / self.channels.max(1), in_row % self.channels.max(1));
        column * self.lanes() + row * self.channels + channel
    }

    /// Returns the column in row-major order; `None` for one that fills up.
    pub fn row_major(self, column: usize) -> Option<usize> {
        let (window_column, lane) = (column / self.lanes().max(1), column % self.lanes().max(1));
        let (row, channel) = (lane / self.channels.max(1), lane % self.channels.max(1));
        (row < self.height && window_column < self.width)
            .then_some((row * self.width + window_column) * self.channels + channel)
    }
}
