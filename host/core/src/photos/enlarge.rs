//! Enlarges pictures that are smaller than a network's input. Only the host does: a device's camera never delivers such pictures.

use pinhole_shared::pixels::{PictureSize, PixelFormat};

use super::Picture;

/// Part of a picture: all pixels from `left` and `top` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub left: u16,
    pub top: u16,
    pub size: PictureSize,
}

/// Returns this part of a picture, in `size` pixels: each axis that is too short is interpolated linearly, the others stay as they
/// are. The rows of the result are RGB, or gray if the picture has no color.
///
/// Along an axis of `m` source and `n` result pixels, result pixel `i` lies at `((2 i + 1) m - n) / 2n` source pixels from the
/// first one's center (centers on centers), and not before the first or behind the last. Its level is the average of its two
/// neighbors, each weighted by the other's distance in `1 / 2n` pixels. Both axes are weighted at once, in exact integers, with
/// one rounding.
pub(super) fn enlarge(picture: &Picture, part: Part, size: PictureSize) -> Option<Picture> {
    let format = picture.format();
    let columns = places(part.size.width, size.width);
    let (first, count) = (format.row_bytes(part.left), format.row_bytes(part.size.width));
    let rows: Vec<&[u8]> = picture.rows().skip(part.top.into()).take(part.size.height.into()).collect();
    let rows: Vec<&[u8]> = rows.into_iter().map(|row| row.get(first..first + count)).collect::<Option<_>>()?;
    let has_color = format.has_color();
    let mut bytes = Vec::with_capacity(usize::from(size.width) * usize::from(size.height) * 3);
    for y in places(part.size.height, size.height) {
        let (above, below) = (*rows.get(y.first)?, *rows.get(y.second)?);
        for x in &columns {
            let level = |row: &[u8], column: usize, channel: usize| {
                let pixel = row.get(column * format.pixel_bytes()..).unwrap_or_default();
                u64::from(if has_color { format.rgb(pixel)[channel] } else { format.luma(pixel) })
            };
            let channels = if has_color { 3 } else { 1 };
            bytes.extend((0..channels).map(|channel| {
                let along =
                    |row| level(row, x.first, channel) * x.weights[0] + level(row, x.second, channel) * x.weights[1];
                let sum = along(above) * y.weights[0] + along(below) * y.weights[1];
                let whole = (x.weights[0] + x.weights[1]) * (y.weights[0] + y.weights[1]);
                ((sum + whole / 2) / whole) as u8
            }));
        }
    }
    let format = if has_color { PixelFormat::Rgb888 } else { PixelFormat::Gray8 };
    Picture::new(size, format, bytes).ok()
}

/// Neighbors of a result pixel along one axis, and their weights, which add up to the same for all pixels of the axis.
struct Place {
    first: usize,
    second: usize,
    weights: [u64; 2],
}

/// Returns the places of `results` pixels along `sources` source pixels, which must not be 0. An axis that is not enlarged stays
/// as it is.
fn places(sources: u16, results: u16) -> Vec<Place> {
    let (m, n) = (i64::from(sources), i64::from(results));
    let last = m - 1;
    (0..n)
        .map(|i| {
            let at = ((2 * i + 1) * m - n).clamp(0, last * 2 * n);
            let (first, rest) = (at / (2 * n), at % (2 * n));
            let second = (first + 1).min(last);
            Place { first: first as usize, second: second as usize, weights: [(2 * n - rest) as u64, rest as u64] }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(width: u16, height: u16, levels: &[u8]) -> Picture {
        Picture::new(PictureSize { width, height }, PixelFormat::Gray8, levels.to_vec()).unwrap()
    }

    fn levels(picture: &Picture) -> Vec<u8> {
        picture.rows().flatten().copied().collect()
    }

    fn whole(picture: &Picture) -> Part {
        Part { left: 0, top: 0, size: picture.size() }
    }

    /// Two pixels to four: centers at 0.25, 0.75, 1.25 and 1.75 source pixels, so at -0.25 (0), 0.25, 0.75 and 1.25 (1) from the
    /// first center.
    #[test]
    fn levels_by_hand() {
        let row = gray(2, 1, &[0, 100]);
        let size = PictureSize { width: 4, height: 1 };
        assert_eq!(levels(&enlarge(&row, whole(&row), size).unwrap()), [0, 25, 75, 100]);
        // Both axes: in the middle of the upper left quarter 9/16 of its own pixel, 3/16 of each beside it, 1/16 of the last.
        let square = gray(2, 2, &[160, 0, 0, 0]);
        let size = PictureSize { width: 4, height: 4 };
        let enlarged = enlarge(&square, whole(&square), size).unwrap();
        assert_eq!(levels(&enlarged)[..8], [160, 120, 40, 0, 120, 90, 30, 0]);
    }

    #[test]
    fn only_the_part_is_seen() {
        let picture = gray(4, 3, &[9, 9, 9, 9, 9, 10, 20, 9, 9, 9, 9, 9]);
        let part = Part { left: 1, top: 1, size: PictureSize { width: 2, height: 1 } };
        let enlarged = enlarge(&picture, part, PictureSize { width: 4, height: 2 }).unwrap();
        // 12.5 and 17.5 are rounded up.
        assert_eq!(levels(&enlarged), [10, 13, 18, 20, 10, 13, 18, 20]);
        let outside = Part { left: 3, ..part };
        assert_eq!(enlarge(&picture, outside, PictureSize { width: 4, height: 2 }), None);
    }

    #[test]
    fn sizes_that_fit_stay_as_they_are_and_one_pixel_fills_any() {
        let bytes: Vec<u8> = (0..5 * 3 * 3).collect();
        let color = Picture::new(PictureSize { width: 5, height: 3 }, PixelFormat::Rgb888, bytes).unwrap();
        assert_eq!(enlarge(&color, whole(&color), color.size()).unwrap(), color);
        let one = gray(1, 1, &[77]);
        let size = PictureSize { width: 30, height: 20 };
        assert_eq!(levels(&enlarge(&one, whole(&one), size).unwrap()), [77; 600]);
    }
}
