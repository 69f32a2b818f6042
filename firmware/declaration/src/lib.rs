//! Board declarations in TOML: memory, budget of the firmware, and buffer sizes.
//!
//! One file has two readers. The board's build script generates the memory map, the buffer sizes, and checks that end
//! the build if the firmware exceeds its budget ([`build_script`]). The host uses it to decide, before flashing, if a
//! model fits and how long an inference takes.

mod board;
pub mod build_script;
mod generate;

use std::ops::Range;

pub use board::{Camera, Chip, Emulator, Identity, Uf2Loader, Word};
use serde::Deserialize;

/// Constants declared by a board. Sizes are in bytes unless their names say otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// Name and firmware of the board.
    pub board: Identity,
    /// QEMU's emulation; absent for hardware.
    #[serde(default)]
    pub emulator: Option<Emulator>,
    /// Chip behind a debug probe; absent for emulated boards.
    #[serde(default)]
    pub chip: Option<Chip>,
    /// Boot loader in ROM for UF2; absent if there is none.
    #[serde(default)]
    pub uf2_loader: Option<Uf2Loader>,
    /// Processor core.
    pub core: Core,
    /// Core clock, Hz.
    pub clock_hz: u32,
    /// Period of the watchdog, ms: a program that does not feed it for so long is reset. The firmware feeds it before every
    /// inference, so an inference must take less. A board without a watchdog declares the longest inference that is any use.
    pub watchdog_ms: u32,
    /// Memory of the RP2040's second-stage boot loader, before the program's; absent on other chips. If present, the
    /// linker also gets embassy-rp's script.
    #[serde(default)]
    pub boot2: Option<Region>,
    /// True if the boot ROM requires a definition of the image in the first 4 kB of the program, as the RP2350's does. The
    /// linker then places the section `.start_block`, which embassy-rp writes, after the vector table.
    #[serde(default)]
    pub start_block: bool,
    /// Memory of the program.
    pub flash: Region,
    /// Memory of the model file; nothing is linked into it.
    pub model: Region,
    /// Memory of data.
    pub ram: Region,
    /// Memory budget of the firmware.
    pub budget: Budget,
    /// Working memory of the firmware.
    pub buffers: Buffers,
}

/// Processor core, as far as it affects the cost of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Core {
    /// Cortex-M4, with or without floating point.
    CortexM4,
    /// Cortex-M0+.
    #[serde(rename = "cortex-m0plus")]
    CortexM0Plus,
    /// Cortex-M33 with DSP extension and floating point.
    CortexM33,
}

impl Core {
    /// Rust target of firmware for the core.
    pub fn target(self) -> &'static str {
        match self {
            Self::CortexM4 => "thumbv7em-none-eabihf",
            Self::CortexM0Plus => "thumbv6m-none-eabi",
            Self::CortexM33 => "thumbv8m.main-none-eabihf",
        }
    }

    /// The compiler's name of the core, where the target alone lacks instructions that the kernels have.
    pub fn target_cpu(self) -> Option<&'static str> {
        match self {
            // The DSP extension is optional on Armv8-M.
            Self::CortexM33 => Some("cortex-m33"),
            Self::CortexM4 | Self::CortexM0Plus => None,
        }
    }

    /// Name in Arm's spelling.
    pub fn name(self) -> &'static str {
        match self {
            Self::CortexM4 => "Cortex-M4",
            Self::CortexM0Plus => "Cortex-M0+",
            Self::CortexM33 => "Cortex-M33",
        }
    }
}

/// Memory region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// First address; a multiple of 8.
    pub origin: u32,
    /// Length; a multiple of 8.
    pub bytes: u32,
}

impl Region {
    /// Returns the range of addresses.
    pub fn addresses(self) -> Range<u64> {
        let start = u64::from(self.origin);
        start..start + u64::from(self.bytes)
    }
}

/// Memory budget of a board's firmware. It is below the available memory, so that growth is noticed before the firmware
/// no longer fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Flash for code, constants, and initial values of variables.
    pub code_bytes: u32,
    /// Part of it for the engine: kernels, model parser, pixel pipeline, activation functions, with their tables. The
    /// linker cannot check it; the host does so with every build.
    pub engine_bytes: u32,
    /// RAM for static data.
    pub static_ram_bytes: u32,
    /// RAM reserved for the stack.
    pub stack_bytes: u32,
}

/// Working memory of a board's firmware, in elements; it limits the size of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buffers {
    /// Maximum side of a network's square input of this many channels, px. An input of any other shape must have no more bytes, nor
    /// more in a row.
    pub input_side_px: u16,
    /// Maximum channels of a network's input: 1 for gray only, 3 for color too.
    pub input_channels: u16,
    /// Maximum length of a picture row, bytes.
    pub row_bytes: u32,
    /// 32-bit accumulators: the widest layer, twice if it is a convolution that pools.
    pub accumulators: u32,
    /// 16-bit activations: the widest dense layer but the last.
    pub activations: u32,
    /// 32-bit scratch words that a fast kernel widens a chunk of inputs, or the bands of a convolution, into.
    pub lanes: u32,
    /// Bytes of the arena: the tensors of the layers before the dense ones.
    pub arena_bytes: u32,
}

impl Buffers {
    /// Maximum bytes of a network's input.
    pub fn input_bytes(&self) -> u32 {
        u32::from(self.input_side_px) * self.input_row_bytes()
    }

    /// Maximum bytes of a row of it.
    pub fn input_row_bytes(&self) -> u32 {
        u32::from(self.input_side_px) * u32::from(self.input_channels)
    }
}

/// Reasons why a declaration was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeclarationError {
    /// The text is not TOML, or lacks a field, or has an unknown one.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// A region is empty, not aligned to 8, or exceeds the address space.
    #[error("the region `{region}` must start and end at multiples of 8, have bytes, and lie below 4 GiB")]
    Region {
        /// Name of the region.
        region: &'static str,
    },
    /// Two regions share addresses.
    #[error("the regions `{first}` and `{second}` overlap")]
    Overlap {
        /// Name of the first region.
        first: &'static str,
        /// Name of the second region.
        second: &'static str,
    },
    /// A budget exceeds its memory.
    #[error("the budget has {got} bytes of `{region}`, which has {expected}")]
    Budget {
        /// Name of the memory region.
        region: &'static str,
        /// Bytes available.
        expected: u32,
        /// Bytes in the budget.
        got: u64,
    },
    /// The clock is 0.
    #[error("`clock_hz` must not be 0")]
    Clock,
    /// The watchdog's period is 0.
    #[error("`watchdog_ms` must not be 0")]
    Watchdog,
}

impl Declaration {
    /// Parses and checks a board's declaration.
    ///
    /// # Errors
    /// [`DeclarationError`]. If there is none, regions are disjoint and aligned, and the budget is within them.
    pub fn parse(text: &str) -> Result<Self, DeclarationError> {
        let declaration: Self = toml::from_str(text)?;
        declaration.check()?;
        Ok(declaration)
    }

    fn check(&self) -> Result<(), DeclarationError> {
        let regions = [("flash", self.flash), ("model", self.model), ("ram", self.ram)];
        let regions: Vec<_> = regions.into_iter().chain(self.boot2.map(|boot2| ("boot2", boot2))).collect();
        for (index, &(region, Region { origin, bytes })) in regions.iter().enumerate() {
            let aligned = origin.is_multiple_of(8) && bytes.is_multiple_of(8) && bytes > 0;
            if !aligned || origin.checked_add(bytes - 1).is_none() {
                return Err(DeclarationError::Region { region });
            }
            let addresses = Region { origin, bytes }.addresses();
            for &(other, before) in &regions[..index] {
                let before = before.addresses();
                if before.start < addresses.end && addresses.start < before.end {
                    return Err(DeclarationError::Overlap { first: other, second: region });
                }
            }
        }
        let Budget { code_bytes, engine_bytes: _, static_ram_bytes, stack_bytes } = self.budget;
        let ram_bytes = u64::from(static_ram_bytes) + u64::from(stack_bytes);
        for (region, got, expected) in
            [("flash", u64::from(code_bytes), self.flash.bytes), ("ram", ram_bytes, self.ram.bytes)]
        {
            if got > u64::from(expected) {
                return Err(DeclarationError::Budget { region, expected, got });
            }
        }
        if self.clock_hz == 0 {
            Err(DeclarationError::Clock)
        } else if self.watchdog_ms == 0 {
            Err(DeclarationError::Watchdog)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
