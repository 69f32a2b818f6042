//! Client of QEMU's gdb stub: the part of GDB's remote serial protocol that a debug probe needs.
//!
//! Source: "Debugging with GDB", appendix E, "GDB Remote Serial Protocol".

use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Timeout of the stub, for one that hangs: an emulator that ended closes its socket.
const TIMEOUT: Duration = Duration::from_secs(300);
/// Maximum bytes of memory per packet: as text they are twice as many, and QEMU's packets have 4,096.
const CHUNK_BYTES: usize = 1024;
/// Byte that stops the machine.
const INTERRUPT: u8 = 0x03;

/// Numbers of a core's registers in the stub.
const REGISTERS: u32 = 16;
const XPSR: u32 = 25;

/// Connects to a socket of the emulator. It serves one connection, and listens again only some time after that has ended.
pub(super) fn connect(socket: &Path) -> io::Result<UnixStream> {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        match UnixStream::connect(socket) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(20));
            }
            connected => return connected,
        }
    }
}

/// A connection to the stub, and the state of the machine.
#[derive(Debug)]
pub(super) struct Gdb {
    stream: BufReader<UnixStream>,
    runs: bool,
}

impl Gdb {
    /// Connects; this stops the machine.
    pub(super) fn connect(socket: &Path) -> io::Result<Self> {
        let stream = connect(socket)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let mut gdb = Self { stream: BufReader::new(stream), runs: false };
        // The stub answers for single registers only after their description was read.
        gdb.ask("qXfer:features:read:target.xml:0,fff")?;
        Ok(gdb)
    }

    pub(super) fn runs(&self) -> bool {
        self.runs
    }

    pub(super) fn run(&mut self) -> io::Result<()> {
        if !self.runs {
            self.send("c")?;
            self.runs = true;
        }
        Ok(())
    }

    pub(super) fn halt(&mut self) -> io::Result<()> {
        if self.runs {
            self.stream.get_mut().write_all(&[INTERRUPT])?;
            // The answer to `c`, which was pending until now.
            self.receive()?;
            self.runs = false;
        }
        Ok(())
    }

    /// Executes one instruction.
    pub(super) fn step(&mut self) -> io::Result<()> {
        self.halt()?;
        self.ask("s").map(|_| ())
    }

    /// Resets the machine and leaves it halted at its first instruction.
    pub(super) fn reset(&mut self) -> io::Result<()> {
        self.halt()?;
        let command: String = b"system_reset".iter().map(|byte| format!("{byte:02x}")).collect();
        self.ask(&format!("qRcmd,{command}")).map(|_| ())
    }

    pub(super) fn read(&mut self, address: u32, bytes: &mut [u8]) -> io::Result<()> {
        self.halted(|gdb| {
            for (chunk, address) in bytes.chunks_mut(CHUNK_BYTES).zip((address..).step_by(CHUNK_BYTES)) {
                let answer = gdb.ask(&format!("m{address:x},{:x}", chunk.len()))?;
                let read = from_hex(&answer).filter(|read| read.len() == chunk.len());
                chunk.copy_from_slice(&read.ok_or_else(|| refused("read", address, &answer))?);
            }
            Ok(())
        })
    }

    pub(super) fn write(&mut self, address: u32, bytes: &[u8]) -> io::Result<()> {
        self.halted(|gdb| {
            for (chunk, address) in bytes.chunks(CHUNK_BYTES).zip((address..).step_by(CHUNK_BYTES)) {
                let data: String = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
                let answer = gdb.ask(&format!("M{address:x},{:x}:{data}", chunk.len()))?;
                if answer != "OK" {
                    return Err(refused("write", address, &answer));
                }
            }
            Ok(())
        })
    }

    /// Reads a core register by its number in DCRSR: 0..=15, 16 for xPSR, 17 for the main stack pointer.
    pub(super) fn read_register(&mut self, number: u32) -> io::Result<u32> {
        // Registers unknown to the stub are not needed; they read 0.
        let Some(number) = stub_register(number) else { return Ok(0) };
        let answer = self.halted(|gdb| gdb.ask(&format!("p{number:x}")))?;
        let bytes = from_hex(&answer).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u32::from_le_bytes).ok_or_else(|| refused("read register", number, &answer))
    }

    /// Writes a core register; see [`Gdb::read_register`].
    pub(super) fn write_register(&mut self, number: u32, value: u32) -> io::Result<()> {
        let Some(number) = stub_register(number) else { return Ok(()) };
        let data: String = value.to_le_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let answer = self.halted(|gdb| gdb.ask(&format!("P{number:x}={data}")))?;
        if answer == "OK" { Ok(()) } else { Err(refused("write register", number, &answer)) }
    }

    /// Detaches from the machine, which continues if it was running.
    pub(super) fn detach(&mut self) -> io::Result<()> {
        if self.runs {
            self.halt()?;
            self.ask("D")?;
        }
        Ok(())
    }

    /// Runs `action` while the machine is halted: QEMU answers nothing otherwise.
    fn halted<T>(&mut self, action: impl FnOnce(&mut Self) -> io::Result<T>) -> io::Result<T> {
        let ran = self.runs;
        self.halt()?;
        let result = action(self);
        if ran {
            self.run()?;
        }
        result
    }

    fn ask(&mut self, request: &str) -> io::Result<String> {
        self.send(request)?;
        self.receive()
    }

    fn send(&mut self, request: &str) -> io::Result<()> {
        let sum = checksum(request.as_bytes());
        self.stream.get_mut().write_all(format!("${request}#{sum:02x}").as_bytes())?;
        loop {
            match self.stream.fill_buf()?.first() {
                Some(b'+') => {
                    self.stream.consume(1);
                    return Ok(());
                }
                // Connecting stops a running machine, which reports this without a request.
                Some(b'$') => drop(self.receive()?),
                _ => return Err(io::Error::other("the gdb stub did not take a packet")),
            }
        }
    }

    fn receive(&mut self) -> io::Result<String> {
        let mut packet = Vec::new();
        self.stream.read_until(b'#', &mut packet)?;
        let mut sum = [0; 2];
        self.stream.read_exact(&mut sum)?;
        self.stream.get_mut().write_all(b"+")?;
        let text = packet.strip_suffix(b"#").and_then(|packet| packet.strip_prefix(b"$"));
        let text = text.ok_or_else(|| io::Error::from(ErrorKind::InvalidData))?;
        if format!("{:02x}", checksum(text)).as_bytes() != sum {
            return Err(ErrorKind::InvalidData.into());
        }
        String::from_utf8(text.to_owned()).map_err(|_| ErrorKind::InvalidData.into())
    }
}

impl Drop for Gdb {
    fn drop(&mut self) {
        // Fails if QEMU has ended.
        let _ = self.detach();
    }
}

fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, &byte| sum.wrapping_add(byte))
}

fn stub_register(number: u32) -> Option<u32> {
    match number {
        0..REGISTERS => Some(number),
        16 => Some(XPSR),
        17 => Some(13),
        _ => None,
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|digit| Some(digit.to_digit(16)? as u8)).collect();
    Some(digits?.chunks_exact(2).map(|two| two[0] << 4 | two[1]).collect())
}

fn refused(what: &str, place: u32, answer: &str) -> io::Error {
    io::Error::other(format!("QEMU does not {what} {place:#x}: {answer}"))
}
