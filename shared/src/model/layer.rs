//! A parsed layer: what the engine runs.

use crate::kernel::DenseOperands;

/// A layer of a parsed model. Kinds will grow; each has its own struct.
#[derive(Clone, Copy, Debug)]
pub enum Layer<'a> {
    /// A fully connected layer.
    Dense(Dense<'a>),
}

impl Layer<'_> {
    /// Activations read.
    pub fn inputs(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.operands.weights.inputs(),
        }
    }

    /// Activations written.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.operands.weights.outputs(),
        }
    }

    /// What the outputs are.
    pub fn output(&self) -> Output {
        match self {
            Self::Dense(dense) => dense.output,
        }
    }

    /// Multiply-accumulates of one inference.
    pub fn macs(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.operands.weights.inputs() * dense.operands.weights.outputs(),
        }
    }
}

/// A fully connected layer, its operands borrowed from the model file.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a> {
    /// Weights and biases, as [`crate::kernel::Kernel`] takes them.
    pub operands: DenseOperands<'a>,
    /// For each row, the multiplier of its requantization: 1..=2^31-1.
    pub multipliers: &'a [i32],
    /// The requantization's pre-shift, bits.
    pub pre_shift: u8,
    /// Activation function.
    pub activation: Activation,
    /// What the outputs are.
    pub output: Output,
    /// Largest magnitude any row's accumulator can reach.
    pub accumulator_bound: u32,
    /// Real value of one input unit. For reports.
    pub input_scale: f32,
    /// Real value of one output unit. For reports.
    pub output_scale: f32,
}

impl Dense<'_> {
    /// The bias of a row in accumulator units, without what the layout folds into the stored one. 0 for a row out of
    /// range.
    pub fn bias(&self, row: usize) -> i32 {
        let stored = self.operands.biases.get(row).copied().unwrap_or(0);
        unfold(stored, self.operands.weights.fold(row).unwrap_or(0))
    }

    /// Bytes of the layer in the model file, without the padding of its sections.
    pub fn bytes(&self) -> usize {
        self.operands.weights.bytes().len() + 4 * (self.operands.biases.len() + self.multipliers.len())
    }
}

/// A bias without what its layout folded in. Modulo 2^32, as the sums it is the start of.
pub(super) fn unfold(stored: i32, fold: i32) -> i32 {
    stored.wrapping_sub(fold)
}

/// Activation function of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Activation {
    /// None.
    Linear = 0,
    /// `max(0, x)`.
    Relu = 1,
    /// `1 / (1 + e^-x)`.
    Sigmoid = 2,
}

/// What a layer's outputs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Output {
    /// 0..=255.
    U8 = 0,
    /// -32,768..=32,767.
    I16 = 1,
    /// `i32` in Q16: the network's answer.
    Logits = 2,
}

impl Output {
    /// Smallest and largest value.
    pub fn range(self) -> (i32, i32) {
        match self {
            Self::U8 => (0, 255),
            Self::I16 => (i32::from(i16::MIN), i32::from(i16::MAX)),
            Self::Logits => (i32::MIN, i32::MAX),
        }
    }

    /// Largest magnitude as another layer's input. Logits are never one.
    pub fn max_magnitude(self) -> u32 {
        match self {
            Self::U8 => 255,
            Self::I16 => 1 << 15,
            Self::Logits => 1 << 31,
        }
    }
}

impl Activation {
    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Linear,
            1 => Self::Relu,
            2 => Self::Sigmoid,
            _ => return None,
        })
    }
}

impl Output {
    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::U8,
            1 => Self::I16,
            2 => Self::Logits,
            _ => return None,
        })
    }
}
