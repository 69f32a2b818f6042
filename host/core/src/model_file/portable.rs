//! Runs packed models on the PC, by the portable versions of the devices' kernels: the same algorithm, instruction by
//! instruction, in Rust instead of assembly.

use pinhole_shared::engine::{Engine, LayerValues, Scratch, ScratchNeeds};
use pinhole_shared::kernel::Kernel;
use pinhole_shared::model::Model;

use super::Packing;
use crate::inference::Inference;

/// Runs a model by kernel `K` and keeps the integers of every stage. Returns `None` if the kernel does not support the
/// model's layouts.
///
/// Working memory is exactly as large as the model requires. It is filled with a pattern, which must not affect the result.
///
/// # Panics
/// If the input does not have the model's number of bytes.
pub fn run_all<K: Kernel>(model: &Model<'_>, input: &[u8]) -> Option<Inference> {
    let needs = ScratchNeeds::of(model);
    let (mut accumulators, mut activations) = (vec![0x5A5A_5A5A; needs.accumulators], vec![0x5A5A; needs.activations]);
    let (mut scratch, mut arena) = (vec![0x5A5A_5A5A; needs.scratch], vec![0x5A; needs.arena]);
    let scratch = Scratch {
        accumulators: &mut accumulators,
        activations: &mut activations,
        scratch: &mut scratch,
        arena: &mut arena,
    };
    let mut engine = Engine::<K>::new(model, scratch).ok()?;
    let mut stages = vec![input.iter().map(|&pixel| i32::from(pixel)).collect()];
    let decision = engine.run_observed(input, |_, values| stages.push(integers(values)));
    let decision = decision.expect("an input of the model's pixels");
    Some(Inference { stages, decision, verdict: model.policy().judge(decision) })
}

/// Runs [`run_all`] by the portable version of a packing's kernel.
pub fn run_all_packed(packing: Packing, model: &Model<'_>, input: &[u8]) -> Option<Inference> {
    (packing.kernel().run_all)(model, input)
}

/// The portable version of a kernel.
#[derive(Clone, Copy, Debug)]
pub struct PortableKernel {
    /// Name of the kernel: [`Kernel::NAME`].
    pub name: &'static str,
    run_all: fn(&Model<'_>, &[u8]) -> Option<Inference>,
}

impl PortableKernel {
    pub(super) fn of<K: Kernel>() -> Self {
        Self { name: K::NAME, run_all: run_all::<K> }
    }
}

/// Returns a layer's outputs as integers.
pub(super) fn integers(values: LayerValues<'_>) -> Vec<i32> {
    match values {
        LayerValues::Bytes(values) => values.iter().map(|&value| i32::from(value)).collect(),
        LayerValues::Activations(values) => values.iter().map(|&value| i32::from(value)).collect(),
        LayerValues::Logits(values) => values.to_vec(),
    }
}
