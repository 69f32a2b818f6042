//! Counts copied and filled bytes.

use std::ops::Range;

use super::super::compiled::CompiledEvent;
use super::Tally;

/// Bytes of a word.
const WORD: usize = 4;
/// Shorter moves go byte by byte.
const MANY: usize = 16;

/// Copies and fills counted so far, without the fixed cost of calls that move nothing.
///
/// # Source
/// `memcpy` and `memset` of Rust's `compiler_builtins`: many bytes are moved in words once the destination is a
/// multiple of 4. Arena and pixels are assumed to start at such addresses.
#[derive(Default)]
pub(super) struct MemoryCalls {
    copies: Moves,
    /// Copies of many bytes whose source is not at a multiple of 4 when the destination is: two words are combined and
    /// shifted for each.
    shifted: Moves,
    fills: Moves,
}

/// Calls that move many bytes, and the words and bytes that all calls move.
#[derive(Default)]
struct Moves {
    many: usize,
    words: usize,
    bytes: usize,
}

impl MemoryCalls {
    /// Counts a copy from an offset to a range of the same length.
    pub(super) fn copy(&mut self, from: usize, to: Range<usize>) {
        if to.len() >= MANY && !from.abs_diff(to.start).is_multiple_of(WORD) {
            self.shifted.add(to);
        } else {
            self.copies.add(to);
        }
    }

    pub(super) fn fill(&mut self, to: Range<usize>) {
        self.fills.add(to);
    }

    pub(super) fn tally(&self, tally: &mut Tally) {
        let Self { copies, shifted, fills } = self;
        tally.add(CompiledEvent::CopyMany, copies.many);
        tally.add(CompiledEvent::CopyWord, copies.words);
        tally.add(CompiledEvent::CopyShifted, shifted.many);
        tally.add(CompiledEvent::CopyShiftedWord, shifted.words);
        tally.add(CompiledEvent::CopyByte, copies.bytes + shifted.bytes);
        tally.add(CompiledEvent::FillMany, fills.many);
        tally.add(CompiledEvent::FillWord, fills.words);
        tally.add(CompiledEvent::FillByte, fills.bytes);
    }
}

impl Moves {
    fn add(&mut self, to: Range<usize>) {
        if to.len() < MANY {
            self.bytes += to.len();
            return;
        }
        let first = to.start.wrapping_neg() % WORD;
        self.many += 1;
        self.words += (to.len() - first) / WORD;
        self.bytes += first + (to.len() - first) % WORD;
    }
}
