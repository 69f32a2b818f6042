//! CRC-32 of a byte stream, computed incrementally.

use crate::{CRC, CrcTable};

/// CRC-32 (ISO-HDLC, as in zip), updated incrementally.
///
/// ```
/// use pinhole_shared::link::Checksum;
/// let mut checksum = Checksum::new();
/// checksum.update(b"12345");
/// checksum.update(b"6789");
/// assert_eq!(checksum.value(), 0xCBF4_3926); // the check value of the catalogue of parametrised CRC algorithms
/// ```
#[derive(Clone)]
pub struct Checksum(crc::Digest<'static, u32, CrcTable>);

impl Checksum {
    /// Creates the checksum of no bytes.
    pub fn new() -> Self {
        Self(CRC.digest())
    }

    /// Adds `bytes` to the checksum.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the checksum of all bytes so far.
    pub fn value(&self) -> u32 {
        self.0.clone().finalize()
    }
}

impl Default for Checksum {
    fn default() -> Self {
        Self::new()
    }
}

impl core::fmt::Debug for Checksum {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:08x}", self.value())
    }
}
