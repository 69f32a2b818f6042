//! Model of the ArduCAM Mega: a controller with a frame buffer, over SPI alone.

use embedded_hal::i2c::{ErrorKind as I2cErrorKind, NoAcknowledgeSource, Operation as I2cOperation};
use embedded_hal::spi::{ErrorKind as SpiErrorKind, Operation as SpiOperation};

use super::Module;
use super::breach::Breach;
use super::capture::{Capture, Outcome, yuv422};
use super::fault::Fault;
use super::mini::outcome_of;
use super::ov2640::colored;
use super::photo::Photo;
use super::wires::{BusSettings, Wired, Wires};
use crate::arducam_mega::{Generation, Size};
use crate::ov2640::{Array, Window};

/// 15 frames a second.
const FRAME_NS: u64 = 66_666_667;
/// Duration of the busy state after a write, and after a reset.
const WRITE_BUSY_NS: u64 = 700_000;
const RESET_BUSY_NS: u64 = 90_000_000;
const SPI_MOST_HZ: u32 = 12_000_000;
const DARK_FRAMES: u32 = 4;
/// Registers that can be written (the SDK's table).
const WRITABLE: [u8; 21] = [
    0x00, 0x01, 0x02, 0x04, 0x07, 0x0A, 0x0B, 0x0C, 0x0D, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x2A,
    0x2B, 0x30,
];

/// A software ArduCAM Mega.
///
/// Its field of view is the photo's centered square, averaged as [`super::expected_rows`] does for
/// [`MegaModel::window`]. See [`super::MiniModel`] for the common properties of the models.
#[derive(Debug)]
pub struct MegaModel {
    wires: Wires,
    chip: Chip,
    sensor: Sensor,
}

#[derive(Debug)]
struct Chip {
    id: u8,
    registers: [u8; 128],
    capture: Capture,
    busy_until_ns: u64,
    /// The format was written after the resolution.
    resolution_lost: bool,
    state: Spi,
    last: u8,
}

#[derive(Debug)]
struct Sensor {
    photo: Photo,
    frames_since_reset: u32,
    dark_frames: u32,
    seen: Option<(u16, Vec<u8>)>,
}

/// State of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spi {
    Command,
    Value(u8),
    /// A read starts with a dummy byte.
    Dummy(u8),
    Answer(u8),
    SingleDummy,
    Single,
    Burst {
        dummy: bool,
        any: bool,
    },
    Over(u8),
}

impl MegaModel {
    /// A module with this identification (81 to 87) after power-up, with `photo` in view. `seed` sets the phase of its
    /// frames and the values of dummy bytes.
    pub fn new(id: u8, settings: BusSettings, photo: Photo, seed: u64) -> Self {
        let mut wires = Wires::new(settings, seed);
        let phase = wires.random.below(FRAME_NS);
        let chip = Chip {
            id,
            registers: [0; 128],
            capture: Capture::new(FRAME_NS, phase),
            busy_until_ns: RESET_BUSY_NS,
            resolution_lost: true,
            state: Spi::Command,
            last: 0x55,
        };
        let sensor = Sensor { photo, frames_since_reset: 0, dark_frames: DARK_FRAMES, seen: None };
        Self { wires, chip, sensor }
    }

    /// The field of view of pictures of `size`, as a window for [`super::expected_rows`].
    pub fn window(size: Size) -> Window {
        let side = size.side();
        Window::centered_square(Array::Uxga, side).expect("the sizes are multiples of 4")
    }

    fn pass(&mut self, ns: u64) {
        self.wires.now_ns += ns;
        let Self { wires, chip, sensor } = self;
        let frozen = chip.is_asleep() || wires.has(Fault::NoFrames);
        let mut random = super::SplitMix::new(wires.random.draw());
        let mut extra_random = random.clone();
        chip.capture.advance(
            wires.now_ns,
            frozen,
            |is_wanted| {
                sensor.frames_since_reset = sensor.frames_since_reset.saturating_add(1);
                is_wanted.then(|| match chip.registers[0x20] {
                    0x03 => {
                        let is_gray = chip.registers[0x27] == 0x03;
                        let size = if chip.resolution_lost { None } else { size_of(chip.id, chip.registers[0x21]) };
                        sensor.frame(size, is_gray)
                    }
                    // A compressed picture.
                    _ => (0..4096).map(|_| random.byte()).collect(),
                })
            },
            || extra_random.byte(),
        );
    }

    fn suffer(&mut self) {
        let active: Vec<Fault> = self.wires.active().collect();
        for fault in active {
            match fault {
                Fault::Standby => self.chip.registers[0x02] = 0x07,
                Fault::Reset => self.chip.reset(&mut self.sensor, &self.wires),
                _ => {}
            }
        }
    }
}

/// Returns the picture's side; `None` for sizes that are not square, which the drivers do not use.
fn size_of(id: u8, code: u8) -> Option<u16> {
    let generation = Generation::of_id(id)?;
    [Size::Px96, Size::Px128, Size::Px320].into_iter().find(|size| size.code(generation) == code).map(Size::side)
}

impl Wired for MegaModel {
    fn wires(&self) -> &Wires {
        &self.wires
    }

    fn wires_mut(&mut self) -> &mut Wires {
        &mut self.wires
    }
}

impl Module for MegaModel {
    fn show(&mut self, photo: Photo) {
        (self.sensor.photo, self.sensor.seen) = (photo, None);
    }

    fn spi_transaction(&mut self, operations: &mut [SpiOperation<'_, u8>]) -> Result<(), SpiErrorKind> {
        self.pass(0);
        self.wires.check_spi(SPI_MOST_HZ);
        self.suffer();
        let result = if self.wires.has(Fault::SpiError) {
            Err(SpiErrorKind::Other)
        } else {
            let Self { wires, chip, sensor } = self;
            chip.state = Spi::Command;
            let moved = wires.move_spi(operations, |wires, sent| chip.exchange(sent, sensor, wires));
            chip.deselect(wires, moved);
            let ns = wires.spi_ns(moved);
            self.pass(ns);
            if self.wires.has(Fault::SpiErrorAfter) { Err(SpiErrorKind::Overrun) } else { Ok(()) }
        };
        self.wires.transactions += 1;
        result
    }

    /// The module has no I2C.
    fn i2c_transaction(&mut self, _address: u8, operations: &mut [I2cOperation<'_>]) -> Result<(), I2cErrorKind> {
        let ns = self.wires.i2c_ns(Wires::i2c_bytes(operations));
        self.pass(ns);
        self.wires.transactions += 1;
        Err(I2cErrorKind::NoAcknowledge(NoAcknowledgeSource::Address))
    }

    fn delay_ns(&mut self, ns: u64) {
        if let Some(transcript) = &mut self.wires.transcript {
            transcript.wait(ns);
        }
        self.pass(ns);
    }

    fn now_ns(&self) -> u64 {
        self.wires.now_ns
    }
}

impl Sensor {
    fn frame(&mut self, side: Option<u16>, is_gray: bool) -> Vec<u8> {
        let Some(side) = side else { return vec![0; 1600 * 1200 * 2] };
        if self.seen.as_ref().is_none_or(|(seen, _)| *seen != side) {
            let window = Window::centered_square(Array::Uxga, side).expect("the sizes are multiples of 4");
            self.seen = Some((side, super::expected_rows(&self.photo, &window, false, false)));
        }
        let frames = u64::from(self.dark_frames) + 1;
        let passed = u64::from(self.frames_since_reset).min(frames);
        let luma = self.seen.iter().flat_map(|(_, luma)| luma);
        let exposed: Vec<u8> = luma.map(|luma| (u64::from(*luma) * passed / frames) as u8).collect();
        yuv422(&exposed, |index| if is_gray { 0x80 } else { colored(index) })
    }
}

impl Chip {
    fn is_asleep(&self) -> bool {
        self.registers[0x02] == 0x07
    }

    fn reset(&mut self, sensor: &mut Sensor, wires: &Wires) {
        let dark = wires.find(|fault| if let Fault::DarkFrames(frames) = fault { Some(frames) } else { None });
        self.registers = [0; 128];
        self.capture.abort();
        self.busy_until_ns = wires.now_ns + RESET_BUSY_NS;
        (self.resolution_lost, sensor.frames_since_reset) = (true, 0);
        sensor.dark_frames = dark.unwrap_or(DARK_FRAMES);
    }

    fn exchange(&mut self, sent: u8, sensor: &mut Sensor, wires: &mut Wires) -> u8 {
        let answer = match self.state {
            Spi::Command => {
                self.state = match sent {
                    0x3C => Spi::Burst { dummy: self.capture.is_fresh, any: false },
                    0x3D => Spi::SingleDummy,
                    _ if sent & 0x80 != 0 => Spi::Value(sent & 0x7F),
                    _ => Spi::Dummy(sent),
                };
                None
            }
            Spi::Value(address) => {
                self.write(address, sent, sensor, wires);
                self.state = Spi::Over(address | 0x80);
                None
            }
            Spi::Dummy(address) => {
                self.state = Spi::Answer(address);
                Some(wires.random.byte())
            }
            Spi::Answer(address) => {
                self.state = Spi::Over(address);
                Some(self.read(address, wires))
            }
            Spi::SingleDummy => {
                self.state = Spi::Single;
                None
            }
            Spi::Single => {
                self.state = Spi::Over(0x3D);
                Some(self.capture.next_byte(wires))
            }
            Spi::Burst { dummy, .. } => {
                self.state = Spi::Burst { dummy: false, any: true };
                self.capture.is_fresh = false;
                Some(if dummy { wires.random.byte() } else { self.capture.next_byte(wires) })
            }
            Spi::Over(command) => {
                wires.breach(Breach::ExtraBytes { command });
                None
            }
        };
        self.last = answer.unwrap_or(self.last);
        self.last
    }

    fn deselect(&mut self, wires: &mut Wires, moved: u64) {
        match self.state {
            _ if moved == 0 => wires.breach(Breach::EmptyTransaction),
            Spi::Value(command) => wires.breach(Breach::CutCommand { command: command | 0x80 }),
            Spi::Dummy(command) | Spi::Answer(command) => wires.breach(Breach::CutCommand { command }),
            Spi::SingleDummy | Spi::Single => wires.breach(Breach::CutCommand { command: 0x3D }),
            Spi::Burst { any: false, .. } => wires.breach(Breach::CutCommand { command: 0x3C }),
            Spi::Burst { .. } | Spi::Over(_) | Spi::Command => {}
        }
    }

    fn is_busy(&self, wires: &Wires) -> bool {
        wires.now_ns < self.busy_until_ns || wires.has(Fault::Busy)
    }

    fn read(&mut self, address: u8, wires: &mut Wires) -> u8 {
        let length = wires.find(|fault| if let Fault::Length(length) = fault { Some(length) } else { None });
        let [low, middle, high, _] = length.unwrap_or(self.capture.length(wires.now_ns) as u32).to_le_bytes();
        match address {
            0x44 => {
                let is_done = self.capture.is_done() && !wires.has(Fault::NeverDone);
                let idle = if self.is_busy(wires) || self.capture.is_under_way() { 0x01 } else { 0x02 };
                idle | u8::from(is_done) << 2
            }
            _ if self.is_busy(wires) => {
                wires.breach(Breach::Busy);
                wires.random.byte()
            }
            0x40 => wires.find(|fault| if let Fault::Id(id) = fault { Some(id) } else { None }).unwrap_or(self.id),
            0x45 => low,
            0x46 => middle,
            0x47 => high,
            _ => self.registers[usize::from(address & 0x7F)],
        }
    }

    fn write(&mut self, address: u8, value: u8, sensor: &mut Sensor, wires: &mut Wires) {
        // A reset is accepted at any time.
        if address == 0x07 && value & 0x40 != 0 {
            self.reset(sensor, wires);
            return;
        }
        if self.is_busy(wires) {
            wires.breach(Breach::Busy);
            return;
        }
        self.busy_until_ns = wires.now_ns + WRITE_BUSY_NS;
        match address {
            0x04 => self.command(value, wires),
            _ if !WRITABLE.contains(&address) => wires.breach(Breach::NotWritable { address }),
            _ => {
                if self.capture.is_under_way() {
                    wires.breach(Breach::ConfiguredDuringCapture);
                }
                self.registers[usize::from(address)] = value;
                match address {
                    // The first generation keeps its resolution.
                    0x20 => self.resolution_lost |= Generation::of_id(self.id) == Some(Generation::Second),
                    0x21 => self.resolution_lost = false,
                    _ => {}
                }
            }
        }
    }

    fn command(&mut self, value: u8, wires: &mut Wires) {
        if wires.has(Fault::StaleFlag) {
            return;
        }
        if value & 0x01 != 0 {
            self.capture.clear(wires);
        }
        if value & 0x02 != 0 {
            let late_ms = wires.find(|fault| if let Fault::DoneLate { ms } = fault { Some(ms) } else { None });
            let outcome = wires.find(outcome_of).unwrap_or(Outcome::Frame { extra: 0 });
            let after_ns = wires.now_ns + u64::from(late_ms.unwrap_or(0)) * 1_000_000;
            self.capture.arm(after_ns, outcome, wires);
        }
    }
}
