//! A board's firmware, and the image for its flash.
//!
//! | module | contents |
//! |---|---|
//! | `prebuilt` | firmware inside this program, and its manifest |
//! | `build` | building firmware from a checkout's sources |
//! | `toolchain` | the Rust toolchain for it |
//! | `digest` | digest of the sources, by which prebuilt firmware is known to be current |
//! | `packed` | packing a model for a board's flash |
//! | `flash_image` | bytes of firmware and model, with their addresses |
//! | `system` | programs of this machine |

mod build;
mod digest;
mod flash_image;
mod packed;
pub mod prebuilt;
pub(crate) mod system;
mod toolchain;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use defmt_decoder::Table;
use pinhole_core::model_file::PackError;
use sha2::{Digest as _, Sha256};

use crate::board::Board;
use crate::budget::{Exceeded, FirmwareSize, Shortfalls};
use crate::settings::ProcessSettings;

pub use build::{cargo, checkout, toolchain_facts};
pub(crate) use digest::hex as hex_digits;
pub use digest::source_digest;
pub use flash_image::{FlashImage, Placed, Used};
pub use packed::packed_for;
pub use toolchain::remapped_paths;

/// Digits of a firmware's digest that people see.
const SHORT_DIGEST: usize = 12;

/// A board's firmware.
#[derive(Clone, Debug)]
pub struct Firmware {
    board: Board,
    origin: FirmwareOrigin,
    elf: Vec<u8>,
    size: FirmwareSize,
    digest: String,
}

/// Origin of a firmware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FirmwareOrigin {
    /// Prebuilt, inside this program.
    Prebuilt,
    /// Built from source on this machine; path of the ELF file.
    Built(PathBuf),
}

/// Returns the first 12 digits of a digest.
pub fn short_digest(digest: &str) -> &str {
    digest.get(..SHORT_DIGEST).unwrap_or(digest)
}

impl Firmware {
    /// Returns a board's firmware: prebuilt, or built from source if the [settings](ProcessSettings) say so. It is
    /// built only once per process.
    ///
    /// # Errors
    /// Those of [`Firmware::prebuilt`] and [`Firmware::build`].
    pub fn of(board: Board) -> Result<Self, FirmwareError> {
        static KNOWN: [OnceLock<Firmware>; Board::ALL.len()] = [const { OnceLock::new() }; Board::ALL.len()];
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let known = &KNOWN[board as usize];
        let _lock = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(firmware) = known.get() {
            return Ok(firmware.clone());
        }
        let build = ProcessSettings::current().build_firmware;
        let firmware = if build { Self::build(board)? } else { Self::prebuilt(board)? };
        Ok(known.get_or_init(|| firmware).clone())
    }

    /// Reads the firmware inside this program.
    ///
    /// # Errors
    /// [`FirmwareError::NotInside`], [`FirmwareError::Elf`], [`FirmwareError::Budget`].
    pub fn prebuilt(board: Board) -> Result<Self, FirmwareError> {
        let path = PathBuf::from(format!("data/{}/{}", prebuilt::FOLDER, prebuilt::file_name(board)));
        let elf = prebuilt::elf(board).ok_or(FirmwareError::NotInside { board })?;
        let elf = elf.map_err(|reason| FirmwareError::Elf { board, path: path.clone(), reason })?;
        Self::read(board, FirmwareOrigin::Prebuilt, &path, elf)
    }

    /// Builds the firmware from source. The first time takes about a minute. cargo shows its progress on stderr.
    ///
    /// # Errors
    /// [`FirmwareError::NoToolchain`], [`FirmwareError::NoSource`], [`FirmwareError::Program`] if cargo cannot be
    /// started, [`FirmwareError::Build`], [`FirmwareError::Elf`], [`FirmwareError::Budget`].
    pub fn build(board: Board) -> Result<Self, FirmwareError> {
        let built = build::build(board)?;
        Self::read(board, FirmwareOrigin::Built(built.path.clone()), &built.path, built.elf)
    }

    fn read(board: Board, origin: FirmwareOrigin, path: &Path, elf: Vec<u8>) -> Result<Self, FirmwareError> {
        let wrong =
            |error: object::Error| FirmwareError::Elf { board, path: path.to_owned(), reason: error.to_string() };
        let size = FirmwareSize::read(&elf, board.declaration()).map_err(wrong)?;
        size.check(board.declaration()).map_err(|exceeded| FirmwareError::Budget { board, exceeded })?;
        let mut hash = Sha256::new();
        for part in flash_image::segments(&elf).map_err(wrong)? {
            hash.update(part.address.to_le_bytes());
            hash.update((part.bytes.len() as u64).to_le_bytes());
            hash.update(&part.bytes);
        }
        Ok(Self { board, origin, elf, size, digest: digest::hex(&hash.finalize()) })
    }

    /// Returns the board of this firmware.
    pub fn board(&self) -> Board {
        self.board
    }

    /// Returns the origin of this firmware.
    pub fn origin(&self) -> &FirmwareOrigin {
        &self.origin
    }

    /// Returns the bytes of the ELF file.
    pub fn elf(&self) -> &[u8] {
        &self.elf
    }

    /// Returns the memory that it uses.
    pub fn size(&self) -> FirmwareSize {
        self.size
    }

    /// Returns the SHA-256 of everything that is written to flash (address, length and bytes of each segment), as 64
    /// hexadecimal digits. The same machine code gives the same digest, with or without symbols.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Returns the first 12 digits of the digest, as people see it.
    pub fn short_digest(&self) -> &str {
        short_digest(&self.digest)
    }

    /// Returns the segments that are written to flash.
    ///
    /// # Errors
    /// [`FirmwareError::Elf`] if its file is not an ELF file.
    pub fn segments(&self) -> Result<Vec<Placed>, FirmwareError> {
        flash_image::segments(&self.elf).map_err(|error| self.unreadable(&error))
    }

    /// Returns the entry address, as in the file: the lowest bit marks Thumb code.
    ///
    /// # Errors
    /// [`FirmwareError::Elf`] if its file is not an ELF file.
    pub fn entry(&self) -> Result<u32, FirmwareError> {
        flash_image::entry(&self.elf).map_err(|error| self.unreadable(&error))
    }

    /// Returns the address of a symbol; `None` if the file does not define it.
    ///
    /// # Errors
    /// [`FirmwareError::Elf`] if its file is not an ELF file.
    pub fn symbol(&self, name: &str) -> Result<Option<u32>, FirmwareError> {
        flash_image::symbol(&self.elf, name).map_err(|error| self.unreadable(&error))
    }

    /// Returns the table that decodes its log.
    ///
    /// # Errors
    /// [`FirmwareError::Elf`] if the file has no such table.
    pub(crate) fn log_table(&self) -> Result<Table, FirmwareError> {
        let table = Table::parse(&self.elf).map_err(|error| self.unreadable(&error))?;
        table.ok_or_else(|| self.unreadable(&"it has no log table"))
    }

    /// Returns the error for an ELF file that is invalid.
    pub(crate) fn unreadable(&self, reason: &dyn std::fmt::Display) -> FirmwareError {
        let path = match &self.origin {
            FirmwareOrigin::Prebuilt => PathBuf::from(prebuilt::file_name(self.board)),
            FirmwareOrigin::Built(path) => path.clone(),
        };
        FirmwareError::Elf { board: self.board, path, reason: reason.to_string() }
    }
}

/// Error: there is no firmware for a board, or a model does not fit.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum FirmwareError {
    /// This program was compiled without the board's firmware.
    #[error("this program has no firmware for the board {}", board.name())]
    #[diagnostic(help(
        "in a checkout, run `cargo xtask firmware` to build it, or give --build-firmware to build it for one command"
    ))]
    NotInside {
        /// The board.
        board: Board,
    },
    /// A program (cargo, a compiler) could not be started.
    #[error("{program} could not be started")]
    Program {
        /// The program.
        program: String,
        /// Error of the operating system.
        source: io::Error,
    },
    /// No toolchain on this machine has the board's target.
    #[error("no Rust toolchain on this machine builds for {target}")]
    #[diagnostic(help("run: {command}"))]
    NoToolchain {
        /// The board's target.
        target: &'static str,
        /// Command that would install it.
        command: String,
    },
    /// The firmware's sources were not found.
    #[error("--build-firmware needs a checkout of Pinhole's repository, and {} is not in one", folder.display())]
    #[diagnostic(help(
        "run it in a checkout, or leave out --build-firmware: the firmware inside this program needs no sources"
    ))]
    NoSource {
        /// Folder in which, with its parents, they were looked for.
        folder: PathBuf,
    },
    /// The sources that this program was compiled from can be changed by others.
    #[error("the firmware is not built from {}: other users can change this folder or one above it", folder.display())]
    #[diagnostic(help(
        "run it in a checkout that you trust, or leave out --build-firmware: the firmware inside this program needs no sources"
    ))]
    SourceOfOthers {
        /// The checkout.
        folder: PathBuf,
    },
    /// The firmware could not be built.
    #[error("the firmware of the board {} could not be built in {}", board.name(), folder.display())]
    #[diagnostic(help("cargo's messages above show why"))]
    Build {
        /// The board.
        board: Board,
        /// The firmware's workspace.
        folder: PathBuf,
    },
    /// The firmware's file cannot be read, or has no log table.
    #[error("the firmware of the board {} ({}) cannot be read: {reason}", board.name(), path.display())]
    #[diagnostic(help(
        "to rebuild prebuilt firmware, run `cargo xtask firmware` in a checkout; to rebuild a file in \
         `target`, delete it"
    ))]
    Elf {
        /// The board.
        board: Board,
        /// The ELF file.
        path: PathBuf,
        /// Reason, in words.
        reason: String,
    },
    /// The firmware exceeds the board's budget.
    #[error("the firmware of the board {} exceeds its budget: {exceeded}", board.name())]
    #[diagnostic(help("make it smaller, or raise the budget in the board's declaration"))]
    Budget {
        /// The board.
        board: Board,
        /// The part that is exceeded.
        exceeded: Exceeded,
    },
    /// Firmware or model is outside of the board's flash.
    #[error("the {what} at {address:#010x} is not within the flash of the board {}", board.name())]
    #[diagnostic(help("it was linked for another memory map than the board's declaration has: rebuild it"))]
    Outside {
        /// `firmware` or `model`.
        what: &'static str,
        /// Address of its first byte.
        address: u32,
        /// The board.
        board: Board,
    },
    /// The model cannot be packed for the board's kernel.
    #[error("the model {} cannot be packed for the board", path.display())]
    #[diagnostic(help("make it anew with `pinhole quantize`"))]
    Pack {
        /// The model file.
        path: PathBuf,
        /// Reason.
        source: PackError,
    },
    /// The model requires more than the board has.
    #[error("the model {} does not fit the board {}: {shortfalls}", path.display(), board.name())]
    #[diagnostic(help(
        "{}; `pinhole inspect {} --board {}` shows what it needs",
        shortfalls.advice(), path.display(), board.name()
    ))]
    DoesNotFit {
        /// The model file.
        path: PathBuf,
        /// The board.
        board: Board,
        /// The shortfalls.
        shortfalls: Shortfalls,
    },
}
