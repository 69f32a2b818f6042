//! The limits of a search.

use std::fmt;

use pinhole_boards::board::Board;
use serde::{Serialize, Serializer};

use super::cost::Measured;

/// Limits that a network must keep. Absent ones do not limit it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct SearchBudget {
    /// Flash for the model file, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flash_bytes: Option<usize>,
    /// RAM for one inference, bytes: see [`super::Cost::ram_bytes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ram_bytes: Option<usize>,
    /// Board whose flash and buffers must have room for the model. Costs are those on this board.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "name")]
    pub board: Option<Board>,
    /// Most time of an inference on the board as modeled, ms. A network whose time is not known keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<f64>,
}

fn name<S: Serializer>(board: &Option<Board>, serializer: S) -> Result<S::Ok, S::Error> {
    board.map(Board::name).serialize(serializer)
}

impl SearchBudget {
    /// Returns true if a network keeps all limits.
    pub(super) fn allows(&self, measured: &Measured) -> bool {
        let cost = &measured.cost;
        self.flash_bytes.is_none_or(|most| cost.flash_bytes <= most)
            && self.ram_bytes.is_none_or(|most| cost.ram_bytes <= most)
            && measured.fits_board
            && self.time_ms.is_none_or(|most| cost.time_ms.is_none_or(|time| time <= most))
    }
}

impl fmt::Display for SearchBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limits = [
            self.flash_bytes.map(|bytes| format!("{bytes} bytes of flash")),
            self.ram_bytes.map(|bytes| format!("{bytes} bytes of RAM")),
            self.board.map(|board| format!("the board {}", board.name())),
            self.time_ms.map(|time| format!("{time} ms")),
        ];
        let limits: Vec<String> = limits.into_iter().flatten().collect();
        match &limits[..] {
            [] => f.write_str("any budget"),
            [one] => f.write_str(one),
            [all @ .., last] => write!(f, "{} and {last}", all.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Cost;
    use super::*;

    #[test]
    fn every_limit_counts() {
        let cost = Cost { flash_bytes: 100, ram_bytes: 50, macs: 1, time_ms: Some(7.0) };
        let measured = Measured { cost, fits_board: true };
        let exact = SearchBudget { flash_bytes: Some(100), ram_bytes: Some(50), board: None, time_ms: Some(7.0) };
        assert!(exact.allows(&measured) && SearchBudget::default().allows(&measured));
        for less in [
            SearchBudget { flash_bytes: Some(99), ..exact },
            SearchBudget { ram_bytes: Some(49), ..exact },
            SearchBudget { time_ms: Some(6.9), ..exact },
        ] {
            assert!(!less.allows(&measured), "{less}");
        }
        assert!(!exact.allows(&Measured { fits_board: false, ..measured }));
        let unknown = Measured { cost: Cost { time_ms: None, ..cost }, ..measured };
        assert!(SearchBudget { time_ms: Some(0.1), ..exact }.allows(&unknown));
    }

    #[test]
    fn limits_in_words() {
        let all =
            SearchBudget { flash_bytes: Some(9), ram_bytes: Some(8), board: Some(Board::Pico), time_ms: Some(2.5) };
        assert_eq!(all.to_string(), "9 bytes of flash, 8 bytes of RAM, the board pico and 2.5 ms");
        assert_eq!(SearchBudget { board: Some(Board::Pico), ..SearchBudget::default() }.to_string(), "the board pico");
    }
}
