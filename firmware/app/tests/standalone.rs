//! A standalone device, in virtual time.

mod support;

use pinhole_app::event::Event;
use pinhole_app::standalone::FrameResult;
use pinhole_shared::link::{Report, Request, Response};
use pinhole_shared::policy::{Decided, Verdict};
use support::world::{PACE, PICTURE_MS, World, seen, watch, watch_with};
use support::{PIXELS, SIDE, frame_of, infer, model_file};

#[test]
fn it_looks_twice_a_second_and_shows_what_it_sees() {
    let world = World::new();
    let (answers, events) = watch(&world, 2_600);
    assert_eq!(*world.started_ms.borrow(), [0, 500, 1_000, 1_500, 2_000, 2_500]);
    let decided = infer(&seen()).1;
    assert!(world.shown.borrow().iter().all(|(_, frame)| *frame == FrameResult::Decided(decided)));
    assert_eq!(world.shown.borrow().len(), 6);
    assert_eq!(events.iter().filter(|event| **event == Event::Decided(decided)).count(), 6);
    assert_eq!(answers, []);
}

/// Two frames must agree: the first is unknown, and so is the first after a camera failure. An input of the host is no
/// frame.
#[test]
fn what_is_shown_is_smoothed() {
    let world = World::new();
    world.blind_until_ms.set(900);
    let input = [0; PIXELS];
    world.send(2_000, &Request::Input { offset: 0, pixels: &input });
    world.send(2_000, &Request::Classify { report: Report::Decision });
    watch_with(&model_file::tiny(SIDE).with_policy(0, 2, 2), &world, 5_000);
    let known = infer(&seen()).1;
    let shown: Vec<FrameResult> = world.shown.borrow().iter().map(|&(_, frame)| frame).collect();
    let unknown = FrameResult::Decided(Decided { verdict: Verdict::Unknown, ..known });
    assert_eq!(shown[..3], [FrameResult::Missing, unknown, FrameResult::Decided(known)]);
    assert!(shown.len() > 4 && shown[3..].iter().all(|&frame| frame == FrameResult::Decided(known)), "{shown:?}");
}

#[test]
fn a_camera_that_fails_is_tried_again_later_and_later() {
    let world = World::new();
    world.blind_until_ms.set(14_000);
    let (_, events) = watch(&world, 20_000);
    // Each wait begins after the failure: 1, 2, 4, then at most 5 seconds.
    let mut expected = vec![0, 1_070, 3_140, 7_210, 12_280];
    expected.extend((17_350..20_000).step_by(500));
    assert_eq!(*world.started_ms.borrow(), expected);
    let shown = world.shown.borrow();
    assert!(shown.iter().enumerate().all(|(index, (_, frame))| (*frame == FrameResult::Missing) == (index < 5)));
    assert_eq!(events.iter().filter(|event| matches!(event, Event::CaptureFailed(_))).count(), 5);
}

/// While the camera fails there are no pictures to miss, so none come before the answer to a host's next request.
#[test]
fn a_failing_camera_misses_no_pictures() {
    let world = World::new();
    world.blind_until_ms.set(14_000);
    // In the wait of 5 s before the first picture, and after it.
    world.send(12_400, &Request::Identify);
    world.send(17_600, &Request::Identify);
    let (answers, _) = watch(&world, 20_000);
    assert_eq!(answers.len(), 2);
    let started = world.started_ms.borrow();
    let [.., first, second] = started[..] else { panic!("{started:?}") };
    assert_eq!(first, 17_350, "{started:?}");
    // The pause after a request.
    assert!((19_600..19_700).contains(&second), "{started:?}");
}

/// A captured frame does not overwrite an input that the host is sending.
#[test]
fn a_host_is_answered_and_left_alone() {
    let world = World::new();
    let input: Vec<u8> = (0..PIXELS as u8).map(|index| index * 17).collect();
    world.send(1_100, &Request::Input { offset: 0, pixels: &input });
    world.send(3_000, &Request::Classify { report: Report::Decision });
    let (answers, _) = watch(&world, 6_000);
    assert_eq!(answers, [Response::Accepted, Response::Decided(infer(&input).1)]);
    // Captures resume two seconds after the last request at the earliest.
    let started = world.started_ms.borrow();
    assert_eq!(started[..3], [0, 500, 1_000]);
    assert!((5_000..5_030).contains(&started[3]), "{started:?}");
    assert!(started[4] == started[3] + 500, "{started:?}");
}

/// Half a request, then silence.
#[test]
fn a_host_that_falls_silent_holds_up_nothing() {
    let world = World::new();
    let frame = frame_of(&Request::Identify);
    world.sent.borrow_mut().extend(frame[..frame.len() - 1].iter().map(|&byte| (100, byte)));
    let (answers, _) = watch(&world, 2_600);
    assert_eq!(answers, []);
    assert_eq!(world.started_ms.borrow().len(), 6);
}

#[test]
fn a_chattering_link_starves_nothing() {
    let world = World::new();
    // These bytes contain no end of a frame: there is never anything to answer.
    world.sent.borrow_mut().extend((0..100_000).map(|_| (0, 0x55)));
    watch(&world, 2_600);
    assert_eq!(world.started_ms.borrow().len(), 6);
}

#[test]
fn the_watchdog_is_fed_whatever_happens() {
    let world = World::new();
    world.blind_until_ms.set(30_000);
    world.send(10_000, &Request::Capture { report: Report::AllValues });
    watch(&world, 60_000);
    // Including the start and the end.
    let fed: Vec<u64> = [0].into_iter().chain(world.fed_ms.borrow().iter().copied()).chain([60_000]).collect();
    let longest = fed.windows(2).map(|two| two[1] - two[0]).max().unwrap();
    // A picture for the host and one of its own in one round, or a sleep.
    assert!(longest <= 2 * PICTURE_MS, "{longest} ms");
}

#[test]
fn retries_are_bounded() {
    assert_eq!(
        [0, 1, 2, 3, 4, 100, u32::MAX].map(|failures| PACE.retry_after_ms(failures)),
        [1_000, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000]
    );
}
