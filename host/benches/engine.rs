//! Classification on the host, inputs a second, one thread: with the integer engine as `evaluate` and `prove` run it, by each kind
//! of vector instructions that this machine has, and with each kernel's portable twin, whose speed matters to nobody but the tests.
//! `litert.py` measures the bundled networks with LiteRT.

use std::ops::ControlFlow;

use pinhole::model_file::{ModelFile, Packing};
use pinhole::quantize::{ActivationBits, quantize};
use pinhole::recipe::{DEFAULT, Recipe};
use pinhole::train::{Network, train};
use pinhole_core::data;
use pinhole_core::simd::Instructions;
use pinhole_core::testing::{in_turn, noise};
use pinhole_shared::engine::{Engine, Scratch, ScratchNeeds};
use pinhole_shared::kernel::{Dsp, DualMac, Kernel, PortableDsp, PortableDualMac, Scalar};

/// Inputs in one measurement.
const INPUTS: usize = 64;

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 50)]
fn default_model(bencher: divan::Bencher<'_, '_>) {
    let (model, inputs) = model_and_inputs();
    let mut engine = model.engine();
    bencher.counter(divan::counter::ItemsCount::new(INPUTS)).bench_local(|| {
        for input in &inputs {
            divan::black_box(engine.run(divan::black_box(input)));
        }
    });
}

#[divan::bench(sample_count = 50, args = Instructions::available())]
fn conv_96(bencher: divan::Bencher<'_, '_>, instructions: Instructions) {
    bundled(bencher, "conv-96", instructions);
}

#[divan::bench(sample_count = 50, args = Instructions::available())]
fn conv_50(bencher: divan::Bencher<'_, '_>, instructions: Instructions) {
    bundled(bencher, "conv-50", instructions);
}

#[divan::bench(sample_count = 50, args = Instructions::available())]
fn conv_50_tiny(bencher: divan::Bencher<'_, '_>, instructions: Instructions) {
    bundled(bencher, "conv-50-tiny", instructions);
}

/// A bundled network, by these vector instructions.
fn bundled(bencher: divan::Bencher<'_, '_>, name: &str, instructions: Instructions) {
    let file = data::file(&format!("models/{name}/model.pinhole")).expect("it is bundled");
    let file = ModelFile::from_bytes(file).expect("it is sound");
    let input: Vec<u8> = (0..file.model().inputs()).map(|place| (place * 7 % 251) as u8).collect();
    let mut engine = file.engine_with(instructions);
    bencher
        .counter(divan::counter::ItemsCount::new(1_usize))
        .bench_local(|| divan::black_box(engine.run(divan::black_box(&input))));
}

/// The reference.
#[divan::bench(sample_count = 50)]
fn scalar(bencher: divan::Bencher<'_, '_>) {
    kernel::<Scalar>(bencher, Packing::Rows);
}

#[divan::bench(sample_count = 50)]
fn dsp_portable(bencher: divan::Bencher<'_, '_>) {
    kernel::<Dsp<PortableDsp>>(bencher, Packing::CortexM4);
}

#[divan::bench(sample_count = 50)]
fn pairs_portable(bencher: divan::Bencher<'_, '_>) {
    kernel::<DualMac<PortableDualMac>>(bencher, Packing::CortexM0Plus);
}

fn kernel<K: Kernel>(bencher: divan::Bencher<'_, '_>, packing: Packing) {
    let (file, inputs) = model_and_inputs();
    let packed = file.packed(packing).expect("all weights fit");
    let model = packed.model();
    let needs = ScratchNeeds::of(&model);
    let (mut accumulators, mut activations) = (vec![0; needs.accumulators], vec![0; needs.activations]);
    let (mut scratch, mut arena) = (vec![0; needs.scratch], vec![0; needs.arena]);
    let scratch = Scratch {
        accumulators: &mut accumulators,
        activations: &mut activations,
        scratch: &mut scratch,
        arena: &mut arena,
    };
    let mut engine = Engine::<K>::new(&model, scratch).expect("the model was packed for this kernel");
    bencher.counter(divan::counter::ItemsCount::new(INPUTS)).bench_local(|| {
        for input in &inputs {
            let _ = divan::black_box(engine.run(divan::black_box(input)));
        }
    });
}

/// The default recipe's model. Hardly trained and on noise: the kernel's time depends on neither.
fn model_and_inputs() -> (ModelFile, Vec<Vec<u8>>) {
    let mut recipe = Recipe::find(DEFAULT).expect("it ships with Pinhole");
    recipe.training.epochs = 1;
    let photos = noise(recipe.input(), &["chihuahua", "muffin"], in_turn(INPUTS, 2), 1);
    let inputs = photos.examples.iter().map(|example| example.pixels.clone()).collect();
    let network = Network::new(&recipe, &photos.classes, 1).expect("there is memory for it");
    let outcome = train(network, &photos, &photos, 1, |_| ControlFlow::Continue(()));
    let network = outcome.expect("the default recipe trains").network;
    (quantize(&network, &photos, ActivationBits::default()).expect("a new network has ordinary weights"), inputs)
}
