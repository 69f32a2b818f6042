//! ADD, as the sum with an earlier layer's output.

use pinhole_core::model_file::scales::sum_of;

use super::window::check_ratio;
use crate::import::Reason;
use crate::tflite::read::graph::FileOperator;
use crate::tflite::read::importer::{Importer, refuse};
use crate::tflite::schema::FUSED_ACTIVATION_FUNCTION;

/// Reads ADD.
pub(super) fn read<'f>(importer: &mut Importer<'_, 'f>, operator: &FileOperator<'f>) -> Result<(), Reason> {
    let shape = importer.shape(operator)?;
    let (first, second) = (operator.input(0), operator.input(1));
    let other = if first == importer.current { second } else { first };
    let from = importer.outputs.iter().position(|&tensor| tensor == other);
    let from = from.filter(|_| first == importer.current || second == importer.current).ok_or_else(|| {
        refuse(operator, "whose inputs are not the outputs of the operator before it and of an earlier layer")
    })?;
    let of = *importer.layers[from].output().expect("a layer before the dense ones writes a tensor");
    let (tensor, function) = importer.activated(operator, operator.byte(FUSED_ACTIVATION_FUNCTION)?)?;
    let output = importer.output(operator, tensor, (shape, function))?;
    if of.shape != shape {
        return Err(refuse(operator, "of tensors of different shapes"));
    }
    for scale in [importer.input.kind.scale, of.scale.into()] {
        check_ratio(operator, scale, output.scale)?;
    }
    importer.push(sum_of(importer.input.kind, (from, of), output), (output, tensor));
    Ok(())
}
