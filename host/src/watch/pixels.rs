//! Draws pixels in a terminal: two per character, one above the other.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::widgets::Widget;

/// Character whose upper half has the foreground's color, and whose lower half the background's.
const UPPER_HALF: &str = "\u{2580}";

/// A square of pixels, as large as fits: one pixel per column if there is room, otherwise scaled down.
pub(super) struct PixelsWidget<'p> {
    pub(super) side: usize,
    /// Row by row: one byte per pixel, or red, green and blue of each pixel together.
    pub(super) pixels: &'p [u8],
}

impl PixelsWidget<'_> {
    /// Returns the columns and rows that a square of `side` pixels takes in an area.
    pub(super) fn size(side: usize, area: Rect) -> (u16, u16) {
        let columns = side.min(usize::from(area.width)).min(usize::from(area.height) * 2);
        (columns as u16, columns.div_ceil(2) as u16)
    }

    /// Returns the color of the nearest pixel, when the square is scaled to `shown` pixels a side; black below the
    /// square.
    fn at(&self, x: usize, y: usize, shown: usize) -> Color {
        let nearest = |place: usize| (2 * place + 1) * self.side / (2 * shown);
        let channels = if self.pixels.len() == 3 * self.side * self.side { 3 } else { 1 };
        let pixel = (nearest(y) * self.side + nearest(x)) * channels;
        match self.pixels.get(pixel..pixel + channels) {
            Some(&[red, green, blue]) if y < shown => Color::Rgb(red, green, blue),
            Some(&[gray]) if y < shown => Color::Rgb(gray, gray, gray),
            _ => Color::Rgb(0, 0, 0),
        }
    }
}

impl Widget for PixelsWidget<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let (columns, rows) = Self::size(self.side, area);
        let shown = usize::from(columns);
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
