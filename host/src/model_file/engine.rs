//! The shared engine on the host.

use pinhole_shared::decision::Decision;
use pinhole_shared::engine::{Engine, LayerValues, Scratch, ScratchNeeds};
use pinhole_shared::kernel::{Kernel as _, Scalar, Work};
use pinhole_shared::model::{Layer, Model};

use crate::inference::Inference;

/// The shared engine with working memory of its own.
#[derive(Debug)]
pub struct HostEngine<'f> {
    model: Model<'f>,
    accumulators: Vec<i32>,
    activations: Vec<i16>,
}

impl<'f> HostEngine<'f> {
    pub(super) fn new(model: Model<'f>) -> Self {
        let needs = ScratchNeeds::of(&model);
        Self { model, accumulators: vec![0; needs.accumulators], activations: vec![0; needs.activations] }
    }

    /// The model it runs.
    pub fn model(&self) -> &Model<'f> {
        &self.model
    }

    /// Classifies one input.
    ///
    /// # Panics
    /// If the input has not `inputs()` pixels.
    pub fn run(&mut self, input: &[u8]) -> Decision {
        self.run_observed(input, |_| ())
    }

    /// Classifies one input and keeps every integer on the way.
    ///
    /// # Panics
    /// If the input has not `inputs()` pixels.
    pub fn run_all(&mut self, input: &[u8]) -> Inference {
        let mut stages = vec![input.iter().map(|&pixel| i32::from(pixel)).collect()];
        let decision = self.run_observed(input, |values| {
            stages.push(match values {
                LayerValues::Activations(values) => values.iter().map(|&value| i32::from(value)).collect(),
                LayerValues::Logits(values) => values.to_vec(),
            });
        });
        Inference { stages, decision }
    }

    /// The first layer's accumulators for one input: what [`HostEngine::logits_from`] starts with.
    ///
    /// # Panics
    /// If the input has not `inputs()` pixels.
    pub fn first_accumulators(&self, input: &[u8]) -> Vec<i32> {
        assert_eq!(input.len(), self.model.inputs(), "pixels of the input");
        let Some(Layer::Dense(first)) = self.model.layers().first() else { return Vec::new() };
        let mut accumulators = vec![0; first.operands.biases.len()];
        Scalar::dense_u8(first.operands, input, Work { accumulators: &mut accumulators, lanes: &mut [] });
        accumulators
    }

    /// The logits, Q16, of the input whose first layer's accumulators these are.
    ///
    /// # Panics
    /// If they are not one for each output of the first layer.
    pub fn logits_from(&mut self, first_accumulators: &[i32]) -> &[i32] {
        self.shared().run_from(|_, work| work.accumulators.copy_from_slice(first_accumulators), |_, _| ());
        // The last layer's accumulators became the logits where they lay.
        &self.accumulators[..usize::from(self.model.classes())]
    }

    fn run_observed(&mut self, input: &[u8], mut observe: impl FnMut(LayerValues<'_>)) -> Decision {
        self.shared().run_observed(input, |_, values| observe(values)).expect("the input is as long as the model's")
    }

    fn shared(&mut self) -> Engine<'_, '_, Scalar> {
        let scratch =
            Scratch { accumulators: &mut self.accumulators, activations: &mut self.activations, lanes: &mut [] };
        Engine::new(&self.model, scratch).expect("the buffers were sized for this model, whose weights are row-major")
    }
}
