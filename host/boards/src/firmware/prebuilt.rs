//! Firmware that is inside this program: stripped ELF files, compressed, and a manifest that says what they were built from.
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
/// Far more than any firmware's file, bytes: a damaged one is not to fill the memory.
const LONGEST_ELF: u64 = 16 << 20;

/// What the prebuilt firmware was built from, and what came out. Without dates: the same sources and toolchain give the same
/// manifest in the same folder. In another one the compiler orders functions otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`super::source_digest`] of the sources, for this toolchain.
    pub source_digest: String,
    /// What built it.
    pub toolchain: ToolchainFacts,
    /// What came out, by the board's name.
    pub boards: BTreeMap<String, BoardManifest>,
}

/// What firmware was built with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolchainFacts {
    /// First line of `rustc --version`.
    pub rustc: String,
    /// Whether libcore was built from source along with it (else it is the toolchain's own).
    pub builds_core: bool,
}

/// A board's prebuilt firmware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardManifest {
    /// [`super::Firmware::digest`].
    pub digest: String,
    /// Length of the ELF file, bytes.
    pub elf_bytes: u64,
    /// Length of the compressed file, bytes.
    pub file_bytes: u64,
    /// As [`crate::budget::FirmwareSize`] has it, bytes.
    pub code_bytes: u64,
    /// As [`crate::budget::FirmwareSize`] has it, bytes.
    pub engine_bytes: u64,
    /// As [`crate::budget::FirmwareSize`] has it, bytes.
    pub static_ram_bytes: u64,
}

impl Manifest {
    /// The manifest inside this program; `None` where it was built without prebuilt firmware.
    ///
    /// # Errors
    /// In words, when it cannot be read.
    pub fn inside() -> Option<Result<Self, String>> {
        let text = data::file(&format!("{FOLDER}/{MANIFEST}"))?;
        let text = std::str::from_utf8(text).map_err(|error| error.to_string());
        Some(text.and_then(|text| toml::from_str(text).map_err(|error| error.to_string())))
    }
}

/// Name of a board's file in [`FOLDER`].
pub fn file_name(board: Board) -> String {
    format!("{}.elf.gz", board.name())
}

/// A board's ELF file inside this program; `None` where there is none.
///
/// # Errors
/// In words, when it cannot be decompressed.
pub(super) fn elf(board: Board) -> Option<Result<Vec<u8>, String>> {
    let packed = data::file(&format!("{FOLDER}/{}", file_name(board)))?;
    let mut elf = Vec::new();
    let read = GzDecoder::new(packed).take(LONGEST_ELF).read_to_end(&mut elf);
    Some(read.map(|_| elf).map_err(|error| error.to_string()))
}

/// An ELF file as it is kept in [`FOLDER`]: the same bytes for the same file.
pub fn compress(elf: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(elf).and_then(|()| encoder.finish());
    written.expect("writing to memory does not fail")
}
