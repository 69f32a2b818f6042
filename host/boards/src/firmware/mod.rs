//! A board's firmware, and what goes into its flash.
//!
//! | module | what happens there |
//! |---|---|
//! | `prebuilt` | the firmware inside this program, and its manifest |
//! | `build` | a checkout's sources -> ELF |
//! | `toolchain` | what builds them |
//! | `digest` | those sources -> a digest, by which prebuilt firmware is known to be current |
//! | `packed` | model file -> the bytes that go into a board's flash |
//! | `flash_image` | firmware and model -> what is written where |
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
use crate::budget::{Exceeded, FirmwareSize, Misfits};
use crate::settings::Settings;

pub use build::{checkout, toolchain_facts};
pub(crate) use digest::hex as hex_digits;
pub use digest::source_digest;
pub use flash_image::{FlashImage, Placed, Used};
pub use packed::packed_for;
pub use toolchain::remapped_paths;

/// Digits of a firmware's digest that are shown to people.
const SHORT_DIGEST: usize = 12;

/// A board's firmware.
#[derive(Clone, Debug)]
pub struct Firmware {
    board: Board,
    origin: Origin,
    elf: Vec<u8>,
    size: FirmwareSize,
    digest: String,
}

/// Where firmware comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From inside this program.
    Prebuilt,
    /// Built from source on this machine, into this file.
    Built(PathBuf),
}

/// The first 12 digits of a digest.
pub fn short_digest(digest: &str) -> &str {
    digest.get(..SHORT_DIGEST).unwrap_or(digest)
}

impl Firmware {
    /// A board's firmware: the prebuilt one, or, where the [settings](Settings) say so, one built from source. Built once a
    /// process.
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
        let build = Settings::current().build_firmware;
        let firmware = if build { Self::build(board)? } else { Self::prebuilt(board)? };
        Ok(known.get_or_init(|| firmware).clone())
    }

    /// The firmware inside this program.
    ///
    /// # Errors
    /// [`FirmwareError::NotInside`], [`FirmwareError::Elf`], [`FirmwareError::Budget`].
    pub fn prebuilt(board: Board) -> Result<Self, FirmwareError> {
        let path = PathBuf::from(format!("data/{}/{}", prebuilt::FOLDER, prebuilt::file_name(board)));
        let elf = prebuilt::elf(board).ok_or(FirmwareError::NotInside { board })?;
        let elf = elf.map_err(|reason| FirmwareError::Elf { board, path: path.clone(), reason })?;
        Self::read(board, Origin::Prebuilt, &path, elf)
    }

    /// Builds the firmware from source: the first time takes a minute or so. cargo shows its progress on stderr.
    ///
    /// # Errors
    /// [`FirmwareError::NoToolchain`], [`FirmwareError::NoSource`], [`FirmwareError::Program`] when cargo cannot be started,
    /// [`FirmwareError::Build`], [`FirmwareError::Elf`], [`FirmwareError::Budget`].
    pub fn build(board: Board) -> Result<Self, FirmwareError> {
        let built = build::build(board)?;
        Self::read(board, Origin::Built(built.path.clone()), &built.path, built.elf)
    }

    fn read(board: Board, origin: Origin, path: &Path, elf: Vec<u8>) -> Result<Self, FirmwareError> {
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

    /// The board that it is for.
    pub fn board(&self) -> Board {
        self.board
    }

    /// Where it comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The bytes of its ELF file.
    pub fn elf(&self) -> &[u8] {
        &self.elf
    }

    /// What it takes.
    pub fn size(&self) -> FirmwareSize {
        self.size
    }

    /// SHA-256 of what of it goes into flash (of each segment address, length, bytes), as 64 hexadecimal digits: the same for
    /// the same machine code, with symbols or without.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The digest as people see it: its first 12 digits.
    pub fn short_digest(&self) -> &str {
        short_digest(&self.digest)
    }

    /// What of it is written to flash, and where.
    ///
    /// # Errors
    /// [`FirmwareError::Elf`] when its file is none.
    pub fn segments(&self) -> Result<Vec<Placed>, FirmwareError> {
        flash_image::segments(&self.elf).map_err(|error| self.unreadable(&error))
    }

    /// Address where it starts, as its file has it: the lowest bit says that the code there is Thumb.
    ///
    /// # Errors
    /// [`FirmwareError::Elf`] when its file is none.
    pub fn entry(&self) -> Result<u32, FirmwareError> {
        flash_image::entry(&self.elf).map_err(|error| self.unreadable(&error))
    }

    /// Address of what is called by this name in its file; `None` where nothing is.
    ///
    /// # Errors
    /// [`FirmwareError::Elf`] when its file is none.
    pub fn symbol(&self, name: &str) -> Result<Option<u32>, FirmwareError> {
        flash_image::symbol(&self.elf, name).map_err(|error| self.unreadable(&error))
    }

    /// What decodes its log.
    ///
    /// # Errors
    /// [`FirmwareError::Elf`] when the file has no such table.
    pub(crate) fn log_table(&self) -> Result<Table, FirmwareError> {
        let table = Table::parse(&self.elf).map_err(|error| self.unreadable(&error))?;
        table.ok_or_else(|| self.unreadable(&"it has no log table"))
    }

    /// That its file is not what it should be.
    pub(crate) fn unreadable(&self, reason: &dyn std::fmt::Display) -> FirmwareError {
        let path = match &self.origin {
            Origin::Prebuilt => PathBuf::from(prebuilt::file_name(self.board)),
            Origin::Built(path) => path.clone(),
        };
        FirmwareError::Elf { board: self.board, path, reason: reason.to_string() }
    }
}

/// Why there is no firmware for a board, or a model does not go with it.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum FirmwareError {
    /// This program was compiled without the board's firmware.
    #[error("this program holds no firmware for the board {}", board.name())]
    #[diagnostic(help(
        "in a checkout, `cargo xtask firmware` makes it, and --build-firmware builds it from source for one command"
    ))]
    NotInside {
        /// The board.
        board: Board,
    },
    /// cargo could not be started.
    #[error("{program} could not be started")]
    Program {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// Nothing on this machine builds for the board.
    #[error("no Rust toolchain on this machine builds for {target}")]
    #[diagnostic(help("run: {command}"))]
    NoToolchain {
        /// The board's target.
        target: &'static str,
        /// What to run.
        command: String,
    },
    /// The firmware's source is not there.
    #[error("{} is not in a checkout of Pinhole's repository, whose sources --build-firmware takes", folder.display())]
    #[diagnostic(help(
        "change to a checkout, or leave out --build-firmware: the firmware inside this program needs no source"
    ))]
    NoSource {
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// The firmware could not be built.
    #[error("the firmware of the board {} could not be built in {}", board.name(), folder.display())]
    #[diagnostic(help("cargo's messages above say why"))]
    Build {
        /// The board.
        board: Board,
        /// The firmware's workspace.
        folder: PathBuf,
    },
    /// The firmware's file cannot be read, or has no log table.
    #[error("the firmware of the board {}, {}, cannot be read: {reason}", board.name(), path.display())]
    #[diagnostic(help(
        "in a checkout, `cargo xtask firmware` makes prebuilt firmware anew; a file in `target` is built anew when it is deleted"
    ))]
    Elf {
        /// The board.
        board: Board,
        /// The ELF file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The firmware takes more than the board's budget.
    #[error("the firmware of the board {} is over its budget: {exceeded}", board.name())]
    #[diagnostic(help("make it smaller, or allow it more in the board's file"))]
    Budget {
        /// The board.
        board: Board,
        /// What it takes too much of.
        exceeded: Exceeded,
    },
    /// Firmware or model would lie outside the board's flash.
    #[error("the {what} at {address:#010x} is not within the flash of the board {}", board.name())]
    #[diagnostic(help("it was linked for another memory map than the board's file declares: build it anew"))]
    Outside {
        /// Firmware or model.
        what: &'static str,
        /// Where it starts.
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
        /// Why.
        source: PackError,
    },
    /// The model takes more than the board has.
    #[error("the model {} does not fit the board {}: {misfits}", path.display(), board.name())]
    #[diagnostic(help(
        "{}; `pinhole inspect {} --board {}` shows what it takes",
        misfits.advice(), path.display(), board.name()
    ))]
    DoesNotFit {
        /// The model file.
        path: PathBuf,
        /// The board.
        board: Board,
        /// What it takes more of.
        misfits: Misfits,
    },
}
