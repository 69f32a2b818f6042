//! The table of counts in docs/measurements.md.

use std::fmt::Write as _;

use super::peers::peers;
use super::{BenchError, Benchmark, bench};
use crate::board::{Board, Emulated};
use pinhole_core::choice::Choice as _;
use pinhole_core::model_file::ModelFile;

/// Counts networks, given by name and path, on all emulated boards, and returns a table in Markdown. Others' instructions are in
/// parentheses: how many times as many they are.
///
/// # Errors
/// [`BenchError`].
pub fn table<'a>(
    networks: impl IntoIterator<Item = (&'a str, &'a ModelFile, &'a std::path::Path)>,
) -> Result<String, BenchError> {
    let mut rows = String::from(
        "| network | core, emulated | instructions | per MAC | modeled cycles | stack | CMSIS-NN | TensorFlow Lite Micro, CMSIS-NN |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for (name, file, path) in networks {
        for board in Emulated::ALL.iter().map(|emulated| emulated.0) {
            row(&mut rows, name, board, &bench(file, path, board)?);
        }
    }
    Ok(rows)
}

fn row(rows: &mut String, name: &str, board: Board, bench: &Benchmark) {
    let core = board.declaration().core;
    let per_mac = bench.instructions as f64 / bench.macs as f64;
    let cycles = bench.modelled.as_ref().map_or_else(String::new, |modelled| grouped(modelled.cycles));
    let peers = peers(bench, core);
    let of = |index: usize| {
        peers.get(index).map_or_else(String::new, |peer| {
            let times = peer.instructions as f64 / bench.instructions as f64;
            format!("{} ({times:.1})", grouped(peer.instructions))
        })
    };
    let (instructions, stack) = (grouped(bench.instructions), grouped(bench.stack_bytes.into()));
    let _ = writeln!(
        rows,
        "| `{name}` | {} | {instructions} | {per_mac:.2} | {cycles} | {stack} B | {} | {} |",
        core.name(),
        of(0),
        of(1)
    );
}

/// Formats a number with commas.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_have_commas() {
        assert_eq!([1, 999, 1_000, 12_345_678].map(grouped), ["1", "999", "1,000", "12,345,678"]);
    }
}
