//! Numbers of TensorFlow Lite's file format that Pinhole writes and reads.
//!
//! The fields of a FlatBuffers table are found by their slots, counted from 0 in the order of the schema. The type of a union
//! takes a slot before its value.
//!
//! # Source
//! TensorFlow 2.21, `tensorflow/compiler/mlir/lite/schema/schema.fbs` (file identifier `TFL3`, schema version 3), and
//! for operator versions `tensorflow/compiler/mlir/lite/tools/versioning/op_version.cc` there. Only the numbers.

/// Bytes 4 to 8 of a file.
pub(crate) const IDENTIFIER: &str = "TFL3";
/// `Model.version`.
pub(crate) const VERSION: u32 = 3;
/// Alignment of the buffers' data (`force_align` in the schema), bytes.
pub(crate) const BUFFER_ALIGNMENT: usize = 16;

/// Slots of `Model`.
pub(crate) mod model {
    pub(crate) const VERSION: u16 = 0;
    pub(crate) const OPERATOR_CODES: u16 = 1;
    pub(crate) const SUBGRAPHS: u16 = 2;
    pub(crate) const DESCRIPTION: u16 = 3;
    pub(crate) const BUFFERS: u16 = 4;
    pub(crate) const METADATA: u16 = 6;
}

/// Slots of `OperatorCode`.
pub(crate) mod operator_code {
    /// Operator code for readers from before 2020, i8.
    pub(crate) const DEPRECATED_BUILTIN_CODE: u16 = 0;
    pub(crate) const VERSION: u16 = 2;
    pub(crate) const BUILTIN_CODE: u16 = 3;
}

/// Slots of `SubGraph`.
pub(crate) mod subgraph {
    pub(crate) const TENSORS: u16 = 0;
    pub(crate) const INPUTS: u16 = 1;
    pub(crate) const OUTPUTS: u16 = 2;
    pub(crate) const OPERATORS: u16 = 3;
    pub(crate) const NAME: u16 = 4;
}

/// Slots of `Tensor`.
pub(crate) mod tensor {
    pub(crate) const SHAPE: u16 = 0;
    pub(crate) const TYPE: u16 = 1;
    pub(crate) const BUFFER: u16 = 2;
    pub(crate) const NAME: u16 = 3;
    pub(crate) const QUANTIZATION: u16 = 4;
    pub(crate) const IS_VARIABLE: u16 = 5;
    pub(crate) const SPARSITY: u16 = 6;
    pub(crate) const HAS_RANK: u16 = 8;
}

/// Slots of `QuantizationParameters`.
pub(crate) mod quantization {
    pub(crate) const SCALE: u16 = 2;
    pub(crate) const ZERO_POINT: u16 = 3;
    /// Type of the union for other quantizations; 0 for none.
    pub(crate) const DETAILS_TYPE: u16 = 4;
    /// Dimension with a scale for each index.
    pub(crate) const QUANTIZED_DIMENSION: u16 = 6;
}

/// Slots of `Operator`.
pub(crate) mod operator {
    pub(crate) const OPCODE_INDEX: u16 = 0;
    pub(crate) const INPUTS: u16 = 1;
    pub(crate) const OUTPUTS: u16 = 2;
    pub(crate) const BUILTIN_OPTIONS_TYPE: u16 = 3;
    pub(crate) const BUILTIN_OPTIONS: u16 = 4;
}

/// Slots of `Conv2DOptions`.
pub(crate) mod conv_options {
    pub(crate) const PADDING: u16 = 0;
    pub(crate) const STRIDE_W: u16 = 1;
    pub(crate) const STRIDE_H: u16 = 2;
    pub(crate) const FUSED_ACTIVATION_FUNCTION: u16 = 3;
    pub(crate) const DILATION_W_FACTOR: u16 = 4;
    pub(crate) const DILATION_H_FACTOR: u16 = 5;
}

/// Slots of `DepthwiseConv2DOptions`; those of padding and strides are as in `Conv2DOptions`.
pub(crate) mod depthwise_options {
    pub(crate) const DEPTH_MULTIPLIER: u16 = 3;
    pub(crate) const FUSED_ACTIVATION_FUNCTION: u16 = 4;
    pub(crate) const DILATION_W_FACTOR: u16 = 5;
    pub(crate) const DILATION_H_FACTOR: u16 = 6;
}

/// Slots of `Pool2DOptions`; those of padding and strides are as in `Conv2DOptions`.
pub(crate) mod pool_options {
    pub(crate) const FILTER_WIDTH: u16 = 3;
    pub(crate) const FILTER_HEIGHT: u16 = 4;
    pub(crate) const FUSED_ACTIVATION_FUNCTION: u16 = 5;
}

/// The one slot of `FullyConnectedOptions`, `AddOptions` and `MulOptions` that is used.
pub(crate) const FUSED_ACTIVATION_FUNCTION: u16 = 0;

/// Slots of `ReducerOptions`.
pub(crate) mod reducer_options {
    pub(crate) const KEEP_DIMS: u16 = 0;
}

/// The one slot of `SoftmaxOptions`: a factor of the logits, f32.
pub(crate) const SOFTMAX_BETA: u16 = 0;

/// Slots of `ReshapeOptions`.
pub(crate) mod reshape_options {
    pub(crate) const NEW_SHAPE: u16 = 0;
}

/// Slots of `Buffer`.
pub(crate) mod buffer {
    pub(crate) const DATA: u16 = 0;
}

/// Slots of `Metadata`.
pub(crate) mod metadata {
    pub(crate) const NAME: u16 = 0;
    pub(crate) const BUFFER: u16 = 1;
}

/// `TensorType`: the types that are written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TensorType {
    Int32 = 2,
    Int64 = 4,
    Int16 = 7,
    Int8 = 9,
}

impl TensorType {
    /// Returns the type with this number; `None` for one that Pinhole neither writes nor reads.
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        [Self::Int32, Self::Int64, Self::Int16, Self::Int8].into_iter().find(|&of| of as u8 == number)
    }
}

/// `Padding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TflitePadding {
    /// Padding that gives one position for each stride; if it is odd, the end gets one more.
    Same = 0,
    /// No padding.
    Valid = 1,
}

/// `ActivationFunctionType`: the functions that are written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FusedActivation {
    None = 0,
    Relu = 1,
    Relu6 = 3,
}

impl FusedActivation {
    /// Returns the function with this number; `None` for one that Pinhole neither writes nor reads.
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        [Self::None, Self::Relu, Self::Relu6].into_iter().find(|&of| of as u8 == number)
    }
}

/// Declares [`BuiltinOperator`] and its `ALL` in the order of declaration, so that a new operator takes one line.
macro_rules! builtin_operators {
    ($($name:ident = $number:literal,)+) => {
        /// `BuiltinOperator`: the operators that are written or read.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum BuiltinOperator {
            $($name = $number,)+
        }

        impl BuiltinOperator {
            /// All operators, in the order of a file's operator codes.
            pub(crate) const ALL: [Self; [$($number),+].len()] = [$(Self::$name),+];
        }
    };
}

// A new operator goes to the end: the order of these lines is the order of operator codes in exported files.
builtin_operators! {
    Reshape = 22,
    FullyConnected = 9,
    Logistic = 14,
    Conv2d = 3,
    DepthwiseConv2d = 4,
    MaxPool2d = 17,
    AveragePool2d = 1,
    Mean = 40,
    Add = 0,
    Pad = 34,
    PadV2 = 60,
    Maximum = 55,
    Minimum = 57,
    Cast = 53,
    Mul = 18,
    Dequantize = 6,
    Relu = 19,
    Relu6 = 21,
    Softmax = 25,
    StridedSlice = 45,
    Shape = 77,
    Pack = 83,
    Quantize = 114,
}

/// `BuiltinOptions`, the type of a union: the values that are written.
pub(crate) mod options_type {
    pub(crate) const CONV: u8 = 1;
    pub(crate) const DEPTHWISE: u8 = 2;
    pub(crate) const POOL: u8 = 5;
    pub(crate) const FULLY_CONNECTED: u8 = 8;
    pub(crate) const ADD: u8 = 11;
    pub(crate) const RESHAPE: u8 = 17;
    pub(crate) const MUL: u8 = 21;
    pub(crate) const PAD: u8 = 22;
    pub(crate) const REDUCER: u8 = 27;
    pub(crate) const CAST: u8 = 37;
    pub(crate) const MAXIMUM_MINIMUM: u8 = 39;
    pub(crate) const PAD_V2: u8 = 43;
}
