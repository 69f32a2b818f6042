//! MAX_POOL_2D and AVERAGE_POOL_2D, as poolings.

use pinhole_core::model_file::{QuantizedLayer, QuantizedTensor};
use pinhole_shared::model::PoolKind;
use pinhole_shared::shape::Shape;

use super::window::window;
use crate::import::Reason;
use crate::tflite::read::graph::FileOperator;
use crate::tflite::read::importer::{Importer, refuse};
use crate::tflite::schema::{FusedActivation, pool_options};

/// Reads MAX_POOL_2D that no convolution before it has taken in.
pub(super) fn read_max<'f>(importer: &mut Importer<'_, 'f>, operator: &FileOperator<'f>) -> Result<(), Reason> {
    pool(importer, operator, PoolKind::Max)
}

/// Reads AVERAGE_POOL_2D.
pub(super) fn read_average<'f>(importer: &mut Importer<'_, 'f>, operator: &FileOperator<'f>) -> Result<(), Reason> {
    pool(importer, operator, PoolKind::Average)
}

fn pool<'f>(importer: &mut Importer<'_, 'f>, operator: &FileOperator<'f>, kind: PoolKind) -> Result<(), Reason> {
    let shape = importer.shape(operator)?;
    // Pooling ignores padded positions, which is the same as padding with the least value.
    if importer.padding.is_some_and(|(_, fill)| fill != 0) {
        return Err(refuse(operator, "after padding with another value than the smallest"));
    }
    let function = FusedActivation::from_number(operator.byte(pool_options::FUSED_ACTIVATION_FUNCTION)?);
    // A function that clips nothing is none.
    let changes_nothing = match function {
        Some(FusedActivation::None) => true,
        Some(FusedActivation::Relu) => importer.input.kind.zero_point == 0,
        Some(FusedActivation::Relu6) => importer.input.kind.zero_point == 0 && importer.input.kind.scale * 255.0 <= 6.0,
        None => false,
    };
    if !changes_nothing {
        return Err(refuse(operator, "with an activation function"));
    }
    let [height, width] = [pool_options::FILTER_HEIGHT, pool_options::FILTER_WIDTH].map(|slot| operator.word(slot, 0));
    let window = window(importer, operator, [height?, width?], shape)?;
    let (height, width) = window.output_size(shape).unwrap_or_default();
    let output =
        importer.output(operator, operator.output, (Shape { height, width, ..shape }, FusedActivation::None))?;
    if !is_like_input(importer, &output) {
        return Err(refuse(operator, "with another scale than its input"));
    }
    importer.push(QuantizedLayer::Pool { kind, window, output }, (output, operator.output));
    Ok(())
}

/// Returns true if a tensor has the scale and the zero point of the layer's input.
fn is_like_input(importer: &Importer<'_, '_>, output: &QuantizedTensor) -> bool {
    // The scale of pixels, 1/255, is not exact in f32.
    output.scale == importer.input.kind.scale as f32 && output.zero_point == importer.input.kind.zero_point
}
