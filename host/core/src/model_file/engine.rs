//! The shared engine on the host.

use pinhole_shared::decision::Decision;
use pinhole_shared::engine::{Engine, LayerValues, Overrides, Scratch, ScratchNeeds};
use pinhole_shared::kernel::{Kernel as _, Scalar, Work};
use pinhole_shared::layer::Dense;
use pinhole_shared::model::{Layer, Model};
use rayon::prelude::*;

use super::portable::integers;
use crate::inference::Inference;
use crate::simd::{Instructions, SimdLayers};

/// The shared engine with its own working memory. Convolutions, and a dense layer that reads bytes, are computed with the machine's
/// vector instructions ([`crate::simd`]). The order of their sums differs from [`Scalar`]'s; modulo 2^32 they are the same.
#[derive(Clone, Debug)]
pub struct HostEngine<'f> {
    model: Model<'f>,
    simd: SimdLayers,
    accumulators: Vec<i32>,
    activations: Vec<i16>,
    arena: Vec<u8>,
    /// Stands for the input where nothing reads it; empty until then.
    no_pixels: Vec<u8>,
}

impl<'f> HostEngine<'f> {
    /// Creates an engine for a model with row-major weights. The machine must have the instructions.
    pub(super) fn new(model: Model<'f>, instructions: Instructions) -> Self {
        let needs = ScratchNeeds::of(&model);
        Self {
            simd: SimdLayers::new(&model, instructions),
            accumulators: vec![0; needs.accumulators],
            activations: vec![0; needs.activations],
            arena: vec![0; needs.arena],
            no_pixels: Vec::new(),
            model,
        }
    }

    /// Returns the model that this engine runs.
    pub fn model(&self) -> &Model<'f> {
        &self.model
    }

    /// Returns the instructions that this engine uses.
    pub fn instructions(&self) -> Instructions {
        self.simd.instructions()
    }

    /// Classifies one input.
    ///
    /// # Panics
    /// If the input does not have `inputs()` pixels.
    pub fn run(&mut self, input: &[u8]) -> Decision {
        self.run_observed(input, |_| ())
    }

    /// Classifies one input and keeps the integers of every stage.
    ///
    /// # Panics
    /// If the input does not have `inputs()` pixels.
    pub fn run_all(&mut self, input: &[u8]) -> Inference {
        let mut stages = vec![input.iter().map(|&pixel| i32::from(pixel)).collect()];
        let decision = self.run_observed(input, |values| stages.push(integers(values)));
        Inference { stages, decision, verdict: self.model.policy().judge(decision) }
    }

    /// Returns what `of` makes of each item, in their order, on all cores. `of` gets an engine, whose state must not matter, and an
    /// item.
    pub fn map<I: Sync, T: Send>(&self, items: &[I], of: impl Fn(&mut Self, &I) -> T + Sync) -> Vec<T> {
        // A piece for each thread, with a copy of the buffers.
        let piece = items.len().div_ceil(rayon::current_num_threads()).max(1);
        let of_piece = |items: &[I]| {
            let mut engine = self.clone();
            items.iter().map(|item| of(&mut engine, item)).collect::<Vec<_>>()
        };
        items.par_chunks(piece).flat_map_iter(of_piece).collect()
    }

    /// Returns the accumulators of a dense first layer for one input: the start of [`HostEngine::logits_from`]. Empty if the
    /// first layer is not dense.
    ///
    /// # Panics
    /// If the input does not have `inputs()` pixels.
    pub fn first_accumulators(&mut self, input: &[u8]) -> Vec<i32> {
        assert_eq!(input.len(), self.model.inputs(), "pixels of the input");
        let Some(Layer::Dense(first)) = self.model.layers().next() else { return Vec::new() };
        let operands = first.weighted.operands;
        let mut accumulators = vec![0; operands.weights.outputs()];
        if !self.simd.dense(0, &first, input, &mut accumulators) {
            Scalar::dense_u8(operands, input, Work { accumulators: &mut accumulators, scratch: &mut [] });
        }
        accumulators
    }

    /// Classifies one input, and returns its logits too, Q16.
    ///
    /// # Panics
    /// If the input does not have `inputs()` pixels.
    pub fn run_to_logits(&mut self, input: &[u8]) -> (Decision, &[i32]) {
        let decision = self.run(input);
        // The last layer writes its logits over its accumulators.
        (decision, &self.accumulators[..usize::from(self.model.classes())])
    }

    /// Returns the logits of one input, Q16.
    ///
    /// # Panics
    /// If the input does not have `inputs()` pixels.
    pub fn logits(&mut self, input: &[u8]) -> &[i32] {
        self.run_to_logits(input).1
    }

    /// Returns the logits, Q16, from the accumulators of a dense first layer.
    ///
    /// # Panics
    /// If the first layer is not dense, or if there is not one accumulator for each of its outputs.
    pub fn logits_from(&mut self, first_accumulators: &[i32]) -> &[i32] {
        self.no_pixels.resize(self.model.inputs(), 0);
        let (mut engine, _, no_pixels) = self.parts();
        let decision = engine.run_with(no_pixels, &mut KnownSums(first_accumulators), |_, _| ());
        decision.expect("an input of the model's pixels");
        &self.accumulators[..usize::from(self.model.classes())]
    }

    fn run_observed(&mut self, input: &[u8], mut observe: impl FnMut(LayerValues<'_>)) -> Decision {
        let (mut engine, simd, _) = self.parts();
        engine.run_with(input, simd, |_, values| observe(values)).expect("an input of the model's pixels")
    }

    /// Returns the shared engine, the layers that are computed instead, and what stands for an input.
    fn parts(&mut self) -> (Engine<'_, '_, Scalar>, &mut SimdLayers, &[u8]) {
        let scratch = Scratch {
            accumulators: &mut self.accumulators,
            activations: &mut self.activations,
            scratch: &mut [],
            arena: &mut self.arena,
        };
        let engine = Engine::new(&self.model, scratch);
        let engine = engine.expect("the buffers were sized for this model, whose weights are row-major");
        (engine, &mut self.simd, &self.no_pixels)
    }
}

/// Sums of the first layer, which is dense, that are known already.
struct KnownSums<'a>(&'a [i32]);

impl Overrides for KnownSums<'_> {
    fn dense(&mut self, _: usize, _: &Dense<'_>, _: &[u8], accumulators: &mut [i32]) -> bool {
        accumulators.copy_from_slice(self.0);
        true
    }

    fn tensor(&mut self, _: usize, _: &Layer<'_>, _: &[u8], _: &mut [u8]) -> bool {
        panic!("the first layer is not dense")
    }
}
