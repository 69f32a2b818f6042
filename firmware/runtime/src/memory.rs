//! Working memory of a board, in the sizes it declares.

use pinhole_app::capture::Buffers;
use pinhole_shared::engine::Scratch;

/// Aligned to 4 bytes, so that offsets that are multiples of 4 can be read by words.
#[derive(Debug)]
#[repr(align(4))]
struct Arena<const BYTES: usize>([u8; BYTES]);

/// All working memory, for one static variable.
#[derive(Debug)]
pub struct Memory<
    const INPUT: usize,
    const INPUT_ROW: usize,
    const ROW: usize,
    const ACCUMULATORS: usize,
    const ACTIVATIONS: usize,
    const LANES: usize,
    const ARENA: usize,
> {
    input: [u8; INPUT],
    row: [u8; ROW],
    sums: [u64; INPUT_ROW],
    accumulators: [i32; ACCUMULATORS],
    activations: [i16; ACTIVATIONS],
    scratch: [u32; LANES],
    arena: Arena<ARENA>,
}

impl<
    const INPUT: usize,
    const INPUT_ROW: usize,
    const ROW: usize,
    const ACCUMULATORS: usize,
    const ACTIVATIONS: usize,
    const LANES: usize,
    const ARENA: usize,
> Memory<INPUT, INPUT_ROW, ROW, ACCUMULATORS, ACTIVATIONS, LANES, ARENA>
{
    /// Creates zeroed memory.
    #[allow(clippy::new_without_default, reason = "for static variables: a default cannot be constant")]
    pub const fn new() -> Self {
        Self {
            input: [0; INPUT],
            row: [0; ROW],
            sums: [0; INPUT_ROW],
            accumulators: [0; ACCUMULATORS],
            activations: [0; ACTIVATIONS],
            scratch: [0; LANES],
            arena: Arena([0; ARENA]),
        }
    }

    /// Borrows the buffers of a capture and the scratch memory of an inference.
    pub fn parts(&mut self) -> (Buffers<'_>, Scratch<'_>) {
        let buffers = Buffers { input: &mut self.input, row: &mut self.row, sums: &mut self.sums };
        let scratch = Scratch {
            accumulators: &mut self.accumulators,
            activations: &mut self.activations,
            scratch: &mut self.scratch,
            arena: &mut self.arena.0,
        };
        (buffers, scratch)
    }
}
