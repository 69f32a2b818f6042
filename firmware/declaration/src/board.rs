//! Facts about a board that the host needs; nothing of them goes into firmware.

use serde::Deserialize;

/// Name and firmware of a board.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Name on the command line: lower case, words joined by hyphens.
    pub name: String,
    /// Description in some words, without a full stop.
    pub description: String,
    /// Package of the firmware.
    pub package: String,
    /// Binary of the firmware.
    pub binary: String,
    /// Camera module that the firmware drives, if the host should check its limits before a model is flashed; absent if it is
    /// another one, or none.
    #[serde(default)]
    pub camera: Option<Camera>,
    /// True if the board is test equipment that users do not have.
    #[serde(default)]
    pub test_equipment: bool,
}

/// Camera module whose limits the host knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Camera {
    /// ArduCAM Mini 2MP Plus.
    ArducamMini,
}

/// QEMU's emulation of a board.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emulator {
    /// QEMU's name of the machine.
    pub machine: String,
}

/// Chip of a board, as a debug probe sees it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chip {
    /// Name of the chip in probe-rs.
    pub name: String,
    /// Address of a word that identifies the chip.
    pub id_address: u32,
    /// Bits of that word that identify it; other bits are the revision.
    pub id_mask: u32,
    /// Value of these bits.
    pub id: u32,
    /// Word to write if the identification reads otherwise: the peripheral may still be held in reset.
    #[serde(default)]
    pub release: Option<Word>,
}

/// Word in a chip's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// Address, a multiple of 4.
    pub address: u32,
    /// Value.
    pub value: u32,
}

/// Boot loader in a chip's ROM that appears as a drive and accepts UF2 files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uf2Loader {
    /// UF2 family of files for this chip.
    pub family: u32,
    /// Size of a flash sector, the unit of erasing, bytes.
    pub sector_bytes: u32,
    /// Name of the drive.
    pub drive: String,
    /// Instructions for making the board show the drive.
    pub how: String,
}
