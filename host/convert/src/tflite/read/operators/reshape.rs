//! RESHAPE, and the operators that compute its shape.

use crate::import::Reason;
use crate::tflite::read::graph::{FileGraph, FileOperator};
use crate::tflite::read::importer::{Importer, refuse};
use crate::tflite::schema::{BuiltinOperator, TensorType};

/// Operators that compute a shape in integers.
const OF_SHAPES: [BuiltinOperator; 3] = [BuiltinOperator::Shape, BuiltinOperator::StridedSlice, BuiltinOperator::Pack];

/// Returns true for an operator that computes a shape for RESHAPE. Nothing is lost without it: the shape is also that of RESHAPE's
/// output.
pub(in crate::tflite::read) fn computes_shape(
    graph: &FileGraph<'_>,
    operator: &FileOperator<'_>,
) -> Result<bool, Reason> {
    let is_of_shapes = OF_SHAPES.into_iter().any(|builtin| operator.is(builtin));
    Ok(is_of_shapes && graph.tensor(operator.output)?.tensor_type == Some(TensorType::Int32))
}

/// Reads RESHAPE of a tensor to a row or to its own shape; any other would move elements.
pub(super) fn read<'f>(importer: &mut Importer<'_, 'f>, operator: &FileOperator<'f>) -> Result<(), Reason> {
    let to = importer.graph.tensor(operator.output)?;
    let is_row = to.shape.first() == Some(&1) && to.shape.iter().filter(|&&side| side != 1).count() <= 1;
    let is_same = importer.input.shape.is_some() && to.image_shape() == importer.input.shape;
    if to.elements() != Some(importer.input.elements) || !(is_row || is_same) {
        return Err(refuse(operator, "which does not flatten a tensor to one row"));
    }
    importer.go_on_with_same(operator)
}
