//! Operators and their options, and those operators that several layer kinds write.
//!
//! An operator that one layer kind alone writes stands in the file of that kind.

use crate::tflite::schema::{
    BuiltinOperator, FusedActivation, TensorType, TflitePadding, conv_options, depthwise_options, options_type,
    pool_options,
};

/// An operator with its options, without tensors.
#[derive(Debug)]
pub(super) struct OperatorSpec {
    pub(super) builtin: BuiltinOperator,
    /// Least versions that support tensors of 8 bits, and of 16.
    versions: (i32, i32),
    pub(super) options: Option<OperatorOptions>,
}

/// Options of an operator.
#[derive(Debug)]
pub(super) struct OperatorOptions {
    /// Number of their type, in [`options_type`].
    pub(super) options_type: u8,
    /// Slots and values. They are written in this order.
    pub(super) fields: Vec<(u16, OptionValue)>,
}

/// Value of an option.
#[derive(Clone, Debug)]
pub(super) enum OptionValue {
    Int8(i8),
    Int32(i32),
    Int32s(Vec<i32>),
}

impl OperatorSpec {
    /// Returns an operator without options; `versions` are the least ones that support tensors of 8 bits, and of 16.
    pub(super) fn new(builtin: BuiltinOperator, versions: (i32, i32)) -> Self {
        Self { builtin, versions, options: None }
    }

    /// Returns the operator with these options.
    pub(super) fn with_options(self, options_type: u8, fields: Vec<(u16, OptionValue)>) -> Self {
        Self { options: Some(OperatorOptions { options_type, fields }), ..self }
    }

    /// Returns the least version that supports tensors of this type.
    pub(super) fn version(&self, tensor_type: TensorType) -> i32 {
        if tensor_type == TensorType::Int16 { self.versions.1 } else { self.versions.0 }
    }
}

impl From<FusedActivation> for OptionValue {
    fn from(fused: FusedActivation) -> Self {
        Self::Int8(fused as i8)
    }
}

/// Padding and strides of a window, which convolutions and poolings have as their first options.
#[derive(Clone, Copy, Debug)]
pub(super) struct WindowOptions {
    pub(super) padding: TflitePadding,
    /// Vertical and horizontal stride.
    pub(super) strides: [u8; 2],
}

impl WindowOptions {
    /// Returns the options with others after them.
    pub(super) fn followed_by(self, others: &[(u16, OptionValue)]) -> Vec<(u16, OptionValue)> {
        let [vertical, horizontal] = self.strides.map(i32::from);
        let mut fields = vec![
            (conv_options::PADDING, OptionValue::Int8(self.padding as i8)),
            (conv_options::STRIDE_W, OptionValue::Int32(horizontal)),
            (conv_options::STRIDE_H, OptionValue::Int32(vertical)),
        ];
        fields.extend_from_slice(others);
        fields
    }

    /// Returns the options of a pooling under a window of this height and width.
    pub(super) fn of_pool(self, [height, width]: [u8; 2]) -> Vec<(u16, OptionValue)> {
        self.followed_by(&[
            (pool_options::FILTER_WIDTH, OptionValue::Int32(width.into())),
            (pool_options::FILTER_HEIGHT, OptionValue::Int32(height.into())),
        ])
    }
}

/// Returns CAST, which keeps integers and changes their type.
pub(super) fn cast() -> OperatorSpec {
    OperatorSpec::new(BuiltinOperator::Cast, (1, 1)).with_options(options_type::CAST, Vec::new())
}

/// Returns DEPTHWISE_CONV_2D with one filter for each channel.
pub(super) fn depthwise_conv_2d(window: WindowOptions, fused: FusedActivation) -> OperatorSpec {
    let fields = window.followed_by(&[
        (depthwise_options::DEPTH_MULTIPLIER, OptionValue::Int32(1)),
        (depthwise_options::FUSED_ACTIVATION_FUNCTION, fused.into()),
    ]);
    OperatorSpec::new(BuiltinOperator::DepthwiseConv2d, (3, 5)).with_options(options_type::DEPTHWISE, fields)
}

/// Returns MAX_POOL_2D under a window of this height and width.
pub(super) fn max_pool_2d(window: WindowOptions, sides: [u8; 2]) -> OperatorSpec {
    OperatorSpec::new(BuiltinOperator::MaxPool2d, (2, 2)).with_options(options_type::POOL, window.of_pool(sides))
}

/// Returns MAXIMUM of two tensors.
pub(super) fn maximum() -> OperatorSpec {
    OperatorSpec::new(BuiltinOperator::Maximum, (2, 2)).with_options(options_type::MAXIMUM_MINIMUM, Vec::new())
}

/// Returns MINIMUM of two tensors.
pub(super) fn minimum() -> OperatorSpec {
    OperatorSpec::new(BuiltinOperator::Minimum, (2, 2)).with_options(options_type::MAXIMUM_MINIMUM, Vec::new())
}

/// Returns PAD, which fills with the zero point.
pub(super) fn pad() -> OperatorSpec {
    OperatorSpec::new(BuiltinOperator::Pad, (2, 3)).with_options(options_type::PAD, Vec::new())
}

/// Returns PADV2, which fills with a given value.
pub(super) fn pad_v2() -> OperatorSpec {
    OperatorSpec::new(BuiltinOperator::PadV2, (2, 2)).with_options(options_type::PAD_V2, Vec::new())
}
