//! Layers as operators: a file for each layer kind, and one table of them all.

mod add;
mod conv;
mod dense;
mod global_average;
mod pool;

pub(crate) use self::pool::position_counts;

use super::{ActivationTensor, LayerToWrite, NetworkWriter};
use crate::export::ExportError;

/// Writes a layer and returns its output; `None` if the layer is of another kind.
pub(super) type LayerWriter =
    fn(&mut NetworkWriter, LayerToWrite<'_, '_>) -> Result<Option<ActivationTensor>, ExportError>;

/// Writers of all layer kinds that can be exported, in any order: no two take the same kind.
///
/// This is no `match` over all kinds, on purpose: whoever adds a layer kind to the engine need not touch the export. A layer that
/// no writer takes is refused with [`ExportError::UnsupportedLayer`].
pub(super) const LAYER_WRITERS: &[LayerWriter] =
    &[dense::write, conv::write, pool::write, global_average::write, add::write];

/// Writes a layer by the writer of its kind and returns its output.
///
/// # Errors
/// [`ExportError::UnsupportedLayer`] if no writer takes the layer, [`ExportError::Scale`], [`ExportError::Mean`].
pub(super) fn write(
    writers: &[LayerWriter],
    network: &mut NetworkWriter,
    layer: LayerToWrite<'_, '_>,
) -> Result<ActivationTensor, ExportError> {
    for writer in writers {
        if let Some(output) = writer(network, layer)? {
            return Ok(output);
        }
    }
    Err(ExportError::UnsupportedLayer { layer: layer.index, kind: layer.layer.kind() })
}
