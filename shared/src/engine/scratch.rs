//! Working memory that a model needs.

use crate::layer::{Layer, Output};
use crate::model::Model;

/// Working memory of one inference, in elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ScratchNeeds {
    /// 32-bit accumulators: the outputs of the widest layer, padded to whole blocks of rows. A convolution with fused
    /// max pooling needs twice as many; none if its kernel requantizes.
    pub accumulators: usize,
    /// 16-bit activations: the outputs of the widest dense layer except the last. (8-bit activations take 16 bits here
    /// too, because DSP kernels read 16 bits.)
    pub activations: usize,
    /// 32-bit scratch words that a packed layout's kernel widens inputs into; for a convolution from bands, what
    /// else it needs too.
    pub scratch: usize,
    /// Bytes of the arena: the layers' tensors as planned in the model file, then the largest im2col buffer.
    pub arena: usize,
}

impl ScratchNeeds {
    /// Returns the working memory that `model` needs.
    pub fn of(model: &Model<'_>) -> Self {
        let mut needs = Self { arena: model.arena_bytes(), ..Self::default() };
        for layer in model.layers() {
            needs.arena = needs.arena.max(model.arena_bytes() + layer.patch_bytes());
            needs.accumulators = needs.accumulators.max(layer.accumulators());
            needs.scratch = needs.scratch.max(layer.scratch_words());
            if matches!(layer, Layer::Dense(_)) && layer.output() != Output::Logits {
                needs.activations = needs.activations.max(layer.outputs());
            }
        }
        needs
    }

    /// Returns the total in bytes.
    pub fn bytes(self) -> usize {
        (self.accumulators + self.scratch) * size_of::<u32>() + self.activations * size_of::<i16>() + self.arena
    }
}
