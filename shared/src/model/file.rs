//! Fields and sections of a file, before anything is known about what is in them.

use super::{ALIGNMENT, HEADER_BYTES, ModelError, RECORD_BYTES, Section};

/// Words of the header and of a record.
pub(super) const FIELDS: usize = 16;
const _: () = assert!(HEADER_BYTES == 4 * FIELDS && RECORD_BYTES == 4 * FIELDS);

/// A file whose header has been checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct File<'a> {
    words: &'a [u32],
    /// Where the layer table ends, bytes.
    table_end: usize,
}

impl<'a> File<'a> {
    pub(super) fn new(words: &'a [u32], layer_count: u16) -> Self {
        Self { words, table_end: HEADER_BYTES + usize::from(layer_count) * RECORD_BYTES }
    }

    /// The record of a layer; of one that is not in the file, one of no kind.
    pub(super) fn record(&self, layer: usize) -> &'a [u32; FIELDS] {
        self.words.get(FIELDS * (layer + 1)..).and_then(<[u32]>::first_chunk).unwrap_or(&[0; FIELDS])
    }

    /// So many words at an offset in bytes, a multiple of 4 (every section ends with a whole word); none if they are not all
    /// in the file.
    #[inline(always)]
    pub(super) fn words(&self, offset: u32, count: usize) -> &'a [u32] {
        let start = offset as usize / 4;
        // What is too much to be added ends before it starts, which is nothing.
        self.words.get(start..start.wrapping_add(count)).unwrap_or_default()
    }

    /// The bytes of a section that the file says is at an offset.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn section(
        &self,
        section: Section,
        layer: usize,
        offset: u32,
        bytes: usize,
    ) -> Result<&'a [u8], ModelError> {
        let offset = offset as usize;
        let inside = offset.is_multiple_of(ALIGNMENT) && offset >= self.table_end;
        let end = offset.saturating_add(bytes);
        let all: &[u8] = bytemuck::cast_slice(self.words);
        let here = all.get(offset..end).filter(|_| inside);
        here.ok_or(ModelError::Section { section, layer, offset, bytes })
    }
}

/// The lower and the upper half of a word: two fields of 16 bits.
pub(super) fn halves(word: u32) -> (u16, u16) {
    (word as u16, (word >> 16) as u16)
}

/// A field of so many bytes, for a message; the offset is in bytes.
pub(super) fn field(fields: &[u32; FIELDS], offset: usize, bytes: u32) -> u32 {
    let word = fields.get(offset / 4).copied().unwrap_or(0) >> (offset % 4 * 8);
    word & u32::MAX >> (32 - 8 * bytes)
}

/// The offset in bytes of the first word from `start` on that is not 0; 0 if there is none.
pub(super) fn first_not_zero(fields: &[u32; FIELDS], start: usize) -> usize {
    let reserved = fields.iter().enumerate().skip(start);
    reserved.filter(|&(_, &word)| word != 0).map(|(place, _)| 4 * place).next().unwrap_or(0)
}

pub(super) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..offset.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}

pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..offset.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}
