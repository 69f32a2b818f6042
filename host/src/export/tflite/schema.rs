//! Numbers of TensorFlow Lite's file format that Pinhole writes.
//!
//! A FlatBuffers table's fields are found by their slots, counted from 0 in the order of the schema, where the type of a
//! union takes a slot before its value.
//!
//! # Source
//! TensorFlow 2.21, `tensorflow/compiler/mlir/lite/schema/schema.fbs` (file identifier `TFL3`, schema version 3), and
//! for operator versions `tensorflow/compiler/mlir/lite/tools/versioning/op_version.cc` there. The numbers alone.

/// Bytes 4 to 8 of a file.
pub(crate) const IDENTIFIER: &str = "TFL3";
/// `Model.version`.
pub(crate) const VERSION: u32 = 3;
/// Buffers' data start at multiples of this (`force_align` in the schema).
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
    /// Where readers of before 2020 look, i8.
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
    pub(crate) const HAS_RANK: u16 = 8;
}

/// Slots of `QuantizationParameters`.
pub(crate) mod quantization {
    pub(crate) const SCALE: u16 = 2;
    pub(crate) const ZERO_POINT: u16 = 3;
    /// 0, which is the default and not written: a scale for each row of a weight matrix.
    #[cfg(test)]
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

/// Slots of `FullyConnectedOptions`.
pub(crate) mod fully_connected_options {
    pub(crate) const FUSED_ACTIVATION_FUNCTION: u16 = 0;
}

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

/// `TensorType`: those that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TensorType {
    Int32 = 2,
    Int8 = 9,
}

/// `ActivationFunctionType`: those that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fused {
    None = 0,
    Relu = 1,
}

/// `BuiltinOperator`: those that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    FullyConnected = 9,
    Logistic = 14,
    Reshape = 22,
}

impl Builtin {
    /// All, in the order of a file's operator codes.
    pub(crate) const ALL: [Self; 3] = [Self::Reshape, Self::FullyConnected, Self::Logistic];

    /// Version with int8 tensors.
    pub(crate) fn version(self) -> i32 {
        match self {
            Self::Reshape => 1,
            Self::FullyConnected => 4,
            Self::Logistic => 2,
        }
    }
}

/// `BuiltinOptions`, the type of a union: those that are written.
pub(crate) mod options_type {
    pub(crate) const FULLY_CONNECTED: u8 = 8;
    pub(crate) const RESHAPE: u8 = 17;
}
