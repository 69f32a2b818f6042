//! Fits a picture into the input and averages it down, one row at a time.

use super::format::luma_of_rgb;
use super::{Color, InputShape, LETTERBOX_LEVEL, PictureSize, PixelFormat};

/// Converts a picture, row by row, to the network's input.
///
/// [`InputShape::fitted`] says which centered part of a `width` x `height` picture is seen, `w` x `h` pixels at offsets
/// `(width - w) / 2` and `(height - h) / 2`, rounded down, and which centered part of the input it becomes, `u` x `v`
/// pixels, at offsets found in the same way. (For a square input and [`super::Fit::Crop`], the first is the centered square,
/// and the second the whole input.) The part is shrunk: every output pixel is the average of the `w / u` x `h / v` source
/// pixels it covers. Pixels at its border are weighted by the covered fraction. Channels are independent. The weights are
/// integers (on each axis, both sides divided by their greatest common divisor), the sums are exact, and the one division
/// is rounded. The input's other pixels are [`LETTERBOX_LEVEL`].
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
    across: Axis,
    down: Axis,
    /// Source rows consumed, including cropped ones.
    rows_in: u16,
    /// Output rows that are complete or outside of the picture's part.
    rows_out: u16,
    /// Units still missing from the current output row.
    row_room: u16,
    sums: &'b mut [u64],
    output: &'b mut [u8],
}

/// One direction of the picture and the input.
#[derive(Clone, Copy, Debug)]
struct Axis {
    /// Source pixels before those that are seen, and the number of these.
    start: u16,
    count: u16,
    /// Output pixels before those that they become, and the number of these.
    out_start: u16,
    out_count: u16,
    /// Weight of one source pixel, in units of 1/`out_count` of the source pixels' length, reduced.
    source_units: u16,
    /// Weight of one output pixel, in the same units.
    output_units: u16,
}

impl Axis {
    /// Fits `seen` of `size` source pixels into `fitted` of `input` output pixels, which are not 0.
    #[cfg_attr(target_os = "none", inline(never))]
    fn new(size: u16, seen: u16, fitted: u16, input: u16) -> Self {
        let divisor = greatest_common_divisor(seen, fitted);
        Self {
            start: (size - seen) / 2,
            count: seen,
            out_start: (input - fitted) / 2,
            out_count: fitted,
            source_units: fitted.checked_div(divisor).unwrap_or(0),
            output_units: seen.checked_div(divisor).unwrap_or(0),
        }
    }
}

/// Reasons why pixels were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PixelError {
    /// The part of the picture that the network sees is smaller than its input: enlarging would invent pixels. (The host does so
    /// before this pipeline, by a stated rule.)
    TooSmall {
        /// Size of the part.
        seen: PictureSize,
        /// Size that the input needs; 0 pixels across or down if the input has none.
        needed: PictureSize,
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
            Self::TooSmall { seen, needed } => write!(
                f,
                "the network sees {}x{} pixels of the picture, and needs at least {}x{}",
                seen.width, seen.height, needed.width, needed.height
            ),
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
    /// [`PixelError::TooSmall`] if the part of the picture that is seen has fewer pixels than the input needs, across or down
    /// (or the input has none); [`PixelError::NoColor`] if the input is in color and the picture is gray;
    /// [`PixelError::Buffer`] if a buffer has the wrong length.
    // Not inlined, so that the size of the engine's code can be read from the ELF file.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn new(
        size: PictureSize,
        format: PixelFormat,
        input: InputShape,
        sums: &'b mut [u64],
        output: &'b mut [u8],
    ) -> Result<Self, PixelError> {
        let (seen, fitted) = input.fitted(size);
        let PictureSize { width, height } = fitted;
        if width == 0 || height == 0 || seen.width < width || seen.height < height {
            return Err(PixelError::TooSmall { seen, needed: fitted });
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
        output.fill(LETTERBOX_LEVEL);
        let down = Axis::new(size.height, seen.height, fitted.height, input.height);
        Ok(Self {
            size,
            format,
            input,
            across: Axis::new(size.width, seen.width, fitted.width, input.width),
            down,
            rows_in: 0,
            rows_out: down.out_start,
            row_room: down.output_units,
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
        let Axis { start, count, source_units, output_units, .. } = self.down;
        // Rows above the part wrap around, to a number beyond it.
        let y = self.rows_in.wrapping_sub(start);
        self.rows_in += 1;
        if y >= count {
            return Ok(());
        }
        let left = self.format.row_bytes(self.across.start);
        let pixels = row.get(left..left + self.format.row_bytes(self.across.count)).unwrap_or(&[]);

        // A row is never higher than an output row (the part is not smaller), so it touches at most two of them.
        let here = source_units.min(self.row_room);
        self.add(pixels, here);
        self.row_room -= here;
        if self.row_room == 0 {
            self.emit();
            self.row_room = output_units;
            let rest = source_units - here;
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

    /// Adds one source row to the sums, with a vertical weight. One loop for all formats and colors keeps the code small.
    fn add(&mut self, mut pixels: &[u8], row_weight: u16) {
        let (source_units, output_units) = (u32::from(self.across.source_units), u32::from(self.across.output_units));
        let channels = usize::from(self.input.color.channels());
        let mut sums = self.sums.iter_mut();
        let mut room = output_units;
        // Sums of one output pixel's share of this row: at most 255 * output_units < 2^24.
        let mut shares = [0_u32; 3];
        while let Some((pixel, others)) = pixels.split_at_checked(self.format.pixel_bytes()) {
            pixels = others;
            let mut levels = self.format.rgb(pixel);
            if self.input.color == Color::Gray {
                // The luma of a gray pixel is its level.
                levels[0] = luma_of_rgb(levels);
            }
            let here = source_units.min(room);
            let rest = source_units - here;
            room -= here;
            let is_full = room == 0;
            for (share, &level) in shares.iter_mut().zip(&levels).take(channels) {
                *share += u32::from(level) * here;
                if is_full {
                    if let Some(sum) = sums.next() {
                        *sum += u64::from(*share) * u64::from(row_weight);
                    }
                    *share = u32::from(level) * rest;
                }
            }
            if is_full {
                room = output_units - rest;
            }
        }
    }

    /// Divides the sums to get one output row, and clears them.
    fn emit(&mut self) {
        let area = u64::from(self.across.output_units) * u64::from(self.down.output_units);
        let channels = usize::from(self.input.color.channels());
        let start = usize::from(self.rows_out) * usize::from(self.input.width) + usize::from(self.across.out_start);
        let start = start * channels;
        let Some(row) = self.output.get_mut(start..start + usize::from(self.across.out_count) * channels) else {
            return;
        };
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
mod tests;
