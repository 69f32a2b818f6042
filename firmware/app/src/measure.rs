//! Measures the cost of an inference with the board's counter.

use core::hint::black_box;

use pinhole_shared::decision::Decision;
use pinhole_shared::engine::{Engine, EngineError, LayerValues};
use pinhole_shared::kernel::Kernel;
use pinhole_shared::model::MAX_LAYERS;

use crate::counter::Counter;

/// Cost of one inference, in units of the counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Costs {
    /// The whole inference, not observed.
    pub(crate) whole: u64,
    /// Cost of each layer, in the network's order; only the model's number of layers is used.
    pub(crate) layers: [u64; MAX_LAYERS],
    /// Stack of the whole inference, bytes.
    pub(crate) stack_bytes: u32,
    /// Decision of the inference.
    pub(crate) decision: Decision,
}

/// Classifies an input and calls the observer with every layer's outputs.
///
/// All inferences of the device use this function, observed or not, and the observer is a dynamic call. So there is one
/// piece of machine code, and the measured code is the code that classifies. (With a generic observer the compiler made
/// three copies, two of which differed by 7 % in instructions.)
///
/// # Errors
/// Those of [`Engine::run_observed`].
#[inline(never)]
pub(crate) fn run<K: Kernel>(
    engine: &mut Engine<'_, '_, K>,
    input: &[u8],
    observe: &mut dyn FnMut(usize, LayerValues<'_>),
) -> Result<Decision, EngineError> {
    engine.run_observed(input, black_box(observe))
}

/// Measures the cost of classifying this input. Calls `feed` before every inference, outside of what is measured.
///
/// # Errors
/// Those of [`Engine::run_observed`].
pub(crate) fn measure<K: Kernel, N: Counter>(
    engine: &mut Engine<'_, '_, K>,
    counter: &mut N,
    input: &[u8],
    feed: &mut dyn FnMut(),
) -> Result<Costs, EngineError> {
    feed();
    counter.paint_stack();
    let depth = counter.stack_depth();
    let decision = counter.bracket(|| run(engine, input, &mut |_, _| ()))?;
    let stack_bytes = counter.deepest_stack().saturating_sub(depth);
    let (mut reading, mut whole) = (Sums::default(), Sums::default());
    let (mut observing, mut layers) = (Sums::default(), Sums::default());
    for round in 0..N::ROUNDS {
        // No round may be compiled separately: it would have its own instructions.
        let round = black_box(round);
        let mut readings = Readings::default();
        counter.start(round);
        readings.take(0, counter);
        readings.take(1, counter);
        reading.add(&readings);

        feed();
        counter.start(round);
        readings.take(0, counter);
        run(engine, input, &mut |_, _| ())?;
        readings.take(1, counter);
        whole.add(&readings);

        counter.start(round);
        let mut observer = |layer: usize, _: LayerValues<'_>| readings.take(layer + 1, counter);
        let observe: &mut dyn FnMut(usize, LayerValues<'_>) = black_box(&mut observer);
        observe(0, LayerValues::Logits(&[]));
        observe(1, LayerValues::Logits(&[]));
        observing.add(&readings);

        feed();
        counter.start(round);
        readings.take(0, counter);
        run(engine, input, &mut |layer, _| readings.take(layer + 1, counter))?;
        layers.add(&readings);
    }
    let ([reading, ..], [whole, ..], [_, observing, ..]) = (reading.0, whole.0, observing.0);
    // A part is below the cost of observing only if a counter breaks its contract.
    let layers = layers.0.map(|layer| layer.saturating_sub(observing));
    Ok(Costs { whole: whole.saturating_sub(reading), layers, stack_bytes, decision })
}

/// Readings at the boundaries of an inference's parts.
struct Readings([u32; MAX_LAYERS + 1]);

impl Default for Readings {
    fn default() -> Self {
        Self([0; _])
    }
}

impl Readings {
    /// Takes a reading at a point. Always the same code, so that its cost can be subtracted.
    #[inline(never)]
    fn take<N: Counter>(&mut self, point: usize, counter: &mut N) {
        if let Some(reading) = self.0.get_mut(point) {
            *reading = counter.read();
        }
    }
}

/// Sum over the rounds for each part between two points; meaningless after the last point taken.
#[derive(Default)]
struct Sums([u64; MAX_LAYERS]);

impl Sums {
    fn add(&mut self, readings: &Readings) {
        let next = readings.0.iter().skip(1);
        for ((sum, before), after) in self.0.iter_mut().zip(&readings.0).zip(next) {
            *sum += u64::from(after.wrapping_sub(*before));
        }
    }
}
