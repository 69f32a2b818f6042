//! RELU, RELU6 and LOGISTIC, where no layer before them has taken them in.

use crate::import::Reason;
use crate::tflite::read::graph::FileOperator;
use crate::tflite::read::importer::{Importer, refuse};

/// Refuses RELU and RELU6, which are read with the layer before them.
pub(super) fn refuse_relu<'f>(_: &mut Importer<'_, 'f>, operator: &FileOperator<'f>) -> Result<(), Reason> {
    Err(refuse(operator, "where there is no layer before it to take it in"))
}

/// Refuses LOGISTIC, which is read with the FULLY_CONNECTED before it.
pub(super) fn refuse_logistic<'f>(_: &mut Importer<'_, 'f>, operator: &FileOperator<'f>) -> Result<(), Reason> {
    Err(refuse(operator, "which Pinhole supports only after a hidden FULLY_CONNECTED"))
}
