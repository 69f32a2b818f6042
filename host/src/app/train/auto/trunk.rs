//! The bundled network that the automatic choice continues from.

use std::path::Path;

use pinhole_boards::board::Board;
use pinhole_boards::budget::predict::predict;
use pinhole_boards::budget::{Requirements, shortfalls};
use pinhole_core::photos::Survey;
use pinhole_core::recipe::Recipe;
use pinhole_lab::tune::untrained;
use pinhole_shared::pixels::Color;
use pinhole_train::runs::pretrained::PretrainedSource;

use super::super::changes::RecipeChanges;
use super::super::request::{NoTrunk, RequestError};

/// Bundled networks to continue from, the most accurate first.
const TRUNKS: [&str; 3] = ["conv-96", "conv-50", "conv-50-tiny"];

/// Longest modeled time of an inference on the board, ms.
const LONGEST_MS: f64 = 1000.0;

/// A network to continue from.
pub(super) struct Trunk {
    pub source: PretrainedSource,
    /// Color to train in, if it is not the network's own.
    pub color: Option<Color>,
    /// True if the user named it.
    pub is_given: bool,
}

impl Trunk {
    /// The user has named the network.
    pub(super) fn given(source: PretrainedSource) -> Self {
        Self { source, color: None, is_given: true }
    }

    /// Returns the first network that fits the board with the photos' classes and colors; without a board, the first.
    ///
    /// # Errors
    /// [`RequestError::NoTrunk`] if none fits.
    pub(super) fn find(survey: &Survey, board: Option<Board>, asked: &RecipeChanges) -> Result<Self, RequestError> {
        let colors: &[Color] = match asked.color {
            Some(Color::Gray) => &[Color::Gray],
            Some(Color::Rgb) => &[Color::Rgb],
            None if survey.is_colored() => &[Color::Rgb, Color::Gray],
            None => &[Color::Gray],
        };
        let classes: Vec<String> = survey.classes.iter().map(|(class, _)| class.clone()).collect();
        for name in TRUNKS {
            let source = PretrainedSource::read(Path::new(name))?;
            for &color in colors {
                let mut recipe = asked.apply(&source.pretrained.recipe, name)?;
                recipe.input.color = color;
                if board.map_or(Ok(true), |board| fits(&recipe, &classes, board))? {
                    let color = (color != source.pretrained.recipe.input.color).then_some(color);
                    return Ok(Self { source, color, is_given: false });
                }
            }
        }
        Err(NoTrunk { board: board.map_or("", Board::name) }.into())
    }
}

/// Returns true if a network of this recipe fits the board's memory, and its inference takes at most [`LONGEST_MS`] as modeled.
fn fits(recipe: &Recipe, classes: &[String], board: Board) -> Result<bool, RequestError> {
    let Ok(packed) = untrained(recipe, classes)?.packed(board.packing()) else { return Ok(false) };
    let (model, declared) = (packed.model(), board.declaration());
    let takes = predict(&model, declared.core).map(|work| work.time_ms(declared.clock_hz));
    let has_room = shortfalls(&Requirements::of(&model), declared).is_empty();
    Ok(has_room && takes.is_none_or(|time| time <= LONGEST_MS))
}
