//! CAST from int8 to int16, which exported files have before dense layers, and before an average pooling with padding.

use super::padded_average;
use crate::import::Reason;
use crate::tflite::read::graph::FileOperator;
use crate::tflite::read::importer::{Importer, refuse};
use crate::tflite::schema::TensorType;

/// Reads CAST.
pub(super) fn read<'f>(importer: &mut Importer<'_, 'f>, operator: &FileOperator<'f>) -> Result<(), Reason> {
    if importer.graph.tensor(operator.output)?.tensor_type != Some(TensorType::Int16) {
        return Err(refuse(operator, "to another type than int16"));
    }
    let is_bytes = importer.input.kind.max_magnitude == u32::from(u8::MAX);
    if importer.graph.tensor(importer.current)?.quantization().is_none() || !is_bytes {
        return Err(refuse(operator, "from another type than int8"));
    }
    if padded_average::read(importer, operator)? {
        return Ok(());
    }
    let scale = |tensor| importer.graph.tensor(tensor).map(|tensor| tensor.scales().collect::<Vec<f32>>());
    if scale(operator.output)? != scale(importer.current)? {
        return Err(refuse(operator, "to another scale"));
    }
    if importer.graph.tensor(operator.output)?.row_quantization().is_none() {
        return Err(refuse(operator, "to a zero point other than 0"));
    }
    // The integers stay the same, with a zero point of 0 now.
    importer.input.kind.zero_point = 128;
    importer.go_on_with(operator.output)
}
