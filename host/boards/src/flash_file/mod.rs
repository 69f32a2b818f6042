//! Flash files: firmware and model as a file for other tools, where there is no debug probe.
//!
//! | module | format |
//! |---|---|
//! | `uf2` | blocks for a boot loader that appears as a drive |
//! | `hex` | Intel HEX |
//! | `bin` | the bytes alone |
//! | `elf` | the firmware's own ELF file, with the model |
//!
//! Every format contains what a probe would write ([`FlashImage`]): the same bytes at the same addresses, with gaps
//! filled by 0xFF, the value of erased flash.

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

/// Most bytes of a file that may be a flash file: far more than any board's flash, in hexadecimal digits too.
const LONGEST: u64 = 64 << 20;

/// Value of erased flash.
const ERASED: u8 = 0xFF;

/// Format of a flash file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlashFileFormat {
    /// UF2: blocks for a boot loader that appears as a drive.
    Uf2,
    /// Intel HEX: text with addresses.
    Hex,
    /// Binary: the bytes from the lowest address on, without the address.
    Bin,
    /// ELF: for debuggers; with firmware, its symbols and log table are included.
    Elf,
}

impl FlashFileFormat {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::Uf2, Self::Hex, Self::Bin, Self::Elf];

    /// Returns the format's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uf2 => "UF2",
            Self::Hex => "Intel HEX",
            Self::Bin => "binary",
            Self::Elf => "ELF",
        }
    }

    /// Returns the file name extension, without the dot.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Uf2 => "uf2",
            Self::Hex => "hex",
            Self::Bin => "bin",
            Self::Elf => "elf",
        }
    }

    /// Returns the format for a path's extension, in upper or lower case.
    ///
    /// # Errors
    /// [`FlashFileError::Ending`].
    pub fn of_ending(path: &Path) -> Result<Self, FlashFileError> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let format = Self::ALL.into_iter().find(|format| format.ending().eq_ignore_ascii_case(ending));
        format.ok_or_else(|| FlashFileError::Ending { path: path.to_owned() })
    }

    /// Returns true if a board can be flashed with this format.
    pub fn suits(self, board: Board) -> bool {
        self != Self::Uf2 || board.uf2_loader().is_some()
    }

    /// Returns true if the bytes look like a file written before in this format, which may be replaced.
    fn is(self, bytes: &[u8]) -> bool {
        match self {
            Self::Uf2 => bytes.starts_with(&uf2::MAGIC),
            // The first record is an address.
            Self::Hex => bytes.starts_with(b":02000004"),
            Self::Bin => bin::holds_a_model(bytes),
            Self::Elf => bytes.starts_with(&object::elf::ELFMAG),
        }
    }
}

/// A flash file in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlashFile {
    /// Format of the bytes.
    pub format: FlashFileFormat,
    /// The bytes. The same image and format give the same bytes.
    pub bytes: Vec<u8>,
    /// Addresses that the file writes, filling included; ascending, with gaps between them.
    pub ranges: Vec<Range<u32>>,
}

impl FlashFile {
    /// Returns the SHA-256 of the bytes, as 64 hexadecimal digits.
    pub fn sha256(&self) -> String {
        hex_digits(&Sha256::digest(&self.bytes))
    }
}

/// Error: a flash file cannot be written.
#[derive(Debug, Error, Diagnostic)]
pub enum FlashFileError {
    /// The extension is not that of a format.
    #[error("the ending of {} names no format", path.display())]
    #[diagnostic(help(
        "end it in .uf2 (a drive that the board shows), .hex (Intel HEX), .bin (the bytes alone) or .elf (for debuggers)"
    ))]
    Ending {
        /// The file.
        path: PathBuf,
    },
    /// The board has no boot loader for UF2.
    #[error("the board {} takes no .uf2 files: its chip has no UF2 boot loader in ROM", board.name())]
    #[diagnostic(help("write .hex, .bin or .elf; a UF2 boot loader in flash would overlap Pinhole's firmware"))]
    NoUf2 {
        /// The board.
        board: Board,
    },
    /// The firmware cannot be read, or the image is outside of the board's flash.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Firmware(#[from] FirmwareError),
    /// A binary file would mostly be filling.
    #[error("the gap from {start:#010x} to {end:#010x} is too large to fill in a .bin file")]
    #[diagnostic(help("write .hex or .elf, which need no filler bytes"))]
    Gap {
        /// First address of the gap.
        start: u32,
        /// First address after it.
        end: u32,
    },
    /// Another kind of file exists at the path.
    #[error("{} exists and is not a flash file of this format by Pinhole; it is kept", path.display())]
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

/// Encodes an image. `firmware` is the firmware in the image; `None` for a model alone.
///
/// # Errors
/// [`FlashFileError::NoUf2`], [`FlashFileError::Gap`], [`FlashFileError::Firmware`].
pub fn encode(
    image: &FlashImage,
    firmware: Option<&Firmware>,
    format: FlashFileFormat,
) -> Result<FlashFile, FlashFileError> {
    image.check()?;
    let (bytes, ranges) = match format {
        FlashFileFormat::Uf2 => {
            let loader = image.board.uf2_loader().ok_or(FlashFileError::NoUf2 { board: image.board })?;
            uf2::encode(image, loader)
        }
        FlashFileFormat::Hex => (hex::encode(image, firmware)?, ranges(image)),
        FlashFileFormat::Bin => {
            let (bytes, range) = bin::encode(image)?;
            (bytes, joined([range]))
        }
        FlashFileFormat::Elf => (elf::encode(image, firmware)?, ranges(image)),
    };
    Ok(FlashFile { format, bytes, ranges })
}

/// Checks that [`fn@write`] may write here: there is nothing, or a file that may be replaced.
///
/// # Errors
/// [`FlashFileError::Kept`].
pub fn check_place(path: &Path, format: FlashFileFormat) -> Result<(), FlashFileError> {
    if path.is_file() {
        // One that cannot be read is kept too.
        let there = artifacts::read_regular(path, LONGEST);
        if !there.is_ok_and(|there| there.is_empty() || format.is(&there)) {
            return Err(FlashFileError::Kept { path: path.to_owned() });
        }
    }
    Ok(())
}

/// Writes a flash file, completely or not at all. An existing file must be of the same format.
///
/// # Errors
/// [`FlashFileError::Kept`], [`FlashFileError::Write`].
pub fn write(path: &Path, file: &FlashFile) -> Result<(), FlashFileError> {
    check_place(path, file.format)?;
    Ok(artifacts::write_file(path, &file.bytes)?)
}

/// Returns the addresses of the parts; adjacent parts are joined.
fn ranges(image: &FlashImage) -> Vec<Range<u32>> {
    joined(image.parts.iter().map(|part| part.address..part.address + part.bytes.len() as u32))
}

/// Joins adjacent ranges; they must be in ascending order.
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
