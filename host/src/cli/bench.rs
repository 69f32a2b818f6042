//! `pinhole bench`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::Result;
use pinhole_boards::bench::peers::{Peer, peers};
use pinhole_boards::bench::{Benchmark, Modelled, bench};
use pinhole_boards::board::Emulated;
use pinhole_boards::firmware::Firmware;
use serde::Serialize;

use super::choice::{Choice as _, choice};
use super::completions;
use super::model_and_photos::{MODEL, open};
use super::output::{json, say, spinner};
use super::terminal::Terminal;
use crate::app::{Events as _, Note};

/// `pinhole bench`.
#[derive(Debug, Args)]
pub(super) struct BenchCommand {
    #[arg(help = MODEL, add = completions::models())]
    model: PathBuf,
    /// Board to run on
    #[arg(long, value_parser = choice::<Emulated>(), default_value = Emulated::default().name())]
    board: Emulated,
    /// Also show what other engines take for the same network, if that was measured
    #[arg(long)]
    against: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Output as JSON.
#[derive(Debug, Serialize)]
struct Output<'a> {
    #[serde(flatten)]
    bench: &'a Benchmark,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<&'static [Peer]>,
}

impl BenchCommand {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let trained = open(&self.model)?;
        Terminal::new().note(&Note::of_firmware(&Firmware::of(self.board.0)?));
        let waiting = spinner("counting instructions");
        let result = bench(&trained.model, &trained.model_path, self.board.0);
        waiting.finish_and_clear();
        let result = result?;
        let core = self.board.0.declaration().core;
        let against = self.against.then(|| peers(&result, core));
        if self.json {
            json(&Output { bench: &result, against })?;
        } else {
            print(&result);
            if let Some(peers) = against {
                print_peers(&result, peers, core.name());
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print(bench: &Benchmark) {
    say!("emulated board {}, kernel {}: instructions of one inference", bench.board, bench.kernel);
    say!(
        "layer  kind             inputs   outputs        MACs  instructions  per MAC  {}",
        if bench.modelled.is_some() { "cycles, modeled" } else { "" }
    );
    for (index, layer) in bench.layers.iter().enumerate() {
        let cycles = bench.modelled.as_ref().and_then(|modelled| modelled.layer_cycles.get(index));
        say!(
            "{index:>5}  {:<14} {:>8}  {:>8}  {:>10}  {:>12}  {:>7}  {:>16}",
            layer.kind,
            layer.inputs,
            layer.outputs,
            layer.macs,
            layer.instructions,
            per_mac(layer.instructions, layer.macs),
            cycles.map(u64::to_string).unwrap_or_default()
        );
    }
    say!("rest   {:>58}", bench.rest());
    say!(
        "total  {:>44}  {:>12}  {:>7}  {:>16}",
        bench.macs,
        bench.instructions,
        per_mac(bench.instructions, bench.macs),
        bench.modelled.as_ref().map(|modelled| modelled.cycles.to_string()).unwrap_or_default()
    );
    if let Some(modelled) = &bench.modelled {
        let Modelled { time_ms, timing_tables: tables, .. } = modelled;
        let clock_mhz = f64::from(modelled.clock_hz) / 1e6;
        say!("time   {time_ms:.2} ms at {clock_mhz} MHz (modeled: timing tables of a {tables}, no memory wait states)");
    }
    say!("stack  {} bytes (measured by stack painting)", bench.stack_bytes);
}

/// Prints what other engines take.
fn print_peers(bench: &Benchmark, peers: &[Peer], core: &str) {
    say!();
    if peers.is_empty() {
        say!("against nothing: this network was not measured with other engines on a {core}");
        return;
    }
    say!(
        "against {:<34} {:>12}  {:>7}  {:>16}",
        "(measured once, not now)",
        "instructions",
        "times",
        "cycles, modeled"
    );
    for Peer { engine, instructions, cycles } in peers {
        let times = *instructions as f64 / bench.instructions as f64;
        let cycles = cycles.map(|cycles| cycles.to_string()).unwrap_or_default();
        say!("        {engine:<34} {instructions:>12}  {times:>7.2}  {cycles:>16}");
    }
}

/// Returns the instructions per multiply-accumulate; empty for a layer without any, such as pooling.
fn per_mac(instructions: u64, macs: u64) -> String {
    if macs == 0 { String::new() } else { format!("{:.2}", instructions as f64 / macs as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_without_multiply_accumulates_has_no_rate() {
        assert_eq!(per_mac(14_136, 0), "");
        assert_eq!(per_mac(3, 2), "1.50");
    }
}
