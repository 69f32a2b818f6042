//! A device on a serial port answers like any other, even if bytes are lost.
//!
//! The port is a pseudo terminal; the device behind it is the firmware's program on the host, with the portable version
//! of a board's kernel.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use embedded_io::{ErrorKind, ErrorType, Read, Write};
use pinhole::board::Board;
use pinhole::firmware::packed_for;
use pinhole::runs;
use pinhole_app::capture::Buffers;
use pinhole_app::counter::Counter;
use pinhole_app::device::{Device, Parts};
use pinhole_app::test_card::TestCard;
use pinhole_shared::engine::{Engine, Scratch};
use pinhole_shared::kernel::{Dsp, PortableDsp};
use pinhole_shared::link::Unit;
use pinhole_shared::model::Model;
use pinhole_tests::{Ran, bundled_model, pinhole, synthetic, temporary};
use serialport::{SerialPort, TTYPort};

const BOARD: Board = Board::NucleoF446re;

/// The device's end of the port, which may lose bytes.
struct Line {
    port: TTYPort,
    /// One in this many bytes to the host is lost; 0 means none.
    lossy: usize,
    sent: usize,
}

impl ErrorType for Line {
    type Error = ErrorKind;
}

impl Read for Line {
    /// Returns 0, the end of the stream, once the port is closed.
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, ErrorKind> {
        loop {
            match self.port.read(bytes) {
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {}
                Err(_) => return Ok(0),
            }
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        let kept = bytes.iter().filter(|_| {
            self.sent += 1;
            // No number except 0 is a multiple of 0.
            !self.sent.is_multiple_of(self.lossy)
        });
        let kept: Vec<u8> = kept.copied().collect();
        self.port.write_all(&kept).map_err(|_| ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

struct NoCounter;

impl Counter for NoCounter {
    const UNIT: Unit = Unit::Cycles;
    const ROUNDS: u32 = 1;

    fn start(&mut self, _: u32) {}

    fn read(&mut self) -> u32 {
        0
    }

    fn now_us(&mut self) -> u32 {
        0
    }

    fn paint_stack(&mut self) {}

    fn stack_depth(&self) -> u32 {
        0
    }

    fn deepest_stack(&self) -> u32 {
        0
    }
}

/// A device that runs the bundled model, until its port is closed.
struct SerialDevice {
    /// Kept open, so that the port survives between two programs that open it.
    near: Option<File>,
    name: String,
    thread: Option<JoinHandle<()>>,
}

impl SerialDevice {
    fn start(lossy: usize) -> Self {
        let (far, pair) = TTYPort::pair().expect("there are pseudo terminals");
        let name = pair.name().expect("the near end has a name");
        // Another handle: the first one is locked against other programs.
        let near = File::open(&name).expect("the near end opens");
        drop(pair);
        let thread = thread::spawn(move || serve(Line { port: far, lossy, sent: 0 }));
        Self { near: Some(near), name, thread: Some(thread) }
    }
}

impl Drop for SerialDevice {
    fn drop(&mut self) {
        self.near = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(mut line: Line) {
    line.port.set_timeout(Duration::from_millis(100)).expect("a port has a timeout");
    let trained = runs::open("drawn".as_ref()).unwrap();
    let packed = packed_for(BOARD, &trained.model, &trained.model_path).expect("it fits");
    // Aligned to words, as on the device.
    let words: Vec<u64> = packed.bytes().chunks(8).map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap())).collect();
    let model = Model::parse_of::<Dsp<PortableDsp>>(bytemuck::cast_slice(&words)).expect("it is for this kernel");
    let (mut accumulators, mut activations, mut scratch) = (vec![0; 256], vec![0; 256], vec![0; 768]);
    let scratch = Scratch {
        accumulators: &mut accumulators,
        activations: &mut activations,
        scratch: &mut scratch,
        arena: &mut [],
    };
    let engine = Engine::<Dsp<PortableDsp>>::new(&model, scratch).expect("there is room");
    let (mut input, mut row, mut sums) = (vec![0; 96 * 96], vec![0; 640], vec![0; 96]);
    let buffers = Buffers { input: &mut input, row: &mut row, sums: &mut sums };
    let camera = TestCard::new(model.input().longer_side());
    let parts = Parts { board: BOARD.name(), engine, camera, link: line, counter: NoCounter, buffers };
    Device::new(parts, |_| ()).expect("there is room").serve();
}

fn prove(device: &SerialDevice, photos: u32) -> Ran {
    let arguments = [Path::new("prove"), &bundled_model(), &synthetic("validation"), "--limit".as_ref()];
    let mut command = pinhole(arguments);
    Ran::of(command.arg(photos.to_string()).args(["--board", BOARD.name(), "--port", &device.name]))
}

#[test]
fn a_proof_runs_over_a_serial_port() {
    let device = SerialDevice::start(0);
    let told = prove(&device, 2).ok();
    assert_eq!(
        told.last_line(),
        format!("compared {} values on 2 photos: 0 mismatches", 2 * (2500 + 128 + 16 + 2 + 3))
    );
    assert!(!told.stderr.contains("again"), "{}", told.stderr);
    let folder = temporary();
    let mut capture = pinhole([Path::new("capture"), folder.path(), "--label".as_ref(), "ring".as_ref()]);
    capture.args(["--count", "2", "--board", BOARD.name(), "--port", &device.name]);
    Ran::of(&mut capture).ok();
    assert_eq!(pinhole_tests::files_in(&folder.path().join("ring")).len(), 2);
}

#[test]
fn lost_bytes_are_asked_for_again() {
    // An inference with all of its integers is some 7,000 bytes: about one in three is damaged.
    let device = SerialDevice::start(20_011);
    let told = prove(&device, 12).ok();
    assert!(told.last_line().ends_with("on 12 photos: 0 mismatches"), "{}", told.stdout);
    assert!(told.stderr.contains("asked again for"), "{}", told.stderr);
}

#[test]
fn another_board_or_no_port_is_said() {
    let device = SerialDevice::start(0);
    let refused = |board: &str, port: &str, words: &[&str]| {
        let told = Ran::of(pinhole([Path::new("prove"), &bundled_model()]).args(["--board", board, "--port", port]));
        assert_eq!(told.code, Some(1), "{}", told.stderr);
        for words in words {
            assert!(told.stderr.contains(words), "no {words:?} in:\n{}", told.stderr);
        }
    };
    refused("pico", &device.name, &["is the board nucleo-f446re, not pico"]);
    refused("pico", "/no/such/port", &["/no/such/port cannot be opened"]);
}
