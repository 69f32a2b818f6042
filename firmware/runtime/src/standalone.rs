//! The standalone program of a board; the board provides pins, clocks and memory.

use panic_probe as _;
use pinhole_app::camera::Camera;
use pinhole_app::capture::Buffers;
use pinhole_app::device::{Device, DeviceError, Parts};
use pinhole_app::event::Event;
use pinhole_app::standalone::{FrameResult, Pace, Platform, StandaloneLoop};
use pinhole_shared::engine::{Engine, EngineError, Scratch};
use pinhole_shared::kernel::Kernel;
use pinhole_shared::model::{Model, ModelError};
use pinhole_shared::pixels::InputShape;
use pinhole_shared::policy::Verdict;

use crate::clock::{Clock, CycleCounter};
use crate::model;
use crate::rtt::RttLink;

/// Board-specific inputs and outputs.
pub trait BoardIo {
    /// Feeds the watchdog.
    fn feed_watchdog(&mut self);

    /// Turns the LED on or off.
    fn light(&mut self, on: bool);
}

/// The parts of a board.
pub struct Board<'b, P, F> {
    /// Board name.
    pub name: &'static str,
    /// Clock.
    pub clock: Clock,
    /// Link.
    pub link: RttLink,
    /// Watchdog and LED.
    pub io: P,
    /// Working memory.
    pub memory: (Buffers<'b>, Scratch<'b>),
    /// Creates the camera for a network with this input; `None` if the camera cannot deliver such pictures.
    pub camera: F,
}

/// Runs a board forever. The LED is on for class 1 and later ones and off for class 0. It blinks with every try while
/// the camera delivers no picture. It is also off for "unknown": a lit LED would claim a detection. A model's policy
/// smooths against flicker.
///
/// Without a model that it can run, the board repeats the reason in the log and blinks fast: flash a model, and reset.
pub fn run<K: Kernel, C: Camera, P: BoardIo>(board: Board<'_, P, impl FnOnce(InputShape) -> Option<C>>) -> ! {
    let Board { name, clock, link, mut io, memory: (buffers, scratch), camera } = board;
    let model = match model::file().and_then(Model::parse_of::<K>) {
        Ok(model) => model,
        Err(error) => refuse(clock, &mut io, Refused::Model(error)),
    };
    let engine = match Engine::<K>::new(&model, scratch) {
        Ok(engine) => engine,
        Err(error) => refuse(clock, &mut io, Refused::Engine(error)),
    };
    let Some(camera) = camera(model.input()) else { refuse(clock, &mut io, Refused::Picture(model.input())) };
    let parts = Parts { board: name, engine, camera, link, counter: CycleCounter(clock), buffers };
    let mut device = match Device::new(parts, log) {
        Ok(device) => device,
        Err(error) => refuse(clock, &mut io, Refused::Device(error)),
    };
    defmt::info!(
        "{=str} ready: model {=u32:#010x}, {=u32} bytes, kernel {=str}",
        name,
        model.checksum(),
        model.file_bytes(),
        K::NAME
    );
    let mut platform = RuntimePlatform { clock, io, last_ms: 0, weeks: 0, lit: false };
    let mut main_loop = StandaloneLoop::default();
    loop {
        main_loop.round(&mut device, &mut platform, &Pace::DEFAULT);
    }
}

/// Period of fast blinking, ms.
const BLINK_MS: u32 = 100;
/// Blinks between two repeated log lines.
const BLINKS_A_LINE: u32 = 20;

/// Reasons why a board does not start.
#[derive(defmt::Format)]
enum Refused {
    /// There is no model, or none that this board can run.
    Model(ModelError),
    /// The model is too large.
    Engine(EngineError),
    /// The model's input is too large.
    Device(DeviceError),
    /// The camera cannot deliver pictures for this input.
    Picture(InputShape),
}

fn refuse(clock: Clock, io: &mut impl BoardIo, why: Refused) -> ! {
    loop {
        defmt::error!("cannot start: {}", why);
        for blink in 0..BLINKS_A_LINE {
            io.feed_watchdog();
            io.light(blink % 2 == 0);
            clock.sleep(BLINK_MS);
        }
    }
}

struct RuntimePlatform<P> {
    clock: Clock,
    io: P,
    /// Last reading, and the number of wraps.
    last_ms: u32,
    weeks: u32,
    lit: bool,
}

impl<P: BoardIo> Platform for RuntimePlatform<P> {
    fn now_ms(&mut self) -> u64 {
        // Called many times in 49 days, so no wrap is missed.
        let now = self.clock.now_ms();
        self.weeks += u32::from(now < self.last_ms);
        self.last_ms = now;
        u64::from(self.weeks) << 32 | u64::from(now)
    }

    fn sleep(&mut self, ms: u32) {
        self.clock.sleep(ms);
    }

    fn feed_watchdog(&mut self) {
        self.io.feed_watchdog();
    }

    fn show(&mut self, frame: FrameResult) {
        self.lit = match frame {
            FrameResult::Decided(decided) => matches!(decided.verdict, Verdict::Class(1..)),
            FrameResult::Missing => !self.lit,
        };
        self.io.light(self.lit);
    }
}

fn log(event: &Event) {
    match event {
        Event::Identified | Event::InputComplete => defmt::debug!("{}", event),
        event if event.is_fault() => defmt::warn!("{}", event),
        event => defmt::info!("{}", event),
    }
}
