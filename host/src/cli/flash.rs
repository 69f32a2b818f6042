//! `pinhole flash`.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use miette::Result;
use pinhole_boards::board::Board;
use pinhole_boards::device::Device as _;
use pinhole_boards::firmware::{Firmware, FlashImage, Used, packed_for};
use pinhole_boards::flash_file::{self, FlashFile, Format};
use pinhole_boards::probe::{
    Attachment, Bench, DebugProbeSelector, ProbeError, Step, Unlock, check_fits, connect, flash, parse_selector,
};
use pinhole_core::model_file::PackedModel;
use serde::Serialize;

use super::choice::choice;
use super::completions;
use super::model_and_photos::{MODEL, open};
use super::output::{json, note, progress, say, shows_log, spinner};

/// `pinhole flash`.
#[derive(Debug, Args)]
pub(super) struct Flash {
    #[arg(help = MODEL, add = completions::models())]
    model: PathBuf,
    /// Board to flash
    #[arg(long, value_parser = choice::<Board>())]
    board: Board,
    /// Write a file for other tools, without a probe: .uf2 (drag and drop onto a Pico), .hex, .bin or .elf
    #[arg(long, visible_alias = "file", value_name = "FILE", conflicts_with_all = ["probe", "unlock", "log"])]
    out: Option<PathBuf>,
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
    /// Absent where the board is emulated.
    chip: Option<&'static str>,
    memory_map: &'f [Used],
    model_bytes: usize,
    model_checksum: String,
    /// What the device says of itself, now that it runs; absent after `--dry-run`, and with `--out`.
    device: Option<Device>,
    /// The file of `--out`.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<Written>,
}

#[derive(Debug, Serialize)]
struct Device {
    board: String,
    kernel: String,
    model_checksum: String,
}

#[derive(Debug, Serialize)]
struct Written {
    path: String,
    format: &'static str,
    bytes: usize,
    sha256: String,
    /// Addresses that flashing it writes, filling included: from `start` to below `end`.
    ranges: Vec<Range<u32>>,
    /// Whether it was written: not by `--dry-run`.
    written: bool,
}

/// What goes into a board's flash.
struct Prepared {
    board: Board,
    firmware: Firmware,
    model: PackedModel,
    image: FlashImage,
    map: Vec<Used>,
    model_only: bool,
}

impl Prepared {
    /// The firmware that is written along.
    fn firmware(&self) -> Option<&Firmware> {
        (!self.model_only).then_some(&self.firmware)
    }

    fn chip(&self) -> Option<&'static str> {
        self.board.chip().map(|chip| chip.name)
    }

    fn flashed(&self) -> Flashed<'_> {
        Flashed {
            board: self.board.name(),
            chip: self.chip(),
            memory_map: &self.map,
            model_bytes: self.model.bytes().len(),
            model_checksum: format!("{:08x}", self.model.model().checksum()),
            device: None,
            file: None,
        }
    }

    fn print_map(&self) {
        let name = self.board.name();
        match self.chip() {
            Some(chip) => say!("{name} ({chip})"),
            None => say!("{name}"),
        }
        for Used { what, start, end, used_bytes } in &self.map {
            let room = u64::from(end - start);
            say!("  {start:#010x}..{end:#010x}  {used_bytes:>9} of {room:>9} bytes  {what}");
        }
    }
}

impl Flash {
    pub(super) fn run(&self, bench: &Bench) -> Result<ExitCode> {
        match &self.out {
            Some(out) => self.to_file(out),
            None => self.to_board(bench),
        }
    }

    fn prepare(&self) -> Result<Prepared> {
        let (board, model_only) = (self.board, self.model_only);
        let trained = open(&self.model)?;
        let model = packed_for(board, &trained.model, &trained.model_path)?;
        let firmware = Firmware::of(board)?;
        let written = (!model_only).then_some(&firmware);
        let image = FlashImage::new(board, written, &model)?;
        let map = image.memory_map(written);
        Ok(Prepared { board, firmware, model, image, map, model_only })
    }

    fn to_file(&self, out: &Path) -> Result<ExitCode> {
        let format = Format::of_ending(out)?;
        let prepared = self.prepare()?;
        let file = flash_file::encode(&prepared.image, prepared.firmware(), format)?;
        if self.dry_run {
            flash_file::check_place(out, format)?;
        } else {
            flash_file::write(out, &file)?;
        }
        if self.json {
            let mut flashed = prepared.flashed();
            flashed.file = Some(Written {
                path: out.display().to_string(),
                format: format.ending(),
                bytes: file.bytes.len(),
                sha256: file.sha256(),
                ranges: file.ranges,
                written: !self.dry_run,
            });
            json(&flashed)?;
        } else {
            prepared.print_map();
            print_file(out, &file);
            if self.dry_run {
                say!("it fits; nothing was written");
            } else {
                self.print_what_next(out, &file);
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What a person does with the file.
    fn print_what_next(&self, out: &Path, file: &FlashFile) {
        match (file.format, self.board.uf2_loader()) {
            (Format::Uf2, Some(loader)) => {
                say!("to flash it, {}, and drag {} onto the drive {}", loader.how, out.display(), loader.drive);
            }
            (Format::Bin, _) => {
                let start = file.ranges.first().map_or(0, |range| range.start);
                say!("to flash it, give your tool the address {start:#010x}: it is not in the file");
            }
            _ => say!("to flash it, give it to your tool: the addresses are in the file"),
        }
        if self.model_only {
            say!("it is the model alone: Pinhole's firmware must be on the board already");
        }
    }

    fn to_board(&self, bench: &Bench) -> Result<ExitCode> {
        let board = self.board;
        let chip = board.chip().ok_or(ProbeError::NoChip { board })?;
        let prepared = self.prepare()?;
        // Also where nothing is written: whether it fits the chip is known without a probe.
        check_fits(&prepared.image, bench)?;
        if !self.json {
            prepared.print_map();
        }
        let mut flashed = prepared.flashed();
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
        let result = flash(bench, &mut attachment, &prepared.image, |step| match step {
            Step::Total(bytes) => bar.inc_length(bytes),
            Step::Done(bytes) => bar.inc(bytes),
        });
        bar.finish_and_clear();
        result?;
        if !self.json {
            say!("wrote and verified {} bytes; the board was reset", prepared.image.bytes());
        }
        let log = shows_log(self.log);
        let waiting = spinner("waiting for the board to say who it is");
        let device = connect(attachment, &prepared.firmware, move |line| {
            if log {
                note(&line.to_string());
            }
        });
        waiting.finish_and_clear();
        let device = device?;
        let identity = device.identity();
        // The firmware read back while it runs, beside the check that was made before the reset.
        if prepared.firmware().is_some() && !device.has_log() {
            return Err(ProbeError::Verify { chip: chip.name }.into());
        }
        let (expected, got) = (prepared.model.model().checksum(), identity.model_checksum);
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

fn print_file(out: &Path, file: &FlashFile) {
    let ranges: Vec<String> =
        file.ranges.iter().map(|range| format!("{:#010x}..{:#010x}", range.start, range.end)).collect();
    say!("{}: {}, {} bytes, for {}", out.display(), file.format.name(), file.bytes.len(), ranges.join(" and "));
    say!("  sha256 {}", file.sha256());
}
