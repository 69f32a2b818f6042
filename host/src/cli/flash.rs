//! `pinhole flash`.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use miette::Result;
use pinhole_boards::board::Board;
use pinhole_boards::firmware::Used;
use pinhole_boards::flash_file::{self, FlashFile, FlashFileFormat};
use pinhole_boards::probe::{DebugProbeSelector, DebugProbes, ProbeError, Unlock, parse_selector};
use serde::Serialize;

use super::choice::choice;
use super::completions;
use super::model_and_photos::{MODEL, open};
use super::output::{json, say, shows_log};
use super::terminal::Terminal;
use crate::app::flash::Prepared;

/// `pinhole flash`.
#[derive(Debug, Args)]
pub(super) struct FlashCommand {
    #[arg(help = MODEL, add = completions::models())]
    model: PathBuf,
    /// Board to flash
    #[arg(long, value_parser = choice::<Board>())]
    board: Board,
    /// File to write for other tools, instead of flashing: .uf2 (drag and drop onto a Pico), .hex, .bin or .elf
    #[arg(long, visible_alias = "file", value_name = "FILE", conflicts_with_all = ["probe", "unlock", "log"])]
    out: Option<PathBuf>,
    /// Write the model only; the firmware must be on the board already
    #[arg(long)]
    model_only: bool,
    /// Check everything that needs no probe and show the memory map, but write nothing
    #[arg(long)]
    dry_run: bool,
    /// Unlock a chip whose debug port is protected; this ERASES ALL that is on it
    #[arg(long)]
    unlock: bool,
    /// Debug probe to use if several are plugged in, as VENDOR:PRODUCT or VENDOR:PRODUCT:SERIAL
    #[arg(long, value_parser = parse_selector)]
    probe: Option<DebugProbeSelector>,
    /// Show the device's log until the device has identified itself
    #[arg(long)]
    log: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// JSON output of `--json`.
#[derive(Debug, Serialize)]
struct Flashed<'f> {
    board: &'static str,
    /// Absent if the board is emulated.
    chip: Option<&'static str>,
    memory_map: &'f [Used],
    model_bytes: usize,
    model_checksum: String,
    /// Identity of the running device; absent with `--dry-run` and with `--out`.
    device: Option<FlashedDevice>,
    /// The file of `--out`.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<WrittenFlashFile>,
}

#[derive(Debug, Serialize)]
struct FlashedDevice {
    board: String,
    kernel: String,
    model_checksum: String,
}

#[derive(Debug, Serialize)]
struct WrittenFlashFile {
    path: String,
    format: &'static str,
    bytes: usize,
    sha256: String,
    /// Addresses that flashing writes, including filler bytes: from `start` to below `end`.
    ranges: Vec<Range<u32>>,
    /// True if it was written; false with `--dry-run`.
    written: bool,
}

fn chip(board: Board) -> Option<&'static str> {
    board.chip().map(|chip| chip.name)
}

fn flashed(prepared: &Prepared) -> Flashed<'_> {
    Flashed {
        board: prepared.board().name(),
        chip: chip(prepared.board()),
        memory_map: prepared.map(),
        model_bytes: prepared.model().bytes().len(),
        model_checksum: format!("{:08x}", prepared.model().model().checksum()),
        device: None,
        file: None,
    }
}

fn print_map(prepared: &Prepared) {
    let name = prepared.board().name();
    match chip(prepared.board()) {
        Some(chip) => say!("{name} ({chip})"),
        None => say!("{name}"),
    }
    for Used { what, start, end, used_bytes } in prepared.map() {
        let room = u64::from(end - start);
        say!("  {start:#010x}..{end:#010x}  {used_bytes:>9} of {room:>9} bytes  {what}");
    }
}

impl FlashCommand {
    pub(super) fn run(&self, debug_probes: &DebugProbes) -> Result<ExitCode> {
        match &self.out {
            Some(out) => self.to_file(out),
            None => self.to_board(debug_probes),
        }
    }

    fn prepare(&self) -> Result<Prepared> {
        Ok(Prepared::new(&open(&self.model)?, self.board, self.model_only)?)
    }

    fn to_file(&self, out: &Path) -> Result<ExitCode> {
        let format = FlashFileFormat::of_ending(out)?;
        let prepared = self.prepare()?;
        let file = prepared.file(format)?;
        if self.dry_run {
            flash_file::check_place(out, format)?;
        } else {
            flash_file::write(out, &file)?;
        }
        if self.json {
            let mut flashed = flashed(&prepared);
            flashed.file = Some(WrittenFlashFile {
                path: out.display().to_string(),
                format: format.ending(),
                bytes: file.bytes.len(),
                sha256: file.sha256(),
                ranges: file.ranges,
                written: !self.dry_run,
            });
            json(&flashed)?;
        } else {
            print_map(&prepared);
            print_file(out, &file);
            if self.dry_run {
                say!("it fits; nothing was written");
            } else {
                self.print_what_next(out, &file);
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Prints instructions for the file.
    fn print_what_next(&self, out: &Path, file: &FlashFile) {
        match (file.format, self.board.uf2_loader()) {
            (FlashFileFormat::Uf2, Some(loader)) => {
                say!("to flash it, {}, and drag {} onto the drive {}", loader.how, out.display(), loader.drive);
            }
            (FlashFileFormat::Bin, _) => {
                let start = file.ranges.first().map_or(0, |range| range.start);
                say!("to flash it, give your tool the address {start:#010x}, which is not in the file");
            }
            _ => say!("to flash it, open it with your tool: the addresses are in the file"),
        }
        if self.model_only {
            say!("the file holds the model only: Pinhole's firmware must be on the board already");
        }
    }

    fn to_board(&self, debug_probes: &DebugProbes) -> Result<ExitCode> {
        let board = self.board;
        // Errors that no model can fix are reported before a model is opened.
        board.chip().ok_or(ProbeError::NoChip { board })?;
        let prepared = self.prepare()?;
        // This is checked also if nothing is written: it needs no probe.
        prepared.check(debug_probes)?;
        if !self.json {
            print_map(&prepared);
        }
        let mut flashed = flashed(&prepared);
        if self.dry_run {
            if self.json {
                json(&flashed)?;
            } else {
                say!("it fits; nothing was written");
            }
            return Ok(ExitCode::SUCCESS);
        }
        let unlock = if self.unlock { Unlock::EraseAll } else { Unlock::No };
        let mut terminal = Terminal::new().with_log(shows_log(self.log)).with_json(self.json);
        let identity = prepared.flash(debug_probes, self.probe.as_ref(), unlock, &mut terminal)?;
        if self.json {
            flashed.device = Some(FlashedDevice {
                board: identity.board.to_string(),
                kernel: identity.kernel.to_string(),
                model_checksum: format!("{:08x}", identity.model_checksum),
            });
            json(&flashed)?;
        } else {
            say!(
                "{} runs the model {:08x} ({} bytes), kernel {}",
                identity.board,
                identity.model_checksum,
                identity.model_bytes,
                identity.kernel
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print_file(out: &Path, file: &FlashFile) {
    let ranges: Vec<String> =
        file.ranges.iter().map(|range| format!("{:#010x}..{:#010x}", range.start, range.end)).collect();
    say!("{}: {}, {} bytes, for {}", out.display(), file.format.name(), file.bytes.len(), ranges.join(" and "));
    say!("  sha256 {}", file.sha256());
}
