//! The model file, version 1: what `pinhole quantize` writes and the device runs in place.
//!
//! # Byte specification
//!
//! All integers little-endian, floats IEEE 754 binary32. Offsets count from the start of the file. Every section
//! starts at a multiple of 16 bytes (so that a model placed at an aligned address can be read by words) and the gaps
//! are zero. Sections may stand in any order after the layer table; the file ends with its last section, padded.
//!
//! ## Header, 64 bytes
//!
//! | offset | type | field |
//! |---|---|---|
//! | 0 | 4 bytes | magic, `PNHL` |
//! | 4 | u16 | format version, 1 |
//! | 6 | u16 | header bytes, 64 |
//! | 8 | u32 | file bytes, a multiple of 16 |
//! | 12 | u32 | CRC-32 (ISO-HDLC, as in zip) of bytes 0..12 followed by bytes 16..file bytes |
//! | 16 | u32 | pixel-pipeline id: one of [`crate::pixels::Fit::pipeline_id`], by the input's color and the fit of pictures |
//! | 20 | u16 | input height, px, at least 1 |
//! | 22 | u16 | input width, px, at least 1; height times width is at most [`MAX_INPUT_PIXELS`] |
//! | 24 | u16 | input channels: 1 (gray) or 3 (red, green, blue) |
//! | 26 | u16 | classes, at least 2 |
//! | 28 | u16 | layers, 1..=[`MAX_LAYERS`] |
//! | 30 | u16 | bytes of a layer record, 64 |
//! | 32 | u32 | class names: offset |
//! | 36 | u32 | class names: bytes |
//! | 40 | u32 | multiply-accumulates of one inference (information, checked) |
//! | 44 | u32 | least probability of an answer, Q16: 0..=65,536; 0 for none |
//! | 48 | u8 | frames that must agree, below |
//! | 49 | u8 | of the last so many, 1..=16; both zero for 1 of 1, no smoothing |
//! | 50 | u16 | zero |
//! | 52 | u32 | arena bytes: where the last tensor of all layers ends (checked); 0 when all are dense |
//! | 56 | 8 bytes | zero |
//!
//! Frames that must agree are more than half of the window and at most all of it ([`crate::policy::Policy`]). Writers that
//! know nothing of these fields have written zeros, which is no policy; a writer writes no smoothing as zeros too.
//!
//! ## Layer table, at 64: one record of 64 bytes a layer
//!
//! | offset | type | field |
//! |---|---|---|
//! | 0 | u16 | kind: 1 dense, 2 convolution, 3 depthwise convolution, 4 largest and 5 mean under a window, 6 mean of each channel, 7 sum of two tensors. Any other is refused by its number |
//! | 2 | u8 | activation function of a dense layer: 0 linear, 1 relu, 2 sigmoid; zero of others |
//! | 3 | u8 | output: 0 = 8 bit (0..=255), 1 = 16 bit (-32,768..=32,767), 2 = logits (i32 in Q16) |
//! | 4 | u8 | weight layout, below |
//! | 5 | u8 | pre-shift of the requantization, 0..=30 |
//! | 6 | u16 | columns of a chunk, a multiple of 8; zero in layouts without chunks |
//! | 8 | u32 | inputs (columns) |
//! | 12 | u32 | outputs (rows) |
//! | 16 | u32 | weights: offset; as many bytes as the layout says |
//! | 20 | u32 | biases: offset; `outputs` i32, in accumulator units, with what the layout folds into them |
//! | 24 | u32 | multipliers: offset; `outputs` i32, each 1..=2^31-1 |
//! | 28 | u32 | accumulator bound: the largest of all rows' `abs(bias) + sum abs(weight) * max abs(activation)` |
//! | 32 | f32 | input scale: real value of one input unit (reports only) |
//! | 36 | f32 | output scale: real value of one output unit (reports only) |
//! | 40 | 24 bytes | zero in dense layers; else the fields below |
//!
//! All kinds but dense write a tensor of bytes. Their fields from 40 on:
//!
//! | offset | type | field |
//! |---|---|---|
//! | 40 | u16, u16, u16 | output: height, width, channels |
//! | 46 | u16 | sum: index of the earlier layer; else zero |
//! | 48 | u8, u8 | window: height, width |
//! | 50 | u8, u8 | stride: down, right |
//! | 52 | u8, u8, u8, u8 | padding: above, left, below, right; each smaller than the window |
//! | 56 | u8 | convolutions: side of the max pooling fused in, at least 1; else zero |
//! | 57 | u8 | the byte that stands for 0; of kinds 4 and 5 the input's |
//! | 58 | u8, u8 | smallest and largest output; 0 and 255 of kinds 4 and 5 |
//! | 60 | u32 | where the output starts in the arena, a multiple of 4 |
//!
//! Of fields before 40 they use: convolutions all (inputs are the elements under the window, of a depthwise one in one
//! channel; outputs are channels); kinds 4 and 5 the two scales; 6 pre-shift, at 20 the number added to each sum (i32), at 24
//! the multiplier (i32, above 0), and the scales; 7 at 5 the bits dropped, at 16 and 20 the factors of the previous and of
//! the earlier layer's output (i32, above 0), at 24 what is added (i32), and the scales. Everything else, and the window of
//! 6 and 7, is zero.
//!
//! All layers together take at most [`MAX_OPERATIONS`] elementary operations. A layer's are: with weights, rows times columns
//! (without those that fill up),
//! and that for every position of a convolution before its max pooling; of kinds 4 and 5, the output's elements times the elements
//! under a window; of 6, the input's elements; of 7, the output's elements.
//!
//! A layer reads what the one before it writes, the first the pixels (which lie elsewhere, with 0 for 0). Layers of tensors come
//! before the dense ones. A tensor lies apart from the one it is made of (a sum may replace either), and nothing is written
//! over one that is added later.
//!
//! ## Weight layouts
//!
//! [`crate::layout::Layout`] has the numbers. Files that people keep are row-major: 0 (a byte a weight, within +-127) or
//! 1 (two weights a byte, within +-7). The others are what the host makes of them for a board's kernel, and a board
//! refuses what is not for its own; [`crate::kernel::Dsp`] and [`crate::kernel::DualMac`] say what for, `layout::pack` where
//! each byte goes, and [`crate::layout::Weights::fold`] what is in the biases. A chunk has at most 4,096 columns, in layout
//! 8 at most 512. Layouts for pixels are for layers that read bytes: the first, convolutions, and the first dense one after
//! them. A depthwise convolution's weights lie in rows, or in layouts 10 and 11. Packed rows are filled up to a multiple of 4, columns
//! to a multiple of 8 (in layouts 12 and 13 those of a column of the window, to a multiple of 4), with weights of 0; all rows of a
//! chunk's columns come before those of the next chunk. Layouts 9 to 13 have no chunks; 9 is for convolutions of one channel, 3 x 3,
//! stride 1, pooled by 2. In layouts 12 and 13, for convolutions that pool by at most 2, the columns have the order of
//! [`crate::layout::BandOrder`], those that fill up are counted as inputs, and there are at most 4,096. The layer must have tiles
//! ([`crate::layer::Conv::tiles`]).
//!
//! The largest input activation is 255 for pixels and 8-bit layers and 32,768 for 16-bit ones. The last layer is
//! linear with logits as output, one a class; no other layer outputs logits.
//!
//! ## Class names
//!
//! For each class: one byte with the length of its name (1..=255), then the name in UTF-8. Names are in strictly
//! ascending order of their bytes, so no two are the same.
//!
//! # Meaning
//!
//! A dense layer's accumulator is `bias + sum weight * activation`. It becomes the layer's output through
//! [`crate::fixed::requantize`] with the row's multiplier and the layer's pre-shift: for sigmoid to Q16, then
//! [`crate::fixed::sigmoid_q15`]; for relu and linear directly to output units, then cut to the output's range; for
//! logits directly to Q16.
//!
//! A convolution's accumulator at a position is `bias + sum weight * element` over the elements under the window: row by row, the
//! channels of a position together. Outside of the input, elements are its zero point. The output is the requantized accumulator
//! plus the zero point, clamped to smallest and largest output. Of the positions of a fused max pooling, the largest output counts.
//! Kind 5 gives `floor((sum + count / 2) / count)` of the `count` positions inside of the input. Kind 6 gives the requantized sum of
//! a channel plus the zero point, clamped. Kind 7 gives `(a * multiplier + b * other multiplier + bias) >> bits dropped`, clamped.
//!
//! # Stability
//!
//! A version 1 file stays readable, with the same results, in every later version of Pinhole; a golden file in the
//! tests holds this to be true. Readers refuse what they do not know: version, layer kind, layout, non-zero gaps in
//! the header and records.

mod error;
pub(crate) mod file;
pub mod format;
mod names;
mod parse;
pub(crate) mod proof;
#[cfg(test)]
pub(crate) mod tests;

pub use crate::layer::{
    Activation, Add, Conv, Dense, GlobalAverage, Kind, Layer, Output, Pool, PoolKind, Tensor, Weighted,
};
pub use error::{ModelError, Section};
pub use parse::{Layers, Model, file_bytes, put_policy, seal};

/// First four bytes of a model file.
pub const MAGIC: [u8; 4] = *b"PNHL";
/// Version of the format this crate reads and the host writes.
pub const VERSION: u16 = 1;
/// Bytes of the header.
pub const HEADER_BYTES: usize = format::BLOCK_BYTES;
/// Bytes of one record of the layer table.
pub const RECORD_BYTES: usize = format::BLOCK_BYTES;
/// Every section's offset, and the file's length, are multiples of this.
pub const ALIGNMENT: usize = 16;
/// Most layers a model can have: what a device counts of each lives in memory of fixed size.
pub const MAX_LAYERS: usize = 32;
/// Largest pre-shift of a requantization, bits.
pub const MAX_PRE_SHIFT: u8 = 30;
/// Most pixels of the input.
pub const MAX_INPUT_PIXELS: u32 = 1 << 22;
/// Most elementary operations of one inference, of all layers together ([`Layer::operations`]). MobileNet at 224x224 takes about
/// half as many; the fastest board needs more than 6 s for as many.
pub const MAX_OPERATIONS: u32 = 1 << 30;
/// Most bytes of the arena.
pub const MAX_ARENA_BYTES: u64 = 1 << 24;
