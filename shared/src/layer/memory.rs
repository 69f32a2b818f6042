//! Working memory of a layer that writes a tensor, and disjoint borrows of two ranges of the arena.

use core::ops::Range;

/// Working memory of a layer.
pub(crate) struct Memory<'s> {
    pub accumulators: &'s mut [i32],
    pub scratch: &'s mut [u32],
    pub arena: &'s mut [u8],
    /// Offset in the arena where the tensors end and the im2col buffer starts.
    pub patch_at: usize,
}

/// Returns the bytes to read and the bytes to write. Both are empty if the ranges overlap or lie outside the arena; no
/// parsed model has such ranges.
pub(super) fn split(arena: &mut [u8], read: Range<usize>, write: Range<usize>) -> (&[u8], &mut [u8]) {
    let (low, high) = if read.start < write.start { (&read, &write) } else { (&write, &read) };
    let apart = low.end <= high.start;
    let Some((first, second)) = arena.split_at_mut_checked(high.start).filter(|_| apart) else {
        return (&[], &mut []);
    };
    let low = first.get_mut(low.clone()).unwrap_or_default();
    let high = second.get_mut(..high.len()).unwrap_or_default();
    if read.start < write.start { (low, high) } else { (high, low) }
}
