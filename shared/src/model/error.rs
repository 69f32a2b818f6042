//! Why a model file was refused.

use super::MAX_OPERATIONS;
use crate::policy::PolicyError;

/// A part of the model file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Section {
    /// The names of the classes.
    Names,
    /// A layer's weights.
    Weights,
    /// A layer's biases.
    Biases,
    /// A layer's multipliers.
    Multipliers,
}

impl core::fmt::Display for Section {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Names => "class names",
            Self::Weights => "weights",
            Self::Biases => "biases",
            Self::Multipliers => "multipliers",
        })
    }
}

/// Why a model file was refused. Layers are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum ModelError {
    /// Fewer bytes than a header, or than the header says.
    Truncated { expected: usize, got: usize },
    /// More bytes than the header says.
    TooLong { expected: usize, got: usize },
    /// The first bytes are not the magic number.
    NotAModel,
    /// Another version of the format.
    Version { expected: u16, got: u16 },
    /// The bytes changed since they were written.
    Checksum { expected: u32, got: u32 },
    /// The bytes do not start at a word boundary in memory.
    Misaligned,
    /// A header field has a value this version does not know; the offset names it.
    Header { offset: usize, got: u32 },
    /// Trained for another pixel pipeline.
    Pipeline { expected: u32, got: u32 },
    /// A layer of a kind this version does not know.
    LayerKind { layer: usize, got: u16 },
    /// A weight layout that is not known or not run here, or one for pixels after the first layer.
    WeightLayout { layer: usize, got: u8 },
    /// A field of a layer's record has a value this version does not know.
    Record { layer: usize, offset: usize, got: u32 },
    /// A layer does not take what the one before it gives.
    Shape { layer: usize, expected: usize, got: usize },
    /// A layer that reads pictures after one that gives none.
    NotAPicture { layer: usize },
    /// A layer writes over bytes of the arena that a later layer reads.
    Arena { layer: usize },
    /// The layers up to this one take more elementary operations than [`crate::model::MAX_OPERATIONS`].
    Operations { layer: usize },
    /// A section does not lie between layer table and end of the file, or not at a multiple of 16.
    Section { section: Section, layer: usize, offset: usize, bytes: usize },
    /// There is no such policy.
    Policy(PolicyError),
    /// The class names are not as many, not UTF-8, empty, or not in ascending order.
    Names,
    /// A weight out of its range (-127 to 127 in 8 bits, -7 to 7 in 4), or one that fills up and is not 0.
    Weight { layer: usize, row: usize },
    /// A multiplier that is not positive.
    Multiplier { layer: usize, row: usize },
    /// A row's accumulator could overflow.
    Accumulator { layer: usize, row: usize },
    /// The record states another accumulator bound than its weights have.
    Bound { layer: usize, expected: u32, got: u32 },
}

impl core::fmt::Display for ModelError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            Self::Truncated { expected, got } => write!(f, "truncated: {got} bytes of {expected}"),
            Self::TooLong { expected, got } => write!(f, "{got} bytes where the header says {expected}"),
            Self::NotAModel => f.write_str("not a Pinhole model (it does not start with PNHL)"),
            Self::Version { expected, got } => {
                write!(f, "format version {got}, and this Pinhole reads version {expected}")
            }
            Self::Checksum { expected, got } => {
                write!(f, "damaged: its checksum is {got:#010x}, it says {expected:#010x}")
            }
            Self::Misaligned => f.write_str("not at a word boundary in memory"),
            Self::Header { offset, got } => write!(f, "unknown value {got} in the header, at byte {offset}"),
            Self::Pipeline { expected, got } => {
                write!(f, "made for pixel pipeline {got:#010x}, and this Pinhole has {expected:#010x}")
            }
            Self::LayerKind { layer, got } => write!(f, "layer {layer} is of unknown kind {got}"),
            Self::WeightLayout { layer, got } => write!(
                f,
                "the weights of layer {layer} have layout {got}, which is not run here: pack the model for this board"
            ),
            Self::Record { layer, offset, got } => {
                write!(f, "unknown value {got} in the record of layer {layer}, at byte {offset} of it")
            }
            Self::Shape { layer, expected, got } => {
                write!(f, "layer {layer} has {got} values where its neighbor has {expected}")
            }
            Self::NotAPicture { layer } => {
                write!(f, "layer {layer} reads a picture, and the dense layer before it gives none")
            }
            Self::Arena { layer } => write!(f, "layer {layer} writes over values that are still needed"),
            Self::Operations { layer } => write!(
                f,
                "too much work: the layers up to layer {layer} take more than {MAX_OPERATIONS} elementary operations an inference"
            ),
            Self::Section { section, layer, offset, bytes } => {
                write!(f, "the {section} of layer {layer} ({bytes} bytes at {offset}) are not where they could be")
            }
            Self::Policy(error) => write!(f, "its policy for answers is none: {error}"),
            Self::Names => f.write_str("the class names are damaged"),
            Self::Weight { layer, row } => write!(f, "layer {layer}, row {row}: a weight out of its range, say -128"),
            Self::Multiplier { layer, row } => write!(f, "layer {layer}, row {row}: the multiplier is not positive"),
            Self::Accumulator { layer, row } => write!(f, "layer {layer}, row {row}: the accumulator could overflow"),
            Self::Bound { layer, expected, got } => {
                write!(f, "layer {layer} states the accumulator bound {got}, its weights have {expected}")
            }
        }
    }
}

impl core::error::Error for ModelError {}
