//! Runs one inference: the layers of a model, in order, with a kernel.

mod overrides;
mod scratch;
#[cfg(test)]
mod tests;

pub use overrides::Overrides;
pub use scratch::ScratchNeeds;

use core::marker::PhantomData;
use core::ops::Range;

use crate::decision::{Decision, decide};
use crate::fixed::requantize;
use crate::kernel::{Kernel, Neurons, Work};
use crate::layer::{Activation, Dense, Layer, Memory, Output};
use crate::layout::Layout;
use crate::model::Model;
use overrides::NoOverrides;

/// Reasons why an engine could not start or run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum EngineError {
    /// Too little working memory for this model.
    Scratch {
        /// Working memory the model needs.
        expected: ScratchNeeds,
        /// Working memory given.
        got: ScratchNeeds,
    },
    /// The kernel does not run a layer's layout.
    Layout {
        /// Index of the layer.
        layer: usize,
        /// Layout of the layer.
        got: Layout,
        /// Name of the kernel.
        kernel: &'static str,
    },
    /// The input's length differs from the model's number of bytes.
    InputLength {
        /// Bytes of the model's input.
        expected: usize,
        /// Bytes given.
        got: usize,
    },
}

impl core::fmt::Display for EngineError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Scratch { expected, got } => write!(
                f,
                "the model needs {} accumulators, {} activations, {} scratch and {} bytes of arena, there is room for {}, \
                 {}, {} and {}",
                expected.accumulators,
                expected.activations,
                expected.scratch,
                expected.arena,
                got.accumulators,
                got.activations,
                got.scratch,
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

/// Outputs of one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerValues<'a> {
    /// Tensor of a layer before the dense ones: row by row, the channels of a position together (HWC).
    Bytes(&'a [u8]),
    /// Activations of a hidden dense layer.
    Activations(&'a [i16]),
    /// Logits of the last layer, Q16.
    Logits(&'a [i32]),
}

/// Working memory of an engine, borrowed. The slices may be longer than [`ScratchNeeds`] requires, but not shorter.
#[derive(Debug)]
pub struct Scratch<'b> {
    /// See [`ScratchNeeds::accumulators`].
    pub accumulators: &'b mut [i32],
    /// See [`ScratchNeeds::activations`].
    pub activations: &'b mut [i16],
    /// See [`ScratchNeeds::scratch`].
    pub scratch: &'b mut [u32],
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
    /// Creates an engine for a model.
    ///
    /// # Errors
    /// [`EngineError::Layout`] if the kernel does not run the model's layouts, [`EngineError::Scratch`] if a buffer is
    /// too short.
    // Not inlined, so that the size of the engine's code can be read from the ELF file.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn new(model: &'m Model<'m>, scratch: Scratch<'b>) -> Result<Self, EngineError> {
        let mut after_dense = false;
        for (layer, of_model) in model.layers().enumerate() {
            let input = of_model.kernel_input(after_dense);
            after_dense = matches!(of_model, Layer::Dense(_));
            let Some(weighted) = of_model.weighted() else { continue };
            let got = weighted.operands.weights.layout();
            if !K::runs(got, input) {
                return Err(EngineError::Layout { layer, got, kernel: K::NAME });
            }
        }
        let expected = ScratchNeeds::of(model);
        let got = ScratchNeeds {
            accumulators: scratch.accumulators.len(),
            activations: scratch.activations.len(),
            scratch: scratch.scratch.len(),
            arena: scratch.arena.len(),
        };
        let short = got.accumulators < expected.accumulators
            || got.activations < expected.activations
            || got.scratch < expected.scratch
            || got.arena < expected.arena;
        if short {
            Err(EngineError::Scratch { expected, got })
        } else {
            Ok(Self { model, scratch, kernel: PhantomData })
        }
    }

    /// Returns the model.
    pub fn model(&self) -> &'m Model<'m> {
        self.model
    }

    /// Classifies one input, as [`crate::pixels::Shrink`] writes it: row by row, the channels of a pixel together
    /// (HWC).
    ///
    /// # Errors
    /// [`EngineError::InputLength`].
    pub fn run(&mut self, input: &[u8]) -> Result<Decision, EngineError> {
        self.run_observed(input, |_, _| ())
    }

    /// Runs as [`Engine::run`] does and calls `observe` with every layer's index and outputs.
    ///
    /// # Errors
    /// [`EngineError::InputLength`].
    pub fn run_observed(
        &mut self,
        input: &[u8],
        observe: impl FnMut(usize, LayerValues<'_>),
    ) -> Result<Decision, EngineError> {
        self.run_with(input, &mut NoOverrides, observe)
    }

    /// Runs as [`Engine::run_observed`] does, with layers that `overrides` computes.
    ///
    /// # Errors
    /// [`EngineError::InputLength`].
    #[cfg_attr(target_os = "none", inline(always))]
    pub fn run_with(
        &mut self,
        input: &[u8],
        overrides: &mut impl Overrides,
        observe: impl FnMut(usize, LayerValues<'_>),
    ) -> Result<Decision, EngineError> {
        if input.len() != self.model.inputs() {
            return Err(EngineError::InputLength { expected: self.model.inputs(), got: input.len() });
        }
        Ok(self.execute(input, overrides, observe))
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn execute<O: Overrides>(
        &mut self,
        pixels: &[u8],
        overrides: &mut O,
        mut observe: impl FnMut(usize, LayerValues<'_>),
    ) -> Decision {
        // Range of the last tensor, if there is one, and the number of layers that write tensors.
        let (tensor, before) =
            if self.model.arena_bytes() > 0 { self.tensors(pixels, overrides, &mut observe) } else { (None, 0) };
        let Scratch { accumulators, activations, scratch, arena } = &mut self.scratch;
        let input = tensor.map_or(Some(pixels), |range| arena.get(range)).unwrap_or_default();
        // Activations of the previous dense layer; 0 before the first.
        let mut width = 0;
        for index in before..self.model.layer_count() {
            let Some(dense) = &self.model.dense(index) else { break };
            // `new` has checked all buffers against the needs of every layer, so the fallbacks are never taken.
            let operands = dense.weighted.operands;
            let outputs = operands.weights.outputs();
            let padded = operands.weights.padded_outputs();
            let work = Work { accumulators: accumulators.get_mut(..padded).unwrap_or_default(), scratch };
            if width > 0 {
                K::dense_i16(operands, activations.get(..width).unwrap_or_default(), work);
            } else if !(O::COMPUTES && overrides.dense(index, dense, input, &mut *work.accumulators)) {
                K::dense_u8(operands, input, work);
            }
            width = outputs;
            let neurons = accumulators.get_mut(..outputs).unwrap_or_default();
            if dense.output == Output::Logits {
                requantize_all(dense, neurons);
                observe(index, LayerValues::Logits(neurons));
            } else {
                // All of the layer's inputs have been consumed, so its outputs may overwrite them.
                let activations = activations.get_mut(..outputs).unwrap_or_default();
                activate::<K>(dense, neurons, activations);
                observe(index, LayerValues::Activations(activations));
            }
        }
        decide(accumulators.get(..width).unwrap_or_default())
    }

    /// Runs the layers that write tensors, which precede the dense ones. Returns the range of the last tensor in the
    /// arena, and the number of these layers.
    // Not inlined: otherwise the stack frame of the dense layers would include its locals.
    #[cfg_attr(target_os = "none", inline(never))]
    fn tensors<O: Overrides>(
        &mut self,
        pixels: &[u8],
        overrides: &mut O,
        observe: &mut impl FnMut(usize, LayerValues<'_>),
    ) -> (Option<Range<usize>>, usize) {
        let Scratch { accumulators, activations: _, scratch, arena } = &mut self.scratch;
        let (mut last, mut count) = (None, 0);
        for layer in self.model.layers() {
            let Some(tensor) = layer.tensor() else { break };
            let pixels = if count == 0 { Some(pixels) } else { None };
            let instead = |input: &[u8], output: &mut [u8]| overrides.tensor(count, &layer, input, output);
            let values = if O::COMPUTES && layer.with_tensors(pixels, arena, instead) {
                arena.get(tensor.range()).unwrap_or_default()
            } else {
                layer.run::<K>(pixels, Memory { accumulators, scratch, arena, patch_at: self.model.arena_bytes() })
            };
            observe(count, LayerValues::Bytes(values));
            last = Some(tensor.range());
            count += 1;
        }
        (last, count)
    }
}

/// Converts accumulators to the next layer's activations; overwrites the accumulators.
fn activate<K: Kernel>(dense: &Dense<'_>, accumulators: &mut [i32], activations: &mut [i16]) {
    if dense.activation == Activation::Sigmoid {
        let neurons =
            Neurons { accumulators, multipliers: dense.weighted.multipliers, pre_shift: dense.weighted.pre_shift };
        K::sigmoids(neurons, activations);
        if dense.output == Output::U8 {
            // Requantize from Q15 to units of 1/255, rounded.
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
