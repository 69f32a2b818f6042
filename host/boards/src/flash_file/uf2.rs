//! UF2: blocks of 512 bytes, each with the address of its 256 data bytes, for a boot loader that appears as a drive.
//!
//! # Source
//! Microsoft, "USB Flashing Format (UF2)". Raspberry Pi, "RP2040 Datasheet", 2.8.4.2 (UF2 format details) and erratum
//! RP2040-E14.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{ERASED, joined};
use crate::board::Uf2Drive;
use crate::firmware::FlashImage;

/// First bytes of a file: the first of a block's magic numbers.
pub(super) const MAGIC: [u8; 4] = *b"UF2\n";
const SECOND_MAGIC: u32 = 0x9E5D_5157;
const LAST_MAGIC: u32 = 0x0AB1_6F30;
/// Flag: the field after the block numbers holds the family.
const FAMILY_ID_PRESENT: u32 = 0x2000;
/// Data bytes per block: what the RP2040 requires, a page of its flash.
const PAYLOAD: usize = 256;
/// Space for data in a block, bytes.
const ROOM: usize = 476;

/// Returns the file's bytes, and the addresses that it writes. All sectors that the image touches are included
/// completely. The boot loader erases whole sectors, and that of the RP2040 writes a sector incorrectly if a part of it
/// is missing and others follow (RP2040-E14).
pub(super) fn encode(image: &FlashImage, loader: Uf2Drive) -> (Vec<u8>, Vec<Range<u32>>) {
    let size = loader.sector_bytes as usize;
    let mut sectors: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    for part in &image.parts {
        for (address, &byte) in (part.address..).zip(&part.bytes) {
            let within = address % loader.sector_bytes;
            let sector = sectors.entry(address - within).or_insert_with(|| vec![ERASED; size]);
            sector[within as usize] = byte;
        }
    }
    let blocks = (sectors.len() * (size / PAYLOAD)) as u32;
    let pages = sectors.iter().flat_map(|(&start, sector)| (start..).step_by(PAYLOAD).zip(sector.chunks(PAYLOAD)));
    let mut bytes = Vec::new();
    for (number, (address, page)) in (0..).zip(pages) {
        bytes.extend_from_slice(&MAGIC);
        let fields = [SECOND_MAGIC, FAMILY_ID_PRESENT, address, PAYLOAD as u32, number, blocks, loader.family];
        bytes.extend(fields.into_iter().flat_map(u32::to_le_bytes));
        bytes.extend_from_slice(page);
        bytes.extend([0; ROOM - PAYLOAD]);
        bytes.extend_from_slice(&LAST_MAGIC.to_le_bytes());
    }
    let ranges = joined(sectors.keys().map(|&start| start..start + loader.sector_bytes));
    (bytes, ranges)
}
