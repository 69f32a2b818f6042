//! One inference: the layers of a model, in order, with a kernel.

mod arena;
mod needs;
mod spatial;
#[cfg(test)]
mod tests;

pub use needs::ScratchNeeds;

use core::marker::PhantomData;
use core::ops::Range;

use crate::decision::{Decision, decide};
use crate::fixed::requantize;
use crate::kernel::{Feed, Kernel, Neurons, Work};
use crate::layout::Layout;
use crate::model::{Activation, Dense, Layer, Model, Output};
use spatial::Memory;

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
                "the model needs {} accumulators, {} activations, {} lanes and {} bytes of arena, there is room for {}, \
                 {}, {} and {}",
                expected.accumulators,
                expected.activations,
                expected.lanes,
                expected.arena,
                got.accumulators,
                got.activations,
                got.lanes,
                got.arena
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
    /// Of a layer before the dense ones: its tensor, row by row, the channels of a place together.
    Bytes(&'a [u8]),
    /// Of a hidden dense layer.
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
    /// See [`ScratchNeeds::arena`].
    pub arena: &'b mut [u8],
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
        let mut after_dense = false;
        for (layer, of_model) in model.layers().enumerate() {
            let fed_by = match of_model {
                Layer::Depthwise(_) => Feed::Channels,
                _ if after_dense => Feed::Activations,
                _ => Feed::Pixels,
            };
            after_dense = matches!(of_model, Layer::Dense(_));
            let Some(weighted) = of_model.weighted() else { continue };
            let got = weighted.operands.weights.layout();
            if !K::runs(got, fed_by) {
                return Err(EngineError::Layout { layer, got, kernel: K::NAME });
            }
        }
        let expected = ScratchNeeds::of(model);
        let got = ScratchNeeds {
            accumulators: scratch.accumulators.len(),
            activations: scratch.activations.len(),
            lanes: scratch.lanes.len(),
            arena: scratch.arena.len(),
        };
        let short = got.accumulators < expected.accumulators
            || got.activations < expected.activations
            || got.lanes < expected.lanes
            || got.arena < expected.arena;
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

    /// Classifies one input, as [`crate::pixels::Shrink`] gives it: row by row, the channels of a pixel together.
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
        Ok(self.execute(input, None::<fn(&Dense<'m>, Work<'_>)>, observe))
    }

    /// [`Engine::run_observed`] from the first layer's accumulators on, where that is dense: `first` is given that layer and its
    /// working memory, and writes to the accumulators what the layer's kernel would. For those who know these sums already, say
    /// because only a few pixels changed since the last input; nothing after them knows the difference. Where the first
    /// layer is another, it sees no input, and what is decided has no meaning.
    ///
    /// The accumulators must be those of some input of 0..=255 pixels: for these, [`Model::parse`] has shown that
    /// nothing after them overflows.
    pub fn run_from(
        &mut self,
        first: impl FnOnce(&Dense<'m>, Work<'_>),
        observe: impl FnMut(usize, LayerValues<'_>),
    ) -> Decision {
        self.execute(&[], Some(first), observe)
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn execute(
        &mut self,
        pixels: &[u8],
        mut first: Option<impl FnOnce(&Dense<'m>, Work<'_>)>,
        mut observe: impl FnMut(usize, LayerValues<'_>),
    ) -> Decision {
        // Where the last tensor is, if there is one, and how many layers came before.
        let (tensor, before) =
            if self.model.arena_bytes() > 0 { self.tensors(pixels, &mut observe) } else { (None, 0) };
        let Scratch { accumulators, activations, lanes, arena } = &mut self.scratch;
        let input = tensor.map_or(Some(pixels), |range| arena.get(range)).unwrap_or_default();
        // Activations that the last dense layer wrote: none before the first.
        let mut width = 0;
        for index in before..self.model.layer_count() {
            let Some(dense) = &self.model.dense(index) else { break };
            // `new` has checked all buffers against what any layer needs, so the fallbacks are never taken.
            let operands = dense.weighted.operands;
            let outputs = operands.weights.outputs();
            let padded = operands.weights.padded_outputs();
            let work = Work { accumulators: accumulators.get_mut(..padded).unwrap_or_default(), lanes };
            if width > 0 {
                K::dense_i16(operands, activations.get(..width).unwrap_or_default(), work);
            } else if let Some(first) = first.take() {
                first(dense, work);
            } else {
                K::dense_u8(operands, input, work);
            }
            width = outputs;
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

    /// Runs the layers that write tensors, which come before the dense ones. Returns where the last tensor is in the arena,
    /// and how many layers these were.
    // Apart from what runs dense layers, whose stack would otherwise have room for it.
    #[cfg_attr(target_os = "none", inline(never))]
    fn tensors(
        &mut self,
        pixels: &[u8],
        observe: &mut impl FnMut(usize, LayerValues<'_>),
    ) -> (Option<Range<usize>>, usize) {
        let Scratch { accumulators, activations: _, lanes, arena } = &mut self.scratch;
        let (mut last, mut count) = (None, 0);
        for layer in self.model.layers() {
            let Some(tensor) = layer.tensor() else { break };
            let memory = Memory { accumulators, lanes, arena, patch_at: self.model.arena_bytes() };
            let pixels = if count == 0 { Some(pixels) } else { None };
            observe(count, LayerValues::Bytes(spatial::run::<K>(&layer, pixels, memory)));
            last = Some(tensor.range());
            count += 1;
        }
        (last, count)
    }
}

/// Accumulators, which are not needed after it, to the next layer's activations.
fn activate<K: Kernel>(dense: &Dense<'_>, accumulators: &mut [i32], activations: &mut [i16]) {
    if dense.activation == Activation::Sigmoid {
        let neurons =
            Neurons { accumulators, multipliers: dense.weighted.multipliers, pre_shift: dense.weighted.pre_shift };
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
    for (accumulator, &multiplier) in accumulators.iter_mut().zip(dense.weighted.multipliers) {
        *accumulator = requantize(*accumulator, multiplier, dense.weighted.pre_shift);
    }
}
