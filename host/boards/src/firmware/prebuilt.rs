//! Prebuilt firmware inside this program: stripped, compressed ELF files, and a manifest of what they were built from.
//!
//! `cargo xtask firmware` writes them to `data/firmware`.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use pinhole_core::data;
use serde::{Deserialize, Serialize};

use crate::board::Board;

/// Folder of the prebuilt firmware in `data`.
pub const FOLDER: &str = "firmware";
/// Name of the manifest in that folder.
pub const MANIFEST: &str = "manifest.toml";
/// Upper limit for a decompressed ELF file, bytes, so that a damaged file cannot fill the memory. Far more than any
/// firmware takes.
const LONGEST_ELF: u64 = 16 << 20;

/// Inputs and results of the prebuilt firmware's build. It has no dates: the same sources and toolchain give the same
/// manifest in the same folder. In another folder the compiler orders functions differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirmwareManifest {
    /// Digest of the sources for this toolchain: [`super::source_digest`].
    pub source_digest: String,
    /// The toolchain.
    pub toolchain: ToolchainFacts,
    /// Results by board name.
    pub boards: BTreeMap<String, BoardManifest>,
}

/// The toolchain that built firmware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolchainFacts {
    /// First line of `rustc --version`.
    pub rustc: String,
    /// True if libcore was built from source too, false if it is the toolchain's own.
    pub builds_core: bool,
}

/// Facts of a board's prebuilt firmware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardManifest {
    /// Digest of the firmware: [`super::Firmware::digest`].
    pub digest: String,
    /// Length of the ELF file, bytes.
    pub elf_bytes: u64,
    /// Length of the compressed file, bytes.
    pub file_bytes: u64,
    /// [`crate::budget::FirmwareSize::code_bytes`].
    pub code_bytes: u64,
    /// [`crate::budget::FirmwareSize::engine_bytes`].
    pub engine_bytes: u64,
    /// [`crate::budget::FirmwareSize::static_ram_bytes`].
    pub static_ram_bytes: u64,
}

impl FirmwareManifest {
    /// Reads the manifest inside this program; `None` if it was built without prebuilt firmware.
    ///
    /// # Errors
    /// A message if it cannot be read.
    pub fn inside() -> Option<Result<Self, String>> {
        let text = data::file(&format!("{FOLDER}/{MANIFEST}"))?;
        let text = std::str::from_utf8(text).map_err(|error| error.to_string());
        Some(text.and_then(|text| toml::from_str(text).map_err(|error| error.to_string())))
    }
}

/// Returns the name of a board's file in [`FOLDER`].
pub fn file_name(board: Board) -> String {
    format!("{}.elf.gz", board.name())
}

/// Decompresses a board's ELF file inside this program; `None` if there is none.
///
/// # Errors
/// A message if it cannot be decompressed.
pub(super) fn elf(board: Board) -> Option<Result<Vec<u8>, String>> {
    let packed = data::file(&format!("{FOLDER}/{}", file_name(board)))?;
    let mut elf = Vec::new();
    let read = GzDecoder::new(packed).take(LONGEST_ELF).read_to_end(&mut elf);
    Some(read.map(|_| elf).map_err(|error| error.to_string()))
}

/// Compresses an ELF file for [`FOLDER`]; the same file gives the same bytes.
pub fn compress(elf: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(elf).and_then(|()| encoder.finish());
    written.expect("writing to memory does not fail")
}
