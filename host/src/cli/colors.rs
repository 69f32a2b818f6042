//! Color modes of a network, as an argument.

use clap::ValueEnum;
use pinhole_shared::pixels::Color;

/// Color modes of a network, as an argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Colors {
    /// Brightness only
    #[default]
    Gray,
    /// Red, green and blue
    Rgb,
}

impl From<Colors> for Color {
    fn from(colors: Colors) -> Self {
        match colors {
            Colors::Gray => Self::Gray,
            Colors::Rgb => Self::Rgb,
        }
    }
}
