//! SOFTMAX, QUANTIZE and DEQUANTIZE, which may stand at the ends of a network.

use crate::import::Reason;
use crate::tflite::read::graph::FileOperator;
use crate::tflite::read::importer::{Importer, refuse};

/// Refuses them between layers. After the logits they keep the order of classes, and QUANTIZE before the first layer is read with
/// the input.
pub(super) fn refuse_before_logits<'f>(_: &mut Importer<'_, 'f>, operator: &FileOperator<'f>) -> Result<(), Reason> {
    Err(refuse(operator, "which Pinhole supports only at the start and the end of a network"))
}
