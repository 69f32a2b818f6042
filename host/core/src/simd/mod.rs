//! Convolutions, and dense layers that read bytes, with the host's vector instructions: the same integers as the scalar kernel.
//!
//! | module | task |
//! |---|---|
//! | `instructions` | the vector instructions of this machine, found at run time |
//! | `x86_64` | convolutions and dense layers for AVX2 and AVX-512 VNNI |
//! | `widened` | a dense layer for other machines |

mod instructions;
#[cfg(test)]
mod tests;
mod widened;
#[cfg(target_arch = "x86_64")]
mod x86_64;

pub use instructions::Instructions;

use std::sync::Arc;

use pinhole_shared::engine::Overrides;
use pinhole_shared::layer::{Dense, Layer};
use pinhole_shared::model::Model;

use widened::Widened;

/// Most bytes that the prepared layers of a model take, in each thread. Few models come near it. The shared engine, which copies
/// nothing, computes what is beyond: a padding many times its input, and very large layers.
const MOST_BYTES: usize = 64 << 20;

/// Layers of a model, prepared for vector instructions. The shared engine computes all others.
#[derive(Clone, Debug)]
pub(crate) struct SimdLayers {
    instructions: Instructions,
    layers: Layers,
}

#[derive(Clone, Debug)]
enum Layers {
    /// The first dense layer: the only one that reads bytes.
    Widened(Option<Arc<Widened>>),
    #[cfg(target_arch = "x86_64")]
    X86(x86_64::X86Layers),
}

impl SimdLayers {
    /// Prepares layers for these instructions.
    ///
    /// # Panics
    /// If this machine does not have them.
    pub(crate) fn new(model: &Model<'_>, instructions: Instructions) -> Self {
        let first_dense =
            || model.layers().find_map(|layer| if let Layer::Dense(dense) = layer { Some(dense) } else { None });
        let layers = match instructions {
            Instructions::Portable => {
                Layers::Widened(first_dense().and_then(|dense| Widened::of(&dense)).map(Arc::new))
            }
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 | Instructions::Avx512Vnni => Layers::X86(x86_64::X86Layers::new(model, instructions)),
        };
        Self { instructions, layers }
    }

    /// Returns the instructions that the layers were prepared for.
    pub(crate) fn instructions(&self) -> Instructions {
        self.instructions
    }
}

#[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
impl Overrides for SimdLayers {
    fn dense(&mut self, index: usize, dense: &Dense<'_>, input: &[u8], accumulators: &mut [i32]) -> bool {
        match &mut self.layers {
            Layers::Widened(None) => false,
            Layers::Widened(Some(widened)) => {
                widened.sums(input, accumulators);
                true
            }
            #[cfg(target_arch = "x86_64")]
            Layers::X86(layers) => layers.dense(index, dense, input, accumulators),
        }
    }

    fn tensor(&mut self, index: usize, layer: &Layer<'_>, input: &[u8], output: &mut [u8]) -> bool {
        match &mut self.layers {
            Layers::Widened(_) => false,
            #[cfg(target_arch = "x86_64")]
            Layers::X86(layers) => layers.tensor(index, layer, input, output),
        }
    }
}
