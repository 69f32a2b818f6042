//! `pinhole bench`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::Result;

use super::completions;
use super::model_and_photos::{MODEL, open};
use super::output::{json, say, spinner};
use crate::bench::{Bench, bench};
use crate::board::Emulated;
use crate::firmware::Firmware;

/// `pinhole bench`.
#[derive(Debug, Args)]
pub(super) struct BenchCommand {
    #[arg(help = MODEL, add = completions::models())]
    model: PathBuf,
    /// Board to run on
    #[arg(long, value_enum, default_value_t)]
    board: Emulated,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl BenchCommand {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let trained = open(&self.model)?;
        Firmware::of(self.board.0)?;
        let waiting = spinner("counting instructions");
        let result = bench(&trained.model, &trained.model_path, self.board.0);
        waiting.finish_and_clear();
        let result = result?;
        if self.json {
            json(&result)?;
        } else {
            print(&result);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print(bench: &Bench) {
    say!("emulated board {}, kernel {}: instructions of one inference", bench.board, bench.kernel);
    say!("layer  kind   inputs  outputs        MACs  instructions  per MAC");
    for (index, layer) in bench.layers.iter().enumerate() {
        say!(
            "{index:>5}  {:<5} {:>7} {:>8}  {:>10}  {:>12}  {:>7}",
            layer.kind,
            layer.inputs,
            layer.outputs,
            layer.macs,
            layer.instructions,
            per_mac(layer.instructions, layer.macs)
        );
    }
    say!("rest   {:>44}", bench.rest());
    say!("total  {:>30}  {:>12}  {:>7}", bench.macs, bench.instructions, per_mac(bench.instructions, bench.macs));
    say!("stack  {} bytes, painted", bench.stack_bytes);
}

/// A layer has at least one multiply-accumulate.
fn per_mac(instructions: u64, macs: u64) -> String {
    format!("{:.2}", instructions as f64 / macs.max(1) as f64)
}
