//! Packing: from a model file to the bytes in a board's flash, and back.
//!
//! One file serves every board. Its weights are row-major; they are packed for a board's kernel when the model is put on that
//! board. So nobody chooses a layout, and no file has the wrong one for a board. (Choosing the layout at quantization would
//! need a file for each kind of board, and would be one more source of errors.) Packed files are model files too: every
//! command reads them.

use pinhole_shared::kernel::{Dsp, DualMac, PortableDsp, PortableDualMac, Scalar};
use pinhole_shared::layout::{GROUP_COLUMNS, Layout};
use pinhole_shared::model::{Conv, Layer, Model};

use super::portable::PortableKernel;
use super::{QuantizedLayer, QuantizedWeights, encode};

/// Longest chunk for the Cortex-M4, columns: 2,560 bytes of working memory.
const DSP_CHUNK: usize = 1280;
/// Longest chunk for the Cortex-M0+, columns: 3,072 bytes of working memory with 8-bit weights.
const DUAL_MAC_CHUNK: usize = 512;

/// The kernel that a model is packed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// No specific kernel: row-major, for [`pinhole_shared::kernel::Scalar`] and for files.
    Rows,
    /// [`pinhole_shared::kernel::Dsp`].
    CortexM4,
    /// [`pinhole_shared::kernel::DualMac`].
    CortexM0Plus,
}

/// Error: a layer's weights fit no chunk length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("the weights of layer {layer} could overflow the sums of the kernel {packing:?}")]
#[diagnostic(help("write the model anew with `pinhole quantize`"))]
pub struct PackError {
    /// Layer, counted from 0.
    pub layer: usize,
    /// Target kernel.
    pub packing: Packing,
}

impl Packing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rows, Self::CortexM4, Self::CortexM0Plus];

    /// Returns the kernel that runs such models, in its portable version.
    pub fn kernel(self) -> PortableKernel {
        match self {
            Self::Rows => PortableKernel::of::<Scalar>(),
            Self::CortexM4 => PortableKernel::of::<Dsp<PortableDsp>>(),
            Self::CortexM0Plus => PortableKernel::of::<DualMac<PortableDualMac>>(),
        }
    }

    /// Returns the layout for weights of these bits (as in the file) and largest magnitude. The layer reads bytes, or else the
    /// 16-bit activations of a dense layer.
    fn layout(self, reads_bytes: bool, bits: u32, largest: u8) -> Layout {
        match (self, reads_bytes, bits) {
            (Self::CortexM4, true, 8) => Layout::DspPixels8,
            (Self::CortexM4, true, _) => Layout::DspPixels4,
            (Self::CortexM4, false, 8) => Layout::DspWide8,
            (Self::CortexM4, false, _) => Layout::DspWide4,
            (Self::CortexM0Plus, true, 8) if largest <= Layout::DualMacPixels7.max_weight().unsigned_abs() => {
                Layout::DualMacPixels7
            }
            (Self::CortexM0Plus, true, 8) => Layout::DualMacPixels8,
            (Self::CortexM0Plus, true, _) => Layout::DualMacPixels4,
            (Self::Rows | Self::CortexM0Plus, _, 8) => Layout::Rows8,
            (Self::Rows | Self::CortexM0Plus, _, _) => Layout::Rows4,
        }
    }

    /// Returns the layout of a depthwise convolution's weights.
    fn layout_of_channels(self, bits: u32) -> Layout {
        match (self, bits) {
            (Self::CortexM4, 8) => Layout::DspChannels8,
            (Self::CortexM4, _) => Layout::DspChannels4,
            (Self::Rows | Self::CortexM0Plus, 8) => Layout::Rows8,
            (Self::Rows | Self::CortexM0Plus, _) => Layout::Rows4,
        }
    }

    /// Returns the longest chunk of this packing, columns.
    pub fn longest_chunk(self) -> usize {
        if self == Self::CortexM0Plus { DUAL_MAC_CHUNK } else { DSP_CHUNK }
    }
}

/// Packs a model for a kernel. The same model and kernel give the same bytes.
///
/// Chunks are as long as working memory and the bound of every row's sums allow.
pub(super) fn pack(model: &Model<'_>, packing: Packing) -> Result<Vec<u8>, PackError> {
    let classes: Vec<String> = model.class_names().map(str::to_owned).collect();
    let mut layers = Vec::with_capacity(model.layers().len());
    let mut reads_bytes = true;
    for (layer, of_model) in model.layers().enumerate() {
        let mut parts = QuantizedLayer::of(&of_model);
        if let Some(weighted) = parts.weighted_mut() {
            let largest = weighted.weights.iter().map(|weight| weight.unsigned_abs()).max().unwrap_or(0);
            weighted.layout = match of_model {
                Layer::Depthwise(_) => packing.layout_of_channels(weighted.layout.bits()),
                Layer::Conv(conv)
                    if packing == Packing::CortexM4 && conv.fuses_pool() && weighted.layout.bits() == 8 =>
                {
                    Layout::DspConvPool8
                }
                _ => packing.layout(reads_bytes, weighted.layout.bits(), largest),
            };
            (weighted.chunk_columns, weighted.band) = (0, None);
            if let Layer::Conv(conv) = of_model
                && let Some(band) = layout_of_bands(weighted.layout)
                && let Some(banded) = banded(&conv, band, weighted)
            {
                *weighted = banded;
            }
            if weighted.layout.has_chunks() {
                let longest = packing.longest_chunk() / GROUP_COLUMNS;
                weighted.chunk_columns = longest_chunk(weighted, longest).ok_or(PackError { layer, packing })?;
            }
        }
        reads_bytes = of_model.tensor().is_some();
        layers.push(parts);
    }
    encode(model.input(), &classes, model.policy(), &layers).ok_or_else(|| {
        let fits = |parts: &QuantizedLayer| parts.weighted().is_none_or(|weighted| weighted.packed().is_some());
        let layer = layers.iter().position(|parts| !fits(parts)).unwrap_or(0);
        PackError { layer, packing }
    })
}

/// Returns the layout from bands of a convolution that would have this layout otherwise.
fn layout_of_bands(otherwise: Layout) -> Option<Layout> {
    match otherwise {
        Layout::DspPixels8 => Some(Layout::DspBand8),
        Layout::DualMacPixels8 | Layout::DualMacPixels7 => Some(Layout::DualMacBand8),
        _ => None,
    }
}

/// Returns the weights of a convolution in a layout of bands. `None` if its bands take too much working memory, or if a row's sum
/// does not fit one chunk.
fn banded(conv: &Conv<'_>, layout: Layout, parts: &QuantizedWeights) -> Option<QuantizedWeights> {
    conv.tiles_in(layout)?;
    let parts = QuantizedWeights { layout, band: Some(conv.band_order()), ..parts.clone() };
    parts.packed().is_some().then_some(parts)
}

/// Returns the longest chunk in columns, of at most `longest` groups, with the fewest iterations of the kernel's loop and
/// room for every row's sums.
fn longest_chunk(parts: &QuantizedWeights, longest: usize) -> Option<usize> {
    let groups = parts.inputs.div_ceil(GROUP_COLUMNS);
    let turn = parts.layout.turn_groups();
    (groups.div_ceil(longest)..=groups).find_map(|chunks| {
        // Chunks of nearly equal length are the likeliest to fit; whole iterations are the fastest.
        let equal = groups.div_ceil(chunks);
        let choices = [equal.next_multiple_of(turn).min(longest).min(groups), equal];
        choices
            .into_iter()
            .map(|groups| groups * GROUP_COLUMNS)
            .find(|&chunk_columns| QuantizedWeights { chunk_columns, ..parts.clone() }.packed().is_some())
    })
}
