//! A model run by a kernel of choice, in Rust, as it lies.

use pinhole_shared::engine::{Engine, LayerValues, Scratch, ScratchNeeds};
use pinhole_shared::kernel::Kernel;
use pinhole_shared::model::Model;

/// The input's pixels and every layer's outputs, if the kernel has the model's layouts. Memory is as much as is asked for,
/// and what was left there from before must not matter.
pub fn stages<K: Kernel>(model: &Model<'_>, input: &[u8]) -> Option<Vec<Vec<i32>>> {
    let needs = ScratchNeeds::of(model);
    let (mut accumulators, mut activations) = (vec![0x5A5A_5A5A; needs.accumulators], vec![0x5A5A; needs.activations]);
    let (mut lanes, mut arena) = (vec![0x5A5A_5A5A; needs.lanes], vec![0x5A; needs.arena]);
    let scratch = Scratch {
        accumulators: &mut accumulators,
        activations: &mut activations,
        lanes: &mut lanes,
        arena: &mut arena,
    };
    let mut engine = Engine::<K>::new(model, scratch).ok()?;
    let mut stages = vec![input.iter().map(|&pixel| i32::from(pixel)).collect()];
    let observe = |_: usize, values: LayerValues<'_>| {
        stages.push(match values {
            LayerValues::Bytes(values) => values.iter().map(|&value| i32::from(value)).collect(),
            LayerValues::Activations(values) => values.iter().map(|&value| i32::from(value)).collect(),
            LayerValues::Logits(values) => values.to_vec(),
        });
    };
    engine.run_observed(input, observe).expect("an input of the model's pixels");
    Some(stages)
}
