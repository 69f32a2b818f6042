//! MEAN over rows and columns, as a global average pooling.

use pinhole_core::model_file::QuantizedTensor;
use pinhole_core::model_file::scales::mean_of;
use pinhole_shared::shape::Shape;

use super::window::check_ratio;
use crate::import::Reason;
use crate::tflite::read::graph::FileOperator;
use crate::tflite::read::importer::{Importer, refuse};
use crate::tflite::schema::TensorType;

/// Reads MEAN.
pub(super) fn read<'f>(importer: &mut Importer<'_, 'f>, operator: &FileOperator<'f>) -> Result<(), Reason> {
    let shape = importer.shape(operator)?;
    let axes = importer.graph.tensor(operator.input(1))?;
    let axes = if axes.tensor_type == Some(TensorType::Int32) { axes.integers(4) } else { None };
    let axes = axes.map(|axes| axes.iter().map(|axis| axis.rem_euclid(4)).collect::<Vec<i64>>());
    if axes.is_none_or(|axes| axes != [1, 2] && axes != [2, 1]) {
        return Err(refuse(operator, "over other dimensions than rows and columns"));
    }
    let tensor = importer.graph.tensor(operator.output)?;
    let is_by_channel = tensor.elements() == Some(usize::from(shape.channels));
    let Some(quantization) = tensor.quantization().filter(|_| is_by_channel) else {
        return Err(refuse(operator, "whose output is not one int8 with a scale per channel"));
    };
    let output = QuantizedTensor {
        shape: Shape { height: 1, width: 1, ..shape },
        zero_point: quantization.zero_point_byte(),
        scale: quantization.scale,
        range: (0, u8::MAX),
    };
    check_ratio(operator, importer.input.kind.scale, output.scale)?;
    let layer = mean_of(shape.positions(), importer.input.kind, output);
    importer.push(layer, (output, operator.output));
    Ok(())
}
