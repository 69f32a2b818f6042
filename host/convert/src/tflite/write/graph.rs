//! A network in TensorFlow Lite's terms, as it is built.

use super::operators::{OperatorOptions, OperatorSpec};
use crate::tflite::quantization::QuantizationParameters;
use crate::tflite::schema::{BuiltinOperator, TensorType};

/// A network in progress: tensors, and the operators between them.
#[derive(Debug)]
pub(super) struct GraphBuilder {
    pub(super) description: String,
    pub(super) tensors: Vec<NewTensor>,
    /// Operators, in the order in which they run.
    pub(super) operators: Vec<NewOperator>,
    /// Index of the input tensor.
    pub(super) input: i32,
    /// Index of the output tensor.
    pub(super) output: i32,
    /// Metadata: names and bytes.
    pub(super) metadata: Vec<(String, Vec<u8>)>,
}

/// A tensor to be written.
#[derive(Debug)]
pub(super) struct NewTensor {
    pub(super) name: String,
    pub(super) shape: Vec<i32>,
    pub(super) tensor_type: TensorType,
    /// Values of a constant, little-endian.
    pub(super) data: Option<Vec<u8>>,
    /// Scales: one, or one for each index along a dimension; empty if the tensor is not quantized.
    pub(super) scales: Vec<f32>,
    /// Zero points, as many as scales.
    pub(super) zero_points: Vec<i64>,
    /// Dimension with a scale for each index.
    pub(super) quantized_dimension: i32,
}

/// An operator to be written. Tensors are given by their indices.
#[derive(Debug)]
pub(super) struct NewOperator {
    pub(super) builtin: BuiltinOperator,
    pub(super) options: Option<OperatorOptions>,
    /// Least version that supports the types of these tensors.
    pub(super) version: i32,
    pub(super) inputs: Vec<i32>,
    pub(super) output: i32,
}

impl GraphBuilder {
    fn add(&mut self, tensor: NewTensor) -> i32 {
        self.tensors.push(tensor);
        self.tensors.len() as i32 - 1
    }

    /// Adds a tensor of int8 activations and returns its index.
    pub(super) fn int8_tensor(&mut self, name: &str, shape: Vec<i32>, quantization: QuantizationParameters) -> i32 {
        self.add(NewTensor {
            name: name.to_owned(),
            shape,
            tensor_type: TensorType::Int8,
            data: None,
            scales: vec![quantization.scale],
            zero_points: vec![i64::from(quantization.zero_point)],
            quantized_dimension: 0,
        })
    }

    /// Adds a tensor of int16 activations, with a zero point of 0, and returns its index.
    pub(super) fn int16_tensor(&mut self, name: &str, shape: Vec<i32>, scale: f32) -> i32 {
        self.add(NewTensor {
            name: name.to_owned(),
            shape,
            tensor_type: TensorType::Int16,
            data: None,
            scales: vec![scale],
            zero_points: vec![0],
            quantized_dimension: 0,
        })
    }

    /// Adds a constant of int32 without a scale and returns its index.
    pub(super) fn int32_constant(&mut self, name: &str, shape: Vec<i32>, integers: &[i32]) -> i32 {
        self.add(NewTensor {
            name: name.to_owned(),
            shape,
            tensor_type: TensorType::Int32,
            data: Some(integers.iter().flat_map(|integer| integer.to_le_bytes()).collect()),
            scales: Vec::new(),
            zero_points: Vec::new(),
            quantized_dimension: 0,
        })
    }

    /// Adds a constant with these scales and zero points of 0, and returns its index.
    pub(super) fn constant(
        &mut self,
        name: &str,
        shape: Vec<i32>,
        (tensor_type, data): (TensorType, Vec<u8>),
        (scales, quantized_dimension): (Vec<f32>, i32),
    ) -> i32 {
        let (name, data, zero_points) = (name.to_owned(), Some(data), vec![0; scales.len()]);
        self.add(NewTensor { name, shape, tensor_type, data, scales, zero_points, quantized_dimension })
    }

    /// Adds a constant of one int8, with the quantization parameters of another tensor, and returns its index.
    pub(super) fn int8_scalar(&mut self, name: &str, number: i8, quantization: QuantizationParameters) -> i32 {
        let tensor = self.int8_tensor(name, Vec::new(), quantization);
        self.tensors[tensor as usize].data = Some(number.to_le_bytes().to_vec());
        tensor
    }

    /// Returns the type of a tensor.
    pub(super) fn tensor_type(&self, tensor: i32) -> TensorType {
        self.tensors[tensor as usize].tensor_type
    }

    /// Adds an operator that reads the first of `inputs`, with constants after it.
    pub(super) fn add_operator(&mut self, operator: OperatorSpec, inputs: Vec<i32>, output: i32) {
        let version = operator.version(self.tensor_type(inputs[0]));
        let OperatorSpec { builtin, options, .. } = operator;
        self.operators.push(NewOperator { builtin, options, version, inputs, output });
    }
}
