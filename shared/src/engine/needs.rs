//! How much working memory a model takes.

use crate::layout::BLOCK_ROWS;
use crate::model::{Conv, Layer, Model, Output};

/// Working memory one inference needs, in elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ScratchNeeds {
    /// 32-bit accumulators: the outputs of the widest layer, and what fills up its last block of rows; twice as many for a
    /// convolution of whose results the largest count.
    pub accumulators: usize,
    /// 16-bit activations: the outputs of the widest dense layer but the last. (8-bit ones take 16 bits here too: it is
    /// what DSP kernels read.)
    pub activations: usize,
    /// 32-bit words that a packed layout's kernel spreads inputs into.
    pub lanes: usize,
    /// Bytes of the arena: the layers' tensors, as the model file has planned them, and after them what is under the
    /// largest window.
    pub arena: usize,
}

impl ScratchNeeds {
    /// What a model needs.
    pub fn of(model: &Model<'_>) -> Self {
        let mut needs = Self { arena: model.arena_bytes(), ..Self::default() };
        for layer in model.layers() {
            let rows = layer.weighted().map_or(0, |weighted| weighted.operands.weights.padded_outputs());
            let accumulators = match &layer {
                Layer::Conv(conv) | Layer::Depthwise(conv) => {
                    let is_depthwise = matches!(layer, Layer::Depthwise(_));
                    needs.arena = needs.arena.max(model.arena_bytes() + patch_bytes(conv, is_depthwise));
                    if conv.pool > 1 { 2 * rows } else { rows }
                }
                Layer::GlobalAverage(average) => usize::from(average.input.shape.channels),
                _ => rows,
            };
            needs.accumulators = needs.accumulators.max(accumulators);
            needs.lanes =
                needs.lanes.max(layer.weighted().map_or(0, |weighted| weighted.operands.weights.lane_words()));
            if matches!(layer, Layer::Dense(_)) && layer.output() != Output::Logits {
                needs.activations = needs.activations.max(layer.outputs());
            }
        }
        needs
    }

    /// In bytes.
    pub fn bytes(self) -> usize {
        (self.accumulators + self.lanes) * size_of::<u32>() + self.activations * size_of::<i16>() + self.arena
    }
}

/// Bytes of memory for what is under a convolution's window, all channels of a place together: none where they lie together
/// already. The kernel of a depthwise convolution may read the last channels of the last place in fours.
pub(super) fn patch_bytes(conv: &Conv<'_>, is_depthwise: bool) -> usize {
    let under_window = conv.window.area() * usize::from(conv.input.shape.channels);
    match (is_depthwise, conv.is_pointwise()) {
        (true, _) => under_window + BLOCK_ROWS - 1,
        (false, true) => 0,
        (false, false) => under_window,
    }
}
