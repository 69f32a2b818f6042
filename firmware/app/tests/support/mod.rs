//! Test doubles for the device's platform: in-memory byte streams, cameras, a model.
#![allow(dead_code, unreachable_pub, reason = "every test program uses its own part of this")]

pub mod model_file;
pub mod world;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use embedded_io::{ErrorKind, ErrorType, Read, Write};
use pinhole_app::camera::{Camera, CameraFault, Frame};
use pinhole_app::capture::Buffers;
use pinhole_app::counter::Counter;
use pinhole_app::device::{Device, Parts};
use pinhole_app::event::Event;
use pinhole_shared::engine::{Engine, LayerValues, Scratch};
use pinhole_shared::kernel::{DenseOperands, Kernel, KernelInput, NoBands, NoConvPool, Scalar, Work};
use pinhole_shared::layout::Layout;
use pinhole_shared::link::frame::{FRAME_BYTES, Receiver, encode};
use pinhole_shared::link::{Request, Response, Statistics, Unit};
use pinhole_shared::model::Model;
use pinhole_shared::pixels::{PictureSize, PixelFormat};
use pinhole_shared::policy::{Decided, Verdict};

/// Side of the tests' network.
pub const SIDE: u16 = 4;
/// Pixels of its input.
pub const PIXELS: usize = 16;

/// Bytes that the device reads from the host, and bytes it has written.
#[derive(Clone, Debug, Default)]
pub struct Wire {
    /// `Err` is an error of the stream at this position.
    pub incoming: VecDeque<Result<u8, ErrorKind>>,
    pub written: Rc<RefCell<Vec<u8>>>,
}

impl ErrorType for Wire {
    type Error = ErrorKind;
}

impl Read for Wire {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, ErrorKind> {
        match (bytes.first_mut(), self.incoming.pop_front()) {
            (Some(place), Some(byte)) => {
                *place = byte?;
                Ok(1)
            }
            _ => Ok(0),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        // Write few bytes at a time, as UARTs do, and slowly.
        let taken = bytes.len().min(3);
        CLOCK.set(CLOCK.get().wrapping_add(BITE_UNITS));
        self.written.borrow_mut().extend(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

/// A camera that delivers one picture again and again, and panics if a caller breaks the contract.
#[derive(Clone, Debug)]
pub struct FakeCamera {
    pub frame: Frame,
    pub rows: Vec<u8>,
    /// Error of `start`.
    pub start_fault: Option<CameraFault>,
    /// Error of reading this row.
    pub row_fault: Option<(u16, CameraFault)>,
    pub next_row: Option<u16>,
}

impl FakeCamera {
    pub fn new(width: u16, height: u16, format: PixelFormat) -> Self {
        let frame = Frame { size: PictureSize { width, height }, format };
        let bytes = frame.row_bytes() * usize::from(height);
        let rows = (0..bytes).map(|index| (index * 89 % 256) as u8).collect();
        Self { frame, rows, start_fault: None, row_fault: None, next_row: None }
    }
}

impl Camera for FakeCamera {
    type Error = CameraFault;

    fn start(&mut self) -> Result<Frame, CameraFault> {
        self.next_row = None;
        if let Some(fault) = self.start_fault {
            return Err(fault);
        }
        self.next_row = Some(0);
        Ok(self.frame)
    }

    fn read_row(&mut self, row: &mut [u8]) -> Result<(), CameraFault> {
        let number = self.next_row.expect("a row was read without a picture, or after an error");
        assert!(number < self.frame.size.height, "more rows were read than the picture has");
        assert_eq!(row.len(), self.frame.row_bytes(), "a row was read into a buffer of another length");
        if let Some((_, fault)) = self.row_fault.filter(|&(faulty, _)| faulty == number) {
            self.next_row = None;
            return Err(fault);
        }
        CLOCK.set(CLOCK.get().wrapping_add(ROW_UNITS));
        let start = usize::from(number) * row.len();
        row.copy_from_slice(&self.rows[start..][..row.len()]);
        self.next_row = Some(number + 1);
        Ok(())
    }
}

thread_local! {
    /// Time of [`FakeCounter`], in units.
    static CLOCK: Cell<u32> = const { Cell::new(0) };
    /// Stack used by [`CountedScalar`] since [`FakeCounter`] painted it, bytes.
    static DEEPEST: Cell<u32> = const { Cell::new(0) };
}

/// Duration of a write to [`Wire`], in units.
const BITE_UNITS: u32 = 70;

/// Duration of reading a row of [`FakeCamera`], in units.
pub const ROW_UNITS: u32 = 1_000;

/// Stack that [`CountedScalar`] pretends to use, bytes.
pub const STACK: u32 = 48;
/// Stack depth that [`FakeCounter`] pretends at its call, bytes.
pub const DEPTH: u32 = 100;

/// A counter that ticks once in 5 units. A reading takes 7 units, a multiply-accumulate of [`CountedScalar`] 1,
/// everything else none. It panics if a caller breaks the contract.
#[derive(Clone, Debug, Default)]
pub struct FakeCounter {
    started: bool,
}

impl Counter for FakeCounter {
    const UNIT: Unit = Unit::Cycles;
    const ROUNDS: u32 = 5;

    fn start(&mut self, round: u32) {
        assert!(round < Self::ROUNDS);
        self.started = true;
        // Every phase once, not in order.
        CLOCK.set(round * 3);
    }

    fn read(&mut self) -> u32 {
        assert!(self.started, "read before the start");
        CLOCK.set(CLOCK.get() + 7);
        // Close to its wrap.
        (CLOCK.get() / 5).wrapping_sub(4)
    }

    fn paint_stack(&mut self) {
        DEEPEST.set(0);
    }

    fn stack_depth(&self) -> u32 {
        DEPTH
    }

    /// One unit is one microsecond here; reading the time takes none.
    fn now_us(&mut self) -> u32 {
        CLOCK.get()
    }

    fn deepest_stack(&self) -> u32 {
        DEPTH + DEEPEST.get()
    }
}

/// [`Scalar`] with its time counted by [`FakeCounter`].
#[derive(Debug)]
pub struct CountedScalar;

impl Kernel for CountedScalar {
    type ConvPool = NoConvPool;
    type Bands = NoBands;

    const NAME: &'static str = "counted";

    fn runs(layout: Layout, input: KernelInput) -> bool {
        Scalar::runs(layout, input)
    }

    fn dense_u8(operands: DenseOperands<'_>, input: &[u8], work: Work<'_>) {
        DEEPEST.set(STACK);
        CLOCK.set(CLOCK.get() + operands.weights.bytes().len() as u32);
        Scalar::dense_u8(operands, input, work);
    }

    fn dense_i16(operands: DenseOperands<'_>, input: &[i16], work: Work<'_>) {
        CLOCK.set(CLOCK.get() + operands.weights.bytes().len() as u32);
        Scalar::dense_i16(operands, input, work);
    }
}

/// Outcome of a device's run.
#[derive(Debug)]
pub struct Outcome {
    pub responses: Vec<Response>,
    pub events: Vec<Event>,
    pub statistics: Statistics,
}

/// Runs a device with the tiny model on these bytes until they end.
pub fn serve(camera: impl Camera, incoming: impl IntoIterator<Item = Result<u8, ErrorKind>>) -> Outcome {
    serve_with::<Scalar>(camera, incoming)
}

/// Runs [`serve`] with another kernel.
pub fn serve_with<K: Kernel>(
    camera: impl Camera,
    incoming: impl IntoIterator<Item = Result<u8, ErrorKind>>,
) -> Outcome {
    serve_model::<K>(&model_file::tiny(SIDE), camera, incoming)
}

/// Runs [`serve_with`] with another model of the same shape.
pub fn serve_model<K: Kernel>(
    file: &model_file::ModelFile,
    camera: impl Camera,
    incoming: impl IntoIterator<Item = Result<u8, ErrorKind>>,
) -> Outcome {
    let model = Model::parse(file.bytes()).unwrap();
    let (mut accumulators, mut activations) = ([0; 3], [0; 3]);
    let engine = Engine::<K>::new(&model, scratch(&mut accumulators, &mut activations)).unwrap();
    let (mut input, mut row, mut sums) = ([0; PIXELS + 3], [0; 64], [0; SIDE as usize + 1]);
    let wire = Wire { incoming: incoming.into_iter().collect(), ..Wire::default() };
    let written = Rc::clone(&wire.written);
    let mut events = Vec::new();
    let parts = Parts {
        board: "test",
        engine,
        camera,
        link: wire,
        counter: FakeCounter::default(),
        buffers: Buffers { input: &mut input, row: &mut row, sums: &mut sums },
    };
    let mut device = Device::new(parts, |event: &Event| events.push(*event)).unwrap();
    device.serve();
    let statistics = device.statistics();
    drop(device);
    let responses = responses_in(&written.borrow());
    Outcome { responses, events, statistics }
}

/// Runs [`serve`] on whole requests.
pub fn serve_requests(camera: impl Camera, requests: &[Request<'_>]) -> Outcome {
    serve(camera, requests.iter().flat_map(frame_of).map(Ok))
}

/// Returns a request's frame.
pub fn frame_of(request: &Request<'_>) -> Vec<u8> {
    encode(request, &mut [0; FRAME_BYTES]).unwrap().to_vec()
}

/// Returns the messages in a device's output, all of which must be intact.
pub fn responses_in(bytes: &[u8]) -> Vec<Response> {
    let mut receiver = Receiver::default();
    let responses = bytes.iter().filter_map(|&byte| receiver.push::<Response>(byte)).map(Result::unwrap).collect();
    assert!(bytes.last().is_none_or(|&last| last == 0), "an answer ends in the middle of a frame");
    responses
}

/// Returns all stages of an inference by the engine alone, and the decision without a policy: every decision is an
/// answer.
pub fn infer(input: &[u8]) -> (Vec<Vec<i32>>, Decided) {
    infer_with(&model_file::tiny(SIDE), input)
}

/// Runs [`infer`] with another model of the same shape.
pub fn infer_with(file: &model_file::ModelFile, input: &[u8]) -> (Vec<Vec<i32>>, Decided) {
    let model = Model::parse(file.bytes()).unwrap();
    let (mut accumulators, mut activations) = ([0; 3], [0; 3]);
    let mut engine = Engine::<Scalar>::new(&model, scratch(&mut accumulators, &mut activations)).unwrap();
    let mut stages = vec![input.iter().map(|&pixel| i32::from(pixel)).collect()];
    let decision = engine.run_observed(input, |_, values| {
        stages.push(match values {
            LayerValues::Bytes(values) => values.iter().map(|&value| value.into()).collect(),
            LayerValues::Activations(values) => values.iter().map(|&value| i32::from(value)).collect(),
            LayerValues::Logits(values) => values.to_vec(),
        });
    });
    let decision = decision.unwrap();
    (stages, Decided { decision, verdict: Verdict::Class(decision.class) })
}

/// Returns working memory for row-major weights, which need no scratch words.
pub fn scratch<'b>(accumulators: &'b mut [i32], activations: &'b mut [i16]) -> Scratch<'b> {
    Scratch { accumulators, activations, scratch: &mut [], arena: &mut [] }
}
