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
        // The other axis of a very flat or tall picture keeps a pixel.
        let least = columns.min(lines).min(1);
        // The scale is that of the axis with less room.
        if columns * height <= lines * width {
            (columns, (columns * height / width.max(1)).clamp(least, lines))
        } else {
            ((lines * width / height.max(1)).clamp(least, columns), lines)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Width and height of pictures and of areas, in cells of two pixels, and of what is shown, in pixels.
    #[test]
    fn pictures_keep_their_shape_and_at_least_a_pixel() {
        for ((width, height), (columns, rows), shown) in [
            ((96, 96), (200, 100), (96, 96)),
            ((96, 48), (48, 100), (48, 24)),
            ((288, 96), (100, 10), (60, 20)),
            ((1024, 1), (80, 24), (80, 1)),
            ((1, 1024), (80, 24), (1, 48)),
            ((1024, 8), (80, 24), (80, 1)),
            ((0, 1024), (80, 24), (0, 0)),
            ((8, 8), (0, 24), (0, 0)),
            ((8, 8), (80, 0), (0, 0)),
        ] {
            let (size, area) = (PictureSize { width, height }, Rect::new(0, 0, columns, rows));
            assert_eq!(PixelsWidget::shown(size, area), shown, "{width}x{height} in {columns}x{rows}");
        }
    }

    #[test]
    fn a_flat_picture_is_drawn() {
        let (size, pixels) = (PictureSize { width: 1024, height: 1 }, [200; 1024]);
        let area = Rect::new(0, 0, 80, 24);
        let mut buffer = Buffer::empty(area);
        PixelsWidget { size, pixels: &pixels }.render(area, &mut buffer);
        let [first, below] = [(0, 0), (0, 1)].map(|place| buffer.cell(place).unwrap());
        assert_eq!((first.symbol(), first.fg, first.bg), (UPPER_HALF, Color::Rgb(200, 200, 200), Color::Rgb(0, 0, 0)));
        assert_eq!(below.symbol(), " ");
    }
}
