//! Cost of a network on a device, known before training.

use pinhole_boards::board::Board;
use pinhole_boards::budget::predict::predict;
use pinhole_boards::budget::{Requirements, shortfalls};
use pinhole_core::model_file::{ModelFile, Packing};
use pinhole_core::photos::{Dataset, Example};
use pinhole_core::random::{Purpose, Random};
use pinhole_core::recipe::Recipe;
use pinhole_train::Network;
use pinhole_train::quantize::{ActivationBits, QuantizeError, quantize};
use serde::Serialize;

/// Cost of a model on a board, or on the board where it is highest: each board packs it for its own kernel. Flash does not depend
/// on the values of the weights; RAM may turn out a little lower.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Size of the packed model, bytes.
    pub flash_bytes: usize,
    /// RAM of one inference, bytes: see [`Requirements::ram_bytes`].
    pub ram_bytes: usize,
    /// Multiply-accumulates of one inference.
    pub macs: usize,
    /// Time of one inference on the board as modeled, ms; absent without a board, and if it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<f64>,
}

/// The cost of a model, and whether a board has room for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Its cost.
    pub cost: Cost,
    /// True if the board has room for it; true without a board.
    pub fits_board: bool,
}

/// Makes the model of a recipe without training it. Its size, memory and time on a device are those of a trained one.
///
/// # Errors
/// [`QuantizeError`] if memory cannot be allocated.
fn untrained(recipe: &Recipe, classes: &[String]) -> Result<ModelFile, QuantizeError> {
    let input = recipe.input();
    let network = Network::new(recipe, classes, 0)?;
    // Noise, for the scales of the activations: its values do not matter, but it must excite some neurons.
    let mut random = Random::stream(0, Purpose::Search);
    let noise = (0..input.bytes()).map(|_| random.below(256) as u8).collect();
    let example = Example { path: "noise".into(), class: 0, pixels: noise };
    let calibration =
        Dataset { input, classes: classes.to_vec(), examples: vec![example], warnings: Vec::new(), enlarged: 0 };
    quantize(&network, &calibration, ActivationBits::default())
}

impl Cost {
    /// Makes the untrained model of a recipe and measures it.
    ///
    /// # Errors
    /// [`QuantizeError`] if memory cannot be allocated.
    pub fn of(recipe: &Recipe, classes: &[String]) -> Result<Self, QuantizeError> {
        let file = untrained(recipe, classes)?;
        let mut cost = Self { flash_bytes: 0, ram_bytes: 0, macs: recipe.mac_count(classes.len()), time_ms: None };
        for packing in Packing::ALL {
            // Boards whose kernel has no chunk for the weights do not count: the model cannot be packed for them.
            let Ok(packed) = file.packed(packing) else { continue };
            let needs = Requirements::of(&packed.model());
            cost.flash_bytes = cost.flash_bytes.max(needs.flash_bytes);
            cost.ram_bytes = cost.ram_bytes.max(needs.ram_bytes());
        }
        Ok(cost)
    }
}

impl Measured {
    /// Makes the untrained model of a recipe and measures it: on a board, or on the board where its cost is highest.
    ///
    /// # Errors
    /// [`QuantizeError`] if memory cannot be allocated.
    pub fn of(recipe: &Recipe, classes: &[String], board: Option<Board>) -> Result<Self, QuantizeError> {
        let Some(board) = board else { return Ok(Self { cost: Cost::of(recipe, classes)?, fits_board: true }) };
        let (file, declared) = (untrained(recipe, classes)?, board.declaration());
        let packed = file.packed(board.packing());
        // A model that cannot be packed for the board still has a size.
        let model = packed.as_ref().map_or_else(|_| file.model(), |packed| packed.model());
        let needs = Requirements::of(&model);
        let cost = Cost {
            flash_bytes: needs.flash_bytes,
            ram_bytes: needs.ram_bytes(),
            macs: recipe.mac_count(classes.len()),
            time_ms: predict(&model, declared.core).map(|work| work.time_ms(declared.clock_hz)),
        };
        Ok(Self { cost, fits_board: packed.is_ok() && shortfalls(&model, declared).is_empty() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::space::SearchedKinds;
    use super::*;
    use pinhole_core::recipe::{DEFAULT, RecipeLayer};
    use pinhole_shared::pixels::{Color, InputShape};

    #[test]
    fn every_network_of_the_space_has_a_cost() {
        let classes = ["a".to_owned(), "b".to_owned()];
        // One network of each shape and activation is enough, and fast.
        let mut seen = Vec::new();
        for system in super::super::space::all(SearchedKinds::Dense, Color::Gray, 1).unwrap() {
            let layers = &system.recipe.layers;
            let shape: Vec<_> = layers
                .iter()
                .filter_map(RecipeLayer::as_dense)
                .map(|layer| (layer.outputs, layer.activation))
                .collect();
            if !seen.contains(&(system.recipe.input, shape.clone())) {
                seen.push((system.recipe.input, shape));
                let cost =
                    Cost::of(&system.recipe, &classes).unwrap_or_else(|error| panic!("{}: {error}", system.name));
                assert!(cost.flash_bytes > cost.macs, "{}: a weight is a byte", system.name);
            }
        }
        assert_eq!(seen.len(), 4 * 5 * 3 * 2);
    }

    /// The convolutional networks too, with a time; a board without room says so.
    #[test]
    fn networks_have_a_cost_on_a_board() {
        let classes = ["a".to_owned(), "b".to_owned()];
        let systems = super::super::space::all(SearchedKinds::Conv, Color::Gray, 1).unwrap();
        let (mut fit, mut times) = (0, Vec::new());
        for system in &systems {
            let measured = Measured::of(&system.recipe, &classes, Some(Board::Pico))
                .unwrap_or_else(|error| panic!("{}: {error}", system.name));
            assert!(measured.cost.flash_bytes > 1000 && measured.cost.macs > 10_000, "{}: {measured:?}", system.name);
            fit += usize::from(measured.fits_board);
            times.extend(measured.cost.time_ms);
        }
        assert_eq!(times.len(), systems.len(), "a time is not known");
        assert!(fit > 10, "{fit} of {} fit", systems.len());
        let tiny = systems.iter().find(|system| system.name == "conv-50-tiny").unwrap();
        let measured = Measured::of(&tiny.recipe, &classes, Some(Board::Pico)).unwrap();
        // 4.8 million instructions (README), at 125 MHz.
        let time = measured.cost.time_ms.unwrap();
        assert!(measured.fits_board && time > 40.0 && time < 100.0, "{measured:?}");
        let mut large = tiny.recipe.clone();
        large.input = InputShape::gray(200);
        assert!(!Measured::of(&large, &classes, Some(Board::Pico)).unwrap().fits_board);
    }

    #[test]
    fn the_default_networks_cost_by_hand() {
        let classes = ["chihuahua".to_owned(), "muffin".to_owned()];
        let cost = Cost::of(&Recipe::find(DEFAULT).unwrap(), &classes).unwrap();
        // The file is as large as the bundled one; packed, 2,500 columns are padded to 2,504, and 2 rows to 4.
        let bundled_path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/models/drawn/model.pinhole");
        let filled_up = 4 * 128 + 2 * 16;
        assert_eq!(cost.flash_bytes as u64, std::fs::metadata(bundled_path).unwrap().len() + filled_up);
        // A chunk of 512 columns on the Cortex-M0+ takes three words for two columns.
        assert_eq!(cost.ram_bytes, 2500 + 50 * 8 + 128 * 4 + 128 * 2 + 512 / 2 * 3 * 4);
        assert_eq!(cost.macs, 322_080);
    }
}
