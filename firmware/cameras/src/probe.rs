//! Checks that a module answers over SPI, and diagnoses the wires if it does not.

/// Test patterns, written to a scratch register in turn: both values of every bit, and the values of stuck lines.
pub(crate) const PATTERNS: [u8; 4] = [0x55, 0xAA, 0x00, 0xFF];

/// Filler sent while a register is read: it differs from any expected register value, so that an echo is detected.
pub(crate) const FILLER: u8 = 0x2D;

/// Faults of the wires between microcontroller and module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum WireFault {
    /// Every byte reads 00.
    StuckLow,
    /// Every byte reads FF.
    StuckHigh,
    /// The sent byte is received: MOSI and MISO are connected.
    Echo,
    /// Every register reads the same value.
    SameValue {
        /// Value read.
        value: u8,
    },
    /// Values are rotated by one bit: wrong clock phase.
    WrongPhase,
    /// A register lost its value.
    Readback {
        /// Address of the register.
        address: u8,
        /// Value written, or read before.
        expected: u8,
        /// Value read.
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

/// Diagnoses the readings: `values` of the scratch register at address `scratch`, after each of [`PATTERNS`] was
/// written there, and `others` of another register, at `other`. `others` are read in between, so that the last byte
/// sent cannot pass for the pattern.
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
