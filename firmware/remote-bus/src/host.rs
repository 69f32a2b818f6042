//! The host side: serves requests.

use std::io::{self, ErrorKind, Read, Write};

use embedded_hal::i2c::Operation as I2cOperation;
use embedded_hal::spi::Operation as SpiOperation;
use pinhole_shared::link::Checksum;

use crate::wire::{ANSWER, CHECKSUM_BYTES, HEADER_BYTES, Header, Kind, MOST_BYTES, REQUEST, STEP_BYTES, Status, Step};

/// Devices on the buses.
pub trait Target {
    /// Runs a transaction on the SPI bus, as [`embedded_hal::spi::SpiDevice::transaction`].
    ///
    /// # Errors
    /// The reason of the failure; never [`Status::Done`].
    fn spi(&mut self, operations: &mut [SpiOperation<'_, u8>]) -> Result<(), Status>;

    /// Runs a transaction on the I2C bus, as [`embedded_hal::i2c::I2c::transaction`].
    ///
    /// # Errors
    /// The reason of the failure; never [`Status::Done`].
    fn i2c(&mut self, address: u8, operations: &mut [I2cOperation<'_>]) -> Result<(), Status>;

    /// Lets `ns` nanoseconds pass.
    fn delay(&mut self, ns: u64);
}

/// Answers requests until the stream ends.
///
/// # Errors
/// Those of the stream.
pub fn serve(mut stream: impl Read + Write, target: &mut impl Target) -> io::Result<()> {
    loop {
        let Some((header, body)) = request(&mut stream)? else { return Ok(()) };
        let Some(answer) = Kind::of(header.code).and_then(|kind| carry_out(kind, &body, target)) else { continue };
        let (status, bytes) = match answer {
            Ok(bytes) => (Status::Done, bytes),
            Err(status) => (status, Vec::new()),
        };
        let header = Header { sequence: header.sequence, code: status as u8, length: bytes.len() as u32 };
        let mut message = vec![ANSWER];
        message.extend(header.encode());
        message.extend(bytes);
        let mut checksum = Checksum::new();
        checksum.update(&message[1..]);
        message.extend(checksum.value().to_le_bytes());
        stream.write_all(&message)?;
        stream.flush()?;
    }
}

/// Returns the next intact request; `None` at the end of the stream.
fn request(stream: &mut impl Read) -> io::Result<Option<(Header, Vec<u8>)>> {
    // Bytes that turned out not to be a request are searched again: a request may begin among them.
    let mut pending: Vec<u8> = Vec::new();
    loop {
        let start = pending.iter().position(|&byte| byte == REQUEST).unwrap_or(pending.len());
        pending.drain(..start);
        if !fill(stream, &mut pending, 1 + HEADER_BYTES)? {
            return Ok(None);
        }
        let Some((&[REQUEST], rest)) = pending.split_first_chunk() else { continue };
        let Some(&fields) = rest.first_chunk::<HEADER_BYTES>() else { continue };
        let header = Header::decode(fields);
        if header.length > MOST_BYTES || Kind::of(header.code).is_none() {
            pending.drain(..1);
            continue;
        }
        let end = 1 + HEADER_BYTES + header.length as usize;
        if !fill(stream, &mut pending, end + CHECKSUM_BYTES)? {
            return Ok(None);
        }
        let mut checksum = Checksum::new();
        checksum.update(&pending[1..end]);
        if pending[end..end + CHECKSUM_BYTES] != checksum.value().to_le_bytes() {
            pending.drain(..1);
            continue;
        }
        // The device sends nothing before it has an answer or has given up, so further bytes are no request.
        return Ok(Some((header, pending[1 + HEADER_BYTES..end].to_vec())));
    }
}

/// Reads until `wanted` bytes are there; false at the end of the stream.
fn fill(stream: &mut impl Read, pending: &mut Vec<u8>, wanted: usize) -> io::Result<bool> {
    while pending.len() < wanted {
        let start = pending.len();
        pending.resize(wanted, 0);
        match stream.read(&mut pending[start..]) {
            Ok(0) => return Ok(false),
            Ok(got) => pending.truncate(start + got),
            Err(error) if error.kind() == ErrorKind::Interrupted => pending.truncate(start),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Executes a request and returns its result. `None` if it is malformed.
fn carry_out(kind: Kind, body: &[u8], target: &mut impl Target) -> Option<Result<Vec<u8>, Status>> {
    match kind {
        Kind::Delay => {
            target.delay(u64::from_le_bytes(body.try_into().ok()?));
            Some(Ok(Vec::new()))
        }
        Kind::Spi => {
            let steps = steps(body)?;
            let mut read: Vec<Vec<u8>> = steps.iter().map(|(_, _, read)| vec![0; *read]).collect();
            let operations = steps.iter().zip(&mut read).map(|((step, sent, _), read)| {
                Some(match step {
                    Step::Write => SpiOperation::Write(sent),
                    Step::Read => SpiOperation::Read(read),
                    Step::Transfer => SpiOperation::Transfer(read, sent),
                    Step::Delay => SpiOperation::DelayNs(u32::from_le_bytes((*sent).try_into().ok()?)),
                })
            });
            let mut operations = operations.collect::<Option<Vec<_>>>()?;
            Some(target.spi(&mut operations).map(|()| read.concat()))
        }
        Kind::I2c => {
            let (&address, body) = body.split_first()?;
            let steps = steps(body)?;
            let mut read: Vec<Vec<u8>> = steps.iter().map(|(_, _, read)| vec![0; *read]).collect();
            let operations = steps.iter().zip(&mut read).map(|((step, sent, _), read)| match step {
                Step::Write => Some(I2cOperation::Write(sent)),
                Step::Read => Some(I2cOperation::Read(read)),
                Step::Transfer | Step::Delay => None,
            });
            let mut operations = operations.collect::<Option<Vec<_>>>()?;
            Some(target.i2c(address, &mut operations).map(|()| read.concat()))
        }
    }
}

/// Decodes operations: step, bytes to send, and number of bytes to read.
fn steps(mut body: &[u8]) -> Option<Vec<(Step, &[u8], usize)>> {
    let mut steps = Vec::new();
    let mut all_read = 0;
    while !body.is_empty() {
        let (&[step, s0, s1, s2, s3, r0, r1, r2, r3], rest) = body.split_first_chunk::<STEP_BYTES>()?;
        let (sent, rest) = rest.split_at_checked(u32::from_le_bytes([s0, s1, s2, s3]) as usize)?;
        let read = u32::from_le_bytes([r0, r1, r2, r3]);
        all_read += u64::from(read);
        if all_read > u64::from(MOST_BYTES) {
            return None;
        }
        steps.push((Step::of(step)?, sent, read as usize));
        body = rest;
    }
    Some(steps)
}
