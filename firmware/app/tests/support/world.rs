//! A standalone device's surroundings in virtual time: host, link, camera, clock.

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
use pinhole_shared::kernel::{DenseOperands, Kernel, KernelInput, NoBands, NoConvPool, Scalar, Work};
use pinhole_shared::layout::Layout;
use pinhole_shared::link::{Request, Response};
use pinhole_shared::model::Model;
use pinhole_shared::pixels::{InputShape, PixelFormat, Shrink};

use super::{FakeCamera, FakeCounter, PIXELS, SIDE, frame_of, model_file, responses_in, scratch};

/// Duration of a capture, ms, unless a world has another one.
pub const PICTURE_MS: u64 = 70;
/// Pace of the tests.
pub const PACE: Pace = Pace {
    frame_ms: 500,
    host_quiet_ms: 2_000,
    longest_pause_ms: 4_000,
    first_retry_ms: 1_000,
    longest_retry_ms: 5_000,
};

thread_local! {
    /// Time, us. Of the thread, because kernels have no state.
    static NOW_US: Cell<u64> = const { Cell::new(0) };
    /// Duration of an inference, us.
    static INFERENCE_US: Cell<u64> = const { Cell::new(0) };
}

/// Bytes that a host sends without end: at this time there are none, or the next one.
pub type Source = Box<dyn FnMut(u64) -> Option<u8>>;

/// External events, by time. A thread has one world at a time.
#[derive(Default)]
pub struct World {
    /// Bytes that the host sends, with their times, ms.
    pub sent: RefCell<VecDeque<(u64, u8)>>,
    /// Source of further bytes that it sends.
    pub source: RefCell<Option<Source>>,
    /// A byte of the source that the device has not read yet.
    pending: Cell<Option<u8>>,
    /// Bytes that the device has written.
    pub written: RefCell<Vec<u8>>,
    /// The camera fails before this time, ms.
    pub blind_until_ms: Cell<u64>,
    /// Duration of a capture, ms.
    pub picture_ms: Cell<u64>,
    /// Duration of a byte on the link, us.
    pub byte_us: Cell<u64>,
    /// True if nobody reads what the device writes: its writes fail after half a second.
    pub deaf: Cell<bool>,
    pub started_ms: RefCell<Vec<u64>>,
    pub shown: RefCell<Vec<(u64, FrameResult)>>,
    pub fed_ms: RefCell<Vec<u64>>,
}

impl World {
    /// A new world, at time 0. Its link and its inferences take no time.
    pub fn new() -> Rc<Self> {
        NOW_US.set(0);
        INFERENCE_US.set(0);
        Rc::new(Self { picture_ms: Cell::new(PICTURE_MS), ..Self::default() })
    }

    pub fn now_ms(&self) -> u64 {
        NOW_US.get() / 1_000
    }

    pub fn set_inference_ms(&self, ms: u64) {
        INFERENCE_US.set(1_000 * ms);
    }

    pub fn send(&self, at_ms: u64, request: &Request<'_>) {
        self.send_bytes(at_ms, &frame_of(request));
    }

    pub fn send_bytes(&self, at_ms: u64, bytes: &[u8]) {
        self.sent.borrow_mut().extend(bytes.iter().map(|&byte| (at_ms, byte)));
    }

    fn pass_us(&self, us: u64) {
        NOW_US.set(NOW_US.get() + us);
    }

    fn next_byte(&self) -> Option<u8> {
        if let Some(byte) = self.pending.get() {
            return Some(byte);
        }
        let now = self.now_ms();
        let due = self.sent.borrow().front().is_some_and(|&(at, _)| at <= now);
        let byte = if due {
            self.sent.borrow_mut().pop_front().map(|(_, byte)| byte)
        } else {
            self.source.borrow_mut().as_mut().and_then(|source| source(now))
        };
        self.pending.set(byte);
        byte
    }
}

/// [`Scalar`], taking the world's time.
#[derive(Debug)]
struct TimedScalar;

impl Kernel for TimedScalar {
    type ConvPool = NoConvPool;
    type Bands = NoBands;

    const NAME: &'static str = "timed";

    fn runs(layout: Layout, input: KernelInput) -> bool {
        Scalar::runs(layout, input)
    }

    fn dense_u8(operands: DenseOperands<'_>, input: &[u8], work: Work<'_>) {
        NOW_US.set(NOW_US.get() + INFERENCE_US.get());
        Scalar::dense_u8(operands, input, work);
    }

    fn dense_i16(operands: DenseOperands<'_>, input: &[i16], work: Work<'_>) {
        Scalar::dense_i16(operands, input, work);
    }
}

#[derive(Clone)]
struct Here(Rc<World>);

impl ErrorType for Here {
    type Error = ErrorKind;
}

impl ReadReady for Here {
    fn read_ready(&mut self) -> Result<bool, ErrorKind> {
        Ok(self.0.next_byte().is_some())
    }
}

impl Read for Here {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, ErrorKind> {
        bytes[0] = self.0.next_byte().expect("the device waits for a host");
        self.0.pending.set(None);
        self.0.pass_us(self.0.byte_us.get());
        Ok(1)
    }
}

impl Write for Here {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        if self.0.deaf.get() {
            self.0.pass_us(500_000);
            return Err(ErrorKind::TimedOut);
        }
        self.0.pass_us(self.0.byte_us.get() * bytes.len() as u64);
        self.0.written.borrow_mut().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl Platform for Here {
    fn now_ms(&mut self) -> u64 {
        self.0.now_ms()
    }

    fn sleep(&mut self, ms: u32) {
        assert!(ms > 0, "a sleep of no time is a loop that burns");
        self.0.pass_us(1_000 * u64::from(ms));
    }

    fn feed_watchdog(&mut self) {
        self.0.fed_ms.borrow_mut().push(self.0.now_ms());
    }

    fn show(&mut self, frame: FrameResult) {
        self.0.shown.borrow_mut().push((self.0.now_ms(), frame));
    }
}

struct Eye {
    camera: FakeCamera,
    world: Rc<World>,
}

impl Camera for Eye {
    type Error = CameraFault;

    fn start(&mut self) -> Result<Frame, CameraFault> {
        let now = self.world.now_ms();
        self.world.started_ms.borrow_mut().push(now);
        self.world.pass_us(1_000 * self.world.picture_ms.get());
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
pub fn seen() -> Vec<u8> {
    let camera = camera();
    let (mut sums, mut output) = ([0; SIDE as usize], [0; PIXELS]);
    let mut shrink =
        Shrink::new(camera.frame.size, camera.frame.format, InputShape::gray(SIDE), &mut sums, &mut output).unwrap();
    camera.rows.chunks(camera.frame.row_bytes()).for_each(|row| shrink.row(row).unwrap());
    shrink.finish().unwrap();
    output.to_vec()
}

/// Runs a device in this world until `until_ms`. Returns its responses to the host, and its log.
pub fn watch(world: &Rc<World>, until_ms: u64) -> (Vec<Response>, Vec<Event>) {
    watch_with(&model_file::tiny(SIDE), world, until_ms)
}

/// Runs [`watch`] with another model of the same shape.
pub fn watch_with(file: &model_file::ModelFile, world: &Rc<World>, until_ms: u64) -> (Vec<Response>, Vec<Event>) {
    let model = Model::parse(file.bytes()).unwrap();
    let (mut accumulators, mut activations) = ([0; 3], [0; 3]);
    let engine = Engine::<TimedScalar>::new(&model, scratch(&mut accumulators, &mut activations)).unwrap();
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
    while world.now_ms() < until_ms {
        main_loop.round(&mut device, &mut platform, &PACE);
    }
    drop(device);
    (responses_in(&world.written.borrow()), events)
}
