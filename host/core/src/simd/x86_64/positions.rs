//! Outputs of a layer at all positions, pooled and requantized.

use std::array::from_fn;

use pinhole_shared::layer::Conv;

use super::packed::{GROUP, Lanes, Packed};
use super::padded::Padded;
use super::{POSITIONS, ROWS};

/// A convolution to compute.
#[derive(Clone, Copy)]
pub(super) struct Convolution<'a> {
    pub(super) packed: &'a Packed,
    /// The input.
    pub(super) padded: &'a Padded,
    pub(super) conv: &'a Conv<'a>,
    pub(super) is_depthwise: bool,
}

/// Operands of an innermost loop: a block of 16 rows, and the windows of four positions.
#[derive(Clone, Copy)]
pub(super) struct Tile<'a> {
    /// The block's weights.
    weights: &'a [Lanes],
    /// Where their inputs are, bytes from a window's start.
    offsets: &'a [usize],
    /// Start of the sums.
    pub(super) bias: &'a Lanes,
    /// The input with its padding.
    bytes: &'a [u8],
    /// Where the windows start in it.
    starts: [usize; POSITIONS],
}

impl Tile<'_> {
    /// Returns the block's weights, vector by vector, each with the bytes that it is multiplied by at each position: those of a group,
    /// or of a block's channels.
    #[inline(always)]
    pub(super) fn steps<const BYTES: usize>(&self) -> impl Iterator<Item = (&Lanes, [[u8; BYTES]; POSITIONS])> {
        const { assert!(BYTES <= ROWS) };
        let ([a, b, c, d], bytes) = (self.starts, self.bytes.as_ptr());
        // SAFETY: `all` makes tiles, of the layer's offsets and the starts of its windows. It has checked that there are 16 bytes at
        // the largest offset of the last window.
        let read = move |at: usize| unsafe { bytes.add(at).cast::<[u8; BYTES]>().read_unaligned() };
        self.weights.iter().zip(self.offsets).map(move |(weights, &offset)| {
            (weights, [read(a + offset), read(b + offset), read(c + offset), read(d + offset)])
        })
    }
}

/// Requantization of the sums of a block's rows.
#[derive(Clone, Copy)]
pub(super) struct Scale<'a> {
    pub(super) multipliers: &'a Lanes,
    pub(super) pre_shift: u8,
    pub(super) zero_point: u8,
    /// Smallest and largest output.
    pub(super) range: (u8, u8),
}

/// Computes all outputs. Innermost loops return vectors `V` of 16 sums for each position; `larger` and `scale` work on these. All
/// of it is compiled into functions with more instructions than the program has.
#[inline(always)]
pub(super) fn all<V: Copy>(
    layer: Convolution<'_>,
    output: &mut [u8],
    sums: impl Fn(Tile<'_>) -> [V; POSITIONS],
    larger: impl Fn(V, V) -> V,
    scale: impl Fn(V, Scale<'_>) -> [u8; ROWS],
) {
    let Convolution { packed, padded, conv, is_depthwise } = layer;
    let [height, width, channels] =
        [conv.output.shape.height, conv.output.shape.width, conv.output.shape.channels].map(usize::from);
    let pool = usize::from(conv.pool);
    let down = usize::from(conv.window.stride_y) * padded.pitch;
    let right = usize::from(conv.window.stride_x) * usize::from(conv.input.shape.channels) * padded.element;
    let pooled: Vec<usize> = (0..pool * pool).map(|place| place / pool * down + place % pool * right).collect();
    let last_block = if is_depthwise { (packed.biases.len() - 1) * ROWS } else { 0 };
    let last_window = (height * pool - 1) * down + (width * pool - 1) * right + last_block;
    let last_offset = packed.offsets.iter().max().copied().unwrap_or_default();
    assert!(last_window + last_offset + ROWS <= padded.bytes.len(), "a window ends past the end of the input");
    for (block, (bias, multipliers)) in packed.biases.iter().zip(&packed.multipliers).enumerate() {
        let (weights, offsets, bytes) = (packed.block(block), &packed.offsets[..], &padded.bytes[..]);
        let range = (conv.activation_min, conv.activation_max);
        let (pre_shift, zero_point) = (packed.pre_shift, conv.output.zero_point);
        let scaled = |sums| scale(sums, Scale { multipliers, pre_shift, zero_point, range });
        let sums = |starts| sums(Tile { weights, offsets, bias, bytes, starts });
        // The channels that the rows of a depthwise block read.
        let first = if is_depthwise { block * ROWS } else { 0 };
        let rows = ROWS.min(channels - block * ROWS);
        for (y, line) in output.chunks_exact_mut(width * channels).take(height).enumerate() {
            let start = first + y * pool * down;
            let mut places = line.chunks_exact_mut(channels).map(|place| &mut place[block * ROWS..][..rows]);
            if pool == 1 {
                for x in (0..width).step_by(POSITIONS) {
                    let starts = from_fn(|position| start + (x + position).min(width - 1) * right);
                    for (sums, place) in sums(starts).into_iter().zip(places.by_ref().take(width - x)) {
                        put(scaled(sums), place);
                    }
                }
            } else {
                for (x, place) in places.enumerate() {
                    let start = start + x * pool * right;
                    let of = |offsets: &[usize]| {
                        // The last ones once more, which changes no maximum.
                        let starts = from_fn(|position| start + offsets[position.min(offsets.len() - 1)]);
                        let [a, b, c, d] = sums(starts);
                        larger(larger(a, b), larger(c, d))
                    };
                    let (first, others) = pooled.split_at(POSITIONS);
                    let largest = others.chunks(POSITIONS).fold(of(first), |largest, more| larger(largest, of(more)));
                    put(scaled(largest), place);
                }
            }
        }
    }
}

/// Copies the outputs of a block; of the last block, only those of the rows that there are.
#[inline(always)]
fn put(outputs: [u8; ROWS], place: &mut [u8]) {
    match place.first_chunk_mut() {
        Some(whole) => *whole = outputs,
        None => place.copy_from_slice(&outputs[..place.len()]),
    }
}

/// Computes the sums of all rows of a dense layer. An innermost loop returns those of a block's weights, bias and the input.
#[inline(always)]
pub(super) fn all_rows(
    packed: &Packed,
    line: &Padded,
    sums: &mut [i32],
    of: impl Fn(&[Lanes], &Lanes, &[[u8; GROUP]]) -> Lanes,
) {
    let groups = &line.bytes.as_chunks().0[..packed.offsets.len()];
    for (block, (bias, sums)) in packed.biases.iter().zip(sums.chunks_mut(ROWS)).enumerate() {
        let lanes = of(packed.block(block), bias, groups);
        sums.copy_from_slice(&lanes.0[..sums.len()]);
    }
}
