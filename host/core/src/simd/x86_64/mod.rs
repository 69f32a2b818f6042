//! Convolutions and dense layers for AVX2 and AVX-512 VNNI.
//!
//! Weights are packed once: 16 rows side by side, so that a vector has the sums of 16 outputs. Each step adds the products of one
//! group of columns, 32 bits wide, at four positions. The input is copied once a layer, with its padding around it: then every row of
//! every window is contiguous, and nothing else is gathered.
//!
//! | module | task |
//! |---|---|
//! | `packed` | weights, and what requantizes their sums, in blocks of 16 rows |
//! | `padded` | a layer's input with padding around it |
//! | `positions` | outputs at all positions, pooled and requantized |
//! | `loops` | the innermost loops |

#![allow(
    unsafe_code,
    reason = "functions with more instructions than the program has, and reads without a check of each"
)]

mod loops;
mod packed;
mod padded;
mod positions;

use std::sync::Arc;

use pinhole_shared::engine::Overrides;
use pinhole_shared::layer::{Conv, Dense, Layer};
use pinhole_shared::model::Model;

use super::{Instructions, MOST_BYTES};
use packed::Packed;
use padded::Padded;
use positions::Convolution;

/// Rows of weights, which are outputs, that one vector has the sums of.
const ROWS: usize = 16;
/// Positions whose sums are computed together.
const POSITIONS: usize = 4;

/// Layers of a model, prepared. Layers without weights, and dense ones of 16-bit inputs, are not.
#[derive(Clone, Debug)]
pub(super) struct X86Layers {
    /// AVX-512 VNNI, not only AVX2.
    has_vnni: bool,
    packed: Arc<[Option<Packed>]>,
    /// The inputs of these layers.
    inputs: Vec<Padded>,
}

impl X86Layers {
    /// Packs the weights of a model for AVX2 or AVX-512 VNNI.
    ///
    /// # Panics
    /// If this machine does not have these instructions.
    pub(super) fn new(model: &Model<'_>, instructions: Instructions) -> Self {
        assert!(Instructions::available().contains(&instructions), "this machine has no {instructions}");
        let has_vnni = instructions == Instructions::Avx512Vnni;
        let element = if has_vnni { 1 } else { 2 };
        let mut left = MOST_BYTES;
        let mut reads_bytes = true;
        let (mut packed, mut inputs) = (Vec::new(), Vec::new());
        for layer in model.layers() {
            let before = left;
            let prepared = match &layer {
                Layer::Dense(dense) if reads_bytes => {
                    Padded::line(dense, element, &mut left).and_then(|line| Packed::dense(dense, line, &mut left))
                }
                Layer::Conv(conv) => {
                    Padded::new(conv, element, &mut left).and_then(|padded| Packed::conv(conv, padded, &mut left))
                }
                // Channels are widened when they are multiplied.
                Layer::Depthwise(conv) => {
                    Padded::new(conv, 1, &mut left).and_then(|padded| Packed::depthwise(conv, padded, &mut left))
                }
                _ => None,
            };
            reads_bytes &= !matches!(layer, Layer::Dense(_));
            if prepared.is_none() {
                left = before;
            }
            let (weights, input) = prepared.unzip();
            packed.push(weights);
            inputs.push(input.unwrap_or_default());
        }
        Self { has_vnni, packed: packed.into(), inputs }
    }

    fn convolve(&mut self, index: usize, conv: &Conv<'_>, is_depthwise: bool, input: &[u8], output: &mut [u8]) -> bool {
        let Some(packed) = &self.packed[index] else { return false };
        let padded = &mut self.inputs[index];
        padded.fill(input);
        let layer = Convolution { packed, padded, conv, is_depthwise };
        // SAFETY: the machine has these instructions: `new` has checked it.
        unsafe {
            if self.has_vnni {
                loops::convolve_vnni(layer, output);
            } else {
                loops::convolve_avx2(layer, output);
            }
        }
        true
    }
}

impl Overrides for X86Layers {
    fn dense(&mut self, index: usize, _: &Dense<'_>, input: &[u8], accumulators: &mut [i32]) -> bool {
        let Some(packed) = &self.packed[index] else { return false };
        let line = &mut self.inputs[index];
        line.fill(input);
        // SAFETY: as in `convolve`.
        unsafe {
            if self.has_vnni {
                loops::dense_vnni(packed, line, accumulators);
            } else {
                loops::dense_avx2(packed, line, accumulators);
            }
        }
        true
    }

    fn tensor(&mut self, index: usize, layer: &Layer<'_>, input: &[u8], output: &mut [u8]) -> bool {
        match layer {
            Layer::Conv(conv) => self.convolve(index, conv, false, input, output),
            Layer::Depthwise(conv) => self.convolve(index, conv, true, input, output),
            _ => false,
        }
    }
}

/// Takes bytes off what is left for a model; `None` if there are too few.
fn take(left: &mut usize, bytes: Option<usize>) -> Option<()> {
    *left = left.checked_sub(bytes?)?;
    Some(())
}
