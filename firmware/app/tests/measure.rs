//! Measurements, with a counter and a kernel of exactly known cost.

mod support;

use pinhole_app::event::Event;
use pinhole_shared::link::{Measured, Refusal, Report, Request, Response, Statistics, Unit};
use pinhole_shared::pixels::PixelFormat;
use support::{
    CountedScalar, DEPTH, FakeCamera, PIXELS, ROW_UNITS, STACK, frame_of, infer, serve_requests, serve_with,
};

fn camera() -> FakeCamera {
    FakeCamera::new(7, 5, PixelFormat::Gray8)
}

#[test]
fn every_unit_is_counted_once_and_reading_costs_nothing() {
    let input: Vec<u8> = (0..PIXELS as u8).map(|index| index * 17).collect();
    let requests = [Request::Input { offset: 0, pixels: &input }, Request::Measure, Request::Measure];
    let outcome = serve_with::<CountedScalar>(camera(), requests.iter().flat_map(frame_of).map(Ok));
    let measured = |part, macs: usize| Measured { part, unit: Unit::Cycles, count: macs as u64 };
    // 16 pixels -> 3 -> 2.
    let all = measured(0, PIXELS * 3 + 3 * 2);
    let mut expected = vec![Response::Accepted];
    for _ in 0..2 {
        expected.extend([all, measured(1, PIXELS * 3), measured(2, 3 * 2)].map(Response::Measured));
        expected.extend([Response::MeasuredStack(STACK), Response::Decided(infer(&input).1)]);
    }
    assert_eq!(outcome.responses, expected);
    assert_eq!(outcome.events, [Event::InputComplete, Event::Measured(all), Event::Measured(all)]);
    // Stack left by the first measurement, found by the second.
    assert_eq!(outcome.statistics, Statistics { stack_bytes: DEPTH + STACK, ..Statistics::default() });
}

#[test]
fn the_last_capture_and_inference_are_timed() {
    for report in [Report::Decision, Report::AllValues] {
        let requests = [Request::Capture { report }, Request::Statistics];
        let outcome = serve_with::<CountedScalar>(camera(), requests.iter().flat_map(frame_of).map(Ok));
        let Statistics { capture_us, inference_us, .. } = outcome.statistics;
        // Five rows; reporting takes no part of the inference's time.
        assert_eq!((capture_us, inference_us), (5 * ROW_UNITS, PIXELS as u32 * 3 + 3 * 2), "{report:?}");
        assert_eq!(outcome.responses.last(), Some(&Response::Statistics(outcome.statistics)));
    }
}

#[test]
fn without_an_input_there_is_nothing_to_measure() {
    let requests = [Request::Measure, Request::Input { offset: 0, pixels: &[1; 15] }, Request::Measure];
    let outcome = serve_requests(camera(), &requests);
    let refused = Response::Refused(Refusal::NoInput);
    assert_eq!(outcome.responses, [refused.clone(), Response::Accepted, refused]);
}
