//! `pinhole boards`.

use std::process::ExitCode;

use clap::Args;
use miette::Result;
use pinhole_boards::board::Board;
use pinhole_boards::probe::{DebugProbes, PluggedIn, probes};
use serde::Serialize;

use super::output::{json, say};

/// `pinhole boards`.
#[derive(Debug, Args)]
pub(super) struct Boards {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Listed {
    name: &'static str,
    what: &'static str,
    core: &'static str,
    clock_hz: u32,
    emulated: bool,
    /// Name of the chip in probe-rs.
    chip: Option<&'static str>,
    model_bytes: u32,
    code_bytes: u32,
    ram_bytes: u32,
    /// Most bytes of a network's input, and of a row of it.
    input_bytes: u32,
    input_row_bytes: u32,
}

impl Boards {
    pub(super) fn run(&self, debug_probes: &DebugProbes) -> Result<ExitCode> {
        let all = Board::ALL.into_iter().filter(|board| !board.is_test_equipment()).map(|board| {
            let declared = board.declaration();
            Listed {
                name: board.name(),
                what: board.what(),
                core: declared.core.name(),
                clock_hz: declared.clock_hz,
                emulated: board.is_emulated(),
                chip: board.chip().map(|chip| chip.name),
                model_bytes: declared.model.bytes,
                code_bytes: declared.budget.code_bytes,
                ram_bytes: declared.budget.static_ram_bytes + declared.budget.stack_bytes,
                input_bytes: declared.buffers.input_bytes(),
                input_row_bytes: declared.buffers.input_row_bytes(),
            }
        });
        let all: Vec<Listed> = all.collect();
        if self.json {
            json(&all)?;
            return Ok(ExitCode::SUCCESS);
        }
        say!("{:<14} {:>7}  {:>9}  {:>13}  {:>13}  what", "name", "clock", "for model", "firmware, RAM", "input, row");
        for board in all {
            say!(
                "{:<14} {:>3} MHz  {:>6} kB  {:>3} kB, {:>3} kB  {:>6}, {:>3} B  {}",
                board.name,
                board.clock_hz / 1_000_000,
                board.model_bytes / 1_000,
                board.code_bytes / 1_000,
                board.ram_bytes / 1_000,
                board.input_bytes,
                board.input_row_bytes,
                board.what
            );
        }
        say!("firmware, RAM: the most that the firmware may use");
        say!("input, row: the most bytes of a network's input, and of a row of it");
        match probes(debug_probes) {
            Ok(probes) if probes.is_empty() => say!("no debug probe is plugged in"),
            Ok(probes) => probes.iter().for_each(|PluggedIn { name, accessible }| {
                say!(
                    "debug probe {name}{}",
                    if *accessible { "" } else { ", which this user has no permission to open" }
                );
            }),
            Err(error) => say!("{error}"),
        }
        Ok(ExitCode::SUCCESS)
    }
}
