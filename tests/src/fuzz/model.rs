//! Any bytes as a model file: unchanged, and with a correct start and checksum. Accepted files must run, with values
//! within the ranges of their layers, and give the same results twice, on devices' kernels and by the host's vector instructions.

use pinhole::model_file::ModelFile;
use pinhole::simd::Instructions;
use pinhole_shared::decision::Decision;
use pinhole_shared::engine::{Engine, LayerValues, Scratch, ScratchNeeds};
use pinhole_shared::kernel::{Dsp, DualMac, Kernel, PortableDsp, PortableDualMac, Scalar};
use pinhole_shared::model::{Activation, HEADER_BYTES, Layer, MAGIC, Model, VERSION, seal};

/// Larger fuzzed pictures test nothing that a smaller one does not.
const MAX_PIXELS: usize = 1 << 16;

/// Reads the bytes as a model file. Returns true if it is accepted, as it is or with a correct start.
///
/// # Panics
/// If an accepted file does not run as it must.
pub fn case(data: &[u8]) -> bool {
    // One buffer for both: parsing requires an address that is a multiple of 4, which libFuzzer does not guarantee.
    let mut pad = vec![0_u8; data.len().next_multiple_of(16).max(HEADER_BYTES) + 3];
    let start = pad.as_ptr().align_offset(4);
    let pad = &mut pad[start..];

    let raw = &mut pad[..data.len()];
    raw.copy_from_slice(data);
    let is_accepted = run_if_accepted(raw);

    let whole = data.len().next_multiple_of(16).max(HEADER_BYTES);
    let resealed = &mut pad[..whole];
    resealed[..4].copy_from_slice(&MAGIC);
    resealed[4..6].copy_from_slice(&VERSION.to_le_bytes());
    resealed[8..12].copy_from_slice(&(whole as u32).to_le_bytes());
    seal(resealed);
    run_if_accepted(resealed) | is_accepted
}

fn run_if_accepted(file: &[u8]) -> bool {
    let Ok(model) = Model::parse(file) else { return false };
    assert_eq!(model.class_names().count(), usize::from(model.classes()));
    if model.inputs() > MAX_PIXELS || is_slow(&model) {
        return true;
    }
    // The host's engine takes rows only.
    let host = ModelFile::from_bytes(file).ok().filter(|host| host.bytes() == file);
    let mut engines: Vec<_> =
        host.iter().flat_map(|host| Instructions::available().into_iter().map(|one| host.engine_with(one))).collect();
    let noise = file.iter().cycle().take(model.inputs()).copied().collect();
    for input in [vec![0; model.inputs()], vec![255; model.inputs()], noise] {
        if let Some(expected) = run::<Scalar>(&model, &input, 0) {
            engines.iter_mut().for_each(|engine| assert_eq!(engine.run(&input), expected, "{}", engine.instructions()));
        }
        for run in [run::<Scalar>, run::<Dsp<PortableDsp>>, run::<DualMac<PortableDualMac>>] {
            // No kernel runs a model with layouts of several kernels.
            let Some(decision) = run(&model, &input, 0) else { continue };
            assert!(decision.class < model.classes() && decision.probability.0 <= 1 << 16);
            // The result does not depend on earlier contents of the working memory.
            assert_eq!(run(&model, &input, -1), Some(decision));
        }
    }
    true
}

/// Most elementary operations of a model that is run: a changed window can make a small file slow.
const MAX_OPERATIONS: u32 = 1 << 22;

fn is_slow(model: &Model<'_>) -> bool {
    model.operations() > MAX_OPERATIONS
}

fn run<K: Kernel>(model: &Model<'_>, input: &[u8], before: i16) -> Option<Decision> {
    let needs = ScratchNeeds::of(model);
    let mut accumulators = vec![i32::from(before); needs.accumulators];
    let mut activations = vec![before; needs.activations];
    let mut scratch = vec![before as u32; needs.scratch];
    let mut arena = vec![before as u8; needs.arena];
    let scratch = Scratch {
        accumulators: &mut accumulators,
        activations: &mut activations,
        scratch: &mut scratch,
        arena: &mut arena,
    };
    // The buffers have the needed size, so only the layout can be wrong.
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
            // Requantization gives at most 2^30.
            LayerValues::Logits(values) => assert!(values.iter().all(|value| value.unsigned_abs() <= 1 << 30)),
        }
    };
    Some(engine.run_observed(input, observe).expect("the input is as long as the model's"))
}
