//! Tables of a FlatBuffers file. All bounds are checked, since the file may be arbitrary.
//!
//! Nothing is copied before it is asked for. So a small file that refers to the same long list many times takes no more memory
//! than its size.
//!
//! # Source
//! FlatBuffers, "FlatBuffer Internals" (flatbuffers.dev/internals).

/// Error: a reference leads out of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken;

/// A table: its file, and the offset at which it starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct FlatBuffersTable<'f> {
    file: &'f [u8],
    start: usize,
}

impl<'f> FlatBuffersTable<'f> {
    /// Returns the file's first table.
    pub(super) fn root(file: &'f [u8]) -> Result<Self, Broken> {
        Self { file, start: 0 }.pointed(0)
    }

    /// Returns the number of the file's bytes.
    pub(super) fn file_bytes(self) -> usize {
        self.file.len()
    }

    /// Returns a field of 8 bits.
    pub(super) fn byte(self, slot: u16, default: u8) -> Result<u8, Broken> {
        let Some(place) = self.place(slot)? else { return Ok(default) };
        Ok(array::<1>(self.file, place)?[0])
    }

    /// Returns a field of 32 bits.
    pub(super) fn word(self, slot: u16, default: i32) -> Result<i32, Broken> {
        let Some(place) = self.place(slot)? else { return Ok(default) };
        Ok(i32::from_le_bytes(array(self.file, place)?))
    }

    /// Returns the table that a field refers to; the value of a union is one.
    pub(super) fn table(self, slot: u16) -> Result<Option<Self>, Broken> {
        self.place(slot)?.map(|place| self.pointed(place)).transpose()
    }

    /// Returns the bytes of a list whose items have `item_bytes` each, one after the other. Empty if the field is absent.
    pub(super) fn list(self, slot: u16, item_bytes: usize) -> Result<&'f [u8], Broken> {
        let Some(place) = self.place(slot)? else { return Ok(&[]) };
        let list = self.pointed(place)?.start;
        let bytes = (u32::from_le_bytes(array(self.file, list)?) as usize).checked_mul(item_bytes).ok_or(Broken)?;
        self.file.get(list + 4..).and_then(|rest| rest.get(..bytes)).ok_or(Broken)
    }

    /// Returns a list of 32-bit numbers.
    pub(super) fn words(self, slot: u16) -> Result<impl ExactSizeIterator<Item = i32> + 'f, Broken> {
        let list = self.list(slot, 4)?;
        Ok(list.chunks_exact(4).map(|word| i32::from_le_bytes([word[0], word[1], word[2], word[3]])))
    }

    /// Returns a list of tables.
    pub(super) fn tables(self, slot: u16) -> Result<Vec<Self>, Broken> {
        let Some(place) = self.place(slot)? else { return Ok(Vec::new()) };
        let list = self.pointed(place)?.start;
        let items = self.list(slot, 4)?.len() / 4;
        (0..items).map(|item| self.pointed(list + 4 + 4 * item)).collect()
    }

    /// Returns the offset of a field's value; `None` if the field is absent.
    fn place(self, slot: u16) -> Result<Option<usize>, Broken> {
        // Signed: tables share lists of fields, which may lie on either side.
        let back = i32::from_le_bytes(array(self.file, self.start)?);
        let fields = usize::try_from(self.start as i64 - i64::from(back)).map_err(|_| Broken)?;
        let half = |place| Ok(usize::from(u16::from_le_bytes(array(self.file, place)?)));
        // Two bytes for each field, after two sizes.
        let entry = 4 + 2 * usize::from(slot);
        if entry + 2 > half(fields)? {
            return Ok(None);
        }
        let offset = half(fields + entry)?;
        Ok((offset != 0).then_some(self.start + offset))
    }

    /// Returns the table that the offset at this position leads to.
    fn pointed(self, place: usize) -> Result<Self, Broken> {
        let offset = u32::from_le_bytes(array(self.file, place)?) as usize;
        Ok(Self { start: place.checked_add(offset).ok_or(Broken)?, ..self })
    }
}

fn array<const BYTES: usize>(file: &[u8], place: usize) -> Result<[u8; BYTES], Broken> {
    file.get(place..).and_then(|rest| rest.first_chunk()).copied().ok_or(Broken)
}
