//! The software I2C controller, against a device that sees only the lines.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{ErrorType, InputPin, OutputPin};
use embedded_hal::i2c::{Error as _, ErrorKind, I2c as _, NoAcknowledgeSource, Operation};
use pinhole_cameras::soft_i2c::{SoftI2c, SoftI2cError, Unanswered};

const ADDRESS: u8 = 0x30;

/// Two lines with pull-ups, and a device with 256 registers. A write sends a register's number and then values; a read
/// returns values from there on.
#[derive(Debug, Default)]
struct Bus {
    controller: Lines,
    device: Lines,
    registers: Vec<u8>,
    pointer: u8,
    state: State,
    /// Bits of the current byte, and their number.
    shift: u8,
    bits: u8,
    /// Bytes written since the start, without the address.
    written: usize,
    log: Vec<&'static str>,
    /// True if registers do not acknowledge values.
    read_only: bool,
    /// Half periods for which the device stretches the clock after each byte.
    stretch: u32,
    held: u32,
    /// Clocks until the device releases SDA.
    stuck_for: u32,
    clock_stuck: bool,
    ns: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lines {
    scl: bool,
    sda: bool,
}

impl Default for Lines {
    fn default() -> Self {
        Self { scl: true, sda: true }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    Address,
    /// The next clock is the device's acknowledge, followed by this state.
    Acknowledge(Next),
    Receive,
    Send,
    /// The next clock is the controller's acknowledge.
    Acknowledged,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Receive,
    Send,
}

impl Bus {
    fn lines(&self) -> Lines {
        Lines {
            scl: self.controller.scl && self.device.scl && self.held == 0 && !self.clock_stuck,
            sda: self.controller.sda && self.device.sda && self.stuck_for == 0,
        }
    }

    fn set(&mut self, change: impl FnOnce(&mut Lines)) {
        let before = self.lines();
        change(&mut self.controller);
        self.follow(before);
    }

    /// Updates the device for a change of the lines.
    fn follow(&mut self, before: Lines) {
        let now = self.lines();
        match (before, now) {
            (Lines { scl: true, sda: true }, Lines { scl: true, sda: false }) => {
                self.log.push("start");
                (self.state, self.bits, self.shift, self.written) = (State::Address, 0, 0, 0);
                self.device.sda = true;
            }
            (Lines { scl: true, sda: false }, Lines { scl: true, sda: true }) => {
                self.log.push("stop");
                self.state = State::Idle;
            }
            (Lines { scl: false, .. }, Lines { scl: true, .. }) => self.rise(now.sda),
            (Lines { scl: true, .. }, Lines { scl: false, .. }) => self.fall(),
            _ => {}
        }
    }

    fn rise(&mut self, sda: bool) {
        match self.state {
            State::Address | State::Receive => {
                self.shift = self.shift << 1 | u8::from(sda);
                self.bits += 1;
            }
            State::Acknowledged if sda => self.state = State::Idle,
            State::Acknowledged => (self.state, self.bits) = (State::Send, 0),
            _ => {}
        }
    }

    fn fall(&mut self) {
        self.stuck_for = self.stuck_for.saturating_sub(1);
        match self.state {
            State::Address if self.bits == 8 => {
                let reads = self.shift & 1 == 1;
                if self.shift >> 1 == ADDRESS {
                    self.device.sda = false;
                    self.held = self.stretch;
                    self.state = State::Acknowledge(if reads { Next::Send } else { Next::Receive });
                } else {
                    self.state = State::Idle;
                }
            }
            State::Receive if self.bits == 8 => {
                if self.written == 0 {
                    self.pointer = self.shift;
                } else if self.read_only {
                    self.state = State::Idle;
                    return;
                } else {
                    self.registers[usize::from(self.pointer)] = self.shift;
                    self.pointer = self.pointer.wrapping_add(1);
                }
                self.written += 1;
                self.device.sda = false;
                self.held = self.stretch;
                self.state = State::Acknowledge(Next::Receive);
            }
            State::Acknowledge(next) => {
                self.device.sda = true;
                (self.bits, self.shift) = (0, 0);
                match next {
                    Next::Receive => self.state = State::Receive,
                    Next::Send => {
                        self.state = State::Send;
                        self.put();
                    }
                }
            }
            State::Send => self.put(),
            _ => {}
        }
    }

    /// Sets SDA to the next bit, or releases it for the controller's acknowledge.
    fn put(&mut self) {
        if self.bits == 8 {
            self.device.sda = true;
            self.pointer = self.pointer.wrapping_add(1);
            self.state = State::Acknowledged;
            return;
        }
        self.device.sda = self.registers[usize::from(self.pointer)] >> (7 - self.bits) & 1 == 1;
        self.bits += 1;
    }
}

#[derive(Clone, Debug)]
struct Wire(Rc<RefCell<Bus>>);

#[derive(Debug)]
struct Scl(Wire);
#[derive(Debug)]
struct Sda(Wire);

impl ErrorType for Scl {
    type Error = Infallible;
}

impl ErrorType for Sda {
    type Error = Infallible;
}

impl OutputPin for Scl {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.0.0.borrow_mut().set(|lines| lines.scl = false);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.0.0.borrow_mut().set(|lines| lines.scl = true);
        Ok(())
    }
}

impl OutputPin for Sda {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.0.0.borrow_mut().set(|lines| lines.sda = false);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.0.0.borrow_mut().set(|lines| lines.sda = true);
        Ok(())
    }
}

impl InputPin for Scl {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(self.0.0.borrow().lines().scl)
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        self.is_high().map(|high| !high)
    }
}

impl InputPin for Sda {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(self.0.0.borrow().lines().sda)
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        self.is_high().map(|high| !high)
    }
}

impl DelayNs for Wire {
    fn delay_ns(&mut self, ns: u32) {
        let mut bus = self.0.borrow_mut();
        bus.ns += u64::from(ns);
        if bus.held > 0 {
            let before = bus.lines();
            bus.held -= 1;
            bus.follow(before);
        }
    }
}

fn bus(change: impl FnOnce(&mut Bus)) -> (SoftI2c<Scl, Sda, Wire>, Rc<RefCell<Bus>>) {
    let registers = (0..=255).map(|number: u8| number.wrapping_mul(37)).collect();
    let mut bus = Bus { registers, ..Bus::default() };
    change(&mut bus);
    let shared = Rc::new(RefCell::new(bus));
    let wire = Wire(Rc::clone(&shared));
    (SoftI2c::new(Scl(wire.clone()), Sda(wire.clone()), wire), shared)
}

#[test]
fn every_byte_goes_both_ways() {
    let (mut i2c, bus) = bus(|_| ());
    for value in 0..=255 {
        i2c.write(ADDRESS, &[0x12, value]).unwrap();
        let mut read = [0];
        // As SCCB requires: a stop in between.
        i2c.write(ADDRESS, &[0x12]).unwrap();
        i2c.read(ADDRESS, &mut read).unwrap();
        assert_eq!(read, [value]);
    }
    assert_eq!(bus.borrow().log[..4], ["start", "stop", "start", "stop"]);
    assert_eq!(bus.borrow().lines(), Lines::default());
}

#[test]
fn operations_of_one_transaction_are_joined_as_the_trait_says() {
    let (mut i2c, bus) = bus(|_| ());
    let (mut one, mut two) = ([0; 2], [0; 3]);
    let mut operations = [
        Operation::Write(&[0x40]),
        Operation::Write(&[1, 2, 3, 4, 5]),
        Operation::Write(&[]),
        Operation::Read(&mut one),
    ];
    i2c.transaction(ADDRESS, &mut operations).unwrap();
    assert_eq!(bus.borrow().registers[0x40..0x45], [1, 2, 3, 4, 5]);
    // The device continues at the register after the write.
    assert_eq!(one, [0x45_u8.wrapping_mul(37), 0x46_u8.wrapping_mul(37)]);
    assert_eq!(bus.borrow().log, ["start", "start", "stop"]);
    let mut operations = [Operation::Write(&[0x40]), Operation::Read(&mut one), Operation::Read(&mut two)];
    i2c.transaction(ADDRESS, &mut operations).unwrap();
    assert_eq!((one, two), ([1, 2], [3, 4, 5]));
    i2c.transaction(ADDRESS, &mut []).unwrap();
    assert_eq!(bus.borrow().log.len(), 6, "nothing to do is no transfer");
}

#[test]
fn nobody_there_and_a_refused_byte_are_told_apart() {
    let (mut i2c, shared) = bus(|bus| bus.read_only = true);
    let error = i2c.write(ADDRESS + 1, &[0]).unwrap_err();
    assert_eq!(error, SoftI2cError::NoAcknowledge(Unanswered::Address));
    assert_eq!(error.kind(), ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address));
    let error = i2c.write(ADDRESS, &[7, 8]).unwrap_err();
    assert_eq!(error, SoftI2cError::NoAcknowledge(Unanswered::Data));
    // Both ended with a stop, and the next transfer succeeds.
    assert_eq!(shared.borrow().log, ["start", "stop", "start", "stop"]);
    let mut read = [0];
    i2c.write_read(ADDRESS, &[7], &mut read).unwrap();
    assert_eq!(read, [7_u8.wrapping_mul(37)]);
}

#[test]
fn a_device_may_hold_the_clock_a_while() {
    let (mut i2c, _) = bus(|bus| bus.stretch = 150);
    let mut read = [0; 2];
    i2c.write_read(ADDRESS, &[9], &mut read).unwrap();
    assert_eq!(read, [9_u8.wrapping_mul(37), 10_u8.wrapping_mul(37)]);
}

#[test]
fn a_device_stopped_in_the_middle_of_a_byte_is_clocked_until_it_lets_go() {
    for clocks in 1..=9 {
        let (mut i2c, bus) = bus(|bus| bus.stuck_for = clocks);
        i2c.write(ADDRESS, &[0x33, 0x44]).unwrap();
        assert_eq!(bus.borrow().registers[0x33], 0x44, "{clocks} clocks");
    }
}

/// Two milliseconds for the transfer and its stop, or a few clocks: every wait is limited.
#[test]
fn lines_held_for_ever_are_an_error_soon() {
    type Change = fn(&mut Bus);
    let held: [(Change, SoftI2cError); 2] = [
        (|bus| bus.clock_stuck = true, SoftI2cError::ClockHeld),
        (|bus| bus.stuck_for = u32::MAX, SoftI2cError::DataHeld),
    ];
    for (fault, expected) in held {
        let (mut i2c, bus) = bus(fault);
        let error = i2c.write(ADDRESS, &[1, 2]).unwrap_err();
        assert_eq!((error, error.kind()), (expected, ErrorKind::Bus));
        assert!(bus.borrow().ns <= 2_100_000, "{} ns", bus.borrow().ns);
    }
}
