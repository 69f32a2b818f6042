//! `pinhole prove`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::Result;

use super::connection::check_model;
use super::output::{json, note, progress, say};
use super::simulate::start_board_with;
use super::target::{OnBoard, Photos, Target};
use crate::emulator::EmulatedBoard;
use crate::probe::Bench;
use crate::prove::{Proof, prove, prove_attached, prove_captures};
use crate::run_folder::Trained;

/// Pictures that a board takes itself for a proof, where nothing is said.
const CAPTURES: u32 = 10;

/// `pinhole prove`.
#[derive(Debug, Args)]
pub(super) struct Prove {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    on: OnBoard,
    /// Without photos: so many pictures that the board at hand takes with its own camera (10 if nothing is said)
    #[arg(long, conflicts_with = "more_photos", value_parser = clap::value_parser!(u32).range(1..))]
    captures: Option<u32>,
    /// Show the device's log
    #[arg(long)]
    log: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Prove {
    pub(super) fn run(&self, bench: &Bench) -> Result<ExitCode> {
        // A board at hand gets them over its link.
        self.on.check(Photos::Elsewhere)?;
        let trained = self.target.trained()?;
        let proof = if self.on.board.is_emulated() {
            let photos = self.target.photos(&trained)?;
            let mut board = start_board_with(self.on.board, self.on.emulated_camera(), &trained, self.log)?;
            prove_with_progress(&trained, &mut board, &photos)?
        } else {
            self.attached(bench, &trained)?
        };
        if self.json {
            json(&proof)?;
        } else {
            print_proof(&proof);
        }
        Ok(if proof.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// On a board at hand: photos over its link, or what its own camera sees.
    fn attached(&self, bench: &Bench, trained: &Trained) -> Result<Proof> {
        let photos = if self.target.has_photos() { self.target.photos(trained)? } else { Vec::new() };
        let mut device = self.on.connection.open(bench, self.on.board, self.log)?;
        check_model(trained, self.on.board, device.identity())?;
        let captures = self.captures.unwrap_or(CAPTURES);
        let bar = progress(if photos.is_empty() { captures.into() } else { photos.len() as u64 }, "proving");
        let after_each = || bar.inc(1);
        let proof = if photos.is_empty() {
            prove_captures(&trained.model, &mut device, captures, after_each)?
        } else {
            prove_attached(&trained.model, &mut device, &photos, after_each)?
        };
        bar.finish_and_clear();
        if device.repeated() > 0 {
            note(&format!("asked {} times again where an answer was lost on the way", device.repeated()));
        }
        Ok(proof)
    }
}

/// Proves with a progress bar.
pub(super) fn prove_with_progress(trained: &Trained, board: &mut EmulatedBoard, photos: &[PathBuf]) -> Result<Proof> {
    let bar = progress(photos.len() as u64, "proving");
    let proof = prove(&trained.model, board, photos, || bar.inc(1))?;
    bar.finish_and_clear();
    Ok(proof)
}

/// Prints the first difference, if any, and the verdict.
pub(super) fn print_proof(proof: &Proof) {
    if let Some(first) = &proof.first {
        let value = |value: Option<i64>| value.map_or("nothing".to_owned(), |value| value.to_string());
        say!(
            "first mismatch: {}, {}, index {}: host {}, board {}",
            first.photo.display(),
            first.place,
            first.index,
            value(first.host),
            value(first.board)
        );
    }
    say!("{}", proof.verdict());
}
