//! Sizes of a board's firmware, compared with its budget.

use object::read::elf::{FileHeader as _, ProgramHeader as _, Sym as _};
use object::{LittleEndian, elf};
use pinhole_declaration::{Declaration, Region};
use serde::Serialize;

/// Memory use of a board's firmware, from its ELF file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FirmwareSize {
    /// Flash for code, constants and initial values of variables, bytes. Log texts stay on the host and take none.
    pub code_bytes: u64,
    /// Flash of the engine alone, bytes: kernels, model parser, pixel pipeline, activation functions and their tables.
    pub engine_bytes: u64,
    /// RAM of static variables, bytes.
    pub static_ram_bytes: u64,
}

/// Part of a firmware's budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetPart {
    /// Flash for code and constants.
    Code,
    /// The engine's share of that flash.
    Engine,
    /// RAM for static variables.
    StaticRam,
    /// RAM for the stack: what static variables leave.
    Stack,
}

/// Error: firmware exceeds its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {got} bytes of {budget}", match part {
    BudgetPart::Code => "code and constants exceed their flash budget",
    BudgetPart::Engine => "the engine's code exceeds its part of the flash budget",
    BudgetPart::StaticRam => "static variables exceed their RAM budget",
    BudgetPart::Stack => "static variables leave too little RAM for the stack",
})]
pub struct Exceeded {
    /// The part that is exceeded.
    pub part: BudgetPart,
    /// Used, bytes; for the stack, what is left for it.
    pub got: u64,
    /// Allowed, bytes; for the stack, what is reserved for it.
    pub budget: u64,
}

impl FirmwareSize {
    /// Adds up what is loaded into flash and what takes RAM.
    ///
    /// # Errors
    /// If the bytes are not a little-endian 32-bit ELF file.
    pub fn read(elf: &[u8], board: &Declaration) -> Result<Self, object::Error> {
        let header = elf::FileHeader32::<LittleEndian>::parse(elf)?;
        let endian = header.endian()?;
        let mut size = Self { code_bytes: 0, engine_bytes: 0, static_ram_bytes: 0 };
        let lies_in = |region: Region, address: u32| region.addresses().contains(&u64::from(address));
        for segment in header.program_headers(endian, elf)? {
            if segment.p_type(endian) != elf::PT_LOAD {
                continue;
            }
            // Initialized variables take RAM, and flash for their initial values.
            if lies_in(board.flash, segment.p_paddr(endian)) {
                size.code_bytes += u64::from(segment.p_filesz(endian));
            }
            if lies_in(board.ram, segment.p_vaddr(endian)) {
                size.static_ram_bytes += u64::from(segment.p_memsz(endian));
            }
        }
        let symbols = header.sections(endian, elf)?.symbols(endian, elf, elf::SHT_SYMTAB)?;
        for symbol in symbols.iter() {
            let name = String::from_utf8_lossy(symbol.name(endian, symbols.strings())?);
            if lies_in(board.flash, symbol.st_value(endian)) && is_engine(&name) {
                size.engine_bytes += u64::from(symbol.st_size(endian));
            }
        }
        Ok(size)
    }

    /// Checks the sizes against the board's budget. The linker has checked them too, but cannot say by how much they
    /// differ.
    ///
    /// # Errors
    /// The first part that is exceeded.
    pub fn check(&self, board: &Declaration) -> Result<(), Exceeded> {
        let budget = board.budget;
        let left = u64::from(board.ram.bytes).saturating_sub(self.static_ram_bytes);
        let (code, ram, stack) =
            (u64::from(budget.code_bytes), u64::from(budget.static_ram_bytes), u64::from(budget.stack_bytes));
        if self.code_bytes > code {
            Err(Exceeded { part: BudgetPart::Code, got: self.code_bytes, budget: code })
        } else if self.engine_bytes > u64::from(budget.engine_bytes) {
            Err(Exceeded { part: BudgetPart::Engine, got: self.engine_bytes, budget: budget.engine_bytes.into() })
        } else if self.static_ram_bytes > ram {
            Err(Exceeded { part: BudgetPart::StaticRam, got: self.static_ram_bytes, budget: ram })
        } else if left < stack {
            Err(Exceeded { part: BudgetPart::Stack, got: left, budget: stack })
        } else {
            Ok(())
        }
    }
}

/// Modules of `pinhole_shared` that are the engine. The others are messages and the arithmetic of shapes.
const ENGINE_MODULES: [&str; 9] =
    ["decision", "engine", "fixed", "kernel", "layer", "layout", "model", "pixels", "policy"];

/// Returns true if a symbol belongs to the engine, by the path of the function or table itself, not of its generic
/// arguments. Formatting code does not count. Code that the compiler inlined elsewhere is counted there, and the other
/// way round. Shared code that it made a function of its own (`OUTLINED_FUNCTION`, a few hundred bytes) is counted
/// whole, whoever calls it.
fn is_engine(symbol: &str) -> bool {
    // Without the hashes.
    let name = format!("{:#}", rustc_demangle::demangle(symbol));
    let own = name.trim_start_matches('<');
    let of_shared = |path: &str| {
        ENGINE_MODULES.iter().any(|module| path.strip_prefix(module).is_some_and(|rest| rest.starts_with("::")))
    };
    let inside = own.starts_with("pinhole_kernels::") || own.strip_prefix("pinhole_shared::").is_some_and(of_shared);
    let text = name.contains(" as core::fmt::") || name.contains(" as defmt::");
    (inside && !text) || name.starts_with("OUTLINED_FUNCTION")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::Board;

    /// Returns an ELF file with these loadable segments: virtual address, physical address, bytes in the file and in
    /// memory.
    fn elf_of(segments: &[[u32; 4]]) -> Vec<u8> {
        let mut file = b"\x7fELF\x01\x01\x01".to_vec();
        file.resize(16, 0);
        for half in [2_u16, 40] {
            file.extend(half.to_le_bytes());
        }
        // Version, entry, program headers, section headers, flags.
        for word in [1_u32, 0, 52, 0, 0] {
            file.extend(word.to_le_bytes());
        }
        for half in [52, 32, segments.len() as u16, 40, 0, 0] {
            file.extend(half.to_le_bytes());
        }
        for &[virtual_address, physical_address, in_file, in_memory] in segments {
            for word in [1, 0, virtual_address, physical_address, in_file, in_memory, 4, 4] {
                file.extend(word.to_le_bytes());
            }
        }
        file
    }

    #[test]
    fn flash_and_ram_are_added_up() {
        let board = Board::Qemu.declaration();
        // Vectors, code, initialized variables followed by zeroed ones, and a segment outside of all regions.
        let elf = elf_of(&[
            [0, 0, 64, 64],
            [0x400, 0x400, 1000, 1000],
            [0x2000_0000, 0x800, 24, 124],
            [0x2000_0100, 0x2000_0100, 0, 76],
            [0x6000_0000, 0x6000_0000, 5, 5],
        ]);
        let size = FirmwareSize::read(&elf, board).unwrap();
        assert_eq!(size, FirmwareSize { code_bytes: 1088, engine_bytes: 0, static_ram_bytes: 200 });
        assert!(FirmwareSize::read(b"no ELF file", board).is_err());
    }

    #[test]
    fn what_exceeds_its_budget_is_named() {
        let mut board = Board::Qemu.declaration().clone();
        (board.budget.code_bytes, board.budget.static_ram_bytes) = (1000, 500);
        (board.budget.stack_bytes, board.ram.bytes) = (200, 600);
        board.budget.engine_bytes = 300;
        let check = |code_bytes, static_ram_bytes| {
            FirmwareSize { code_bytes, engine_bytes: 300, static_ram_bytes }.check(&board)
        };
        let large = FirmwareSize { code_bytes: 1000, engine_bytes: 301, static_ram_bytes: 400 };
        assert_eq!(large.check(&board), Err(Exceeded { part: BudgetPart::Engine, got: 301, budget: 300 }));
        assert_eq!(check(1000, 400), Ok(()));
        assert_eq!(check(1001, 400), Err(Exceeded { part: BudgetPart::Code, got: 1001, budget: 1000 }));
        assert_eq!(check(1000, 501), Err(Exceeded { part: BudgetPart::StaticRam, got: 501, budget: 500 }));
        let error = check(1000, 401).unwrap_err();
        assert_eq!(error, Exceeded { part: BudgetPart::Stack, got: 199, budget: 200 });
        assert_eq!(error.to_string(), "static variables leave too little RAM for the stack: 199 bytes of 200");
    }

    #[test]
    fn the_engine_is_known_by_its_paths() {
        for engine in [
            "pinhole_shared::model::parse::checksum",
            "<pinhole_shared::pixels::shrink::Shrink>::row",
            "<pinhole_shared::engine::Engine<pinhole_shared::kernel::dsp::Dsp<x>>>::new",
            "OUTLINED_FUNCTION_3",
        ] {
            assert!(is_engine(engine), "{engine}");
        }
        for other in [
            "<pinhole_shared::model::error::ModelError as core::fmt::Display>::fmt",
            "pinhole_shared::link::frame::encode",
            "pinhole_app::measure::run::<pinhole_shared::kernel::dsp::Dsp<x>>",
            "memcpy",
        ] {
            assert!(!is_engine(other), "{other}");
        }
    }

    /// A new module is one or the other.
    #[test]
    fn every_shared_module_is_engine_or_not() {
        const OTHERS: [&str; 2] = ["link", "shape"];
        let source = include_str!("../../../../shared/src/lib.rs");
        let modules = source.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
        let mut count = 0;
        for module in modules {
            assert!(ENGINE_MODULES.contains(&module) != OTHERS.contains(&module), "{module}");
            count += 1;
        }
        assert_eq!(count, ENGINE_MODULES.len() + OTHERS.len());
    }
}
