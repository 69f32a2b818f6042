//! Both sides together, over a stream that can lose, change and insert bytes.
#![cfg(feature = "host")]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::{self, Error as _, I2c, NoAcknowledgeSource};
use embedded_hal::spi::{self, SpiDevice};
use embedded_io::{ErrorKind, ErrorType};
use pinhole_remote_bus::device::{BusError, Buses};
use pinhole_remote_bus::host::{Target, serve};
use pinhole_remote_bus::wire::Status;
use proptest::prelude::*;

/// Records its requests and answers with counted bytes.
#[derive(Debug, Default)]
struct Recorder {
    asked: Vec<String>,
    next: u8,
    refuse: Option<Status>,
}

impl Recorder {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.next;
            self.next = self.next.wrapping_add(1);
        }
    }
}

impl Target for Recorder {
    fn spi(&mut self, operations: &mut [spi::Operation<'_, u8>]) -> Result<(), Status> {
        self.asked.push(format!("spi {operations:?}"));
        for operation in operations {
            match operation {
                spi::Operation::Read(bytes) | spi::Operation::TransferInPlace(bytes) => self.fill(bytes),
                spi::Operation::Transfer(bytes, _) => self.fill(bytes),
                spi::Operation::Write(_) | spi::Operation::DelayNs(_) => {}
            }
        }
        self.refuse.map_or(Ok(()), Err)
    }

    fn i2c(&mut self, address: u8, operations: &mut [i2c::Operation<'_>]) -> Result<(), Status> {
        self.asked.push(format!("i2c {address:#x} {operations:?}"));
        for operation in operations {
            if let i2c::Operation::Read(bytes) = operation {
                self.fill(bytes);
            }
        }
        self.refuse.map_or(Ok(()), Err)
    }

    fn delay(&mut self, ns: u64) {
        self.asked.push(format!("wait {ns}"));
    }
}

/// Changes of bytes on the way to the host, and back.
#[derive(Clone, Debug, Default)]
struct Damage {
    there: Vec<(usize, Change)>,
    back: Vec<(usize, Change)>,
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Lose,
    Flip(u8),
    Insert(u8),
}

fn damaged(bytes: &[u8], changes: &mut Vec<(usize, Change)>) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, &byte) in bytes.iter().enumerate() {
        match changes.iter().find(|(place, _)| *place == at).map(|(_, change)| *change) {
            None => out.push(byte),
            Some(Change::Lose) => {}
            Some(Change::Flip(bits)) => out.push(byte ^ bits),
            Some(Change::Insert(other)) => out.extend([other, byte]),
        }
    }
    changes.clear();
    out
}

/// The host's side runs when the device's side has nothing left to read.
#[derive(Clone, Default)]
struct Loop(Rc<RefCell<Ends>>);

#[derive(Default)]
struct Ends {
    to_host: Vec<u8>,
    from_host: VecDeque<u8>,
    target: Recorder,
    damage: Damage,
}

struct HostEnd<'a> {
    input: io::Cursor<Vec<u8>>,
    output: &'a mut Vec<u8>,
}

impl io::Read for HostEnd<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.input.read(bytes)
    }
}

impl io::Write for HostEnd<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ErrorType for Loop {
    type Error = ErrorKind;
}

impl embedded_io::Read for Loop {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, ErrorKind> {
        let ends = &mut *self.0.borrow_mut();
        if ends.from_host.is_empty() {
            let request = damaged(&std::mem::take(&mut ends.to_host), &mut ends.damage.there);
            let mut output = Vec::new();
            serve(HostEnd { input: io::Cursor::new(request), output: &mut output }, &mut ends.target).unwrap();
            ends.from_host.extend(damaged(&output, &mut ends.damage.back));
        }
        let got = bytes.len().min(ends.from_host.len());
        bytes.iter_mut().zip(ends.from_host.drain(..got)).for_each(|(place, byte)| *place = byte);
        if got == 0 { Err(ErrorKind::TimedOut) } else { Ok(got) }
    }
}

impl embedded_io::Write for Loop {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        self.0.borrow_mut().to_host.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

#[test]
fn transactions_arrive_whole() {
    let ends = Loop::default();
    let buses = Buses::new(ends.clone());
    let (mut read, mut both, mut in_place) = ([0; 3], [0; 2], [7, 8]);
    let mut operations = [
        spi::Operation::Write(&[0x3C]),
        spi::Operation::Read(&mut read),
        spi::Operation::Transfer(&mut both, &[1, 2, 3]),
        spi::Operation::DelayNs(50),
        spi::Operation::TransferInPlace(&mut in_place),
    ];
    buses.spi().transaction(&mut operations).unwrap();
    assert_eq!((read, both, in_place), ([0, 1, 2], [3, 4], [5, 6]));
    let mut value = [0];
    buses.i2c().write(0x30, &[0x0A]).unwrap();
    buses.i2c().read(0x30, &mut value).unwrap();
    assert_eq!(value, [7]);
    buses.delay().delay_ms(100);
    buses.delay().delay_us(3);
    buses.delay().delay_ns(5);
    let asked = ends.0.borrow().target.asked.clone();
    let expected = [
        "spi [Write([60]), Read([0, 0, 0]), Transfer([0, 0], [1, 2, 3]), DelayNs(50), Transfer([0, 0], [7, 8])]",
        "i2c 0x30 [Write([10])]",
        "i2c 0x30 [Read([0])]",
        "wait 100000000",
        "wait 3000",
        "wait 5",
    ];
    assert_eq!(asked, expected);
}

#[test]
fn what_the_bus_says_arrives() {
    let ends = Loop::default();
    let buses = Buses::new(ends.clone());
    for (status, source) in [
        (Status::NoAddress, Some(NoAcknowledgeSource::Address)),
        (Status::NoData, Some(NoAcknowledgeSource::Data)),
        (Status::Failed, None),
    ] {
        ends.0.borrow_mut().target.refuse = Some(status);
        let error = buses.i2c().write(0x30, &[1]).unwrap_err();
        assert_eq!(error, BusError::Bus(status));
        assert_eq!(error.kind(), source.map_or(i2c::ErrorKind::Bus, i2c::ErrorKind::NoAcknowledge));
        assert_eq!(buses.spi().read(&mut [0; 4]), Err(BusError::Bus(status)));
    }
    ends.0.borrow_mut().target.refuse = None;
    assert_eq!(buses.i2c().write(0x30, &[1]), Ok(()));
}

#[test]
fn too_long_is_refused_and_nothing_is_sent() {
    let ends = Loop::default();
    let buses = Buses::new(ends.clone());
    assert_eq!(buses.spi().write(&vec![0; 1 << 16]), Err(BusError::TooLong));
    assert!(ends.0.borrow().to_host.is_empty());
    // A read that is too long is refused as well.
    assert_eq!(buses.spi().read(&mut vec![0; (1 << 16) + 1]), Err(BusError::TooLong));
    ends.0.borrow_mut().to_host.clear();
    assert_eq!(buses.spi().write(&[1, 2]), Ok(()));
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![Just(Change::Lose), (1..=255_u8).prop_map(Change::Flip), any::<u8>().prop_map(Change::Insert)]
}

proptest! {
    /// With bytes lost, changed or inserted, a transaction fails or returns the bytes sent; the next one succeeds.
    #[test]
    fn no_wrong_byte_is_taken_for_a_right_one(
        there in prop::collection::vec((0..40_usize, change()), 0..3),
        back in prop::collection::vec((0..40_usize, change()), 0..3),
    ) {
        let ends = Loop::default();
        let buses = Buses::new(ends.clone());
        ends.0.borrow_mut().damage = Damage { there, back };
        let mut read = [0xEE; 8];
        let result = buses.spi().transaction(&mut [spi::Operation::Write(&[0x3C]), spi::Operation::Read(&mut read)]);
        if result.is_ok() {
            prop_assert_eq!(read, [0, 1, 2, 3, 4, 5, 6, 7]);
        }
        ends.0.borrow_mut().damage = Damage::default();
        let next = ends.0.borrow().target.next;
        let mut read = [0xEE; 2];
        buses.spi().read(&mut read).unwrap();
        prop_assert_eq!(read, [next, next.wrapping_add(1)]);
    }
}
