//! Requirements of a model on any board.

use pinhole_shared::engine::ScratchNeeds;
use pinhole_shared::model::Model;
use pinhole_shared::pixels::InputShape;
use serde::Serialize;

/// Requirements of a model packed for a board. Row-major weights would require less working memory than a fast kernel's
/// layout, and no padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Requirements {
    /// The input, which decides the camera's pictures.
    #[serde(skip)]
    pub input: InputShape,
    /// Flash for the model file, bytes.
    pub flash_bytes: usize,
    /// Height of the input, px.
    pub input_height_px: u16,
    /// Width of the input, px.
    pub input_width_px: u16,
    /// Channels of the input: 1 for gray, 3 for color.
    pub input_channels: u16,
    /// Bytes of the input.
    pub input_bytes: usize,
    /// Bytes of a row of it; the pixel pipeline keeps a sum for each.
    pub input_row_bytes: usize,
    /// See [`ScratchNeeds::accumulators`].
    pub accumulators: usize,
    /// See [`ScratchNeeds::activations`].
    pub activations: usize,
    /// See [`ScratchNeeds::scratch`].
    #[serde(rename = "lanes")]
    pub scratch: usize,
    /// See [`ScratchNeeds::arena`].
    pub arena_bytes: usize,
}

impl Requirements {
    /// Returns the requirements of this model.
    pub fn of(model: &Model<'_>) -> Self {
        let ScratchNeeds { accumulators, activations, scratch, arena: arena_bytes } = ScratchNeeds::of(model);
        let input = model.input();
        let InputShape { height, width, color, .. } = input;
        Self {
            input,
            flash_bytes: model.file_bytes() as usize,
            input_height_px: height,
            input_width_px: width,
            input_channels: color.channels(),
            input_bytes: input.bytes(),
            input_row_bytes: input.row_bytes(),
            accumulators,
            activations,
            scratch,
            arena_bytes,
        }
    }

    /// Returns the RAM of one inference, bytes: the input's pixels, the pixel pipeline's sums (8 bytes for each byte of
    /// a row), and the engine's working memory. The camera's row and the rest of the firmware are not included.
    pub fn ram_bytes(&self) -> usize {
        let Self { accumulators, activations, scratch, arena_bytes: arena, .. } = *self;
        let needs = ScratchNeeds { accumulators, activations, scratch, arena };
        self.input_bytes + self.input_row_bytes * size_of::<u64>() + needs.bytes()
    }
}
