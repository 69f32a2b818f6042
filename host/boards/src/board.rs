//! The boards, and facts about them.

use std::sync::LazyLock;

use pinhole_core::choice::Choice;
use pinhole_core::model_file::Packing;
use pinhole_declaration::Declaration;

/// A board. Two are emulated, three are hardware, and one is test equipment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Board {
    /// QEMU's mps2-an386, a Cortex-M4F.
    #[default]
    Qemu,
    /// QEMU's mps2-an385 with code for a Cortex-M0+ (Armv6-M).
    QemuM0plus,
    /// Raspberry Pi Pico.
    Pico,
    /// nRF52840-DK.
    Nrf52840Dk,
    /// STM32 Nucleo-F446RE.
    NucleoF446re,
    /// QEMU's mps2-an386 behind a debug probe: test equipment, which requires its virtual probe.
    QemuProbed,
}

/// Chip of a board, as a debug probe sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chip {
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
pub struct Uf2Loader {
    /// UF2 family of files for this chip.
    pub family: u32,
    /// Size of a flash sector, the unit of erasing, bytes.
    pub sector_bytes: u32,
    /// Name of the drive.
    pub drive: &'static str,
    /// Instructions for making the board show the drive.
    pub how: &'static str,
}

/// Facts about a board that are not in its declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Facts {
    /// Name on the command line.
    name: &'static str,
    /// Description.
    what: &'static str,
    /// Package of the firmware.
    package: &'static str,
    /// Binary of the firmware.
    binary: &'static str,
    /// Rust target of the firmware.
    target: &'static str,
    /// Text of the declaration, which the board's build script reads too.
    declaration: &'static str,
    /// QEMU's machine; absent for hardware.
    machine: Option<&'static str>,
    /// Chip behind a debug probe; absent for emulated boards.
    chip: Option<Chip>,
    /// Boot loader in ROM for UF2; absent if there is none.
    uf2_loader: Option<Uf2Loader>,
}

const CORTEX_M4F: &str = "thumbv7em-none-eabihf";
const CORTEX_M0PLUS: &str = "thumbv6m-none-eabi";

impl Board {
    /// All boards.
    pub const ALL: [Self; 6] =
        [Self::Qemu, Self::QemuM0plus, Self::Pico, Self::Nrf52840Dk, Self::NucleoF446re, Self::QemuProbed];

    const fn facts(self) -> Facts {
        match self {
            Self::Qemu => Facts {
                name: "qemu",
                what: "An emulated Cortex-M4F (QEMU's mps2-an386)",
                package: "pinhole-qemu",
                binary: "pinhole-qemu",
                target: CORTEX_M4F,
                declaration: include_str!("../../../firmware/boards/qemu/m4f.toml"),
                machine: Some("mps2-an386"),
                chip: None,
                uf2_loader: None,
            },
            Self::QemuM0plus => Facts {
                name: "qemu-m0plus",
                what: "The instructions of a Cortex-M0+ (Armv6-M), emulated on QEMU's mps2-an385",
                package: "pinhole-qemu",
                binary: "pinhole-qemu-m0plus",
                target: CORTEX_M0PLUS,
                declaration: include_str!("../../../firmware/boards/qemu/m0plus.toml"),
                // QEMU's only machine with a Cortex-M0 has less memory than a model may take; a Cortex-M3 runs every
                // instruction of Armv6-M.
                machine: Some("mps2-an385"),
                chip: None,
                uf2_loader: None,
            },
            Self::Pico => Facts {
                name: "pico",
                what: "Raspberry Pi Pico (RP2040, Cortex-M0+)",
                package: "pinhole-pico",
                binary: "pinhole-pico",
                target: CORTEX_M0PLUS,
                declaration: include_str!("../../../firmware/boards/pico/board.toml"),
                machine: None,
                // CHIP_ID without the revision: RP2040 Datasheet, 2.20.3. SYSINFO is bit 19 of RESETS, cleared through
                // its atomic clear alias: 2.14.3 and 2.1.2.
                chip: Some(Chip {
                    name: "RP2040",
                    id_address: 0x4000_0000,
                    id_mask: 0x0FFF_FFFF,
                    id: 0x2927,
                    release: Some((0x4000_F000, 1 << 19)),
                }),
                // RP2040 Datasheet, 2.8.4 (USB mass storage interface).
                uf2_loader: Some(Uf2Loader {
                    family: 0xE48B_FF56,
                    sector_bytes: 4096,
                    drive: "RPI-RP2",
                    how: "hold down the button BOOTSEL while you plug the board in",
                }),
            },
            Self::Nrf52840Dk => Facts {
                name: "nrf52840-dk",
                what: "nRF52840-DK (Cortex-M4F)",
                package: "pinhole-nrf52840-dk",
                binary: "pinhole-nrf52840-dk",
                target: CORTEX_M4F,
                declaration: include_str!("../../../firmware/boards/nrf52840-dk/board.toml"),
                machine: None,
                // FICR's INFO.PART: nRF52840 Product Specification, 4.4.1.
                chip: Some(Chip {
                    name: "nRF52840_xxAA",
                    id_address: 0x1000_0100,
                    id_mask: u32::MAX,
                    id: 0x0005_2840,
                    release: None,
                }),
                uf2_loader: None,
            },
            Self::NucleoF446re => Facts {
                name: "nucleo-f446re",
                what: "STM32 Nucleo-F446RE (Cortex-M4F)",
                package: "pinhole-nucleo-f446re",
                binary: "pinhole-nucleo-f446re",
                target: CORTEX_M4F,
                declaration: include_str!("../../../firmware/boards/nucleo-f446re/board.toml"),
                machine: None,
                // DBGMCU_IDCODE's DEV_ID: ST RM0390, 33.6.1.
                chip: Some(Chip {
                    name: "STM32F446RETx",
                    id_address: 0xE004_2000,
                    id_mask: 0xFFF,
                    id: 0x421,
                    release: None,
                }),
                uf2_loader: None,
            },
            Self::QemuProbed => Facts {
                name: "qemu-probed",
                what: "QEMU's mps2-an386 behind a virtual debug probe: test equipment",
                package: "pinhole-qemu-probed",
                binary: "pinhole-qemu-probed",
                target: CORTEX_M4F,
                declaration: include_str!("../../../firmware/boards/qemu-probed/board.toml"),
                machine: None,
                // The FPGA's SCC_ID: Arm AN386, "Serial Configuration Controller".
                chip: Some(Chip {
                    name: "mps2-an386",
                    id_address: 0x4002_FFFC,
                    id_mask: u32::MAX,
                    id: 0x4104_3860,
                    release: None,
                }),
                uf2_loader: None,
            },
        }
    }

    /// Returns the board's name on the command line.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// Returns the description.
    pub fn what(self) -> &'static str {
        self.facts().what
    }

    /// Returns package and binary of the firmware.
    pub fn firmware(self) -> (&'static str, &'static str) {
        (self.facts().package, self.facts().binary)
    }

    /// Returns the Rust target of the firmware.
    pub fn target(self) -> &'static str {
        self.facts().target
    }

    /// Returns QEMU's machine, if the board is emulated.
    pub(crate) fn machine(self) -> Option<&'static str> {
        self.facts().machine
    }

    /// Returns the chip behind a debug probe, if there is one.
    pub fn chip(self) -> Option<Chip> {
        self.facts().chip
    }

    /// Returns the boot loader in ROM for UF2, if there is one.
    pub fn uf2_loader(self) -> Option<Uf2Loader> {
        self.facts().uf2_loader
    }

    /// Returns true if the board is test equipment that users do not have.
    pub fn is_test_equipment(self) -> bool {
        self == Self::QemuProbed
    }

    /// Returns true if the board is emulated.
    pub fn is_emulated(self) -> bool {
        self.machine().is_some()
    }

    /// Returns the packing of models for the board's kernel.
    pub fn packing(self) -> Packing {
        if self.target() == CORTEX_M0PLUS { Packing::CortexM0Plus } else { Packing::CortexM4 }
    }

    /// Returns the declaration: memory, budget, buffers.
    pub fn declaration(self) -> &'static Declaration {
        static DECLARATIONS: LazyLock<[Declaration; Board::ALL.len()]> = LazyLock::new(|| {
            let parse = |text| Declaration::parse(text).expect("a test reads the declarations that ship");
            Board::ALL.map(|board| parse(board.facts().declaration))
        });
        &DECLARATIONS[self as usize]
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
    const ALL: &'static [Self] = &[Self(Board::Qemu), Self(Board::QemuM0plus)];

    fn name(self) -> &'static str {
        self.0.name()
    }

    fn help(self) -> &'static str {
        self.0.what()
    }
}

#[cfg(test)]
mod tests {
    use pinhole_declaration::Core;

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

    #[test]
    fn a_board_declares_its_own_core() {
        for board in Board::ALL {
            let core = match board.packing() {
                Packing::CortexM0Plus => Core::CortexM0Plus,
                _ => Core::CortexM4,
            };
            assert_eq!(board.declaration().core, core, "{board:?}");
        }
    }

    /// A board's buffer for a chunk is as long as the longest chunk that is packed for it: one word for two columns, or
    /// three words for two columns.
    #[test]
    fn boards_declare_lanes_for_the_longest_chunk() {
        for board in Board::ALL {
            let columns = board.packing().longest_chunk();
            let words = if board.packing() == Packing::CortexM0Plus { columns / 2 * 3 } else { columns / 2 };
            assert_eq!(board.declaration().buffers.lanes as usize, words, "{board:?}");
        }
    }
}
