//! Intel HEX: lines of text, each with its place and a checksum.
//!
//! # Source
//! Intel, "Hexadecimal Object File Format Specification", revision A, 1988.

use ihex::{Record, create_object_file_representation};

use crate::firmware::{Firmware, FirmwareError, FlashImage};

/// Bytes of a line, as most tools write them.
const LINE: usize = 16;
/// The upper halves of addresses have records of their own, wherever they change.
const HALF: u32 = 16;

/// The file. With firmware, it ends with the address where that starts.
///
/// # Errors
/// [`FirmwareError::Elf`] when the firmware's file is none.
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
            // Up to the next multiple of a line's length, so that no line crosses a 64 kB boundary.
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
