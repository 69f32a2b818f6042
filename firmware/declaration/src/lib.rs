//! What a board declares in its TOML file: memory, what its firmware may take of it, and how large its buffers are.
//!
//! One file, two readers. The board's build script makes of it the memory map, checks that end the build when the
//! firmware takes more than it may, and the buffers' sizes ([`build_script`]). The host knows by it what fits, and
//! how long an inference takes, before anything is flashed.

pub mod build_script;
mod generate;

use std::ops::Range;

use serde::Deserialize;

/// What a board declares. Sizes are in bytes unless their names say otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// The processor core.
    pub core: Core,
    /// The core's clock, Hz.
    pub clock_hz: u32,
    /// Memory of the RP2040's second-stage boot loader, before the program's: absent on other chips. With it, the linker
    /// is given the script that embassy-rp brings along.
    #[serde(default)]
    pub boot2: Option<Region>,
    /// Memory the program lies in.
    pub flash: Region,
    /// Memory the model file lies in; nothing is linked into it.
    pub model: Region,
    /// Memory for data.
    pub ram: Region,
    /// What the firmware may take.
    pub budget: Budget,
    /// Working memory the firmware has.
    pub buffers: Buffers,
}

/// A processor core, as far as it makes a difference to what code costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Core {
    /// Cortex-M4, with or without floating point.
    CortexM4,
    /// Cortex-M0+.
    #[serde(rename = "cortex-m0plus")]
    CortexM0Plus,
}

impl Core {
    /// As Arm writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::CortexM4 => "Cortex-M4",
            Self::CortexM0Plus => "Cortex-M0+",
        }
    }
}

/// A stretch of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Its first address; a multiple of 8.
    pub origin: u32,
    /// Its length; a multiple of 8.
    pub bytes: u32,
}

impl Region {
    /// Its addresses.
    pub fn addresses(self) -> Range<u64> {
        let start = u64::from(self.origin);
        start..start + u64::from(self.bytes)
    }
}

/// What a board's firmware may take. Less than there is: a build that grows past it is to be noticed, not only one that
/// no longer fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Flash for code, constants, and the first values of variables.
    pub code_bytes: u32,
    /// Of it, the engine: kernels, model parser, pixel pipeline, activation functions, with their tables. The linker cannot
    /// check it; the host does, with every build.
    pub engine_bytes: u32,
    /// RAM for everything with a fixed place.
    pub static_ram_bytes: u32,
    /// RAM that is kept for the stack.
    pub stack_bytes: u32,
}

/// Working memory of a board's firmware, in elements: how large a model can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buffers {
    /// Largest side of a network's input, px.
    pub input_side_px: u16,
    /// Most channels of a network's input: 1 where it is always gray, 3 where it may be in color.
    pub input_channels: u16,
    /// Longest row of a picture, bytes.
    pub row_bytes: u32,
    /// 32-bit accumulators: the widest layer.
    pub accumulators: u32,
    /// 16-bit activations: the widest dense layer but the last.
    pub activations: u32,
    /// 32-bit words a fast kernel spreads a chunk of inputs into.
    pub lanes: u32,
    /// Bytes of the arena: the tensors of the layers before the dense ones.
    pub arena_bytes: u32,
}

/// Why a declaration was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeclarationError {
    /// It is not TOML, or lacks a field, or has one too many.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// A region that is empty, not at a multiple of 8, or past the end of the address space.
    #[error("the region `{region}` must start and end at multiples of 8, have bytes, and lie below 4 GiB")]
    Region {
        /// Its name.
        region: &'static str,
    },
    /// Two regions share addresses.
    #[error("the regions `{first}` and `{second}` overlap")]
    Overlap {
        /// A region.
        first: &'static str,
        /// Another.
        second: &'static str,
    },
    /// A budget is larger than the memory it is of.
    #[error("the budget has {got} bytes of `{region}`, which has {expected}")]
    Budget {
        /// The memory.
        region: &'static str,
        /// What there is.
        expected: u32,
        /// What the budget has.
        got: u64,
    },
    /// There is no clock.
    #[error("`clock_hz` must not be 0")]
    Clock,
}

impl Declaration {
    /// Reads and checks a board's declaration.
    ///
    /// # Errors
    /// [`DeclarationError`]: after this, regions are apart and aligned, and the budget is within them.
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
        if self.clock_hz == 0 { Err(DeclarationError::Clock) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
