//! Intel HEX: lines of text, each with its address and a checksum.
//!
//! # Source
//! Intel, "Hexadecimal Object File Format Specification", revision A, 1988.

use ihex::{Record, create_object_file_representation};

use crate::firmware::{Firmware, FirmwareError, FlashImage};

/// Data bytes per line, as most tools write them.
const LINE: usize = 16;
/// Bits of the lower half of an address. The upper half has a record of its own wherever it changes.
const HALF: u32 = 16;

/// Returns the file's bytes. With firmware, it ends with the entry address.
///
/// # Errors
/// [`FirmwareError::Elf`] if the firmware's file is not an ELF file.
pub(super) fn encode(image: &FlashImage, firmware: Option<&Firmware>) -> Result<Vec<u8>, FirmwareError> {
    let mut records = Vec::new();
    let mut upper = None;
    for part in &image.parts {
        let (mut address, mut rest) = (part.address, part.bytes.as_slice());
        while !rest.is_empty() {
            if upper != Some(address >> HALF) {
                upper = Some(address >> HALF);
                records.push(Record::ExtendedLinearAddress((address >> HALF) as u16));
            }
            // Lines end at multiples of their length, so that none crosses a 64 kB boundary.
            let (line, others) = rest.split_at(rest.len().min(LINE - address as usize % LINE));
            records.push(Record::Data { offset: address as u16, value: line.to_vec() });
            address = address.wrapping_add(line.len() as u32);
            rest = others;
        }
    }
    if let Some(firmware) = firmware {
        records.push(Record::StartLinearAddress(firmware.entry()?));
    }
    records.push(Record::EndOfFile);
    let text = create_object_file_representation(&records).expect("the records are short, and the last one is the end");
    Ok(text.into_bytes())
}
