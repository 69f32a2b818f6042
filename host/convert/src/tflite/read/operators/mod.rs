//! Operators as layers: a file for each operator, or for a few of one kind, and one table of them all.

mod activation;
mod add;
mod cast;
mod conv_2d;
mod fully_connected;
mod mean;
mod pad;
mod padded_average;
mod pool_2d;
pub(super) mod reshape;
mod softmax;
mod window;

use super::graph::FileOperator;
use super::importer::Importer;
use crate::import::Reason;
use crate::tflite::schema::BuiltinOperator;

/// Reads an operator, and those after it that belong to the same layer.
type ReadOperator = for<'g, 'f> fn(&mut Importer<'g, 'f>, &FileOperator<'f>) -> Result<(), Reason>;

/// An operator that can be imported, and what may stand around it.
pub(super) struct OperatorReader {
    pub(super) builtin: BuiltinOperator,
    pub(super) read: ReadOperator,
    /// A PAD may stand before it.
    pub(super) takes_padding: bool,
    /// It may stand after the logits, and then changes nothing: it keeps their order.
    pub(super) may_follow_logits: bool,
    /// It looks itself for what it reads. Any other reads first what the operator before it writes.
    pub(super) finds_own_inputs: bool,
}

/// All operators that can be imported. Any other is refused by name.
pub(super) const OPERATOR_READERS: &[OperatorReader] = &[
    reader(BuiltinOperator::Add, add::read).finding_own_inputs(),
    reader(BuiltinOperator::AveragePool2d, pool_2d::read_average),
    reader(BuiltinOperator::Cast, cast::read),
    reader(BuiltinOperator::Conv2d, conv_2d::read).taking_padding(),
    reader(BuiltinOperator::DepthwiseConv2d, conv_2d::read_depthwise).taking_padding(),
    reader(BuiltinOperator::Dequantize, softmax::refuse_before_logits).following_logits(),
    reader(BuiltinOperator::FullyConnected, fully_connected::read),
    reader(BuiltinOperator::Logistic, activation::refuse_logistic),
    reader(BuiltinOperator::MaxPool2d, pool_2d::read_max).taking_padding(),
    reader(BuiltinOperator::Mean, mean::read),
    reader(BuiltinOperator::Pad, pad::read),
    reader(BuiltinOperator::PadV2, pad::read),
    reader(BuiltinOperator::Quantize, softmax::refuse_before_logits).following_logits(),
    reader(BuiltinOperator::Relu, activation::refuse_relu),
    reader(BuiltinOperator::Relu6, activation::refuse_relu),
    reader(BuiltinOperator::Reshape, reshape::read).following_logits(),
    reader(BuiltinOperator::Softmax, softmax::refuse_before_logits).following_logits(),
];

/// Returns the entry of an operator that reads what the one before it writes, stands before the logits, and takes no padding.
const fn reader(builtin: BuiltinOperator, read: ReadOperator) -> OperatorReader {
    OperatorReader { builtin, read, takes_padding: false, may_follow_logits: false, finds_own_inputs: false }
}

impl OperatorReader {
    const fn taking_padding(self) -> Self {
        Self { takes_padding: true, ..self }
    }

    const fn following_logits(self) -> Self {
        Self { may_follow_logits: true, ..self }
    }

    const fn finding_own_inputs(self) -> Self {
        Self { finds_own_inputs: true, ..self }
    }
}
