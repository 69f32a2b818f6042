//! A standalone device, in virtual time.

mod support;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write};
use pinhole_app::camera::{Camera, CameraFault, Frame};
use pinhole_app::capture::Buffers;
use pinhole_app::device::{Device, Parts};
use pinhole_app::event::Event;
use pinhole_app::standalone::{FrameResult, Pace, Platform, StandaloneLoop};
use pinhole_shared::engine::Engine;
use pinhole_shared::kernel::Scalar;
use pinhole_shared::link::{Report, Request, Response};
use pinhole_shared::model::Model;
use pinhole_shared::pixels::{InputShape, PixelFormat, Shrink};
use pinhole_shared::policy::{Decided, Verdict};
use support::{FakeCamera, FakeCounter, PIXELS, SIDE, frame_of, infer, model_file, responses_in, scratch};

/// Duration of a capture, ms.
const PICTURE_MS: u64 = 70;
const PACE: Pace = Pace { frame_ms: 500, host_quiet_ms: 2_000, first_retry_ms: 1_000, longest_retry_ms: 5_000 };

/// External events, by time.
#[derive(Default)]
struct World {
    now_ms: Cell<u64>,
    /// Bytes that the host sends, with their times.
    sent: RefCell<VecDeque<(u64, u8)>>,
    written: RefCell<Vec<u8>>,
    /// The camera fails before this time, ms.
    blind_until_ms: Cell<u64>,
    started_ms: RefCell<Vec<u64>>,
    shown: RefCell<Vec<(u64, FrameResult)>>,
    fed_ms: RefCell<Vec<u64>>,
}

#[derive(Clone)]
struct Here(Rc<World>);

impl ErrorType for Here {
    type Error = ErrorKind;
}

impl ReadReady for Here {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(self.0.sent.borrow().front().is_some_and(|&(at, _)| at <= self.0.now_ms.get()))
    }
}

impl Read for Here {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, ErrorKind> {
        assert!(self.read_ready()?, "the device waits for a host");
        bytes[0] = self.0.sent.borrow_mut().pop_front().unwrap().1;
        Ok(1)
    }
}

impl Write for Here {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        self.0.written.borrow_mut().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl Platform for Here {
    fn now_ms(&mut self) -> u64 {
        self.0.now_ms.get()
    }

    fn sleep(&mut self, ms: u32) {
        assert!(ms > 0, "a sleep of no time is a loop that burns");
        self.0.now_ms.set(self.0.now_ms.get() + u64::from(ms));
    }

    fn feed_watchdog(&mut self) {
        self.0.fed_ms.borrow_mut().push(self.0.now_ms.get());
    }

    fn show(&mut self, frame: FrameResult) {
        self.0.shown.borrow_mut().push((self.0.now_ms.get(), frame));
    }
}

struct Eye {
    camera: FakeCamera,
    world: Rc<World>,
}

impl Camera for Eye {
    type Error = CameraFault;

    fn start(&mut self) -> Result<Frame, CameraFault> {
        let now = self.world.now_ms.get();
        self.world.started_ms.borrow_mut().push(now);
        self.world.now_ms.set(now + PICTURE_MS);
        if now < self.world.blind_until_ms.get() { Err(CameraFault::Timeout) } else { self.camera.start() }
    }

    fn read_row(&mut self, row: &mut [u8]) -> Result<(), CameraFault> {
        self.camera.read_row(row)
    }
}

fn camera() -> FakeCamera {
    FakeCamera::new(7, 5, PixelFormat::Gray8)
}

/// Returns the input made from the fake camera's picture.
fn seen() -> Vec<u8> {
    let camera = camera();
    let (mut sums, mut output) = ([0; SIDE as usize], [0; PIXELS]);
    let mut shrink =
        Shrink::new(camera.frame.size, camera.frame.format, InputShape::gray(SIDE), &mut sums, &mut output).unwrap();
    camera.rows.chunks(camera.frame.row_bytes()).for_each(|row| shrink.row(row).unwrap());
    shrink.finish().unwrap();
    output.to_vec()
}

/// Runs a device in this world until `until_ms`. Returns its responses to the host, and its log.
fn watch(world: &Rc<World>, until_ms: u64) -> (Vec<Response>, Vec<Event>) {
    watch_with(&model_file::tiny(SIDE), world, until_ms)
}

/// Runs [`watch`] with another model of the same shape.
fn watch_with(file: &model_file::ModelFile, world: &Rc<World>, until_ms: u64) -> (Vec<Response>, Vec<Event>) {
    let model = Model::parse(file.bytes()).unwrap();
    let (mut accumulators, mut activations) = ([0; 3], [0; 3]);
    let engine = Engine::<Scalar>::new(&model, scratch(&mut accumulators, &mut activations)).unwrap();
    let (mut input, mut row, mut sums) = ([0; PIXELS], [0; 64], [0; SIDE as usize]);
    let mut events = Vec::new();
    let parts = Parts {
        board: "test",
        engine,
        camera: Eye { camera: camera(), world: Rc::clone(world) },
        link: Here(Rc::clone(world)),
        counter: FakeCounter::default(),
        buffers: Buffers { input: &mut input, row: &mut row, sums: &mut sums },
    };
    let mut device = Device::new(parts, |event: &Event| events.push(*event)).unwrap();
    let mut main_loop = StandaloneLoop::default();
    let mut platform = Here(Rc::clone(world));
    while world.now_ms.get() < until_ms {
        main_loop.round(&mut device, &mut platform, &PACE);
    }
    drop(device);
    let answers = responses_in(&world.written.borrow());
    (answers, events)
}

fn send(world: &World, at_ms: u64, request: &Request<'_>) {
    world.sent.borrow_mut().extend(frame_of(request).into_iter().map(|byte| (at_ms, byte)));
}

#[test]
fn it_looks_twice_a_second_and_shows_what_it_sees() {
    let world = Rc::new(World::default());
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
    let world = Rc::new(World::default());
    world.blind_until_ms.set(900);
    let input = [0; PIXELS];
    send(&world, 2_000, &Request::Input { offset: 0, pixels: &input });
    send(&world, 2_000, &Request::Classify { report: Report::Decision });
    watch_with(&model_file::tiny(SIDE).with_policy(0, 2, 2), &world, 5_000);
    let known = infer(&seen()).1;
    let shown: Vec<FrameResult> = world.shown.borrow().iter().map(|&(_, frame)| frame).collect();
    let unknown = FrameResult::Decided(Decided { verdict: Verdict::Unknown, ..known });
    assert_eq!(shown[..3], [FrameResult::Missing, unknown, FrameResult::Decided(known)]);
    assert!(shown.len() > 4 && shown[3..].iter().all(|&frame| frame == FrameResult::Decided(known)), "{shown:?}");
}

#[test]
fn a_camera_that_fails_is_tried_again_later_and_later() {
    let world = Rc::new(World::default());
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

/// A captured frame does not overwrite an input that the host is sending.
#[test]
fn a_host_is_answered_and_left_alone() {
    let world = Rc::new(World::default());
    let input: Vec<u8> = (0..PIXELS as u8).map(|index| index * 17).collect();
    send(&world, 1_100, &Request::Input { offset: 0, pixels: &input });
    send(&world, 3_000, &Request::Classify { report: Report::Decision });
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
    let world = Rc::new(World::default());
    let frame = frame_of(&Request::Identify);
    world.sent.borrow_mut().extend(frame[..frame.len() - 1].iter().map(|&byte| (100, byte)));
    let (answers, _) = watch(&world, 2_600);
    assert_eq!(answers, []);
    assert_eq!(world.started_ms.borrow().len(), 6);
}

#[test]
fn a_chattering_link_starves_nothing() {
    let world = Rc::new(World::default());
    // These bytes contain no end of a frame: there is never anything to answer.
    world.sent.borrow_mut().extend((0..100_000).map(|_| (0, 0x55)));
    watch(&world, 2_600);
    assert_eq!(world.started_ms.borrow().len(), 6);
}

#[test]
fn the_watchdog_is_fed_whatever_happens() {
    let world = Rc::new(World::default());
    world.blind_until_ms.set(30_000);
    send(&world, 10_000, &Request::Capture { report: Report::AllValues });
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
