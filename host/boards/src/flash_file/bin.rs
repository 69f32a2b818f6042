//! Binary file: the bytes alone, from the lowest address on. The file does not contain the address: the user must give
//! it.

use std::ops::Range;

use pinhole_shared::model::MAGIC;

use super::{ERASED, FlashFileError};
use crate::board::Board;
use crate::firmware::FlashImage;

/// Longest gap that is filled, bytes: more than the flash of the largest board.
const LONGEST_GAP: u32 = 8 << 20;

/// Returns the file's bytes, and the addresses that it covers.
///
/// # Errors
/// [`FlashFileError::Gap`].
pub(super) fn encode(image: &FlashImage) -> Result<(Vec<u8>, Range<u32>), FlashFileError> {
    let start = image.parts.first().map_or(0, |part| part.address);
    let (mut bytes, mut end) = (Vec::new(), start);
    for part in &image.parts {
        let gap = part.address - end;
        if gap > LONGEST_GAP {
            return Err(FlashFileError::Gap { start: end, end: part.address });
        }
        bytes.resize(bytes.len() + gap as usize, ERASED);
        bytes.extend_from_slice(&part.bytes);
        end = part.address + part.bytes.len() as u32;
    }
    Ok((bytes, start..end))
}

/// Returns true if the bytes have a model where a file written by [`encode`] has it: at the start, or at a board's
/// offset after its firmware.
pub(super) fn holds_a_model(bytes: &[u8]) -> bool {
    let of_board = |board: Board| {
        let declared = board.declaration();
        let start = declared.boot2.unwrap_or(declared.flash).origin;
        (declared.model.origin - start) as usize
    };
    let mut places = Board::ALL.into_iter().map(of_board).chain([0]);
    places.any(|place| bytes.get(place..).is_some_and(|rest| rest.starts_with(&MAGIC)))
}
