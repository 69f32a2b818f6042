//! The model file in its own memory region.

use pinhole_shared::model::{ModelError, file_bytes};

unsafe extern "C" {
    /// Bounds of the model's region, from the linker script that the build script writes. Only their addresses are
    /// valid.
    static __model_start: u8;
    static __model_end: u8;
}

/// Returns the bytes of the model file, in place.
///
/// # Errors
/// If the region does not start with a model file's header, or the file is longer than the region.
pub fn file() -> Result<&'static [u8], ModelError> {
    let start = &raw const __model_start;
    let length = (&raw const __model_end).addr() - start.addr();
    // SAFETY: the linker script reserves this region, [start, end), for the model alone: nothing is linked into it. It
    // is memory that is readable from the start, and no code of this firmware writes to it at run time.
    let region = unsafe { core::slice::from_raw_parts(start, length) };
    let expected = file_bytes(region)?;
    region.get(..expected).ok_or(ModelError::Truncated { expected, got: length })
}
