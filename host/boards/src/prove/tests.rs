//! Tests of the proof with devices that give wrong answers or fail.

use std::path::{Path, PathBuf};

use pinhole_core::model_file::Packing;
use pinhole_core::photos::{Picture, read_unlabeled};
use pinhole_shared::decision::Probability;
use pinhole_shared::link::{Identity, Statistics};
use pinhole_shared::policy::Verdict;

use super::*;
use crate::device::{ClientError, PortableDevice};

fn data(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data")).join(path)
}

/// Returns a model with two hidden layers and two classes.
fn model() -> ModelFile {
    ModelFile::read(&data("models/drawn/model.pinhole")).unwrap()
}

/// Number of values: its stages, and class, probability and verdict.
const VALUES: usize = 2500 + 128 + 16 + 2 + 3;

fn photos() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        std::fs::read_dir(data("validation")).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.extension().is_some_and(|extension| extension == "png" || extension == "jpg"));
    all.sort();
    all.truncate(4);
    assert_eq!(all.len(), 4);
    all
}

/// Change that a device makes to a result.
type Lie = fn(&mut Inference);

/// A portable device with faults.
#[derive(Debug)]
struct Fake {
    inner: PortableDevice,
    /// Index of the wrong answer, from 0, and the change.
    lie: Option<(usize, Lie)>,
    /// Number of answers before some get lost.
    answers_before: usize,
    /// Number of answers that then get lost before this device answers again. They are computed, so it has processed
    /// their frames.
    lost: u32,
    /// Error that reports a lost answer.
    error: fn() -> ClientError,
    is_lossy: bool,
    /// Pictures that its camera sees; if empty, the picture that is shown to it.
    world: Vec<Picture>,
    answers: usize,
}

impl Fake {
    fn new(model: &ModelFile) -> Self {
        let inner = PortableDevice::new(model, Packing::CortexM4).unwrap();
        let error = || ClientError::Timeout;
        let (lie, world) = (None, Vec::new());
        Self { inner, lie, answers_before: 0, lost: 0, error, is_lossy: true, world, answers: 0 }
    }

    fn lying(answer: usize, lie: Lie) -> Self {
        Self { lie: Some((answer, lie)), ..Self::new(&model()) }
    }

    fn losing(lost: u32, error: fn() -> ClientError) -> Self {
        Self { lost, error, ..Self::new(&model()) }
    }

    fn answer(&mut self, mut inference: Inference) -> Result<Inference, InferenceDeviceError> {
        if self.lost > 0 && self.answers >= self.answers_before {
            self.lost -= 1;
            return Err((self.error)().into());
        }
        if let Some((answer, lie)) = self.lie
            && answer == self.answers
        {
            lie(&mut inference);
        }
        self.answers += 1;
        Ok(inference)
    }
}

impl InferenceDevice for Fake {
    fn identity(&self) -> &Identity {
        self.inner.identity()
    }

    fn classify(&mut self, input: &[u8], report: Report) -> Result<Inference, InferenceDeviceError> {
        let inference = self.inner.classify(input, report)?;
        self.answer(inference)
    }

    fn show(&mut self, picture: Picture) -> Result<(), InferenceDeviceError> {
        if self.world.is_empty() { self.inner.show(picture) } else { Err(InferenceDeviceError::OwnCamera) }
    }

    fn capture(&mut self, report: Report) -> Result<Inference, InferenceDeviceError> {
        if let Some(picture) = self.world.first().cloned() {
            self.world.rotate_left(1);
            self.inner.show(picture)?;
        }
        let inference = self.inner.capture(report)?;
        self.answer(inference)
    }

    fn policy(&mut self) -> Result<Policy, InferenceDeviceError> {
        self.inner.policy()
    }

    fn set_policy(&mut self, policy: Policy) -> Result<(), InferenceDeviceError> {
        self.inner.set_policy(policy)
    }

    fn statistics(&mut self) -> Result<Statistics, InferenceDeviceError> {
        self.inner.statistics()
    }

    fn is_lossy(&self) -> bool {
        self.is_lossy
    }
}

/// Checks all ways in which pictures enter a device.
fn each_way(mut check: impl FnMut(ProofInputs<'_>, Vec<Picture>)) {
    let photos = photos();
    let (inputs, _) = read_unlabeled(&photos, model().model().input()).unwrap();
    check(ProofInputs::Photos(&photos), Vec::new());
    check(ProofInputs::Inputs(&inputs), Vec::new());
    check(ProofInputs::Captures(4), photos.iter().map(|photo| decode::read(photo).unwrap()).collect());
}

#[test]
fn a_device_that_computes_the_same_is_proven_every_way() {
    each_way(|pictures, world| {
        let (mut told, mut device) = (0, Fake { world, ..Fake::new(&model()) });
        let proof = prove(&model(), &mut device, pictures, || told += 1).unwrap();
        assert!(proof.holds(), "{pictures:?}: {proof:?}");
        assert_eq!((proof.photos, proof.values, told, proof.repeated), (4, 4 * VALUES, 4, 0), "{pictures:?}");
        assert_eq!(proof.firmware, None);
        // Each picture is classified once.
        assert_eq!(device.statistics().unwrap().decisions, 4, "{pictures:?}");
    });
}

#[test]
fn a_lie_in_one_integer_is_found_where_it_is() {
    let lies: [(Lie, &str, usize); 5] = [
        (|inference| inference.stages[1][77] += 1, "layer 0", 77),
        (|inference| inference.stages[3][1] -= 1, "layer 2", 1),
        (|inference| inference.decision.class ^= 1, "class", 0),
        (|inference| inference.decision.probability.0 += 1, "probability", 0),
        (|inference| inference.verdict = Verdict::Class(7), "verdict (-1 is unknown)", 0),
    ];
    each_way(|pictures, world| {
        for (lie, location, index) in lies {
            let mut device = Fake { world: world.clone(), ..Fake::lying(2, lie) };
            let proof = prove(&model(), &mut device, pictures, || ()).unwrap();
            assert!(!proof.holds());
            assert_eq!((proof.photos, proof.values, proof.mismatches), (4, 4 * VALUES, 1), "{pictures:?}");
            let first = proof.first.unwrap();
            assert_eq!((first.location.as_str(), first.index), (location, index), "{pictures:?}");
            assert_ne!(first.host, first.board);
            let picture = match pictures {
                ProofInputs::Photos(photos) => photos[2].clone(),
                ProofInputs::Inputs(inputs) => inputs[2].path.clone(),
                ProofInputs::Captures(_) => "capture 3".into(),
            };
            assert_eq!(first.photo, picture);
        }
    });
}

#[test]
fn a_lie_about_pixels_is_found_in_pixels_where_the_host_has_them() {
    let mut device = Fake::lying(0, |inference| inference.stages[0][3] ^= 1);
    let photos = photos();
    let first = prove(&model(), &mut device, ProofInputs::Photos(&photos), || ()).unwrap().first.unwrap();
    assert_eq!((first.photo, first.location.as_str(), first.index), (photos[0].clone(), "pixels", 3));
    // The JSON field names for scripts.
    let proof = prove(&model(), &mut Fake::lying(0, |all| all.stages[0][3] ^= 1), ProofInputs::Photos(&photos), || ());
    let json = serde_json::to_value(proof.unwrap()).unwrap();
    let names = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&json), ["first", "mismatches", "photos", "values"]);
    assert_eq!(names(&json["first"]), ["board", "host", "index", "photo", "place"]);
    assert_eq!(json["first"]["place"], "pixels");
}

/// Pixels that are missing in a capture are differences and do not cause a panic.
#[test]
fn pixels_that_are_missing_differ() {
    let world = photos().iter().map(|photo| decode::read(photo).unwrap()).collect();
    let mut device = Fake { world, ..Fake::lying(1, |inference| inference.stages.clear()) };
    let proof = prove(&model(), &mut device, ProofInputs::Captures(2), || ()).unwrap();
    let first = proof.first.unwrap();
    assert_eq!((first.photo.to_str(), first.location.as_str(), first.index), (Some("capture 2"), "pixels", 0));
    assert_eq!((first.host, first.board), (Some(0), None));
}

#[test]
fn what_fails_in_passing_is_asked_again_three_times() {
    each_way(|pictures, world| {
        let mut device = Fake { world: world.clone(), ..Fake::losing(3, || ClientError::Timeout) };
        let proof = prove(&model(), &mut device, pictures, || ()).unwrap();
        assert!(proof.holds(), "{pictures:?}: {proof:?}");
        assert_eq!((proof.values, proof.repeated), (4 * VALUES, 3), "{pictures:?}");

        let gone = |mut device: Fake| prove(&model(), &mut device, pictures, || ()).unwrap_err();
        let error = gone(Fake { world: world.clone(), ..Fake::losing(4, || ClientError::Timeout) });
        assert!(matches!(error, ProveError::Device(InferenceDeviceError::Request(ClientError::Timeout))), "{error:?}");
        // This device loses nothing, so nothing is repeated; nor is an error that will not pass.
        gone(Fake { world: world.clone(), is_lossy: false, ..Fake::losing(1, || ClientError::Timeout) });
        let error = gone(Fake { world: world.clone(), ..Fake::losing(1, || ClientError::Closed) });
        assert_eq!(error.to_string(), "the device closed the link");
    });
}

/// After a lost answer, only the device has processed the frame. Both sides forget earlier frames before the next one;
/// otherwise the smoothed verdicts would differ.
#[test]
fn after_a_lost_answer_both_sides_forget_the_frames() {
    let pictures: Vec<Picture> = photos().iter().map(|photo| decode::read(photo).unwrap()).collect();
    let policy = Policy::new(Probability(0), 2, 2).unwrap();
    // The first answer gets lost, or the second, when the host has seen a frame too.
    for answers_before in [0, 1] {
        // All frames are of one picture: the second one in a row is an answer.
        let world = vec![pictures[0].clone(); 2];
        let mut device = Fake { world, answers_before, ..Fake::losing(1, || ClientError::Timeout) };
        device.set_policy(policy).unwrap();
        let proof = prove(&model(), &mut device, ProofInputs::Captures(3), || ()).unwrap();
        assert!(proof.holds(), "{answers_before}: {proof:?}");
        assert_eq!(proof.repeated, 1);
        // The device still has its own policy and the frames of the proof before.
        assert_eq!(device.policy().unwrap(), policy);
        assert_ne!(device.capture(Report::Decision).unwrap().verdict, Verdict::Unknown);
    }
}

/// Photos shown to the camera are judged by the model's policy, all others by the device's own.
#[test]
fn the_policy_is_the_models_or_the_devices() {
    let model = model();
    let never = Policy::new(Probability(65_536), 1, 1).unwrap();
    each_way(|pictures, world| {
        let mut device = Fake { world, ..Fake::new(&model) };
        device.set_policy(never).unwrap();
        let proof = prove(&model, &mut device, pictures, || ()).unwrap();
        assert_eq!(proof.holds(), !matches!(pictures, ProofInputs::Photos(_)), "{pictures:?}");
        let location = proof.first.map(|first| first.location);
        assert!(location.is_none_or(|location| location.starts_with("verdict")));
    });
}

#[test]
fn a_device_with_its_own_camera_is_shown_no_photos() {
    let photos = photos();
    let world = vec![decode::read(&photos[0]).unwrap()];
    let mut device = Fake { world, ..Fake::new(&model()) };
    let error = prove(&model(), &mut device, ProofInputs::Photos(&photos), || ()).unwrap_err();
    assert!(matches!(error, ProveError::Device(InferenceDeviceError::OwnCamera)), "{error:?}");
    let mut device = Fake::new(&model());
    let error = prove(&model(), &mut device, ProofInputs::Photos(&["no such photo".into()]), || ()).unwrap_err();
    assert!(matches!(error, ProveError::Photo(_)), "{error:?}");
}
