//! The bundled network that the automatic choice continues from.

use std::path::Path;

use pinhole_boards::board::Board;
use pinhole_core::photos::Survey;
use pinhole_core::recipe::Recipe;
use pinhole_lab::tune::Measured;
use pinhole_shared::pixels::Color;
use pinhole_train::runs::pretrained::PretrainedSource;

use super::super::changes::RecipeChanges;
use super::super::request::{NoBaseModel, RequestError};

/// Bundled networks to continue from, the most accurate first.
const BASE_MODELS: [&str; 3] = ["conv-96", "conv-50", "conv-50-tiny"];

/// Longest modeled time of an inference on the board, ms.
const LONGEST_MS: f64 = 1000.0;

/// A network to continue from.
pub(super) struct BaseModel {
    /// Name or path, as the user knows it.
    pub name: String,
    pub source: PretrainedSource,
    /// Color to train in, if it is not the network's own.
    pub color: Option<Color>,
    /// True if the user named it.
    pub is_given: bool,
}

impl BaseModel {
    /// The user has named the network.
    pub(super) fn given(path: &Path, source: PretrainedSource) -> Self {
        Self { name: path.display().to_string(), source, color: None, is_given: true }
    }

    /// Returns the first bundled network that fits the board with the photos' classes and colors, and that can have the changes
    /// that the user asked for; without a board, the first that can.
    ///
    /// # Errors
    /// [`RequestError::NoBaseModel`] if none fits, [`RequestError::Recipe`] if none can have the changes.
    pub(super) fn find(survey: &Survey, board: Option<Board>, asked: &RecipeChanges) -> Result<Self, RequestError> {
        let colors: &[Color] = match asked.color {
            Some(Color::Gray) => &[Color::Gray],
            Some(Color::Rgb) => &[Color::Rgb],
            None if survey.is_colored() => &[Color::Rgb, Color::Gray],
            None => &[Color::Gray],
        };
        let classes: Vec<String> = survey.classes.iter().map(|(class, _)| class.clone()).collect();
        let (mut refused, mut is_too_large) = (None, false);
        for name in BASE_MODELS {
            let source = PretrainedSource::bundled(name)?;
            let recipe = match asked.apply(&source.pretrained.recipe, name) {
                Ok(recipe) => recipe,
                Err(reason) => {
                    refused = refused.or(Some(reason));
                    continue;
                }
            };
            for &color in colors {
                let mut recipe = recipe.clone();
                recipe.input.color = color;
                if board.map_or(Ok(true), |board| fits(&recipe, &classes, board))? {
                    let color = (color != source.pretrained.recipe.input.color).then_some(color);
                    return Ok(Self { name: name.to_owned(), source, color, is_given: false });
                }
                is_too_large = true;
            }
        }
        Err(match (board, refused) {
            (Some(board), _) if is_too_large => NoBaseModel { board: board.name() }.into(),
            (_, Some(reason)) => reason.into(),
            (_, None) => unreachable!("a network that is not refused fits, or is too large for the board"),
        })
    }
}

/// Returns true if a network of this recipe fits the board's memory, and its inference takes at most [`LONGEST_MS`] as modeled.
fn fits(recipe: &Recipe, classes: &[String], board: Board) -> Result<bool, RequestError> {
    let measured = Measured::of(recipe, classes, Some(board))?;
    Ok(measured.fits_board && measured.cost.time_ms.is_none_or(|time| time <= LONGEST_MS))
}
