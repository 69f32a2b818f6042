//! Tests of a run whose model is quantized several times.

use pinhole_train::Stopped;
use pinhole_train::runs::{self, files};

use super::super::quantize::{FineTune, PolicyRequest, QuantizationError, QuantizeRequest, Quantized, quantize};
use super::super::train::Checkpoints;
use super::*;

/// Quantizes, and returns the events; the epochs of a training are checked elsewhere.
fn told(request: &QuantizeRequest, mut recorder: Recorder) -> (Quantized, Vec<Told>) {
    let quantized = quantize(request, &mut recorder).unwrap();
    (quantized, recorder.around_epochs())
}

const REWRITING: [Told; 2] = [Told::Progress(Progress::Begins(Task::RewritingReport)), ENDS];

#[test]
fn what_becomes_of_a_runs_model_is_told() {
    let temp = tempfile::tempdir().unwrap();
    let (training, run) = (super::request(temp.path()), temp.path().join("run"));
    trained(&training, &run, Checkpoints::None, &mut ());
    let plain = QuantizeRequest {
        model: run.clone(),
        photos: training.photos.clone(),
        options: PhotoOptions::default(),
        limit: None,
        activations: None,
        weights: Vec::new(),
        out: None,
        fine_tune: None,
        policy: PolicyRequest::default(),
    };

    // Narrower weights are compared with wider ones, and the run describes the new model.
    let narrow = QuantizeRequest { weights: vec![4], ..plain.clone() };
    let (quantized, facts) = told(&narrow, Recorder::default());
    assert_eq!(facts, REWRITING);
    assert!(quantized.table.unwrap().int8.is_some());
    assert_eq!(quantized.out, run.join(files::MODEL));
    let checksum = quantized.model.model().checksum();
    assert_eq!(runs::summary(&run).unwrap().model_checksum, checksum);

    // A new policy alone keeps the weights.
    let policy = PolicyRequest { min_confidence: Some(0.75), ..PolicyRequest::default() };
    let (quantized, facts) = told(&QuantizeRequest { policy, ..plain.clone() }, Recorder::default());
    assert_eq!(facts, [&REWRITING[..], &[Told::Note(Note::WeightsKept)]].concat());
    let policy = quantized.model.model().policy();
    assert_eq!(policy.min_probability().to_f64(), 0.75);

    // Without further settings, the bits stay, and the loss of the policy is reported.
    let (quantized, facts) = told(&plain, Recorder::default());
    let bits = Told::Note(Note::WeightBits { bits: vec![4, 4, 4] });
    let lost = Told::Note(Note::PolicyLost { policy });
    assert_eq!(facts, [std::slice::from_ref(&bits), &REWRITING[..], &[lost]].concat());
    assert_eq!(quantized.model.model().checksum(), checksum);

    // Fine-tuning that is stopped early.
    let fine_tune = Some(FineTune { epochs: 3, learning_rate: None });
    let tuned = QuantizeRequest { fine_tune, ..plain.clone() };
    let (quantized, facts) = told(&tuned, Recorder::stopping_after(1));
    let begins = Told::Progress(Progress::Begins(Task::Training { epochs: 3, after: 0, patience: None }));
    let expected = [
        bits,
        Told::Note(Note::HeldOutWereTrainedOn),
        begins,
        ENDS,
        Told::Note(Note::Interrupted { can_resume: false }),
    ];
    assert_eq!(facts, [&expected[..], &REWRITING[..]].concat());
    assert_eq!(quantized.fine_tuning.unwrap().stopped, Stopped::Interrupted);
    assert!(runs::summary(&run).unwrap().quantization.unwrap().fine_tuned);

    // The photos are gone: the report describes the earlier model.
    std::fs::rename(&training.photos, temp.path().join("elsewhere")).unwrap();
    let moved = QuantizeRequest { photos: temp.path().join("elsewhere"), ..plain };
    let (_, facts) = told(&moved, Recorder::default());
    let report = Note::ReportOfEarlierModel { report: run.join(files::REPORT), photos: training.photos };
    let bits = Told::Note(Note::WeightBits { bits: vec![4, 4, 4] });
    let lost = Told::Note(Note::FineTuningLost);
    assert_eq!(facts, [&[lost, bits], &REWRITING[..], &[Told::Note(report)]].concat());
}

/// The request is refused before any photo is read, and no event is reported.
#[test]
fn what_cannot_be_chosen_is_refused_at_once() {
    let temp = tempfile::tempdir().unwrap();
    let (training, run) = (super::request(temp.path()), temp.path().join("run"));
    trained(&training, &run, Checkpoints::None, &mut ());
    let policy = PolicyRequest { error_rate: Some(0.1), ..PolicyRequest::default() };
    let request = QuantizeRequest {
        model: run,
        photos: training.photos.clone(),
        options: PhotoOptions::default(),
        limit: None,
        activations: None,
        weights: Vec::new(),
        out: None,
        fine_tune: None,
        policy: policy.clone(),
    };
    let mut recorder = Recorder::default();
    let refused = quantize(&request, &mut recorder);
    assert!(matches!(refused, Err(QuantizationError::NoValidation)));
    let policy = PolicyRequest { validation: Some(training.photos), ..policy };
    let refused = quantize(&QuantizeRequest { policy, ..request }, &mut recorder);
    assert!(matches!(refused, Err(QuantizationError::TrainedOn { .. })));
    assert_eq!(recorder.told, []);
}
