//! Draws pixels in a terminal: two per character, one above the other.

use pinhole_shared::pixels::PictureSize;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::widgets::Widget;

/// Character whose upper half has the foreground's color, and whose lower half the background's.
const UPPER_HALF: &str = "\u{2580}";

/// A rectangle of pixels, as large as fits: one pixel per column if there is room, otherwise scaled down.
pub(super) struct PixelsWidget<'p> {
    pub(super) size: PictureSize,
    /// Row by row: one byte per pixel, or red, green and blue of each pixel together.
    pub(super) pixels: &'p [u8],
}

impl PixelsWidget<'_> {
    /// Returns the width and height, in pixels, of what is shown in an area of a picture of this size.
    fn shown(size: PictureSize, area: Rect) -> (usize, usize) {
        let [width, height] = [size.width, size.height].map(usize::from);
        let (columns, lines) = (usize::from(area.width).min(width), (usize::from(area.height) * 2).min(height));
        // The scale is that of the axis with less room.
        if columns * height <= lines * width {
            (columns, (columns * height / width.max(1)).min(lines))
        } else {
            ((lines * width / height.max(1)).min(columns), lines)
        }
    }

    /// Returns the columns and rows that a picture of this size takes in an area.
    pub(super) fn cells(size: PictureSize, area: Rect) -> (u16, u16) {
        let (columns, lines) = Self::shown(size, area);
        (columns as u16, lines.div_ceil(2) as u16)
    }

    /// Returns the color of the nearest pixel, when the picture is scaled to `shown` pixels; black below the picture.
    fn at(&self, x: usize, y: usize, shown: (usize, usize)) -> Color {
        let [width, height] = [self.size.width, self.size.height].map(usize::from);
        let nearest = |place: usize, length: usize, shown: usize| (2 * place + 1) * length / (2 * shown.max(1));
        let channels = if self.pixels.len() == 3 * width * height { 3 } else { 1 };
        let pixel = (nearest(y, height, shown.1) * width + nearest(x, width, shown.0)) * channels;
        match self.pixels.get(pixel..pixel + channels) {
            Some(&[red, green, blue]) if y < shown.1 => Color::Rgb(red, green, blue),
            Some(&[gray]) if y < shown.1 => Color::Rgb(gray, gray, gray),
            _ => Color::Rgb(0, 0, 0),
        }
    }
}

impl Widget for PixelsWidget<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let (columns, rows) = Self::cells(self.size, area);
        let shown = Self::shown(self.size, area);
        for row in 0..rows {
            for column in 0..columns {
                let (x, y) = (usize::from(column), 2 * usize::from(row));
                if let Some(cell) = buffer.cell_mut((area.x + column, area.y + row)) {
                    cell.set_symbol(UPPER_HALF).set_fg(self.at(x, y, shown)).set_bg(self.at(x, y + 1, shown));
                }
            }
        }
    }
}
