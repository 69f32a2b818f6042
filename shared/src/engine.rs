//! One inference: the layers of a model, in order, with a kernel.

use core::marker::PhantomData;

use crate::decision::{Decision, decide};
use crate::fixed::requantize;
use crate::kernel::{Feed, Kernel, Neurons, Work};
use crate::layout::Layout;
use crate::model::{Activation, Dense, Layer, Model, Output};

/// Working memory one inference needs, in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ScratchNeeds {
    /// 32-bit accumulators: the outputs of the widest layer, and what fills up its last block of rows.
    pub accumulators: usize,
    /// 16-bit activations: the outputs of the widest layer but the last. (8-bit ones take 16 bits here too: it is
    /// what DSP kernels read.)
    pub activations: usize,
    /// 32-bit words that a packed layout's kernel spreads inputs into.
    pub lanes: usize,
}

impl ScratchNeeds {
    /// What a model needs.
    pub fn of(model: &Model<'_>) -> Self {
        let mut needs = Self { accumulators: 0, activations: 0, lanes: 0 };
        for Layer::Dense(dense) in model.layers() {
            let weights = &dense.operands.weights;
            needs.accumulators = needs.accumulators.max(weights.padded_outputs());
            needs.lanes = needs.lanes.max(weights.lane_words());
            if dense.output != Output::Logits {
                needs.activations = needs.activations.max(weights.outputs());
            }
        }
        needs
    }

    /// In bytes.
    pub fn bytes(self) -> usize {
        (self.accumulators + self.lanes) * size_of::<u32>() + self.activations * size_of::<i16>()
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
    /// The kernel does not run a layer's layout.
    Layout {
        /// Index of the layer.
        layer: usize,
        /// Its layout.
        got: Layout,
        /// The kernel's name.
        kernel: &'static str,
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
                "the model needs {} accumulators, {} activations and {} lanes, there is room for {}, {} and {}",
                expected.accumulators,
                expected.activations,
                expected.lanes,
                got.accumulators,
                got.activations,
                got.lanes
            ),
            Self::Layout { layer, got, kernel } => write!(
                f,
                "the weights of layer {layer} lie as {got:?}, which this board's kernel {kernel} does not run: pack the \
                 model for this board"
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

/// Working memory of an engine, borrowed. The slices may be longer than [`ScratchNeeds`] says, not shorter.
#[derive(Debug)]
pub struct Scratch<'b> {
    /// See [`ScratchNeeds::accumulators`].
    pub accumulators: &'b mut [i32],
    /// See [`ScratchNeeds::activations`].
    pub activations: &'b mut [i16],
    /// See [`ScratchNeeds::lanes`].
    pub lanes: &'b mut [u32],
}

/// Runs a model with kernel `K` in borrowed working memory.
#[derive(Debug)]
pub struct Engine<'m, 'b, K> {
    model: &'m Model<'m>,
    scratch: Scratch<'b>,
    kernel: PhantomData<K>,
}

impl<'m, 'b, K: Kernel> Engine<'m, 'b, K> {
    /// An engine for a model.
    ///
    /// # Errors
    /// [`EngineError::Layout`] when the kernel does not run the model's layouts, [`EngineError::Scratch`] when a buffer
    /// is too short.
    // Not inlined, so that the size of the engine's code can be read from the ELF file.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn new(model: &'m Model<'m>, scratch: Scratch<'b>) -> Result<Self, EngineError> {
        let mut fed_by = Feed::Pixels;
        for (layer, Layer::Dense(dense)) in model.layers().iter().enumerate() {
            let got = dense.operands.weights.layout();
            if !K::runs(got, fed_by) {
                return Err(EngineError::Layout { layer, got, kernel: K::NAME });
            }
            fed_by = Feed::Activations;
        }
        let expected = ScratchNeeds::of(model);
        let got = ScratchNeeds {
            accumulators: scratch.accumulators.len(),
            activations: scratch.activations.len(),
            lanes: scratch.lanes.len(),
        };
        let short = got.accumulators < expected.accumulators
            || got.activations < expected.activations
            || got.lanes < expected.lanes;
        if short {
            Err(EngineError::Scratch { expected, got })
        } else {
            Ok(Self { model, scratch, kernel: PhantomData })
        }
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
        Ok(self.run_from(|first, work| K::dense_u8(first.operands, input, work), observe))
    }

    /// [`Engine::run_observed`] from the first layer's accumulators on: `first` is given that layer and its
    /// working memory, and writes to the accumulators what the layer's kernel would. For those who know these sums already, say
    /// because only a few pixels changed since the last input; nothing after them knows the difference.
    ///
    /// The accumulators must be those of some input of 0..=255 pixels: for these, [`Model::parse`] has shown that
    /// nothing after them overflows.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn run_from(
        &mut self,
        first: impl FnOnce(&Dense<'m>, Work<'_>),
        mut observe: impl FnMut(usize, LayerValues<'_>),
    ) -> Decision {
        let Scratch { accumulators, activations, lanes } = &mut self.scratch;
        let mut first = Some(first);
        let mut width = 0;
        for (index, Layer::Dense(dense)) in self.model.layers().iter().enumerate() {
            let weights = &dense.operands.weights;
            let outputs = weights.outputs();
            // `new` has checked all buffers against what any layer needs, so the fallbacks are never taken.
            let work =
                Work { accumulators: accumulators.get_mut(..weights.padded_outputs()).unwrap_or_default(), lanes };
            if let Some(first) = first.take() {
                first(dense, work);
            } else {
                let input = activations.get(..width).unwrap_or_default();
                K::dense_i16(dense.operands, input, work);
            }
            width = outputs;
            let accumulators = accumulators.get_mut(..outputs).unwrap_or_default();
            let neurons = accumulators.get_mut(..outputs).unwrap_or_default();
            if dense.output == Output::Logits {
                requantize_all(dense, neurons);
                observe(index, LayerValues::Logits(neurons));
            } else {
                // All of the layer's inputs have been consumed, so its outputs may take their place.
                let activations = activations.get_mut(..outputs).unwrap_or_default();
                activate::<K>(dense, neurons, activations);
                observe(index, LayerValues::Activations(activations));
            }
        }
        decide(accumulators.get(..width).unwrap_or_default())
    }
}

/// Accumulators, which are not needed after it, to the next layer's activations.
fn activate<K: Kernel>(dense: &Dense<'_>, accumulators: &mut [i32], activations: &mut [i16]) {
    if dense.activation == Activation::Sigmoid {
        let neurons = Neurons { accumulators, multipliers: dense.multipliers, pre_shift: dense.pre_shift };
        K::sigmoids(neurons, activations);
        if dense.output == Output::U8 {
            // In 1/255, rounded from Q15.
            for activation in activations {
                *activation = ((i32::from(*activation) * 255 + (1 << 14)) >> 15) as i16;
            }
        }
        return;
    }
    requantize_all(dense, accumulators);
    let (low, high) = dense.output.range();
    let low = if dense.activation == Activation::Relu { 0 } else { low };
    for (&mut scaled, activation) in accumulators.iter_mut().zip(activations) {
        *activation = scaled.clamp(low, high) as i16;
    }
}

fn requantize_all(dense: &Dense<'_>, accumulators: &mut [i32]) {
    for (accumulator, &multiplier) in accumulators.iter_mut().zip(dense.multipliers) {
        *accumulator = requantize(*accumulator, multiplier, dense.pre_shift);
    }
}
