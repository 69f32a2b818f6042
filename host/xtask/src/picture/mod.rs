//! `cargo xtask picture`: README's picture, made with the bundled model and the bundled synthetic pictures.
//!
//! | module | content |
//! |---|---|
//! | `svg` | boxes, text and images -> the bytes of an SVG file |
//! | `terminal` | a screen of cells -> SVG |
//! | `panels` | evaluation, a captured frame and a proof -> the picture's three parts |

mod panels;
mod svg;
mod terminal;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use miette::{IntoDiagnostic as _, Result};
use pinhole::artifacts::write_file;
use pinhole::board::Board;
use pinhole::emulator::EmulatedBoard;
use pinhole::evaluate::evaluate;
use pinhole::firmware::checkout;
use pinhole::model_file::ModelFile;
use pinhole::photos;
use pinhole::prove::{ProofInputs, prove};
use svg::Svg;

/// The model: the article's network, trained on the bundled synthetic pictures.
const MODEL: &str = "data/models/drawn/model.pinhole";
/// Pictures that were not in its training data.
const PICTURES: &str = "data/validation";
/// The file shown in README.
const FILE: &str = "docs/pinhole.svg";

/// `cargo xtask picture`.
#[derive(Debug, Args)]
pub(super) struct PictureCommand;

impl PictureCommand {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let checkout = checkout()?;
        let model_path = checkout.join(MODEL);
        let model = ModelFile::read(&model_path)?;
        let classes: Vec<String> = model.model().class_names().map(str::to_owned).collect();
        let dataset = photos::load(&checkout.join(PICTURES), model.model().input(), Some(&classes))?;
        let evaluation = evaluate(None, &model, &dataset).into_diagnostic()?;
        let paths: Vec<PathBuf> = dataset.examples.iter().map(|example| example.path.clone()).collect();
        let mut board = EmulatedBoard::start(Board::default(), &model_path)?;
        let proof = prove(&model, &mut board, ProofInputs::Photos(&paths), || ())?;
        let screen = panels::watch(&model, &mut board, &paths[..3])?;

        let mut picture = Svg::new(1200, 640);
        panels::report(&mut picture, &model, &dataset, &evaluation);
        picture.window((470, 20, 710, 470), "pinhole watch drawn data/validation --board qemu");
        terminal::cells(&mut picture, (486, 62), &screen);
        picture.window((470, 510, 710, 110), "pinhole prove drawn data/validation --board qemu");
        picture.mono((490, 575), svg::LIGHT, &proof.verdict());
        picture.mono((490, 599), svg::DIM, "(an emulated board; synthetic pictures)");
        let path = checkout.join(FILE);
        write_file(&path, picture.finish().as_bytes())?;
        println!("{}", Path::new(FILE).display());
        Ok(ExitCode::SUCCESS)
    }
}
