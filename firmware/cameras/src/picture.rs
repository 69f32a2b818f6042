//! Reads a picture's rows from a module's frame buffer, and detects missing, extra and old bytes.
//!
//! For gray pictures both modules deliver YUV422, luma first, through the same burst command. The sensor makes the
//! chroma of every pixel one constant, the picture's *stamp*, so every other byte of the stream is known. A byte that
//! was lost, inserted or changed by the clock is detected in its row, and an old picture has another stamp. A change
//! within a luma byte alone is not detected. Color pictures have no stamp. For them, only a wrong length, and a buffer
//! with one byte value throughout, are detected. A buffer of only 00 or FF passes, because the scene may be dark or
//! overexposed.

use embedded_hal::spi::{Error as _, ErrorKind, Operation, SpiDevice};

/// Burst read command: bytes of the frame buffer follow for as long as the chip select stays low.
pub(crate) const BURST: u8 = 0x3C;

/// The neutral chroma, and the only stamp if stamps do not change.
pub const NEUTRAL: u8 = 0x80;

/// Stamps of successive pictures, in turn; any two differ in at least three bits.
pub(crate) const STAMPS: [u8; 4] = [NEUTRAL, 0x6B, 0x95, 0x5E];

/// Bytes read before the first row, to find the start of the picture: a dummy byte and four pixels.
pub(crate) const PEEK_BYTES: usize = 9;

/// Rule for the dummy byte: a meaningless byte before the pixels of a burst.
///
/// Firmware versions of the modules differ in this. A wrong rule is reported as [`PictureError::Shifted`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum DummyByte {
    /// The rule of the module's version. If that is unknown, the driver starts without a dummy byte. It learns the rule
    /// from two consecutive pictures that begin with one byte too many.
    #[default]
    Auto,
    /// No burst has a dummy byte.
    None,
    /// Only the first burst after a capture has a dummy byte.
    FirstBurst,
    /// Every burst has a dummy byte.
    EveryBurst,
}

/// Reasons why a picture's bytes are unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PictureError {
    /// The SPI bus failed.
    Spi(ErrorKind),
    /// All bytes of a row are equal.
    Flat {
        /// The row, counted from 0 at the top.
        row: u16,
        /// The byte's value.
        value: u8,
    },
    /// A row is shifted by one byte.
    Shifted {
        /// The row, counted from 0 at the top.
        row: u16,
    },
    /// The picture is an earlier one.
    Stale,
    /// A row's chroma is wrong.
    Damaged {
        /// The row, counted from 0 at the top.
        row: u16,
        /// Number of wrong bytes among the known ones.
        wrong_bytes: u16,
    },
    /// After the last row the module no longer reported a picture. It was reset while rows were read, and some rows may
    /// have been repeated.
    Lost,
}

impl core::fmt::Display for PictureError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Spi(kind) => write!(f, "the SPI bus failed while a picture was read ({kind})"),
            Self::Flat { row, value } => write!(
                f,
                "row {row} holds nothing but {value:02X}: MISO is stuck, or the chip select goes high within a burst"
            ),
            Self::Shifted { row } => write!(
                f,
                "row {row} lies one byte off: the module's dummy byte is not what `DummyByte` says, or a byte was lost"
            ),
            Self::Stale => f.write_str("the module gave an earlier picture once more"),
            Self::Damaged { row, wrong_bytes } => write!(
                f,
                "row {row} arrived damaged, {wrong_bytes} bytes or more: lower the SPI clock, shorten the wires"
            ),
            Self::Lost => f.write_str("the module lost its picture while it was read: check its power"),
        }
    }
}

impl core::error::Error for PictureError {}

impl PictureError {
    pub(crate) fn fault(self) -> pinhole_app::camera::CameraFault {
        use pinhole_app::camera::CameraFault;
        match self {
            Self::Spi(_) => CameraFault::Bus,
            Self::Flat { .. } | Self::Shifted { .. } | Self::Damaged { .. } | Self::Lost => CameraFault::Damaged,
            Self::Stale => CameraFault::NoPicture,
        }
    }
}

/// The dummy-byte rule as currently known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dummy {
    rule: DummyByte,
    learns: bool,
    /// The previous picture began with one byte too many.
    suspected: bool,
}

impl Dummy {
    /// A fixed rule.
    pub(crate) const fn fixed(rule: DummyByte) -> Self {
        Self { rule, learns: false, suspected: false }
    }

    /// No dummy byte, until two consecutive pictures begin with one.
    pub(crate) const fn learning() -> Self {
        Self { rule: DummyByte::None, learns: true, suspected: false }
    }

    fn before_first(self) -> usize {
        usize::from(matches!(self.rule, DummyByte::FirstBurst | DummyByte::EveryBurst))
    }

    fn before_others(self) -> bool {
        self.rule == DummyByte::EveryBurst
    }
}

/// A picture being read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    row_bytes: usize,
    rows: u16,
    next_row: u16,
    /// `None` for a color picture.
    stamp: Option<u8>,
    dummy_in_bursts: bool,
    /// Some byte after the first row differs from the stamp; in color, from the picture's first byte.
    varies: bool,
    /// Bytes read before the first row; the row starts at `peek_from`.
    peek: [u8; PEEK_BYTES],
    peek_from: usize,
}

/// Reasons why a row was not read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RowError {
    /// All rows have been read, or the buffer is not one row long.
    Misuse,
    Picture(PictureError),
}

impl Rows {
    /// Reads the first bytes of a captured picture, and finds its start.
    ///
    /// `row_bytes` is at least [`PEEK_BYTES`].
    pub(crate) fn begin<S: SpiDevice>(
        spi: &mut S,
        dummy: &mut Dummy,
        stamp: Option<u8>,
        row_bytes: usize,
        rows: u16,
    ) -> Result<Self, PictureError> {
        let mut peek = [0; PEEK_BYTES];
        burst(spi, false, &mut peek)?;
        let mut peek_from = dummy.before_first();
        let [first, ..] = peek;
        let rows = |dummy: &Dummy, peek_from| Self {
            row_bytes,
            rows,
            next_row: 0,
            stamp,
            dummy_in_bursts: dummy.before_others(),
            varies: false,
            peek,
            peek_from,
        };
        let Some(stamp) = stamp else { return Ok(rows(dummy, peek_from)) };
        if begins_at(&peek, peek_from, stamp) {
            dummy.suspected = false;
        } else if begins_at(&peek, 1 - peek_from, stamp) {
            // A lost first byte looks like a dummy byte, except that the byte in front is a stamp.
            if !(dummy.learns && peek_from == 0 && first != stamp) {
                return Err(PictureError::Shifted { row: 0 });
            }
            if !dummy.suspected {
                dummy.suspected = true;
                return Err(PictureError::Shifted { row: 0 });
            }
            *dummy = Dummy { rule: DummyByte::FirstBurst, ..*dummy };
            peek_from = 1;
        } else {
            let is_old = STAMPS.iter().any(|old| begins_at(&peek, peek_from, *old));
            let pixels = peek.get(peek_from..).unwrap_or(&[]);
            return Err(if is_old { PictureError::Stale } else { why(pixels, 0, stamp) });
        }
        Ok(rows(dummy, peek_from))
    }

    /// Returns true if all rows have been read.
    pub(crate) fn is_over(&self) -> bool {
        self.next_row == self.rows
    }

    /// Fills `row` with the next row.
    pub(crate) fn read<S: SpiDevice>(&mut self, spi: &mut S, row: &mut [u8]) -> Result<(), RowError> {
        if self.is_over() || row.len() != self.row_bytes {
            return Err(RowError::Misuse);
        }
        let known = if self.next_row == 0 { self.peek.get(self.peek_from..).unwrap_or(&[]) } else { &[] };
        let (head, rest) = row.split_at_mut_checked(known.len()).ok_or(RowError::Misuse)?;
        head.copy_from_slice(known);
        burst(spi, self.dummy_in_bursts, rest).map_err(RowError::Picture)?;
        if let Some(stamp) = self.stamp
            && stamps_wrong(row, stamp) > 0
        {
            return Err(RowError::Picture(why(row, self.next_row, stamp)));
        }
        let value = self.stamp.unwrap_or(self.peek.get(self.peek_from).copied().unwrap_or(0));
        // The first row's first byte may be an unknown dummy byte.
        self.varies |= self.next_row > 0 && row.iter().any(|byte| *byte != value);
        // No scene is this uniform, except a dark or overexposed one in color: the bytes come from a buffer that was
        // never written.
        let may_be_seen = self.stamp.is_none() && matches!(value, 0x00 | 0xFF);
        if self.next_row + 1 == self.rows && !self.varies && !may_be_seen {
            return Err(RowError::Picture(PictureError::Flat { row: self.next_row, value }));
        }
        self.next_row += 1;
        Ok(())
    }
}

/// One burst, in one transaction: raising the chip select between command and data would end it.
fn burst<S: SpiDevice>(spi: &mut S, has_dummy: bool, data: &mut [u8]) -> Result<(), PictureError> {
    let mut dummy = [0];
    let result = if has_dummy {
        spi.transaction(&mut [Operation::Write(&[BURST]), Operation::Read(&mut dummy), Operation::Read(data)])
    } else {
        spi.transaction(&mut [Operation::Write(&[BURST]), Operation::Read(data)])
    };
    result.map_err(|error| PictureError::Spi(error.kind()))
}

/// Returns true if the four pixels after `skip` bytes have this stamp.
fn begins_at(peek: &[u8; PEEK_BYTES], skip: usize, stamp: u8) -> bool {
    peek.iter().skip(skip + 1).step_by(2).all(|chroma| *chroma == stamp)
}

fn stamps_wrong(pixels: &[u8], stamp: u8) -> u16 {
    let wrong = pixels.iter().skip(1).step_by(2).filter(|chroma| **chroma != stamp).count();
    u16::try_from(wrong).unwrap_or(u16::MAX)
}

/// Returns the error for pixels with wrong stamps.
fn why(pixels: &[u8], row: u16, stamp: u8) -> PictureError {
    if let [value, rest @ ..] = pixels
        && rest.iter().all(|byte| byte == value)
    {
        return PictureError::Flat { row, value: *value };
    }
    // The stamps are at the offsets of luma.
    let even_stamps = pixels.iter().skip(2).step_by(2).all(|luma| *luma == stamp);
    if even_stamps {
        PictureError::Shifted { row }
    } else {
        PictureError::Damaged { row, wrong_bytes: stamps_wrong(pixels, stamp) }
    }
}
