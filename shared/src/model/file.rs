//! Fields and sections of a file, before anything is known about what is in them.

use super::format::{BLOCK_WORDS, Field, Words};
use super::{ALIGNMENT, HEADER_BYTES, ModelError, RECORD_BYTES, Section};

/// A field of 16 bits of a file that may have ended before it.
pub(crate) fn u16_in(file: &[u8], field: Field<u16>) -> Option<u16> {
    file.get(field.span().range())?.try_into().ok().map(u16::from_le_bytes)
}

/// A field of 32 bits of a file that may have ended before it.
pub(crate) fn u32_in(file: &[u8], field: Field<u32>) -> Option<u32> {
    file.get(field.span().range())?.try_into().ok().map(u32::from_le_bytes)
}

/// A file whose header has been checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct File<'a> {
    words: &'a [u32],
    /// Where the layer table ends, bytes.
    table_end: usize,
}

impl<'a> File<'a> {
    pub(crate) fn new(words: &'a [u32], layer_count: u16) -> Self {
        Self { words, table_end: HEADER_BYTES + usize::from(layer_count) * RECORD_BYTES }
    }

    /// The record of a layer; of one that is not in the file, one of no kind.
    pub(crate) fn record(&self, layer: usize) -> &'a Words {
        self.words.get(BLOCK_WORDS * (layer + 1)..).and_then(<[u32]>::first_chunk).unwrap_or(&[0; BLOCK_WORDS])
    }

    /// So many words at an offset in bytes, a multiple of 4 (every section ends with a whole word); none if they are not all
    /// in the file.
    #[inline(always)]
    pub(crate) fn words(&self, offset: u32, count: usize) -> &'a [u32] {
        let start = offset as usize / 4;
        // What is too much to be added ends before it starts, which is nothing.
        self.words.get(start..start.wrapping_add(count)).unwrap_or_default()
    }

    /// The bytes of a section that the file says is at an offset.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(crate) fn section(
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
