//! The proof of `demo` without an emulator: every bundled model, packed for each core, on the portable kernels, against
//! the host's engine.

use pinhole::device::PortableDevice;
use pinhole::model_file::Packing;
use pinhole::photos::read_unlabeled;
use pinhole::prove::{ProofInputs, prove};
use pinhole::runs::bundled::Bundled;
use pinhole_tests::{files_in, synthetic};

/// Integers of a proof outside the stages: class, probability and verdict.
const ANSWER: usize = 3;

/// Photos per model; a second one shows that no state is left from the first.
const PHOTOS: usize = 2;

#[test]
fn bundled_models_are_the_same_on_portable_kernels() {
    let mut photos = files_in(&synthetic("validation"));
    photos.truncate(PHOTOS);
    let models = Bundled::all();
    assert!(models.len() >= 4, "the bundled models are inside: {models:?}");
    for bundled in models {
        let model = bundled.model();
        let (inputs, _) = read_unlabeled(&photos, model.model().input()).unwrap();
        let stages = model.model().inputs() + model.model().layers().map(|layer| layer.outputs()).sum::<usize>();
        for packing in [Packing::Rows, Packing::CortexM4, Packing::CortexM0Plus] {
            let mut told = 0;
            let mut device = PortableDevice::new(&model, packing).unwrap();
            let proof = prove(&model, &mut device, ProofInputs::Inputs(&inputs), || told += 1).unwrap();
            assert_eq!((proof.mismatches, &proof.first), (0, &None), "{}, {packing:?}", bundled.name);
            assert_eq!((proof.photos, told), (PHOTOS, PHOTOS), "{}, {packing:?}", bundled.name);
            assert_eq!(
                proof.values,
                PHOTOS * (stages + ANSWER),
                "{}, {packing:?}: all values are compared",
                bundled.name
            );
            assert!(proof.holds() && proof.firmware.is_none());
        }
    }
}
