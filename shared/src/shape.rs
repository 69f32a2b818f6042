//! Shapes of tensors and sliding windows: the same arithmetic for recipes, training and the device.

/// Shape of a tensor of one picture (HWC). On the device it is stored row by row, the channels of a position together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Shape {
    /// Rows.
    pub height: u16,
    /// Columns.
    pub width: u16,
    /// Channels per position.
    pub channels: u16,
}

impl Shape {
    /// Number of positions: rows times columns.
    pub const fn positions(self) -> usize {
        self.height as usize * self.width as usize
    }

    /// Number of elements: rows times columns times channels.
    pub const fn elements(self) -> usize {
        self.positions() * self.channels as usize
    }
}

impl core::fmt::Display for Shape {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}x{}x{}", self.height, self.width, self.channels)
    }
}

/// Rows and columns added around a tensor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Padding {
    /// Rows above.
    pub top: u8,
    /// Columns to the left.
    pub left: u8,
    /// Rows below.
    pub bottom: u8,
    /// Columns to the right.
    pub right: u8,
}

/// Sliding window of a convolution or a pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Window {
    /// Rows.
    pub height: u8,
    /// Columns.
    pub width: u8,
    /// Row stride.
    pub stride_y: u8,
    /// Column stride.
    pub stride_x: u8,
    /// Padding around the input.
    pub padding: Padding,
}

impl Window {
    /// Returns a square window whose stride is its side, without padding: it covers each position at most once.
    pub const fn tiles(side: u8) -> Self {
        let padding = Padding { top: 0, left: 0, bottom: 0, right: 0 };
        Self { height: side, width: side, stride_y: side, stride_x: side, padding }
    }

    /// Elements under the window, per channel.
    pub const fn area(self) -> usize {
        self.height as usize * self.width as usize
    }

    /// Returns the rows and columns of the output, as many as fit. `None` if size or stride is 0, if the window fits
    /// nowhere, or if padding is as large as the window, so that it could lie completely outside.
    pub fn output_size(self, input: Shape) -> Option<(u16, u16)> {
        let Self { height, width, stride_y, stride_x, padding: Padding { top, left, bottom, right } } = self;
        if top.max(bottom) >= height || left.max(right) >= width {
            return None;
        }
        let along = |size: u16, before: u8, after: u8, window: u8, stride: u8| {
            let room = (u32::from(size) + u32::from(before) + u32::from(after)).checked_sub(u32::from(window))?;
            u16::try_from(room.checked_div(u32::from(stride))? + 1).ok()
        };
        Some((along(input.height, top, bottom, height, stride_y)?, along(input.width, left, right, width, stride_x)?))
    }
}

#[cfg(test)]
mod tests;
