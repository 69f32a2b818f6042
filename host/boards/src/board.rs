//! The boards: one for each declaration in `firmware/boards`, collected when this crate is compiled.

use std::sync::LazyLock;

use pinhole_core::choice::Choice;
use pinhole_core::model_file::Packing;
use pinhole_declaration::{Core, Declaration};

// The enum `Board`, `Board::ALL`, `EMULATED` and `DECLARATIONS`: see build.rs.
include!(concat!(env!("OUT_DIR"), "/boards.rs"));

/// Chip of a board, as a debug probe sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbedChip {
    /// Name of the chip in probe-rs.
    pub name: &'static str,
    /// Address of a word that identifies the chip.
    pub id_address: u32,
    /// Bits of that word that identify it; other bits are the revision.
    pub id_mask: u32,
    /// Value of these bits.
    pub id: u32,
    /// Address and value to write if the word reads otherwise: the peripheral may still be held in reset.
    pub release: Option<(u32, u32)>,
}

/// Boot loader in a chip's ROM that appears as a drive and accepts UF2 files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uf2Drive {
    /// UF2 family of files for this chip.
    pub family: u32,
    /// Size of a flash sector, the unit of erasing, bytes.
    pub sector_bytes: u32,
    /// Name of the drive.
    pub drive: &'static str,
    /// Instructions for making the board show the drive.
    pub how: &'static str,
}

impl Board {
    /// Returns the board's name on the command line.
    pub fn name(self) -> &'static str {
        &self.declaration().board.name
    }

    /// Returns the description.
    pub fn what(self) -> &'static str {
        &self.declaration().board.description
    }

    /// Returns package and binary of the firmware.
    pub fn firmware(self) -> (&'static str, &'static str) {
        let board = &self.declaration().board;
        (&board.package, &board.binary)
    }

    /// Returns the Rust target of the firmware.
    pub fn target(self) -> &'static str {
        self.declaration().core.target()
    }

    /// Returns QEMU's machine, if the board is emulated.
    pub(crate) fn machine(self) -> Option<&'static str> {
        self.declaration().emulator.as_ref().map(|emulator| emulator.machine.as_str())
    }

    /// Returns the chip behind a debug probe, if there is one.
    pub fn chip(self) -> Option<ProbedChip> {
        let chip = self.declaration().chip.as_ref()?;
        Some(ProbedChip {
            name: &chip.name,
            id_address: chip.id_address,
            id_mask: chip.id_mask,
            id: chip.id,
            release: chip.release.map(|word| (word.address, word.value)),
        })
    }

    /// Returns the boot loader in ROM for UF2, if there is one.
    pub fn uf2_loader(self) -> Option<Uf2Drive> {
        let loader = self.declaration().uf2_loader.as_ref()?;
        Some(Uf2Drive {
            family: loader.family,
            sector_bytes: loader.sector_bytes,
            drive: &loader.drive,
            how: &loader.how,
        })
    }

    /// Returns true if the board is test equipment that users do not have.
    pub fn is_test_equipment(self) -> bool {
        self.declaration().board.test_equipment
    }

    /// Returns true if the board is emulated.
    pub fn is_emulated(self) -> bool {
        self.machine().is_some()
    }

    /// Returns the packing of models for the board's kernel.
    pub fn packing(self) -> Packing {
        match self.declaration().core {
            Core::CortexM4 | Core::CortexM33 => Packing::CortexM4,
            Core::CortexM0Plus => Packing::CortexM0Plus,
        }
    }

    /// Returns the declaration: memory, budget, buffers.
    pub fn declaration(self) -> &'static Declaration {
        static PARSED: LazyLock<[Declaration; Board::ALL.len()]> =
            LazyLock::new(|| DECLARATIONS.map(|text| Declaration::parse(text).expect("the build has parsed it")));
        &PARSED[self as usize]
    }
}

impl Choice for Board {
    const ALL: &'static [Self] = &Board::ALL;

    fn name(self) -> &'static str {
        Board::name(self)
    }

    fn help(self) -> &'static str {
        self.what()
    }

    fn is_hidden(self) -> bool {
        self.is_test_equipment()
    }
}

/// An emulated board, for commands that require one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Emulated(pub Board);

impl Choice for Emulated {
    const ALL: &'static [Self] = EMULATED;

    fn name(self) -> &'static str {
        self.0.name()
    }

    fn help(self) -> &'static str {
        self.0.what()
    }
}

#[cfg(test)]
mod tests {
    use pinhole_shared::layer::max_band_words;
    use pinhole_shared::layout::Layout;

    use super::*;

    #[test]
    fn boards_lie_in_their_places() {
        for (index, board) in Board::ALL.into_iter().enumerate() {
            assert_eq!(board as usize, index);
            assert_eq!(Board::named(board.name()), Some(board));
        }
        let emulated: Vec<Board> = Board::ALL.into_iter().filter(|board| board.is_emulated()).collect();
        assert!(Emulated::ALL.iter().map(|emulated| emulated.0).eq(emulated));
    }

    /// A board's buffer for lanes has room for the bands of a convolution, and for the longest chunk that is packed for it: one word
    /// for two columns, or three words for two columns.
    #[test]
    fn boards_declare_lanes_for_bands_and_the_longest_chunk() {
        for board in Board::ALL {
            let columns = board.packing().longest_chunk();
            let words = match board.packing() {
                Packing::CortexM0Plus => max_band_words(Layout::DualMacBand8).max(columns / 2 * 3),
                _ => max_band_words(Layout::DspBand8).max(columns / 2),
            };
            assert_eq!(board.declaration().buffers.lanes as usize, words, "{board:?}");
        }
    }
}
