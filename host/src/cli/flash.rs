//! `pinhole flash`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::Result;
use serde::Serialize;

use super::output::{json, note, progress, say, spinner};
use crate::board::{Board, Probed};
use crate::firmware::{Firmware, FlashImage, Used, packed_for};
use crate::probe::{
    Attachment, Bench, DebugProbeSelector, ProbeError, Step, Unlock, connect, flash, loader, parse_selector,
};
use crate::run_folder;

/// `pinhole flash`.
#[derive(Debug, Args)]
pub(super) struct Flash {
    /// A .pinhole file, or a run folder of `pinhole train`
    model: PathBuf,
    /// Board to flash
    #[arg(long, value_enum)]
    board: Probed,
    /// Write the model alone, beside the firmware that is on the board already
    #[arg(long)]
    model_only: bool,
    /// Do all that needs no probe, show what would be written where, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Unlock a chip whose debug port is protected: ERASES ALL that is on it
    #[arg(long)]
    unlock: bool,
    /// Debug probe to use where several are plugged in, as VENDOR:PRODUCT or VENDOR:PRODUCT:SERIAL
    #[arg(long, value_parser = parse_selector)]
    probe: Option<DebugProbeSelector>,
    /// Show the device's log until it has said who it is
    #[arg(long)]
    log: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Flashed<'f> {
    board: &'static str,
    chip: &'static str,
    memory_map: &'f [Used],
    model_bytes: usize,
    model_checksum: String,
    /// What the device says of itself, now that it runs; absent after `--dry-run`.
    device: Option<Device>,
}

#[derive(Debug, Serialize)]
struct Device {
    board: String,
    kernel: String,
    model_checksum: String,
}

impl Flash {
    pub(super) fn run(&self, bench: &Bench) -> Result<ExitCode> {
        let Probed(board) = self.board;
        let chip = board.chip().ok_or(ProbeError::NoChip { board })?;
        let trained = run_folder::open(&self.model)?;
        let packed = packed_for(board, &trained.model, &trained.model_path)?;
        let firmware = Firmware::of(board)?;
        let written = if self.model_only { None } else { Some(&firmware) };
        let image = FlashImage::new(board, written, &packed)?;
        let map = image.memory_map(written);
        // Also where nothing is written: whether it fits the chip is known without a probe.
        loader(&image, bench)?;
        if !self.json {
            print_map(board, chip.name, &map);
        }
        let mut flashed = Flashed {
            board: board.name(),
            chip: chip.name,
            memory_map: &map,
            model_bytes: packed.bytes().len(),
            model_checksum: format!("{:08x}", packed.model().checksum()),
            device: None,
        };
        if self.dry_run {
            if self.json {
                json(&flashed)?;
            } else {
                say!("it fits; nothing was written");
            }
            return Ok(ExitCode::SUCCESS);
        }
        let unlock = if self.unlock { Unlock::EraseAll } else { Unlock::No };
        let mut attachment = Attachment::new(bench, board, self.probe.as_ref(), unlock)?;
        let bar = progress(0, "flashing");
        let result = flash(bench, &mut attachment, &image, |step| match step {
            Step::Total(bytes) => bar.inc_length(bytes),
            Step::Done(bytes) => bar.inc(bytes),
        });
        bar.finish_and_clear();
        result?;
        if !self.json {
            say!("wrote and verified {} bytes; the board was reset", image.bytes());
        }
        let log = self.log;
        let waiting = spinner("waiting for the board to say who it is");
        let device = connect(attachment, &firmware, move |line| {
            if log {
                note(&line.to_string());
            }
        });
        waiting.finish_and_clear();
        let device = device?;
        let identity = device.identity();
        // The firmware read back while it runs, beside the check that was made before the reset.
        if written.is_some() && !device.has_log() {
            return Err(ProbeError::Verify { chip: chip.name }.into());
        }
        let (expected, got) = (packed.model().checksum(), identity.model_checksum);
        if got != expected {
            return Err(ProbeError::OtherModel { expected, got }.into());
        }
        if self.json {
            flashed.device = Some(Device {
                board: identity.board.to_string(),
                kernel: identity.kernel.to_string(),
                model_checksum: format!("{got:08x}"),
            });
            json(&flashed)?;
        } else {
            say!(
                "{} runs the model {got:08x} ({} bytes), kernel {}",
                identity.board,
                identity.model_bytes,
                identity.kernel
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print_map(board: Board, chip: &str, map: &[Used]) {
    say!("{} ({chip})", board.name());
    for Used { what, start, end, used_bytes } in map {
        let room = u64::from(end - start);
        say!("  {start:#010x}..{end:#010x}  {used_bytes:>9} of {room:>9} bytes  {what}");
    }
}
