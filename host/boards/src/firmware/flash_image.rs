//! Flash image: the bytes of firmware and model, with their addresses in a board's flash.

use object::read::elf::{FileHeader as _, ProgramHeader as _, Sym as _};
use object::{LittleEndian, elf};
use pinhole_core::model_file::PackedModel;
use pinhole_declaration::Region;
use serde::Serialize;

use super::{Firmware, FirmwareError};
use crate::board::Board;

/// Bytes at an address in flash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// `firmware` or `model`.
    pub what: &'static str,
    /// Address of the first byte.
    pub address: u32,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Use of a region of memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Used {
    /// Content, in a word or two.
    pub what: &'static str,
    /// Address of the first byte.
    pub start: u32,
    /// Address after the last byte.
    pub end: u32,
    /// Used bytes of the region.
    pub used_bytes: u64,
}

/// Everything that is written to a board's flash.
#[derive(Clone, Debug)]
pub struct FlashImage {
    /// The board.
    pub board: Board,
    /// Parts in ascending order of addresses, without overlap.
    pub parts: Vec<Placed>,
}

impl FlashImage {
    /// Creates the image of a model, with or without firmware.
    ///
    /// # Errors
    /// [`FirmwareError::Elf`] if the firmware's file is not an ELF file, [`FirmwareError::Outside`].
    pub fn new(board: Board, firmware: Option<&Firmware>, model: &PackedModel) -> Result<Self, FirmwareError> {
        let mut parts = match firmware {
            Some(firmware) => firmware.segments()?,
            None => Vec::new(),
        };
        let address = board.declaration().model.origin;
        parts.push(Placed { what: "model", address, bytes: model.bytes().to_vec() });
        parts.sort_by_key(|part| part.address);
        let image = Self { board, parts };
        image.check()?;
        Ok(image)
    }

    /// Checks that every part is in a region of flash that the board declares.
    ///
    /// # Errors
    /// [`FirmwareError::Outside`].
    pub fn check(&self) -> Result<(), FirmwareError> {
        let declared = self.board.declaration();
        let regions = [declared.boot2, Some(declared.flash), Some(declared.model)];
        for part in &self.parts {
            let (start, end) = (u64::from(part.address), u64::from(part.address) + part.bytes.len() as u64);
            let holds = |region: Region| region.addresses().contains(&start) && end <= region.addresses().end;
            if !regions.into_iter().flatten().any(holds) {
                return Err(FirmwareError::Outside { what: part.what, address: part.address, board: self.board });
            }
        }
        Ok(())
    }

    /// Returns the total number of bytes.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.bytes.len()).sum()
    }

    /// Returns the regions of the board's memory and their use.
    pub fn memory_map(&self, firmware: Option<&Firmware>) -> Vec<Used> {
        let declared = self.board.declaration();
        let used = |region: Region, what| {
            let within = |part: &&Placed| region.addresses().contains(&u64::from(part.address));
            let used_bytes = self.parts.iter().filter(within).map(|part| part.bytes.len() as u64).sum();
            Used { what, start: region.origin, end: region.origin + region.bytes, used_bytes }
        };
        let mut map = Vec::new();
        if let Some(firmware) = firmware {
            map.extend(declared.boot2.map(|region| used(region, "second-stage boot loader")));
            map.push(used(declared.flash, "firmware"));
            let ram = used(declared.ram, "RAM: variables, stack");
            let stack = u64::from(declared.budget.stack_bytes);
            map.push(Used { used_bytes: firmware.size().static_ram_bytes + stack, ..ram });
        }
        map.push(used(declared.model, "model"));
        map.sort_by_key(|region| region.start);
        map
    }
}

/// Returns the entry address of an ELF file.
pub(super) fn entry(data: &[u8]) -> object::Result<u32> {
    let header = elf::FileHeader32::<LittleEndian>::parse(data)?;
    Ok(header.e_entry(header.endian()?))
}

/// Returns the address of a symbol that an ELF file defines.
pub(super) fn symbol(data: &[u8], name: &str) -> object::Result<Option<u32>> {
    let header = elf::FileHeader32::<LittleEndian>::parse(data)?;
    let endian = header.endian()?;
    let symbols = header.sections(endian, data)?.symbols(endian, data, elf::SHT_SYMTAB)?;
    let named = symbols.iter().find(|symbol| {
        symbol.is_definition(endian) && symbol.name(endian, symbols.strings()).ok() == Some(name.as_bytes())
    });
    Ok(named.map(|symbol| symbol.st_value(endian)))
}

/// Returns the segments of an ELF file that are written to flash, at their load addresses: initial values of variables
/// are in flash.
pub(super) fn segments(data: &[u8]) -> object::Result<Vec<Placed>> {
    let header = elf::FileHeader32::<LittleEndian>::parse(data)?;
    let endian = header.endian()?;
    let mut placed = Vec::new();
    for segment in header.program_headers(endian, data)? {
        if segment.p_type(endian) == elf::PT_LOAD && segment.p_filesz(endian) > 0 {
            // A segment beyond the end of the file is refused when it is flashed: none of it is loaded.
            let bytes = segment.data(endian, data).unwrap_or_default();
            placed.push(Placed { what: "firmware", address: segment.p_paddr(endian), bytes: bytes.to_vec() });
        }
    }
    Ok(placed)
}
