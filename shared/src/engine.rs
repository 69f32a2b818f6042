//! One inference: the layers of a model, in order, with a kernel.

use core::marker::PhantomData;

use crate::decision::{Decision, decide};
use crate::fixed::{requantize, sigmoid_q15};
use crate::kernel::Kernel;
use crate::model::{Activation, Dense, Layer, Model, Output};

/// Working memory one inference needs, in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ScratchNeeds {
    /// 32-bit accumulators: the outputs of the widest layer.
    pub accumulators: usize,
    /// 16-bit activations: the outputs of the widest layer but the last. (8-bit ones take 16 bits here too: it is
    /// what DSP kernels read.)
    pub activations: usize,
}

impl ScratchNeeds {
    /// What a model needs.
    pub fn of(model: &Model<'_>) -> Self {
        let widest = |layers: &[Layer<'_>]| layers.iter().map(Layer::outputs).max().unwrap_or(0);
        let layers = model.layers();
        let hidden = layers.split_last().map_or(layers, |(_, hidden)| hidden);
        Self { accumulators: widest(layers), activations: widest(hidden) }
    }

    /// In bytes.
    pub fn bytes(self) -> usize {
        self.accumulators * size_of::<i32>() + self.activations * size_of::<i16>()
    }
}

/// Why an engine could not start or run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum EngineError {
    /// Too little working memory for this model.
    Scratch {
        /// What the model needs.
        expected: ScratchNeeds,
        /// What there is.
        got: ScratchNeeds,
    },
    /// The input has not the model's number of pixels.
    InputLength {
        /// Pixels of the model's input.
        expected: usize,
        /// Pixels given.
        got: usize,
    },
}

impl core::fmt::Display for EngineError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Scratch { expected, got } => write!(
                f,
                "the model needs {} accumulators and {} activations, there is room for {} and {}",
                expected.accumulators, expected.activations, got.accumulators, got.activations
            ),
            Self::InputLength { expected, got } => write!(f, "the model takes {expected} pixels, got {got}"),
        }
    }
}

impl core::error::Error for EngineError {}

/// The integers a layer gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerValues<'a> {
    /// Of a hidden layer.
    Activations(&'a [i16]),
    /// Of the last layer, in Q16.
    Logits(&'a [i32]),
}

/// Runs a model with kernel `K` in borrowed working memory.
#[derive(Debug)]
pub struct Engine<'m, 'b, K> {
    model: &'m Model<'m>,
    accumulators: &'b mut [i32],
    activations: &'b mut [i16],
    kernel: PhantomData<K>,
}

impl<'m, 'b, K: Kernel> Engine<'m, 'b, K> {
    /// An engine for a model. The buffers may be longer than [`ScratchNeeds::of`] it, not shorter.
    ///
    /// # Errors
    /// [`EngineError::Scratch`] when a buffer is too short.
    pub fn new(
        model: &'m Model<'m>,
        accumulators: &'b mut [i32],
        activations: &'b mut [i16],
    ) -> Result<Self, EngineError> {
        let expected = ScratchNeeds::of(model);
        let got = ScratchNeeds { accumulators: accumulators.len(), activations: activations.len() };
        if got.accumulators < expected.accumulators || got.activations < expected.activations {
            return Err(EngineError::Scratch { expected, got });
        }
        Ok(Self { model, accumulators, activations, kernel: PhantomData })
    }

    /// The model this engine runs.
    pub fn model(&self) -> &'m Model<'m> {
        self.model
    }

    /// Classifies one input: `side * side` gray pixels, row-major, as [`crate::pixels::Shrink`] gives them.
    ///
    /// # Errors
    /// [`EngineError::InputLength`].
    pub fn run(&mut self, input: &[u8]) -> Result<Decision, EngineError> {
        self.run_observed(input, |_, _| ())
    }

    /// [`Engine::run`], showing every layer's outputs on the way: its index and its integers.
    ///
    /// # Errors
    /// [`EngineError::InputLength`].
    pub fn run_observed(
        &mut self,
        input: &[u8],
        observe: impl FnMut(usize, LayerValues<'_>),
    ) -> Result<Decision, EngineError> {
        if input.len() != self.model.inputs() {
            return Err(EngineError::InputLength { expected: self.model.inputs(), got: input.len() });
        }
        Ok(self.run_from(|first, accumulators| K::dense_u8(first.operands, input, accumulators), observe))
    }

    /// [`Engine::run_observed`] from the first layer's accumulators on: `first` is given that layer and one place for
    /// each of its outputs, and writes there what the layer's kernel would. For those who know these sums already, say
    /// because only a few pixels changed since the last input; nothing after them knows the difference.
    ///
    /// The accumulators must be those of some input of 0..=255 pixels: for these, [`Model::parse`] has shown that
    /// nothing after them overflows.
    pub fn run_from(
        &mut self,
        first: impl FnOnce(&Dense<'m>, &mut [i32]),
        mut observe: impl FnMut(usize, LayerValues<'_>),
    ) -> Decision {
        let mut first = Some(first);
        let mut width = 0;
        for (index, Layer::Dense(dense)) in self.model.layers().iter().enumerate() {
            let outputs = dense.operands.biases.len();
            // `new` has checked both buffers against the widest layer, so the fallbacks are never taken.
            let accumulators = self.accumulators.get_mut(..outputs).unwrap_or_default();
            if let Some(first) = first.take() {
                first(dense, accumulators);
            } else {
                let activations = self.activations.get(..width).unwrap_or_default();
                K::dense_i16(dense.operands, activations, accumulators);
            }
            width = outputs;
            // All of the layer's inputs have been consumed, so its outputs may take their place.
            match dense.output {
                Output::Logits => {
                    requantize_logits(dense, accumulators);
                    observe(index, LayerValues::Logits(accumulators));
                }
                Output::U8 | Output::I16 => {
                    let activations = self.activations.get_mut(..outputs).unwrap_or_default();
                    activate(dense, accumulators, activations);
                    observe(index, LayerValues::Activations(activations));
                }
            }
        }
        decide(self.accumulators.get(..width).unwrap_or_default())
    }
}

/// Accumulators to the next layer's activations.
fn activate(dense: &Dense<'_>, accumulators: &[i32], activations: &mut [i16]) {
    let (low, high) = dense.output.range();
    let low = if dense.activation == Activation::Relu { 0 } else { low };
    for ((&accumulator, &multiplier), activation) in accumulators.iter().zip(dense.multipliers).zip(activations) {
        let scaled = requantize(accumulator, multiplier, dense.pre_shift);
        *activation = match (dense.activation, dense.output) {
            (Activation::Sigmoid, Output::U8) => sigmoid_u8(scaled),
            (Activation::Sigmoid, _) => sigmoid_q15(scaled),
            (Activation::Relu | Activation::Linear, _) => scaled.clamp(low, high) as i16,
        };
    }
}

/// Sigmoid in 1/255, rounded from Q15.
fn sigmoid_u8(x: i32) -> i16 {
    ((i32::from(sigmoid_q15(x)) * 255 + (1 << 14)) >> 15) as i16
}

fn requantize_logits(dense: &Dense<'_>, accumulators: &mut [i32]) {
    for (accumulator, &multiplier) in accumulators.iter_mut().zip(dense.multipliers) {
        *accumulator = requantize(*accumulator, multiplier, dense.pre_shift);
    }
}
