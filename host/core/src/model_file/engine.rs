//! The shared engine on the host.

use pinhole_shared::decision::Decision;
use pinhole_shared::engine::{Engine, LayerValues, Scratch, ScratchNeeds};
use pinhole_shared::kernel::Scalar;
use pinhole_shared::model::{Layer, Model};

use super::portable::integers;
use crate::inference::Inference;

/// The shared engine with its own working memory.
///
/// A dense first layer is nearly all of the work. Its weights are widened to 16 bits once, so that the compiler can multiply
/// and add pairs in one instruction. The order of its sums differs from [`Scalar`]'s; modulo 2^32 they are the same.
#[derive(Debug)]
pub struct HostEngine<'f> {
    model: Model<'f>,
    /// Weights of a dense first layer, row-major; else empty.
    first_weights: Vec<i16>,
    /// Input widened to 16 bits.
    widened: Vec<i16>,
    accumulators: Vec<i32>,
    activations: Vec<i16>,
    arena: Vec<u8>,
}

impl<'f> HostEngine<'f> {
    pub(super) fn new(model: Model<'f>) -> Self {
        let needs = ScratchNeeds::of(&model);
        let mut first_weights = Vec::new();
        if let Some(Layer::Dense(first)) = model.layers().next() {
            let weights = first.weighted.operands.weights;
            for row in 0..weights.outputs() {
                first_weights.extend((0..weights.inputs()).map(|column| i16::from(weights.get(row, column))));
            }
        }
        Self {
            first_weights,
            widened: vec![0; model.inputs()],
            accumulators: vec![0; needs.accumulators],
            activations: vec![0; needs.activations],
            arena: vec![0; needs.arena],
            model,
        }
    }

    /// Returns the model that this engine runs.
    pub fn model(&self) -> &Model<'f> {
        &self.model
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

    /// Returns the accumulators of a dense first layer for one input: the start of [`HostEngine::logits_from`]. Empty if the
    /// first layer is not dense.
    ///
    /// # Panics
    /// If the input does not have `inputs()` pixels.
    pub fn first_accumulators(&mut self, input: &[u8]) -> Vec<i32> {
        assert_eq!(input.len(), self.model.inputs(), "pixels of the input");
        let Some(Layer::Dense(first)) = self.model.layers().next() else { return Vec::new() };
        let mut accumulators = first.weighted.operands.biases.to_vec();
        add_products(&self.first_weights, input, &mut self.widened, &mut accumulators);
        accumulators
    }

    /// Returns the logits of one input, Q16.
    ///
    /// # Panics
    /// If the input does not have `inputs()` pixels.
    pub fn logits(&mut self, input: &[u8]) -> &[i32] {
        self.run(input);
        &self.accumulators[..usize::from(self.model.classes())]
    }

    /// Returns the logits, Q16, from the accumulators of a dense first layer.
    ///
    /// # Panics
    /// If there is not one for each output of the first layer.
    pub fn logits_from(&mut self, first_accumulators: &[i32]) -> &[i32] {
        self.shared().run_from(|_, work| work.accumulators.copy_from_slice(first_accumulators), |_, _| ());
        // The last layer writes its logits over its accumulators.
        &self.accumulators[..usize::from(self.model.classes())]
    }

    fn run_observed(&mut self, input: &[u8], mut observe: impl FnMut(LayerValues<'_>)) -> Decision {
        if self.first_weights.is_empty() {
            let observe = |_: usize, values: LayerValues<'_>| observe(values);
            return self.shared().run_observed(input, observe).expect("an input of the model's pixels");
        }
        let first = self.first_accumulators(input);
        self.shared().run_from(|_, work| work.accumulators.copy_from_slice(&first), |_, values| observe(values))
    }

    fn shared(&mut self) -> Engine<'_, '_, Scalar> {
        let scratch = Scratch {
            accumulators: &mut self.accumulators,
            activations: &mut self.activations,
            scratch: &mut [],
            arena: &mut self.arena,
        };
        Engine::new(&self.model, scratch).expect("the buffers were sized for this model, whose weights are row-major")
    }
}

/// Adds the products of row-major weights and an input to the sum of each row. `widened` receives the input in 16 bits.
fn add_products(weights: &[i16], input: &[u8], widened: &mut [i16], sums: &mut [i32]) {
    for (wide, &pixel) in widened.iter_mut().zip(input) {
        *wide = i16::from(pixel);
    }
    for (sum, row) in sums.iter_mut().zip(weights.chunks_exact(input.len().max(1))) {
        let products = row.iter().zip(&*widened).map(|(&weight, &pixel)| i32::from(weight) * i32::from(pixel));
        *sum = products.fold(*sum, i32::wrapping_add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use pinhole_shared::kernel::{DenseOperands, Kernel as _, Work};
    use pinhole_shared::layout::{Layout, Weights};

    /// Covers all lengths around a vector's, with extreme values.
    #[test]
    fn the_first_layer_is_the_scalar_kernels() {
        let mut random = Random::seeded(1);
        for inputs in 1..100 {
            let mut draw = || (random.below(300) as i32 - 150).clamp(-127, 127);
            let bytes: Vec<u8> = (0..inputs * 3).map(|_| draw() as u8).collect();
            let input: Vec<u8> = (0..inputs).map(|_| (draw() + 128) as u8).collect();
            let weights = Weights::new(Layout::Rows8, &bytes, inputs, 3, 0).unwrap();
            let biases = [5, -7, i32::MAX / 2];
            let mut expected = [0; 3];
            let work = Work { accumulators: &mut expected, scratch: &mut [] };
            Scalar::dense_u8(DenseOperands { weights, biases: &biases }, &input, work);
            let wide: Vec<i16> = bytes.iter().map(|&byte| i16::from(byte as i8)).collect();
            let mut sums = biases;
            add_products(&wide, &input, &mut vec![0; inputs], &mut sums);
            assert_eq!(sums, expected, "{inputs} inputs");
        }
    }
}
