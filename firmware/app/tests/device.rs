//! A device with a fake camera and an in-memory link: every request, and every reason to refuse one.

mod support;

use embedded_io::ErrorKind;
use pinhole_app::camera::CameraFault;
use pinhole_app::capture::{Buffers, CaptureError};
use pinhole_app::device::{Device, DeviceError, Parts};
use pinhole_app::event::Event;
use pinhole_shared::engine::Engine;
use pinhole_shared::kernel::Scalar;
use pinhole_shared::link::frame::FrameError;
use pinhole_shared::link::{CHUNK_VALUES, Identity, PROTOCOL, Refusal, Report, Request, Response, Values};
use pinhole_shared::model::Model;
use pinhole_shared::pixels::{InputShape, PIPELINE_ID, PictureSize, PixelError, PixelFormat, Shrink};
use support::{FakeCamera, FakeCounter, PIXELS, SIDE, frame_of, infer, model_file, scratch, serve, serve_requests};

const IDENTIFY: Request<'_> = Request::Identify;

fn camera() -> FakeCamera {
    FakeCamera::new(7, 5, PixelFormat::Gray8)
}

fn input() -> Vec<u8> {
    (0..PIXELS as u8).map(|index| index * 17).collect()
}

fn classify(report: Report) -> Request<'static> {
    Request::Classify { report }
}

fn capture(report: Report) -> Request<'static> {
    Request::Capture { report }
}

fn refused(refusal: Refusal) -> Response {
    Response::Refused(refusal)
}

/// Returns the stages in the values of these responses, which must be in order.
fn stages_of(responses: &[Response]) -> Vec<Vec<i32>> {
    let mut stages: Vec<Vec<i32>> = Vec::new();
    for response in responses {
        let Response::Values(Values { stage, offset, values }) = response else { panic!("{response:?}") };
        if *offset == 0 {
            stages.push(Vec::new());
        }
        assert_eq!((usize::from(*stage) + 1, *offset as usize), (stages.len(), stages.last().unwrap().len()));
        stages.last_mut().unwrap().extend(values);
    }
    stages
}

#[test]
fn it_says_who_it_is() {
    let file = model_file::tiny(SIDE);
    let model = Model::parse(file.bytes()).unwrap();
    let outcome = serve_requests(camera(), &[IDENTIFY]);
    let identity = Identity {
        protocol: PROTOCOL,
        board: "test".try_into().unwrap(),
        kernel: "scalar".try_into().unwrap(),
        pipeline: PIPELINE_ID,
        model_checksum: model.checksum(),
        model_bytes: model.file_bytes(),
        input_height: SIDE,
        input_width: SIDE,
        classes: 2,
    };
    assert_eq!(outcome.responses, [Response::Identity(identity)]);
    assert_eq!(outcome.events, [Event::Identified]);
}

#[test]
fn an_input_in_pieces_is_classified_as_the_engine_does() {
    let input = input();
    let (first, second) = input.split_at(5);
    let requests = [
        Request::Input { offset: 0, pixels: first },
        Request::Input { offset: 5, pixels: second },
        classify(Report::AllValues),
        classify(Report::Decision),
        Request::Statistics,
    ];
    let outcome = serve_requests(camera(), &requests);
    let (stages, decided) = infer(&input);
    let [Response::Accepted, Response::Accepted, values @ .., all, again, counters] = &outcome.responses[..] else {
        panic!("{:?}", outcome.responses)
    };
    assert_eq!(stages_of(values), stages);
    assert_eq!(*all, Response::Decided(decided));
    assert_eq!(*again, Response::Decided(decided), "the input stays");
    assert_eq!(*counters, Response::Statistics(outcome.statistics));
    assert_eq!((outcome.statistics.decisions, outcome.statistics.captures), (2, 0));
    assert_eq!(outcome.statistics.brightness, 128); // mean of 0, 17, ..., 255 is 127.5
    assert_eq!(outcome.events, [Event::InputComplete, Event::Decided(decided), Event::Decided(decided)]);
}

#[test]
fn long_stages_come_in_chunks() {
    let side = 12;
    let file = model_file::tiny(side);
    let model = Model::parse(file.bytes()).unwrap();
    let (mut accumulators, mut activations) = ([0; 3], [0; 3]);
    let engine = Engine::<Scalar>::new(&model, scratch(&mut accumulators, &mut activations)).unwrap();
    let pixels: Vec<u8> = (0..144).collect();
    let mut link = support::Wire::default();
    for request in [Request::Input { offset: 0, pixels: &pixels }, classify(Report::AllValues)] {
        link.incoming.extend(frame_of(&request).into_iter().map(Ok));
    }
    let written = link.written.clone();
    let buffers = Buffers { input: &mut [0; 144], row: &mut [], sums: &mut [0; 12] };
    let parts = Parts { board: "test", engine, camera: camera(), link, counter: FakeCounter::default(), buffers };
    Device::new(parts, |_: &Event| ()).unwrap().serve();
    let responses = support::responses_in(&written.borrow());
    let lengths: Vec<usize> = responses
        .iter()
        .filter_map(|response| if let Response::Values(values) = response { Some(values.values.len()) } else { None })
        .collect();
    assert_eq!(lengths, [CHUNK_VALUES, CHUNK_VALUES, 144 - 2 * CHUNK_VALUES, 3, 2]);
    assert_eq!(stages_of(&responses[1..responses.len() - 1])[0], (0..144).collect::<Vec<i32>>());
}

#[test]
fn pixels_out_of_order_are_refused_and_change_nothing() {
    let input = input();
    let accepted = Response::Accepted;
    let at = |offset: u32, pixels| Request::Input { offset, pixels };
    let requests = [
        classify(Report::Decision),
        at(1, &input[..1]),
        at(0, &input[..6]),
        at(7, &input[7..]),
        at(5, &input[5..]),
        at(u32::MAX, &input[..1]),
        classify(Report::Decision),
        at(6, &input[5..]), // one pixel too many
        at(6, &input[6..]),
        at(16, &input[..1]),
        classify(Report::Decision),
    ];
    let outcome = serve_requests(camera(), &requests);
    let (_, decided) = infer(&input);
    assert_eq!(
        outcome.responses,
        [
            refused(Refusal::NoInput),
            refused(Refusal::WrongOffset),
            accepted.clone(),
            refused(Refusal::WrongOffset),
            refused(Refusal::WrongOffset),
            refused(Refusal::WrongOffset),
            refused(Refusal::NoInput),
            refused(Refusal::WrongOffset),
            accepted,
            refused(Refusal::WrongOffset),
            Response::Decided(decided),
        ]
    );
}

#[test]
fn an_input_starts_over_at_0() {
    let input = input();
    let requests = [
        Request::Input { offset: 0, pixels: &[9; 10] },
        Request::Input { offset: 0, pixels: &input },
        classify(Report::Decision),
        Request::Input { offset: 0, pixels: &input[..3] },
        classify(Report::Decision),
    ];
    let outcome = serve_requests(camera(), &requests);
    assert_eq!(outcome.responses[2], Response::Decided(infer(&input).1));
    assert_eq!(outcome.responses[4], refused(Refusal::NoInput));
}

#[test]
fn a_captured_picture_goes_through_the_pixel_pipeline() {
    for format in [PixelFormat::Gray8, PixelFormat::Yuv422, PixelFormat::Rgb565, PixelFormat::Rgb888] {
        let camera = FakeCamera::new(7, 9, format);
        let (mut sums, mut input) = ([0; SIDE as usize], [0; PIXELS]);
        let mut shrink = Shrink::new(camera.frame.size, format, InputShape::gray(SIDE), &mut sums, &mut input).unwrap();
        for row in camera.rows.chunks_exact(camera.frame.row_bytes()) {
            shrink.row(row).unwrap();
        }
        shrink.finish().unwrap();

        let frame = camera.frame;
        let requests = [capture(Report::AllValues), capture(Report::Decision), classify(Report::Decision)];
        let outcome = serve_requests(camera, &requests);
        let (stages, decided) = infer(&input);
        let [values @ .., first, second, third] = &outcome.responses[..] else { panic!("{:?}", outcome.responses) };
        assert_eq!(stages_of(values), stages, "{format:?}");
        assert_eq!([first, second], [&Response::Decided(decided); 2]);
        assert_eq!(*third, refused(Refusal::NoInput), "a picture is no input of the host's");
        assert_eq!((outcome.statistics.captures, outcome.statistics.decisions), (2, 2));
        assert_eq!(outcome.events[..2], [Event::Captured(frame), Event::Decided(decided)]);
    }
}

#[test]
fn camera_faults_are_counted_and_survived() {
    let timeout = FakeCamera { start_fault: Some(CameraFault::Timeout), ..camera() };
    let damaged = FakeCamera { row_fault: Some((3, CameraFault::Damaged)), ..camera() };
    for (camera, fault) in [(timeout, CameraFault::Timeout), (damaged, CameraFault::Damaged)] {
        let outcome = serve_requests(camera, &[capture(Report::AllValues), capture(Report::Decision), IDENTIFY]);
        assert_eq!(outcome.responses[..2], [refused(Refusal::Camera), refused(Refusal::Camera)]);
        assert!(matches!(outcome.responses[2], Response::Identity(_)));
        assert_eq!((outcome.statistics.camera_faults, outcome.statistics.captures), (2, 0));
        let expected = [Event::CaptureFailed(CaptureError::Camera(fault)), Event::Refused(Refusal::Camera)];
        assert_eq!(outcome.events[..2], expected);
    }
}

#[test]
fn pictures_that_do_not_suit_are_refused() {
    let square = |side| PictureSize { width: side, height: side };
    let too_small = PixelError::TooSmall { seen: square(3), needed: square(SIDE) };
    let wide = CaptureError::RowTooLong { expected: 66, got: 64 };
    for (camera, error) in [
        (FakeCamera::new(3, 90, PixelFormat::Gray8), CaptureError::Pixels(too_small)),
        (FakeCamera::new(33, 33, PixelFormat::Yuv422), wide),
    ] {
        let outcome = serve_requests(camera, &[capture(Report::Decision)]);
        assert_eq!(outcome.responses, [refused(Refusal::Picture)]);
        assert_eq!(outcome.events, [Event::CaptureFailed(error), Event::Refused(Refusal::Picture)]);
        assert_eq!(outcome.statistics.camera_faults, 0);
    }
}

#[test]
fn a_failed_capture_takes_the_input_with_it() {
    let input = input();
    let camera = FakeCamera { row_fault: Some((4, CameraFault::Damaged)), ..camera() };
    let requests =
        [Request::Input { offset: 0, pixels: &input }, capture(Report::Decision), classify(Report::Decision)];
    let outcome = serve_requests(camera, &requests);
    assert_eq!(outcome.responses[1..], [refused(Refusal::Camera), refused(Refusal::NoInput)]);
}

#[test]
fn a_damaged_frame_is_answered_and_counted() {
    let frame = frame_of(&capture(Report::Decision));
    let mut damaged = frame.clone();
    damaged[1] ^= 1;
    let too_long = [vec![1; 1000], vec![0]].concat();
    let outcome = serve(camera(), [damaged, too_long, frame_of(&IDENTIFY)].concat().into_iter().map(Ok));
    let [first, second, Response::Identity(_)] = &outcome.responses[..] else { panic!("{:?}", outcome.responses) };
    assert_eq!([first, second], [&refused(Refusal::Garbled); 2]);
    assert_eq!(outcome.statistics.link_faults, 2);
    assert_eq!(outcome.events[0], Event::FrameFault(FrameError::Damaged));
    assert_eq!(outcome.events[2], Event::FrameFault(FrameError::TooLong));
}

#[test]
fn an_error_of_the_stream_between_bytes_is_survived() {
    let frame = frame_of(&IDENTIFY);
    let (first, second) = frame.split_at(2);
    let bytes = |bytes: &[u8]| bytes.iter().map(|&byte| Ok(byte)).collect::<Vec<_>>();
    let incoming = [bytes(first), vec![Err(ErrorKind::Other)], bytes(second)].concat();
    let outcome = serve(camera(), incoming);
    assert!(matches!(outcome.responses[..], [Response::Identity(_)]));
    assert_eq!(outcome.events, [Event::LinkFault(ErrorKind::Other), Event::Identified]);
}

#[test]
fn short_buffers_are_refused_at_the_start() {
    let file = model_file::tiny(SIDE);
    let model = Model::parse(file.bytes()).unwrap();
    let try_with = |input: &mut [u8], sums: &mut [u64]| {
        let (mut accumulators, mut activations) = ([0; 3], [0; 3]);
        let engine = Engine::<Scalar>::new(&model, scratch(&mut accumulators, &mut activations)).unwrap();
        let buffers = Buffers { input, row: &mut [], sums };
        let parts = Parts {
            board: "test",
            engine,
            camera: camera(),
            link: support::Wire::default(),
            counter: FakeCounter::default(),
            buffers,
        };
        Device::new(parts, |_: &Event| ()).err()
    };
    assert_eq!(try_with(&mut [0; 15], &mut [0; 4]), Some(DeviceError::InputBuffer { expected: 16, got: 15 }));
    assert_eq!(try_with(&mut [0; 16], &mut [0; 3]), Some(DeviceError::SumsBuffer { expected: 4, got: 3 }));
    assert_eq!(try_with(&mut [0; 16], &mut [0; 4]), None);
}
