//! Bytes copied and filled.

use std::ops::Range;

use super::super::compiled::Event;
use super::Tally;

/// Bytes of a word.
const WORD: usize = 4;
/// Fewer bytes than this go one by one.
const MANY: usize = 16;

/// What was copied and filled so far, besides what calls take that move nothing.
///
/// # Source
/// `memcpy` and `memset` of Rust's `compiler_builtins`: many bytes go in words, once the place that is written is at a multiple of 4.
/// Places are taken to be so where arena and pixels start.
#[derive(Default)]
pub(super) struct Memory {
    copies: Moves,
    /// Of the copies of many bytes, those that are read at no multiple of 4 when they are written at one: two words are read for
    /// each, and shifted.
    shifted: Moves,
    fills: Moves,
}

/// Calls for many bytes, and what they and others move.
#[derive(Default)]
struct Moves {
    many: usize,
    words: usize,
    bytes: usize,
}

impl Memory {
    /// From a place, to as many bytes.
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
        tally.add(Event::CopyMany, copies.many);
        tally.add(Event::CopyWord, copies.words);
        tally.add(Event::CopyShifted, shifted.many);
        tally.add(Event::CopyShiftedWord, shifted.words);
        tally.add(Event::CopyByte, copies.bytes + shifted.bytes);
        tally.add(Event::FillMany, fills.many);
        tally.add(Event::FillWord, fills.words);
        tally.add(Event::FillByte, fills.bytes);
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
