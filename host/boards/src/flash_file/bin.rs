//! The bytes alone, from the lowest address on. Where they go is not in the file: who flashes it has to say.

use std::ops::Range;

use pinhole_shared::model::MAGIC;

use super::{ERASED, FlashFileError};
use crate::board::Board;
use crate::firmware::FlashImage;

/// Longest gap that is filled up, bytes: as much as the flash of the largest board, and some.
const LONGEST_GAP: u32 = 8 << 20;

/// The file, and the addresses that it writes.
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

/// Whether bytes have a model where a file that [`encode`] wrote has it: at the start, or where a board has it after its
/// firmware.
pub(super) fn holds_a_model(bytes: &[u8]) -> bool {
    let of_board = |board: Board| {
        let declared = board.declaration();
        let start = declared.boot2.unwrap_or(declared.flash).origin;
        (declared.model.origin - start) as usize
    };
    let mut places = Board::ALL.into_iter().map(of_board).chain([0]);
    places.any(|place| bytes.get(place..).is_some_and(|rest| rest.starts_with(&MAGIC)))
}
