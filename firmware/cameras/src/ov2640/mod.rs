//! The OV2640 sensor: its registers, its window, and register access.
//!
//! # Source
//! OmniVision, OV2640DS version 1.6 ("OV2640DS v1.6").

mod sccb;
mod tables;
mod window;

pub(crate) use sccb::RETRIES_TOGETHER;
pub use sccb::{ADDRESS, NACK_RETRIES, NACK_WAIT_MS, Sccb, SccbError};
pub(crate) use tables::writes_in;
pub use tables::{BASE, RGB565, Writes, YUV422};
pub use window::{Array, WINDOW_WRITES, Window, WindowError};

/// A register and its bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Register {
    /// A register of the image processor's bank (`FF=00`).
    Dsp(u8),
    /// A register of the sensor array's bank (`FF=01`).
    Sensor(u8),
}

impl core::fmt::Display for Register {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Dsp(address) => write!(f, "DSP register {address:02X}"),
            Self::Sensor(address) => write!(f, "sensor register {address:02X}"),
        }
    }
}

/// Selects the bank of all other registers, in both banks: b0 is 0 for the image processor, 1 for the sensor array.
pub const BANK_SELECT: u8 = 0xFF;
/// Resets blocks of the sensor, one per bit: [`RESET_DVP`] holds the output while sizes change.
pub const RESET: Register = Register::Dsp(0xE0);
/// Holds the output port in reset.
pub const RESET_DVP: u8 = 0x04;
/// Address of the indirect special-effect registers; [`EFFECT_DATA`] increments it.
pub const EFFECT_ADDRESS: Register = Register::Dsp(0x7C);
/// Data of the indirect special-effect registers.
pub const EFFECT_DATA: Register = Register::Dsp(0x7D);
/// Indirect special-effect register 0, bits 4 and 3: U and V are constants.
pub const EFFECT_FIX_CHROMA: u8 = 0x18;
/// Indirect special-effect register of the constant U; the next one is V.
pub const EFFECT_FIXED_U: u8 = 0x05;
/// Product identification, high byte: [`PRODUCT_ID_HIGH`].
pub const PIDH: Register = Register::Sensor(0x0A);
/// Product identification, low byte: one of [`PRODUCT_IDS_LOW`].
pub const PIDL: Register = Register::Sensor(0x0B);
/// Value of [`PIDH`].
pub const PRODUCT_ID_HIGH: u8 = 0x26;
/// Values of [`PIDL`]: 0x41 by the data sheet, 0x42 on many chips; ArduCAM's own example also accepts 0x40.
pub const PRODUCT_IDS_LOW: [u8; 3] = [0x40, 0x41, 0x42];
/// Register 04: b7 mirrors left and right, b6 top and bottom.
pub const REG04: Register = Register::Sensor(0x04);
/// Bits of [`REG04`] besides mirror and flip (bit 5 and 3 of ArduCAM's tables).
pub const REG04_BASE: u8 = 0x28;
/// Register 12: b7 soft reset, b6..4 array mode.
pub const COM7: Register = Register::Sensor(0x12);
/// [`COM7`]: resets all registers.
pub const COM7_RESET: u8 = 0x80;
/// Upper limit of the luminance range in which exposure control does nothing.
pub const AEW: Register = Register::Sensor(0x24);
/// Lower limit of the luminance range in which exposure control does nothing.
pub const AEB: Register = Register::Sensor(0x25);
/// Average luminance of the last frame.
pub const YAVG: Register = Register::Sensor(0x2F);
