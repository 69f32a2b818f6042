//! Any bytes as a model file: as they are, and as they would be with a right start and checksum. What parsing accepts
//! must run, within the ranges its layers state and twice the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pinhole_shared::decision::Decision;
use pinhole_shared::engine::{Engine, LayerValues, Scratch, ScratchNeeds};
use pinhole_shared::kernel::{Dsp, Kernel, Pairs, PortableDsp, PortablePairs, Scalar};
use pinhole_shared::model::{Activation, HEADER_BYTES, Layer, MAGIC, Model, VERSION, seal};

/// A fuzzed picture of more pixels says nothing that a smaller one does not.
const MAX_PIXELS: usize = 1 << 16;

fuzz_target!(|data: &[u8]| {
    // One pad for both: parsing wants an address that is a multiple of 4, and libFuzzer promises none.
    let mut pad = vec![0_u8; data.len().next_multiple_of(16).max(HEADER_BYTES) + 3];
    let start = pad.as_ptr().align_offset(4);
    let pad = &mut pad[start..];

    let raw = &mut pad[..data.len()];
    raw.copy_from_slice(data);
    run_if_accepted(raw);

    let whole = data.len().next_multiple_of(16).max(HEADER_BYTES);
    let resealed = &mut pad[..whole];
    resealed[..4].copy_from_slice(&MAGIC);
    resealed[4..6].copy_from_slice(&VERSION.to_le_bytes());
    resealed[8..12].copy_from_slice(&(whole as u32).to_le_bytes());
    seal(resealed);
    run_if_accepted(resealed);
});

fn run_if_accepted(file: &[u8]) {
    let Ok(model) = Model::parse(file) else { return };
    assert_eq!(model.class_names().count(), usize::from(model.classes()));
    if model.inputs() > MAX_PIXELS {
        return;
    }
    let noise = file.iter().cycle().take(model.inputs()).copied().collect();
    for input in [vec![0; model.inputs()], vec![255; model.inputs()], noise] {
        for run in [run::<Scalar>, run::<Dsp<PortableDsp>>, run::<Pairs<PortablePairs>>] {
            // A model whose layouts are not one kernel's is run by none.
            let Some(decision) = run(&model, &input, 0) else { continue };
            assert!(decision.class < model.classes() && decision.probability.0 <= 1 << 16);
            // Whatever the working memory held before.
            assert_eq!(run(&model, &input, -1), Some(decision));
        }
    }
}

fn run<K: Kernel>(model: &Model<'_>, input: &[u8], before: i16) -> Option<Decision> {
    let needs = ScratchNeeds::of(model);
    let mut accumulators = vec![i32::from(before); needs.accumulators];
    let mut activations = vec![before; needs.activations];
    let mut lanes = vec![before as u32; needs.lanes];
    let mut arena = vec![before as u8; needs.arena];
    let scratch = Scratch {
        accumulators: &mut accumulators,
        activations: &mut activations,
        lanes: &mut lanes,
        arena: &mut arena,
    };
    // There is as much room as it needs, so what can be wrong is the layout.
    let mut engine = Engine::<K>::new(model, scratch).ok()?;
    let observe = |index: usize, values: LayerValues<'_>| {
        let layer = model.layers().nth(index).expect("as many as are shown");
        let (mut low, high) = layer.output().range();
        if matches!(layer, Layer::Dense(dense) if dense.activation != Activation::Linear) {
            low = 0;
        }
        match values {
            LayerValues::Bytes(values) => assert_eq!(values.len(), layer.outputs()),
            LayerValues::Activations(values) => {
                assert!(values.iter().all(|&value| (low..=high).contains(&i32::from(value))));
            }
            // Requantization gives no more than 2^30.
            LayerValues::Logits(values) => assert!(values.iter().all(|value| value.unsigned_abs() <= 1 << 30)),
        }
    };
    Some(engine.run_observed(input, observe).expect("the input is as long as the model's"))
}
