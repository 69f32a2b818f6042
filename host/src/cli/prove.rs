//! `pinhole prove`.

use std::process::ExitCode;

use clap::Args;
use miette::Result;
use pinhole_boards::device::InferenceDevice;
use pinhole_boards::probe::DebugProbes;
use pinhole_boards::prove::{Proof, ProofInputs, prove};
use pinhole_train::runs::Trained;

use super::model_and_photos::ModelAndPhotos;
use super::output::{json, note, progress, say, shows_log};
use super::target::OnBoard;
use super::terminal::Terminal;
use super::values::at_least;
use crate::app::board::{BoardTarget, Photos, check_model, start_board};

/// Default number of pictures that a board captures for a proof.
const CAPTURES: u32 = 10;

/// `pinhole prove`.
#[derive(Debug, Args)]
pub(super) struct Prove {
    #[command(flatten)]
    what: ModelAndPhotos,
    #[command(flatten)]
    on: OnBoard,
    /// Without photos: number of pictures that a real board takes with its own camera [default: 10]
    #[arg(long, value_name = "COUNT", conflicts_with_all = ["photos", "more_photos"], value_parser = at_least::<u32>(1))]
    captures: Option<u32>,
    /// Show the device's log
    #[arg(long)]
    log: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Prove {
    pub(super) fn run(&self, debug_probes: &DebugProbes) -> Result<ExitCode> {
        // A real board gets photos over its link.
        let target = self.on.target();
        target.check(Photos::Elsewhere)?;
        let trained = self.what.trained()?;
        let proof = if target.board.is_emulated() {
            let photos = self.what.paths(trained.model.model().input())?;
            let mut board = start_board(target.board, target.emulated_camera(), &trained, &mut self.terminal())?;
            prove_with_progress(&trained, &mut board, ProofInputs::Photos(&photos))?
        } else {
            self.attached(debug_probes, &target, &trained)?
        };
        if self.json {
            json(&proof)?;
        } else {
            print_proof(&proof);
        }
        Ok(if proof.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn terminal(&self) -> Terminal {
        Terminal::new().with_log(shows_log(self.log))
    }

    /// Runs the proof on a real board: with photos over its link, or with captures of its own camera.
    fn attached(&self, debug_probes: &DebugProbes, target: &BoardTarget, trained: &Trained) -> Result<Proof> {
        let input = trained.model.model().input();
        let photos = if self.what.has_photos() { self.what.read(input)? } else { Vec::new() };
        let mut device = target.connection.open(debug_probes, target.board, &mut self.terminal())?;
        check_model(trained, target.board, device.identity())?;
        let captures = ProofInputs::Captures(self.captures.unwrap_or(CAPTURES));
        let pictures = if photos.is_empty() { captures } else { ProofInputs::Inputs(&photos) };
        let proof = prove_with_progress(trained, &mut device, pictures)?;
        if proof.repeated > 0 {
            note(&format!("asked again for {} answers that were lost on the link", proof.repeated));
        }
        Ok(proof)
    }
}

/// Proves with a progress bar.
pub(super) fn prove_with_progress(
    trained: &Trained,
    device: &mut dyn InferenceDevice,
    pictures: ProofInputs<'_>,
) -> Result<Proof> {
    let bar = progress(pictures.len() as u64, "proving");
    let proof = prove(&trained.model, device, pictures, || bar.inc(1))?;
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
            first.location,
            first.index,
            value(first.host),
            value(first.board)
        );
    }
    say!("{}", proof.verdict());
}
