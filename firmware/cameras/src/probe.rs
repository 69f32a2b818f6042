//! Whether a module answers over SPI, and what is the matter with the wires when it does not.

/// Written to a scratch register in turn: both values of every bit, and what stuck lines read.
pub(crate) const PATTERNS: [u8; 4] = [0x55, 0xAA, 0x00, 0xFF];

/// Sent while a register's value is clocked out: unlike any value a register is expected to have, so that an echo of it
/// is noticed.
pub(crate) const FILLER: u8 = 0x2D;

/// What is the matter between microcontroller and module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum WireFault {
    /// Everything reads 00.
    StuckLow,
    /// Everything reads FF.
    StuckHigh,
    /// What is sent comes back.
    Echo,
    /// Every register reads this.
    SameValue {
        /// What was read.
        value: u8,
    },
    /// Values come back rotated by one bit.
    WrongPhase,
    /// A register did not keep its value.
    Readback {
        /// The register's address.
        address: u8,
        /// What was written, or read before.
        expected: u8,
        /// What was read.
        got: u8,
    },
}

impl core::fmt::Display for WireFault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::StuckLow => {
                f.write_str("everything reads 00 over SPI: check MISO, chip select and the module's power")
            }
            Self::StuckHigh => {
                f.write_str("everything reads FF over SPI: check MISO, chip select and the module's power")
            }
            Self::Echo => f.write_str("what is sent over SPI comes back: MOSI and MISO are connected to each other"),
            Self::SameValue { value } => {
                write!(f, "every register reads {value:02X}: the chip select does not change, check its wire and pin")
            }
            Self::WrongPhase => f.write_str("values come back shifted by one bit: set SPI mode 0"),
            Self::Readback { address, expected, got } => write!(
                f,
                "register {address:02X} reads {got:02X} instead of {expected:02X}: lower the SPI clock, check the wires"
            ),
        }
    }
}

impl core::error::Error for WireFault {}

/// What readings say: `values` of the scratch register at address `scratch`, after each of [`PATTERNS`] was written
/// there, and `others` of another register, at `other`, read in between (so that what was sent last cannot pass for the
/// pattern).
pub(crate) fn judge(scratch: u8, values: [u8; 4], other: u8, others: [u8; 4]) -> Result<(), WireFault> {
    let [first, ..] = others;
    let pairs = || PATTERNS.iter().zip(&values);
    if others.iter().chain(&values).all(|value| *value == first) {
        return Err(match first {
            0x00 => WireFault::StuckLow,
            0xFF => WireFault::StuckHigh,
            FILLER => WireFault::Echo,
            value => WireFault::SameValue { value },
        });
    }
    if let Some((pattern, got)) = pairs().find(|(pattern, got)| pattern != got) {
        let is_rotated = pairs().all(|(pattern, got)| *got == pattern.rotate_left(1))
            || pairs().all(|(pattern, got)| *got == pattern.rotate_right(1));
        return Err(if is_rotated {
            WireFault::WrongPhase
        } else {
            WireFault::Readback { address: scratch, expected: *pattern, got: *got }
        });
    }
    match others.iter().find(|value| **value != first) {
        Some(got) => Err(WireFault::Readback { address: other, expected: first, got: *got }),
        None => Ok(()),
    }
}
