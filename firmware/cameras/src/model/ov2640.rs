//! Model of the OV2640 behind its I2C address: two banks of registers, exposure, and frames.

use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource, Operation};

use super::breach::Breach;
use super::capture::yuv422;
use super::photo::{Photo, expected_rows, rgb565};
use super::wires::Wires;
use crate::ov2640::{ADDRESS, Array, BANK_SELECT, Window};

/// Registers of the image processor's bank: those in OV2640DS v1.6 and in the vendors' tables.
const DSP_REGISTERS: &[(u8, u8)] = &[
    (0x05, 0x05),
    (0x2C, 0x2C),
    (0x2E, 0x2E),
    (0x33, 0x33),
    (0x3C, 0x3C),
    (0x41, 0x44),
    (0x4C, 0x4C),
    (0x50, 0x57),
    (0x5A, 0x5C),
    (0x76, 0x76),
    (0x7C, 0x7D),
    (0x7F, 0x7F),
    (0x86, 0x88),
    (0x8C, 0x8C),
    (0x90, 0x93),
    (0x96, 0x97),
    (0xA4, 0xA8),
    (0xB0, 0xBF),
    (0xC0, 0xC9),
    (0xD3, 0xD3),
    (0xD7, 0xD7),
    (0xD9, 0xDA),
    (0xDD, 0xDD),
    (0xDF, 0xE1),
    (0xE5, 0xE5),
    (0xF0, 0xF9),
];
/// Registers of the sensor array's bank, from the same sources.
const ARRAY_REGISTERS: &[(u8, u8)] = &[
    (0x00, 0x00),
    (0x03, 0x04),
    (0x06, 0x0F),
    (0x10, 0x1D),
    (0x20, 0x28),
    (0x2A, 0x2F),
    (0x32, 0x3E),
    (0x42, 0x50),
    (0x5A, 0x65),
    (0x6C, 0x73),
    (0x7C, 0x7C),
];
const READ_ONLY: [u8; 5] = [0x0A, 0x0B, 0x1C, 0x1D, 0x2F];

/// The sensor acknowledges nothing for this long after a soft reset.
const RESET_NS: u64 = 1_000_000;
/// Frames until exposure is steady after a reset, unless a fault changes it.
pub(super) const DARK_FRAMES: u32 = 4;
const I2C_MOST_HZ: u32 = 400_000;

#[derive(Debug)]
pub(super) struct Ov2640 {
    dsp: [u8; 256],
    array: [u8; 256],
    bank: u8,
    pointer: u8,
    /// Indirect special-effect registers.
    effects: [u8; 16],
    effect_at: usize,
    ready_ns: u64,
    pub(super) frames_since_reset: u32,
    dark_frames: u32,
    photo: Photo,
    /// The photo as last captured.
    seen: Option<Seen>,
}

/// A photo transformed as the registers specify.
#[derive(Debug)]
struct Seen {
    window: Window,
    /// Mirrored, flipped.
    turned: [bool; 2],
    in_color: bool,
    /// Luma, or red, green and blue of each pixel.
    levels: Vec<u8>,
    /// Mean luma.
    mean: u8,
}

/// Bits of register DA for color.
const RGB565: u8 = 0x08;

impl Ov2640 {
    pub(super) fn new(photo: Photo) -> Self {
        let mut sensor = Self {
            dsp: [0; 256],
            array: [0; 256],
            bank: 0,
            pointer: 0,
            effects: [0; 16],
            effect_at: 0,
            ready_ns: 0,
            frames_since_reset: 0,
            dark_frames: DARK_FRAMES,
            photo,
            seen: None,
        };
        sensor.reset(0, DARK_FRAMES);
        sensor
    }

    pub(super) fn show(&mut self, photo: Photo) {
        (self.photo, self.seen) = (photo, None);
    }

    pub(super) fn reset(&mut self, now_ns: u64, dark_frames: u32) {
        (self.dsp, self.array, self.effects) = ([0; 256], [0; 256], [0; 16]);
        for (address, value) in [(0x0A, 0x26), (0x0B, 0x42), (0x1C, 0x7F), (0x1D, 0xA2)] {
            self.array[address] = value;
        }
        (self.bank, self.effect_at, self.frames_since_reset) = (0x7F, 0, 0);
        self.dark_frames = dark_frames;
        self.ready_ns = now_ns + RESET_NS;
    }

    /// Runs a transaction to `address`, in standby or not.
    pub(super) fn transaction(
        &mut self,
        address: u8,
        operations: &mut [Operation<'_>],
        asleep: bool,
        wires: &mut Wires,
    ) -> Result<(), ErrorKind> {
        use super::fault::Fault;
        wires.check_i2c(I2C_MOST_HZ);
        if wires.has(Fault::I2cError) {
            return Err(ErrorKind::Bus);
        }
        if address != ADDRESS || asleep || wires.now_ns < self.ready_ns || wires.has(Fault::Nack) {
            return Err(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address));
        }
        for operation in operations {
            match operation {
                Operation::Write([register]) => self.pointer = *register,
                Operation::Write([register, value]) => self.write(*register, *value, wires),
                Operation::Write(bytes) => wires.breach(Breach::SensorMessage { bytes: bytes.len() as u8 }),
                Operation::Read([byte]) => {
                    *byte = self.read(self.pointer);
                    let id = wires.find(|fault| if let Fault::Id(id) = fault { Some(id) } else { None });
                    if let (Some(id), true, 0x0A) = (id, self.bank & 1 == 1, self.pointer) {
                        *byte = id;
                    }
                }
                Operation::Read(bytes) => wires.breach(Breach::SensorMessage { bytes: bytes.len() as u8 }),
            }
        }
        Ok(())
    }

    fn read(&mut self, register: u8) -> u8 {
        match (register, self.bank & 1) {
            (BANK_SELECT, _) => self.bank,
            (0x2F, 1) => self.luminance(),
            (_, 1) => self.array[usize::from(register)],
            _ => self.dsp[usize::from(register)],
        }
    }

    fn write(&mut self, register: u8, value: u8, wires: &mut Wires) {
        if register == BANK_SELECT {
            self.bank = value;
            return;
        }
        let exists = |registers: &[(u8, u8)]| registers.iter().any(|(from, to)| (*from..=*to).contains(&register));
        let in_array = self.bank & 1 == 1;
        let (here, there) = if in_array { (ARRAY_REGISTERS, DSP_REGISTERS) } else { (DSP_REGISTERS, ARRAY_REGISTERS) };
        if !exists(here) {
            let breach = if exists(there) {
                Breach::WrongBank { address: register }
            } else {
                Breach::NotWritable { address: register }
            };
            wires.breach(breach);
            return;
        }
        if in_array {
            if READ_ONLY.contains(&register) {
                wires.breach(Breach::NotWritable { address: register });
            } else if register == 0x12 && value & 0x80 != 0 {
                let dark =
                    wires.find(
                        |fault| {
                            if let super::fault::Fault::DarkFrames(frames) = fault { Some(frames) } else { None }
                        },
                    );
                self.reset(wires.now_ns, dark.unwrap_or(DARK_FRAMES));
            } else {
                self.array[usize::from(register)] = value;
            }
            return;
        }
        match register {
            0x7C => self.effect_at = usize::from(value),
            0x7D => {
                if let Some(effect) = self.effects.get_mut(self.effect_at) {
                    *effect = value;
                }
                self.effect_at += 1;
            }
            _ => self.dsp[usize::from(register)] = value,
        }
    }

    /// Applies exposure to a luma value: after a reset it grows linearly from frame to frame until it is steady.
    fn exposed(&self, luma: u8) -> u8 {
        let frames = u64::from(self.dark_frames) + 1;
        let passed = u64::from(self.frames_since_reset).min(frames);
        (u64::from(luma) * passed / frames) as u8
    }

    fn luminance(&mut self) -> u8 {
        let Some(mean) = self.seen().map(|seen| seen.mean) else { return 0 };
        self.exposed(mean)
    }

    /// Returns the photo as the registers specify, before exposure; `None` if they describe no picture.
    fn seen(&mut self) -> Option<&Seen> {
        let array = match self.array[0x12] & 0x70 {
            0x40 => Array::Svga,
            0x20 => Array::Cif,
            _ => Array::Uxga,
        };
        let window = Window::of_registers(array, |address| self.dsp[usize::from(address)]).checked().ok()?;
        let size = [array.width() >> 3, array.height() >> 3];
        let says = [0xC0, 0xC1].map(|address: usize| u16::from(self.dsp[address]));
        // YUV422, luma first, or RGB565, red first.
        let is_raw = matches!(self.dsp[0xDA], 0x00 | RGB565) && self.dsp[0x05] & 1 == 0;
        if size != says || !is_raw {
            return None;
        }
        let turned = [self.array[0x04] & 0x80 != 0, self.array[0x04] & 0x40 != 0];
        let in_color = self.dsp[0xDA] == RGB565;
        let as_before = |seen: &Seen| (seen.window, seen.turned, seen.in_color) == (window, turned, in_color);
        if !self.seen.as_ref().is_some_and(as_before) {
            let [mirror, flip] = turned;
            let luma = expected_rows(&self.photo, &window, mirror, flip);
            let mean = (luma.iter().map(|luma| u64::from(*luma)).sum::<u64>() / luma.len() as u64) as u8;
            let levels = if in_color { self.photo.through(&window, mirror, flip) } else { luma };
            self.seen = Some(Seen { window, turned, in_color, levels, mean });
        }
        self.seen.as_ref()
    }

    /// Returns the bytes of the frame that starts now; empty if the registers describe no picture.
    pub(super) fn frame(&mut self) -> Vec<u8> {
        let Some(Seen { levels, in_color, .. }) = self.seen() else { return Vec::new() };
        let (levels, in_color) = (levels.clone(), *in_color);
        let levels: Vec<u8> = levels.into_iter().map(|level| self.exposed(level)).collect();
        if in_color {
            return levels.chunks_exact(self.photo.channels()).flat_map(rgb565).collect();
        }
        let is_fixed = self.effects[0] & 0x18 == 0x18 && self.dsp[0x86] & 0x10 != 0;
        let fixed = [self.effects[5], self.effects[6]];
        yuv422(&levels, |index| if is_fixed { fixed[index % 2] } else { colored(index) })
    }
}

/// Chroma of a color picture; it is never constant for long.
pub(super) fn colored(index: usize) -> u8 {
    (0x50 + index * 37 % 0x61) as u8
}
