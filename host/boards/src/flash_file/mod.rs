//! Firmware and model -> a file that other tools flash, where there is no debug probe.
//!
//! | module | what happens there |
//! |---|---|
//! | `uf2` | blocks for a boot loader that shows itself as a drive |
//! | `hex` | Intel HEX |
//! | `bin` | the bytes alone |
//! | `elf` | the firmware's own ELF file, with the model in it |
//!
//! Every format says the same as what a probe writes ([`FlashImage`]): the same bytes at the same addresses, and the erased
//! value, 0xFF, wherever a format has to fill up.

mod bin;
mod elf;
mod hex;
mod uf2;

use std::ops::Range;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pinhole_core::artifacts::{self, WriteError};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::board::Board;
use crate::firmware::{Firmware, FirmwareError, FlashImage, hex_digits};

/// Value of flash that was erased and not written.
const ERASED: u8 = 0xFF;

/// What firmware and model can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// UF2: blocks for a boot loader that shows itself as a drive.
    Uf2,
    /// Intel HEX: text, addresses included.
    Hex,
    /// The bytes from the lowest address on; the address is not in the file.
    Bin,
    /// ELF: what debuggers load; with the firmware its symbols and log table too.
    Elf,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Uf2, Self::Hex, Self::Bin, Self::Elf];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uf2 => "UF2",
            Self::Hex => "Intel HEX",
            Self::Bin => "binary",
            Self::Elf => "ELF",
        }
    }

    /// Ending of its files' names, without the dot.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Uf2 => "uf2",
            Self::Hex => "hex",
            Self::Bin => "bin",
            Self::Elf => "elf",
        }
    }

    /// The format that a path's ending says, in letters of either case.
    ///
    /// # Errors
    /// [`FlashFileError::Ending`].
    pub fn of_ending(path: &Path) -> Result<Self, FlashFileError> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let format = Self::ALL.into_iter().find(|format| format.ending().eq_ignore_ascii_case(ending));
        format.ok_or_else(|| FlashFileError::Ending { path: path.to_owned() })
    }

    /// Whether a board can be flashed with it.
    pub fn suits(self, board: Board) -> bool {
        self != Self::Uf2 || board.uf2_loader().is_some()
    }

    /// Whether bytes are something that was written in this format before, which may be replaced.
    fn is(self, bytes: &[u8]) -> bool {
        match self {
            Self::Uf2 => bytes.starts_with(&uf2::MAGIC),
            // Its record of an address, which the first record is.
            Self::Hex => bytes.starts_with(b":02000004"),
            Self::Bin => bin::holds_a_model(bytes),
            Self::Elf => bytes.starts_with(&object::elf::ELFMAG),
        }
    }
}

/// A file to flash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlashFile {
    /// What it is written as.
    pub format: Format,
    /// Its bytes. The same image and format give the same.
    pub bytes: Vec<u8>,
    /// The addresses that it writes, filling included; ascending, none touching the next.
    pub ranges: Vec<Range<u32>>,
}

impl FlashFile {
    /// SHA-256 of its bytes, as 64 hexadecimal digits.
    pub fn sha256(&self) -> String {
        hex_digits(&Sha256::digest(&self.bytes))
    }
}

/// Why there is no file to flash.
#[derive(Debug, Error, Diagnostic)]
pub enum FlashFileError {
    /// The ending says no format.
    #[error("{} does not say by its ending what to write", path.display())]
    #[diagnostic(help(
        "end it in .uf2 (a drive that the board shows), .hex (Intel HEX), .bin (the bytes alone) or .elf (for debuggers)"
    ))]
    Ending {
        /// The file.
        path: PathBuf,
    },
    /// The board has no boot loader that takes UF2.
    #[error("the board {} takes no .uf2 file: its chip has no boot loader for them in ROM", board.name())]
    #[diagnostic(help("write .hex, .bin or .elf; a UF2 boot loader in flash would lie where Pinhole's firmware does"))]
    NoUf2 {
        /// The board.
        board: Board,
    },
    /// The firmware cannot be read, or the image does not lie in the board's flash.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Firmware(#[from] FirmwareError),
    /// A file of bytes alone would be filling for the most part.
    #[error("between {start:#010x} and {end:#010x} there is nothing, which is too much to fill up in a .bin file")]
    #[diagnostic(help("write .hex or .elf, which have no gaps to fill"))]
    Gap {
        /// First address of the gap.
        start: u32,
        /// First address after it.
        end: u32,
    },
    /// Something else is in the place.
    #[error("{} is there and is not such a file of Pinhole's; it is kept", path.display())]
    #[diagnostic(help("give another --out"))]
    Kept {
        /// The file.
        path: PathBuf,
    },
    /// Writing failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Write(#[from] WriteError),
}

/// An image as a file. `firmware` is the one in the image; `None` where the image is a model alone.
///
/// # Errors
/// [`FlashFileError::NoUf2`], [`FlashFileError::Gap`], [`FlashFileError::Firmware`].
pub fn encode(image: &FlashImage, firmware: Option<&Firmware>, format: Format) -> Result<FlashFile, FlashFileError> {
    image.check()?;
    let (bytes, ranges) = match format {
        Format::Uf2 => {
            let loader = image.board.uf2_loader().ok_or(FlashFileError::NoUf2 { board: image.board })?;
            uf2::encode(image, loader)
        }
        Format::Hex => (hex::encode(image, firmware)?, ranges(image)),
        Format::Bin => {
            let (bytes, range) = bin::encode(image)?;
            (bytes, joined([range]))
        }
        Format::Elf => (elf::encode(image, firmware)?, ranges(image)),
    };
    Ok(FlashFile { format, bytes, ranges })
}

/// Whether [`fn@write`] may replace what is there.
///
/// # Errors
/// [`FlashFileError::Kept`].
pub fn check_place(path: &Path, format: Format) -> Result<(), FlashFileError> {
    if path.is_file() {
        let there = std::fs::read(path).unwrap_or_default();
        if !there.is_empty() && !format.is(&there) {
            return Err(FlashFileError::Kept { path: path.to_owned() });
        }
    }
    Ok(())
}

/// Writes a file to flash, whole or not at all: over one of the same format or over nothing.
///
/// # Errors
/// [`FlashFileError::Kept`], [`FlashFileError::Write`].
pub fn write(path: &Path, file: &FlashFile) -> Result<(), FlashFileError> {
    check_place(path, file.format)?;
    Ok(artifacts::write_file(path, &file.bytes)?)
}

/// The addresses of the parts; parts that touch are one.
fn ranges(image: &FlashImage) -> Vec<Range<u32>> {
    joined(image.parts.iter().map(|part| part.address..part.address + part.bytes.len() as u32))
}

/// Ascending ranges, with those that touch made one.
fn joined(ranges: impl IntoIterator<Item = Range<u32>>) -> Vec<Range<u32>> {
    let mut joined: Vec<Range<u32>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => joined.push(range),
        }
    }
    joined
}
