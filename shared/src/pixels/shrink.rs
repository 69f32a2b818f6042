//! Centered square crop and area average, one row at a time.

use super::{Color, InputShape, PictureSize, PixelFormat};

/// Converts a picture, row by row, to the network's input.
///
/// A `width` x `height` picture is cropped to the centered square of side `s = min(width, height)`, at offsets
/// `(width - s) / 2` and `(height - s) / 2`, rounded down. The square is shrunk to `side` x `side`: every output pixel
/// is the average of the `s / side` x `s / side` source pixels it covers. Pixels at its border are weighted by the
/// covered fraction. Channels are independent. The weights are integers (both sides divided by their greatest common
/// divisor), the sums are exact, and the one division is rounded.
///
/// ```
/// use pinhole_shared::pixels::{InputShape, PictureSize, PixelFormat, Shrink};
/// let (mut sums, mut output) = ([0; 2], [0; 4]);
/// let size = PictureSize { width: 5, height: 3 };
/// let mut shrink = Shrink::new(size, PixelFormat::Gray8, InputShape::gray(2), &mut sums, &mut output)?;
/// shrink.row(&[99, 8, 2, 4, 99])?; // the square is the three columns in the middle
/// shrink.row(&[99, 0, 0, 0, 99])?;
/// shrink.row(&[99, 0, 0, 9, 99])?;
/// shrink.finish()?;
/// // Each output pixel covers 1.5 x 1.5: in half pixels, weights 2 and 1 on either axis, 9 in all.
/// assert_eq!(output, [(4 * 8 + 2 * 2 + 4) / 9, (2 * 2 + 4 * 4 + 4) / 9, 0, (4 * 9 + 4) / 9]);
/// # Ok::<(), pinhole_shared::pixels::PixelError>(())
/// ```
#[derive(Debug)]
pub struct Shrink<'b> {
    size: PictureSize,
    format: PixelFormat,
    input: InputShape,
    /// Weight of one source pixel along one axis, in units of 1/side of the square's side, reduced.
    source_units: u32,
    /// Weight of one output pixel along one axis, in the same units.
    output_units: u32,
    /// Source rows consumed, including cropped ones.
    rows_in: u16,
    /// Complete output rows.
    rows_out: usize,
    /// Units still missing from the current output row.
    row_room: u32,
    sums: &'b mut [u64],
    output: &'b mut [u8],
}

/// Reasons why pixels were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PixelError {
    /// The picture's shorter side is smaller than the network's input: enlarging would invent pixels.
    TooSmall {
        /// The picture's shorter side, px.
        square: u16,
        /// The network's input side, px.
        side: u16,
    },
    /// The network's input is in color, the picture is gray.
    NoColor {
        /// Pixel format of the picture.
        format: PixelFormat,
    },
    /// A buffer has the wrong length.
    Buffer {
        /// Elements needed.
        expected: usize,
        /// Elements given.
        got: usize,
    },
    /// A row has the wrong number of bytes.
    RowBytes {
        /// Bytes of a row of this width and format.
        expected: usize,
        /// Bytes given.
        got: usize,
    },
    /// More or fewer rows than the picture's height.
    RowCount {
        /// The picture's height, rows.
        expected: u16,
        /// Rows given; if too many, the number of the first excess row.
        got: u16,
    },
}

impl core::fmt::Display for PixelError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooSmall { square, side } => {
                write!(f, "the picture's shorter side is {square} pixels, the network needs at least {side}")
            }
            Self::NoColor { format } => write!(f, "the network sees colors, the picture ({format:?}) has none"),
            Self::Buffer { expected, got } => write!(f, "a buffer of {expected} elements is needed, got {got}"),
            Self::RowBytes { expected, got } => write!(f, "a row has {expected} bytes, got {got}"),
            Self::RowCount { expected, got } => write!(f, "the picture has {expected} rows, got {got}"),
        }
    }
}

impl core::error::Error for PixelError {}

impl<'b> Shrink<'b> {
    /// Creates the pipeline for one picture.
    ///
    /// `sums` is working memory of [`InputShape::row_bytes`] elements, overwritten. `output` receives
    /// [`InputShape::bytes`], 0..=255, row by row, the channels of a pixel together (HWC).
    ///
    /// # Errors
    /// [`PixelError::TooSmall`] if the picture's shorter side is below the input's (or that is 0);
    /// [`PixelError::NoColor`] if the input is in color and the picture is gray; [`PixelError::Buffer`] if a buffer has
    /// the wrong length.
    // Not inlined, so that the size of the engine's code can be read from the ELF file.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn new(
        size: PictureSize,
        format: PixelFormat,
        input: InputShape,
        sums: &'b mut [u64],
        output: &'b mut [u8],
    ) -> Result<Self, PixelError> {
        let (square, side) = (size.square(), input.side);
        if side == 0 || square < side {
            return Err(PixelError::TooSmall { square, side });
        }
        if input.color == Color::Rgb && !format.has_color() {
            return Err(PixelError::NoColor { format });
        }
        for (expected, got) in [(input.row_bytes(), sums.len()), (input.bytes(), output.len())] {
            if expected != got {
                return Err(PixelError::Buffer { expected, got });
            }
        }
        sums.fill(0);
        let divisor = greatest_common_divisor(square, side);
        let output_units = u32::from(square / divisor);
        Ok(Self {
            size,
            format,
            input,
            source_units: u32::from(side / divisor),
            output_units,
            rows_in: 0,
            rows_out: 0,
            row_room: output_units,
            sums,
            output,
        })
    }

    /// Takes the next row, from the top: all `width` pixels in the picture's format.
    ///
    /// # Errors
    /// [`PixelError::RowBytes`] if the row's length is wrong (the row is not consumed), [`PixelError::RowCount`] if all
    /// rows have been given already.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn row(&mut self, row: &[u8]) -> Result<(), PixelError> {
        let expected = self.format.row_bytes(self.size.width);
        if row.len() != expected {
            return Err(PixelError::RowBytes { expected, got: row.len() });
        }
        if self.rows_in == self.size.height {
            return Err(PixelError::RowCount { expected: self.size.height, got: self.rows_in.saturating_add(1) });
        }
        let square = self.size.square();
        let top = (self.size.height - square) / 2;
        let y = self.rows_in;
        self.rows_in += 1;
        if y < top || y - top >= square {
            return Ok(());
        }
        let left = self.format.row_bytes((self.size.width - square) / 2);
        let pixels = row.get(left..left + self.format.row_bytes(square)).unwrap_or(&[]);

        // A row is never wider than an output row (side <= square), so it touches at most two of them.
        let here = self.source_units.min(self.row_room);
        self.add(pixels, here);
        self.row_room -= here;
        if self.row_room == 0 {
            self.emit();
            self.row_room = self.output_units;
            let rest = self.source_units - here;
            if rest > 0 {
                self.add(pixels, rest);
                self.row_room -= rest;
            }
        }
        Ok(())
    }

    /// Ends the picture; the output is then complete.
    ///
    /// # Errors
    /// [`PixelError::RowCount`] if rows are missing; the output must not be used then.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn finish(self) -> Result<(), PixelError> {
        if self.rows_in != self.size.height {
            return Err(PixelError::RowCount { expected: self.size.height, got: self.rows_in });
        }
        Ok(())
    }

    /// Adds one source row to the sums, with a vertical weight.
    fn add(&mut self, pixels: &[u8], row_weight: u32) {
        match self.input.color {
            Color::Gray => self.add_channels(pixels, row_weight, |format, pixel| [format.luma(pixel)]),
            Color::Rgb => self.add_channels(pixels, row_weight, PixelFormat::rgb),
        }
    }

    fn add_channels<const CHANNELS: usize>(
        &mut self,
        pixels: &[u8],
        row_weight: u32,
        levels: impl Fn(PixelFormat, &[u8]) -> [u8; CHANNELS],
    ) {
        let mut sums = self.sums.chunks_exact_mut(CHANNELS);
        let mut room = self.output_units;
        // Sums of one output pixel's share of this row: at most 255 * output_units < 2^24.
        let mut shares = [0_u32; CHANNELS];
        for pixel in pixels.chunks_exact(self.format.pixel_bytes()) {
            let levels = levels(self.format, pixel);
            let here = self.source_units.min(room);
            for (share, level) in shares.iter_mut().zip(levels) {
                *share += u32::from(level) * here;
            }
            room -= here;
            if room == 0 {
                let rest = self.source_units - here;
                let sums = sums.next().unwrap_or_default();
                for ((sum, share), level) in sums.iter_mut().zip(&mut shares).zip(levels) {
                    *sum += u64::from(*share) * u64::from(row_weight);
                    *share = u32::from(level) * rest;
                }
                room = self.output_units - rest;
            }
        }
    }

    /// Divides the sums to get one output row, and clears them.
    fn emit(&mut self) {
        let area = u64::from(self.output_units) * u64::from(self.output_units);
        let start = self.rows_out * self.input.row_bytes();
        let Some(row) = self.output.get_mut(start..start + self.input.row_bytes()) else { return };
        for (pixel, sum) in row.iter_mut().zip(self.sums.iter_mut()) {
            *pixel = divide_rounded(*sum, area);
            *sum = 0;
        }
        self.rows_out += 1;
    }
}

/// Returns `sum / area`, rounded; `sum <= 255 * area`.
fn divide_rounded(sum: u64, area: u64) -> u8 {
    let numerator = sum + area / 2;
    // Most pictures fit 32 bits, where microcontrollers divide in one instruction instead of hundreds.
    match (u32::try_from(numerator), u32::try_from(area)) {
        (Ok(numerator), Ok(area)) => numerator.checked_div(area).unwrap_or(0) as u8,
        _ => numerator.checked_div(area).unwrap_or(0) as u8,
    }
}

fn greatest_common_divisor(mut a: u16, mut b: u16) -> u16 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;
    use std::{string::ToString, vec};

    /// The definition, with a whole frame in memory: every overlap of a source and an output pixel, in units of 1/side
    /// of a source pixel.
    fn naive(size: PictureSize, side: u16, gray: &[u8]) -> Vec<u8> {
        let (square, side) = (u64::from(size.square()), u64::from(side));
        let left = (u64::from(size.width) - square) / 2;
        let top = (u64::from(size.height) - square) / 2;
        let overlap = |source: u64, output: u64| {
            let (start, end) = ((source * side).max(output * square), ((source + 1) * side).min((output + 1) * square));
            end.saturating_sub(start)
        };
        let mut result = Vec::new();
        for v in 0..side {
            for u in 0..side {
                let mut sum = 0;
                for y in 0..square {
                    for x in 0..square {
                        let pixel = gray[((top + y) * u64::from(size.width) + left + x) as usize];
                        sum += overlap(x, u) * overlap(y, v) * u64::from(pixel);
                    }
                }
                result.push(((sum * 2 + square * square) / (square * square * 2)) as u8);
            }
        }
        result
    }

    fn streamed(size: PictureSize, side: u16, gray: &[u8]) -> Vec<u8> {
        let mut sums = vec![u64::MAX; usize::from(side)];
        let mut output = vec![0xAA; usize::from(side) * usize::from(side)];
        let mut shrink = Shrink::new(size, PixelFormat::Gray8, InputShape::gray(side), &mut sums, &mut output).unwrap();
        for row in gray.chunks_exact(usize::from(size.width)) {
            shrink.row(row).unwrap();
        }
        shrink.finish().unwrap();
        output
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn equals_the_definition(side in 1_u16..9, extra_w in 0_u16..20, extra_h in 0_u16..20, seed: u64) {
            let size = PictureSize { width: side + extra_w, height: side + extra_h };
            let mut state = seed | 1;
            let gray: Vec<u8> = (0..size.width as usize * size.height as usize).map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            }).collect();
            prop_assert_eq!(streamed(size, side, &gray), naive(size, side, &gray));
        }
    }

    /// Each channel equals the result for a gray picture of that channel alone.
    #[test]
    fn channels_do_not_meet() {
        for (width, height, side) in [(20, 17, 5), (9, 13, 9), (31, 31, 4)] {
            let size = PictureSize { width, height };
            let bytes = 3 * usize::from(width) * usize::from(height);
            let rows: Vec<u8> = (0..bytes as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            let input = InputShape::rgb(side);
            let (mut sums, mut output) = (vec![u64::MAX; input.row_bytes()], vec![0xAA; input.bytes()]);
            let mut shrink = Shrink::new(size, PixelFormat::Rgb888, input, &mut sums, &mut output).unwrap();
            for row in rows.chunks_exact(3 * usize::from(width)) {
                shrink.row(row).unwrap();
            }
            shrink.finish().unwrap();
            for channel in 0..3 {
                let of = |pixels: &[u8]| pixels.iter().skip(channel).step_by(3).copied().collect::<Vec<u8>>();
                assert_eq!(of(&output), streamed(size, side, &of(&rows)), "channel {channel} of {width}x{height}");
            }
        }
    }

    #[test]
    fn flat_pictures_stay_flat_at_any_size() {
        for (width, height, side) in [(640, 480, 50), (4032, 3024, 50), (65_535, 51, 50), (4105, 4105, 96)] {
            for value in [0, 1, 127, 254, 255] {
                let size = PictureSize { width, height };
                let gray = vec![value; usize::from(width)];
                let mut sums = vec![0; usize::from(side)];
                let mut output = vec![0; usize::from(side) * usize::from(side)];
                let mut shrink =
                    Shrink::new(size, PixelFormat::Gray8, InputShape::gray(side), &mut sums, &mut output).unwrap();
                for _ in 0..height {
                    shrink.row(&gray).unwrap();
                }
                shrink.finish().unwrap();
                assert!(output.iter().all(|&pixel| pixel == value), "{width}x{height} -> {side}");
            }
        }
    }

    #[test]
    fn wide_sums_equal_narrow_ones() {
        for area in [1_u64, 9, 4104 * 4104] {
            for sum in [0, area / 2, area * 255, area * 254 + area / 2] {
                assert_eq!(divide_rounded(sum, area), ((sum + area / 2) / area) as u8);
            }
        }
    }

    #[test]
    fn refusals() {
        let size = PictureSize { width: 4, height: 3 };
        let (mut sums, mut output) = ([0; 2], [0; 4]);
        let too_small =
            Shrink::new(size, PixelFormat::Gray8, InputShape::gray(4), &mut [0; 4], &mut [0; 16]).unwrap_err();
        assert_eq!(too_small, PixelError::TooSmall { square: 3, side: 4 });
        assert_eq!(too_small.to_string(), "the picture's shorter side is 3 pixels, the network needs at least 4");
        assert!(Shrink::new(size, PixelFormat::Gray8, InputShape::gray(0), &mut [], &mut []).is_err());
        assert_eq!(
            Shrink::new(size, PixelFormat::Gray8, InputShape::gray(2), &mut [0; 3], &mut output).unwrap_err(),
            PixelError::Buffer { expected: 2, got: 3 }
        );
        for format in [PixelFormat::Gray8, PixelFormat::Yuv422] {
            let error = Shrink::new(size, format, InputShape::rgb(2), &mut [0; 6], &mut [0; 12]).unwrap_err();
            assert_eq!(error, PixelError::NoColor { format });
        }
        let error = Shrink::new(size, PixelFormat::Rgb888, InputShape::rgb(2), &mut [0; 2], &mut [0; 12]).unwrap_err();
        assert_eq!(error, PixelError::Buffer { expected: 6, got: 2 });
        let mut shrink = Shrink::new(size, PixelFormat::Yuv422, InputShape::gray(2), &mut sums, &mut output).unwrap();
        assert_eq!(shrink.row(&[0; 4]), Err(PixelError::RowBytes { expected: 8, got: 4 }));
        for _ in 0..3 {
            shrink.row(&[0; 8]).unwrap();
        }
        assert_eq!(shrink.row(&[0; 8]), Err(PixelError::RowCount { expected: 3, got: 4 }));
        shrink.finish().unwrap();
        let shrink = Shrink::new(size, PixelFormat::Gray8, InputShape::gray(2), &mut sums, &mut output).unwrap();
        assert_eq!(shrink.finish(), Err(PixelError::RowCount { expected: 3, got: 0 }));
    }
}
