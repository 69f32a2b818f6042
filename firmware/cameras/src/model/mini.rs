//! Model of the ArduCAM Mini: ArduChip, frame buffer, sensor.

use embedded_hal::i2c::{ErrorKind as I2cErrorKind, Operation as I2cOperation};
use embedded_hal::spi::{ErrorKind as SpiErrorKind, Operation as SpiOperation};

use super::Module;
use super::breach::Breach;
use super::capture::{Capture, Outcome};
use super::fault::Fault;
use super::ov2640::{DARK_FRAMES, Ov2640};
use super::photo::Photo;
use super::wires::{BusSettings, Wired, Wires};
use crate::picture::DummyByte;

/// 1922 clocks per line, 1248 lines, 36 MHz (OV2640DS v1.6: 15 frames per second in UXGA).
const FRAME_NS: u64 = 1922 * 1248 * 1_000 / 36;
const RESET_NS: u64 = 100_000_000;
const SPI_MOST_HZ: u32 = 8_000_000;

/// Differences between boards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MiniBoard {
    /// The version register.
    pub version: u8,
    /// Rule for the dummy byte in bursts ([`DummyByte::Auto`] counts as none).
    pub dummy_byte: DummyByte,
    /// Bytes in the buffer after the picture.
    pub tail_bytes: u32,
}

impl MiniBoard {
    /// The Mini 2MP Plus.
    pub const PLUS: Self = Self { version: 0x73, dummy_byte: DummyByte::None, tail_bytes: 8 };
    /// The older Mini 2MP.
    pub const OLD: Self = Self { version: 0x40, dummy_byte: DummyByte::FirstBurst, tail_bytes: 0 };
}

/// A software ArduCAM Mini.
///
/// It answers byte for byte as documented. If a driver does something that the documents forbid, the model reports it
/// ([`super::Strictness`]). It is deterministic: its inputs are transactions, photo, faults and seed.
#[derive(Debug)]
pub struct MiniModel {
    wires: Wires,
    chip: Chip,
    sensor: Ov2640,
}

#[derive(Debug)]
struct Chip {
    board: MiniBoard,
    registers: [u8; 128],
    capture: Capture,
    in_reset: bool,
    ready_ns: u64,
    state: Spi,
    /// The last byte sent; a dummy byte repeats it.
    last: u8,
}

/// State of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spi {
    Command,
    Value(u8),
    Answer(u8),
    Single,
    Burst { dummy: bool, any: bool },
    Over(u8),
}

const TEST1: u8 = 0x00;
const FIFO: u8 = 0x04;
const GPIO: u8 = 0x06;
const CPLD_RESET: u8 = 0x07;
/// Sensor running, supply on.
const POWER_ON_PINS: u8 = 0x05;

impl MiniModel {
    /// A module after power-up, with `photo` in view. `seed` sets the phase of its frames and the values of dummy
    /// bytes.
    pub fn new(board: MiniBoard, settings: BusSettings, photo: Photo, seed: u64) -> Self {
        let mut wires = Wires::new(settings, seed);
        let phase = wires.random.below(FRAME_NS);
        Self { wires, chip: Chip::new(board, phase), sensor: Ov2640::new(photo) }
    }

    fn pass(&mut self, ns: u64) {
        self.wires.now_ns += ns;
        let Self { wires, chip, sensor } = self;
        let frozen = chip.sensor_sleeps() || wires.has(Fault::NoFrames);
        let tail = chip.board.tail_bytes;
        let mut tail_random = super::SplitMix::new(wires.random.draw());
        let mut extra_random = tail_random.clone();
        chip.capture.advance(
            wires.now_ns,
            frozen,
            |is_wanted| {
                sensor.frames_since_reset = sensor.frames_since_reset.saturating_add(1);
                is_wanted.then(|| {
                    let mut frame = sensor.frame();
                    frame.extend((0..tail).map(|_| tail_random.byte()));
                    frame
                })
            },
            || extra_random.byte(),
        );
    }

    /// Applies faults of the module itself.
    fn suffer(&mut self) {
        let active: Vec<Fault> = self.wires.active().collect();
        for fault in active {
            match fault {
                Fault::Standby => self.chip.registers[usize::from(GPIO)] |= 0x02,
                Fault::Reset => {
                    self.sensor.reset(self.wires.now_ns, DARK_FRAMES);
                    self.chip.reset(POWER_ON_PINS);
                }
                Fault::SensorReset => self.sensor.reset(self.wires.now_ns, DARK_FRAMES),
                Fault::Busy => self.chip.ready_ns = self.wires.now_ns + 1,
                _ => {}
            }
        }
    }
}

impl Wired for MiniModel {
    fn wires(&self) -> &Wires {
        &self.wires
    }

    fn wires_mut(&mut self) -> &mut Wires {
        &mut self.wires
    }
}

impl Module for MiniModel {
    fn show(&mut self, photo: Photo) {
        self.sensor.show(photo);
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

    fn i2c_transaction(&mut self, address: u8, operations: &mut [I2cOperation<'_>]) -> Result<(), I2cErrorKind> {
        let ns = self.wires.i2c_ns(Wires::i2c_bytes(operations));
        self.pass(ns);
        self.suffer();
        let Self { wires, chip, sensor } = self;
        let writes_register = operations.iter().any(|operation| matches!(operation, I2cOperation::Write([_, _, ..])));
        if chip.capture.is_under_way() && writes_register {
            wires.breach(Breach::ConfiguredDuringCapture);
        }
        let result = sensor.transaction(address, operations, chip.sensor_sleeps(), wires);
        if let Some(transcript) = &mut wires.transcript {
            transcript.i2c(operations, result.is_ok());
        }
        wires.transactions += 1;
        result
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

impl Chip {
    fn new(board: MiniBoard, phase_ns: u64) -> Self {
        let mut registers = [0; 128];
        registers[usize::from(GPIO)] = POWER_ON_PINS;
        Self {
            board,
            registers,
            capture: Capture::new(FRAME_NS, phase_ns),
            in_reset: false,
            ready_ns: 0,
            state: Spi::Command,
            last: 0x55,
        }
    }

    fn reset(&mut self, pins: u8) {
        self.registers = [0; 128];
        self.registers[usize::from(GPIO)] = pins;
        self.capture.abort();
    }

    fn sensor_sleeps(&self) -> bool {
        self.registers[usize::from(GPIO)] & 0x03 != 0x01
    }

    fn exchange(&mut self, sent: u8, sensor: &mut Ov2640, wires: &mut Wires) -> u8 {
        let answer = match self.state {
            Spi::Command => {
                self.state = match sent {
                    0x3C => Spi::Burst { dummy: self.has_dummy(), any: false },
                    0x3D => Spi::Single,
                    _ if sent & 0x80 != 0 => Spi::Value(sent & 0x7F),
                    _ => Spi::Answer(sent),
                };
                None
            }
            Spi::Value(address) => {
                self.write(address, sent, sensor, wires);
                self.state = Spi::Over(address | 0x80);
                None
            }
            Spi::Answer(address) => {
                self.state = Spi::Over(address);
                Some(self.read(address, wires))
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
        // A dummy byte repeats the previous byte, so that reading at the wrong offset gives plausible values.
        self.last = answer.unwrap_or(self.last);
        self.last
    }

    fn deselect(&mut self, wires: &mut Wires, moved: u64) {
        match self.state {
            _ if moved == 0 => wires.breach(Breach::EmptyTransaction),
            Spi::Value(command) => wires.breach(Breach::CutCommand { command: command | 0x80 }),
            Spi::Answer(command) => wires.breach(Breach::CutCommand { command }),
            Spi::Single => wires.breach(Breach::CutCommand { command: 0x3D }),
            Spi::Burst { any: false, .. } => wires.breach(Breach::CutCommand { command: 0x3C }),
            Spi::Burst { .. } | Spi::Over(_) | Spi::Command => {}
        }
    }

    fn has_dummy(&self) -> bool {
        match self.board.dummy_byte {
            DummyByte::Auto | DummyByte::None => false,
            DummyByte::FirstBurst => self.capture.is_fresh,
            DummyByte::EveryBurst => true,
        }
    }

    fn too_early(&self, wires: &Wires) -> bool {
        self.in_reset || wires.now_ns < self.ready_ns
    }

    fn read(&mut self, address: u8, wires: &mut Wires) -> u8 {
        if self.too_early(wires) {
            wires.breach(Breach::TooEarly);
            return wires.random.byte();
        }
        let length = wires.find(|fault| if let Fault::Length(length) = fault { Some(length) } else { None });
        let [low, middle, high, _] = length.unwrap_or(self.capture.length(wires.now_ns) as u32).to_le_bytes();
        match address {
            0x40 => wires
                .find(|fault| if let Fault::Version(version) = fault { Some(version) } else { None })
                .unwrap_or(self.board.version),
            0x41 => {
                let is_done = self.capture.is_done() && !wires.has(Fault::NeverDone);
                u8::from(self.capture.vsync(wires.now_ns)) | u8::from(is_done) << 3
            }
            0x42 => low,
            0x43 => middle,
            0x44 => high,
            _ => self.registers[usize::from(address & 0x7F)],
        }
    }

    fn write(&mut self, address: u8, value: u8, sensor: &mut Ov2640, wires: &mut Wires) {
        if address == CPLD_RESET {
            self.in_reset = value & 0x80 != 0;
            self.ready_ns = wires.now_ns + RESET_NS;
            // Standby and reset of the sensor survive it.
            let pins = self.registers[usize::from(GPIO)];
            if !wires.has(Fault::StaleFlag) {
                self.reset(pins);
            }
            return;
        }
        if self.too_early(wires) {
            wires.breach(Breach::TooEarly);
            return;
        }
        match address {
            FIFO => self.command(value, wires),
            GPIO => {
                let was_asleep = self.sensor_sleeps();
                self.registers[usize::from(GPIO)] = value;
                if was_asleep && value & 1 == 1 {
                    sensor.frames_since_reset = 0;
                }
            }
            TEST1 | 0x01 | 0x03 | 0x05 => self.registers[usize::from(address)] = value,
            _ => wires.breach(Breach::NotWritable { address }),
        }
    }

    fn command(&mut self, value: u8, wires: &mut Wires) {
        if wires.has(Fault::StaleFlag) {
            return;
        }
        if value & 0x01 != 0 {
            self.capture.clear(wires);
        }
        if value & 0x30 != 0 {
            self.capture.reset_pointers(wires);
        }
        if value & 0x02 != 0 {
            let late_ms = wires.find(|fault| if let Fault::DoneLate { ms } = fault { Some(ms) } else { None });
            let outcome = wires.find(outcome_of).unwrap_or(Outcome::Frame { extra: 0 });
            let after_ns = wires.now_ns + u64::from(late_ms.unwrap_or(0)) * 1_000_000;
            self.capture.arm(after_ns, outcome, wires);
        }
    }
}

/// Returns the outcome of a capture under a fault.
pub(super) fn outcome_of(fault: Fault) -> Option<Outcome> {
    match fault {
        Fault::ShortFrame { bytes } => Some(Outcome::Frame { extra: -i64::from(bytes) }),
        Fault::LongFrame { bytes } => Some(Outcome::Frame { extra: i64::from(bytes) }),
        Fault::StaleFrame => Some(Outcome::Stale),
        Fault::FlatFrame(value) => Some(Outcome::Flat(value)),
        _ => None,
    }
}
