//! The emulated boards there are.

use std::sync::LazyLock;

use clap::ValueEnum;
use pinhole_declaration::Declaration;

use crate::model_file::Packing;

/// What the boards declare; their build script reads the same files.
const M4F: &str = include_str!("../../../firmware/boards/qemu/m4f.toml");
const M0PLUS: &str = include_str!("../../../firmware/boards/qemu/m0plus.toml");

/// An emulated board. They differ in the instructions they run; memory map and peripherals are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Board {
    /// An emulated Cortex-M4F (QEMU's mps2-an386)
    #[default]
    Qemu,
    /// The instructions of a Cortex-M0+ (Armv6-M), emulated on QEMU's mps2-an385
    QemuM0plus,
}

impl Board {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::QemuM0plus => "qemu-m0plus",
        }
    }

    /// Target its firmware is built for.
    pub(super) fn target(self) -> &'static str {
        match self {
            Self::Qemu => "thumbv7em-none-eabihf",
            Self::QemuM0plus => "thumbv6m-none-eabi",
        }
    }

    /// Binary of its firmware, in [`Board::PACKAGE`].
    pub(super) fn binary(self) -> &'static str {
        match self {
            Self::Qemu => "pinhole-qemu",
            Self::QemuM0plus => "pinhole-qemu-m0plus",
        }
    }

    /// QEMU's machine. Its only one with a Cortex-M0 has less memory than a model may take; a Cortex-M3 runs every
    /// instruction of Armv6-M.
    pub(super) fn machine(self) -> &'static str {
        match self {
            Self::Qemu => "mps2-an386",
            Self::QemuM0plus => "mps2-an385",
        }
    }

    /// What its kernel takes.
    pub fn packing(self) -> Packing {
        match self {
            Self::Qemu => Packing::CortexM4,
            Self::QemuM0plus => Packing::CortexM0Plus,
        }
    }

    /// What it declares: memory, budget, buffers.
    pub fn declaration(self) -> &'static Declaration {
        static DECLARATIONS: LazyLock<[Declaration; 2]> = LazyLock::new(|| {
            [M4F, M0PLUS].map(|text| Declaration::parse(text).expect("a test reads the declarations that ship"))
        });
        let [m4f, m0plus] = &*DECLARATIONS;
        match self {
            Self::Qemu => m4f,
            Self::QemuM0plus => m0plus,
        }
    }

    /// Package of every board's firmware.
    pub(super) const PACKAGE: &str = "pinhole-qemu";
}

#[cfg(test)]
mod tests {
    use pinhole_declaration::Core;

    use super::*;

    #[test]
    fn the_command_line_has_these_names() {
        for board in Board::value_variants() {
            assert_eq!(Board::from_str(board.name(), false), Ok(*board));
        }
    }

    #[test]
    fn a_board_declares_its_own_core() {
        for board in Board::value_variants() {
            let core = match board.packing() {
                Packing::CortexM0Plus => Core::CortexM0Plus,
                _ => Core::CortexM4,
            };
            assert_eq!(board.declaration().core, core, "{board:?}");
        }
    }
}
