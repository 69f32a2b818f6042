//! Convolutions and dense layers of bytes with the host's vector instructions: the same integers as the scalar kernel.
//!
//! Weights are packed once, for an engine: 16 rows side by side, so that a vector has the sums of 16 outputs. Each step adds the
//! products of one group of columns, 32 bits wide, of four positions. The input is copied once a layer, with its padding around it:
//! then every row of every window is contiguous, and nothing else is gathered.
//!
//! | module | task |
//! |---|---|
//! | `instructions` | the instructions of this machine, found at run time |
//! | `packed` | weights, and what requantizes their sums, in blocks of 16 rows |
//! | `padded` | a layer's input with padding around it |
//! | `positions` | outputs at all positions, pooled and requantized |
//! | `x86_64` | innermost loops of AVX2 and AVX-512 VNNI |
//! | `widened` | a dense layer without such instructions |

mod instructions;
mod packed;
mod padded;
mod positions;
#[cfg(test)]
mod tests;
mod widened;
#[cfg(target_arch = "x86_64")]
mod x86_64;

pub use instructions::Instructions;

use std::sync::Arc;

use pinhole_shared::engine::Overrides;
use pinhole_shared::layer::{Conv, Dense, Layer};
use pinhole_shared::model::Model;

use packed::Packed;
use padded::Padded;
use positions::Convolution;
use widened::Widened;

/// Rows of weights, which are outputs, that one vector has the sums of.
const ROWS: usize = 16;
/// Positions whose sums are computed together.
const POSITIONS: usize = 4;

/// Layers of a model, prepared for vector instructions. Layers without weights, and dense ones of 16-bit inputs, are left to the
/// scalar engine.
#[derive(Clone, Debug)]
pub(crate) struct SimdLayers {
    instructions: Instructions,
    layers: Arc<[Prepared]>,
    /// The inputs of these layers.
    inputs: Vec<Padded>,
}

/// Weights of a layer.
#[derive(Debug)]
enum Prepared {
    /// The scalar engine computes the layer.
    Not,
    Packed(Packed),
    Widened(Widened),
}

impl SimdLayers {
    /// Packs the weights of a model for these instructions.
    ///
    /// # Panics
    /// If this machine does not have them.
    pub(crate) fn new(model: &Model<'_>, instructions: Instructions) -> Self {
        assert!(Instructions::available().contains(&instructions), "this machine has no {instructions:?}");
        let element = instructions.element_bytes();
        let mut reads_bytes = true;
        let (mut layers, mut inputs) = (Vec::new(), Vec::new());
        for layer in model.layers() {
            let (prepared, input) = match (&layer, element) {
                (Layer::Dense(dense), None) if reads_bytes => {
                    (Prepared::Widened(Widened::of(dense)), Padded::default())
                }
                (Layer::Dense(dense), Some(element)) if reads_bytes => {
                    let line = Padded::line(dense.weighted.operands.weights.inputs(), element);
                    (Prepared::Packed(Packed::dense(dense, &line)), line)
                }
                (Layer::Conv(conv), Some(element)) => {
                    let padded = Padded::new(conv, element);
                    (Prepared::Packed(Packed::conv(conv, &padded)), padded)
                }
                (Layer::Depthwise(conv), Some(_)) => {
                    // Channels are widened when they are multiplied.
                    let padded = Padded::new(conv, 1);
                    (Prepared::Packed(Packed::depthwise(conv, &padded)), padded)
                }
                _ => (Prepared::Not, Padded::default()),
            };
            reads_bytes &= !matches!(layer, Layer::Dense(_));
            layers.push(prepared);
            inputs.push(input);
        }
        Self { instructions, layers: layers.into(), inputs }
    }

    /// Returns the instructions that the layers were prepared for.
    pub(crate) fn instructions(&self) -> Instructions {
        self.instructions
    }

    fn convolve(&mut self, index: usize, conv: &Conv<'_>, is_depthwise: bool, input: &[u8], output: &mut [u8]) -> bool {
        let Prepared::Packed(packed) = &self.layers[index] else { return false };
        let padded = &mut self.inputs[index];
        padded.fill(input);
        self.instructions.convolve(Convolution { packed, padded, conv, is_depthwise }, output)
    }
}

impl Overrides for SimdLayers {
    fn dense(&mut self, index: usize, _: &Dense<'_>, input: &[u8], accumulators: &mut [i32]) -> bool {
        match &self.layers[index] {
            Prepared::Not => false,
            Prepared::Widened(widened) => {
                widened.sums(input, accumulators);
                true
            }
            Prepared::Packed(packed) => {
                let line = &mut self.inputs[index];
                line.fill(input);
                self.instructions.dense(packed, line, accumulators)
            }
        }
    }

    fn tensor(&mut self, index: usize, layer: &Layer<'_>, input: &[u8], output: &mut [u8]) -> bool {
        match layer {
            Layer::Conv(conv) => self.convolve(index, conv, false, input, output),
            Layer::Depthwise(conv) => self.convolve(index, conv, true, input, output),
            _ => false,
        }
    }
}
