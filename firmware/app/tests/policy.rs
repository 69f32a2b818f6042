//! A device's answers under a policy: the model's or the host's, for one input or over the last captured frames.

mod support;

use std::collections::VecDeque;

use pinhole_app::camera::{Camera, CameraFault, Frame};
use pinhole_app::event::Event;
use pinhole_shared::decision::{Decision, Probability};
use pinhole_shared::kernel::Scalar;
use pinhole_shared::link::{Refusal, Report, Request, Response};
use pinhole_shared::pixels::PixelFormat;
use pinhole_shared::policy::{Policy, UncheckedPolicy, Verdict};
use support::{FakeCamera, Outcome, PIXELS, SIDE, frame_of, infer_with, model_file, serve_model};

const UNKNOWN: Verdict = Verdict::Unknown;
const CAPTURE: Request<'_> = Request::Capture { report: Report::Decision };
const CLASSIFY: Request<'_> = Request::Classify { report: Report::Decision };

type Picture = [u8; PIXELS];

/// A camera that shows one picture after the other; `None` is a failed capture.
struct Reel {
    camera: FakeCamera,
    pictures: VecDeque<Option<Picture>>,
}

impl Reel {
    fn of(pictures: &[Option<Picture>]) -> Self {
        Self { camera: FakeCamera::new(SIDE, SIDE, PixelFormat::Gray8), pictures: pictures.iter().copied().collect() }
    }
}

impl Camera for Reel {
    type Error = CameraFault;

    fn start(&mut self) -> Result<Frame, CameraFault> {
        let picture = self.pictures.pop_front().expect("one picture a capture").ok_or(CameraFault::Timeout)?;
        self.camera.rows = picture.to_vec();
        self.camera.start()
    }

    fn read_row(&mut self, row: &mut [u8]) -> Result<(), CameraFault> {
        self.camera.read_row(row)
    }
}

/// A model with one layer, so that its decision depends on the picture and is never certain.
fn model() -> model_file::ModelFile {
    model_file::encode(SIDE, &[model_file::logits(2)], 1)
}

fn decide(picture: &Picture) -> Decision {
    infer_with(&model(), picture).1.decision
}

/// Pictures of each class, the most or least probable of a few random ones.
struct Pictures {
    /// The most probable picture of class 0.
    zero: Picture,
    /// The most probable picture of class 1.
    one: Picture,
    /// The least probable picture of class 1.
    doubtful: Picture,
}

impl Pictures {
    fn find() -> Self {
        let mut state = 5_u64;
        let mut draw = || -> Picture {
            std::array::from_fn(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
        };
        let mut all: Vec<Picture> = (0..400).map(|_| draw()).collect();
        all.sort_by_key(|picture| decide(picture).probability);
        let of = |class: u16| all.iter().copied().filter(move |picture| decide(picture).class == class);
        let found =
            Self { zero: of(0).next_back().unwrap(), one: of(1).next_back().unwrap(), doubtful: of(1).next().unwrap() };
        assert!(decide(&found.doubtful).probability < found.threshold());
        found
    }

    /// Returns the largest threshold that both `zero` and `one` reach.
    fn threshold(&self) -> Probability {
        decide(&self.zero).probability.min(decide(&self.one).probability)
    }
}

/// Runs a device with this policy in its model and returns its responses to these requests.
fn serve(policy: (u32, u8, u8), pictures: &[Option<Picture>], requests: &[Request<'_>]) -> Outcome {
    let file = model().with_policy(policy.0, policy.1, policy.2);
    serve_model::<Scalar>(&file, Reel::of(pictures), requests.iter().flat_map(frame_of).map(Ok))
}

/// Returns the verdicts in the responses.
fn verdicts(outcome: &Outcome) -> Vec<Verdict> {
    let verdict = |response: &Response| match response {
        Response::Decided(decided) => Some(decided.verdict),
        _ => None,
    };
    outcome.responses.iter().filter_map(verdict).collect()
}

#[test]
fn an_improbable_class_is_unknown() {
    let pictures = Pictures::find();
    let Pictures { zero, one, doubtful } = pictures;
    let shown = [one, doubtful, zero];
    let requests: Vec<Request<'_>> =
        shown.iter().flat_map(|pixels| [Request::Input { offset: 0, pixels }, CLASSIFY]).collect();
    let outcome = serve((pictures.threshold().0, 0, 0), &[], &requests);
    assert_eq!(verdicts(&outcome), [Verdict::Class(1), UNKNOWN, Verdict::Class(0)]);
    // The decision is still reported, and logged with the verdict.
    let decided = outcome.responses.iter().filter_map(|response| match response {
        Response::Decided(decided) => Some(*decided),
        _ => None,
    });
    let decided: Vec<_> = decided.collect();
    assert_eq!(decided.iter().map(|decided| decided.decision).collect::<Vec<_>>(), shown.map(|shown| decide(&shown)));
    let logged = outcome.events.iter().filter_map(|event| match event {
        Event::Decided(decided) => Some(*decided),
        _ => None,
    });
    assert_eq!(logged.collect::<Vec<_>>(), decided);
    // One unit above the best probability: every answer is unknown.
    let highest = shown.map(|shown| decide(&shown).probability.0).into_iter().max().unwrap();
    assert_eq!(verdicts(&serve((highest + 1, 1, 1), &[], &requests)), [UNKNOWN; 3]);
}

/// Captured frames are smoothed; inputs from the host in between are judged alone and do not count as frames.
#[test]
fn captures_are_smoothed_and_inputs_are_not() {
    let pictures = Pictures::find();
    let Pictures { zero, one, doubtful } = pictures;
    let reel = [one, one, zero, doubtful, zero].map(Some);
    let requests =
        [CAPTURE, CAPTURE, Request::Input { offset: 0, pixels: &zero }, CLASSIFY, CLASSIFY, CAPTURE, CAPTURE, CAPTURE];
    let [zero, one] = [0, 1].map(Verdict::Class);
    let outcome = serve((pictures.threshold().0, 2, 3), &reel, &requests);
    assert_eq!(verdicts(&outcome), [UNKNOWN, one, zero, zero, one, UNKNOWN, zero]);
}

#[test]
fn a_failed_capture_ends_what_was_seen() {
    let Pictures { one, .. } = Pictures::find();
    let reel = [Some(one), Some(one), None, Some(one), Some(one)];
    let outcome = serve((0, 2, 2), &reel, &[CAPTURE, CAPTURE, CAPTURE, CAPTURE, CAPTURE]);
    assert_eq!(outcome.responses[2], Response::Refused(Refusal::Camera));
    let one = Verdict::Class(1);
    assert_eq!(verdicts(&outcome), [UNKNOWN, one, UNKNOWN, one]);
}

#[test]
fn the_host_sets_another_policy_and_the_frames_start_anew() {
    let pictures = Pictures::find();
    let Pictures { one, doubtful, .. } = pictures;
    let set = Policy::new(pictures.threshold(), 2, 3).unwrap();
    let requests = [
        Request::Policy,
        CAPTURE,
        CAPTURE,
        Request::SetPolicy(set.into()),
        Request::Policy,
        CAPTURE,
        CAPTURE,
        CAPTURE,
        Request::SetPolicy(Policy::NONE.into()),
        CAPTURE,
    ];
    let reel = [doubtful, doubtful, one, one, doubtful, doubtful].map(Some);
    let outcome = serve((0, 0, 0), &reel, &requests);
    let answers = &outcome.responses;
    assert_eq!([&answers[0], &answers[4]], [&Response::Policy(Policy::NONE), &Response::Policy(set)]);
    assert_eq!([&answers[3], &answers[8]], [&Response::Accepted; 2]);
    let one = Verdict::Class(1);
    assert_eq!(verdicts(&outcome), [one, one, UNKNOWN, one, one, one]);
    assert!(outcome.events.contains(&Event::PolicySet(set)), "{:?}", outcome.events);
}

#[test]
fn a_policy_that_is_none_is_refused_and_changes_nothing() {
    let own = Policy::new(Probability(40_000), 3, 5).unwrap();
    let good = UncheckedPolicy::from(own);
    let bad = [
        UncheckedPolicy { min_probability: Probability(65_537), ..good },
        UncheckedPolicy { needed: 0, window: 0, ..good },
        UncheckedPolicy { needed: 2, window: 4, ..good },
        UncheckedPolicy { needed: 6, ..good },
        UncheckedPolicy { needed: 17, window: 17, ..good },
        UncheckedPolicy { needed: 255, window: 255, ..good },
    ];
    let requests: Vec<Request<'_>> = bad.map(Request::SetPolicy).into_iter().chain([Request::Policy]).collect();
    let outcome = serve((40_000, 3, 5), &[], &requests);
    assert_eq!(outcome.responses[..bad.len()], [const { Response::Refused(Refusal::Policy) }; 6]);
    assert_eq!(outcome.responses[bad.len()], Response::Policy(own));
    assert_eq!(outcome.statistics.link_faults, 0, "understood, and refused");
}

/// A measurement judges one input alone.
#[test]
fn a_measurement_ends_with_a_verdict_too() {
    let pictures = Pictures::find();
    let requests = [Request::Input { offset: 0, pixels: &pictures.doubtful }, Request::Measure];
    assert_eq!(verdicts(&serve((pictures.threshold().0, 2, 2), &[], &requests)), [UNKNOWN]);
    let requests = [Request::Input { offset: 0, pixels: &pictures.one }, Request::Measure];
    assert_eq!(verdicts(&serve((pictures.threshold().0, 2, 2), &[], &requests)), [Verdict::Class(1)]);
}
