//! A network in TensorFlow Lite's terms.

use crate::tflite::quantization::Int8;
use crate::tflite::schema::{Builtin, Fused, Padding, TensorType};

/// A network: tensors, and the operators between them.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) description: String,
    pub(super) tensors: Vec<Tensor>,
    /// Operators, in the order in which they run.
    pub(super) operators: Vec<Operator>,
    /// Index of the input tensor.
    pub(super) input: i32,
    /// Index of the output tensor.
    pub(super) output: i32,
    /// Metadata: names and bytes.
    pub(super) metadata: Vec<(String, Vec<u8>)>,
}

/// A tensor.
#[derive(Debug)]
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) shape: Vec<i32>,
    pub(super) kind: TensorType,
    /// Values of a constant, little-endian.
    pub(super) data: Option<Vec<u8>>,
    /// Scales: one, or one for each index along a dimension; empty if the tensor is not quantized.
    pub(super) scales: Vec<f32>,
    /// Zero points, as many as scales.
    pub(super) zero_points: Vec<i64>,
    /// Dimension with a scale for each index.
    pub(super) scales_along: i32,
}

/// An operator. Tensors are given by their indices.
#[derive(Debug)]
pub(super) struct Operator {
    pub(super) kind: OperatorKind,
    /// Least version that supports the types of these tensors.
    pub(super) version: i32,
    pub(super) inputs: Vec<i32>,
    pub(super) output: i32,
}

/// Padding and strides of a window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slide {
    pub(super) padding: Padding,
    /// Vertical and horizontal stride.
    pub(super) strides: [u8; 2],
}

/// Kind of an operator, with its options.
#[derive(Debug)]
pub(super) enum OperatorKind {
    Reshape { shape: Vec<i32> },
    FullyConnected(Fused),
    Logistic,
    Conv { slide: Slide, fused: Fused },
    Depthwise { slide: Slide, fused: Fused },
    MaxPool { slide: Slide, sides: [u8; 2] },
    AveragePool { slide: Slide, sides: [u8; 2] },
    Mean,
    Add(Fused),
    Mul,
    Pad,
    PadV2,
    Maximum,
    Minimum,
    Cast,
}

impl OperatorKind {
    pub(super) fn builtin(&self) -> Builtin {
        match self {
            Self::Reshape { .. } => Builtin::Reshape,
            Self::FullyConnected(_) => Builtin::FullyConnected,
            Self::Logistic => Builtin::Logistic,
            Self::Conv { .. } => Builtin::Conv,
            Self::Depthwise { .. } => Builtin::Depthwise,
            Self::MaxPool { .. } => Builtin::MaxPool,
            Self::AveragePool { .. } => Builtin::AveragePool,
            Self::Mean => Builtin::Mean,
            Self::Add(_) => Builtin::Add,
            Self::Mul => Builtin::Mul,
            Self::Pad => Builtin::Pad,
            Self::PadV2 => Builtin::PadV2,
            Self::Maximum => Builtin::Maximum,
            Self::Minimum => Builtin::Minimum,
            Self::Cast => Builtin::Cast,
        }
    }

    /// Returns the least version that supports tensors of 8 or of 16 bits.
    fn version(&self, kind: TensorType) -> i32 {
        let (narrow, wide) = match self {
            Self::Reshape { .. } | Self::Cast => (1, 1),
            Self::FullyConnected(_) => (4, 7),
            Self::Depthwise { .. } => (3, 5),
            Self::Conv { .. } => (3, 3),
            Self::Pad => (2, 3),
            Self::Mul => (4, 4),
            _ => (2, 2),
        };
        if kind == TensorType::Int16 { wide } else { narrow }
    }
}

impl Graph {
    fn add(&mut self, tensor: Tensor) -> i32 {
        self.tensors.push(tensor);
        self.tensors.len() as i32 - 1
    }

    /// Adds a tensor of int8 activations.
    pub(super) fn activations(&mut self, name: &str, shape: Vec<i32>, int8: Int8) -> i32 {
        let (scales, zero_points) = (vec![int8.scale], vec![i64::from(int8.zero_point)]);
        let (name, kind) = (name.to_owned(), TensorType::Int8);
        self.add(Tensor { name, shape, kind, data: None, scales, zero_points, scales_along: 0 })
    }

    /// Adds a tensor of int16 activations, with a zero point of 0.
    pub(super) fn wide(&mut self, name: &str, shape: Vec<i32>, scale: f32) -> i32 {
        let (name, kind) = (name.to_owned(), TensorType::Int16);
        self.add(Tensor { name, shape, kind, data: None, scales: vec![scale], zero_points: vec![0], scales_along: 0 })
    }

    /// Adds a constant without a scale.
    pub(super) fn integers(&mut self, name: &str, shape: Vec<i32>, integers: &[i32]) -> i32 {
        let data = Some(integers.iter().flat_map(|integer| integer.to_le_bytes()).collect());
        let (scales, zero_points) = (Vec::new(), Vec::new());
        let (name, kind) = (name.to_owned(), TensorType::Int32);
        self.add(Tensor { name, shape, kind, data, scales, zero_points, scales_along: 0 })
    }

    /// Adds a constant with these scales and zero points of 0.
    pub(super) fn constant(
        &mut self,
        name: &str,
        shape: Vec<i32>,
        (kind, data): (TensorType, Vec<u8>),
        (scales, scales_along): (Vec<f32>, i32),
    ) -> i32 {
        let zero_points = vec![0; scales.len()];
        self.add(Tensor { name: name.to_owned(), shape, kind, data: Some(data), scales, zero_points, scales_along })
    }

    /// Adds a constant of one int8, with the scale and zero point of another tensor.
    pub(super) fn number(&mut self, name: &str, number: i8, int8: Int8) -> i32 {
        let tensor = self.activations(name, Vec::new(), int8);
        self.tensors[tensor as usize].data = Some(number.to_le_bytes().to_vec());
        tensor
    }

    /// Adds an operator that reads the first of `inputs`, with constants after it.
    pub(super) fn run(&mut self, kind: OperatorKind, inputs: Vec<i32>, output: i32) {
        let version = kind.version(self.tensors[inputs[0] as usize].kind);
        self.operators.push(Operator { kind, version, inputs, output });
    }

    /// Adds a RESHAPE of a tensor to a row, for a dense layer.
    pub(super) fn flat(&mut self, from: i32, elements: usize, int8: Int8) -> i32 {
        let shape = vec![1, elements as i32];
        let constant = self.integers("flat_shape", vec![2], &shape);
        let flat = self.activations("flat", shape.clone(), int8);
        self.run(OperatorKind::Reshape { shape }, vec![from, constant], flat);
        flat
    }
}
