//! Fully connected layers. Their outputs are activations or logits, not a tensor; [`crate::engine`] runs them.

use super::check::Record;
use super::weighted::{Weighted, weighted};
use super::{Kind, WEIGHTED};
use crate::model::file::File;
use crate::model::format::{Span, record as at};
use crate::numbered::numbered;

/// Fields of the record of this kind alone.
pub(super) const FIELDS: &[&[Span]] = &[super::ALL_KINDS, WEIGHTED, &[at::ACTIVATION.span()]];

/// A fully connected layer.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a> {
    /// A row for each output, a column for each input.
    pub weighted: Weighted<'a>,
    /// Activation function.
    pub activation: Activation,
    /// Type of the outputs.
    pub output: Output,
}

numbered! {
    /// Activation function of a layer.
    pub enum Activation: u8 {
        /// None.
        Linear = 0,
        /// `max(0, x)`.
        Relu = 1,
        /// `1 / (1 + e^-x)`.
        Sigmoid = 2,
    }
}

numbered! {
    /// Type of a layer's outputs.
    pub enum Output: u8 {
        /// 0..=255.
        U8 = 0,
        /// -32,768..=32,767.
        I16 = 1,
        /// `i32` in Q16: the network's answer.
        Logits = 2,
    }
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

/// A dense layer; `None` of another one.
// In one piece with whoever asks: else a layer's many bytes would be copied from function to function, which takes longer
// than reading them.
#[inline(always)]
pub(crate) fn dense<'a>(file: &File<'a>, index: usize) -> Option<Dense<'a>> {
    let record = file.record(index);
    if at::KIND.get(record) != Kind::Dense as u16 {
        return None;
    }
    // Before the weights, as in [`super::record`].
    let (activation, output) = (at::ACTIVATION.get(record), at::OUTPUT.get(record));
    Some(Dense {
        weighted: weighted(file, record),
        activation: Activation::from_number(activation).unwrap_or(Activation::Linear),
        output: Output::from_number(output).unwrap_or(Output::Logits),
    })
}

/// Checks activation function and output; `last` is the layer that decides.
pub(super) fn check(record: &Record<'_>, last: bool) -> Result<(), Span> {
    let activation = Activation::from_number(at::ACTIVATION.get(record.words));
    let output = Output::from_number(at::OUTPUT.get(record.words));
    // The last layer, and no other, gives logits, and they are linear.
    if activation.is_none() || (last && activation != Some(Activation::Linear)) {
        Err(at::ACTIVATION.span())
    } else if output.is_none() || last != (output == Some(Output::Logits)) {
        Err(at::OUTPUT.span())
    } else {
        Ok(())
    }
}
